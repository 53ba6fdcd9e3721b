"""Reading what is in the queue, for people, for the schedule and for checks. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, case, exists, func, select, text, tuple_, union_all

from workqueue import limits
from workqueue.base import Store, find
from workqueue.errors import KEY_GONE, PermanentQueueError
from workqueue.pausing import MAY_GO, limited
from workqueue.records import EffectStatus, Item, StoredEvent, Unfinished, Waiting
from workqueue.sealing import DETAILS
from workqueue.states import CLAIMABLE, LEASED, NOT_ENDED, Outcome, State
from workqueue.tables import AT_REST, CURRENT, HAS_ENDED, IN_HAND, PARKED, TO_CLAIM, effects, event_details, events, items

_COUNTS = select(items.c.state, func.count()).group_by(items.c.state)
_OLDEST = (
    select(items.c.state, func.min(items.c.first_pulled_at, type_=items.c.first_pulled_at.type))
    .where(items.c.state.in_(sorted(NOT_ENDED)))
    .group_by(items.c.state)
)
_ENDED_BETWEEN = (
    select(items.c.state, items.c.outcome, func.count())
    .where(text(HAS_ENDED), items.c.ended_at >= bindparam("b_from"), items.c.ended_at < bindparam("b_until"))
    .group_by(items.c.state, items.c.outcome)
)
_WAITING = union_all(
    *(
        select(
            items.c.state.label("state"),
            func.count().label("cases"),
            func.min(items.c.first_pulled_at, type_=items.c.first_pulled_at.type).label("oldest"),
            func.min(items.c.deadline, type_=items.c.deadline.type).label("deadline"),
        )
        .where(text(condition))
        .group_by(items.c.state)
        for condition in (TO_CLAIM, IN_HAND, AT_REST, PARKED)
    )
)
_ORDER = (items.c.priority, items.c.deadline, items.c.id)
_LIST = select(items).order_by(*_ORDER).limit(bindparam("b_limit"))
_AFTER = tuple_(*_ORDER) > select(*_ORDER).where(items.c.id == bindparam("b_after")).scalar_subquery()
_EFFECTS = select(effects).where(effects.c.item_id == bindparam("b_id")).order_by(effects.c.run, effects.c.position)
_EVENTS = (
    select(events, event_details.c.details)
    .outerjoin(event_details)
    .where(events.c.case_ref == bindparam("b_ref"))
    .order_by(events.c.seq.desc())
    .limit(limits.EVENTS_SHOWN_LIMIT)
)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


_CLAIMABLE = items.c.state.in_(sorted(CLAIMABLE))
_IS_DUE = items.c.not_before <= bindparam("b_now")
_LEASED = items.c.state.in_(sorted(LEASED))
_RESCUED = select(exists().where(text(TO_CLAIM), MAY_GO, _IS_DUE, items.c.rescues >= bindparam("b_least")))
_UNFINISHED = select(
    _count(_CLAIMABLE & _IS_DUE & MAY_GO).label("due"),
    _count(_CLAIMABLE & _IS_DUE & ~MAY_GO).label("held"),
    _count(_LEASED).label("leased"),
    _count(_CLAIMABLE & ~_IS_DUE).label("later"),
    _count(items.c.state == State.WAITING_FOR_REGISTER).label("waiting_for_register"),
    _count(items.c.state == State.WAITING_FOR_INCOME).label("waiting_for_income"),
    func.min(case((_LEASED | (_CLAIMABLE & _IS_DUE), None), else_=items.c.not_before), type_=items.c.not_before.type).label("next_at"),
).where(items.c.state.in_(sorted(NOT_ENDED)))


class Looking(Store):
    """Lists and counts. What they return holds no personal data, except the details of `events`."""

    def due_after_rescues(self, least: int, *, quiet: bool = False, deliver: bool = True) -> bool:
        """Say whether a case can be claimed whose worker has died at least so many times; the rest as `claim` has it."""
        with self._db.read() as tx:
            return bool(
                tx.execute(_RESCUED, {"b_now": self._clock.now(), "b_least": least} | limited(quiet=quiet, deliver=deliver)).scalar_one()
            )

    def counts(self) -> dict[State, int]:
        """Return how many versions of cases are in each state, zero where there are none."""
        with self._db.read() as tx:
            found = {State(row[0]): row[1] for row in tx.execute(_COUNTS)}
        return {state: found.get(state, 0) for state in State}

    def oldest(self) -> dict[State, datetime]:
        """Return for each state that is not an end when the oldest case in it was first pulled; empty states are left out."""
        with self._db.read() as tx:
            return {State(row[0]): row[1] for row in tx.execute(_OLDEST)}

    def ended_between(self, start: datetime, end: datetime) -> dict[tuple[State, Outcome | None], int]:
        """Return how many versions of cases ended from `start` until just before `end`, by how they did."""
        with self._db.read() as tx:
            rows = tx.execute(_ENDED_BETWEEN, {"b_from": start, "b_until": end}).all()
        return {(State(row[0]), Outcome(row[1]) if row[1] else None): row[2] for row in rows}

    def waiting(self) -> dict[State, Waiting]:
        """Return how many cases are in each state that is not an end, and in `parked`; states with none are left out.

        Made to be asked every few seconds: it reads what waits alone, however much has ended.
        """
        with self._db.read() as tx:
            return {State(row.state): Waiting(row.cases, row.oldest, row.deadline) for row in tx.execute(_WAITING)}

    def unfinished(self, *, quiet: bool = False, deliver: bool = True) -> Unfinished:
        """Return what is not ended, and when something of it is due next; what may be claimed as `claim` has it."""
        with self._db.read() as tx:
            row = tx.execute(_UNFINISHED, {"b_now": self._clock.now()} | limited(quiet=quiet, deliver=deliver)).one()
        return Unfinished(row.due, row.leased, row.later, row.waiting_for_register, row.waiting_for_income, row.next_at, row.held)

    def items(self, state: State | str | None = None, limit: int = limits.LIST_LIMIT, after: int | None = None) -> list[Item]:
        """Return cases, urgent ones first, then by deadline: the current version of each, or with `state` every version in it.

        At most `limit`; `after` = the id of the last one of the page before.
        """
        query = _LIST.where(text(CURRENT)) if state is None else _LIST.where(items.c.state == State(state))
        query = query if after is None else query.where(_AFTER)
        values = {"b_limit": max(0, min(limit, limits.LIST_LIMIT))} | ({} if after is None else {"b_after": after})
        with self._db.read() as tx:
            rows = tx.execute(query, values).all()
        return [as_item(row) for row in rows]

    def item(self, case: str) -> Item | None:
        """Return the version with that case reference, else the current version of the case with that id, else None."""
        with self._db.read() as tx:
            row = find(tx, case)
        return None if row is None else as_item(row)

    def effects(self, case: str) -> list[EffectStatus]:
        """Return how far the writes of a case have come, of all runs, in order; empty when there is no such case."""
        rows = self._rows_of(case, _EFFECTS)
        return [EffectStatus(row.key, row.kind, row.run, row.position, row.done_at, row.found) for row in rows]

    def events(self, case: str) -> list[StoredEvent]:
        """Return the audit of a case, oldest first (of very many the newest), details decrypted; empty when there is no such case.

        By its reference also of what is no case any more, or never was: one that was forgotten, a list of retention.
        """
        return [self._stored_event(row) for row in reversed(self._rows_of(case, _EVENTS))]

    def _stored_event(self, row: Row[Any]) -> StoredEvent:
        try:
            details = {} if row.details is None else self._open(row.case_ref, DETAILS, row.event_id, row.details)
        except PermanentQueueError as error:
            if error.code != KEY_GONE:
                raise
            details = {}
        return StoredEvent(row.seq, row.case_ref, row.at, row.what, row.actor, row.hash, details)

    def _rows_of(self, case: str, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._db.read_audit() if query is _EVENTS else self._db.read() as tx:
            item = find(tx, case)
            if query is _EVENTS:
                return tx.execute(query, {"b_ref": case if item is None else item.case_ref}).all()
            return [] if item is None else tx.execute(query, {"b_id": item.id}).all()


def as_item(row: Row[Any]) -> Item:
    """Return a row of the table as ops may see it."""
    return Item(
        id=row.id,
        case_ref=row.case_ref,
        case_system=row.case_system,
        case_id=row.case_id,
        version=row.version,
        is_current=row.is_current,
        month=row.month,
        run=row.run,
        state=State(row.state),
        priority=row.priority,
        not_before=row.not_before,
        deadline=row.deadline,
        first_pulled_at=row.first_pulled_at,
        waiting_since=row.waiting_since,
        attempts=row.attempts,
        rescues=row.rescues,
        reason=row.reason,
        leased_by=row.leased_by,
        outcome=Outcome(row.outcome) if row.outcome else None,
        ended_at=row.ended_at,
    )
