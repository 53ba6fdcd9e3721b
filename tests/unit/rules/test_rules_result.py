"""The end of the calculation: proposal, waiting, handing over, stop and urgent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules import Rulebook, triage
from rules.assessment import Assessment, Outcome, Proposal, Recommendation, Severity
from rules.facts import CaseFile
from rules.money import ore

COSTS, BEFORE = "application/costs", "history/previous_calculation"
OPEN = {"today": "2026-11-27"}
PAID = {"benefit": "Ålderspension", "net": "900.00", "currency": "SEK", "other_deductions": "0.00", "paid_on": "2026-11-30"}
JANUARY_2027 = {
    "application/month": "2027-01",
    "application/received_at": "2026-12-20T09:00:00+01:00",
    "today": "2026-12-30",
    f"{BEFORE}/month": "2026-12",
}
PLANNED = {
    "registers/applicant.PM/status": "answered",
    "registers/applicant.PM/payments": [
        {"benefit": "Ålderspension", "net": "900.00", "currency": "SEK", "paid_on": "2026-11-30", "preliminary": True}
    ],
}


def codes(result: Assessment, *severities: Severity) -> list[str]:
    return [flag.code for flag in result.flagged(*(severities or Severity))]


def need(kronor: int) -> dict[str, Any]:
    """The complete example with a salary that makes the need exactly this, and no surplus last month."""
    pay = (4345 - kronor) * 4 // 3 + 8500
    amount = f"{pay}.00"
    return {"application/incomes/salary/net": amount, f"{BEFORE}/incomes/salary/amount": amount, f"{BEFORE}/need": f"{max(kronor, 0)}.00"}


def test_more_income_than_need_is_an_avslag_that_a_person_always_reviews(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(need(-5))

    assert result.proposal is Proposal.AVSLAG
    assert result.amount is None
    assert result.recommendation is Recommendation.REVIEW_REQUIRED
    assert codes(result, Severity.RESULT) == ["result.avslag"]


@pytest.mark.parametrize(("kronor", "proposal"), [(4, Proposal.BIFALL), (1, Proposal.BIFALL), (-2, Proposal.AVSLAG)])
def test_the_smallest_need_is_granted_and_none_is_refused(kronor: int, proposal: Proposal, assess_with: Callable[..., Assessment]) -> None:
    assert assess_with(need(kronor)).proposal is proposal


def test_a_need_of_exactly_nothing_is_an_avslag(assess_with: Callable[..., Assessment]) -> None:
    exact = {"application/incomes": [{"type": "swish", "recipient": "applicant", "net": "10720.00", "paid_on": "2026-11-25"}]}
    last = {f"{BEFORE}/incomes/salary/type": "swish"}
    result = assess_with(exact | last | {f"{BEFORE}/incomes/0/amount": "10720.00", f"{BEFORE}/need": "0.00"})

    assert result.sums is not None
    assert result.sums.need == 0
    assert result.proposal is Proposal.AVSLAG
    assert "result.avslag" in codes(result, Severity.RESULT)


def test_a_refused_cost_makes_a_delavslag_of_the_need(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"{COSTS}/+": {"type": "travel_medical", "applied": "300.00"}})

    assert (result.proposal, result.amount) == (Proposal.DELAVSLAG, ore(4345))
    assert result.recommendation is Recommendation.REVIEW_REQUIRED
    assert [flag.text for flag in result.flagged(Severity.RESULT)] == ["Förslaget är delavslag: Sjukresor"]
    assert "result.delavslag" not in codes(assess_with({f"{COSTS}/+": {"type": "travel_medical", "applied": "0.00"}}))


def test_a_high_need_keeps_its_proposal_and_is_reviewed(assess_with: Callable[..., Assessment]) -> None:
    no_incomes = {"application/incomes": [], f"{BEFORE}/incomes": [], f"{BEFORE}/need": "20060.00"}
    silent: dict[str, Any] = {
        f"registers/{person}.{source}/payments": [] for person in ("applicant", "co_applicant") for source in ("FK", "SO")
    }
    at_limit = assess_with(no_incomes | silent | {f"{COSTS}/rent/applied": "6840.00"})
    above = assess_with(no_incomes | silent | {f"{COSTS}/rent/applied": "6841.00"})

    assert (at_limit.amount, at_limit.outcome) == (ore(20000), Outcome.OK)
    assert (above.amount, above.outcome) == (ore(20001), Outcome.REVIEW)
    assert codes(above, Severity.RESULT) == ["result.high_need"]


def test_a_cost_that_is_gone_is_no_standard_renewal_but_keeps_its_proposal(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({"application/costs": [{"type": "rent", "applied": "6900.00"}]})

    assert (result.proposal, result.amount) == (Proposal.BIFALL, ore(3895))
    assert (result.outcome, result.recommendation) == (Outcome.REVIEW, Recommendation.REVIEW_REQUIRED)
    assert "info.cost_gone" in codes(result)


@pytest.mark.parametrize(("last", "differs"), [("6345.00", False), ("6345.01", True), ("2345.00", False), ("2344.99", True)])
def test_a_need_unlike_last_months_is_reviewed(last: str, differs: bool, assess_with: Callable[..., Assessment]) -> None:
    assert ("sum.need_differs" in codes(assess_with({f"{BEFORE}/need": last}))) is differs


@pytest.mark.parametrize(
    ("last", "facts", "differs"),
    [
        ("2344.99", {"application/interpreter": True} | OPEN, False),  # incomes to come may close it
        ("6345.01", {"application/interpreter": True} | OPEN, True),  # they make it wider
        ("2344.99", {"application/interpreter": True}, True),
        ("2344.99", OPEN, False),
        ("9000.00", JANUARY_2027, False),  # the need lacks the whole norm
    ],
)
def test_a_need_is_compared_when_there_is_one_to_compare(
    *, last: str, facts: dict[str, Any], differs: bool, assess_with: Callable[..., Assessment]
) -> None:
    assert ("sum.need_differs" in codes(assess_with({f"{BEFORE}/need": last} | facts))) is differs


def test_any_blank_is_said_once(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"{COSTS}/rent/applied": None, f"{COSTS}/electricity/applied": None})

    assert codes(result).count("sum.blank") == 1
    assert "sum.blank" not in codes(assess_with())


def test_no_caps_for_a_month_is_a_parameter_missing(assess_with: Callable[..., Assessment]) -> None:
    early = {"application/month": "2024-12", "application/received_at": "2024-11-20T09:00:00+01:00"}

    assert {"sum.parameter_missing", "norm.no_amounts"} <= set(codes(assess_with(early)))


@pytest.mark.parametrize(
    "still_open",
    [
        OPEN,
        {"registers/applicant.CSN/fetched_at": "2026-11-27T22:59:59Z"},
        PLANNED,
    ],
    ids=["before the 28th", "an answer fetched before the 28th", "a payment planned for the day of the answer"],
)
def test_a_case_whose_month_is_open_rests_until_incomes_are_complete(
    still_open: dict[str, Any], assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(still_open)

    assert result.outcome is Outcome.WAITING_FOR_INCOME
    assert (result.proposal, result.amount) == (None, None)
    assert codes(result, Severity.REVIEW) == []
    assert result.span is not None
    assert result.span.lowest is None


@pytest.mark.parametrize(
    "complete",
    [
        {"today": "2026-11-28"},
        {"registers/applicant.CSN/fetched_at": "2026-11-27T23:00:00Z"},
        PLANNED
        | {"registers/applicant.PM/fetched_at": "2026-12-01T06:00:00+01:00", "registers/applicant.PM/payments/0": PAID}
        | {f"{BEFORE}/incomes/+": {"type": "Ålderspension", "recipient": "applicant", "amount": "900.00"}},
        PLANNED | {"registers/applicant.PM/payments": [PAID | {"preliminary": True, "paid_on": "2026-12-01"}]},
    ],
    ids=["the 28th", "an answer fetched at midnight in Sweden", "the day after the planned payment", "a payment planned for next month"],
)
def test_a_month_that_is_complete_is_not_waited_for(complete: dict[str, Any], assess_with: Callable[..., Assessment]) -> None:
    assert assess_with(complete).outcome is Outcome.OK


def test_an_open_month_with_another_reason_goes_to_a_person_at_once(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(OPEN | {"application/interpreter": True})

    assert result.outcome is Outcome.REVIEW
    assert set(codes(result, Severity.REVIEW)) == {"case.interpreter_or_meeting", "sum.month_open"}
    assert result.span is not None
    assert (result.span.lowest, result.span.highest) == (None, ore(4345))


def test_at_its_deadline_a_resting_case_is_handed_over(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(OPEN, hand_over=True)

    assert result.outcome is Outcome.REVIEW
    assert codes(result, Severity.REVIEW) == ["sum.month_open"]


def test_nothing_has_vanished_or_shrunk_while_the_month_is_open(assess_with: Callable[..., Assessment]) -> None:
    housing = "registers/applicant.FK/payments/1"
    gone = {"registers/co_applicant.SO/payments": [], f"{housing}/net": "100.00", f"{housing}/gross": "100.00"}

    assert assess_with(OPEN | gone).outcome is Outcome.WAITING_FOR_INCOME
    assert {"income.vanished", "income.changed"} <= set(codes(assess_with(gone)))


STOPS = [
    ("stop.protected_identity", {"application/protected": True}),
    ("stop.protected_identity", {"registers/applicant.FK/facts/protected": True}),
    ("stop.protected_identity", {"registers/co_applicant.AF/facts/protected": True}),
    ("stop.protected_identity", {"registers/applicant.CSN/facts": {"protected": True}}),
    ("stop.protected_identity", {"registers/applicant.FK/status": "unavailable", "registers/applicant.FK/facts/protected": True}),
    ("stop.protection_unknown", {"registers/applicant.FK/facts/protected": None, "registers/applicant.AF/facts/protected": None}),
    ("stop.protection_unknown", {"registers/applicant.FK/status": "unavailable", "registers/applicant.AF/status": "unavailable"}),
    ("stop.unreadable", {"application/unreadable": ["no_identity"]}),
    ("stop.unreadable", {"application/household/members/0/role": "co_applicant"}),
    ("stop.unreadable", {"application/household/members/child-1/ref": "applicant"}),
    ("stop.unreadable", {"application/month": "0001-01"}),
    ("stop.other_tenancy", {"application/unreadable": ["other_tenancy"]}),
]


@pytest.mark.parametrize(("code", "changes"), STOPS)
def test_a_stop_has_no_lines_sums_span_or_proposal_and_looks_like_every_other(
    code: str, changes: dict[str, Any], assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(changes)

    assert codes(result) == [code]
    assert [flag.text for flag in result.flags] == ["Ärendet handläggs manuellt"]
    assert (result.outcome, result.proposal, result.recommendation) == (Outcome.STOP, None, Recommendation.REVIEW_REQUIRED)
    assert (result.lines, result.sums, result.span, result.checks, result.counted_incomes, result.shown) == ((), None, None, (), (), ())


def test_one_source_that_says_not_protected_is_enough_for_an_adult(assess_with: Callable[..., Assessment]) -> None:
    only_csn = {
        "registers/applicant.FK/facts/protected": None,
        "registers/applicant.AF/facts/protected": None,
        "registers/applicant.CSN/facts": {"protected": False},
    }

    assert assess_with(only_csn).outcome is Outcome.OK


def test_the_case_systems_silence_does_not_clear_an_adult(assess_with: Callable[..., Assessment]) -> None:
    silent = {
        "registers/applicant.FK/facts/protected": None,
        "registers/applicant.AF/facts/protected": None,
        "application/protected": False,
    }

    assert assess_with(silent).outcome is Outcome.STOP


def test_triage_judges_the_application_alone(case_with: Callable[..., CaseFile], rulebook: Rulebook) -> None:
    assert triage(case_with(), rulebook) is None
    assert triage(case_with({"registers/applicant.FK/facts/protected": True}), rulebook) is None
    stop = triage(case_with({"application/protected": True}), rulebook)
    assert stop is not None
    assert stop.outcome is Outcome.STOP


def test_urgent_comes_before_stop_and_says_nothing_about_protection(case_with: Callable[..., CaseFile], rulebook: Rulebook) -> None:
    words = {"application/free_text/+": {"field": "school", "text": "Vi har ingen mat. Vi blir vräkta."}, "application/protected": True}
    result = triage(case_with(words), rulebook)

    assert result is not None
    assert result.outcome is Outcome.URGENT
    assert [flag.code for flag in result.flags] == ["urgent.eviction", "urgent.no_food"]
    assert (result.lines, result.sums, result.proposal) == ((), None, None)


def test_every_written_field_is_read_for_urgent_words(case_with: Callable[..., CaseFile], rulebook: Rulebook) -> None:
    beside_a_cost = case_with({"application/costs/rent/specification": "annars blir det vräkning"})
    beside_a_benefit = case_with({"application/pending_benefits/+": {"benefit": "har ingen mat"}})

    assert [triage(case, rulebook) is not None for case in (beside_a_cost, beside_a_benefit)] == [True, True]
