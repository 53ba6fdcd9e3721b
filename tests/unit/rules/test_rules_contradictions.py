"""What is unknown, unrecognised or contradicts itself never passes as a proposal, and nothing is missed or counted twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from income_changes import find, paid, payment, span

from rules import Rulebook, assess
from rules.assessment import Assessment, Outcome
from rules.facts import CaseFile
from rules.money import Ore, ore

FK = "registers/applicant.FK"
HOUSEHOLD = "application/household"
PREVIOUS = "history/previous_calculation"


def declared(*incomes: tuple[str, str], recipient: str = "applicant") -> dict[str, Any]:
    pay = {"type": "salary", "recipient": "applicant", "net": "8500.00", "paid_on": "2026-11-25"}
    rows = [{"type": kind, "recipient": recipient, "net": net, "paid_on": "2026-11-18"} for kind, net in incomes]
    return {"application/incomes": [pay, *rows]}


def last_month(*incomes: tuple[str, str], recipient: str = "applicant") -> dict[str, Any]:
    example = [
        ("salary", "applicant", "8500.00"),
        ("Bostadsbidrag", "applicant", "1850.00"),
        ("Barnbidrag", "co_applicant", "1250.00"),
        ("Arbetslöshetsersättning", "co_applicant", "6100.00"),
        *((kind, recipient, amount) for kind, amount in incomes),
    ]
    return {f"{PREVIOUS}/incomes": [{"type": kind, "recipient": who, "amount": amount} for kind, who, amount in example]}


def raised(result: Assessment) -> set[tuple[str, str]]:
    return {(flag.code, flag.key) for flag in result.flags}


def keys(result: Assessment) -> set[str]:
    return {line.key for line in result.lines}


NO_PROPOSAL = [
    # the flag, its key, the fact, the nearest fact that is recognised
    (
        "case.unrecognised",
        "child-1.residence",
        {f"{HOUSEHOLD}/members/child-1/residence": "unknown:WEEKENDS"},
        {f"{HOUSEHOLD}/members/child-1/residence": "other"},
    ),
    (
        "case.unrecognised",
        "applicant.extent",
        {"application/plans/0/extent": "unknown:SOMETIMES"},
        {"application/plans/0/extent": "part"},
    ),
    (
        "case.contradiction",
        "child-1.days_in_home",
        {f"{HOUSEHOLD}/members/child-1/residence": "half_time"},
        {f"{HOUSEHOLD}/members/child-1/residence": "full_time"},
    ),
    (
        "case.contradiction",
        "child-1.days_in_home",
        {f"{HOUSEHOLD}/members/child-1/days_in_home": 0, f"{PREVIOUS}/norms": [{"ref": "child-1", "amount": "0.00"}]},
        {f"{HOUSEHOLD}/members/child-1/days_in_home": 31},
    ),
    (
        "case.under_age",
        "applicant",
        {f"{HOUSEHOLD}/members/applicant/personnummer": "200812022382", f"{HOUSEHOLD}/members/applicant/school_youth": False},
        {f"{HOUSEHOLD}/members/applicant/personnummer": "200812012383", f"{HOUSEHOLD}/members/applicant/school_youth": False},
    ),
    ("case.surplus", "", {"history/surplus": "0.00", f"{PREVIOUS}/need": "-1.00"}, {"history/surplus": "0.00"}),
    (
        "case.permit",
        "applicant.MIV",
        {
            "registers/applicant.MIV/status": "answered",
            "registers/applicant.MIV/facts": {"permits": [{"kind": "PUT", "permanent": True, "to_day": "2026-12-15"}]},
        },
        {
            "registers/applicant.MIV/status": "answered",
            "registers/applicant.MIV/facts": {"permits": [{"kind": "PUT", "permanent": True}]},
        },
    ),
    (
        "income.deductions",
        "income.Bostadsbidrag.applicant",
        {f"{FK}/payments/1/other_deductions": "-0.01"},
        {f"{FK}/payments/1/other_deductions": "0.00"},
    ),
    (
        "income.deductions",
        "income.Bostadsbidrag.applicant",
        {f"{FK}/payments/1/other_deductions": None},
        {f"{FK}/payments/0/other_deductions": None},
    ),
    (
        "income.contradiction",
        "income.Bostadsbidrag.applicant",
        {f"{FK}/payments/1/gross": "2350.00"},
        {f"{FK}/payments/1/gross": "2350.00", f"{FK}/payments/1/tax": "500.00"},
    ),
    (
        "income.not_yet_paid",
        "income.Bostadsbidrag.applicant",
        paid(payment("Bostadsbidrag", "1850.00", "2026-11-28", preliminary=True)),
        paid(payment("Bostadsbidrag", "1850.00", "2026-11-27", preliminary=True)),
    ),
    (
        "income.not_yet_paid",
        "income.Sjukpenning.applicant",
        paid(payment("Sjukpenning", "900.00", "2026-11-01", preliminary=True)),
        paid(payment("Sjukpenning", "900.00", "2026-10-31", preliminary=True)),
    ),
    (
        "income.unreadable",
        "income.Sjukpenning.applicant",
        paid(payment("Sjukpenning", "900.00", None, preliminary=True)),
        paid(payment("Sjukpenning", "900.00", "2026-12-18", preliminary=True)),
    ),
    (
        "income.not_shown",
        "income.Underhållsstöd.child-1",
        last_month(("Underhållsstöd", "1000.00"), recipient="child-1"),
        last_month(("Underhållsstöd", "0.00"), recipient="child-1"),
    ),
    (
        "income.jobbstimulans_unknown",
        "income.salary.applicant",
        {"history/jobbstimulans": [{"person": "applicant", "from": "2028-02", "to": "2026-03"}]},
        {"history/jobbstimulans": [{"person": "applicant", "from": "2026-03", "to": "2028-02"}]},
    ),
    (
        "register.unavailable",
        "applicant.PM",
        {"registers/applicant.PM/payments": [payment("Ålderspension", "900.00", "2026-09-01")]},
        {
            "registers/applicant.PM/status": "answered",
            "registers/applicant.PM/payments": [payment("Ålderspension", "900.00", "2026-09-01")],
        },
    ),
    ("register.unavailable", "applicant.CSN", {"registers/applicant.CSN/error": {"source": "BT", "code": "2"}}, {}),
]


@pytest.mark.parametrize(
    ("code", "key", "fact", "nearest"), NO_PROPOSAL, ids=[f"{row[0]} {row[1]} {number}" for number, row in enumerate(NO_PROPOSAL)]
)
def test_a_fact_that_is_not_positively_recognised_takes_the_proposal_away(
    *, code: str, key: str, fact: dict[str, Any], nearest: dict[str, Any], assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(fact)

    assert (code, key) in raised(result)
    assert (result.outcome, result.proposal, result.amount) == (Outcome.REVIEW, None, None)
    assert (code, key) not in raised(assess_with(nearest))


def test_amounts_that_contradict_each_other_are_blank_up_to_the_larger(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"{FK}/payments/1/gross": "2350.00"})

    assert span(result, "income.Bostadsbidrag.applicant") == ("income.contradiction", "0.00", "2350.00")


def test_a_preliminary_payment_without_a_day_is_blank_and_never_skipped(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(paid(payment("Sjukpenning", "900.00", None, preliminary=True)))

    assert span(result, "income.Sjukpenning.applicant") == ("income.unreadable", "0.00", "900.00")
    assert any("preliminär" in sentence for sentence in result.shown)


def test_a_preliminary_payment_may_come_late_while_the_month_is_open(assess_with: Callable[..., Assessment]) -> None:
    late = paid(payment("Sjukpenning", "900.00", "2026-11-20", preliminary=True))

    assert assess_with(late | {"today": "2026-11-27"}).outcome is Outcome.WAITING_FOR_INCOME


def test_an_ignored_benefit_with_a_part_that_counts_is_not_ignored_when_its_rows_are_mixed(
    case_with: Callable[..., CaseFile], load: Callable[[str, str], Rulebook]
) -> None:
    row = "  Merkostnadsersättning: {origin: FK, unit: handling, values:"
    part = 'parts: [{part: Retro, unit: handling, values: {2025-01: {value: count, source: "x"}}}], values:'
    case = case_with(paid(payment("Merkostnadsersättning", "900.00", mixed_rows=True)))

    result = assess(case, load(row, row.replace("values:", part)))
    assert span(result, "income.Merkostnadsersättning.applicant") == ("income.mixed_rows", "0.00", "900.00")


def test_an_income_that_only_applicants_declare_is_off_the_list_when_a_register_names_a_benefit_so(
    assess_with: Callable[..., Assessment],
) -> None:
    result = assess_with(paid(payment("swish", "900.00")) | last_month(("swish", "900.00")))

    assert span(result, "income.swish.applicant") == ("income.off_list", "0.00", "900.00")


def test_a_benefit_that_is_declared_and_that_its_register_does_not_show_is_for_a_person(assess_with: Callable[..., Assessment]) -> None:
    changes = declared(("Sjukpenning", "900.00")) | last_month(("Sjukpenning", "900.00"))

    assert span(assess_with(changes), "income.Sjukpenning.applicant") == ("income.differs", "0.00", "900.00")
    silent = assess_with(changes | {f"{FK}/status": "unavailable"})
    assert span(silent, "income.Sjukpenning.applicant") == ("income.differs", "0.00", "900.00")


def test_of_two_incomes_last_month_the_one_that_is_gone_has_vanished_though_the_other_has_its_name_too(
    assess_with: Callable[..., Assessment],
) -> None:
    both = last_month(("Underhållsstöd", "1673.00"), ("maintenance", "1000.00"))

    in_register = assess_with(paid(payment("Underhållsstöd", "1673.00")) | both)
    assert ("income.vanished", "income.maintenance.applicant") in raised(in_register)
    in_both = assess_with(paid(payment("Underhållsstöd", "1673.00")) | declared(("maintenance", "1673.00")) | both)
    assert ("income.changed", "income.Underhållsstöd.applicant") in raised(in_both)
    assert {in_register.proposal, in_both.proposal} == {None}


def test_what_last_month_counted_as_declared_is_not_counted_again_from_the_register(assess_with: Callable[..., Assessment]) -> None:
    before = paid(payment("Underhållsstöd", "1673.00", "2026-10-18")) | last_month(("maintenance", "1673.00"))
    again = assess_with(before | declared(("maintenance", "1673.00")))
    gone = assess_with(before)

    assert "income.Underhållsstöd.applicant" not in keys(again) | keys(gone)
    assert span(again, "income.maintenance.applicant") == ("income.differs", "0.00", "1673.00")
    assert ("income.vanished", "income.maintenance.applicant") in raised(gone)


def test_another_amount_than_last_month_declared_counts_and_is_flagged(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(paid(payment("Underhållsstöd", "1673.00", "2026-10-18")) | last_month(("maintenance", "600.00")))

    assert find(result, "income.Underhållsstöd.applicant").amount == ore(1673)
    assert ("income.month_before", "income.Underhållsstöd.applicant") in raised(result)


def test_two_declared_names_of_a_registered_income_are_blank_from_the_smallest_to_all(
    assess_with: Callable[..., Assessment],
) -> None:
    registered = paid(payment("Underhållsstöd", "1673.00"))

    first = assess_with(registered | declared(("maintenance", "2000.00"), ("Underhållsstöd", "1500.00")))
    assert span(first, "income.Underhållsstöd.applicant") == ("income.differs", "1500.00", "5173.00")
    agrees = assess_with(registered | declared(("maintenance", "1673.00"), ("Underhållsstöd", "1000.00")))
    assert span(agrees, "income.Underhållsstöd.applicant") == ("income.differs", "1000.00", "4346.00")


def test_a_childs_incomes_count_together_up_to_the_childs_own_norm(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(declared(("swish", "3000.00"), ("maintenance", "3000.00"), recipient="child-1"))
    counted = [line.amount for line in result.lines if line.person == "child-1" and line.section == "income"]

    assert sum(amount or 0 for amount in counted) == ore(3820)
    assert "income.child" in {flag.code for flag in result.flags}
    assert result.proposal is None


def test_an_answer_that_lacks_only_identity_still_tells_what_was_paid_and_what_was_not(assess_with: Callable[..., Assessment]) -> None:
    refused = {f"{FK}/deviations": ["ovrigInformation.FK:GEPI.OBEHORIG"]}
    changes = {f"{FK}/payments": [payment("Sjukpenning", "900.00", "2026-10-18")]} | refused
    result = assess_with(changes)

    assert find(result, "income.Sjukpenning.applicant").amount == ore(900)
    assert {
        ("income.month_before", "income.Sjukpenning.applicant"),
        ("income.vanished", "income.Bostadsbidrag.applicant"),
    } <= raised(result)


@pytest.mark.parametrize("path", ["FK.generellPersoninformation.skyddad", "AF.Sekretessmarkering", "FK.skyddadFolkbokforing"])
def test_a_mark_of_protection_that_cannot_be_read_is_a_stop_that_names_nothing(path: str, assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"{FK}/unrecognised": [{"path": path, "value": "JA"}]})

    assert result.outcome is Outcome.STOP
    assert [flag.text for flag in result.flags] == ["Ärendet handläggs manuellt"]
    assert (result.lines, result.sums, result.span, result.checks, result.shown, result.previous_need) == ((), None, None, (), (), None)


def test_a_mark_of_protection_in_the_application_that_cannot_be_read_is_a_stop(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({"application/unrecognised": [{"path": "data.protectedIdentity", "value": "yes"}]})

    assert [(flag.code, flag.key) for flag in result.flags] == [("stop.protection_unknown", "")]
    plain = assess_with({"application/unrecognised": [{"path": "data.petName", "value": "skyddad"}]})
    assert plain.outcome is Outcome.REVIEW


def test_a_need_without_a_limit_for_it_is_no_proposal(case_with: Callable[..., CaseFile], load: Callable[[str, str], Rulebook]) -> None:
    line = 'values: {2025-01: {value: 20000, source: "Påhittade riktlinjer 2.3"}}'
    result = assess(case_with(), load(line, line.replace("20000,", "20000, until: 2025-12,")))

    assert ("sum.parameter_missing", "need_limit") in raised(result)
    assert result.proposal is None


@pytest.mark.parametrize(
    ("month", "today", "last_day", "complete_from"),
    [
        ("2026-03", "2026-02-28", "2026-02-28", "2026-02-28"),
        ("2028-03", "2028-02-29", "2028-02-29", "2028-02-28"),
        ("2026-05", "2026-04-30", "2026-04-30", "2026-04-28"),
        ("2026-01", "2025-12-31", "2025-12-31", "2025-12-28"),
    ],
)
def test_the_last_day_of_any_month_counts_and_the_day_after_does_not(
    month: str, today: str, last_day: str, complete_from: str, assess_with: Callable[..., Assessment]
) -> None:
    person = {"ref": "applicant", "role": "applicant", "personnummer": "199001012385"}
    day_after = f"{month}-01"

    def of(asked_on: str) -> Assessment:
        answer = {"person": "applicant", "source": "FK", "status": "answered", "fetched_at": f"{asked_on}T06:00:00+01:00"}
        payments = [payment("Barnbidrag", "100.00", min(last_day, asked_on)), payment("Barnbidrag", "1000.00", day_after)]
        return assess_with(
            {
                "today": asked_on,
                "application/month": month,
                "application/received_at": f"{asked_on}T09:00:00+01:00",
                "application/household": {"civil_status": "single", "others_in_home": 0, "members": [person]},
                "application/incomes": [],
                "registers": [answer | {"facts": {"protected": False}, "payments": payments}],
            }
        )

    assert find(of(today), "income.Barnbidrag.applicant").amount == Ore(10_000)
    assert "sum.month_open" not in {flag.code for flag in of(complete_from).flags}
    day_before = f"{complete_from[:-2]}{int(complete_from[-2:]) - 1:02d}"
    assert "sum.month_open" in {flag.code for flag in of(day_before).flags}
