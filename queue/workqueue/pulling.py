"""Work comes in: each version of each application once, and the newest one is the case's current one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, tuple_, update

from workqueue import limits
from workqueue.base import UNLEASED, upserts
from workqueue.hashing import HASHED, Hashing, Known, version_of
from workqueue.pausing import KINDS
from workqueue.records import UNREAD, Added, AuditEvent, PulledCase
from workqueue.restoring import next_run
from workqueue.sealing import ASSIGNED_TO, NUMBER
from workqueue.statements import Prepared
from workqueue.states import State, sources
from workqueue.tables import items, pulls, seen

_REF_FIRST = "abcdefghjkmnpqrstuvwxyz"
_REF_LETTERS = _REF_FIRST + "23456789"
_REF_LENGTH = 10

_IN_ORDER = (
    select(items.c.id)
    .where(tuple_(items.c.case_system, items.c.case_id).in_(bindparam("b_cases", expanding=True)))
    .order_by(items.c.id)
    .with_for_update(key_share=True)
)
_VERSIONS = Prepared(
    select(items.c.id, items.c.case_ref, items.c.version, items.c.is_current, items.c.assigned_to, items.c.run, items.c.state)
    .where(items.c.case_system == bindparam("b_system"), items.c.case_id == bindparam("b_case"))
    .with_for_update(key_share=True)
)
_THERE = select(items.c.case_system, items.c.case_id).where(
    tuple_(items.c.case_system, items.c.case_id).in_(bindparam("b_cases", expanding=True))
)
_GIVE_WAY = update(items).where(items.c.id == bindparam("b_id")).values(is_current=False)
_SUPERSEDE = (
    update(items)
    .where(items.c.id == bindparam("b_id"), items.c.state.in_(sources(State.SUPERSEDED, "add")))
    .values(state=State.SUPERSEDED, ended_at=bindparam("b_now"), **UNLEASED)
)
_REVIVE = (
    update(items).where(items.c.id == bindparam("b_id"), items.c.state.in_(sources(State.READY, "add"))).values(ended_at=None, outcome=None)
)
_NOT_YET = {"id", "leased_by", "lease_until", "outcome", "ended_at"}
_ADD = Prepared(insert(items).inline(), columns=[column.name for column in items.c if column.name not in _NOT_YET])
_MARK_SEEN = upserts(seen, "case_system", "case_id")
_SET_LAST_PULL = upserts(pulls, "case_system")
_LAST_PULL = select(pulls.c.last_at).where(pulls.c.case_system == bindparam("b_system"))
_KNOWN = select(seen.c.case_id, seen.c.changed_at).where(seen.c.case_system == bindparam("b_system")).limit(limits.SEEN_LIMIT)

_KNOWN_OF = select(seen.c.case_id, seen.c.changed_at).where(
    seen.c.case_system == bindparam("b_system"), seen.c.case_id.in_(bindparam("b_ids", expanding=True))
)


class Pulling(Hashing):
    """Adding cases, and remembering what was looked at."""

    def add(self, case: PulledCase) -> Added:
        """Put one version of an application in the queue, in ONE transaction; doing it again adds nothing.

        Another version than the case's current one becomes the current one: what was not ended gives way (superseded, also when a
        worker has it). A version that was current before is taken up again with the next run number.
        """
        return self.add_many([case])[0]

    def add_many(self, cases: Sequence[PulledCase], *, unless_there: bool = False) -> list[Added]:
        """Do the same for several, in order, in ONE transaction.

        `unless_there` = a case of which the queue has any version, also one that has ended, is left out as it is.
        """
        limits.within(limits.ADD_LIMIT, cases, "cases at once")
        if not cases:
            return []
        with self._db.write() as tx:
            self._db.hold_pulling(tx)
            if unless_there:
                there = {tuple(row) for row in tx.execute(_THERE, {"b_cases": [(case.case_system, case.case_id) for case in cases]})}
                cases = [case for case in cases if (case.case_system, case.case_id) not in there]
            if len(cases) > 1 and self._db.MANY_WRITERS:
                # In one order for all, so that no two transactions wait for each other.
                tx.execute(_IN_ORDER, {"b_cases": [(case.case_system, case.case_id) for case in cases]}).all()
            gone = self._forgotten_versions(tx, cases)
            happened: list[tuple[str, AuditEvent]] = []
            made: dict[str, bytes] = {}
            added = [self._add(tx, case, made, happened, gone.get(version_of(case))) for case in cases]
            self._keyring.store_keys(tx, made)
            if happened:
                self._db.tell(tx)
            self._remember_all(tx, happened)
        return added

    def known(self, case_system: str, case_ids: Sequence[str] | None = None) -> Known:
        """Return for each case that was looked at the change mark it had then; ask by `mark`, which finds forgotten ones too.

        `case_ids` = of these cases alone: a country's month would else be carried here whole at every pull.
        """

        def hashed(case_id: str) -> str:
            return self._hashed(case_system, case_id)

        about: dict[str, Any] = {"b_system": case_system}
        if case_ids is not None:
            limits.within(limits.ADD_LIMIT, case_ids, "cases at once")
            about["b_ids"] = [*case_ids, *(HASHED + hashed(case_id) for case_id in case_ids)]
        with self._db.read() as tx:
            rows = tx.execute(_KNOWN if case_ids is None else _KNOWN_OF, about)
            return Known({row.case_id: row.changed_at for row in rows}, hashed)

    def mark_seen(self, case_system: str, changed: Mapping[str, str]) -> None:
        """Remember the change mark of cases that were looked at; of one that was forgotten by the hash of its id alone, as it was."""
        limits.within(limits.ADD_LIMIT, changed, "cases at once")
        if not changed:
            return
        hashed = {case_id: HASHED + self._hashed(case_system, case_id) for case_id in changed}
        with self._db.write() as tx:
            gone = {row.case_id for row in tx.execute(_KNOWN_OF, {"b_system": case_system, "b_ids": list(hashed.values())})}
            names = {hashed[case_id] if hashed[case_id] in gone else case_id: mark for case_id, mark in changed.items()}
            rows = [{"case_system": case_system, "case_id": name, "changed_at": mark} for name, mark in sorted(names.items())]
            tx.execute(_MARK_SEEN[tx.dialect.name], rows)

    def last_pull(self, case_system: str) -> datetime | None:
        """Return when the last pull that succeeded began; None = never."""
        with self._db.read() as tx:
            return tx.execute(_LAST_PULL, {"b_system": case_system}).scalar_one_or_none()

    def set_last_pull(self, case_system: str, at: datetime) -> None:
        """Remember when a pull that succeeded began."""
        with self._db.write() as tx:
            tx.execute(_SET_LAST_PULL[tx.dialect.name], {"case_system": case_system, "last_at": at})

    def _add(
        self,
        tx: Connection,
        case: PulledCase,
        made: dict[str, bytes],
        happened: list[tuple[str, AuditEvent]],
        forgotten: str | None,
    ) -> Added:
        """Add one case, unless this version was `forgotten`. `made` takes the keys of new ones, `happened` what the audit is told."""
        versions = _VERSIONS.rows(tx, {"b_system": case.case_system, "b_case": case.case_id})
        if forgotten is not None and not versions:
            return Added(forgotten, created=False, superseded=0)
        current = next((row for row in versions if row.is_current), None)
        if current is not None and current.version == case.version:
            return Added(current.case_ref, created=False, superseded=0)
        if current is not None and current.version != UNREAD:
            # Who had the case when it was first pulled stays what later versions are measured against: a person who has taken the case
            # since then still has it when the applicant changes the application.
            had = self._open(current.case_ref, ASSIGNED_TO, current.case_ref, current.assigned_to, tx=tx)
            case = replace(case, assigned_to=had)
        superseded = self._supersede(tx, current, happened) if current is not None else 0
        earlier = next((row for row in versions if row.version == case.version), None)
        if earlier is None:
            case_ref = _new_ref()
            made[case_ref] = self._keyring.make(case_ref)
            _ADD.change(tx, self._columns(tx, case, case_ref) | _identity(case, case_ref))
        else:
            case_ref = earlier.case_ref
            again = self._columns(tx, case, case_ref) | {"run": next_run(tx, earlier.run)}
            tx.execute(_REVIVE.values(again), {"b_id": earlier.id})
        happened.append((case_ref, AuditEvent("pulled" if earlier is None else "pulled_again")))
        return Added(case_ref, created=True, superseded=superseded)

    def _supersede(self, tx: Connection, current: Any, happened: list[tuple[str, AuditEvent]]) -> int:
        tx.execute(_GIVE_WAY, {"b_id": current.id})
        superseded = tx.execute(_SUPERSEDE, {"b_id": current.id, "b_now": self._clock.now()}).rowcount
        if superseded:
            happened.append((current.case_ref, AuditEvent("superseded", details={"from": current.state})))
        return superseded

    def _columns(self, tx: Connection, case: PulledCase, case_ref: str) -> dict[str, Any]:
        """Return what a pull sets, for a new version and for one that is taken up again."""
        now = self._clock.now()
        return {
            "is_current": True,
            "number": self._seal(case_ref, NUMBER, case_ref, case.number, tx=tx),
            "assigned_to": self._seal(case_ref, ASSIGNED_TO, case_ref, case.assigned_to, tx=tx),
            "month": case.month,
            "kind": case.kind if case.kind in KINDS else None,
            "to_person": None,
            "state": str(State.READY),
            "priority": case.priority,
            "not_before": now,
            "deadline": case.deadline,
            "first_pulled_at": now,
            "waiting_since": None,
            "attempts": 0,
            "rescues": 0,
            "reason": None,
        }


def _identity(case: PulledCase, case_ref: str) -> dict[str, Any]:
    return {
        "case_ref": case_ref,
        "case_system": case.case_system,
        "case_id": case.case_id,
        "version": case.version,
        "run": 1,
        "lease": 0,
    }


def _new_ref() -> str:
    """Return a random reference: it begins with a letter, so that it is never taken for a number."""
    return secrets.choice(_REF_FIRST) + "".join(secrets.choice(_REF_LETTERS) for _ in range(_REF_LENGTH - 1))
