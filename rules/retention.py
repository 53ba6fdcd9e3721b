"""What the law says of gallring, dated and with its source, from `rules/parameters/retention.yaml`; and how a time is counted.

No assessment depends on it, so it is no part of the rulebook's hash.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from rules.dated import Series, read_series
from rules.law_parameters import FOLDER
from rules.month import Month
from rules.riksnorm_files import STATUSES
from rules.strict_yaml import Place, read_file

_FILE = "retention.yaml"
_SHOWN = "rules/parameters/retention.yaml"
_NAMES = ("gallring.personakt", "gallring.done_within", "gallring.research_birth_days", "gallring.research_areas")
_MOST_MONTHS = 1200
_MOST_YEARS = 10
_COUNTY = 2
_MUNICIPALITY = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetentionLaw:
    """The law's times, and what it keeps for research."""

    keep_months: Series[int]
    done_within_years: Series[int]
    research_birth_days: Series[tuple[int, ...]]
    research_areas: Series[tuple[str, ...]]

    def keeps_area(self, municipality: str, day: date) -> bool:
        """Say whether all files of a municipality, by its SCB code, are kept for research."""
        areas = self.research_areas.at(Month.of(day))
        return areas is not None and any(municipality.startswith(area) for area in areas.value)

    def keeps_born_on(self, births: Iterable[date], day: date) -> bool:
        """Say whether any of some persons is born on a day whose files are kept for research."""
        days = self.research_birth_days.at(Month.of(day))
        return days is not None and any(birth.day in days.value for birth in births)


def read_retention_law(folder: Path = FOLDER) -> RetentionLaw:
    """Return the law's times. Raises RulebookError."""
    file, _ = read_file(folder / _FILE, _SHOWN)
    fields = file.fields(required=_NAMES)

    def read(name: str, value: Callable[[Place], T]) -> Series[T]:
        return read_series(name, fields[name], value, statuses=STATUSES)

    return RetentionLaw(
        keep_months=read("gallring.personakt", lambda place: place.integer(1, _MOST_MONTHS)),
        done_within_years=read("gallring.done_within", lambda place: place.integer(0, _MOST_YEARS)),
        research_birth_days=read("gallring.research_birth_days", _days),
        research_areas=read("gallring.research_areas", _codes),
    )


def kept_until(began: date, months: int) -> date:
    """Return the last day on which something is kept that is kept for some months from a day: the same day of the month, or its last."""
    index = began.year * 12 + began.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(began.day, calendar.monthrange(year, month + 1)[1]))


def latest_by(until: date, years: int) -> date:
    """Return the day by which gallring must be done of what is kept until a day."""
    return date(until.year + years, 12, 31)


def _days(place: Place) -> tuple[int, ...]:
    return tuple(one.integer(1, 31) for one in place.items())


def _codes(place: Place) -> tuple[str, ...]:
    codes = tuple(one.text() for one in place.items())
    if not all(code.isdigit() and len(code) in {_COUNTY, _MUNICIPALITY} for code in codes):
        raise place.error("each is a county's two figures or a municipality's four, in quotes")
    return codes
