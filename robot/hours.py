"""Opening hours and quiet windows, by the clock on the wall in Sweden: right also in the nights when it is set. Holidays are not known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from robot.clock import STOCKHOLM
from robot.settings_watching import Section

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = 7
_MOST_WINDOWS = 30


def _days(value: object) -> object:
    """Return the numbers of the days, Monday 0, of `mon`, `mon-fri`, `mon,wed` or `daily`."""
    if not isinstance(value, str):
        return value
    if value == "daily":
        return tuple(range(_WEEK))
    days: set[int] = set()
    for part in value.split(","):
        first, _, last = (one.strip() for one in part.partition("-"))
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError(f"days are {', '.join(_DAYS)}, from-to as mon-fri, several as mon,wed, or daily")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        days.update((begin + step) % _WEEK for step in range((end - begin) % _WEEK + 1))
    return tuple(sorted(days))


def _clock(value: object) -> object:
    """Return a time of day of `06:00`; 24:00 is the day's end, midnight."""
    if not isinstance(value, str):
        return value
    return time() if value == "24:00" else time.fromisoformat(value)


Days = Annotated[tuple[Annotated[int, Field(ge=0, lt=_WEEK)], ...], BeforeValidator(_days, json_schema_input_type=str)]
Clock = Annotated[time, BeforeValidator(_clock, json_schema_input_type=str)]


class Window(Section):
    """Some hours of some days. One that ends before it begins goes over midnight and belongs to the day on which it begins."""

    days: Annotated[Days, Field(min_length=1, description="mon, mon-fri, sat,sun or daily.")]
    begins: Annotated[Clock, Field(alias="from", description="First minute, in Sweden: '06:00'.")]
    ends: Annotated[Clock, Field(alias="to", description="The minute after the last: '22:00'; '24:00' = midnight.")]

    @model_validator(mode="after")
    def _plain(self) -> Self:
        if self.begins.tzinfo is not None or self.ends.tzinfo is not None:
            raise ValueError("times are those of the clock on the wall, without zone")
        return self

    def on(self, day: date) -> tuple[datetime, datetime] | None:
        """Return when it begins and ends when it begins that day, as wall time without zone."""
        if day.weekday() not in self.days:
            return None
        begin = datetime.combine(day, self.begins)
        end = datetime.combine(day, self.ends)
        return begin, end if end > begin else end + timedelta(days=1)


Windows = Annotated[tuple[Window, ...], Field(max_length=_MOST_WINDOWS)]


def within(windows: Sequence[Window], now: datetime) -> bool:
    """Say whether it is in one of them."""
    wall = now.astimezone(STOCKHOLM).replace(tzinfo=None)
    nearby = (one.on(wall.date() - timedelta(days=back)) for one in windows for back in (0, 1))
    return any(begin <= wall < end for begin, end in filter(None, nearby))


def is_open(windows: Sequence[Window], now: datetime) -> bool:
    """Say whether a neighbour with these hours may be asked; one without any is always open."""
    return not windows or within(windows, now)


def opens(windows: Sequence[Window], now: datetime) -> datetime:
    """Return when the next of them begins, in UTC; now when there are none."""
    return min((begin for begin in _beginnings(windows, now, range(_WEEK + 1)) if begin > now), default=now).astimezone(UTC)


def opened(windows: Sequence[Window], now: datetime) -> datetime | None:
    """Return when the last of them began, None when there are none."""
    return max((begin for begin in _beginnings(windows, now, range(-_WEEK, 1)) if begin <= now), default=None)


def _beginnings(windows: Sequence[Window], now: datetime, days: range) -> list[datetime]:
    today = now.astimezone(STOCKHOLM).date()
    found = (one.on(today + timedelta(days=day)) for one in windows for day in days)
    return [begin.replace(tzinfo=STOCKHOLM) for begin, _ in filter(None, found)]
