"""Lifecare's calculations and decisions, as CareManagement shows them -> what the rules know of earlier months."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.case_systems.caremanagement.eligibility import Eligibility
from connectors.case_systems.caremanagement.fields import Unreadable, amount_of, clean, day_of
from connectors.case_systems.caremanagement.people import number_of
from connectors.case_systems.caremanagement.settings import LifecareNames
from rules.facts import (
    Application,
    History,
    Member,
    PreviousCalculation,
    PreviousCost,
    PreviousIncome,
    PreviousNorm,
    Unrecognised,
)
from rules.money import ZERO, Ore, kronor
from rules.month import Month

_SIDES = (("amountApplicant", "applicant"), ("amountCoApplicant", "co_applicant"))


@dataclass(frozen=True, slots=True)
class Sources:
    """What was read, a list for each adult; None = it could not be."""

    calculations: Sequence[list[Any] | None]
    decisions: Sequence[list[Any] | None]
    eligibility: Eligibility | None


class Unclear(Exception):
    """The calculation of the month before can't be told: two different ones, or something in it can't be read."""


def read(
    sources: Sources, application: Application, members: tuple[Member, ...], names: LifecareNames
) -> tuple[History, list[Unrecognised]]:
    """Return the history of a case, and what in it a person must look at.

    `known` False = something of it could not be read, or says two things.
    """
    known = sources.eligibility is not None and None not in sources.calculations and None not in sources.decisions
    refs = {member.personnummer: member.ref for member in members if member.personnummer}
    calculation = None
    try:
        calculation = previous_calculation(_all(sources.calculations), application.month.plus(-1), refs, names)
    except Unclear:
        known = False
    whole, partly = decided(_all(sources.decisions), application.month)
    # A decision for the month is what a supplementary application adds to; it is not the answer to it.
    answered = whole and application.type != "supplementary"
    past = History(
        known=known,
        previous_calculation=calculation if known else None,
        surplus=surplus(calculation) if known else None,
        closed_on=sources.eligibility.closed_on if sources.eligibility else None,
        civil_status_changed=sources.eligibility.civil_status_changed if sources.eligibility else None,
        decided_by_person=answered or (None if None in sources.decisions else False),
    )
    return past, [Unrecognised(path="decisions", value="covers part of the month, or has no readable period")] if partly else []


def previous_calculation(rows: Iterable[Any], month: Month, refs: Mapping[str, str], names: LifecareNames) -> PreviousCalculation | None:
    """Return the final calculation for a month; None when there is none.

    `rows` = every adult's calculations (the same one may come twice), `refs` = identity number -> ref.
    Raises Unclear when there are two different ones or when one can't be read.
    """
    try:
        read = [clean(row) for row in rows]
    except Unreadable:
        raise Unclear from None
    found = [row for row in read if _is_final_for(row, month)]
    if len(found) > 1 and len(set(map(_fingerprint, found))) > 1:
        raise Unclear
    return _calculation(found[-1], month, refs, names) if found else None


def _all(lists: Sequence[list[Any] | None]) -> list[Any]:
    return [row for rows in lists for row in rows or ()]


def surplus(calculation: PreviousCalculation | None) -> str | None:
    """Return the surplus of a calculation in kronor; None when there is no calculation."""
    return None if calculation is None else kronor(Ore(max(-calculation.need, ZERO)))


def decided(rows: Iterable[Any], month: Month) -> tuple[bool, int]:
    """Return whether a decision covers the whole month, and how many touch it otherwise or can't be read."""
    whole = part = 0
    for row in rows:
        first, last = (day_of(row.get("fromDate")), day_of(row.get("toDate"))) if isinstance(row, dict) else (None, None)
        if first is None or last is None:
            part += 1
        elif first <= month.first and month.last <= last:
            whole += 1
        elif first <= month.last and month.first <= last:
            part += 1
    return whole > 0, part


def _is_final_for(row: Any, month: Month) -> bool:
    if not isinstance(row, dict):
        raise Unclear
    first, last, final = day_of(row.get("fromDate")), day_of(row.get("toDate")), row.get("isFinal")
    if first is None or last is None:
        raise Unclear
    if last < month.first or month.last < first:
        return False
    if not isinstance(final, bool) or (final and (first not in month or last not in month)):
        raise Unclear
    return final


def _fingerprint(row: Mapping[str, Any]) -> str:
    return json.dumps(
        {key: value for key, value in row.items() if key != "id"}, sort_keys=True, default=lambda value: str(value.normalize())
    )


def _calculation(row: Mapping[str, Any], month: Month, refs: Mapping[str, str], names: LifecareNames) -> PreviousCalculation:
    strange: list[str] = []
    members, norms = _members(_rows(row, "persons"), refs)
    costs = _costs([*_rows(row, "expenses"), *_rows(row, "specialExpenses")], names, strange)
    incomes = _incomes(_rows(row, "incomes"), names, strange)
    return PreviousCalculation(
        month=month,
        norm=kronor(_amount(row, "normSum")),
        costs=costs,
        incomes=incomes,
        members=members,
        norms=norms,
        need=kronor(_amount(row, "totalSum")),
        unrecognised=tuple(dict.fromkeys(strange)),
    )


def _rows(row: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    rows = row.get(key) or []
    if not isinstance(rows, list) or not all(isinstance(item, dict) for item in rows):
        raise Unclear
    return rows


def _amount(row: Mapping[str, Any], key: str) -> Ore:
    amount = amount_of(row.get(key))
    if amount is None:
        raise Unclear
    return amount


def _amount_or_none(row: Mapping[str, Any], key: str) -> Ore | None:
    """None = nothing is said; what is said and can't be read is Unclear."""
    return None if row.get(key) is None else _amount(row, key)


def _members(rows: list[dict[str, Any]], refs: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[PreviousNorm, ...]]:
    members: list[str] = []
    norms: list[PreviousNorm] = []
    for row in rows:
        known = refs.get(number_of(row.get("personId")) or "")
        former = sum(ref.startswith("former-") for ref in members) + 1
        ref = known if known and known not in members else f"former-{former}"
        members.append(ref)
        amount = _amount_or_none(row, "amount")
        if amount is not None:
            norms.append(PreviousNorm(ref=ref, amount=kronor(amount)))
    return tuple(members), tuple(norms)


def _costs(rows: list[dict[str, Any]], names: LifecareNames, strange: list[str]) -> tuple[PreviousCost, ...]:
    """Rows of the same kind are one cost: their amounts together."""
    approved: dict[str, Ore] = {}
    applied: dict[str, Ore | None] = {}
    for row in rows:
        amount, asked = _amount(row, "approvedAmount"), _amount_or_none(row, "appliedAmount")
        kind = _named(row, names.cost, strange)
        if kind is None:
            continue
        before = applied.get(kind, ZERO)
        applied[kind] = None if asked is None or before is None else Ore(before + asked)
        approved[kind] = Ore(approved.get(kind, ZERO) + amount)
    return tuple(PreviousCost(type=kind, approved=kronor(amount), applied=_kronor(applied[kind])) for kind, amount in approved.items())


def _incomes(rows: list[dict[str, Any]], names: LifecareNames, strange: list[str]) -> tuple[PreviousIncome, ...]:
    """A row has a side for each adult; a side of nothing is no income."""
    sums: dict[tuple[str, str], Ore] = {}
    for row in rows:
        kind = _named(row, names.income, strange)
        sides = [(recipient, _amount_or_none(row, key)) for key, recipient in _SIDES]
        if kind is None:
            continue
        if all(amount is None for _, amount in sides):
            strange.append(f"{row['type'][:200]} utan belopp")
        for recipient, amount in sides:
            if amount:
                sums[kind, recipient] = Ore(sums.get((kind, recipient), ZERO) + amount)
    return tuple(PreviousIncome(type=kind, recipient=recipient, amount=kronor(amount)) for (kind, recipient), amount in sums.items())


def _kronor(amount: Ore | None) -> str | None:
    return None if amount is None else kronor(amount)


def _named(row: Mapping[str, Any], table: Any, strange: list[str]) -> str | None:
    name = row.get("type")
    kind: str | None = table(name) if isinstance(name, str) else None
    if kind is None:
        strange.append(name[:200] if isinstance(name, str) and name.strip() else "namnlös rad")
    return kind
