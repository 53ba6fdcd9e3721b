"""The native draft: what is sent to CareManagement's own calculation, and how its result is compared with the robot's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from connectors.case_systems.caremanagement.fields import amount_of
from connectors.case_systems.caremanagement.settings import LifecareNames, same_name
from connectors.transport.answer import to_json
from rules.money import ZERO, Ore, ore

_ROLES = {"applicant": "APPLICANT", "co_applicant": "CO_APPLICANT"}
_SIDES = {"applicant": "applicant", "co_applicant": "coapplicant"}

NOT_FROM_INCOMES = frozenset({"expense_amount"})
"""Differences that sending the same incomes once more would not mend."""

Sums = dict[tuple[str, str], Ore]
"""Lifecare's name of an income (as compared) and the person's ref -> öre."""


def classified(incomes: Iterable[Mapping[str, Any]], names: LifecareNames) -> str:
    """Return the counted incomes as the JSON text that `prepare` takes. Amounts are before any jobbstimulans deduction."""
    return to_json([_classified(income, names) for income in incomes]).decode()


def _classified(income: Mapping[str, Any], names: LifecareNames) -> dict[str, Any]:
    name = names.swedish_income(income["benefit"])
    return {
        "income": {
            "forman": name if income["declared"] else income["benefit"],
            "delforman": income["part"],
            "beloppstyp": income["amount_type"],
            "netAmount": Decimal(income["net"]),
            "period": income["paid_on"],
            "role": _ROLES[income["person"]],
        },
        "atgard": "TA_MED",
        "normberakning": name,
        "varning": False,
        "regel": income.get("rule") or ("uppgift i ansökan" if income["declared"] else "riktlinjens lista"),
    }


def expected(incomes: Iterable[Mapping[str, Any]], names: LifecareNames) -> Sums:
    """Return what the draft's income rows must hold."""
    sums: Sums = defaultdict(lambda: ZERO)
    for income in incomes:
        key = (same_name(names.swedish_income(income["benefit"])), income["person"])
        sums[key] = Ore(sums[key] + ore(income["net"]))
    return {key: amount for key, amount in sums.items() if amount}


def differences(draft: Mapping[str, Any] | None, month: str, wanted: Sums) -> tuple[str, ...]:
    """Return codes of how a draft differs from what the robot has; none = it is the same.

    Looked at: the month, every income row, and that every expense row stands with the amount applied for, as in the robot's draft
    when it proposes to grant a standard renewal.
    """
    if draft is None:
        return ("draft_missing",)
    codes = set()
    if draft.get("applicationMonth") != month:
        codes.add("month")
    try:
        held = _held(draft)
    except ValueError:
        return ("income_unreadable", *sorted(codes))
    if wanted.keys() - held.keys():
        codes.add("income_missing")
    if held.keys() - wanted.keys():
        codes.add("income_extra")
    if any(held[key] != wanted[key] for key in held.keys() & wanted.keys()):
        codes.add("income_amount")
    if any(_expense_differs(row) for row in _rows(draft, "expenses", "specialExpenses")):
        codes.add("expense_amount")
    return tuple(sorted(codes))


def _held(draft: Mapping[str, Any]) -> Sums:
    """Return the draft's incomes that count: a row that a person has removed does not, and an amount that a person has set wins."""
    sums: Sums = defaultdict(lambda: ZERO)
    for row in _rows(draft, "incomes"):
        for ref, side in _SIDES.items():
            value = effective(row, side)
            amount = ZERO if value is None else amount_of(value)
            if amount is None:
                raise ValueError("an amount can't be read")
            key = (same_name(str(row.get("typeName"))), ref)
            sums[key] = Ore(sums[key] + amount)
    return {key: amount for key, amount in sums.items() if amount}


def effective(row: Mapping[str, Any], side: str) -> Any:
    """Return the amount that counts on one side of an income row."""
    names = (f"{side}EffectiveAmount", f"{side}CaseworkerAmount", f"{side}ProcessAmount")
    return next((row[name] for name in names if row.get(name) is not None), None)


def _expense_differs(row: Mapping[str, Any]) -> bool:
    counted = next((row[name] for name in ("effectiveAmount", "caseworkerAmount", "processAmount") if row.get(name) is not None), None)
    amount = amount_of(counted)
    return amount is None or amount != amount_of(row.get("appliedAmount"))


def _rows(draft: Mapping[str, Any], *keys: str) -> list[Mapping[str, Any]]:
    rows = [row for key in keys for row in draft.get(key) or ()]
    return [row for row in rows if isinstance(row, dict) and row.get("deleted") is not True]
