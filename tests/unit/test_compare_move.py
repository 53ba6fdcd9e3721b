"""A case moved to another month is the same household with the same circumstances, only earlier or later."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from compare_cases import GUIDELINES, case, case_data

import rules
from robot.compare import Change, compare_case
from robot.compare_move import moved
from rules import Rulebook
from rules.assessment import Outcome, Proposal
from rules.facts import CaseFile
from rules.money import Ore
from rules.month import Month

ROOT_EXAMPLE = GUIDELINES.parents[2] / "docs" / "examples" / "case-complete.json"


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return rules.load_rulebook(GUIDELINES)


def parsed(data: dict[str, Any]) -> CaseFile:
    return CaseFile.model_validate_json(json.dumps(data))


@pytest.fixture
def example() -> CaseFile:
    return CaseFile.model_validate_json(ROOT_EXAMPLE.read_bytes())


def test_a_case_moved_to_its_own_month_is_itself(example: CaseFile, book: Rulebook) -> None:
    assert moved(example, example.application.month, book) is example


@pytest.mark.parametrize("month", ["2025-04", "2025-06", "2025-07", "2025-12", "2026-03", "2026-08", "2026-11"])
def test_every_date_moves_along_so_that_the_same_case_gets_the_same_proposal(example: CaseFile, book: Rulebook, month: str) -> None:
    result = rules.assess(moved(example, Month.parse(month), book), book)

    here = rules.assess(example, book)
    assert (result.month, result.proposal) == (Month.parse(month), Proposal.BIFALL)
    assert [line.key for line in result.lines] == [line.key for line in here.lines]
    assert [line.amount for line in result.lines if line.section == "income"] == [
        line.amount for line in here.lines if line.section == "income"
    ]


def test_a_child_too_young_then_for_what_the_case_tells_is_left_to_the_caseworker(example: CaseFile, book: Rulebook) -> None:
    """Born in March 2018 and six years old in February 2025, when the norm asks about lunch, which the case had no reason to say."""
    row = compare_case(example, Change(book, book, Month(2025, 2)))

    assert row.after.reasons == ("Riksnorm för barn: det framgår inte om barnet äter lunch hemma",)


def test_another_years_norm_is_the_whole_difference(example: CaseFile, book: Rulebook) -> None:
    row = compare_case(example, Change(book, book, Month(2025, 12)))

    assert row.before.known == Ore(434_500)
    assert row.after.known == Ore(424_500)


def test_persons_keep_their_births_and_amounts_stay(example: CaseFile, book: Rulebook) -> None:
    there = moved(example, Month(2024, 12), book)

    assert [(one.personnummer, one.birth_date) for one in there.application.household.members] == [
        (one.personnummer, one.birth_date) for one in example.application.household.members
    ]
    assert there.application.costs == example.application.costs
    assert [[payment.net for payment in answer.payments] for answer in there.registers] == [
        [payment.net for payment in answer.payments] for answer in example.registers
    ]


def test_the_last_day_of_a_month_stays_the_last_day(example: CaseFile, book: Rulebook) -> None:
    assert example.today == date(2026, 11, 30)

    assert moved(example, Month(2026, 3), book).today == date(2026, 2, 28)
    assert moved(example, Month(2027, 1), book).today == date(2026, 12, 31)


def test_a_late_evening_stays_on_its_day_in_summer_time_too(book: Rulebook) -> None:
    data = case_data(1)
    data["application"]["received_at"] = "2026-11-20T23:30:00+01:00"

    received = moved(parsed(data), Month(2026, 8), book).application.received_at

    assert received.isoformat() == "2026-07-20T23:30:00+02:00"


def test_a_day_at_the_end_of_the_calendar_stays(book: Rulebook) -> None:
    data = case_data(1)
    for answer in data["registers"]:
        for payment in answer.get("payments", []):
            payment["covers_to"] = "9999-12-31"

    answers = moved(parsed(data), Month(2027, 3), book).registers

    assert {payment.covers_to for answer in answers for payment in answer.payments} == {date.max}


def small_child(norm_row: str, *, days: int, born: str = "2023-06-01") -> CaseFile:
    """A single parent with a small child, whose norm row of last month tells about lunch and days."""
    data = case_data(1, children=1)
    child = data["application"]["household"]["members"][1]
    child |= {"birth_date": born, "days_in_home": days}
    data["history"]["previous_calculation"]["norms"] = [{"ref": "child-1", "amount": norm_row}]
    data["history"]["previous_calculation"]["need"] = "12000.00"
    return parsed(data)


def test_what_last_months_norm_row_tells_about_lunch_is_true_in_another_year_too(book: Rulebook) -> None:
    here = small_child("2720.00", days=31)
    assert next(line.amount for line in rules.assess(here, book).lines if line.key == "norm.child-1") == Ore(272_000)

    there = rules.assess(moved(here, Month(2025, 12), book), book)

    assert next(line.amount for line in there.lines if line.key == "norm.child-1") == Ore(303_000), "two years old, lunch at home"
    assert not [flag for flag in there.flags if flag.code == "case.household_changed"]


def test_a_child_here_part_of_the_month_is_no_changed_household_in_another_year(book: Rulebook) -> None:
    here = small_child("1910.00", days=15, born="2018-03-02")
    assert not [flag for flag in rules.assess(here, book).flags if flag.code == "case.household_changed"]

    there = moved(here, Month(2025, 12), book)

    previous = there.history.previous_calculation
    assert previous is not None
    assert previous.norms[0].amount == Ore(189_500), "15 of 30 days of 3 790 kr"
    assert not [flag for flag in rules.assess(there, book).flags if flag.code == "case.household_changed"]


def test_a_norm_row_that_the_rules_cannot_explain_stays_as_it_was_written(book: Rulebook) -> None:
    previous = moved(small_child("1234.00", days=15), Month(2025, 12), book).history.previous_calculation

    assert previous is not None
    assert previous.norms[0].amount == Ore(123_400)


def test_a_child_here_all_month_is_here_all_month_whatever_its_length(book: Rulebook) -> None:
    there = moved(case(1, children=1), Month(2026, 2), book)

    assert there.application.household.members[1].days_in_home == 28
    assert moved(there, Month(2026, 3), book).application.household.members[1].days_in_home == 31


def test_a_case_that_stops_before_it_is_computed_stops_in_the_other_month_too(book: Rulebook) -> None:
    data = case_data(1)
    data["application"]["protected"] = True

    assert rules.assess(moved(parsed(data), Month(2025, 12), book), book).outcome is Outcome.STOP


def test_a_month_without_amounts_is_told_as_the_reason(example: CaseFile, book: Rulebook) -> None:
    row = compare_case(example, Change(book, book, Month(2027, 1)))

    assert row.after.known is None
    assert "Riksnormens belopp för månaden är inte kända, eller inte alla" in row.after.reasons
