"""Parts of months, quotients and ages that the guidelines leave to the caseworker: blank where it makes a difference, and only there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules import Rulebook, assess
from rules.assessment import Assessment, Line
from rules.facts import CaseFile
from rules.money import ore
from rules.norm import Quotients

SINGLE = {"ref": "applicant", "role": "applicant", "personnummer": "199001012385"}
DIVISOR, ROUNDING = "value: days_of_month", "value: whole_krona"
AGE, COMMON = "value: first_of_month", "value: whole_member"
LEFT = "norm.left_to_caseworker"


@pytest.fixture
def line(case_with: Callable[..., CaseFile], load: Callable[[str, str], Rulebook]) -> Callable[..., Line]:
    """Return a norm line of a household of December 2026 under guidelines that leave one term open."""

    def find(left: str, key: str, *children: dict[str, Any], others: int | None = 0) -> Line:
        members = [{"ref": f"child-{number}", "role": "child"} | one for number, one in enumerate(children, 1)]
        household = "application/household"
        case = case_with(
            {f"{household}/members": [SINGLE, *members], f"{household}/civil_status": "single", f"{household}/others_in_home": others}
        )
        result: Assessment = assess(case, load(left, "value: caseworker"))
        return next(one for one in result.lines if one.key == key)

    return find


def found(line: Line) -> int | tuple[str, int, int | None] | None:
    """Return the amount in kronor, or why there is none and its bounds."""
    if line.blank is None:
        return None if line.amount is None else line.amount // ore(1)
    return line.blank.reason, line.blank.low // ore(1), None if line.blank.high is None else line.blank.high // ore(1)


CASES = [
    # what, term, line, child, others, expected
    ("part of a month", DIVISOR, "norm.child-1", {"birth_date": "2018-03-02", "days_in_home": 15}, (LEFT, 0, 3820)),
    ("no day", DIVISOR, "norm.child-1", {"birth_date": "2018-03-02", "days_in_home": 0}, 0),
    ("the whole month", DIVISOR, "norm.child-1", {"birth_date": "2018-03-02", "days_in_home": 31}, 3820),
    ("unknown days", DIVISOR, "norm.child-1", {"birth_date": "2018-03-02", "residence": "half_time"}, ("norm.days_unknown", 0, 3820)),
    ("a part that is no whole krona", ROUNDING, "norm.child-1", {"birth_date": "2018-03-02", "days_in_home": 15}, (LEFT, 1848, 1849)),
    ("no part to round", ROUNDING, "norm.child-1", {"birth_date": "2018-03-02", "days_in_home": 31}, 3820),
    ("a birthday in the month", AGE, "norm.child-1", {"birth_date": "2012-12-31", "days_in_home": 31}, 4390),
    ("a new band in the month", AGE, "norm.child-1", {"birth_date": "2011-12-31", "days_in_home": 31}, (LEFT, 4390, 4960)),
    ("a new band the day after", AGE, "norm.child-1", {"birth_date": "2012-01-01", "days_in_home": 31}, 4390),
    ("born in the month", AGE, "norm.child-1", {"birth_date": "2026-12-05", "days_in_home": 26}, ("norm.born_in_month", 0, 2740)),
    ("of unknown age", AGE, "norm.child-1", {"days_in_home": 31}, ("norm.age_unknown", 0, 5000)),
    ("a child of part of the month", COMMON, "norm.common", {"birth_date": "2018-03-02", "days_in_home": 15}, (LEFT, 1280, 1410)),
    ("a child of the whole month", COMMON, "norm.common", {"birth_date": "2018-03-02", "days_in_home": 31}, 1410),
    ("a child of unknown days", COMMON, "norm.common", {"birth_date": "2018-03-02"}, ("norm.members_unknown", 705, 1410)),
]


@pytest.mark.parametrize(("what", "left", "key", "child", "expected"), CASES, ids=[f"{row[1][7:]}: {row[0]}" for row in CASES])
def test_a_term_left_to_the_caseworker_is_blank_where_it_makes_a_difference(
    *, what: str, left: str, key: str, child: dict[str, Any], expected: int | tuple[str, int, int], line: Callable[..., Line]
) -> None:
    assert found(line(left, key, child)) == expected


@pytest.mark.parametrize(
    ("others", "expected"), [(0, 1280), (1, 705), (2, (LEFT, 596, 597)), (None, ("case.others_in_home", 0, 1280))], ids=str
)
def test_a_share_of_the_common_costs_is_blank_where_rounding_makes_a_difference(
    others: int | None, expected: int | tuple[str, int, int], line: Callable[..., Line]
) -> None:
    assert found(line(ROUNDING, "norm.common", others=others)) == expected


def test_the_trace_says_that_the_guidelines_leave_it_to_the_caseworker(line: Callable[..., Line]) -> None:
    trace = line(DIVISOR, "norm.child-1", {"birth_date": "2018-03-02", "days_in_home": 15}).trace

    assert ("guidelines.settings.part_month_divisor", "caseworker") in [(used.name, used.value) for used in trace.parameters]
    assert trace.because.endswith("riktlinjerna lämnar beräkningen till handläggaren")


@pytest.mark.parametrize(
    ("rounding", "third", "half"),
    [("whole_krona", 59700, 70600), ("ore", 59667, 70550), ("krona_down", 59600, 70500), ("krona_up", 59700, 70600)],
)
def test_quotients_are_rounded_as_said(rounding: str, third: int, half: int) -> None:
    quotients = Quotients(31, rounding, ())

    assert [quotients.share(ore(1790), 1, 3), quotients.share(ore(1411), 1, 2)] == [third, half]
    assert quotients.share(ore(1790), 3, 3) == ore(1790)
