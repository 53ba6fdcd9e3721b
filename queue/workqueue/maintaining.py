"""What happens without a worker: rescue, waking, putting back by ops, and checking that all is in order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Float, Row, bindparam, case, exists, func, or_, select, text, update

from workqueue import limits
from workqueue.base import UNLEASED, Store, find, left_by, not_allowed, reached_by
from workqueue.database import LEASE_TIME
from workqueue.errors import NoSuchCase
from workqueue.looking import as_item
from workqueue.records import AuditEvent, Item
from workqueue.restoring import next_run
from workqueue.sealing import BY_CASE
from workqueue.states import CLAIMABLE, ENDED, State, targets
from workqueue.tables import AT_REST, IN_HAND, case_keys, drafts, effects, items

_RUN_OUT = (
    select(items.c.id)
    .where(
        text(IN_HAND),
        or_(items.c.lease_until <= LEASE_TIME, items.c.lease_until > LEASE_TIME + bindparam("b_longest_s", type_=Float)),
    )
    .order_by(items.c.lease_until, items.c.id)
    .limit(limits.RELEASE_LIMIT)
    .with_for_update(skip_locked=True, key_share=True)
    .cte("run_out")
)
_RELEASE_EXPIRED = (
    update(items)
    .where(items.c.id.in_(select(_RUN_OUT.c.id)), left_by("release_expired"))
    .values(state=reached_by("release_expired"), rescues=items.c.rescues + 1, not_before=bindparam("b_now"), **UNLEASED)
    .returning(items.c.id, items.c.case_ref)
)
_DUE = (
    select(items.c.id)
    .where(
        text(AT_REST),
        or_(items.c.not_before <= bindparam("b_now"), items.c.state == bindparam("b_at_once")),
    )
    .order_by(items.c.not_before, items.c.id)
    .limit(limits.RELEASE_LIMIT)
    .with_for_update(skip_locked=True, key_share=True)
    .cte("due")
)
_RELEASE_DUE = (
    update(items)
    .where(items.c.id.in_(select(_DUE.c.id)), left_by("release_due"))
    .values(state=State.READY, not_before=bindparam("b_now"))
    .returning(items.c.id)
)
_REQUEUE = update(items).where(items.c.id == bindparam("b_id"), items.c.state == bindparam("b_from")).returning(items)
_IN_SHADOW = (
    select(items)
    .where(items.c.state == State.SHADOWED, items.c.is_current)
    .order_by(items.c.id)
    .limit(limits.GO_LIVE_BATCH)
    .with_for_update(skip_locked=True, key_share=True)
)
_HAS_DRAFT = select(exists().where(drafts.c.item_id == bindparam("b_id"), drafts.c.run == bindparam("b_run")))

_PENDING_OF_ITEM = exists().where(effects.c.item_id == items.c.id, effects.c.run == items.c.run, effects.c.done_at.is_(None))
_DRAFT_OF_ITEM = exists().where(drafts.c.item_id == items.c.id, drafts.c.run == items.c.run)
_WRITTEN = items.c.state.in_((State.DELIVERED, State.HANDED_OVER))
_SEALED_BY_CASE = func.substr(items.c.number, 1, 1) == bytes([BY_CASE])
_WRONG = {
    "has ended as delivered or handed over, and writes have no receipt": _WRITTEN & _PENDING_OF_ITEM,
    "has ended as delivered or handed over, and has no draft": _WRITTEN & ~_DRAFT_OF_ITEM,
    "is to be delivered, and has no draft": items.c.state.in_((State.TO_DELIVER, State.DELIVERING)) & ~_DRAFT_OF_ITEM,
    "has no key: nothing of it can be read": _SEALED_BY_CASE & ~exists().where(case_keys.c.case_ref == items.c.case_ref),
    "is not the case's newest version, and has not ended": ~items.c.is_current & items.c.state.not_in(sorted(ENDED)),
}
_LOOSE = {
    f"table {table.name} refers to a row of items that is not there": select(
        exists().select_from(table).where(~exists().where(items.c.id == table.c.item_id))
    )
    for table in (drafts, effects)
}
_CASES_WITHOUT_CURRENT = (
    select(func.min(items.c.case_ref))
    .group_by(items.c.case_system, items.c.case_id)
    .having(func.max(case((items.c.is_current, 1), else_=0)) == 0)
    .limit(limits.PROBLEMS_LIMIT)
)


class Maintaining(Store):
    """Jobs of the schedule and of ops."""

    def release_expired(self, longest_s: float = limits.MAX_LEASE_S) -> list[str]:
        """Take cases back from workers that have not been heard of, and return their references.

        What was assessed is assessed again, what was being delivered goes on where its receipts end. A lease that ends more than
        `longest_s` seconds from now, longer than any robot takes one for, is from before the machine's clock was set back: it has run
        out too.
        """
        with self._db.write() as tx:
            times = {"b_time": self._lease_time(), "b_now": self._clock.now(), "b_longest_s": longest_s}
            rows = tx.execute(_RELEASE_EXPIRED, times).all()
            if rows:
                self._db.tell(tx)
            self._remember_all(tx, [(row.case_ref, AuditEvent("rescued")) for row in rows])
        return [row.case_ref for row in rows]

    def release_due(self, *, at_once: State | None = None) -> int:
        """Wake the resting cases whose time has come, which is never after their deadline; return how many.

        `at_once` = a resting state whose cases are woken whatever their time.
        """
        with self._db.write() as tx:
            woken = len(tx.execute(_RELEASE_DUE, {"b_now": self._clock.now(), "b_at_once": at_once}).all())
            if woken:
                self._db.tell(tx)
        return woken

    def requeue(self, case: str, reason: str, actor: str, *, anew: bool = False) -> Item:
        """Put a case back in the queue, by its id or reference, and return it; the reason is kept in the audit, sealed.

        A case that waits is taken at once. A parked case goes on where it stood; with `anew`, and for one that was delivered or handed
        over, it is assessed again under the next run number. Raises NoSuchCase, and NotAllowed for a case that a worker has, that a
        person has taken, or that has a newer version.
        """
        with self._db.write() as tx:
            row = find(tx, case, to_change=True)
            if row is None:
                raise NoSuchCase
            source = State(row.state)
            target = self._requeue_target(tx, row, source, anew)
            changes = self._requeue_changes(tx, row, source, target)
            put_back = tx.execute(_REQUEUE.values(changes), {"b_id": row.id, "b_from": source}).one_or_none()
            if put_back is None:
                raise not_allowed(row.case_ref, source, "requeue")
            self._db.tell(tx)
            self._remember(tx, row.case_ref, [AuditEvent("requeued", actor, {"reason": reason, "from": source})])
        return as_item(put_back)

    def go_live(self) -> int:
        """Put the newest version of every case that was computed in shadow back, to be assessed anew and written; return how many.

        Each gets the next run number and at least `REQUEUE_GRACE` until its deadline. Not in ONE transaction: begun again it goes on.
        """
        done = 0
        while True:
            with self._db.write() as tx:
                rows = tx.execute(_IN_SHADOW).all()
                for row in rows:
                    changes = self._requeue_changes(tx, row, State.SHADOWED, State.READY)
                    tx.execute(_REQUEUE.values(changes), {"b_id": row.id, "b_from": State.SHADOWED})
                if rows:
                    self._db.tell(tx)
                self._remember_all(tx, [(row.case_ref, AuditEvent("requeued", details={"from": State.SHADOWED})) for row in rows])
            done += len(rows)
            if not rows:
                return done

    def integrity(self) -> list[str]:
        """Return what is wrong with the database, a sentence each; empty = all is in order.

        Checks the database itself, the references between tables, and that everything that ended as delivered has all its receipts.
        """
        with self._db.read() as tx:
            problems = self._db.damage(tx)
            problems += [what for what, loose in _LOOSE.items() if tx.execute(loose).scalar_one()]
            for what, condition in _WRONG.items():
                refs = tx.execute(select(items.c.case_ref).where(condition).order_by(items.c.id).limit(limits.PROBLEMS_LIMIT)).scalars()
                problems += [f"case {ref} {what}" for ref in refs]
            problems += [f"case {ref} has no current version" for ref in tx.execute(_CASES_WITHOUT_CURRENT).scalars()]
        return problems[: limits.PROBLEMS_LIMIT]

    def _requeue_target(self, tx: Connection, row: Row[Any], source: State, anew: bool) -> State:
        if not row.is_current:
            raise not_allowed(row.case_ref, source, "requeue of an older version")
        if source in CLAIMABLE:
            return source
        ways = targets(source, "requeue")
        if not ways:
            raise not_allowed(row.case_ref, source, "requeue")
        goes_on = State.TO_DELIVER in ways and not anew and _has_draft(tx, row)
        return State.TO_DELIVER if goes_on else State.READY

    def _requeue_changes(self, tx: Connection, row: Row[Any], source: State, target: State) -> dict[str, Any]:
        now = self._clock.now()
        changes: dict[str, Any] = {"state": target, "not_before": now, "attempts": 0, "rescues": 0, "reason": None, "ended_at": None}
        changes["to_person"] = None
        if source in ENDED or row.to_person:
            changes["deadline"] = max(row.deadline, now + limits.REQUEUE_GRACE)
        if target is State.READY and source in ENDED:
            changes |= {"outcome": None, "waiting_since": None}
            changes["run"] = next_run(tx, row.run) if _has_draft(tx, row) else row.run
        return changes


def _has_draft(tx: Connection, row: Row[Any]) -> bool:
    return bool(tx.execute(_HAS_DRAFT, {"b_id": row.id, "b_run": row.run}).scalar_one())
