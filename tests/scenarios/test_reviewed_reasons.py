"""What is said with a line, a flag or a payment is what has been read and approved, word for word; figures are the scenarios' own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from reviewed_reasons import FILE, books, said

from rules import Rulebook

RENEW = "read the difference; if it is meant: .venv/bin/python tests/support/reviewed_reasons.py"


@pytest.fixture(scope="module")
def all_books(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str | None, Rulebook]:
    """The rulebooks of the scenarios, every variant of the guidelines read."""
    return books(tmp_path_factory.mktemp("variants"))


def test_every_sentence_that_the_rules_give_has_been_read(all_books: Mapping[str | None, Rulebook]) -> None:
    read, still_said = set(FILE.read_text("utf-8").splitlines()), set()
    for scenario, sentences in said(all_books):
        assert sentences <= read, f"new in {scenario}: {sorted(sentences - read)[:3]}; {RENEW}"
        still_said |= sentences

    assert still_said == read, f"no longer said: {sorted(read - still_said)[:3]}; {RENEW}"
