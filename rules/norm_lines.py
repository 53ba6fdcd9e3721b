"""The norm lines of a case, and what last month's calculation and the guidelines tell about a child's lunch and days."""

from __future__ import annotations

from rules import labels
from rules.assessment import FactUsed, ParameterUsed
from rules.context import Case, age_on, birth_date
from rules.facts import Member
from rules.findings import Findings
from rules.money import ZERO, Ore, kronor
from rules.month import Month
from rules.norm import ChildFacts, NormTable, Quotients, band_of, common_costs, riksnorm_adults, riksnorm_child

_THIRTY = 30


def norm_table(case: Case, month: Month) -> NormTable | None:
    """Return the table of a month; None when any amount of it is unknown."""
    amounts = case.book.law.riksnorm_in(month)
    return NormTable(amounts) if amounts is not None else None


def add_norm_lines(case: Case, out: Findings) -> None:
    """Add the adults' line, one for each child, and the common costs."""
    table = norm_table(case, case.month)
    quotients = quotients_of(case, case.month)
    _adults(case, out, table)
    for child in case.children:
        _child(case, out, child, table, quotients)
    _common(case, out, table, quotients)


def quotients_of(case: Case, month: Month) -> Quotients:
    """Return how the guidelines work out parts of a month; where they say nothing, days of the month and whole kronor."""
    divisor = case.book.guidelines.part_month_divisor.at(case.month)
    rounding = case.book.guidelines.quotient_rounding.at(case.month)
    days = _THIRTY if divisor is not None and divisor.value == "30" else month.days
    used = tuple(one.used() for one in (divisor, rounding) if one is not None)
    return Quotients(days, rounding is None or rounding.value == "whole_krona", used)


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


def _child(case: Case, out: Findings, child: Member, table: NormTable | None, quotients: Quotients) -> None:
    version = riksnorm_child.at(case.time)
    assert version is not None
    born = birth_date(child)
    facts = child_facts(case, child, case.month)
    lunch_facts: tuple[FactUsed, ...] = ()
    if child.lunch_elsewhere is not None:
        lunch_facts = (case.said(f"household.members[{child.ref}].lunch_elsewhere", _yes(child.lunch_elsewhere)),)
    elif facts.lunch_elsewhere is not None and not facts.lunch:
        lunch_facts = (case.recorded(f"previous_calculation.norms[{child.ref}].amount", kronor(previous_norm(case, child.ref) or ZERO)),)
    found = version.apply(facts, table, quotients)
    age = f"{facts.age} år" if facts.age is not None and facts.age >= 0 else "ålder okänd"
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


def _common(case: Case, out: Findings, table: NormTable | None, quotients: Quotients) -> None:
    version = common_costs.at(case.time)
    assert version is not None
    household = case.file.application.household
    size = len(household.members)
    found = version.apply(size, household.others_in_home, table, quotients)
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


def child_facts(case: Case, child: Member, month: Month) -> ChildFacts:
    """Return what a child's amount depends on in a month. Lunch: the fact, else last month's row, else the guidelines, else unknown."""
    born = birth_date(child)
    age = age_on(born, month.first) if born is not None else None
    whole = child.days_in_home >= month.days if child.days_in_home is not None else child.residence == "full_time"
    lunch = child.lunch_elsewhere
    used: tuple[ParameterUsed, ...] = ()
    if lunch is None:
        lunch = _lunch_last_month(case, child)
    if lunch is None and age is not None:
        lunch, used = _lunch_by_guidelines(case, age)
    return ChildFacts(age, whole, child.days_in_home, lunch, child.school_youth, used)


def _lunch_last_month(case: Case, child: Member) -> bool | None:
    amount = previous_norm(case, child.ref)
    before = case.month.plus(-1)
    table = norm_table(case, before)
    born = birth_date(child)
    band = band_of(age_on(born, before.first)) if born is not None else None
    if amount is None or table is None or band is None:
        return None
    full, less = table.child(band, without_lunch=False).value, table.child(band, without_lunch=True).value
    if full == less or amount not in (full, less):
        return None
    return amount == less


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
