"""Exchanging the master key: what the old one has wrapped is wrapped anew, in small batches, while robots go on working.

First, in one transaction, the lasting secrets are wrapped by the new key and the database goes by it: whatever is wrapped from then on is
wrapped by the new one. Then the cases' keys, a batch at a time. Killed at any point it is begun again, and goes on where it stopped.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, bindparam, func, select, update

from workqueue import limits
from workqueue.base import Store
from workqueue.chain import NO_CASE
from workqueue.errors import KeyRefused, PermanentQueueError
from workqueue.keyring import THE_STORE
from workqueue.keys import MasterKey
from workqueue.records import AuditEvent, KeyUse, Rotated
from workqueue.sealing import CASE_KEY, SECRET
from workqueue.tables import case_keys, events, secrets, store
from workqueue.upgrading import key_check

BEGUN, DONE = "keys.rotation_begun", "keys.rotation_done"
PAUSE_S = 0.005
"""Between batches the database is left to the robots for so long."""

_GOES_BY = select(store.c.key_id).where(store.c.id == THE_STORE)
_HOLD = _GOES_BY.with_for_update()
_GO_BY = update(store).where(store.c.id == THE_STORE).values(key_id=bindparam("b_key"), key_check=bindparam("b_check"))
_SECRETS = select(secrets.c.name, secrets.c.wrapped).where(secrets.c.key_id != bindparam("b_key")).order_by(secrets.c.name)
_WRAP_SECRET = (
    update(secrets).where(secrets.c.name == bindparam("b_name")).values(key_id=bindparam("b_key"), wrapped=bindparam("b_wrapped"))
)
_BATCH = (
    select(case_keys.c.case_ref, case_keys.c.wrapped)
    .where(case_keys.c.key_id != bindparam("b_key"), case_keys.c.case_ref > bindparam("b_after"))
    .order_by(case_keys.c.case_ref)
    .limit(bindparam("b_limit"))
    .with_for_update()
)
_WRAP = (
    update(case_keys).where(case_keys.c.case_ref == bindparam("b_ref")).values(key_id=bindparam("b_key"), wrapped=bindparam("b_wrapped"))
)
_USES = {
    "secrets": select(secrets.c.key_id, func.count()).group_by(secrets.c.key_id),
    "cases": select(case_keys.c.key_id, func.count()).group_by(case_keys.c.key_id),
}
_LAST = select(events.c.what).where(events.c.case_ref == NO_CASE, events.c.what.in_((BEGUN, DONE))).order_by(events.c.seq.desc()).limit(1)


class Rotating(Store):
    """Jobs of ops on the master key."""

    def key_use(self) -> list[KeyUse]:
        """Return what each master key has wrapped: those of the key file in its order, then those that are missing there."""
        with self._db.read() as tx:
            goes_by = tx.execute(_GOES_BY).scalar_one()
            counts = {what: {row[0]: int(row[1]) for row in tx.execute(query)} for what, query in _USES.items()}
        named = dict.fromkeys([*self._keyring.masters.ids, goes_by, *sorted(counts["secrets"]), *sorted(counts["cases"])])
        return [
            KeyUse(
                key_id=one,
                in_file=one in self._keyring.masters.ids,
                in_use=one == goes_by,
                secrets=counts["secrets"].get(one, 0),
                cases=counts["cases"].get(one, 0),
            )
            for one in named
        ]

    def rotate_keys(self, user: str) -> Rotated:
        """Wrap everything by the first key of the key file; return how much was wrapped anew, and what could not be.

        Safe while robots work, as long as each of them has the new key in its file. Raises KeyRefused when something is wrapped by a key
        that is not in the file.
        """
        master = self._keyring.masters.first
        self._begin(master, user)
        wrapped, after, damaged = 0, "", list[str]()
        while batch := self._wrap_batch(master, after):
            last, done, bad = batch
            wrapped, after = wrapped + done, last
            damaged += bad[: limits.PROBLEMS_LIMIT - len(damaged)]
            time.sleep(PAUSE_S)
        if not damaged:
            self._end(master, user, wrapped)
        return Rotated(master.key_id, wrapped, tuple(damaged))

    def note_of_store(self, event: AuditEvent) -> None:
        """Put something that was done to the store as a whole, and to no case, in the audit."""
        with self._db.write() as tx:
            self._remember(tx, NO_CASE, [event])

    def _begin(self, master: MasterKey, user: str) -> None:
        """Let the database go by the new key from now on. Who stores a case's key just now is waited for."""
        with self._db.write() as tx:
            before = tx.execute(_HOLD).scalar_one()
            if before == master.key_id:
                return
            rows = [
                {"b_name": row.name, "b_key": master.key_id, "b_wrapped": self._anew(master, SECRET.place(row.name), row.wrapped)}
                for row in tx.execute(_SECRETS, {"b_key": master.key_id}).all()
            ]
            for row in rows:
                tx.execute(_WRAP_SECRET, row)
            tx.execute(_GO_BY, {"b_key": master.key_id, "b_check": key_check(master)})
            self._remember(tx, NO_CASE, [AuditEvent(BEGUN, "ops", {"from": before, "to": master.key_id, "user": user})])

    def _wrap_batch(self, master: MasterKey, after: str) -> tuple[str, int, list[str]] | None:
        """Wrap some cases' keys anew; return the last case, how many it were, and the cases whose key is damaged. None = no more."""
        with self._db.write() as tx:
            found = tx.execute(_BATCH, {"b_key": master.key_id, "b_after": after, "b_limit": limits.ROTATE_BATCH}).all()
            if not found:
                return None
            rows, damaged = [], []
            for row in found:
                try:
                    rows.append(
                        {
                            "b_ref": row.case_ref,
                            "b_key": master.key_id,
                            "b_wrapped": self._anew(master, CASE_KEY.place(row.case_ref), row.wrapped),
                        }
                    )
                except KeyRefused:
                    raise
                except PermanentQueueError:
                    damaged.append(row.case_ref)
            _wrap_all(tx, rows)
        return found[-1].case_ref, len(rows), damaged

    def _end(self, master: MasterKey, user: str, wrapped: int) -> None:
        with self._db.write() as tx:
            if tx.execute(_LAST).scalar_one_or_none() == BEGUN:
                self._remember(tx, NO_CASE, [AuditEvent(DONE, "ops", {"to": master.key_id, "cases": wrapped, "user": user})])

    def _anew(self, master: MasterKey, place: bytes, wrapped: bytes) -> bytes:
        return master.wrap(place, self._keyring.masters.unwrap(place, wrapped))


def _wrap_all(tx: Connection, rows: list[dict[str, object]]) -> None:
    if rows:
        tx.execute(_WRAP, rows)
