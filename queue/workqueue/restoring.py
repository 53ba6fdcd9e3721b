"""What a queue must know of having been restored from a copy: what was done since the copy stands in the case system, and not here.

Nothing of it is to be done twice: leases of then are void, all is listed anew, what the robot itself had begun is looked for, and runs
get numbers that no run had which has been forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from workqueue import chain, limits
from workqueue.base import UNLEASED, Store, left_by, reached_by
from workqueue.hashing import HASHED
from workqueue.records import AuditEvent, Claimed, Head
from workqueue.states import LEASED
from workqueue.tables import drafts, duties, events, items, pulls, seen

FORGOTTEN_LEASES = 1_000_000
"""So many claims the case may have seen since the copy: a worker that has one of them is refused."""
LOOK_BACK = timedelta(hours=1)
"""The case system's clock may go behind ours by so much."""
_BEGUN = "restored"
"""Stands in the place of a case system: since when what the robot has begun is to be looked for."""
_RUNS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)

_RESTORED_AT = select(func.max(events.c.at, type_=events.c.at.type)).where(
    events.c.case_ref == chain.NO_CASE, events.c.what == chain.RESTORED
)
_RELEASE = (
    update(items)
    .where(items.c.state.in_(sorted(LEASED)), left_by("release_expired"))
    .values(state=reached_by("release_expired"), not_before=bindparam("b_now"), **UNLEASED)
)
_OVERTAKE = update(items).values(lease=items.c.lease + FORGOTTEN_LEASES)
_LOOK_AGAIN = delete(seen).where(~seen.c.case_id.startswith(HASHED, autoescape=True))
"""At all but what was forgotten before the copy: of that nothing is known but the hash."""
_BEGUN_SINCE = select(pulls.c.last_at).where(pulls.c.case_system == _BEGUN)
_BEGUN_LISTED = delete(pulls).where(pulls.c.case_system == _BEGUN)
_KNOWN = select(items.c.case_id).where(
    items.c.case_system == bindparam("b_system"), items.c.case_id.in_(bindparam("b_cases", expanding=True))
)
_HAS_DRAFT = select(
    exists().where(drafts.c.item_id == items.c.id, items.c.case_system == bindparam("b_system"), items.c.case_id == bindparam("b_case"))
)
_OLDER_DRAFT = select(
    exists().where(drafts.c.item_id == bindparam("b_id"), drafts.c.run == bindparam("b_run"), drafts.c.made_at <= bindparam("b_at"))
)


class Restoring(Store):
    """The life after a restore."""

    def mark_restored(self, actor: str, copied_at: datetime, details: Mapping[str, Any]) -> Head:
        """Make a queue that has just been restored ready to go on, in ONE transaction; return the audit's last line.

        The line that says so comes right after the copy's last one. `copied_at` = when the copy was made.
        """
        with self._db.write() as tx:
            tx.execute(_RELEASE, {"b_now": self._clock.now()})
            tx.execute(_OVERTAKE)
            tx.execute(_LOOK_AGAIN)
            for table in (pulls, duties):
                tx.execute(delete(table))
            tx.execute(insert(pulls), {"case_system": _BEGUN, "last_at": copied_at - LOOK_BACK})
            self._remember(tx, chain.NO_CASE, [AuditEvent(chain.RESTORED, actor, details)])
            row = tx.execute(select(events.c.seq, events.c.hash, events.c.at).order_by(events.c.seq.desc()).limit(1)).one()
        return Head(row.seq, row.hash, row.at)

    def begun_since(self) -> datetime | None:
        """Return since when cases that the robot itself has begun are to be looked for; None = it knows them all."""
        with self._db.read() as tx:
            return tx.execute(_BEGUN_SINCE).scalar_one_or_none()

    def begun_listed(self) -> None:
        """Remember that they have been looked for."""
        with self._db.write() as tx:
            tx.execute(_BEGUN_LISTED)

    def known_cases(self, case_system: str, case_ids: Sequence[str]) -> set[str]:
        """Return which of these cases the database knows, in any version."""
        limits.within(limits.ADD_LIMIT, case_ids, "cases at once")
        with self._db.read() as tx:
            return set(tx.execute(_KNOWN, {"b_system": case_system, "b_cases": list(case_ids)}).scalars())

    def has_draft(self, case_system: str, case_id: str) -> bool:
        """Say whether anything was ever drafted for a case, in any version, as far as the database knows."""
        with self._db.read() as tx:
            return bool(tx.execute(_HAS_DRAFT, {"b_system": case_system, "b_case": case_id}).scalar_one())

    def is_from_before_restore(self, claimed: Claimed) -> bool:
        """Say whether the database was restored after this run's draft was made: its writes may stand without receipts, one or all."""
        with self._db.read() as tx:
            at = tx.execute(_RESTORED_AT).scalar_one_or_none()
            return at is not None and bool(tx.execute(_OLDER_DRAFT, {"b_id": claimed.id, "b_run": claimed.run, "b_at": at}).scalar_one())

    def note_copied(self, actor: str, details: Mapping[str, Any]) -> None:
        """Put in the audit that the database was copied."""
        with self._db.write() as tx:
            self._remember(tx, chain.NO_CASE, [AuditEvent(chain.COPIED, actor, details)])


def next_run(tx: Connection, run: int) -> int:
    """Return the number of the run after this one.

    After a restore nobody knows how many runs there were since the copy, and a run that is numbered as one of them would take its writes
    for its own: so numbers go on from one that grows with time.
    """
    at = tx.execute(_RESTORED_AT).scalar_one_or_none()
    return run + 1 if at is None else max(run + 1, int((at - _RUNS_SINCE).total_seconds()))
