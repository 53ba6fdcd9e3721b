"""Who lives in a made-up household, and what a caseworker counts as its norm: the population's own arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors.simulators.population.identity import ADULTS, Identities, written
from connectors.simulators.population.months import age_on, kr, last_of, rounded, shift
from connectors.simulators.population.tables import LUNCH_ELSEWHERE_AGES, NORMS, band, norm_for
from connectors.simulators.world import AKassaRecord, PersonRecord, RegisterRecord


@dataclass(slots=True)
class Adult:
    """An applicant or co-applicant. `registers` = what is written over the usual record; `former` = only in last month's calculation."""

    person: PersonRecord
    plan: dict[str, Any] | None
    registers: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    former: bool = False
    other_a_kassor: tuple[AKassaRecord, ...] = ()


@dataclass(slots=True)
class Child:
    """A child. `days` = in the home in the month applied for (None = all); `last_amount` = written by hand last month, öre,
    `untold` = Lifecare does not show the amount.

    `elsewhere` = eats lunch elsewhere; `new` = not in last month's calculation, `former` = only there.
    """

    person: PersonRecord
    birth: date
    elsewhere: bool
    days: int | None = None
    last_days: int | None = None
    last_amount: int | None = None
    untold: bool = False
    new: bool = False
    former: bool = False

    def amount(self, month: date, days: int | None) -> int:
        """Return the child's norm for a month, öre."""
        norm = norm_for(month.year)
        ages = band(age_on(self.birth, month))
        whole = kr((norm.without_lunch if self.elsewhere and ages in norm.without_lunch else norm.children)[ages])
        return whole if days is None else min(whole, rounded(whole, days, last_of(month).day))


class Household:
    """Adults and children, with the norm for this month and for the last. `others` share the home and are outside the calculation."""

    def __init__(self, identities: Identities, month: date) -> None:
        self.identities = identities
        self.month = month
        self.adults: list[Adult] = []
        self.children: list[Child] = []
        self.others = 0

    def adult(self, age: int, plan: dict[str, Any] | None, *, coordination: bool = False, former: bool = False) -> Adult:
        """Add an adult, the applicant first."""
        place = len(self.adults)
        birth, serial = self.identities.adult(place, age)
        adult = Adult(self._person(written(birth, serial, coordination=coordination), place), plan, former=former)
        self.adults.append(adult)
        return adult

    def child(self, low: int, high: int | None = None, *, elsewhere: bool | None = None, **more: Any) -> Child:
        """Add a child of an age from `low` to `high`. Lunch as the municipality states it for the age, unless `elsewhere` is given."""
        coordination = more.pop("coordination", False)
        birth, serial, age = self.identities.child(len(self.children), low, low if high is None else high)
        lunch = age in LUNCH_ELSEWHERE_AGES if elsewhere is None else elsewhere
        return self._add(birth, serial, lunch, coordination=coordination, **more)

    def turning_child(self, *ages: int) -> Child:
        """Add a child whose birthday last month moved it to the next age band: one of those ages now."""
        birth, serial, _ = self.identities.turning(ages)
        return self._add(birth, serial, elsewhere=True)

    def norm(self) -> int | None:
        """Return the norm for the month applied for, öre; None when no amounts are known for that year."""
        if self.month.year not in NORMS:
            return None
        amounts = [child.amount(self.month, child.days) for child in self.children if not child.former]
        adults = sum(not adult.former for adult in self.adults)
        return self._adults(self.month, adults) + sum(amounts) + self._common(self.month, adults + len(amounts))

    def untold(self) -> frozenset[str]:
        """Return the personnummer of those whose amount Lifecare does not show."""
        return frozenset(child.person.personnummer for child in self.children if child.untold)

    def last_norm(self) -> tuple[list[tuple[PersonRecord, int]], int]:
        """Return each member's amount in last month's calculation, and the common costs, öre."""
        month = shift(self.month, -1)
        adults = [adult.person for adult in self.adults]
        share = self._adults(month, len(adults)) // len(adults)
        rows = [(person, share) for person in adults]
        for child in self.children:
            if not child.new:
                amount = child.amount(month, child.last_days) if child.last_amount is None else child.last_amount
                rows.append((child.person, amount))
        return rows, self._common(month, len(rows))

    def size(self) -> int:
        """Return how many are in the calculation."""
        return sum(not adult.former for adult in self.adults) + sum(not child.former for child in self.children)

    def common_without(self, fewer: int) -> int:
        """Return how much of the common costs is open when so many of the members may be outside the calculation, öre."""
        size = self.size()
        whole = kr(norm_for(self.month.year).common[size + self.others - 1])
        return self._common(self.month, size) - rounded(whole, size - fewer, size + self.others)

    def _adults(self, month: date, adults: int) -> int:
        norm = norm_for(month.year)
        return kr(norm.single if adults == 1 else norm.sambo)

    def _common(self, month: date, members: int) -> int:
        at_home = members + self.others
        return rounded(kr(norm_for(month.year).common[at_home - 1]), members, at_home)

    def _add(self, birth: date, serial: int, elsewhere: bool, *, coordination: bool = False, **more: Any) -> Child:
        person = self._person(written(birth, serial, coordination=coordination), ADULTS + len(self.children))
        child = Child(person, birth, elsewhere, **more)
        self.children.append(child)
        return child

    def _person(self, personnummer: str, place: int) -> PersonRecord:
        names = self.identities
        return PersonRecord(personnummer, names.party_id(), names.first_name(place), names.last_name, RegisterRecord())
