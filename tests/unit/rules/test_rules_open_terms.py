"""Terms that the law or the guidelines leave open: a child's income and pay, shared rent, recent proof, vacation, names from outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rules import Rulebook, RulebookError, assess
from rules.assessment import Assessment, Line
from rules.facts import CaseFile
from rules.found import blank, counted
from rules.income_rules import Earned, OwnNorm, child_earnings, child_income, within_own_norm
from rules.legal import CaseTime
from rules.money import ore
from rules.month import Month

GUIDELINES = Path(__file__).parents[3] / "rules" / "guidelines" / "exempelkommun.yaml"
TO_2026 = CaseTime(Month(2026, 12), date(2026, 12, 31))
RENT = "application/costs/rent/applied"


def line(result: Assessment, key: str) -> Line:
    return next(one for one in result.lines if one.key == key)


def texts(result: Assessment, code: str) -> list[str]:
    return [flag.text for flag in result.flags if flag.code == code]


@pytest.mark.parametrize(
    ("net", "left", "found"),
    [
        ("500", ("0", None), ("income.child", "0", "500")),
        ("500", ("500", None), "500"),
        ("500", ("499", None), ("income.child", "499", "500")),
        ("500", ("0", "400"), ("income.child", "0", "400")),
        ("500", ("400", "400"), "400"),
        ("500", ("0", "0"), "0"),
        ("500", ("600", "700"), "500"),
    ],
)
def test_what_surely_counts_of_a_childs_income_counts(
    net: str, left: tuple[str, str | None], found: str | tuple[str, str, str], rulebook: Rulebook
) -> None:
    version = child_income.at(TO_2026)
    assert version is not None
    result = version.apply(ore(net), OwnNorm(ore(left[0]), None if left[1] is None else ore(left[1])))

    if isinstance(found, str):
        assert (result.amount, result.reason) == (ore(found), None)
    else:
        assert (result.reason, result.low, result.high) == (found[0], ore(found[1]), ore(found[2]))


def test_a_childs_uncertain_income_is_at_most_its_own_norm() -> None:
    left = OwnNorm(ore(100), ore(300))
    unbounded, larger = blank("income.unreadable", "?"), blank("income.off_list", "?", low=ore(200), high=ore(900))

    assert (within_own_norm(unbounded, left).low, within_own_norm(unbounded, left).high) == (0, ore(300))
    assert (within_own_norm(larger, left).low, within_own_norm(larger, left).high) == (ore(100), ore(300))
    assert within_own_norm(larger, OwnNorm(ore(100), None)) is larger
    certain = counted(ore(250), "x")
    assert within_own_norm(certain, left) is certain


@pytest.mark.parametrize(
    ("pay", "january", "at_home", "found"),
    [
        ("59200", False, True, (0, 5_920_000)),
        ("59200.01", False, True, (1, 5_920_001)),
        ("59200.01", False, False, (0, 5_920_001)),
        ("59200", True, True, 0),
        ("59200.01", True, True, 1),
        ("59200.01", True, False, (0, 5_920_001)),
    ],
)
def test_a_childs_pay_counts_above_the_prisbasbelopp_as_far_as_the_year_is_known(
    pay: str, january: bool, at_home: bool, found: int | tuple[int, int], rulebook: Rulebook
) -> None:
    version = child_earnings.at(TO_2026)
    assert version is not None
    result = version.apply(Earned(ore(pay), january, at_home), rulebook.law.prisbasbelopp.at(Month(2026, 1)))

    assert (result.amount if isinstance(found, int) else (result.low, result.high)) == found
    assert version.apply(Earned(ore(pay), january, at_home), None).low == 0


def test_what_was_paid_the_month_before_and_may_have_counted_then_is_never_certain(assess_with: Callable[..., Assessment]) -> None:
    payment = {"benefit": "Barnbidrag", "net": "900.00", "paid_on": "2026-10-20", "currency": "SEK", "other_deductions": "0.00"}
    alone = assess_with({"history/known": False, "registers/applicant.FK/payments/+": payment})
    with_more = assess_with({"history/known": False, "registers/applicant.FK/payments": [payment, payment | {"net": None}]})

    for result in (alone, with_more):
        found = line(result, "income.Barnbidrag.applicant").blank
        assert found is not None
        assert found.low == 0


GROWN = {"ref": "child-1", "role": "child", "birth_date": "2008-12-01", "days_in_home": 31}


@pytest.mark.parametrize(
    ("who", "rent", "approved"),
    [
        ({}, "7000.00", True),
        ({"application/household/others_in_home": 1}, "6900.00", True),
        ({"application/household/others_in_home": 1}, "7000.00", False),
        ({"application/household/members/child-1": GROWN | {"school_youth": False}}, "7000.00", False),
        ({"application/household/members/child-1": GROWN}, "7000.00", False),
        ({"application/household/members/child-1": GROWN | {"school_youth": True}}, "7000.00", True),
    ],
)
def test_the_share_of_rent_for_grown_ups_outside_the_calculation_is_for_the_caseworker(
    who: dict[str, Any], rent: str, approved: bool, assess_with: Callable[..., Assessment]
) -> None:
    found = line(assess_with(who | {RENT: rent}), "cost.rent")

    assert (found.amount == ore(rent)) is approved
    assert (found.blank.reason if found.blank else None) == (None if approved else "cost.left_to_caseworker")


def test_a_shared_home_is_a_matter_of_rent_and_not_of_electricity(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({"application/household/others_in_home": 1, "application/costs/electricity/applied": "451.00"})

    assert line(result, "cost.electricity").amount == ore(451)


PREVIOUS_RENT = "history/previous_calculation/costs/rent"


@pytest.mark.parametrize(("asked", "told"), [("6900.00", False), (None, False), ("7500.00", True), ("0.00", True)])
def test_a_line_that_a_caseworker_changed_last_month_is_told_of(
    asked: str | None, told: bool, assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with({f"{PREVIOUS_RENT}/applied": asked})

    assert [flag.key for flag in result.flags if flag.code == "info.changed_before"] == (["cost.rent"] if told else [])
    assert result.outcome.value == "ok"


def test_a_line_that_the_guidelines_refuse_has_not_been_changed_by_anybody(assess_with: Callable[..., Assessment]) -> None:
    refused = {
        "application/costs/+": {"type": "travel_medical", "applied": "240.00"},
        "history/previous_calculation/costs/+": {"type": "travel_medical", "applied": "240.00", "approved": "0.00"},
    }

    assert texts(assess_with(refused), "info.changed_before") == []


def test_what_the_applicant_wrote_of_a_benefit_is_cut_in_the_flag(assess_with: Callable[..., Assessment]) -> None:
    long = "Sjukpenning " * 1_500
    [text] = texts(assess_with({"application/pending_benefits/+": {"benefit": long}}), "register.benefit_pending")
    [short] = texts(assess_with({"application/pending_benefits/+": {"benefit": " Sjuk\npenning "}}), "register.benefit_pending")

    assert len(text) < 150
    assert text.endswith("…")
    assert short == "Förmån är sökt men inte beslutad: Sjuk penning"


@pytest.mark.parametrize(("letters", "cut"), [(80, False), (81, True)])
def test_a_name_from_outside_is_cut_in_a_label_only_when_it_is_long(
    letters: int, cut: bool, assess_with: Callable[..., Assessment]
) -> None:
    name = "x" * letters
    found = line(assess_with({"application/costs/+": {"type": f"unknown:{name}", "applied": "1.00"}}), f"cost.unknown:{name}")

    assert found.label == f"Okänd kostnad ({'x' * 79}…)" if cut else f"Okänd kostnad ({name})"


def test_the_day_that_ages_are_counted_on_stands_in_a_childs_trace(assess_with: Callable[..., Assessment]) -> None:
    used = {one.name: one.value for one in line(assess_with(), "norm.child-1").trace.parameters}

    assert used["guidelines.settings.age_on"] == "first_of_month"


@pytest.mark.parametrize(("days", "told"), [(31, False), (30, True)])
def test_how_a_child_of_part_of_the_month_counts_stands_in_the_trace_of_common_costs(
    days: int, told: bool, assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with({"application/household/members/child-1/days_in_home": days})
    used = [one.name for one in line(result, "norm.common").trace.parameters]

    assert ("guidelines.settings.part_month_child_in_common_costs" in used) is told


def test_what_an_unavailable_answer_says_beside_is_not_read(assess_with: Callable[..., Assessment]) -> None:
    silent = {
        "application/received_at": "2027-01-01T00:00:00+01:00",
        "registers/applicant.CSN/status": "unavailable",
        "registers/applicant.CSN/facts/student": True,
        "registers/applicant.MIV/status": "unavailable",
        "registers/applicant.MIV/facts/permits": [{"kind": "UT", "to_day": "2026-12-30"}],
    }

    assert not {"case.student", "case.lawful_stay"} & {flag.code for flag in assess_with(silent).flags}


def test_without_a_row_for_vacation_studies_always_go_to_the_caseworker(
    load: Callable[[str, str], Rulebook], case_with: Callable[..., CaseFile], rulebook: Rulebook
) -> None:
    july = {
        "application/month": "2026-07",
        "application/received_at": "2026-06-20T09:00:00+02:00",
        "registers/applicant.CSN/status": "answered",
        "registers/applicant.CSN/facts/student": True,
    }
    text = GUIDELINES.read_text("utf-8")
    row = text[text.index("  # Months in which a student") : text.index("# What the municipality knows about all its cases")]
    without, winter = load(row, ""), load("value: [6, 7, 8]", "value: [1]")

    def flagged(book: Rulebook) -> bool:
        return "case.student" in {flag.code for flag in assess(case_with(july), book).flags}

    assert not flagged(rulebook)
    assert flagged(without)
    assert flagged(winter)
    assert without.guidelines.student_vacation is None


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ("[6, 7, 8]", "[6, 7, 13]", "settings.student_vacation_months.values.2025-01.value[2]", "must be from 1 to 12"),
        ("[6, 7, 8]", "[6, 7, 6]", "settings.student_vacation_months.values.2025-01.value", "a month stands twice"),
        (
            "cap: 250, proof: not_needed",
            "cap: 250, proof: not_needed, proof_within_days: 90",
            "costs.home_insurance.values.2025-01.value.proof_within_days",
            "has a meaning only with `proof: needed`",
        ),
        (
            "cap: 300, proof: needed",
            "cap: 300, proof: needed, proof_within_days: 0",
            "costs.medicine.values.2025-01.value.proof_within_days",
            "must be from 1 to 3660",
        ),
        (
            "handling: caseworker",
            "handling: caseworker, proof_within_days: 90",
            "costs.dental_acute.values.2025-01.value.proof_within_days",
            "has a meaning only with `proof: needed`",
        ),
    ],
)
def test_a_mistake_in_the_rows_about_vacation_and_recent_proof_is_refused(
    *, old: str, new: str, key: str, problem: str, load: Callable[[str, str], Rulebook]
) -> None:
    with pytest.raises(RulebookError) as caught:
        load(old, new)

    assert caught.value.key == key
    assert problem in caught.value.problem


def test_how_recent_proof_must_be_stands_in_the_trace(load: Callable[[str, str], Rulebook], case_with: Callable[..., CaseFile]) -> None:
    book = load("cap: 300, proof: needed", "cap: 300, proof: needed, proof_within_days: 90")
    cost = {"type": "medicine", "applied": "200.00", "proof": True, "proof_date": "2026-01-01"}
    before = {"type": "medicine", "approved": "200.00"}
    case = case_with({"application/costs/+": cost, "history/previous_calculation/costs/+": before})
    found = line(assess(case, book), "cost.medicine")

    assert "högst 90 dagar gammalt" in found.trace.because
    assert "underlag behövs, högst 90 dagar gammalt" in found.trace.parameters[0].value


def test_the_age_of_proof_is_no_matter_where_the_guidelines_do_not_ask(assess_with: Callable[..., Assessment]) -> None:
    cost = {"type": "medicine", "applied": "200.00", "proof": True, "proof_date": "2020-01-01"}
    before = {"type": "medicine", "approved": "200.00"}
    result = assess_with({"application/costs/+": cost, "history/previous_calculation/costs/+": before})

    assert line(result, "cost.medicine").amount == ore(200)


CHILD_FK, CHILD_CSN = (
    {"person": "child-1", "source": source, "status": "answered", "fetched_at": "2026-11-30T06:00:00+01:00"} for source in ("FK", "CSN")
)


def paid(benefit: str, net: str, day: str) -> dict[str, Any]:
    return {"benefit": benefit, "net": net, "paid_on": day, "currency": "SEK", "other_deductions": "0.00"}


def with_answers(case: CaseFile, *answers: dict[str, Any]) -> CaseFile:
    data = case.model_dump(mode="json", by_alias=True)
    data["registers"] += answers
    return CaseFile.model_validate(data)


@pytest.mark.parametrize(("silent", "certain"), [("FK", False), ("PM", False), (None, True)])
def test_what_is_left_of_a_childs_norm_is_not_known_while_an_earlier_register_is_silent(
    silent: str | None, certain: bool, case_with: Callable[..., CaseFile], rulebook: Rulebook
) -> None:
    csn = CHILD_CSN | {"payments": [paid("Studiehjälp", "1250.00", "2026-11-27")]}
    other = [CHILD_FK | {"source": silent, "status": "unavailable"}] if silent else []
    found = line(assess(with_answers(case_with(), csn, *other), rulebook), "income.Studiehjälp.child-1")

    if certain:
        assert found.amount == ore(1250)
    else:
        assert found.blank is not None
        assert (found.blank.reason, found.blank.low, found.blank.high) == ("income.child", 0, ore(1250))


def test_a_childs_income_of_the_month_goes_before_what_was_paid_the_month_before(
    case_with: Callable[..., CaseFile], rulebook: Rulebook
) -> None:
    payments = [paid("Barnbidrag", "3000.00", "2026-10-20"), paid("Underhållsstöd", "2000.00", "2026-11-20")]
    result = assess(with_answers(case_with(), CHILD_FK | {"payments": payments}), rulebook)

    assert line(result, "income.Underhållsstöd.child-1").amount == ore(2000)
    assert line(result, "income.Barnbidrag.child-1").amount == ore(1820)  # what is left of 3 820
