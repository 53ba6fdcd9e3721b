"""The norm lines of a case, and what last month's calculation and the guidelines tell about a child's lunch and days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from rules import labels
from rules.assessment import FactUsed, ParameterUsed
from rules.context import Case, age_on, birth_date
from rules.dated import Dated
from rules.facts import Member
from rules.findings import Findings
from rules.found import Counted
from rules.money import ZERO, Ore, kronor
from rules.month import Month
from rules.norm import ChildFacts, NormTable, Quotients, are_together, band_of, common_costs, riksnorm_adults, riksnorm_child
from rules.norm_choices import is_left, one_of, ways_to_divide, ways_to_round

_THIRTY = 30
_WHOLE_KRONA = "whole_krona"


def norm_table(case: Case, month: Month) -> NormTable | None:
    """Return the table of a month, with those of its amounts that are known; None when none is."""
    amounts = case.book.law.riksnorm_in(month)
    return NormTable(amounts) if amounts is not None else None


def add_norm_lines(case: Case, out: Findings) -> None:
    """Add the adults' line, one for each child, and the common costs."""
    table = norm_table(case, case.month)
    quotients = ways_to_round(quotients_of(case, case.month), case.book.guidelines.quotient_rounding.at(case.month))
    _adults(case, out, table)
    for child in case.children:
        _child(case, out, child, table, quotients)
    _common(case, out, table, quotients)


def quotients_of(case: Case, month: Month) -> Quotients:
    """Return how the guidelines work out parts of a month; where they say nothing or leave it open, days of the month and whole kronor."""
    divisor = case.book.guidelines.part_month_divisor.at(case.month)
    rounding = case.book.guidelines.quotient_rounding.at(case.month)
    days = _THIRTY if divisor is not None and divisor.value == "30" else month.days
    used = tuple(one.used() for one in (divisor, rounding) if one is not None)
    return Quotients(days, _WHOLE_KRONA if rounding is None or is_left(rounding) else rounding.value, used)


def _adults(case: Case, out: Findings, table: NormTable | None) -> None:
    version = riksnorm_adults.at(case.time)
    assert version is not None
    household = case.file.application.household
    two = len(case.adults) == 2
    found = version.apply(len(case.adults), household.civil_status, table)
    out.line(
        version,
        found,
        key="norm.adults" if two else "norm.applicant",
        section="norm",
        label="Riksnorm, sambor" if two else "Riksnorm, ensamstående" if household.civil_status == "single" else "Riksnorm, vuxen",
        kind="sambo" if two else "single",
        person=None if two else "applicant",
        previous=_previous(case, [adult.ref for adult in case.adults]),
        facts=(case.said("household.civil_status", household.civil_status or "saknas"),),
        flag_key=_month_key(found.reason),
    )


def _child(case: Case, out: Findings, child: Member, table: NormTable | None, quotients: tuple[Quotients, ...]) -> None:
    version = riksnorm_child.at(case.time)
    assert version is not None
    born = birth_date(child)
    facts = child_facts(case, child, case.month)
    lunch_facts: tuple[FactUsed, ...] = ()
    if child.lunch_elsewhere is not None:
        lunch_facts = (case.said(f"household.members[{child.ref}].lunch_elsewhere", _yes(child.lunch_elsewhere)),)
    elif facts.lunch_elsewhere is not None and not facts.lunch:
        lunch_facts = (case.recorded(f"previous_calculation.norms[{child.ref}].amount", kronor(previous_norm(case, child.ref) or ZERO)),)
    divisor = case.book.guidelines.part_month_divisor.at(case.month)
    ways = [way for by_age in _ages(case, child, facts) for way in ways_to_divide(by_age, divisor)]
    found = one_of([version.apply(way, table, one) for way in ways for one in quotients])
    found = _chosen(found, case.book.guidelines.age_on.at(case.month))
    age = f"{max(facts.age, 0)} år" if facts.age is not None and (facts.age >= 0 or facts.born_in_month) else "ålder okänd"
    out.line(
        version,
        found,
        key=f"norm.{child.ref}",
        section="norm",
        label=f"{labels.capital(labels.person(child.ref))} ({age})",
        kind="child",
        person=child.ref,
        previous=_previous(case, [child.ref]),
        facts=(
            case.said(f"household.members[{child.ref}].birth_date", born or "saknas"),
            case.said(f"household.members[{child.ref}].days_in_home", "saknas" if child.days_in_home is None else child.days_in_home),
            *lunch_facts,
        ),
        flag_key=_month_key(found.reason),
    )


def _common(case: Case, out: Findings, table: NormTable | None, quotients: tuple[Quotients, ...]) -> None:
    version = common_costs.at(case.time)
    assert version is not None
    household = case.file.application.household
    size = len(household.members)
    found = one_of(
        [
            version.apply(members, household.others_in_home, table, one, doubtful, partner=perhaps_a_partner(case))
            for members, doubtful in _sizes(case)
            for one in quotients
        ]
    )
    if any(not child_facts(case, child, case.month).whole_month for child in case.children):
        found = _chosen(found, case.book.guidelines.part_month_child_in_common_costs.at(case.month))
    out.line(
        version,
        found,
        key="norm.common",
        section="norm",
        label=f"Gemensamma hushållskostnader, {size} {'person' if size == 1 else 'personer'}",
        kind="common",
        facts=(
            case.said("household.members", size),
            case.said("household.others_in_home", "saknas" if household.others_in_home is None else household.others_in_home),
        ),
        flag_key="others_in_home" if found.reason == "case.others_in_home" else _month_key(found.reason),
    )


def _ages(case: Case, child: Member, facts: ChildFacts) -> tuple[ChildFacts, ...]:
    """Return the facts by the age on the first day, and by that on the last where the guidelines leave open which one counts."""
    if not is_left(case.book.guidelines.age_on.at(case.month)):
        return (facts,)
    last = child_facts(case, child, case.month, day=case.month.last)
    return (facts,) if last.age == facts.age else (facts, last)


def _sizes(case: Case) -> tuple[tuple[int, int], ...]:
    """Return the household's size and how many of it are doubtful, as all ways to count children of part of the month have it.

    It is more than one way where the guidelines leave that open: with those children and without them.
    """
    size, doubtful = len(case.file.application.household.members), doubtful_members(case)
    if not is_left(case.book.guidelines.part_month_child_in_common_costs.at(case.month)):
        return ((size, doubtful),)
    part = [child for child in case.children if not child_facts(case, child, case.month).whole_month]
    doubtful_part = sum(not child_facts(case, child, case.month).surely_member for child in part)
    return ((size, doubtful), (max(size - len(part), 1), doubtful - doubtful_part)) if part else ((size, doubtful),)


def doubtful_members(case: Case) -> int:
    """Return how many of the household may be outside its calculation: children of whom that is not known, and one of two adults apart."""
    return are_perhaps_two_households(case) + sum(not child_facts(case, child, case.month).surely_member for child in case.children)


def are_perhaps_two_households(case: Case) -> bool:
    """Say whether the application has two adults who are not said to be together: the co-applicant may be a household apart."""
    return len(case.adults) == 2 and not are_together(case.file.application.household.civil_status)


def perhaps_a_partner(case: Case) -> bool:
    """Say whether one adult, not said to be single, may have a partner who is not in the application and whose incomes nobody knows."""
    return len(case.adults) < 2 and case.file.application.household.civil_status != "single"


def _chosen(found: Counted, guideline: Dated[str] | None) -> Counted:
    """Add to what a line was counted by a choice of the guidelines that no amount shows."""
    if guideline is None or found.reason == "norm.no_amounts":
        return found
    return replace(found, parameters=(*found.parameters, guideline.used()))


def child_facts(case: Case, child: Member, month: Month, *, day: date | None = None) -> ChildFacts:
    """Return what a child's amount depends on in a month, by the age on a day, its first if not given.

    Lunch: the fact, else last month's row, else the guidelines, else unknown.
    """
    key = (child.ref, month, day)
    if key not in case.child_facts:
        case.child_facts[key] = _child_facts(case, child, day or month.first, month.days)
    return case.child_facts[key]


def _child_facts(case: Case, child: Member, day: date, days_of_month: int) -> ChildFacts:
    born = birth_date(child)
    age = age_on(born, day) if born is not None else None
    whole = child.days_in_home >= days_of_month if child.days_in_home is not None else child.residence == "full_time"
    lunch = child.lunch_elsewhere
    used: tuple[ParameterUsed, ...] = ()
    if lunch is None:
        lunch = _lunch_last_month(case, child)
    if lunch is None and age is not None:
        lunch, used = _lunch_by_guidelines(case, age)
    in_month = born is not None and day < born and (born.year, born.month) == (day.year, day.month)
    return ChildFacts(age, whole, child.days_in_home, lunch, child.school_youth, used, born_in_month=in_month)


def _lunch_last_month(case: Case, child: Member) -> bool | None:
    amount = previous_norm(case, child.ref)
    before = case.month.plus(-1)
    table = norm_table(case, before)
    born = birth_date(child)
    band = band_of(age_on(born, before.first)) if born is not None else None
    if amount is None or table is None or band is None:
        return None
    full, less = table.child(band, without_lunch=False), table.child(band, without_lunch=True)
    if full is None or less is None or full.value == less.value or amount not in (full.value, less.value):
        return None
    return amount == less.value


def _lunch_by_guidelines(case: Case, age: int) -> tuple[bool | None, tuple[ParameterUsed, ...]]:
    statement = case.book.guidelines.lunch_elsewhere.at(case.month)
    if statement is None or not statement.value[0] <= age <= statement.value[1]:
        return None, ()
    first, last = statement.value
    return True, (statement.used(f"{first}-{last} år"),)


def previous_norm(case: Case, ref: str) -> Ore | None:
    """Return the norm amount that last month's calculation has for a member; None = it does not say."""
    if case.previous is None:
        return None
    return next((row.amount for row in case.previous.norms if row.ref == ref), None)


def _previous(case: Case, refs: list[str]) -> Ore | None:
    amounts = [amount for ref in refs if (amount := previous_norm(case, ref)) is not None]
    return Ore(sum(amounts)) if len(amounts) == len(refs) else None


def _month_key(reason: str | None) -> str | None:
    """Missing amounts are one fact about the month, not one about every line."""
    return "" if reason == "norm.no_amounts" else None


def _yes(value: bool) -> str:
    return "ja" if value else "nej"
