"""Jobbstimulans: a window is at most as long as the law's, and there is no right before enough months with support in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rules import Rulebook, assess
from rules.assessment import Assessment, Line
from rules.dated import Series
from rules.facts import CaseFile
from rules.money import kronor, ore
from rules.month import Month

WINDOWS = "history/jobbstimulans"
MONTHS = "history/months_in_a_row"
SALARY = "income.salary.applicant"
ENDS = "info.jobbstimulans_ends"


def window(first: str, last: str, person: str = "applicant") -> dict[str, Any]:
    return {"person": person, "from": first, "to": last}


def salary(result: Assessment) -> Line:
    return next(line for line in result.lines if line.key == SALARY)


def reason(line: Line) -> tuple[str, str, str | None] | None:
    blank = line.blank
    return None if blank is None else (blank.reason, kronor(blank.low), None if blank.high is None else kronor(blank.high))


UNKNOWN = ("income.jobbstimulans_unknown", "6375.00", "8500.00")


@pytest.mark.parametrize(
    ("first", "last", "blank"),
    [
        ("2026-03", "2028-02", None),
        ("2026-03", "2028-03", None),
        ("2026-03", "2028-04", UNKNOWN),
        ("2020-01", "2030-12", UNKNOWN),
        ("2026-11", "2026-11", None),
        ("2026-12", "2026-11", UNKNOWN),
    ],
)
def test_a_window_that_touches_more_months_than_the_laws_can_is_not_known(
    first: str, last: str, blank: tuple[str, str, str] | None, assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with({WINDOWS: [window(first, last)]})

    assert reason(salary(result)) == blank
    assert blank is not None or salary(result).amount == ore(6375)
    assert not blank or ENDS not in {flag.code for flag in result.flags}


def test_one_window_that_cannot_be_right_makes_the_persons_others_doubtful_and_nobody_elses(
    assess_with: Callable[..., Assessment],
) -> None:
    right = window("2026-03", "2028-02")
    own = assess_with({WINDOWS: [right, window("2019-01", "2021-12")]})
    others = assess_with({WINDOWS: [right, window("2019-01", "2021-12", "co_applicant")]})

    assert reason(salary(own)) == UNKNOWN
    assert salary(others).amount == ore(6375)


@pytest.mark.parametrize(
    ("months", "counts"),
    [(0, True), (5, True), (6, False), (15, False), (None, False), (-1, False)],
)
@pytest.mark.parametrize("windows", [[], [window("2026-03", "2028-02", "co_applicant")]])
def test_without_a_window_all_pay_counts_while_the_right_cannot_have_arisen(
    months: int | None, counts: bool, windows: list[dict[str, str]], assess_with: Callable[..., Assessment]
) -> None:
    line = salary(assess_with({WINDOWS: windows, MONTHS: months}))

    assert (line.amount, reason(line)) == ((ore(8500), None) if counts else (None, UNKNOWN))


def test_all_pay_that_counts_without_a_window_says_why_and_from_what(assess_with: Callable[..., Assessment]) -> None:
    trace = salary(assess_with({WINDOWS: [], MONTHS: 5})).trace

    assert trace.because == "5 månader i rad med försörjningsstöd: rätten till jobbstimulans uppkommer efter 6, så hela lönen räknas"
    assert [(used.name, used.value, used.source) for used in trace.parameters][:1] == [
        ("jobbstimulans.after_months", "6", "SoL 2025:400 12 kap. 8 §")
    ]
    assert ("history.months_in_a_row", "5") in {(fact.path, fact.value) for fact in trace.facts}


@pytest.mark.parametrize("changes", [{WINDOWS: None}, {"history/known": False}, {WINDOWS: [window("2020-01", "2030-12")]}])
def test_few_months_in_a_row_tell_nothing_where_the_window_itself_is_not_known(
    changes: dict[str, Any], assess_with: Callable[..., Assessment]
) -> None:
    assert reason(salary(assess_with({MONTHS: 2} | changes))) == UNKNOWN


def test_months_in_a_row_are_a_fact_only_where_they_were_used(assess_with: Callable[..., Assessment]) -> None:
    for windows in (None, [window("2026-03", "2028-02")]):
        assert "history.months_in_a_row" not in {fact.path for fact in salary(assess_with({WINDOWS: windows, MONTHS: 5})).trace.facts}


@pytest.mark.parametrize(("month", "numbers"), [("2013-07", None), ("2013-08", (24, 6)), ("2025-06", (24, 6)), ("2026-12", (24, 6))])
def test_the_laws_months_are_known_from_the_first_pay_they_are_for(month: str, numbers: tuple[int, int] | None, rulebook: Rulebook) -> None:
    law = rulebook.law
    found = [series.at(Month.parse(month)) for series in (law.jobbstimulans_months, law.jobbstimulans_after_months)]

    assert [one.value if one else None for one in found] == list(numbers or (None, None))


@pytest.mark.parametrize("name", ["jobbstimulans_percent", "jobbstimulans_months", "jobbstimulans_after_months"])
def test_a_number_of_the_law_that_is_not_known_leaves_all_pay_open(
    name: str, case_with: Callable[..., CaseFile], rulebook: Rulebook
) -> None:
    nothing: dict[str, Any] = {name: Series(name, ())}
    without = replace(rulebook, law=replace(rulebook.law, **nothing))

    assert reason(salary(assess(case_with(), without))) == ("sum.parameter_missing", "0.00", "8500.00")
