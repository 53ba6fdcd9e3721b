"""What Lifecare holds of earlier months, in the words of the case system's contract."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.simulators.population.incomes import Income
from connectors.simulators.population.months import last_of, number, on, shift
from connectors.simulators.population.tables import COSTS, KINDS
from connectors.simulators.world import PersonRecord


@dataclass(frozen=True, slots=True)
class LastCost:
    """A cost of last month's calculation, öre."""

    lifecare: str
    applied: int
    approved: int
    special: bool = False


@dataclass(frozen=True, slots=True)
class Calculation:
    """The parts of one calculation, öre.

    `extra_incomes` = rows under names that the guidelines don't map, `untold` = members whose amount is not shown.
    """

    month: date
    norms: list[tuple[PersonRecord, int]]
    common: int
    costs: list[LastCost]
    incomes: list[Income]
    couple: bool
    extra_incomes: tuple[tuple[str, int], ...] = ()
    untold: frozenset[str] = frozenset()

    @property
    def need(self) -> int:
        """Return the need, öre; negative = a surplus."""
        norm = sum(amount for _, amount in self.norms) + self.common
        return norm + sum(cost.approved for cost in self.costs) - self._counted

    @property
    def _counted(self) -> int:
        return sum(income.last_counted for income in self.incomes) + sum(amount for _, amount in self.extra_incomes)

    def written(self, number_in_lifecare: int, *, final: bool = True) -> dict[str, Any]:
        """Return it as the contract's LifecareCalculation."""
        members = sum(amount for _, amount in self.norms)
        special = [cost for cost in self.costs if cost.special]
        regular = [cost for cost in self.costs if not cost.special]
        return {
            "id": number_in_lifecare,
            "norm": f"Riksnorm {self.month.year}",
            "fromDate": self.month.isoformat(),
            "toDate": last_of(self.month).isoformat(),
            "incomeSum": number(self._counted),
            "expenseSum": number(sum(cost.approved for cost in regular)),
            "specialExpenseSum": number(sum(cost.approved for cost in special)),
            "normSum": number(members + self.common),
            "commonHouseholdCost": number(self.common),
            "familyCost": number(members),
            "balance": number(self.need),
            "totalSum": number(self.need),
            "isFinal": final,
            "persons": [self._member(person, amount) for person, amount in self.norms],
            "incomes": self._incomes(),
            "expenses": [_expense(cost) for cost in regular],
            "specialExpenses": [_expense(cost) for cost in special],
        }

    def _member(self, person: PersonRecord, amount: int) -> dict[str, Any]:
        row: dict[str, Any] = {"personId": person.personnummer, "name": f"{person.first_name} {person.last_name}"}
        return row if person.personnummer in self.untold else row | {"amount": number(amount)}

    def _incomes(self) -> list[dict[str, Any]]:
        """One row for each kind, with both adults' amounts; 0 for the adult who has none."""
        amounts: dict[str, list[int]] = {}
        for income in self.incomes:
            if income.last is not None:
                amounts.setdefault(KINDS[income.kind].lifecare, [0, 0])[income.person] += income.last
        for name, amount in self.extra_incomes:
            amounts.setdefault(name, [0, 0])[0] += amount
        searched = on(shift(self.month, -1), 25).isoformat()
        rows: list[dict[str, Any]] = []
        for name, (applicant, co_applicant) in amounts.items():
            row = {"type": name, "amountApplicant": number(applicant), "applicantSearchDate": searched}
            if self.couple:
                row |= {"amountCoApplicant": number(co_applicant), "coApplicantSearchDate": searched}
            rows.append(row)
        return rows


def last_cost(cost: str, applied: int, approved: int | None = None) -> LastCost:
    """Return a cost as it stood last month, approved in full unless something else is said."""
    name = COSTS[cost]
    return LastCost(name.lifecare, applied, applied if approved is None else approved, name.special)


def decision(month: date, number_in_lifecare: int, amount: int, adults: Iterable[PersonRecord]) -> dict[str, Any]:
    """Return a person's decision for a month as the contract's LifecareDecision."""
    return {
        "id": number_in_lifecare,
        "date": on(shift(month, -1), 28).isoformat(),
        "type": "Bifall" if amount > 0 else "Avslag",
        "fromDate": month.isoformat(),
        "toDate": last_of(month).isoformat(),
        "reason": "Försörjningsstöd enligt norm" if amount > 0 else "Inkomster över norm",
        "decisionMaker": "Handläggare Påhittad",
        "organization": "IFO Exempelkommun (påhittad)",
        "amount": number(max(amount, 0)),
        "persons": [
            {"personId": adult.personnummer, "name": f"{adult.first_name} {adult.last_name}", "coApplicant": place > 0}
            for place, adult in enumerate(adults)
        ],
    }


def _expense(cost: LastCost) -> dict[str, Any]:
    return {"type": cost.lifecare, "appliedAmount": number(cost.applied), "approvedAmount": number(cost.approved)}
