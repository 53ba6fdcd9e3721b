"""Incomes: counted by payment date in the month before; what is not recognised is a blank with its reason, never a zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules import Rulebook, assess
from rules.assessment import Assessment, Line
from rules.facts import CaseFile
from rules.money import kronor, ore

DECLARED = "application/incomes"
LAST_INCOMES = "history/previous_calculation/incomes"
FK_PAYMENTS = "registers/applicant.FK/payments"
BOSTADSBIDRAG = "income.Bostadsbidrag.applicant"
SALARY = "income.salary.applicant"


def payment(benefit: str, net: str | None, paid_on: str | None = "2026-11-18", **more: Any) -> dict[str, Any]:
    return {"benefit": benefit, "net": net, "paid_on": paid_on, "currency": "SEK", "other_deductions": "0.00"} | more


def paid(benefit: str, net: str | None, paid_on: str | None = "2026-11-18", *, last: str | None = None, **more: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {f"{FK_PAYMENTS}/+": payment(benefit, net, paid_on, **more)}
    return changes | (was(benefit, last) if last is not None else {})


def was(kind: str, amount: str, recipient: str = "applicant") -> dict[str, Any]:
    return {f"{LAST_INCOMES}/+": {"type": kind, "recipient": recipient, "amount": amount}}


def declared(kind: str, net: str | None, paid_on: str | None = "2026-11-18", recipient: str = "applicant") -> dict[str, Any]:
    return {f"{DECLARED}/+": {"type": kind, "recipient": recipient, "net": net, "paid_on": paid_on}}


def both(*changes: dict[str, Any]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for change in changes:
        for path, value in change.items():
            joined[path + ("+" if path in joined else "")] = value
    return joined


def find(result: Assessment, key: str) -> Line | None:
    return next((line for line in result.lines if line.key == key), None)


def span(result: Assessment, key: str) -> tuple[str, str, str | None]:
    line = find(result, key)
    assert line is not None
    assert line.blank is not None
    return line.blank.reason, kronor(line.blank.low), None if line.blank.high is None else kronor(line.blank.high)


def raised(result: Assessment) -> set[tuple[str, str]]:
    return {(flag.code, flag.key) for flag in result.flags}


FLAGS = [
    # code, benefit, fires, the nearest that does not
    ("income.changed", "Barnbidrag", paid("Barnbidrag", "1120.01", last="1000.00"), paid("Barnbidrag", "1120.00", last="1000.00")),
    ("income.changed", "Barnbidrag", paid("Barnbidrag", "879.99", last="1000.00"), paid("Barnbidrag", "880.00", last="1000.00")),
    ("income.new", "Sjukpenning", paid("Sjukpenning", "900.00"), paid("Sjukpenning", "900.00", last="900.00")),
    ("income.vanished", "Sjukpenning", was("Sjukpenning", "900.00"), was("Sjukpenning", "0.00")),
    ("income.vanished", "swish", was("swish", "300.00"), declared("swish", "300.00") | was("swish", "300.00")),
    ("income.month_before", "Sjukpenning", paid("Sjukpenning", "900.00", "2026-10-31"), paid("Sjukpenning", "900.00", "2026-09-30")),
    (
        "income.month_before",
        "Sjukpenning",
        paid("Sjukpenning", "900.00", "2026-10-01"),
        paid("Sjukpenning", "900.00", "2026-10-01", last="900.00"),
    ),
    ("income.off_list", "Gåva", paid("Gåva", "900.00"), paid("Gåva", "900.00", "2026-12-01")),
    ("income.left_to_caseworker", "Omvårdnadsbidrag", paid("Omvårdnadsbidrag", "900.00"), paid("Merkostnadsersättning", "900.00")),
    ("income.left_to_caseworker", "other", declared("other", "50.00"), declared("swish", "50.00")),
    ("income.left_to_caseworker", "aid_other_municipality", declared("aid_other_municipality", "50.00"), declared("swish", "50.00")),
    ("income.unreadable", "Sjukpenning", paid("Sjukpenning", None, last="1.00"), paid("Sjukpenning", None, "2026-09-18")),
    ("income.unreadable", "Sjukpenning", paid("Sjukpenning", "900.00", None), paid("Sjukpenning", "900.00", "2026-11-18")),
    ("income.correction", "Sjukpenning", paid("Sjukpenning", "-1.00"), paid("Sjukpenning", "0.00")),
    ("income.unreadable", "swish", declared("swish", "50.00", None), declared("swish", "50.00")),
    ("income.unreadable", "swish", declared("swish", None), declared("swish", "0.00")),
    ("income.currency", "Sjukpenning", paid("Sjukpenning", "90.00", currency="EUR"), paid("Sjukpenning", "90.00", currency="SEK")),
    ("income.no_currency", "Sjukpenning", paid("Sjukpenning", "90.00", currency=None), paid("Sjukpenning", "90.00", currency="SEK")),
    (
        "income.deductions",
        "Sjukpenning",
        paid("Sjukpenning", "90.00", other_deductions="0.01"),
        paid("Sjukpenning", "90.00", other_deductions="0.00"),
    ),
    ("income.wrong_month", "swish", declared("swish", "50.00", "2026-12-01"), declared("swish", "50.00", "2026-11-30")),
    ("income.wrong_month", "swish", declared("swish", "50.00", "2026-10-31"), declared("swish", "50.00", "2026-11-01")),
    ("income.jobbstimulans_unknown", "salary", {"history/jobbstimulans": None}, {}),
    ("income.jobbstimulans_unknown", "salary", {"history/jobbstimulans": []}, {}),
    (
        "income.differs",
        "Underhållsstöd",
        paid("Underhållsstöd", "1673.00") | declared("maintenance", "1674.01"),
        paid("Underhållsstöd", "1673.00") | declared("maintenance", "1674.00"),
    ),
    ("info.jobbstimulans_ends", "salary", {"history/jobbstimulans/0/to": "2027-01"}, {"history/jobbstimulans/0/to": "2027-02"}),
    ("case.unrecognised", "swish", declared("swish", "50.00", recipient="unknown:X"), declared("swish", "50.00")),
]


@pytest.mark.parametrize(
    ("code", "kind", "fires", "does_not"), FLAGS, ids=[f"{row[0]} {row[1]} {number}" for number, row in enumerate(FLAGS)]
)
def test_the_flag_fires_on_its_fact_and_not_on_the_nearest_other(
    *, code: str, kind: str, fires: dict[str, Any], does_not: dict[str, Any], assess_with: Callable[..., Assessment]
) -> None:
    person = "unknown" if code == "case.unrecognised" else "applicant"

    assert (code, f"income.{kind}.{person}") in raised(assess_with(fires))
    assert code not in {one for one, _ in raised(assess_with(does_not))}


BLANKS = [
    # what, line, reason, low, high
    (paid("Gåva", "900.00"), "income.Gåva.applicant", "income.off_list", "0.00", "900.00"),
    (paid("Omvårdnadsbidrag", "900.00"), "income.Omvårdnadsbidrag.applicant", "income.left_to_caseworker", "0.00", "900.00"),
    (paid("Sjukpenning", None), "income.Sjukpenning.applicant", "income.unreadable", "0.00", None),
    (paid("Sjukpenning", "900.00", None), "income.Sjukpenning.applicant", "income.unreadable", "0.00", "900.00"),
    (paid("Sjukpenning", "90.00", currency="EUR"), "income.Sjukpenning.applicant", "income.currency", "0.00", None),
    (paid("Bostadsbidrag", None), BOSTADSBIDRAG, "income.unreadable", "0.00", None),
    (paid("Bostadsbidrag", "50.00", None), BOSTADSBIDRAG, "income.unreadable", "1850.00", "1900.00"),
    (paid("Bostadsbidrag", "-50.00"), BOSTADSBIDRAG, "income.correction", "0.00", "1850.00"),
    (paid("Sjukpenning", "90.00", currency=None), "income.Sjukpenning.applicant", "income.no_currency", "0.00", None),
    (declared("unknown:LOTTERY", "70.00"), "income.unknown:LOTTERY.applicant", "income.off_list", "0.00", "70.00"),
    (declared("swish", "70.00", "2026-12-01"), "income.swish.applicant", "income.wrong_month", "0.00", "70.00"),
    ({"history/jobbstimulans": None}, SALARY, "income.jobbstimulans_unknown", "6375.00", "8500.00"),
    (
        declared("maintenance", "2000.00") | paid("Underhållsstöd", "1673.00"),
        "income.Underhållsstöd.applicant",
        "income.differs",
        "1673.00",
        "3673.00",
    ),
    (
        declared("maintenance", "2000.00", None) | paid("Underhållsstöd", "1673.00"),
        "income.Underhållsstöd.applicant",
        "income.differs",
        "0.00",
        "3673.00",
    ),
    (
        paid("Sjukpenning", "900.00", "2026-10-20") | {"history/known": False},
        "income.Sjukpenning.applicant",
        "income.month_before",
        "0.00",
        "900.00",
    ),
]


@pytest.mark.parametrize(("changes", "key", "reason", "low", "high"), BLANKS)
def test_what_is_not_recognised_is_a_blank_with_its_reason_and_span(
    *, changes: dict[str, Any], key: str, reason: str, low: str, high: str | None, assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(changes)

    assert span(result, key) == (reason, low, high)
    assert (reason, key) in raised(result)
    assert result.proposal is None


@pytest.mark.parametrize(("paid_on", "counts"), [("2026-10-31", False), ("2026-11-01", True), ("2026-11-30", True), ("2026-12-01", False)])
def test_the_payment_date_decides_whatever_time_is_covered(paid_on: str, counts: bool, assess_with: Callable[..., Assessment]) -> None:
    changes = paid("Bostadsbidrag", "100.00", paid_on, covers_from="2026-12-01", covers_to="2026-12-31")

    line = find(assess_with(changes), BOSTADSBIDRAG)
    assert line is not None
    assert line.amount == ore(1950 if counts else 1850)


def test_two_payments_of_one_benefit_are_one_line(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(paid("Bostadsbidrag", "100.50"))

    assert [kronor(one.net) for one in result.counted_incomes if one.benefit == "Bostadsbidrag"] == ["100.50", "1850.00"]
    assert sum(line.key == BOSTADSBIDRAG for line in result.lines) == 1


def test_what_was_paid_only_the_month_before_counts_and_is_flagged(assess_with: Callable[..., Assessment]) -> None:
    line = find(assess_with(paid("Sjukpenning", "900.00", "2026-10-20")), "income.Sjukpenning.applicant")

    assert line is not None
    assert line.amount == ore(900)


def test_a_benefit_of_both_months_counts_what_was_paid_in_the_last(assess_with: Callable[..., Assessment]) -> None:
    twice = both(paid("Sjukpenning", "900.00", "2026-10-20"), paid("Sjukpenning", "700.00", "2026-11-20"))
    changes = {f"{FK_PAYMENTS}/+": twice[f"{FK_PAYMENTS}/+"]}
    result = assess_with(changes | {f"{LAST_INCOMES}/+": {"type": "Sjukpenning", "recipient": "applicant", "amount": "900.00"}})
    assert find(result, "income.Sjukpenning.applicant") is None
    assert ("income.vanished", "income.Sjukpenning.applicant") in raised(result)


@pytest.mark.parametrize(("pay", "counts"), [("333.00", "249.75"), ("0.01", "0.01"), ("0.02", "0.02"), ("0.03", "0.02"), ("1.33", "1.00")])
def test_jobbstimulans_counts_75_percent_and_half_an_ore_rounds_up(pay: str, counts: str, assess_with: Callable[..., Assessment]) -> None:
    line = find(assess_with({f"{DECLARED}/salary/net": pay}), SALARY)

    assert line is not None
    assert line.amount == ore(counts)


@pytest.mark.parametrize(
    ("first", "last", "counts"),
    [
        ("2026-11", "2028-10", "6375.00"),
        ("2024-12", "2026-11", "6375.00"),
        ("2026-12", "2028-11", "8500.00"),
        ("2024-11", "2026-10", "8500.00"),
    ],
)
def test_the_window_is_that_of_the_month_of_payment(first: str, last: str, counts: str, assess_with: Callable[..., Assessment]) -> None:
    line = find(assess_with({"history/jobbstimulans": [{"person": "applicant", "from": first, "to": last}]}), SALARY)

    assert line is not None
    assert line.amount == ore(counts)


def test_jobbstimulans_is_for_pay_and_not_for_benefits(assess_with: Callable[..., Assessment]) -> None:
    line = find(assess_with(paid("Sjukpenning", "1000.00")), "income.Sjukpenning.applicant")

    assert line is not None
    assert line.amount == ore(1000)


def test_another_persons_window_is_not_ones_own(assess_with: Callable[..., Assessment]) -> None:
    other = {"history/jobbstimulans/0/person": "co_applicant"}

    assert span(assess_with(other), SALARY) == ("income.jobbstimulans_unknown", "6375.00", "8500.00")


def test_the_same_income_declared_and_registered_counts_once_as_the_register_has_it(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(paid("Underhållsstöd", "1673.00") | declared("maintenance", "1672.50"))
    line = find(result, "income.Underhållsstöd.applicant")

    assert find(result, "income.maintenance.applicant") is None
    assert line is not None
    assert line.amount == ore(1673)
    assert any("samma inkomst" in sentence for sentence in result.shown)


def test_a_registered_benefit_that_is_also_declared_under_its_own_name_counts_once(assess_with: Callable[..., Assessment]) -> None:
    line = find(assess_with(declared("Bostadsbidrag", "1850.00")), BOSTADSBIDRAG)

    assert line is not None
    assert line.amount == ore(1850)


def test_declared_maintenance_counts_by_itself_when_the_register_has_nothing(assess_with: Callable[..., Assessment]) -> None:
    line = find(assess_with(declared("maintenance", "1200.00")), "income.maintenance.applicant")

    assert line is not None
    assert line.amount == ore(1200)


def test_preliminary_and_ignored_payments_are_shown_and_not_counted(assess_with: Callable[..., Assessment]) -> None:
    preliminary = assess_with(paid("Sjukpenning", "900.00", "2026-12-18", preliminary=True))
    ignored = assess_with(paid("Merkostnadsersättning", "500.00"))

    assert preliminary.shown == ("Sjukpenning, sökande: 900 kr den 18 december 2026 är preliminär eller planerad och räknas inte",)
    assert ignored.shown == ("Merkostnadsersättning, sökande: 500 kr den 18 november 2026 räknas inte enligt riktlinjerna",)
    assert preliminary.sums == ignored.sums == assess_with().sums


@pytest.mark.parametrize("source", ["FK", "PM", "SO", "CSN"])
def test_a_silent_register_is_one_blank_line_of_unknown_size_per_person(source: str, assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"registers/co_applicant.{source}/status": "unavailable"})

    assert span(result, f"income.{source}.co_applicant") == ("register.unavailable", "0.00", None)
    assert result.span is not None
    assert result.span.lowest is None


@pytest.mark.parametrize("source", ["AF", "SKV", "TNS", "MIV"])
def test_a_silent_register_without_incomes_is_a_flag_only(source: str, assess_with: Callable[..., Assessment]) -> None:
    result = assess_with({f"registers/applicant.{source}/status": "unavailable"})

    assert not any(line.blank for line in result.lines)
    assert result.proposal is None


def test_a_source_that_was_asked_and_is_missing_could_not_be_checked(
    case_with: Callable[..., CaseFile], assess_with: Callable[..., Assessment]
) -> None:
    gone = [answer for answer in case_with().registers if (answer.person, answer.source) != ("applicant", "PM")]
    answers = [answer.model_dump(mode="json", by_alias=True) for answer in gone]

    assert span(assess_with({"registers": answers}), "income.PM.applicant") == ("register.unavailable", "0.00", None)


def test_two_answers_from_one_source_cannot_both_be_believed(
    case_with: Callable[..., CaseFile], assess_with: Callable[..., Assessment]
) -> None:
    answers = [answer.model_dump(mode="json", by_alias=True) for answer in case_with().registers]
    twice = [answer for answer in answers if (answer["person"], answer["source"]) == ("applicant", "PM")]

    assert span(assess_with({"registers": answers + twice}), "income.PM.applicant")[0] == "register.unavailable"


def test_an_answer_in_part_may_lack_an_income_but_one_about_identity_does_not(assess_with: Callable[..., Assessment]) -> None:
    silent_fund = assess_with({"registers/applicant.SO/deviations": ["a-kassa.Påhittade"]})
    identity = assess_with({"registers/co_applicant.FK/deviations": ["ovrigInformation.FK:GEPI.OBEHORIG"]})

    assert span(silent_fund, "income.SO.applicant") == ("register.incomplete", "0.00", None)
    assert find(identity, "income.FK.co_applicant") is None
    assert "register.incomplete" in {flag.code for flag in identity.flags}


def test_nothing_is_said_to_have_vanished_when_its_source_was_silent(assess_with: Callable[..., Assessment]) -> None:
    silent = assess_with({"registers/co_applicant.SO/status": "unavailable"})

    assert "income.vanished" not in {flag.code for flag in silent.flags}


def test_last_months_income_under_the_registers_name_has_not_vanished(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(paid("Underhållsstöd", "1673.00") | was("maintenance", "1673.00"))

    assert "income.vanished" not in {flag.code for flag in result.flags}


def test_a_payment_of_several_kinds_is_the_caseworkers_only_where_the_list_tells_them_apart(
    case_with: Callable[..., CaseFile], rulebook: Rulebook, load: Callable[[str, str], Rulebook]
) -> None:
    mixed = case_with(paid("Sjukpenning", "900.00", mixed_rows=True))
    row = "  Sjukpenning: {origin: FK, unit: handling, values:"
    part = 'parts: [{part: Retro, unit: handling, values: {2025-01: {value: ignore, source: "x"}}}], values:'
    told_apart = load(row, row.replace("values:", part))

    assert "income.mixed_rows" not in {flag.code for flag in assess(mixed, rulebook).flags}
    assert span(assess(mixed, told_apart), "income.Sjukpenning.applicant") == ("income.mixed_rows", "0.00", "900.00")


def test_a_childs_pay_is_blank_and_a_childs_other_income_counts_up_to_its_own_norm(assess_with: Callable[..., Assessment]) -> None:
    pay = assess_with(declared("salary", "1500.00", recipient="child-1"))
    small = assess_with(declared("swish", "3820.00", recipient="child-1"))
    large = assess_with(declared("swish", "3820.01", recipient="child-1"))

    assert span(pay, "income.salary.child-1") == ("income.child", "0.00", "1500.00")
    assert [line.amount for line in (find(small, "income.swish.child-1"), find(large, "income.swish.child-1")) if line] == [
        ore(3820),
        ore(3820),
    ]
    assert "income.child" not in {flag.code for flag in small.flags}
    assert "income.child" in {flag.code for flag in large.flags}
