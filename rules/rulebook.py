"""The rulebook: rules, dated parameters and one municipality's guidelines, loaded once, frozen, with a hash."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rules.canonical import digest
from rules.flagging import Catalogue, read_catalogue
from rules.guideline_file import read_guidelines
from rules.guideline_values import Guidelines
from rules.law_parameters import LawParameters, read_law_parameters
from rules.legal import all_versions
from rules.words import WordLists, read_words

_PROGRAM = "bistandsrobot"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All that is not a fact of the case. Two rulebooks with one hash give the same assessment of the same facts."""

    program: str
    law: LawParameters
    guidelines: Guidelines
    flags: Catalogue
    words: WordLists
    hash: str


def load_rulebook(guidelines_path: Path) -> Rulebook:
    """Return the rulebook with the guidelines in that file. Reads files, so it is done once, at the start.

    Raises RulebookError when a file is missing or wrong: file, line, key, and what is allowed.
    """
    law, guidelines = read_law_parameters(), read_guidelines(guidelines_path)
    flags, words = read_catalogue(), read_words()
    program = f"{_PROGRAM} {_version()}"
    parts = [program, law.hash, guidelines.hash, flags.hash, words.hash, all_versions()]
    return Rulebook(program, law, guidelines, flags, words, digest(parts))


def _version() -> str:
    try:
        return metadata.version(_PROGRAM)
    except metadata.PackageNotFoundError:
        return "unknown"
