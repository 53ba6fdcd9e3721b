"""Riksnormen: what the household's members and size give, by the table of the month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rules.assessment import ParameterUsed
from rules.dated import Dated
from rules.found import Counted, blank, counted
from rules.law_parameters import CHILD_BANDS, COMMON_SIZES, LUNCH_BANDS
from rules.legal import before, rule, since
from rules.money import ZERO, Ore

_ORE = 100
_GROWN_UP, _SCHOOL_YOUTH_UNDER = 18, 21
_SFS_2025 = "SFS 2025:468 12 kap. 2 §"
_SFS_2001 = "SFS 2001:937 2 kap. 1 §"
_LAW_2027 = "SoL 2025:400 12 kap. 7 § (2026:897)"
_NO_AMOUNTS = "inga belopp är kända för månaden; tidigare års belopp används inte i stället"
_NO_AMOUNT = "beloppet är inte känt för månaden; det räknas inte fram ur andra belopp"
_TO_2026 = since(2025, 7, 1).until(2026, 12, 31)
_FROM_2027 = since(2027, 1, 1)
_OLD = before(2025, 7, 1)
_OLDEST_IN_BAND = ((0, "0"), (2, "1-2"), (3, "3"), (6, "4-6"), (10, "7-10"), (14, "11-14"), (18, "15-18"), (20, "19-20"))


@dataclass(frozen=True, slots=True)
class NormTable:
    """Riksnormens amounts in one month, by parameter name. An amount that is not known is not there: it is never worked out from others."""

    amounts: Mapping[str, Dated[Ore]]

    def __getitem__(self, name: str) -> Dated[Ore] | None:
        return self.amounts.get(f"riksnorm.{name}")

    def common(self, size: int) -> Ore | None:
        """Common costs of a household; each member above seven adds what the seventh did. None = an amount for it is not known."""
        if size <= COMMON_SIZES:
            return _value(self[f"common.{size}"])
        largest, second = self[f"common.{COMMON_SIZES}"], self[f"common.{COMMON_SIZES - 1}"]
        if largest is None or second is None:
            return None
        return Ore(largest.value + (size - COMMON_SIZES) * (largest.value - second.value))

    def common_between(self, size: int) -> tuple[Ore, Ore | None]:
        """Bounds for a household whose amount is not known: a larger household never has less. None = no larger one's is known."""
        known = [(one, amount) for one in range(1, COMMON_SIZES + 1) if (amount := self.common(one)) is not None]
        smaller, larger = [amount for one, amount in known if one < size], [amount for one, amount in known if one > size]
        return max(smaller, default=ZERO), min(larger, default=None)

    def common_used(self, size: int) -> tuple[ParameterUsed, ...]:
        """The amounts behind `common`."""
        sizes = (size,) if size <= COMMON_SIZES else (COMMON_SIZES, COMMON_SIZES - 1)
        return _used(*(self[f"common.{one}"] for one in sizes))

    def child(self, band: str, *, without_lunch: bool) -> Dated[Ore] | None:
        """A child's amount; without lunch makes a difference up to six years only."""
        return self[f"child_without_lunch.{band}" if without_lunch and band in LUNCH_BANDS else f"child.{band}"]

    def largest_child(self) -> Ore | None:
        """The largest amount any child can have; None = one of them is not known."""
        amounts = [_value(self[f"child.{band}"]) for band in CHILD_BANDS]
        known = [amount for amount in amounts if amount is not None]
        return max(known) if len(known) == len(amounts) else None


@dataclass(frozen=True, slots=True)
class Quotients:
    """How parts of a month and shares of a household are worked out, which the law does not say.

    `divisor` in days; `rounding`: whole_krona or ore (half up), krona_down or krona_up.
    """

    divisor: int
    rounding: str
    used: tuple[ParameterUsed, ...]

    def share(self, amount: Ore, number: int, of: int) -> Ore:
        """Return number/of of an amount, rounded."""
        unit = 1 if self.rounding == "ore" else _ORE
        added = {"krona_down": 0, "krona_up": 2 * of * unit - 1}.get(self.rounding, of * unit)
        return Ore((2 * amount * number + added) // (2 * of * unit) * unit)

    def part_month(self, amount: Ore, days: int) -> Ore:
        """Return a month's amount for some of its days, at most the whole."""
        return amount if days >= self.divisor else self.share(amount, days, self.divisor)


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """What a child's amount depends on; None = unknown. `whole_month` = the child lives here every day of the month.

    `lunch` are the parameters that told about lunch, where it was not a fact of the case. `born_in_month` = on a day after its first.
    """

    age: int | None
    whole_month: bool
    days: int | None
    lunch_elsewhere: bool | None
    school_youth: bool | None
    lunch: tuple[ParameterUsed, ...] = ()
    born_in_month: bool = False

    @property
    def in_household(self) -> bool | None:
        """Say whether this is a child or a school youth under 21, and so of the parents' household; None = that is not known."""
        if self.age is None or self.age < 0:
            return None
        if self.age < _GROWN_UP:
            return True
        return False if self.age >= _SCHOOL_YOUTH_UNDER else self.school_youth

    @property
    def surely_member(self) -> bool:
        """Say whether the household's size surely counts this child: of the household, and at home at least a day of the month."""
        return self.in_household is True and (self.whole_month or bool(self.days))


def are_together(civil_status: str | None) -> bool:
    """Say whether two adults are sambor or married."""
    return civil_status in ("cohabiting", "married")


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
    together = are_together(civil_status)
    if adults == 2 and together:
        return _known(sambo, "sambor: ett belopp för båda tillsammans")
    if adults == 2:
        because = "två vuxna som inte anges vara sambor"
        low = _value(single) or ZERO
        high = None if single is None else Ore(2 * single.value)
        return blank("case.civil_status_unknown", because, low=low, high=high, parameters=_used(single, sambo))
    if civil_status == "single":
        return _known(single, "ensamstående")
    reason = "case.no_co_applicant" if together else "case.civil_status_unknown"
    return blank(reason, "en vuxen som inte anges vara ensamstående", high=_value(sambo), parameters=_used(single, sambo))


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
    doubt = _doubt(child)
    if doubt is not None:
        return _up_to(doubt, replace(child, age=0, whole_month=True) if child.born_in_month else child, table, quotients)
    return _by_days_and_lunch(child, table, quotients)


def _doubt(child: ChildFacts) -> tuple[str, str] | None:
    """Say why a child's amount is for a person to judge, as a reason and in words; None = only lunch may be unknown."""
    if child.born_in_month:
        return "norm.born_in_month", "fött under månaden"
    if child.age is None or child.age < 0:
        return "norm.age_unknown", "åldern är inte känd" if child.age is None else "födelsedagen ligger efter månaden"
    if child.in_household is False:
        young = child.age < _SCHOOL_YOUTH_UNDER
        return "norm.own_household", "eget hushåll från 18 år utan skolgång" if young else "eget hushåll från 21 år"
    if not child.whole_month and child.days is None:
        return "norm.days_unknown", "antalet dagar är inte känt"
    return None if child.in_household else ("norm.youth_unknown", "18 år eller äldre")


def _up_to(doubt: tuple[str, str], child: ChildFacts, table: NormTable, quotients: Quotients) -> Counted:
    """Leave a child's amount blank, up to the largest that the age, the days and lunch allow as far as they are known."""
    band = band_of(child.age) if child.age is not None else None
    if band is None:
        return blank(*doubt, high=table.largest_child())
    full, less = table.child(band, without_lunch=False), table.child(band, without_lunch=True)
    most = less if less is not None and child.lunch_elsewhere is True else full
    days = quotients.divisor if child.whole_month or child.days is None else child.days
    return blank(*doubt, high=None if most is None else quotients.part_month(most.value, days), parameters=_used(most))


def _by_days_and_lunch(child: ChildFacts, table: NormTable, quotients: Quotients) -> Counted:
    """Count by lunch, where it makes a difference, and by days. No amount without lunch is above the one with lunch."""
    band = band_of(child.age or 0) or ""  # age and days are known: see _doubt
    amounts = table.child(band, without_lunch=False), table.child(band, without_lunch=True)
    days = quotients.divisor if child.whole_month else child.days or 0
    full, less = (None if one is None else quotients.part_month(one.value, days) for one in amounts)
    part = "" if child.whole_month else f", {days} dagar av {quotients.divisor}"
    more = () if child.whole_month else quotients.used
    differs = band in LUNCH_BANDS
    if differs and child.lunch_elsewhere is None:
        because = f"{child.age} år{part}; lunch är inte känd"
        low = ZERO if less is None else less
        return blank("norm.lunch_unknown", because, low=low, high=full, parameters=(*_used(*reversed(amounts)), *more))
    elsewhere = differs and child.lunch_elsewhere is True
    lunch, amount = (", äter lunch på annat håll", less) if elsewhere else ("", full)
    because, told = f"{child.age} år den 1 i månaden{lunch}{part}", child.lunch if differs else ()
    if amount is not None:
        return counted(amount, because, (*_used(amounts[elsewhere]), *told, *more))
    low, high = (ZERO, full) if elsewhere or less is None else (less, None)
    return blank(
        "norm.no_amounts", f"{because}: {_NO_AMOUNT}", low=low, high=high, parameters=(*_used(amounts[not elsewhere]), *told, *more)
    )


@riksnorm_child.version(_LAW_2027, in_force=_FROM_2027)
def riksnorm_child_2027(child: ChildFacts, table: NormTable | None, quotients: Quotients) -> Counted:  # noqa: ARG001 - nothing to count with
    """The norm of 2027 has its law but no amounts yet."""
    return blank("norm.no_amounts", _NO_AMOUNTS)


@rule("SFS 2025:468 12 kap. 2-3 §§", in_force=_TO_2026)
@rule(_SFS_2001, in_force=_OLD)
def common_costs(
    members: int, others: int | None, table: NormTable | None, quotients: Quotients, doubtful: int = 0, *, partner: bool = False
) -> Counted:
    """Common costs by the household's size; others who share the home bear their own share.

    When it is unknown whether others live there the share is blank, between nothing and the whole. `doubtful` of the members may be
    outside the calculation: then it is blank, down to the share of the rest. `partner` = one who is not in the application may live
    there: then it is blank, up to what it is with the partner in the calculation.
    """
    if table is None:
        return blank("norm.no_amounts", _NO_AMOUNTS)
    if others is None:
        because = "det är inte känt om fler bor i hemmet"
        largest = members + partner
        high = table.common(largest)
        high = table.common_between(largest)[1] if high is None else high
        return blank("case.others_in_home", because, high=high, parameters=table.common_used(largest))
    if partner:
        return _with_a_partner_or_without(members, others, table, quotients, doubtful)
    size = members + others
    used = (*table.common_used(size), *(quotients.used if others else ()))
    because = f"{members} av {size} personer i hemmet" if others else f"{size} {'person' if size == 1 else 'personer'} i hushållet"
    whole = table.common(size)
    if whole is None:
        low, most = table.common_between(size)
        high = None if most is None else quotients.share(most, members, size) if others else most
        low = quotients.share(low, members - doubtful, size) if others or doubtful else low
        return blank("norm.no_amounts", f"{because}: {_NO_AMOUNT}", low=low, high=high, parameters=used)
    amount = quotients.share(whole, members, size) if others else whole
    if doubtful:
        because = f"{because}, varav {doubtful} kanske inte ingår i beräkningen"
        used = tuple(dict.fromkeys((*used, *quotients.used)))
        return blank("norm.members_unknown", because, low=quotients.share(whole, members - doubtful, size), high=amount, parameters=used)
    return counted(amount, because, used)


@common_costs.version(_LAW_2027, in_force=_FROM_2027)
def common_costs_2027(
    members: int,  # noqa: ARG001 - nothing to count with
    others: int | None,  # noqa: ARG001
    table: NormTable | None,  # noqa: ARG001
    quotients: Quotients,  # noqa: ARG001
    doubtful: int = 0,  # noqa: ARG001
    *,
    partner: bool = False,  # noqa: ARG001
) -> Counted:
    """The norm of 2027 has its law but no amounts yet."""
    return blank("norm.no_amounts", _NO_AMOUNTS)


def _with_a_partner_or_without(members: int, others: int, table: NormTable, quotients: Quotients, doubtful: int) -> Counted:
    """Leave common costs open for a partner who may be one more in the home or one of the others, in the calculation or not.

    The least is the share of the members that are sure beside a partner outside the calculation; the most is theirs and the partner's,
    in the smallest home they can have.
    """
    largest, smallest = members + others + 1, members + max(others, 1)
    least, most = table.common(largest), table.common(smallest)
    used = tuple(dict.fromkeys((*table.common_used(largest), *table.common_used(smallest), *quotients.used)))
    known = least is not None and most is not None
    least = table.common_between(largest)[0] if least is None else least
    most = table.common_between(smallest)[1] if most is None else most
    because = "en partner som inte finns i ansökan kan bo i hemmet och ingå i beräkningen"
    return blank(
        "norm.members_unknown" if known else "norm.no_amounts",
        because if known else f"{because}: {_NO_AMOUNT}",
        low=quotients.share(least, members - doubtful, largest),
        high=None if most is None else quotients.share(most, members + 1, smallest),
        parameters=used,
    )


def _known(amount: Dated[Ore] | None, because: str) -> Counted:
    if amount is None:
        return blank("norm.no_amounts", f"{because}: {_NO_AMOUNT}")
    return counted(amount.value, because, (amount.used(),))


def _value(amount: Dated[Ore] | None) -> Ore | None:
    return None if amount is None else amount.value


def _used(*amounts: Dated[Ore] | None) -> tuple[ParameterUsed, ...]:
    """The known ones of some amounts."""
    return tuple(amount.used() for amount in amounts if amount is not None)
