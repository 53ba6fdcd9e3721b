"""What last month's calculation has of a person's income."""

from __future__ import annotations

from rules.context import Case
from rules.money import Ore


def previous_amount(case: Case, kind: str, person: str) -> Ore | None:
    """Return last month's sum before jobbstimulans; None = last month's calculation does not have it."""
    amounts = [row.amount for row in (case.previous.incomes if case.previous else ()) if (row.type, row.recipient) == (kind, person)]
    return Ore(sum(amounts)) if amounts else None


def previous_counted(case: Case, kind: str, person: str) -> Ore | None:
    """Return last month's sum after jobbstimulans; None = last month's calculation does not have it."""
    rows = [row for row in (case.previous.incomes if case.previous else ()) if (row.type, row.recipient) == (kind, person)]
    return Ore(sum(row.amount if row.counted is None else row.counted for row in rows)) if rows else None
