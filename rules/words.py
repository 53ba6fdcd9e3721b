"""Reviewed words and phrases in the applicant's own text: which flags does a text raise?"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rules.strict_yaml import Place, RulebookError, read_file

FILE = Path(__file__).parent / "parameters" / "words.yaml"
FLAGS = (
    "urgent.eviction",
    "urgent.no_food",
    "urgent.no_medicine",
    "urgent.violence",
    "urgent.child_in_danger",
    "urgent.homeless",
    "case.debt",
)
_BARRIER = re.compile(r"[.,;:!?()]+|\n\s*\n")
_NOT_A_WORD = re.compile(r"[^\w|]+|_+")
_SPACE_BEFORE = "(?<= )"
_UP_TO_TWO_WORDS = r"(?:\w+ ){0,2}"
_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class WordList:
    """What raises one flag."""

    words: frozenset[str]
    phrases: re.Pattern[str]
    unless: re.Pattern[str]

    def found_in(self, text: str) -> bool:
        """Say whether a text, already made plain, has one of the words or phrases outside of every `unless`."""
        text = self.unless.sub("| ", text)
        return not self.words.isdisjoint(text.split()) or self.phrases.search(text) is not None


@dataclass(frozen=True, slots=True)
class WordLists:
    """All lists, by the flag they raise."""

    lists: Mapping[str, WordList]
    hash: str

    def flags_in(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the codes that any of the texts raises, in the order of the file."""
        plain = [_plain(text) for text in texts if text.strip()]
        return tuple(code for code, words in self.lists.items() if any(words.found_in(text) for text in plain))


def _plain(text: str) -> str:
    """Return the text in small letters, one space around every word, `|` where a phrase must not reach over."""
    small = unicodedata.normalize("NFC", text).casefold().replace("|", " ")
    return f" {_NOT_A_WORD.sub(' ', _BARRIER.sub(' | ', small)).strip()} "


def read_words(path: Path = FILE) -> WordLists:
    """Return the lists of words.yaml. Raises RulebookError."""
    top, raw = read_file(path, "rules/parameters/words.yaml")
    lists = top.fields(required=FLAGS)
    return WordLists(MappingProxyType({code: _word_list(lists[code]) for code in FLAGS}), hashlib.sha256(raw).hexdigest())


def _word_list(place: Place) -> WordList:
    fields = place.fields(required=("source", "words", "phrases", "unless"))
    fields["source"].text()
    return WordList(
        words=frozenset(_word(item, item.text()) for item in fields["words"].items()),
        phrases=_pattern(fields["phrases"]),
        unless=_pattern(fields["unless"]),
    )


def _pattern(place: Place) -> re.Pattern[str]:
    phrases = [_phrase(item) for item in place.items()]
    return re.compile(_SPACE_BEFORE + f"(?:{'|'.join(phrases)})") if phrases else _NEVER


def _phrase(place: Place) -> str:
    out = ""
    for token in place.text().split():
        if token == "..":  # noqa: S105 - a mark in a phrase, no secret
            out += _UP_TO_TWO_WORDS
        else:
            out += f"(?:{'|'.join(_word(place, word) for word in token.split('/'))}) "
    return out


def _word(place: Place, word: str) -> str:
    if not word.isalnum() or word != unicodedata.normalize("NFC", word).casefold():
        raise _not_a_word(place, word)
    return word


def _not_a_word(place: Place, word: str) -> RulebookError:
    return place.error(f"`{word}` is not one word in small letters")
