"""Incomes for tests of the rules: changes of the example case, for `case_with` and `assess_with`, and what came of them."""

from __future__ import annotations

from typing import Any

from rules.assessment import Assessment, Line
from rules.money import kronor

FK = "registers/applicant.FK/payments"
PM = "registers/applicant.PM"
LAST = "history/previous_calculation/incomes"


def payment(benefit: str, net: str | None, paid_on: str | None = "2026-11-18", **more: Any) -> dict[str, Any]:
    return {"benefit": benefit, "net": net, "paid_on": paid_on, "currency": "SEK", "other_deductions": "0.00"} | more


def paid(*payments: dict[str, Any]) -> dict[str, Any]:
    """What Försäkringskassan paid the applicant, beside the example's Bostadsbidrag."""
    housing = [payment("Bostadsbidrag", "1850.00", day) for day in ("2026-10-27", "2026-11-27")]
    return {FK: [*housing, *payments]}


def from_pm(*payments: dict[str, Any]) -> dict[str, Any]:
    return {f"{PM}/status": "answered", f"{PM}/payments": list(payments)}


def declared(kind: str, net: str, recipient: str) -> dict[str, Any]:
    return {"application/incomes/+": {"type": kind, "recipient": recipient, "net": net, "paid_on": "2026-11-18"}}


def last_month(*incomes: tuple[str, str, str]) -> dict[str, Any]:
    example = [
        ("salary", "applicant", "8500.00"),
        ("Bostadsbidrag", "applicant", "1850.00"),
        ("Barnbidrag", "co_applicant", "1250.00"),
        ("Arbetslöshetsersättning", "co_applicant", "6100.00"),
    ]
    return {LAST: [{"type": kind, "recipient": who, "amount": amount} for kind, who, amount in (*example, *incomes)]}


def codes(result: Assessment) -> set[str]:
    """Return the codes of all flags."""
    return {flag.code for flag in result.flags}


def find(result: Assessment, key: str) -> Line:
    """Return the line with that key."""
    return next(line for line in result.lines if line.key == key)


def span(result: Assessment, key: str) -> tuple[str, str, str | None]:
    """Return why a line is blank, and between which kronor it lies; None = no upper limit."""
    blank = find(result, key).blank
    assert blank is not None
    return blank.reason, kronor(blank.low), None if blank.high is None else kronor(blank.high)
