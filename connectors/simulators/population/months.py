"""Months, written as their first day, and amounts, written in whole öre: the population's own small tools."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal


def first_of(day: date) -> date:
    """Return the first day of the day's month."""
    return day.replace(day=1)


def shift(month: date, months: int) -> date:
    """Return the first day of the month that many months later."""
    index = month.year * 12 + month.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def last_of(month: date) -> date:
    """Return the month's last day."""
    return shift(month, 1) - timedelta(days=1)


def on(month: date, number: int) -> date:
    """Return that day of the month, at the latest its last."""
    return month.replace(day=min(number, last_of(month).day))


def age_on(birth: date, day: date) -> int:
    """Return the age in whole years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def kr(kronor: int) -> int:
    """Return whole kronor as öre."""
    return kronor * 100


def text(ore: int) -> str:
    """Return öre as a decimal string in kronor."""
    sign = "-" if ore < 0 else ""
    return f"{sign}{abs(ore) // 100}.{abs(ore) % 100:02d}"


def number(ore: int) -> int | Decimal:
    """Return öre as the number of kronor that the case system's JSON carries, without any float."""
    return ore // 100 if ore % 100 == 0 else Decimal(ore) / 100


def rounded(ore: int, numerator: int, denominator: int) -> int:
    """Return a share of an amount, half up to whole kronor."""
    return (2 * ore * numerator + 100 * denominator) // (200 * denominator) * 100
