"""When a case must have been handed over, and when a resting one is asked for again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from robot.clock import STOCKHOLM
from rules.month import Month

GRACE = timedelta(hours=24)


def deadline(first_pulled: datetime, month: Month | None, income_month_complete_day: int) -> datetime:
    """Return 24 hours after the later of the first pull and 00:00 on the day after the income month is complete."""
    if month is None:
        return after(first_pulled, GRACE)
    complete = month.plus(-1).day(income_month_complete_day) + timedelta(days=1)
    return after(max(first_pulled, datetime.combine(complete, time(), STOCKHOLM)), GRACE)


def after(moment: datetime, wait: timedelta) -> datetime:
    """Return the moment that much later, in UTC: in local time, the nights when the clocks change, a sum is an hour wrong."""
    return moment.astimezone(UTC) + wait


def next_asking(now: datetime, hour: int) -> datetime:
    """Return the next time the clock in Sweden strikes that hour, on a later day than now."""
    local = now.astimezone(STOCKHOLM)
    return datetime.combine(local.date() + timedelta(days=1), time(hour), STOCKHOLM)
