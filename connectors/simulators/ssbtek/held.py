"""What a register shows of the payments it holds, for the days asked and the world's day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from connectors.simulators.ssbtek.question import Period
from connectors.simulators.world import PaymentRecord


def paid(payments: Iterable[PaymentRecord], period: Period, today: date) -> Iterator[PaymentRecord]:
    """Give the payments with a payment date in the period that the register shows as paid today."""
    return (payment for payment in payments if payment.paid_on in period and is_visible(payment, today))


def planned(payments: Iterable[PaymentRecord], period: Period, today: date) -> Iterator[PaymentRecord]:
    """Give the payments with a payment date in the period that the register shows as coming today."""
    return (payment for payment in payments if payment.paid_on in period and payment.planned and not is_visible(payment, today))


def is_visible(payment: PaymentRecord, today: date) -> bool:
    """Whether the register shows it as paid: from `visible_from`, and when that is not given from the day it is paid."""
    return today >= (payment.visible_from or payment.paid_on)


def gross(payment: PaymentRecord) -> str:
    """Return the amount before tax and other deductions. A record's `net` is after tax, before other deductions."""
    return payment.gross if payment.gross is not None else str(Decimal(payment.net) + Decimal(payment.tax))


def other_deductions(payment: PaymentRecord) -> str:
    """Return what is deducted beyond tax."""
    return str(Decimal(payment.deductions) - Decimal(payment.tax))


def paid_out(payment: PaymentRecord) -> str:
    """Return what the person got: after tax and every other deduction."""
    return str(Decimal(payment.net) - Decimal(other_deductions(payment)))


def whole_kronor(amount: str) -> str:
    """Return the amount without öre when it has none, else as it is."""
    value = Decimal(amount)
    return str(int(value)) if value == int(value) else amount
