"""Incomes of a made-up household: as registers hold them, as the applicant declares them, as Lifecare counted them last month."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors.simulators.population.months import last_of, number, on, shift, text
from connectors.simulators.population.tables import A_KASSA, KINDS
from connectors.simulators.world import AKassaRecord, PaymentRecord


@dataclass(slots=True)
class Income:
    """One kind of income of one adult, öre. `now` = paid in M-1, `before` = paid in M-2 and earlier, `last` = in last month's calculation.

    `low` = what of it is certain this month; `last_counted` = after jobbstimulans. `payment` is written over the payment of M-1,
    `halves` = paid in two halves, a fortnight apart.
    """

    kind: str
    person: int
    now: int | None
    before: int | None
    last: int | None
    low: int
    last_counted: int
    other_deductions: int = 0
    payment: dict[str, Any] = field(default_factory=dict)
    halves: bool = False

    @property
    def declared(self) -> bool:
        """Say whether the applicant tells about it."""
        return KINDS[self.kind].source == "APPLICATION"


def payments(incomes: list[Income], source: str, month: date) -> tuple[PaymentRecord, ...]:
    """Return what a source paid in the three months before the month applied for, oldest first."""
    found = []
    for income in incomes:
        if KINDS[income.kind].source == source:
            for back, amount in ((3, income.before), (2, income.before), (1, income.now)):
                if amount is not None:
                    found += _payments(income, shift(month, -back), amount, income.payment if back == 1 else {})
    return tuple(sorted(found, key=lambda paid: (paid.paid_on, paid.group, paid.benefit)))


def a_kassor(incomes: list[Income], month: date) -> tuple[AKassaRecord, ...]:
    """Return the a-kassa that pays, if any."""
    paid = payments(incomes, "SO", month)
    return (AKassaRecord(A_KASSA, payments=paid),) if paid else ()


def declared(incomes: list[Income], month: date) -> list[dict[str, Any]]:
    """Return the rows of the application."""
    before = shift(month, -1)
    return [
        {
            "incomeType": KINDS[income.kind].code,
            "amount": number(income.now),
            "incomeDate": on(before, KINDS[income.kind].day).isoformat(),
            "recipient": ("APPLICANT", "CO_APPLICANT")[income.person],
        }
        for income in incomes
        if income.declared and income.now is not None
    ]


def _payments(income: Income, month: date, net: int, changes: dict[str, Any]) -> list[PaymentRecord]:
    day = KINDS[income.kind].day
    if income.halves:
        return [_payment(income, month, net - net // 2, day - 14, changes), _payment(income, month, net // 2, day, changes)]
    return [_payment(income, month, net, day, changes)]


def _payment(income: Income, month: date, net: int, day: int, changes: dict[str, Any]) -> PaymentRecord:
    """Return one payment: net after tax, with a quarter of the gross amount deducted as tax where the benefit is taxed."""
    kind = KINDS[income.kind]
    tax = net // 300 * 100 if kind.taxed else 0
    other = income.other_deductions
    paid_on = on(month, day)
    fields: dict[str, Any] = {
        "group": kind.code,
        "benefit": income.kind,
        "paid_on": paid_on,
        "net": text(net),
        "covers_from": month,
        "covers_to": last_of(month),
        "gross": text(net + tax),
        "tax": text(tax),
        "deductions": text(tax + other),
        "visible_from": changes.get("paid_on", paid_on),
    }
    return PaymentRecord(**(fields | changes))
