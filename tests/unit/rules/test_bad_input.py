"""Facts that cannot be, as case files: right, blank with its reason, a stop, or refused with the field's path; never a guess.

The persons are made up; their numbers have the check digits that they say they have.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from bad_input import BLANK, CHILD, MEMBERS, REFUSED, STOPPED, Changes
from pydantic import ValidationError

from rules.assessment import Assessment, Outcome
from rules.facts import CaseFile
from rules.money import ore


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_fact_can_be_is_refused_with_its_path(name: str, case_with: Callable[..., CaseFile]) -> None:
    changes, path = REFUSED[name]

    with pytest.raises(ValidationError) as refused:
        case_with(changes)

    assert path in {".".join(str(step) for step in problem["loc"]) for problem in refused.value.errors()}


@pytest.mark.parametrize("name", BLANK)
def test_what_cannot_be_counted_is_a_blank_that_says_why_and_how_much(name: str, assess_with: Callable[..., Assessment]) -> None:
    changes, key, reason, low, high = BLANK[name]
    result = assess_with(changes)
    blank = next(line.blank for line in result.lines if line.key == key)

    assert blank is not None
    assert (blank.reason, blank.low, blank.high) == (reason, ore(low or "0"), None if high is None else ore(high))
    assert reason in {flag.code for flag in result.flags}
    assert result.proposal is None


@pytest.mark.parametrize("name", STOPPED)
def test_an_application_that_is_no_application_of_a_household_goes_to_a_person_at_once(
    name: str, assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(STOPPED[name])

    assert result.outcome is Outcome.STOP
    assert [flag.code for flag in result.flags] == ["stop.unreadable"]
    assert result.lines == ()


@pytest.mark.parametrize(
    ("number", "flagged"),
    [
        ("199001012385", False),
        ("199001012386", True),
        ("199001612382", False),
        ("199001612383", True),
        ("000000000000", False),
        ("199013452389", False),
    ],
)
def test_a_wrong_check_digit_is_flagged_and_takes_the_proposal_away(
    number: str, flagged: bool, assess_with: Callable[..., Assessment]
) -> None:
    """A coordination number has 60 added to the day, and its check digit is made of that."""
    result = assess_with({f"{MEMBERS}/applicant/personnummer": number, f"{MEMBERS}/applicant/birth_date": "1990-01-01"})

    assert ("case.unrecognised", "applicant.personnummer") in {(flag.code, flag.key) for flag in result.flags} or not flagged
    assert (result.proposal is None) is flagged


@pytest.mark.parametrize(("number", "band"), [("201803022381", "7-10"), ("201803622388", "7-10"), ("202612022380", None), (None, None)])
def test_a_childs_age_is_in_its_number_or_unknown(number: str | None, band: str | None, assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"{MEMBERS}/child-1/personnummer": number, f"{MEMBERS}/child-1/birth_date": None})
    line = next(line for line in result.lines if line.key == "norm.child-1")

    assert [used.name for used in line.trace.parameters if used.name.startswith("riksnorm.child.") and line.amount] == (
        [f"riksnorm.child.{band}"] if band else []
    )
    assert (line.amount is None) is (band is None)


@pytest.mark.parametrize("number", ["199013452389", "199002302389", "000000000000"])
def test_a_number_that_names_no_day_gives_no_age(number: str, assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"{MEMBERS}/applicant/personnummer": number})

    assert ("case.missing_fact", "applicant.birth_date") in {(flag.code, flag.key) for flag in result.flags}
    assert result.proposal is None


def test_twins_are_two_children(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"{MEMBERS}/+": CHILD})
    one, other = (line.amount for line in result.lines if line.key in ("norm.child-1", "norm.child-2"))

    assert one == other == ore("3820.00")


def test_a_child_born_in_the_month_is_never_given_a_whole_months_amount(assess_with: Callable[..., Assessment]) -> None:
    for born in ("2026-12-02", "2026-12-31"):
        result = assess_with({f"{MEMBERS}/child-1/birth_date": born})
        line = next(line for line in result.lines if line.key == "norm.child-1")
        assert line.blank is not None
        assert result.proposal is None


def test_a_child_that_a_register_calls_deceased_is_for_a_person(assess_with: Callable[..., Assessment]) -> None:
    told = {
        "person": "child-1",
        "source": "SKV",
        "status": "answered",
        "fetched_at": "2026-11-30T06:00:00+01:00",
        "facts": {"deceased": True},
    }
    result = assess_with({"registers/+": told})

    assert ("register.deceased", "child-1.SKV") in {(flag.code, flag.key) for flag in result.flags}
    assert result.proposal is None


def test_thirty_members_are_counted_and_the_common_costs_grow_with_each(assess_with: Callable[..., Assessment]) -> None:
    def common(children: int) -> int:
        members: list[Changes] = [
            {"ref": "applicant", "role": "applicant", "personnummer": "199001012385"},
            {"ref": "co_applicant", "role": "co_applicant", "personnummer": "199102022390"},
            *(copy.deepcopy(CHILD) | {"ref": f"child-{number}"} for number in range(1, children + 1)),
        ]
        result = assess_with({MEMBERS: members})
        return next(line.amount or 0 for line in result.lines if line.key == "norm.common")

    assert common(28) - common(27) == common(7) - common(6) > 0


def test_a_payment_of_a_day_far_from_the_month_is_no_income_of_it(assess_with: Callable[..., Assessment]) -> None:
    for day in ("0001-01-01", "9999-12-31"):
        result = assess_with({"registers/applicant.FK/payments/+": _paid(day)})
        assert "income.Sjukpenning.applicant" not in {line.key for line in result.lines}


def _paid(day: str) -> Changes:
    return {"benefit": "Sjukpenning", "net": "900.00", "currency": "SEK", "other_deductions": "0.00", "paid_on": day}
