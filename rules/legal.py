"""Rules as dated versions: which text of the law a case is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Generic, ParamSpec, TypeVar

from rules.month import Month

P = ParamSpec("P")
R = TypeVar("R")


class RuleConflictError(Exception):
    """Two versions of a rule, or two rules of one name, would judge the same case."""


@dataclass(frozen=True, slots=True)
class CaseTime:
    """What decides which version a case is judged by: the month applied for and the day the application was received."""

    month: Month
    received: date
    governing_day: date = field(init=False)
    """The later of the day received and the first of the month.

    Older rules go on for an application that came in before the new ones **and** is for time before them; one received in January for
    December is judged by January's rules.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "governing_day", max(self.received, self.month.first))


@dataclass(frozen=True, slots=True)
class InForce:
    """First and last day of a version. `by_month` = only the month applied for decides, not the day received."""

    first: date = date.min
    last: date = date.max
    by_month: bool = False

    def until(self, year: int, month: int, day: int) -> InForce:
        """Return the same period with a last day."""
        return replace(self, last=date(year, month, day))

    def covers(self, time: CaseTime) -> bool:
        """Say whether a case is judged by a version in force for this period."""
        return self.first <= (time.month.first if self.by_month else time.governing_day) <= self.last

    def overlaps(self, other: InForce) -> bool:
        """Say whether some case could be judged by both. Periods that look at different days are never told apart: they overlap."""
        return self.by_month != other.by_month or (self.first <= other.last and other.first <= self.last)


def since(year: int, month: int, day: int) -> InForce:
    """In force from that day on."""
    return InForce(first=date(year, month, day))


def before(year: int, month: int, day: int) -> InForce:
    """In force until the day before."""
    return InForce(last=date(year, month, day) - timedelta(days=1))


def for_months_since(year: int, month: int) -> InForce:
    """In force for support for that month and later, whenever it was applied for."""
    return InForce(first=date(year, month, 1), by_month=True)


@dataclass(frozen=True, slots=True)
class Version(Generic[P, R]):
    """One dated version of a rule: a plain function, and the law it puts into words."""

    name: str
    law: str
    in_force: InForce
    apply: Callable[P, R]

    def month_of(self, time: CaseTime) -> Month:
        """Return the month whose parameters belong to this version: that of the very day that chose it.

        A number that the law sets follows its rule: what is received in January for December is judged by January's rule and number.
        What the law lets depend on another time (a year's amounts, the month of a payment) is read at that time instead.
        """
        return time.month if self.in_force.by_month else Month.of(time.governing_day)


class Rule(Generic[P, R]):
    """A rule: its versions side by side, so that an old case computes the same."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.versions: tuple[Version[P, R], ...] = ()

    def add(self, law: str, in_force: InForce, apply: Callable[P, R]) -> None:
        """Add a version. Raises RuleConflictError when a case could be judged by it and by one that is here."""
        for other in self.versions:
            if in_force.overlaps(other.in_force):
                raise RuleConflictError(f"{self.name}: {law} and {other.law} would judge the same case")
        self.versions += (Version(self.name, law, in_force, apply),)

    def version(self, law: str, *, in_force: InForce) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Add a version with a function of its own; the function itself is left as it is."""

        def decorate(apply: Callable[P, R]) -> Callable[P, R]:
            self.add(law, in_force, apply)
            return apply

        return decorate

    def at(self, time: CaseTime) -> Version[P, R] | None:
        """Return the version that a case is judged by; None = the rule is not in force for it."""
        for version in self.versions:
            if version.in_force.covers(time):
                return version
        return None


_ALL: dict[str, Rule[..., object]] = {}


def rule(law: str, *, in_force: InForce) -> Callable[[Callable[P, R] | Rule[P, R]], Rule[P, R]]:
    """Make a plain function the rule of its name, in force for a period; above another `@rule`, say that an older law said the same."""

    def decorate(apply: Callable[P, R] | Rule[P, R]) -> Rule[P, R]:
        if isinstance(apply, Rule):
            apply.add(law, in_force, apply.versions[0].apply)
            return apply
        name = getattr(apply, "__name__", "")
        if name in _ALL:
            raise RuleConflictError(f"there are two rules named {name}")
        made: Rule[P, R] = Rule(name)
        made.add(law, in_force, apply)
        _ALL[name] = made  # type: ignore[assignment] # kept for its names and dates only
        return made

    return decorate


def all_versions() -> list[tuple[str, str, str, str]]:
    """Return name, law, first and last day of every version of every rule, sorted: what the rulebook's hash is made of."""
    return sorted(
        (version.name, version.law, version.in_force.first.isoformat(), version.in_force.last.isoformat())
        for found in _ALL.values()
        for version in found.versions
    )
