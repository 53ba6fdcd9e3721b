"""A worker takes cases, keeps them by heartbeat, and lets go of those that it cannot finish now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Float, Integer, bindparam, case, func, select, text, tuple_, update

from workqueue import limits
from workqueue.base import OURS, UNLEASED, Store, left_by, not_past, ours, reached_by, refuse
from workqueue.database import LEASE_TIME
from workqueue.errors import PermanentQueueError
from workqueue.pausing import DELIVER, IS_PAUSED, MAY_GO, limited
from workqueue.people import PEOPLE, people_row, store_people
from workqueue.records import AuditEvent, Claimed
from workqueue.sealing import ASSIGNED_TO, NUMBER
from workqueue.statements import Prepared, among, listed
from workqueue.states import LEASED, RESTING, Outcome, State, sources
from workqueue.tables import TO_CLAIM, case_keys, items

_NEXT = (
    select(items.c.id)
    .where(
        text(TO_CLAIM),
        MAY_GO,
        items.c.not_before <= bindparam("b_now"),
        items.c.rescues.between(bindparam("b_least_rescues", type_=Integer), bindparam("b_most_rescues", type_=Integer)),
    )
    .order_by(items.c.priority, items.c.deadline, items.c.id)
    .limit(bindparam("b_limit"))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("next")
)
_UNTIL = LEASE_TIME + bindparam("b_lease_s", type_=Float)
_KEYS = among(select(case_keys.c.case_ref, case_keys.c.wrapped), case_keys.c.case_ref, "b_refs")
_TOLD = [items.c[one.name] for one in fields(Claimed) if one.name != "paused"]
_TAKE = (
    update(items)
    .values(state=reached_by("claim"), lease=items.c.lease + 1, leased_by=bindparam("b_worker"), lease_until=_UNTIL)
    .returning(*_TOLD, IS_PAUSED)
)
_CLAIM = Prepared(_TAKE.where(items.c.id.in_(select(_NEXT.c.id))))
_CLAIM_ONE = Prepared(_TAKE.where(items.c.case_ref == bindparam("b_ref"), text(TO_CLAIM), (items.c.state == State.READY) | (DELIVER == 1)))
_HELD = (
    select(items.c.id)
    .where(
        items.c.id.in_(bindparam("b_ids", expanding=True)),
        tuple_(items.c.id, items.c.lease).in_(bindparam("b_leases", expanding=True)),
        items.c.state.in_(sorted(LEASED)),
    )
    .order_by(items.c.id)
    .with_for_update(key_share=True)
    .cte("held")
)
"""The ids by themselves too: SQLite finds no row by a pair."""
_HEARTBEAT = update(items).where(items.c.id.in_(select(_HELD.c.id))).values(lease_until=_UNTIL).returning(items.c.id)
_REST = Prepared(
    update(items)
    .where(OURS, items.c.state == State.ASSESSING)
    .values(
        state=bindparam("b_state"),
        not_before=bindparam("b_not_before"),
        reason=bindparam("b_reason"),
        waiting_since=case(
            (bindparam("b_register"), func.coalesce(items.c.waiting_since, bindparam("b_now", type_=items.c.not_before.type))),
            else_=None,
        ),
        attempts=0,
        rescues=0,
        **UNLEASED,
    )
)
_TRY_LATER = Prepared(
    update(items)
    .where(OURS, left_by("try_later"))
    .values(
        state=reached_by("try_later"),
        not_before=bindparam("b_not_before"),
        reason=bindparam("b_reason"),
        attempts=items.c.attempts + 1,
        **UNLEASED,
    )
)
_PARK = Prepared(
    update(items)
    .where(OURS, items.c.state.in_(sources(State.PARKED, "park")))
    .values(state=State.PARKED, reason=bindparam("b_reason"), ended_at=bindparam("b_now"), **UNLEASED)
)


class Claiming(Store):
    """Leases."""

    def claim(
        self,
        worker: str,
        limit: int,
        lease_s: float,
        *,
        least_rescues: int = 0,
        most_rescues: int = limits.RESCUES_LIMIT,
        quiet: bool = False,
        deliver: bool = True,
    ) -> list[Claimed]:
        """Take up to `limit` cases that are due, urgent ones first, then by deadline. ONE statement: no two workers get the same.

        Only cases whose worker has died so many times are taken: one that may be what kills workers is best taken when nothing else is in
        hand, so that no other dies with it.
        Each comes with a new lease number; the lease runs for `lease_s` seconds of the lease clock unless kept by `heartbeat`.
        A case that cannot be decrypted is parked instead, so that it holds up no other.
        What is paused is left, but for urgent cases and those whose deadline has come; `quiet` = so is all else. Without `deliver` what is
        half written is left too.
        """
        if not 0 < limit <= limits.CLAIM_LIMIT:
            raise ValueError(f"claim 1 to {limits.CLAIM_LIMIT} at once")
        values = {
            "b_now": self._clock.now(),
            "b_limit": limit,
            "b_worker": limits.actor(worker),
            "b_time": self._lease_time(),
            "b_lease_s": limits.lease_length(lease_s),
            "b_least_rescues": least_rescues,
            "b_most_rescues": most_rescues,
        }
        return self._take(_CLAIM, values | limited(quiet=quiet, deliver=deliver))

    def claim_one(self, worker: str, case_ref: str, lease_s: float, *, deliver: bool = True) -> Claimed | None:
        """Take one case that waits for a worker, whatever is paused and whenever it is due; None = it does not. It is never `paused`."""
        values = {"b_worker": limits.actor(worker), "b_time": self._lease_time(), "b_lease_s": limits.lease_length(lease_s)}
        taken = self._take(_CLAIM_ONE, values | {"b_ref": case_ref, "b_deliver": int(deliver)})
        return replace(taken[0], paused=False) if taken else None

    def _take(self, statement: Prepared, values: dict[str, Any]) -> list[Claimed]:
        with self._db.write() as tx:
            rows = statement.rows(tx, values)
            for ref, wrapped in _KEYS.rows(tx, {"b_refs": listed(row.case_ref for row in rows)}) if rows else ():
                self._keyring.learn(ref, wrapped)
            claimed = [self._open_or_park(tx, row) for row in rows]
        return sorted((one for one in claimed if one), key=lambda one: (one.priority, one.deadline, one.id))

    def heartbeat(self, claimed: Sequence[Claimed], lease_s: float) -> set[int]:
        """Begin the leases anew, and return the ids of the cases that are still ours: stop work on the others."""
        limits.within(limits.HEARTBEAT_LIMIT, claimed, "cases at once")
        values = {"b_time": self._lease_time(), "b_lease_s": limits.lease_length(lease_s)}
        if not claimed:
            return set()
        with self._db.write() as tx:
            leases = [(one.id, one.lease) for one in claimed]
            return set(tx.execute(_HEARTBEAT, values | {"b_ids": [one.id for one in claimed], "b_leases": leases}).scalars())

    def rest(
        self,
        claimed: Claimed,
        state: State,
        not_before: datetime,
        reason_code: str,
        details: Mapping[str, Any] | None = None,
        *,
        people: Sequence[str] = (),
    ) -> None:
        """Let a case that is being assessed rest until `not_before`, or until its deadline when that comes first.

        `state` is `waiting_for_income` or `waiting_for_register`. `waiting_since` begins with the first of several rests for a register
        and ends with anything else. `details` = what more the audit is told, sealed. `people` = who is in the case, as `finish` takes them.
        Raises StaleLease when the case is not ours.
        """
        if state not in RESTING:
            raise ValueError("a case rests in waiting_for_income or waiting_for_register")
        now = self._clock.now()
        values = {
            "b_state": str(State(state)),
            "b_not_before": min(not_before, max(claimed.deadline, now)),
            "b_reason": limits.code(reason_code),
            "b_register": state == State.WAITING_FOR_REGISTER,
            "b_now": now,
        }
        known = [people_row(self.derived_key(PEOPLE), claimed.id, people)] if people else []
        with self._db.write() as tx:
            if _REST.change(tx, ours(claimed) | values) != 1:
                refuse(tx, claimed, "rest")
            store_people(tx, known)
            told = {"state": state, "code": reason_code} | dict(details or {})
            self._remember(tx, claimed.case_ref, [AuditEvent("rested", details=told)])

    def try_later(self, claimed: Claimed, not_before: datetime, code: str) -> None:
        """Give a case back, to be claimed again from `not_before` on.

        What was assessed is assessed again, what was being delivered goes on. A deadline that is still to come is never slept over;
        after it `not_before` holds as it is. Counts as an attempt. Raises StaleLease when the case is not ours.
        """
        when = not_past(claimed.deadline, not_before, self._clock.now())
        with self._db.write() as tx:
            if _TRY_LATER.change(tx, ours(claimed) | {"b_not_before": when, "b_reason": limits.code(code)}) != 1:
                refuse(tx, claimed, "try_later")

    def park(self, claimed: Claimed, code: str) -> None:
        """Set a case aside for a person: nothing more happens by itself. Raises StaleLease when the case is not ours."""
        with self._db.write() as tx:
            if _PARK.change(tx, ours(claimed) | {"b_reason": limits.code(code), "b_now": self._clock.now()}) != 1:
                refuse(tx, claimed, "park")
            self._remember(tx, claimed.case_ref, [AuditEvent("parked", details={"code": code})])

    def _open_or_park(self, tx: Connection, row: Any) -> Claimed | None:
        try:
            return self._claimed(tx, row)
        except PermanentQueueError as error:
            _PARK.change(tx, {"b_id": row.id, "b_lease": row.lease, "b_reason": error.code, "b_now": self._clock.now()})
            self._remember(tx, row.case_ref, [AuditEvent("parked", details={"code": error.code})])
            return None

    def _claimed(self, tx: Connection, row: Any) -> Claimed:
        return Claimed(
            id=row.id,
            case_ref=row.case_ref,
            case_system=row.case_system,
            case_id=row.case_id,
            version=row.version,
            run=row.run,
            lease=row.lease,
            state=State(row.state),
            priority=row.priority,
            deadline=row.deadline,
            first_pulled_at=row.first_pulled_at,
            attempts=row.attempts,
            rescues=row.rescues,
            waiting_since=row.waiting_since,
            month=row.month,
            outcome=Outcome(row.outcome) if row.outcome else None,
            number=self._open(row.case_ref, NUMBER, row.case_ref, row.number, tx=tx),
            assigned_to=self._open(row.case_ref, ASSIGNED_TO, row.case_ref, row.assigned_to, tx=tx),
            paused=bool(row.paused),
            to_person=bool(row.to_person),
        )
