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
_BETWEEN = ".."
_UP_TO_TWO_WORDS = r"(?:\w+ ){0,2}"
_NEVER = "(?!)"

Groups = Mapping[str, tuple[str, ...]]
"""Words that several phrases share, by the group's name."""


@dataclass(frozen=True, slots=True)
class WordList:
    """What raises one flag. `phrases` and `unless` are patterns, compiled by `re` when the first text needs them.

    `first_words` = those that a phrase can begin with: a text with none of them has no phrase either.
    """

    words: frozenset[str]
    first_words: frozenset[str]
    phrases: str
    unless: str

    def found_in(self, text: str) -> bool:
        """Say whether a text, already made plain, has one of the words or phrases outside of every `unless`.

        What is found outside of them is found in the whole text too, since no phrase reaches over `|`: the whole is looked at first.
        """
        return self._says(text) and self._says(re.sub(self.unless, "| ", text))

    def _says(self, text: str) -> bool:
        there = text.split()
        if not self.words.isdisjoint(there):
            return True
        return not self.first_words.isdisjoint(there) and re.search(self.phrases, text) is not None


@dataclass(frozen=True, slots=True)
class WordLists:
    """All lists, by the flag they raise."""

    lists: Mapping[str, WordList]
    hash: str
    any_word: frozenset[str]
    """Every word, and every first word of a phrase: most texts have none of them, and that is quickly seen."""

    def flags_in(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the codes that any of the texts raises, in the order of the file."""
        plain = [_plain(text) for text in texts if text]
        plain = [text for text in plain if not self.any_word.isdisjoint(text.split())]
        if not plain:
            return ()
        return tuple(code for code, words in self.lists.items() if any(words.found_in(text) for text in plain))


def _plain(text: str) -> str:
    """Return the text in small letters, one space around every word, `|` where a phrase must not reach over."""
    small = unicodedata.normalize("NFC", text).casefold().replace("|", " ")
    return f" {_NOT_A_WORD.sub(' ', _BARRIER.sub(' | ', small)).strip()} "


def read_words(path: Path = FILE) -> WordLists:
    """Return the lists of words.yaml. Raises RulebookError."""
    top, raw = read_file(path, "rules/parameters/words.yaml")
    lists = top.fields(required=(*FLAGS, "groups"))
    groups = {name: tuple(_word(item, item.text()) for item in place.items()) for name, place in lists["groups"].table().items()}
    found = {code: _word_list(lists[code], groups) for code in FLAGS}
    any_word = frozenset(word for one in found.values() for word in one.words | one.first_words)
    return WordLists(MappingProxyType(found), hashlib.sha256(raw).hexdigest(), any_word)


def _word_list(place: Place, groups: Groups) -> WordList:
    fields = place.fields(required=("source", "words", "phrases", "unless"))
    fields["source"].text()
    return WordList(
        words=frozenset(_word(item, item.text()) for item in fields["words"].items()),
        first_words=frozenset(word for item in fields["phrases"].items() for word in _first_words(item, groups)),
        phrases=_pattern(fields["phrases"], groups),
        unless=_pattern(fields["unless"], groups),
    )


def _pattern(place: Place, groups: Groups) -> str:
    phrases = [_phrase(item, groups) for item in place.items()]
    return f"{_SPACE_BEFORE}(?:{'|'.join(phrases)})" if phrases else _NEVER


def _phrase(place: Place, groups: Groups) -> str:
    out = ""
    for token in place.text().split():
        out += _UP_TO_TWO_WORDS if token == _BETWEEN else f"(?:{'|'.join(_either(place, token, groups))}) "
    return out


def _first_words(place: Place, groups: Groups) -> list[str]:
    """Return the words that a phrase can begin with; where it begins with `..`, those that come after."""
    token = next((token for token in place.text().split() if token != _BETWEEN), None)
    if token is None:
        raise place.error("a phrase needs a word")
    return _either(place, token, groups)


def _either(place: Place, token: str, groups: Groups) -> list[str]:
    return [word for part in token.split("/") for word in _words(place, part, groups)]


def _words(place: Place, part: str, groups: Groups) -> tuple[str, ...]:
    """Return the words of a group, written `<group>`, or the one word itself."""
    if not (part.startswith("<") and part.endswith(">")):
        return (_word(place, part),)
    if part[1:-1] not in groups:
        raise place.error(f"there is no group `{part}` under `groups`")
    return groups[part[1:-1]]


def _word(place: Place, word: str) -> str:
    if not word.isalnum() or word != unicodedata.normalize("NFC", word).casefold():
        raise _not_a_word(place, word)
    return word


def _not_a_word(place: Place, word: str) -> RulebookError:
    return place.error(f"`{word}` is not one word in small letters")
