"""Pausing: a person, or the robot itself, stops new work of all kinds or of one; what that leaves to be claimed; handing over at once.

A pause holds from the moment it is stored: the statement that claims looks at it. It keeps no case in silence: urgent ones, those whose
deadline has come and those that are half written go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, delete, func, or_, select, update

from workqueue import limits
from workqueue.base import Store, find, not_allowed, upserts
from workqueue.chain import NO_CASE
from workqueue.errors import NoSuchCase
from workqueue.records import URGENT, AuditEvent, Item, Pause
from workqueue.states import RESTING, State
from workqueue.tables import items, pauses, tallies

ALL = "all"
KINDS = ("renewal", "first", "supplementary")
"""The kinds of application that can be paused alone. One of another kind, or of which it is not known, rests with any of them."""
PAUSED, RESUMED, ORDERED = "robot.paused", "robot.resumed", "hand_over_ordered"

_PAUSED = (
    select(pauses.c.what).where(or_(pauses.c.what == ALL, pauses.c.what == items.c.kind, items.c.kind.is_(None))).correlate(items).exists()
)
IS_PAUSED = _PAUSED.label("paused")
_CANNOT_WAIT = or_(items.c.priority == URGENT, items.c.deadline <= bindparam("b_now", type_=items.c.deadline.type))
_QUIET = bindparam("b_quiet", type_=Integer)
DELIVER = bindparam("b_deliver", type_=Integer)
MAY_GO: ColumnElement[bool] = or_(
    (items.c.state == State.READY) & (_CANNOT_WAIT | ((_QUIET == 0) & ~_PAUSED)),
    (items.c.state == State.TO_DELIVER) & (DELIVER == 1),
)
"""What may be claimed, of what is due. Values: `limited`."""

_SET = upserts(pauses, "what")
_PAUSES = select(pauses).order_by(pauses.c.since, pauses.c.what)
_LIFT = delete(pauses).where(pauses.c.what.in_(bindparam("b_whats", expanding=True)))
_FORGET_TALLIES = delete(tallies)
_HELD = func.coalesce(items.c.to_person, False)
_TO_HAND_OVER = items.c.state.in_(sorted({State.READY, *RESTING})) & ~_HELD
_HAND_OVER = (
    update(items)
    .where(_TO_HAND_OVER)
    .values(
        to_person=True, not_before=bindparam("b_now", type_=items.c.deadline.type), deadline=bindparam("b_now", type_=items.c.deadline.type)
    )
    .returning(items.c.case_ref)
)
_SOME = (
    select(items.c.id)
    .where(_TO_HAND_OVER)
    .order_by(items.c.id)
    .limit(limits.RELEASE_LIMIT)
    .with_for_update(skip_locked=True, key_share=True)
)


def limited(*, quiet: bool, deliver: bool) -> dict[str, int]:
    """Return the values of `MAY_GO` but for the time."""
    return {"b_quiet": int(quiet), "b_deliver": int(deliver)}


class Pausing(Store):
    """What a person orders the robot not to do, or to leave to people."""

    def pause(self, kind: str | None, reason: str, actor: str, details: Mapping[str, Any] | None = None) -> None:
        """Let nothing new be claimed: of one kind of application, or of any (None). The reason is kept in the audit, sealed.

        What is paused already stays so since then. Raises ValueError when there is no such kind.
        """
        what = _what(kind)
        with self._db.write() as tx:
            if what not in tx.execute(select(pauses.c.what)).scalars().all():
                tx.execute(_SET[tx.dialect.name], {"what": what, "since": self._clock.now(), "by": limits.actor(actor)})
            told = {"what": what, "reason": reason} | dict(details or {})
            self._remember(tx, NO_CASE, [AuditEvent(PAUSED, actor, told)])

    def resume(self, kind: str | None, reason: str, actor: str, *, by_itself: str = "bistandsrobot") -> list[Pause]:
        """Lift the pause of one kind, or every pause (None), and return what was lifted; nothing is done when there was none.

        `by_itself` = who pauses when figures jump. What a person lets go on after that is what figures are measured against from now on.
        """
        whats = None if kind is None else {_what(kind)}
        with self._db.write() as tx:
            lifted = [_pause(row) for row in tx.execute(_PAUSES) if whats is None or row.what in whats]
            if not lifted:
                return []
            tx.execute(_LIFT, {"b_whats": [one.what for one in lifted]})
            if any(one.by == by_itself for one in lifted):
                tx.execute(_FORGET_TALLIES)
            told = {"what": [one.what for one in lifted], "reason": reason}
            self._remember(tx, NO_CASE, [AuditEvent(RESUMED, actor, told)])
            self._db.tell(tx)
        return lifted

    def pauses(self) -> list[Pause]:
        """Return what is paused, oldest first."""
        with self._db.read() as tx:
            return [_pause(row) for row in tx.execute(_PAUSES)]

    def hand_over(self, case: str, reason: str, actor: str) -> Item:
        """Let a case go to a person now, unassessed, by the next worker that is free; the reason is kept in the audit, sealed.

        Raises NoSuchCase, and NotAllowed for a case that a worker has, that is being delivered, or that has ended.
        """
        from workqueue.looking import as_item

        with self._db.write() as tx:
            row = find(tx, case, to_change=True)
            if row is None:
                raise NoSuchCase
            if State(row.state) not in {State.READY, *RESTING}:
                raise not_allowed(row.case_ref, row.state, "hand-over")
            if tx.execute(_HAND_OVER.where(items.c.id == row.id), {"b_now": self._clock.now()}).all():
                self._db.tell(tx)
                self._remember(tx, row.case_ref, [AuditEvent(ORDERED, actor, {"reason": reason})])
            found = find(tx, row.case_ref)
            assert found is not None
        return as_item(found)

    def hand_over_all(self, reason: str, actor: str) -> int:
        """Do the same for every case that nobody has in hand and that has not been finished; return how many. Not in ONE transaction."""
        done = 0
        while True:
            with self._db.write() as tx:
                ids = list(tx.execute(_SOME).scalars())
                refs = list(tx.execute(_HAND_OVER.where(items.c.id.in_(ids)), {"b_now": self._clock.now()}).scalars()) if ids else []
                if refs:
                    self._db.tell(tx)
                self._remember_all(tx, [(ref, AuditEvent(ORDERED, actor, {"reason": reason})) for ref in refs])
            done += len(refs)
            if not refs:
                return done


def _what(kind: str | None) -> str:
    if kind is not None and kind not in KINDS:
        raise ValueError(f"of {', '.join(KINDS)}")
    return kind or ALL


def _pause(row: Any) -> Pause:
    return Pause(row.what, row.since, row.by)
