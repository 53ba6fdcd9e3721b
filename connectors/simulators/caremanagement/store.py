"""What the case system holds, in memory: errands with everything that hangs on them.

Only the event loop's own thread changes it, and no handler waits in the middle of a change, so each request is one transaction.
"""

from __future__ import annotations

import bisect
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL

from connectors.simulators.caremanagement.filters import Filter
from connectors.simulators.caremanagement.problems import Refused, violation
from connectors.simulators.caremanagement.wire import is_uuid, present, written
from connectors.simulators.day import WorldDay
from connectors.simulators.world import ApplicationRecord, PersonRecord, World

MAX_ERRANDS = 100_000
MAX_PER_ERRAND = 500
"""How many decisions, documents, warnings ... of each kind an errand may have."""

RECEIVED = "RECEIVED"
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "RECEIVED": frozenset({"NEEDS_MANUAL_REVIEW", "UNDER_REVIEW", "WITHDRAWN"}),
    "NEEDS_MANUAL_REVIEW": frozenset({"UNDER_REVIEW", "WITHDRAWN"}),
    "UNDER_REVIEW": frozenset({"AWAITING_DECISION", "SUPPLEMENT_REQUESTED"}),
    "SUPPLEMENT_REQUESTED": frozenset({"UNDER_REVIEW", "AWAITING_DECISION", "WITHDRAWN"}),
    "AWAITING_DECISION": frozenset({"GRANTED", "REJECTED", "SUPPLEMENT_REQUESTED"}),
    "GRANTED": frozenset({"PAID"}),
    "PAID": frozenset({"CLOSED"}),
    "REJECTED": frozenset({"CLOSED"}),
    "WITHDRAWN": frozenset({"CLOSED"}),
    "CLOSED": frozenset(),
}
"""The legal ones. The server does not enforce them: it does as told, and writes the others in its log."""

Note = Callable[..., None]
"""Writes one entry into the simulator's log."""


@dataclass(slots=True)
class Draft:
    """The draft calculation: header, and the rows by section. Rows hold process and caseworker values side by side."""

    header: dict[str, Any]
    created: str
    updated: str
    persons: list[dict[str, Any]] = field(default_factory=list)
    incomes: list[dict[str, Any]] = field(default_factory=list)
    expenses: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Errand:
    """One errand. Decisions, papers, warnings and history are kept in the contract's own form, oldest first."""

    record: ApplicationRecord
    municipality_id: str
    namespace: str
    created: datetime
    touched: datetime
    data: dict[str, Any]
    applicant_name: str | None
    assigned_user_id: str | None
    status: str = RECEIVED
    priority: str | None = "MEDIUM"
    title: str | None = "Ansökan om ekonomiskt bistånd"
    description: str | None = None
    reporter_user_id: str | None = None
    modified: datetime | None = None
    last_daily_run: str | None = None
    data_json: bytes | None = None
    decisions: list[dict[str, Any]] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    draft: Draft | None = None
    illegal_transitions: int = 0
    forbidden_uses: int = 0
    serial: int = 0

    @property
    def id(self) -> str:
        """Return the errand's id."""
        return self.record.errand_id

    @property
    def number(self) -> str:
        """Return the errand's number."""
        return self.record.errand_number

    @property
    def type_slug(self) -> str:
        """Return the errand's type."""
        return self.record.type_slug

    def next_id(self, kind: str) -> str:
        """Return a new id for something that belongs to this errand; the same run gives the same ids."""
        self.serial += 1
        # As uuid5 gives, without the objects that it makes on the way: a prepared calculation has a dozen rows.
        name = NAMESPACE_URL.bytes + f"{self.id}/{kind}/{self.serial}".encode()
        hexed = hashlib.sha1(name, usedforsecurity=False).hexdigest()
        return f"{hexed[:8]}-{hexed[8:12]}-5{hexed[13:16]}-{'89ab'[int(hexed[16], 16) & 3]}{hexed[17:20]}-{hexed[20:32]}"

    def listed(self, name: str) -> list[dict[str, Any]]:
        """Return a list of the application, empty when it is missing or can't be read."""
        found = self.data.get(name)
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def adults(self) -> list[str]:
        """Return the party ids of applicant and co-applicant."""
        return [person["partyId"] for person in self.listed("persons") if isinstance(person.get("partyId"), str)]


class Store:
    """All errands, found by id in one step, listed by arrival; and the persons, by party id."""

    def __init__(self, world: World, day: WorldDay, *, municipality_id: str, namespace: str, note: Note) -> None:
        self.day = day
        self.municipality_id = municipality_id
        self.namespace = namespace
        self.note = note
        self.people: dict[str, PersonRecord] = {}
        self.of_adult: dict[str, list[Errand]] = {}
        self._errands: dict[str, Errand] = {}
        self._by_status: dict[str, dict[str, Errand]] = {}
        self._order: list[Errand] = []
        self._arrivals: list[datetime] = []
        self._version = 0
        self._last_listing: tuple[Any, list[Errand]] = (None, [])
        self.add(world.applications)

    def __len__(self) -> int:
        return len(self._errands)

    def add(self, records: Iterable[ApplicationRecord]) -> int:
        """Take in applications; those whose id is already here are left out. Return how many were new."""
        new = 0
        for record in records:
            if record.errand_id in self._errands:
                continue
            if len(self._errands) >= MAX_ERRANDS:
                raise full(f"{MAX_ERRANDS} errands")
            self._add(record)
            new += 1
        self._version += 1
        return new

    def find(self, municipality_id: str, namespace: str, errand_id: str) -> Errand:
        """Return an errand that has arrived. Raises Refused: 404, or 400 when the id is no id at all."""
        errand = self._errands.get(errand_id)
        if errand is not None and self.ours(municipality_id, namespace) and errand.created <= self.day.now():
            return errand
        if errand is None and not is_uuid(errand_id):
            raise violation("errandId", "not a valid UUID")
        raise Refused(404, f"No errand with id '{errand_id}' found in namespace '{namespace}' for municipality id '{municipality_id}'")

    def held(self, errand_id: str) -> Errand | None:
        """Return an errand whether it has arrived or not."""
        return self._errands.get(errand_id)

    def ours(self, municipality_id: str, namespace: str) -> bool:
        """Say whether this is the tenant that the errands belong to."""
        return municipality_id == self.municipality_id and namespace == self.namespace

    def visible(self) -> list[Errand]:
        """Return the errands that have arrived, oldest first."""
        return self._order[: bisect.bisect_right(self._arrivals, self.day.now())]

    def select(self, condition: Filter, order: tuple[tuple[str, bool], ...]) -> list[Errand]:
        """Return the errands that fulfil the condition, sorted. `order` = our attributes, and whether descending.

        The last answer is kept until something changes, so that leafing through the pages sorts once.
        """
        now = self.day.now()
        key = (condition, order, self._version, bisect.bisect_right(self._arrivals, now))
        if self._last_listing[0] == key:
            return self._last_listing[1]
        found = [errand for errand in self._candidates(condition) if errand.created <= now and condition.test(errand)]
        found.sort(key=lambda errand: (errand.created, errand.id))
        for attribute, descending in reversed(order):
            found.sort(key=lambda errand: _sortable(getattr(errand, attribute)), reverse=descending)
        self._last_listing = (key, found)
        return found

    def stamp(self, errand: Errand) -> str:
        """Count a write on the errand, and return its time: always later than the one before."""
        now = to_ms(self.day.now())
        if now <= errand.touched:
            now = errand.touched + timedelta(milliseconds=1)
        errand.modified = errand.touched = now
        self._version += 1
        return written(now)

    def set_status(self, errand: Errand, status: str, actor: str | None, *, via: str) -> None:
        """Change the status, with an entry in the history; nothing happens when it stands already. Illegal changes are done and noted."""
        if status == errand.status:
            return
        at = self.stamp(errand)
        before = errand.status
        legal = status in TRANSITIONS.get(before, frozenset())
        if not legal:
            errand.illegal_transitions += 1
        self.note("status_change" if legal else "illegal_transition", errand=errand.id, **{"from": before}, to=status, actor=actor, via=via)
        room(errand.history)
        entry = present(id=errand.next_id("status"), errandId=errand.id, fromStatus=before, toStatus=status, changedBy=actor, changedAt=at)
        errand.history.append(entry)
        self._by_status[before].pop(errand.id)
        self._by_status.setdefault(status, {})[errand.id] = errand
        errand.status = status

    def _candidates(self, condition: Filter) -> list[Errand]:
        if condition.statuses is None:
            return self._order
        return [errand for status in condition.statuses for errand in self._by_status.get(status, {}).values()]

    def _add(self, record: ApplicationRecord) -> None:
        arrived = to_ms(record.arrives)
        errand = Errand(
            record=record,
            municipality_id=self.municipality_id,
            namespace=self.namespace,
            created=arrived,
            touched=arrived,
            data=dict(record.data),
            applicant_name=None,
            assigned_user_id=record.assigned_user_id,
        )
        if record.payment_decision is not None:
            decided = {"decisionType": "PAYMENT", "created": written(arrived), **record.payment_decision}
            errand.decisions.append({"id": errand.next_id("decision"), **decided})
        self._errands[errand.id] = errand
        self._by_status.setdefault(errand.status, {})[errand.id] = errand
        at = bisect.bisect_right(self._arrivals, arrived)
        self._arrivals.insert(at, arrived)
        self._order.insert(at, errand)
        self.people.update({person.party_id: person for person in record.people})
        adults = errand.adults()
        applicant = self.people.get(adults[0]) if adults else None
        errand.applicant_name = None if applicant is None else f"{applicant.first_name} {applicant.last_name}"
        for party_id in adults:
            self.of_adult.setdefault(party_id, []).append(errand)


def room(records: list[dict[str, Any]]) -> None:
    """Raise Refused when the errand can't take one more record of this kind."""
    if len(records) >= MAX_PER_ERRAND:
        raise full(f"{MAX_PER_ERRAND} records of a kind on an errand")


def full(what: str) -> Refused:
    """Return the problem for a limit of the simulator."""
    return Refused(500, f"The simulator holds at most {what}")


def legal_path(start: str, goal: str) -> list[str] | None:
    """Return the shortest legal way between two statuses, without the start; None when there is none."""
    ways: deque[list[str]] = deque([[start]])
    seen = {start}
    while ways:
        way = ways.popleft()
        if way[-1] == goal:
            return way[1:]
        for following in sorted(TRANSITIONS.get(way[-1], frozenset()) - seen):
            seen.add(following)
            ways.append([*way, following])
    return None


def to_ms(when: datetime) -> datetime:
    """Return the time cut to whole milliseconds, in its own zone. A time without zone is read as UTC."""
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else "")
