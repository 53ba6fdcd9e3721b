"""A calendar month: '2026-12' outside, an ordered value inside."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2
_WRITTEN = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """One calendar month; ordered, hashable."""

    year: int
    number: int
    index: int = field(init=False, repr=False, compare=False)
    """How many months since the start of the calendar: quicker to compare than the month itself."""
    first: date = field(init=False, repr=False, compare=False)
    """The month's first day."""

    def __post_init__(self) -> None:
        if not (1 <= self.year <= 9999 and 1 <= self.number <= 12):
            raise ValueError("a month is a year 1-9999 and a number 1-12")
        object.__setattr__(self, "index", self.year * 12 + self.number - 1)
        object.__setattr__(self, "first", date(self.year, self.number, 1))

    @classmethod
    def parse(cls, text: str) -> Month:
        """Return the month written as 'YYYY-MM'. Raises ValueError for anything else."""
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ValueError("a month is written YYYY-MM, for example '2026-12'")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month a day lies in."""
        return cls(day.year, day.month)

    def plus(self, months: int) -> Month:
        """Return the month that many months later (earlier when negative)."""
        index = self.index + months
        return Month(index // 12, index % 12 + 1)

    @property
    def last(self) -> date:
        """The month's last day."""
        return self.plus(1).first - timedelta(days=1)

    @property
    def days(self) -> int:
        """How many days the month has."""
        return _DAYS[self.number - 1] + (self.number == _FEBRUARY and calendar.isleap(self.year))

    def day(self, number: int) -> date:
        """Return that day of the month, at the latest its last."""
        return date(self.year, self.number, min(number, self.days))

    def __contains__(self, day: date) -> bool:
        return day.year == self.year and day.month == self.number

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


def _from_outside(value: Any) -> Month:
    if isinstance(value, Month):
        return value
    if not isinstance(value, str):
        raise ValueError("a month is written YYYY-MM, for example '2026-12'")
    return Month.parse(value)


MonthText = Annotated[
    Month,
    BeforeValidator(_from_outside),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"}),
]
"""A month in a model: `Month` inside, 'YYYY-MM' in JSON."""
