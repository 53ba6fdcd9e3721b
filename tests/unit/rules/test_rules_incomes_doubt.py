"""What may be counted twice, may never be counted, or is not what the list names, is never passed over in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from income_changes import FK, LAST, codes, find, from_pm, last_month, paid, payment, span

from rules import Rulebook, assess
from rules.assessment import Assessment, Outcome
from rules.facts import CaseFile
from rules.money import ore

HOUSING = "income.Bostadsbidrag.applicant"
SUPPORT = "income.Underhållsstöd.applicant"


def raised(result: Assessment) -> set[tuple[str, str]]:
    return {(flag.code, flag.key) for flag in result.flags}


# What the list names


@pytest.mark.parametrize("what", ["part", "amount_type", "organisation"])
def test_a_part_type_or_payer_that_nobody_knows_is_off_the_list(what: str, assess_with: Callable[..., Assessment]) -> None:
    unknown = assess_with({f"{FK}/1/{what}": "unknown:QQ"})
    known = assess_with({f"{FK}/1/{what}": "QQ"})

    assert span(unknown, HOUSING) == ("income.off_list", "0.00", "1850.00")
    assert unknown.proposal is None
    assert find(known, HOUSING).amount == ore(1850)


def test_an_ignored_benefit_is_not_ignored_when_its_part_is_unknown(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(paid(payment("Merkostnadsersättning", "500.00", part="unknown:")))

    assert span(result, "income.Merkostnadsersättning.applicant") == ("income.off_list", "0.00", "500.00")


@pytest.mark.parametrize(
    ("row", "part", "amount_type", "reason"),
    [
        ("part: Tillägg", "Tillägg", "unknown:QQ", "income.off_list"),
        ("part: Tillägg", "Tillägg", "A", None),
        ("amount_type: A", "unknown:QQ", "A", "income.off_list"),
        ("amount_type: A", "B", "A", None),
        ('part: "unknown:QQ"', "unknown:QQ", None, None),
        ('part: "unknown:QQ"', "unknown:RR", None, "income.off_list"),
    ],
)
def test_a_row_accepts_what_it_names_and_else_only_what_is_known(
    *,
    row: str,
    part: str,
    amount_type: str | None,
    reason: str | None,
    case_with: Callable[..., CaseFile],
    load: Callable[[str, str], Rulebook],
) -> None:
    old = "  Sjukpenning: {origin: FK, unit: handling, values:"
    row = f'parts: [{{{row}, unit: handling, values: {{2025-01: {{value: count, source: "x"}}}}}}], values:'
    case = case_with(paid(payment("Sjukpenning", "900.00", part=part, amount_type=amount_type)))
    line = find(assess(case, load(old, old.replace("values:", row))), "income.Sjukpenning.applicant")

    assert (line.blank.reason if line.blank else None) == reason


def test_a_permit_of_an_unknown_kind_is_not_permanent(assess_with: Callable[..., Assessment]) -> None:
    def holding(kind: str) -> Assessment:
        permits = {"permits": [{"kind": kind, "permanent": True}]}
        return assess_with({"registers/applicant.MIV/status": "answered", "registers/applicant.MIV/facts": permits})

    assert ("case.permit", "applicant.MIV") in raised(holding("unknown:"))
    assert "case.permit" not in codes(holding("PUT"))


def test_a_benefit_from_another_source_than_the_list_names_is_off_the_list(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(from_pm(payment("Sjukpenning", "900.00")) | last_month(("Sjukpenning", "applicant", "900.00")))
    beside = assess_with(from_pm(payment("Bostadsbidrag", "500.00")))
    right = assess_with(from_pm(payment("Ålderspension", "900.00")))

    assert span(result, "income.Sjukpenning.applicant") == ("income.off_list", "0.00", "900.00")
    assert span(beside, HOUSING) == ("income.off_list", "1850.00", "2350.00")
    assert find(right, "income.Ålderspension.applicant").amount == ore(900)


def test_a_benefit_that_two_sources_pay_is_on_the_list_from_both(assess_with: Callable[..., Assessment]) -> None:
    supplement = payment("Bostadstillägg", "900.00")
    rows = last_month(("Bostadstillägg", "applicant", "900.00"))
    for changes in (paid(supplement), from_pm(supplement)):
        assert find(assess_with(changes | rows), "income.Bostadstillägg.applicant").amount == ore(900)
    assert ("income.vanished", "income.Bostadstillägg.applicant") in raised(assess_with(rows))
    silent = {"registers/applicant.FK/status": "unavailable"}
    assert ("income.vanished", "income.Bostadstillägg.applicant") not in raised(assess_with(rows | silent))


# What was paid the month before, after last month's answers


@pytest.mark.parametrize(
    ("last", "october", "flagged"),
    [
        ("900.00", ("900.00", "800.00"), True),
        ("900.00", ("900.00", "1.01"), True),
        ("900.00", ("900.00", "1.00"), False),
        ("900.00", ("900.00",), False),
        ("900.00", ("600.00",), False),
        ("0.00", ("900.00",), True),
        ("0.00", ("1.00",), False),
        (None, ("800.00",), True),
    ],
)
def test_more_than_last_month_counted_may_have_been_missed(
    *, last: str | None, october: tuple[str, ...], flagged: bool, assess_with: Callable[..., Assessment]
) -> None:
    payments = [payment("Bostadstillägg", net, f"2026-10-{10 + 20 * number}") for number, net in enumerate(october)]
    rows = () if last is None else (("Bostadstillägg", "applicant", last),)
    result = assess_with(from_pm(*payments, payment("Bostadstillägg", "900.00", "2026-11-10")) | last_month(*rows))

    assert (("income.paid_late", "income.Bostadstillägg.applicant") in raised(result)) is flagged
    assert find(result, "income.Bostadstillägg.applicant").amount == ore(900)


def test_what_was_missed_is_said_with_month_and_amounts(assess_with: Callable[..., Assessment]) -> None:
    october = [payment("Bostadstillägg", net, day) for net, day in (("900.00", "2026-10-10"), ("800.00", "2026-10-30"))]
    changes = from_pm(*october, payment("Bostadstillägg", "900.00", "2026-11-10")) | last_month(("Bostadstillägg", "applicant", "900.00"))
    result = assess_with(changes)

    assert [flag.text.replace("\u00a0", " ") for flag in result.flags if flag.code == "income.paid_late"] == [
        "Bostadstillägg, sökande: 1 700 kr utbetalat i oktober 2026, 900 kr i förra månadens beräkning; "
        "det som betalades ut efter att förra månadens uppgifter hämtades kan saknas där"
    ]


def test_what_is_gone_now_may_have_been_missed_too(assess_with: Callable[..., Assessment]) -> None:
    october = [payment("Sjukpenning", "900.00", "2026-10-10"), payment("Sjukpenning", "800.00", "2026-10-30")]
    result = assess_with(paid(*october) | last_month(("Sjukpenning", "applicant", "900.00")))

    key = "income.Sjukpenning.applicant"
    assert {("income.vanished", key), ("income.paid_late", key)} <= raised(result)
    assert key not in {line.key for line in result.lines}


@pytest.mark.parametrize(
    ("last", "october", "flagged"),
    [
        (("maintenance", "applicant", "1673.00"), "1673.00", False),
        (("maintenance", "child-1", "1673.00"), "1673.00", False),
        (("maintenance", "applicant", "1673.00"), "2473.00", True),
        (("salary", "co_applicant", "1673.00"), "1673.00", True),
    ],
)
def test_what_last_month_counted_under_another_name_or_person_is_not_missed(
    *, last: tuple[str, str, str], october: str, flagged: bool, assess_with: Callable[..., Assessment]
) -> None:
    support = (payment("Underhållsstöd", october, "2026-10-18"), payment("Underhållsstöd", "1673.00", "2026-11-18"))

    assert ("income.paid_late" in codes(assess_with(paid(*support) | last_month(last)))) is flagged


def test_two_adults_with_the_same_benefit_are_each_held_to_their_own(assess_with: Callable[..., Assessment]) -> None:
    halves = {
        **paid(payment("Barnbidrag", "625.00", "2026-10-20"), payment("Barnbidrag", "625.00", "2026-11-20")),
        "registers/co_applicant.FK/payments": [payment("Barnbidrag", "625.00", day) for day in ("2026-10-20", "2026-11-20")],
    }
    rows = [("Barnbidrag", who, "625.00") for who in ("applicant", "co_applicant")]
    incomes = [row for row in last_month(*rows)[LAST] if (row["type"], row["amount"]) != ("Barnbidrag", "1250.00")]

    assert "income.paid_late" not in codes(assess_with(halves | {LAST: incomes}))


def test_a_correction_of_the_month_before_takes_away_what_it_corrects(assess_with: Callable[..., Assessment]) -> None:
    october = [payment("Sjukpenning", net, "2026-10-10") for net in ("1000.00", "-100.00")]
    changes = paid(*october, payment("Sjukpenning", "900.00")) | last_month(("Sjukpenning", "applicant", "900.00"))

    assert "income.paid_late" not in codes(assess_with(changes))


def test_an_ignored_benefit_is_not_missed_and_nothing_is_without_a_calculation(assess_with: Callable[..., Assessment]) -> None:
    ignored = paid(*(payment("Merkostnadsersättning", "500.00", day) for day in ("2026-10-10", "2026-11-10")))
    no_history = paid(*(payment("Sjukpenning", "500.00", day) for day in ("2026-10-10", "2026-11-10"))) | {"history/known": False}

    assert not {"income.paid_late", "income.before_unclear"} & codes(assess_with(ignored))
    assert "income.paid_late" not in codes(assess_with(no_history))


@pytest.mark.parametrize(
    ("october", "flagged"),
    [
        ({"net": None}, True),
        ({"currency": "EUR"}, True),
        ({"currency": None}, True),
        ({}, False),
        ({"net": None, "paid_on": "2026-09-30"}, False),
        ({"net": None, "preliminary": True}, False),
    ],
)
def test_a_payment_of_the_month_before_that_cannot_be_counted_is_flagged(
    october: dict[str, Any], flagged: bool, assess_with: Callable[..., Assessment]
) -> None:
    before = payment("Sjukpenning", "900.00", "2026-10-18") | october
    changes = paid(before, payment("Sjukpenning", "900.00")) | last_month(("Sjukpenning", "applicant", "900.00"))
    result = assess_with(changes)

    assert (("income.before_unclear", "income.Sjukpenning.applicant") in raised(result)) is flagged
    assert find(result, "income.Sjukpenning.applicant").amount == ore(900)


def test_an_unreadable_payment_that_is_taken_in_has_its_own_line_and_no_second_flag(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(paid(payment("Sjukpenning", None, "2026-10-18")))

    assert span(result, "income.Sjukpenning.applicant") == ("income.unreadable", "0.00", None)
    assert "income.before_unclear" not in codes(result)


# Corrections and currencies


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"net": "-50.00"}, "income.correction", "Sjukpenning, sökande: beloppet är negativt, till exempel en rättelse eller ett återkrav"),
        ({"currency": None}, "income.no_currency", "Sjukpenning, sökande: valutan framgår inte"),
        ({"currency": "EUR"}, "income.currency", "Sjukpenning, sökande: utbetald i annan valuta"),
        ({"net": None}, "income.unreadable", "Sjukpenning, sökande: belopp eller datum saknas eller kan inte läsas"),
    ],
)
def test_each_payment_that_cannot_be_counted_has_a_reason_that_is_true(
    change: dict[str, Any], code: str, text: str, assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(paid(payment("Sjukpenning", "900.00") | change))

    assert [flag.text for flag in result.flags if flag.key == "income.Sjukpenning.applicant"] == [text]
    assert span(result, "income.Sjukpenning.applicant")[0] == code


# Payments that are still to come


def of_the_28th(change: dict[str, Any], case_with: Callable[..., CaseFile]) -> CaseFile:
    case = case_with(change | {"today": "2026-11-28"})
    fetched = [one.model_copy(update={"fetched_at": one.fetched_at.replace(day=28)}) for one in case.registers]
    return case.model_copy(update={"registers": tuple(fetched)})


@pytest.mark.parametrize(("day", "planned"), [("2026-11-28", False), ("2026-11-29", True), ("2026-11-30", True)])
def test_a_payment_dated_after_the_answer_is_planned_whatever_its_mark(
    day: str, planned: bool, case_with: Callable[..., CaseFile], rulebook: Rulebook
) -> None:
    later = from_pm(payment("Bostadstillägg", "700.00", day))
    result = assess(of_the_28th(later, case_with), rulebook)

    assert (result.outcome is Outcome.WAITING_FOR_INCOME) is planned
    assert ("income.Bostadstillägg.applicant" in {line.key for line in result.lines}) is not planned
    assert any("Bostadstillägg" in sentence for sentence in result.shown) is planned


def test_a_payment_dated_after_the_answer_does_not_show_that_a_planned_one_was_paid(
    case_with: Callable[..., CaseFile], rulebook: Rulebook
) -> None:
    changes = from_pm(
        payment("Bostadstillägg", "700.00", "2026-11-20", preliminary=True), payment("Bostadstillägg", "700.00", "2026-11-29")
    )
    result = assess(of_the_28th(changes, case_with), rulebook, hand_over=True)

    assert ("income.not_yet_paid", "income.Bostadstillägg.applicant") in raised(result)


def test_a_planned_payment_whose_day_has_passed_is_told_when_the_case_goes_to_a_person_with_the_month_open(
    case_with: Callable[..., CaseFile], rulebook: Rulebook
) -> None:
    planned = [payment("Sjukpenning", "900.00", day, preliminary=True) for day in ("2026-11-25", "2026-11-29")]
    waits = assess(of_the_28th(paid(planned[0], payment("Bostadsbidrag", "1.00", "2026-11-29", preliminary=True)), case_with), rulebook)
    first = assess(of_the_28th(paid(*planned) | {"application/type": "first"}, case_with), rulebook)
    at_the_end = assess(of_the_28th(paid(*planned), case_with), rulebook, hand_over=True)
    only_later = assess(of_the_28th(paid(planned[1]), case_with), rulebook, hand_over=True)

    assert waits.outcome is Outcome.WAITING_FOR_INCOME
    for result in (first, at_the_end):
        assert {("sum.month_open", ""), ("income.not_yet_paid", "income.Sjukpenning.applicant")} <= raised(result)
    assert "income.not_yet_paid" not in codes(only_later)
