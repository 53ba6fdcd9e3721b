"""The scenario files themselves: a wrong expectation is noticed, and so is a misspelt word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scenario_books import GUIDELINES, assessed, outcome
from scenario_cases import case_file
from scenario_checks import differences, sums
from scenario_files import FOLDER, base, merge, read, scenarios

from rules import Rulebook, load_rulebook

BY_ID = {one.id: one for one in scenarios()}
WITH_A_BLANK = BY_ID["kostnad-el-hojd-ett-ore-mer"]
RIGHT = "blank 0..392.01 cost.changed"
WRONG: dict[str, dict[str, Any]] = {
    "an amount": {"lines": {"El": RIGHT, "Hyra": "6000.01"}},
    "a line that is not there": {"lines": {"El": RIGHT, "Bredband": "300"}},
    "a line that should not be there": {"lines": {"El": RIGHT, "Hyra": "none"}},
    "a blank's lower bound": {"lines": {"El": "blank 1..392.01 cost.changed"}},
    "a blank's upper bound": {"lines": {"El": "blank 0..392 cost.changed"}},
    "a blank's reason": {"lines": {"El": "blank 0..392.01 cost.new"}},
    "a blank that is an amount": {"lines": {"El": RIGHT, "Hyra": "blank 0..6000 cost.changed"}},
    "a blank that nobody expects": {"lines": {}},
    "the sums": {"sums": "5220 + 6001 - 4001 = 7220"},
    "the span": {"span": "7220..7612"},
    "no span where there is one": {"span": ""},
    "the outcome": {"result": "stop"},
    "a proposal": {"result": "review BIFALL 7220"},
    "a flag too many": {"flags": ["cost.changed", "sum.blank", "cost.new"]},
    "a flag too few": {"flags": ["cost.changed"]},
    "a flag's key": {"flags": ["cost.changed cost.rent", "sum.blank"]},
    "a sentence shown": {"shown": ["Sjukpenning"]},
}
UNKNOWN: dict[str, dict[str, Any]] = {
    "a fact": {"colour": "red"},
    "a member's": {"members": {"applicant": {"bron": "1990-01-01"}}},
    "a payment's": {"paid": {"applicant FK Sjukpenning": {"net": "1", "paid": "2026-11-20", "curency": "SEK"}}},
    "a register's answer": {"registers": {"applicant FK": "unavailabel"}},
    "a register's fact": {"registers": {"applicant FK": {"desceased": "yes"}}},
    "a key with a word missing": {"paid": {"FK Sjukpenning": "1 2026-11-20"}},
    "the history": {"history": {"supplus": "1"}},
    "last month": {"previous": {"needs": "1"}},
    "a cost's": {"costs": {"rent": {"applied": "1", "prof": "yes"}}},
}


@pytest.fixture(scope="module")
def book() -> Rulebook:
    """The rulebook of the made-up municipality."""
    return load_rulebook(GUIDELINES)


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_expectation_is_noticed(what: str, book: Rulebook) -> None:
    expected = {key: value for key, value in {**WITH_A_BLANK.expected, **WRONG[what]}.items() if value}

    assert not outcome(WITH_A_BLANK, book)
    assert differences(expected, assessed(WITH_A_BLANK, book))


@pytest.mark.parametrize("what", UNKNOWN)
def test_a_misspelt_word_is_an_error_and_not_a_fact_left_out(what: str) -> None:
    case_file(base("ensam"))
    with pytest.raises((ValueError, KeyError)):
        case_file(merge(base("ensam"), UNKNOWN[what]))


def test_a_key_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("rent: 1\nrent: 2\n", "utf-8")

    with pytest.raises(ValueError, match="twice"):
        read(path)


@pytest.mark.parametrize("text", ["1 + 1 - 0 = 3", "1 + 1 = 2", "1,5 + 0 - 0 = 1,5"])
def test_sums_that_do_not_add_up_are_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"add up|write|decimal"):
        sums(text)


@pytest.mark.parametrize("path", sorted((FOLDER / "bases").glob("[!g]*.yaml")), ids=lambda path: path.stem)
def test_a_base_case_is_a_renewal_that_needs_no_person(path: Path, book: Rulebook) -> None:
    unchanged = [one for one in scenarios() if one.facts == base(path.stem)]

    assert unchanged
    assert all(str(one.expected["result"]).startswith("ok BIFALL") for one in unchanged)
