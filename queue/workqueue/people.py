"""Who is in a case, found by identity number without any being stored in clear.

Each case has a row of keyed hashes, its own for the same person, filled up with random ones: without the key nobody can tell who is in a
case, how many they are, or that two cases are about the same person. So a search compares every row.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, bindparam, exists, select

from workqueue import limits
from workqueue.base import Store, find, upserts
from workqueue.errors import NoSuchCase
from workqueue.records import AuditEvent
from workqueue.sealing import PAYLOAD, REFERENCE
from workqueue.statements import Prepared
from workqueue.tables import case_people, drafts, effects, items

MARK_BYTES = 16
ROOM = 8
"""A row has room for so many hashes, or a multiple."""
PEOPLE = "people in cases"
"""What the key of the hashes is derived for."""
_SET = {
    kind: Prepared(statement, columns=("item_id", "marks"))
    for kind, statement in upserts(case_people, "item_id", where=bindparam("b_known", type_=Boolean)).items()
}
_ROWS = select(case_people).where(case_people.c.item_id > bindparam("b_after")).order_by(case_people.c.item_id).limit(bindparam("b_limit"))
_REFS = select(items.c.case_ref).where(items.c.id.in_(bindparam("b_ids", expanding=True))).order_by(items.c.id)
_WITHOUT = (
    select(items.c.id, items.c.case_ref)
    .where(
        items.c.id > bindparam("b_after"),
        ~exists().where(case_people.c.item_id == items.c.id),
        exists().where(drafts.c.item_id == items.c.id),
    )
    .order_by(items.c.id)
    .limit(limits.RETENTION_BATCH)
)
_WRITES = (
    select(effects)
    .join(items)
    .where(items.c.case_ref == bindparam("b_ref"))
    .order_by(effects.c.run, effects.c.position)
    .limit(limits.EXPORT_LIMIT * limits.EFFECTS_LIMIT)
)


@dataclass(frozen=True, slots=True)
class FullWrite:
    """A write with what stands in it; `done_at` None = it has not been made."""

    run: int
    kind: str
    done_at: datetime | None
    payload: dict[str, Any] = field(repr=False)
    reference: str | None = field(repr=False)


class People(Store):
    """Finding the cases that a person is in."""

    def cases_of(self, number: str, *, after: int = 0) -> tuple[list[str], int | None]:
        """Look through one batch of cases for a person; return the references of those found, and where to go on, None = all seen."""
        key, wanted = self.derived_key(PEOPLE), number.encode()
        with self._db.read() as tx:
            rows = tx.execute(_ROWS, {"b_after": after, "b_limit": limits.PEOPLE_BATCH}).all()
            ids = [row.item_id for row in rows if _mark(key, row.item_id, wanted) in row.marks]
            refs = list(tx.execute(_REFS, {"b_ids": ids}).scalars()) if ids else []
        return refs, rows[-1].item_id if len(rows) == limits.PEOPLE_BATCH else None

    def without_people(self, *, after: int = 0) -> list[tuple[int, str]]:
        """Return some versions that have a draft and no row of hashes, by number: an older program has finished them."""
        with self._db.read() as tx:
            return [(row.id, row.case_ref) for row in tx.execute(_WITHOUT, {"b_after": after})]

    def set_people(self, case_ref: str, numbers: Sequence[str]) -> None:
        """Store who is in a version; nobody takes no place of somebody. Raises NoSuchCase."""
        with self._db.write() as tx:
            item = find(tx, case_ref, to_change=True)
            if item is None:
                raise NoSuchCase
            store_people(tx, [people_row(self.derived_key(PEOPLE), item.id, numbers)])

    def full_writes(self, case_ref: str) -> list[FullWrite]:
        """Return the writes of a version with what stands in them, decrypted."""
        with self._db.read() as tx:
            rows = tx.execute(_WRITES, {"b_ref": case_ref}).all()
        return [
            FullWrite(
                row.run,
                row.kind,
                row.done_at,
                self._open(case_ref, PAYLOAD, row.key, row.payload),
                None if row.reference is None else self._open(case_ref, REFERENCE, row.key, row.reference),
            )
            for row in rows
        ]

    def note_search(self, event: AuditEvent) -> str:
        """Put a search for a person in the audit, found or not, under a reference of its own; return that."""
        ref = "s" + secrets.token_hex(5)
        with self._db.write() as tx:
            self._remember(tx, ref, [event])
        return ref


def people_row(key: bytes, item_id: int, numbers: Sequence[str]) -> dict[str, Any]:
    """Return the row that says who is in a case, to be stored by `store_people`."""
    limits.within(limits.PEOPLE_LIMIT, numbers, "people in a case")
    marks = [_mark(key, item_id, number.encode()) for number in set(numbers)]
    free = -len(marks) % ROOM if marks else ROOM
    random = os.urandom(free * MARK_BYTES)
    marks += [random[start : start + MARK_BYTES] for start in range(0, len(random), MARK_BYTES)]
    marks.sort()
    return {"item_id": item_id, "marks": b"".join(marks), "b_known": bool(numbers)}


def store_people(tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store who is in cases. Of one where nobody is known now, who was known before stays."""
    if len(rows) == 1:
        _SET[tx.dialect.name].change(tx, rows[0])
    elif rows:
        _SET[tx.dialect.name].change_many(tx, rows)


def _mark(key: bytes, item_id: int, number: bytes) -> bytes:
    return hashlib.blake2b(b"%d\n%b" % (item_id, number), digest_size=MARK_BYTES, key=key).digest()
