"""One made-up application while it is being written: household, costs, incomes, history, and what a caseworker expects of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from connectors.simulators.population.application import written_application
from connectors.simulators.population.history import Calculation, LastCost, decision, last_cost
from connectors.simulators.population.household import Adult, Household
from connectors.simulators.population.identity import Identities
from connectors.simulators.population.incomes import Income, a_kassor, payments
from connectors.simulators.population.months import first_of, kr, shift, text
from connectors.simulators.population.tables import A_KASSA, HIGH_NEED_KR, KINDS, NEED_MAY_DIFFER_KR
from connectors.simulators.world import AfRecord, ApplicationRecord, Expected, PersonRecord, RegisterRecord

Outcome = Literal["ok", "review", "stop", "urgent", "waiting_for_income", "taken_by_person"]
History = Literal["final", "older_only", "not_final", "none"]
JOB_SEEKING: dict[str, Any] = {"planningType": "JOBSEEKING"}
SICK_LEAVE: dict[str, Any] = {"planningType": "SICK_LEAVE", "sickLeaveLevel": "100"}
SFI: dict[str, Any] = {"planningType": "SFI", "sfiStudyPath": "1", "sfiCourse": "B"}
OTHER: dict[str, Any] = {"planningType": "OTHER"}
_LEAST_INCOME_KR = 600
_LIFECARE_IDS = 700_000
_DECISION_IDS = 900_000


@dataclass(slots=True)
class Cost:
    """A cost applied for, öre: `applied` None = no amount; `certain` = what of it is approved for certain."""

    cost: str
    applied: int | None
    certain: int
    specification: str | None = None
    period: str | None = None


class Case:
    """What one group writes into. `finish` adds up and gives the record; amounts given to the methods are whole kronor."""

    def __init__(self, *, seed: int, index: int, day: date, months_ahead: int = 1) -> None:
        self.index = index
        self.day = day
        self.rng = random.Random(f"application:{seed}:{index}")
        self.month = shift(first_of(day), months_ahead)
        self.household = Household(Identities(seed, index, self.month, self.rng), self.month)
        self.errand_id = self.household.identities.party_id()
        self.costs: list[Cost] = []
        self.last_costs: list[LastCost] = []
        self.incomes: list[Income] = []
        self.flags: set[str] = set()
        self.outcome: Outcome | None = None
        self.data: dict[str, Any] = {}
        self.type_slug = "financial-assistance-renewal"
        self.history: History = "final"
        self.extra_last_incomes: tuple[tuple[str, int], ...] = ()
        self.open_norm = 0
        self.not_standard = False
        self.part_refusal = False
        self.eligibility: dict[str, Any] | None = None
        self.decided_by_person = False
        self.unreadable: dict[str, Any] | None = None
        self.more: dict[str, Any] = {}

    def between(self, low: int, high: int, step: int = 10) -> int:
        """Return a random number of kronor, a multiple of `step`."""
        return self.rng.randrange(low // step, high // step + 1) * step

    def adult(self, plan: dict[str, Any] | None, age: int | None = None, *, coordination: bool = False, former: bool = False) -> Adult:
        """Add an adult, of a random age from 24 to 61 unless it matters."""
        years = self.rng.randrange(24, 62) if age is None else age
        return self.household.adult(years, plan, coordination=coordination, former=former)

    def cost(self, cost: str, now: int | None, last: int | None = -1, *, certain: int | None = None, **more: Any) -> None:
        """Apply for a cost; `last` = approved last month, the same amount when left out, None = not there. `certain` None = approved.

        `last_applied` = applied last month, where it was something else; `specification` = the applicant's own words.
        """
        last_applied = more.pop("last_applied", None)
        applied = None if now is None else kr(now)
        self.costs.append(Cost(cost, applied, (applied or 0) if certain is None else kr(certain), **more))
        before = now if last == -1 else last
        if before is not None:
            self.last_costs.append(last_cost(cost, kr(before if last_applied is None else last_applied), kr(before)))

    def income(self, kind: str, now: int | None, before: int | None = -1, *, person: int = 0, **more: Any) -> Income:
        """Add an income; `before` = paid in M-2 and counted last month, the same amount when left out, None = not there.

        `last` = in last month's calculation, where it was something else; `low` = certain this month; `last_counted` after jobbstimulans.
        """
        earlier = now if before == -1 else before
        last = more.pop("last", earlier)
        low = more.pop("low", now or 0)
        last_counted = more.pop("last_counted", last or 0)
        row = Income(
            kind,
            person,
            None if now is None else kr(now),
            None if earlier is None or KINDS[kind].source == "APPLICATION" else kr(earlier),
            None if last is None else kr(last),
            kr(low),
            kr(last_counted),
            **more,
        )
        self.incomes.append(row)
        return row

    def drift(self, now: int) -> int:
        """Return last month's amount for an income: a few per cent more or less, well within the threshold."""
        most = min(now * 3 // 100, 300)
        return now + self.between(-most, most)

    def settle(self, *mains: tuple[str, int], low: int = 1_500, high: int = 7_500) -> None:
        """Add the main incomes (kind, person) so that the need lands between `low` and `high`."""
        base = self.known_need() // 100
        target = min(self.between(low, high), base - _LEAST_INCOME_KR * len(mains))
        for kind, person in mains:
            now = (base - target) // len(mains) // 10 * 10
            self.income(kind, now, self.drift(now), person=person)

    def flag(self, *codes: str) -> None:
        """Expect these flags."""
        self.flags.update(codes)

    def blank(self, *codes: str) -> None:
        """Expect these flags, each for a line left blank."""
        self.flags.update(codes, ("sum.blank",))

    def known_need(self) -> int:
        """Return the need known so far, öre: blank lines count with what is certain."""
        norm = self.household.norm() or 0
        return norm - self.open_norm + sum(cost.certain for cost in self.costs) - sum(income.low for income in self.incomes)

    def calculation(self, back: int = 1) -> Calculation:
        """Return the calculation a person made for an earlier month."""
        norms, common = self.household.last_norm()
        couple = len(self.household.adults) > 1
        month = shift(self.month, -back)
        incomes = [income for income in self.incomes if income.last is not None]
        untold = self.household.untold()
        return Calculation(month, norms, common, self.last_costs, incomes, couple, self.extra_last_incomes, untold)

    def finish(self, group: str, arrives: datetime) -> ApplicationRecord:
        """Return the record, with the expectation that follows from what was written."""
        people = self._people()
        written = written_application(self.household, self.costs, self.incomes, arrives)
        return ApplicationRecord(
            errand_id=self.errand_id,
            errand_number=f"EB-{self.day:%y%m}{self.index + 1:04d}",
            type_slug=self.type_slug,
            arrives=arrives,
            group=group,
            data=self.unreadable if self.unreadable is not None else written | self.data,
            people=people,
            calculations=self._calculations(),
            decisions=self._decisions(),
            eligibility=self.eligibility,
            expected=self._expected(),
            **self.more,
        )

    def _expected(self) -> Expected:
        if self.outcome is not None:
            return Expected(self.outcome, flags=tuple(sorted(self.flags)))
        flags = set(self.flags)
        if self.household.norm() is None:
            flags |= {"norm.no_amounts", "sum.blank"}
        need = self.known_need()
        if self.history == "final" and self.calculation().need < 0:
            flags.add("case.surplus")
        if self.history == "final" and self.household.norm() is not None and abs(need - self.calculation().need) > kr(NEED_MAY_DIFFER_KR):
            flags.add("sum.need_differs")
        if flags:
            return Expected("review", flags=tuple(sorted(flags)))
        if need <= 0:
            return Expected("review", "AVSLAG", flags=("result.avslag",))
        results = {"result.delavslag": self.part_refusal, "result.high_need": need > kr(HIGH_NEED_KR)}
        raised = tuple(sorted(code for code, stands in results.items() if stands))
        proposal: Literal["BIFALL", "DELAVSLAG"] = "DELAVSLAG" if self.part_refusal else "BIFALL"
        return Expected("review" if raised or self.not_standard else "ok", proposal, text(need), raised)

    def _people(self) -> tuple[PersonRecord, ...]:
        """Return everybody, the applicant first, those of last month's calculation only at the end."""
        adults = [(adult.former, self._registered(place, adult)) for place, adult in enumerate(self.household.adults)]
        children = [(child.former, child.person) for child in self.household.children]
        return tuple(person for _, person in sorted([*adults, *children], key=lambda member: member[0]))

    def _registered(self, place: int, adult: Adult) -> PersonRecord:
        """Return the adult with what the registers hold."""
        own = [income for income in self.incomes if income.person == place]
        seeks = (adult.plan or {}).get("planningType") == "JOBSEEKING"
        a_kassa = A_KASSA if any(KINDS[income.kind].source == "SO" for income in own) else None
        since = shift(self.month, -self.rng.randrange(5, 30)).replace(day=self.rng.randrange(2, 28))
        fields: dict[str, Any] = {
            "fk": payments(own, "FK", self.month),
            "pm": payments(own, "PM", self.month),
            "csn": payments(own, "CSN", self.month),
            "a_kassor": a_kassor(own, self.month) + adult.other_a_kassor,
            "civil_status": self.rng.choice(("OG", "OG", "S")) if len(self.household.adults) == 1 else "OG",
            "af": AfRecord(job_seeker=seeks, registered=since if seeks else None, a_kassa=a_kassa),
        }
        return replace(adult.person, registers=RegisterRecord(**(fields | adult.registers)))

    def _calculations(self) -> tuple[dict[str, Any], ...]:
        """Return the calculations, newest first: last month's, and one of the month before that must not be taken for it."""
        number = _LIFECARE_IDS + self.index * 10
        last, older = self.calculation().written(number + 1), self.calculation(back=2).written(number)
        match self.history:
            case "final":
                return (last, older)
            case "older_only":
                return (older,)
            case "not_final":
                return (last | {"isFinal": False},)
            case "none":
                return ()

    def _decisions(self) -> tuple[dict[str, Any], ...]:
        number = _DECISION_IDS + self.index * 10
        adults = [adult.person for adult in self.household.adults]
        found = [] if self.history == "none" else [decision(shift(self.month, -1), number, self.calculation().need, adults)]
        if self.decided_by_person:
            found.insert(0, decision(self.month, number + 1, self.calculation().need, adults))
        return tuple(found)
