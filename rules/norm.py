"""Riksnormen: what the household's members and size give, by the table of the month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.assessment import ParameterUsed
from rules.dated import Dated
from rules.found import Counted, blank, counted
from rules.law_parameters import COMMON_SIZES, LUNCH_BANDS
from rules.legal import before, rule, since
from rules.money import ZERO, Ore

_ORE = 100
_GROWN_UP = 18
_SFS_2025 = "SFS 2025:468 12 kap. 2 §"
_SFS_2001 = "SFS 2001:937 2 kap. 1 §"
_LAW_2027 = "SoL 2025:400 12 kap. 7 § (2026:897)"
_NO_AMOUNTS = "inga belopp är kända för månaden; tidigare års belopp används inte i stället"
_TO_2026 = since(2025, 7, 1).until(2026, 12, 31)
_FROM_2027 = since(2027, 1, 1)
_OLD = before(2025, 7, 1)
_OLDEST_IN_BAND = ((0, "0"), (2, "1-2"), (3, "3"), (6, "4-6"), (10, "7-10"), (14, "11-14"), (18, "15-18"), (20, "19-20"))


@dataclass(frozen=True, slots=True)
class NormTable:
    """Riksnormens amounts in one month, by parameter name."""

    amounts: Mapping[str, Dated[Ore]]

    def __getitem__(self, name: str) -> Dated[Ore]:
        return self.amounts[f"riksnorm.{name}"]

    def common(self, size: int) -> Ore:
        """Common costs of a household; each member above seven adds what the seventh did."""
        largest = self[f"common.{COMMON_SIZES}"].value
        if size <= COMMON_SIZES:
            return self[f"common.{size}"].value
        return Ore(largest + (size - COMMON_SIZES) * (largest - self[f"common.{COMMON_SIZES - 1}"].value))

    def common_used(self, size: int) -> tuple[ParameterUsed, ...]:
        """The amounts behind `common`."""
        sizes = (size,) if size <= COMMON_SIZES else (COMMON_SIZES, COMMON_SIZES - 1)
        return tuple(self[f"common.{one}"].used() for one in sizes)

    def child(self, band: str, *, without_lunch: bool) -> Dated[Ore]:
        """A child's amount; without lunch makes a difference up to six years only."""
        return self[f"child_without_lunch.{band}" if without_lunch and band in LUNCH_BANDS else f"child.{band}"]


@dataclass(frozen=True, slots=True)
class Quotients:
    """How parts of a month and shares of a household are worked out, which the law does not say. `divisor` in days."""

    divisor: int
    whole_krona: bool
    used: tuple[ParameterUsed, ...]

    def share(self, amount: Ore, number: int, of: int) -> Ore:
        """Return number/of of an amount, half up to whole kronor or öre."""
        unit = _ORE if self.whole_krona else 1
        return Ore((2 * amount * number + of * unit) // (2 * of * unit) * unit)

    def part_month(self, amount: Ore, days: int) -> Ore:
        """Return a month's amount for some of its days, at most the whole."""
        return amount if days >= self.divisor else self.share(amount, days, self.divisor)


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """What a child's amount depends on; None = unknown. `whole_month` = the child lives here every day of the month.

    `lunch` are the parameters that told about lunch, where it was not a fact of the case.
    """

    age: int | None
    whole_month: bool
    days: int | None
    lunch_elsewhere: bool | None
    school_youth: bool | None
    lunch: tuple[ParameterUsed, ...] = ()


def band_of(age: int) -> str | None:
    """Return the age band; None = no child of the table."""
    return next((band for oldest, band in _OLDEST_IN_BAND if 0 <= age <= oldest), None)


@rule(_SFS_2025, in_force=_TO_2026)
@rule(_SFS_2001, in_force=_OLD)
def riksnorm_adults(adults: int, civil_status: str | None, table: NormTable | None) -> Counted:
    """The adults' amount: one for both together when they are sambor or married, else for a single person.

    One adult who is cohabiting may belong in a calculation for two, or in none of this household's: blank from nothing to the amount
    for both. Two adults who are not together may be one household or two: blank between one single person's amount and two.
    """
    if table is None:
        return blank("norm.no_amounts", _NO_AMOUNTS)
    single, sambo = table["adult.single"], table["adult.sambo"]
    together = civil_status in ("cohabiting", "married")
    both = (single.used(), sambo.used())
    if adults == 2:
        if together:
            return counted(sambo.value, "sambor: ett belopp för båda tillsammans", (sambo.used(),))
        because = "två vuxna som inte anges vara sambor"
        return blank("case.civil_status_unknown", because, low=single.value, high=Ore(2 * single.value), parameters=both)
    if civil_status == "single":
        return counted(single.value, "ensamstående", (single.used(),))
    reason = "case.no_co_applicant" if together else "case.civil_status_unknown"
    return blank(reason, "en vuxen som inte anges vara ensamstående", low=ZERO, high=sambo.value, parameters=both)


@riksnorm_adults.version(_LAW_2027, in_force=_FROM_2027)
def riksnorm_adults_2027(adults: int, civil_status: str | None, table: NormTable | None) -> Counted:  # noqa: ARG001 - nothing to count with
    """The norm of 2027 has its law but no amounts yet."""
    return blank("norm.no_amounts", _NO_AMOUNTS)


@rule(_SFS_2025, in_force=_TO_2026)
@rule(_SFS_2001, in_force=_OLD)
def riksnorm_child(child: ChildFacts, table: NormTable | None, quotients: Quotients) -> Counted:
    """A child's amount by age band, less when lunch is eaten elsewhere (0-6 years), by days when only part of the month.

    From 18 years only a school youth is in the parents' calculation. What is unknown is blank between the amounts it may give.
    """
    if table is None:
        return blank("norm.no_amounts", _NO_AMOUNTS)
    band = band_of(child.age) if child.age is not None else None
    if child.age is None or child.age < 0:
        return blank("norm.age_unknown", "åldern är inte känd", high=_largest(table))
    if band is None or (child.age >= _GROWN_UP and child.school_youth is False):
        return blank("norm.own_household", "eget hushåll från 18 år utan skolgång", high=_largest(table))
    full, less = table.child(band, without_lunch=False), table.child(band, without_lunch=True)
    days = quotients.divisor if child.whole_month else child.days
    if days is None or (child.age >= _GROWN_UP and child.school_youth is None):
        reason, because = (
            ("norm.days_unknown", "antalet dagar är inte känt") if days is None else ("norm.youth_unknown", "18 år eller äldre")
        )
        return blank(reason, because, high=full.value, parameters=(full.used(),))
    return _by_days_and_lunch(child, child.age, days, (full, less), quotients)


def _by_days_and_lunch(child: ChildFacts, age: int, days: int, amounts: tuple[Dated[Ore], Dated[Ore]], quotients: Quotients) -> Counted:
    full, less = amounts
    part = "" if child.whole_month else f", {days} dagar av {quotients.divisor}"
    more = () if child.whole_month else quotients.used
    if full != less and child.lunch_elsewhere is None:
        low, high = quotients.part_month(less.value, days), quotients.part_month(full.value, days)
        because = f"{age} år{part}; lunch är inte känd"
        return blank("norm.lunch_unknown", because, low=low, high=high, parameters=(less.used(), full.used(), *more))
    amount, lunch = (less, ", äter lunch på annat håll") if child.lunch_elsewhere and full != less else (full, "")
    because = f"{age} år den 1 i månaden{lunch}{part}"
    return counted(quotients.part_month(amount.value, days), because, (amount.used(), *(child.lunch if full != less else ()), *more))


@riksnorm_child.version(_LAW_2027, in_force=_FROM_2027)
def riksnorm_child_2027(child: ChildFacts, table: NormTable | None, quotients: Quotients) -> Counted:  # noqa: ARG001 - nothing to count with
    """The norm of 2027 has its law but no amounts yet."""
    return blank("norm.no_amounts", _NO_AMOUNTS)


@rule("SFS 2025:468 12 kap. 2-3 §§", in_force=_TO_2026)
@rule(_SFS_2001, in_force=_OLD)
def common_costs(members: int, others: int | None, table: NormTable | None, quotients: Quotients) -> Counted:
    """Common costs by the household's size; others who share the home bear their own share.

    When it is unknown whether others live there the share is blank, between nothing and the whole.
    """
    if table is None:
        return blank("norm.no_amounts", _NO_AMOUNTS)
    if others is None:
        whole = table.common(members)
        because = "det är inte känt om fler bor i hemmet"
        return blank("case.others_in_home", because, low=ZERO, high=whole, parameters=table.common_used(members))
    size = members + others
    if others:
        because = f"{members} av {size} personer i hemmet"
        amount = quotients.share(table.common(size), members, size)
        return counted(amount, because, (*table.common_used(size), *quotients.used))
    return counted(table.common(size), f"{size} {'person' if size == 1 else 'personer'} i hushållet", table.common_used(size))


@common_costs.version(_LAW_2027, in_force=_FROM_2027)
def common_costs_2027(members: int, others: int | None, table: NormTable | None, quotients: Quotients) -> Counted:  # noqa: ARG001 - nothing to count with
    """The norm of 2027 has its law but no amounts yet."""
    return blank("norm.no_amounts", _NO_AMOUNTS)


def _largest(table: NormTable) -> Ore:
    return max(table[f"child.{band}"].value for _, band in _OLDEST_IN_BAND)
