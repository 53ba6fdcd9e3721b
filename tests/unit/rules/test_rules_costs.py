"""Costs: approved within the cap and last month's amount, refused only by a guideline, else blank with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules.assessment import Assessment, Line
from rules.costs import changed_by_more_than
from rules.money import ore

COSTS, BEFORE = "application/costs", "history/previous_calculation/costs"


def cost(kind: str, applied: str | None, approved: str | None = None, *, proof: bool | None = None) -> dict[str, Any]:
    changes: dict[str, Any] = {f"{COSTS}/+": {"type": kind, "applied": applied, "proof": proof}}
    if approved is not None:
        changes[f"{BEFORE}/+"] = {"type": kind, "approved": approved}
    return changes


def line(result: Assessment, kind: str) -> Line:
    return next(line for line in result.lines if line.key == f"cost.{kind}")


BLANK = [
    # reason, cost, blank, and the nearest case that is approved
    ("cost.changed", "union_fee", cost("union_fee", "112.01", "100.00"), cost("union_fee", "112.00", "100.00")),
    ("cost.changed", "union_fee", cost("union_fee", "87.99", "100.00"), cost("union_fee", "88.00", "100.00")),
    ("cost.new", "union_fee", cost("union_fee", "100.00"), cost("union_fee", "100.00", "100.00")),
    ("cost.over_cap", "union_fee", cost("union_fee", "400.01", "400.00"), cost("union_fee", "400.00", "400.00")),
    ("cost.over_cap", "rent", {f"{COSTS}/rent/applied": "8200.01"}, {f"{COSTS}/rent/applied": "7728.00"}),
    ("cost.proof_needed", "medicine", cost("medicine", "200.00", "200.00"), cost("medicine", "200.00", "200.00", proof=True)),
    (
        "cost.proof_needed",
        "medical_care",
        cost("medical_care", "450.00", "450.00", proof=False),
        cost("medical_care", "450.00", "450.00", proof=True),
    ),
    ("cost.left_to_caseworker", "other", cost("other", "50.00", "50.00"), cost("internet", "50.00", "50.00")),
    ("cost.left_to_caseworker", "dental_acute", cost("dental_acute", "900.00", "900.00"), cost("internet", "300.00", "300.00")),
    ("cost.left_to_caseworker", "unknown:SAUNA", cost("unknown:SAUNA", "50.00", "50.00"), cost("internet", "50.00", "50.00")),
    ("cost.history_unknown", "electricity", {"history/known": False}, {}),
    ("cost.history_unknown", "rent", {"history/previous_calculation/month": "2026-10"}, {}),
    ("cost.unreadable", "rent", {f"{COSTS}/rent/applied": None}, {}),
    ("cost.unreadable", "rent", {f"{COSTS}/rent/applied": "-1.00"}, {}),
    ("cost.duplicate", "electricity", {f"{COSTS}/+": {"type": "electricity", "applied": "0.00"}}, {}),
]


@pytest.mark.parametrize(
    ("reason", "kind", "changes", "approved"), BLANK, ids=[f"{row[0]} {row[1]} {number}" for number, row in enumerate(BLANK)]
)
def test_a_cost_that_nothing_vouches_for_is_blank_between_nothing_and_what_is_applied_for(
    reason: str, kind: str, changes: dict[str, Any], approved: dict[str, Any], assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(changes)
    left = line(result, kind)

    assert left.blank is not None
    assert (left.blank.reason, left.blank.low, left.blank.high) == (reason, 0, None if reason == "cost.unreadable" else left.applied)
    assert (reason, f"cost.{kind}") in {(flag.code, flag.key) for flag in result.flags}
    assert result.proposal is None
    assert all(one.blank is None for one in assess_with(approved).lines)


def test_the_threshold_is_compared_exactly_not_rounded() -> None:
    assert not changed_by_more_than(12, ore("450.00"), ore("504.00"))
    assert changed_by_more_than(12, ore("450.00"), ore("504.01"))
    assert not changed_by_more_than(12, ore("450.00"), ore("396.00"))
    assert changed_by_more_than(12, ore("450.00"), ore("395.99"))
    assert changed_by_more_than(12, ore("0.00"), ore("0.01"))
    assert not changed_by_more_than(0, ore("5.00"), ore("5.00"))


def test_over_the_cap_is_approved_again_when_a_person_approved_the_same_amount(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(cost("home_insurance", "310.00", "310.00"))

    assert line(result, "home_insurance").amount == ore(310)
    assert ("info.approved_over_cap", "cost.home_insurance") in {(flag.code, flag.key) for flag in result.flags}
    assert "info.approved_over_cap" not in {flag.code for flag in assess_with(cost("home_insurance", "250.00", "250.00")).flags}


def test_only_a_guideline_refuses_and_it_says_why(assess_with: Callable[..., Assessment]) -> None:
    refused = line(assess_with(cost("travel_medical", "300.00")), "travel_medical")

    assert refused.amount == 0
    assert refused.applied == ore(300)
    assert refused.trace.because == "beviljas inte: Sjukresor ersätts av regionen"


def test_proof_that_is_missing_can_be_asked_for_and_proof_that_nobody_knows_of_cannot(assess_with: Callable[..., Assessment]) -> None:
    missing = assess_with(cost("medicine", "200.00", "200.00", proof=False))
    unknown = assess_with(cost("medicine", "200.00", "200.00", proof=None))

    assert ("info.missing_document", "cost.medicine") in {(flag.code, flag.key) for flag in missing.flags}
    assert "info.missing_document" not in {flag.code for flag in unknown.flags}


@pytest.mark.parametrize(("size", "cap"), [(1, "6500.00"), (2, "7500.00"), (7, "11800.00"), (9, "11800.00")])
def test_the_cap_follows_the_size_of_the_household(size: int, cap: str, assess_with: Callable[..., Assessment]) -> None:
    people: list[dict[str, object]] = [{"ref": "applicant", "role": "applicant", "personnummer": "199001012385"}]
    people += [{"ref": f"child-{number}", "role": "child", "birth_date": "2016-05-05", "days_in_home": 31} for number in range(1, size)]
    household = {"application/household/members": people, "application/household/civil_status": "single"}

    def reason(applied: str) -> str | None:
        found = line(
            assess_with(household | {f"{COSTS}/rent/applied": applied, f"{BEFORE}/rent/approved": applied[:-1] + "1"}), "rent"
        ).blank
        return found.reason if found else None

    assert reason(cap) is None
    assert reason(str(int(cap[:-3]) + 1) + ".00") == "cost.over_cap"


def test_internet_is_no_cost_of_its_own_in_2027(assess_with: Callable[..., Assessment]) -> None:
    january = {
        "application/month": "2027-01",
        "application/received_at": "2026-12-20T09:00:00+01:00",
        "history/previous_calculation/month": "2026-12",
    }

    left = line(assess_with(cost("internet", "249.00", "249.00") | january), "internet").blank
    assert left is not None
    assert left.reason == "cost.left_to_caseworker"


def test_several_costs_that_are_the_caseworkers_are_one_line_with_their_sum(assess_with: Callable[..., Assessment]) -> None:
    two = line(assess_with({f"{COSTS}/+": {"type": "other", "applied": "100.00"}} | {}), "other")
    assert two.applied == ore(100)
    both = {"application/costs": [{"type": "other", "applied": "100.00"}, {"type": "other", "applied": "50.00"}]}
    assert line(assess_with(both), "other").applied == ore(150)


def test_forsorjningsstod_and_livsforing_i_ovrigt_have_their_own_law(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(cost("internet", "249.00", "249.00"))

    assert line(result, "rent").trace.law == "SoL 2025:400 12 kap. 7 § 2"
    assert line(result, "internet").trace.law == "SoL 2025:400 12 kap. 1 §"


def test_a_month_without_guidelines_leaves_every_cost_to_the_caseworker(assess_with: Callable[..., Assessment]) -> None:
    early = assess_with({"application/month": "2024-12", "application/received_at": "2024-11-20T09:00:00+01:00"})

    assert {line.blank and line.blank.reason for line in early.lines if line.section == "cost"} == {"cost.left_to_caseworker"}
    assert "sum.parameter_missing" in {flag.code for flag in early.flags}


def newborn(**facts: Any) -> dict[str, Any]:
    return {"application/household/members/+": {"ref": "child-2", "role": "child", "birth_date": "2026-12-05", "days_in_home": 31} | facts}


CAPS = [
    # who is doubtful, applied, approved last month, reason; electricity: 700 kr for three, 850 kr for four
    ("nobody", {"birth_date": "2016-05-05"}, "750.00", "740.00", None),
    ("nobody", {"birth_date": "2016-05-05"}, "851.00", "850.00", "cost.over_cap"),
    ("a newborn", {}, "700.00", "690.00", None),
    ("a newborn", {}, "700.01", "690.00", "cost.left_to_caseworker"),
    ("a newborn", {}, "850.01", "840.00", "cost.over_cap"),
    ("a newborn", {}, "750.00", "750.00", None),
    ("a youth", {"birth_date": "2008-06-01"}, "750.00", "740.00", "cost.left_to_caseworker"),
    ("a youth in school", {"birth_date": "2008-06-01", "school_youth": True}, "750.00", "740.00", None),
]


@pytest.mark.parametrize(("who", "facts", "applied", "approved", "reason"), CAPS, ids=[f"{row[0]} {row[2]}" for row in CAPS])
def test_only_what_the_cap_of_the_smaller_household_allows_is_certain(
    *, who: str, facts: dict[str, Any], applied: str, approved: str, reason: str | None, assess_with: Callable[..., Assessment]
) -> None:
    changes = {f"{COSTS}/electricity/applied": applied, f"{BEFORE}/electricity/approved": approved}
    found = line(assess_with(newborn(**facts) | changes), "electricity")

    assert (found.blank.reason if found.blank else None) == reason
    assert found.blank is None or (found.blank.low, found.blank.high) == (0, ore(applied))


RENTS = [
    # who else lives there, rent now, blank or not; 6 900 kr was approved last month
    ("a child born in the month", newborn(), "7000.00", False),
    ("a child of unknown age", newborn(birth_date=None), "7000.00", False),
    ("a youth of 18 whose school is unknown", newborn(birth_date="2008-06-01"), "7000.00", True),
    ("a youth of 18 in school", newborn(birth_date="2008-06-01", school_youth=True), "7000.00", False),
    ("somebody of 21", newborn(birth_date="2005-06-01", school_youth=True), "7000.00", True),
    ("somebody of 21", newborn(birth_date="2005-06-01", school_youth=True), "6900.00", False),
    ("nobody knows", {"application/household/others_in_home": None}, "7000.00", True),
    ("nobody knows", {"application/household/others_in_home": None}, "6900.00", False),
    ("nobody", {"application/household/others_in_home": 0}, "7000.00", False),
]


@pytest.mark.parametrize(("who", "home", "rent", "blank"), RENTS, ids=[f"{row[0]} {row[2]}" for row in RENTS])
def test_only_somebody_grown_up_may_have_a_share_of_the_rent_to_bear(
    *, who: str, home: dict[str, Any], rent: str, blank: bool, assess_with: Callable[..., Assessment]
) -> None:
    found = line(assess_with(home | {f"{COSTS}/rent/applied": rent}), "rent")

    assert (found.blank is not None) is blank
    assert found.blank is None or (found.blank.reason, found.blank.high) == ("cost.left_to_caseworker", ore(rent))
