"""Values that hold from a month on, each with its source and status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

from rules.assessment import ParameterUsed
from rules.money import Ore, kronor
from rules.month import Month
from rules.strict_yaml import Place

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """One value, the months it holds for (`until` None = until the next one), where it was read, and how surely."""

    name: str
    unit: str
    value: T
    since: Month
    until: Month | None
    source: str
    status: str
    _used: dict[str | None, ParameterUsed] = field(default_factory=dict, init=False, compare=False, repr=False)

    def used(self, value: str | None = None) -> ParameterUsed:
        """Return this as a part of a trace, made once; `value` where only a part of it was used."""
        if value not in self._used:
            self._used[value] = self._as_used(value)
        return self._used[value]

    def _as_used(self, value: str | None) -> ParameterUsed:
        if value is None:
            value = kronor(Ore(self.value)) if self.unit.startswith("kr") and isinstance(self.value, int) else str(self.value)
        return ParameterUsed(name=self.name, value=value, valid_from=str(self.since), source=self.source, status=self.status)


@dataclass(frozen=True, slots=True)
class Series(Generic[T]):
    """The values of one parameter through time, oldest first."""

    name: str
    values: tuple[Dated[T], ...]

    def at(self, month: Month) -> Dated[T] | None:
        """Return the value that holds for a month; None = none is known, and the neighbour's is never used instead."""
        for value in reversed(self.values):
            if value.since.index <= month.index:
                return None if value.until is not None and value.until.index < month.index else value
        return None

    @property
    def latest(self) -> T:
        """The newest value."""
        return self.values[-1].value


def read_series(
    name: str, place: Place, read_value: Callable[[Place], T], *, statuses: tuple[str, ...], also: tuple[str, ...] = ()
) -> Series[T]:
    """Read `unit` and `values`, each value with `value`, `source`, `status` and perhaps `until`.

    With one allowed status that status may be left out. `also` = other keys that may stand beside, read by somebody else.
    Raises RulebookError on an overlap, and on all that is not so written.
    """
    fields = place.fields(required=("unit", "values"), optional=also)
    unit = fields["unit"].text()
    months = fields["values"].table()
    if not months:
        raise fields["values"].error("at least one value is needed")
    found: list[tuple[Dated[T], Place]] = []
    for key, entry in months.items():
        try:
            since = Month.parse(key)
        except ValueError as error:
            raise entry.error(str(error)) from None
        fields = entry.fields(required=("value", "source"), optional=("status", "until"))
        until = _until(fields, since)
        status = _status(entry, fields, statuses)
        found.append((Dated(name, unit, read_value(fields["value"]), since, until, fields["source"].text(), status), entry))
    found.sort(key=lambda pair: pair[0].since)
    for (before, _), (after, entry) in pairwise(found):
        if before.until is not None and after.since <= before.until:
            raise entry.error(f"overlaps the value from {before.since}, which holds until {before.until}")
    return Series(name, tuple(value for value, _ in found))


def _until(fields: dict[str, Place], since: Month) -> Month | None:
    until = fields["until"].month() if "until" in fields else None
    if until is not None and until < since:
        raise fields["until"].error(f"is before the value's own first month, {since}")
    return until


def _status(entry: Place, fields: dict[str, Place], statuses: tuple[str, ...]) -> str:
    if "status" in fields:
        return fields["status"].choice(statuses)
    if len(statuses) > 1:
        raise entry.error(f"`status` is missing; one of: {', '.join(statuses)}")
    return statuses[0]
