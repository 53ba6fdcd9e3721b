"""What every part of the queue stands on: the database, the keys, the clock, and who holds a case."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Row, Table, bindparam, case, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from workqueue import chain, limits
from workqueue.database import Database
from workqueue.errors import NotAllowed, StaleLease
from workqueue.keyring import Keyring
from workqueue.records import AuditEvent, Claimed, QueueClock
from workqueue.sealing import DETAILS, Column
from workqueue.statements import Prepared
from workqueue.states import EDGES, LEASED, State
from workqueue.tables import event_details, events, items

UNLEASED: dict[str, Any] = {"leased_by": None, "lease_until": None}
OURS = (items.c.id == bindparam("b_id")) & (items.c.lease == bindparam("b_lease"))

_BY_REF = select(items).where(items.c.case_ref == bindparam("b_case"))
_BY_ID = select(items).where(items.c.case_id == bindparam("b_case"), items.c.is_current).order_by(items.c.id.desc()).limit(1)
_HOLDER = select(items.c.state, items.c.lease).where(items.c.id == bindparam("b_id"))
_ADD_EVENT = Prepared(insert(events))
_ADD_DETAILS = Prepared(insert(event_details))


def left_by(maker: str) -> ColumnElement[bool]:
    """Return the condition that the case is in a state which `maker` may leave."""
    return items.c.state.in_(sorted({edge.source for edge in EDGES if edge.maker == maker and edge.source}))


def reached_by(maker: str) -> ColumnElement[str]:
    """Return the state that `maker` leads to from the present one; for makers with one way out of each state."""
    ways = {edge.source: edge.target for edge in EDGES if edge.maker == maker}
    return case(*((items.c.state == source, str(target)) for source, target in sorted(ways.items(), key=str)), else_=items.c.state)


def upserts(table: Table, *keys: str, where: ColumnElement[bool] | None = None) -> dict[str, Insert]:
    """Return, by kind of database, the statement that adds a row or replaces what stands under its keys, if so `where` that is so."""
    made: dict[str, Insert] = {}
    for kind in (sqlite, postgresql):
        statement = kind.insert(table)
        rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
        made[kind.dialect.name] = statement.on_conflict_do_update(index_elements=list(keys), set_=rest, where=where)
    return made


class Store:
    """The ground that the parts of `WorkQueue` share."""

    def __init__(self, database: Database, keyring: Keyring, clock: QueueClock) -> None:
        self._db = database
        self._keyring = keyring
        self._case_keys = chain.CaseKeys(keyring.audit_root)
        self._clock = clock

    def derived_key(self, purpose: str) -> bytes:
        """Return 32 secret bytes for one purpose of the caller's: the same as long as the database lives, whatever the master key."""
        return self._keyring.derived(purpose)

    def close(self) -> None:
        """Close all connections to the database. What is claimed stays claimed until its lease runs out."""
        self._db.close()

    def group(self) -> AbstractContextManager[None]:
        """Let all that this thread calls in the block be ONE transaction, on disk when the block has ended and not before.

        A call that raises is undone alone, and what follows goes on. When the block raises, or the transaction cannot be committed, nothing
        of it is stored: so nothing is told to anybody before the block has ended. A group within a group is a part of the outer one.
        """
        return self._db.group()

    def _lease_time(self) -> float | None:
        """Return `b_time` of `LEASE_TIME`."""
        return self._db.lease_time(self._clock)

    def _seal(self, case_ref: str, column: Column, row: str, value: Any, *, tx: Connection | None = None) -> bytes:
        """Return a value of a case, sealed. Within a transaction give it: a key that is not in memory is read from the database."""
        return self._keyring.to_seal(case_ref, tx).seal(column, row, value)

    def _open(self, case_ref: str, column: Column, row: str, sealed: bytes, *, tx: Connection | None = None) -> Any:
        """Return a sealed value of a case. Raises PermanentQueueError when it was changed or moved, or the case's key is gone."""
        return self._keyring.to_open(case_ref, sealed, tx).open(column, row, sealed)

    def _remember(self, tx: Connection, case_ref: str, happened: Sequence[AuditEvent]) -> None:
        """Add lines about one case to the audit; the last thing that a transaction does."""
        limits.within(limits.EVENTS_LIMIT, happened, "events")
        self._remember_all(tx, [(case_ref, one) for one in happened])

    def _remember_all(self, tx: Connection, happened: Sequence[tuple[str, AuditEvent]]) -> None:
        """Add lines to the audit, each chained to the one before; the last thing that a transaction does, within a group of all its calls.

        What takes time, sealing, is done before the chain is held.
        """
        if happened:
            self._db.add_last(tx, [self._to_chain(tx, case_ref, one) for case_ref, one in happened], self._add_to_chain)

    def _add_to_chain(self, tx: Connection, written: Sequence[tuple[dict[str, Any], bytes]]) -> None:
        seq, previous = self._db.chain_end(tx) or (0, chain.FIRST)
        rows, details = [], []
        for row, sealed in written:
            seq += 1
            row["seq"] = seq
            line = chain.row_text(previous, row)
            bound = chain.details_hash(self._case_keys.of(row["case_ref"]), line, sealed)
            previous = chain.link(line, bound)
            rows.append(row | {"details_hash": bound, "hash": previous})
            details.append({"seq": seq, "details": sealed})
        _ADD_EVENT.change_many(tx, rows)
        _ADD_DETAILS.change_many(tx, details)

    def _to_chain(self, tx: Connection, case_ref: str, happened: AuditEvent) -> tuple[dict[str, Any], bytes]:
        """Return a line without its place in the chain, and its details."""
        event_id = secrets.token_hex(16)
        row = {
            "event_id": event_id,
            "case_ref": case_ref,
            "at": self._clock.now(),
            "what": limits.code(happened.what),
            "actor": limits.actor(happened.actor),
        }
        return row, self._seal(case_ref, DETAILS, event_id, dict(happened.details), tx=tx)


def telling(happened: Sequence[AuditEvent], **more: Any) -> list[AuditEvent]:
    """Return the same lines, their details with more in them."""
    return [replace(one, details={**one.details, **more}) for one in happened]


def find(tx: Connection, wanted: str, *, to_change: bool = False) -> Row[Any] | None:
    """Return the item with that case reference, else the current item of the case with that id, else None.

    `to_change` = nobody else changes it before this transaction ends.
    """
    by_ref, by_id = (query.with_for_update(key_share=True) if to_change else query for query in (_BY_REF, _BY_ID))
    return tx.execute(by_ref, {"b_case": wanted}).one_or_none() or tx.execute(by_id, {"b_case": wanted}).one_or_none()


def ours(claimed: Claimed) -> dict[str, Any]:
    """Return the parameters of `OURS`."""
    return {"b_id": claimed.id, "b_lease": claimed.lease}


def refuse(tx: Connection, claimed: Claimed, what: str) -> None:
    """Raise why a change was not made: StaleLease when the case is not this worker's, else NotAllowed."""
    row = tx.execute(_HOLDER, {"b_id": claimed.id}).one_or_none()
    if row is None or row.lease != claimed.lease or State(row.state) not in LEASED:
        raise StaleLease(claimed.case_ref)
    raise not_allowed(claimed.case_ref, row.state, what)


def not_allowed(case_ref: str, state: str, what: str, code: str = "QUE-012") -> NotAllowed:
    """Return the error for something that the state of a case does not allow."""
    return NotAllowed(code, detail=f"{case_ref}, {what}, state {state}")


def not_past(deadline: datetime, wanted: datetime, now: datetime) -> datetime:
    """Return when a case may be looked at again: as wanted, but never after a deadline that is still to come."""
    return min(wanted, deadline) if deadline > now else wanted
