"""Checking the audit, telling its head, and giving out what it says about one case."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, or_, select

from workqueue import chain, limits
from workqueue.base import Store, find
from workqueue.errors import NoSuchCase
from workqueue.records import AuditEvent, Head, KeptHead, StoredDraft, Verified
from workqueue.sealing import DRAFT
from workqueue.tables import drafts, event_details, events, items

_LAST = select(events.c.seq, events.c.hash, events.c.at).order_by(events.c.seq.desc()).limit(1)
_LINES = (
    select(events, event_details.c.details)
    .outerjoin(event_details)
    .where(events.c.seq > bindparam("b_after"))
    .order_by(events.c.seq)
    .limit(limits.CHAIN_BATCH)
)
_FORGOTTEN = (
    select(events.c.case_ref)
    .join(event_details)
    .where(events.c.what == chain.FORGOTTEN, events.c.case_ref.in_(bindparam("b_refs", expanding=True)))
)
"""The line that says so must have its own details: without them nobody knows that it was made with the key."""
_LOOSE = (
    select(event_details.c.seq)
    .where(~exists().where(events.c.seq == event_details.c.seq))
    .order_by(event_details.c.seq)
    .limit(limits.PROBLEMS_LIMIT)
)
_VERSIONS = (
    select(items.c.case_ref)
    .where(or_(items.c.case_ref == bindparam("b_case"), items.c.case_id == bindparam("b_case")))
    .order_by(items.c.id)
    .limit(limits.EXPORT_LIMIT)
)
_DRAFTS = (
    select(drafts.c.run, drafts.c.made_at, drafts.c.content)
    .join(items)
    .where(items.c.case_ref == bindparam("b_ref"))
    .order_by(drafts.c.run)
    .limit(limits.EXPORT_LIMIT)
)


class Auditing(Store):
    """The audit as a whole."""

    def audit_head(self) -> Head | None:
        """Return the audit's last line, None when there is none yet."""
        with self._db.read_audit() as tx:
            row = tx.execute(_LAST).one_or_none()
        return None if row is None else Head(row.seq, row.hash, row.at)

    def verify_audit(self, kept: Iterable[KeptHead] = ()) -> Verified:
        """Walk along the whole audit, in batches, and return what is wrong with it; nothing is locked meanwhile.

        `kept` = heads that were exported before: by them alone a cut end is found, and a chain made anew by somebody who has the key.
        """
        walk = _Walk(kept)
        while batch := self._lines_after(walk.seq):
            for row in batch:
                walk.next(row, self._case_keys.of(row.case_ref))
            missing = sorted({row.case_ref for row in batch if row.details is None})
            if missing:
                self._explain_missing(walk, batch, missing)
        with self._db.read() as tx:
            for seq in tx.execute(_LOOSE).scalars():
                walk.problem(f"details of event {seq} are there, and the event is not")
        return walk.ended()

    def drafts(self, case_ref: str) -> list[StoredDraft]:
        """Return what was computed in each run of one version, oldest first, decrypted."""
        with self._db.read() as tx:
            rows = tx.execute(_DRAFTS, {"b_ref": case_ref}).all()
        return [
            StoredDraft(case_ref, one.run, one.made_at, self._open(case_ref, DRAFT, f"{case_ref}/{one.run}", one.content)) for one in rows
        ]

    def versions(self, case: str) -> list[str]:
        """Return the references of all versions of the case with that id, oldest first, or of the one with that reference."""
        with self._db.read() as tx:
            return list(tx.execute(_VERSIONS, {"b_case": case}).scalars())

    def note(self, case: str, event: AuditEvent) -> None:
        """Put something that a person did with a case in the audit, such as having it shown. Raises NoSuchCase."""
        with self._db.write() as tx:
            item = find(tx, case)
            if item is None:
                raise NoSuchCase
            self._remember(tx, item.case_ref, [event])

    def _lines_after(self, seq: int) -> Sequence[Row[Any]]:
        with self._db.read_audit() as tx:
            return tx.execute(_LINES, {"b_after": seq}).all()

    def _explain_missing(self, walk: _Walk, batch: Sequence[Row[Any]], refs: list[str]) -> None:
        """Details may be missing of a case that was forgotten, and of no other."""
        with self._db.read() as tx:
            forgotten = set(tx.execute(_FORGOTTEN, {"b_refs": refs}).scalars())
        for row in batch:
            if row.details is None:
                walk.without_details += 1
                if row.case_ref not in forgotten:
                    walk.problem(f"{_name(row)}: its details have been removed, and the case was not forgotten")


class _Walk:
    """How far a check has come, and what it found."""

    def __init__(self, kept: Iterable[KeptHead]) -> None:
        self.seq = 0
        self.without_details = 0
        self._head: Head | None = None
        self._previous = chain.FIRST
        self._events = 0
        self._problems: list[str] = []
        self._restored: list[tuple[int, datetime]] = []
        self._lost: dict[int, list[int]] = {}
        self._kept: Iterator[KeptHead] = iter(sorted(kept, key=lambda one: (one.seq, one.line)))
        self._expected = next(self._kept, None)

    def problem(self, sentence: str) -> None:
        """Note something, up to a limit."""
        if len(self._problems) < limits.PROBLEMS_LIMIT:
            self._problems.append(sentence)

    def next(self, row: Row[Any], case_key: bytes) -> None:
        """Look at one line. After a wrong one the walk goes on from what stands there, so that each wrong one is named by itself."""
        if row.seq != self.seq + 1:
            self.problem(f"{_gap(self.seq + 1, row.seq - 1)}: removed; the next is {_name(row)}")
        line = chain.row_text(self._previous, row._asdict())
        genuine = row.details is None or hmac.compare_digest(chain.details_hash(case_key, line, row.details), row.details_hash)
        if chain.link(line, row.details_hash) != row.hash:
            self.problem(f"{_name(row)}: changed, exchanged or put in: its hash is not that of what stands there after the line before")
        elif not genuine:
            self.problem(f"{_name(row)}: its details, or the line with its hash, were made without the key")
        elif row.what == chain.RESTORED and row.details is not None:
            self._restored.append((row.seq, row.at))
        self._compare(row)
        self.seq, self._previous = row.seq, row.hash
        self._events += 1
        self._head = Head(row.seq, row.hash, row.at)

    def ended(self) -> Verified:
        """Return what was found."""
        while self._expected is not None:
            if self._was_lost(self._expected):
                self._expected = next(self._kept, None)
                continue
            end = f"the audit ends at event {self.seq}" if self.seq else "the audit is empty"
            self.problem(f"event {self._expected.seq} was exported (line {self._expected.line} of the kept heads) and is cut off: {end}")
            self._expected = next(self._kept, None)
        return Verified(self._events, self.without_details, self._head, tuple(self._problems), tuple(self._notes()))

    def _compare(self, row: Row[Any]) -> None:
        """Compare with the heads that were kept of this line, or of one that is not there."""
        while (kept := self._expected) is not None and kept.seq <= row.seq:
            if kept.seq < row.seq:
                self.problem(f"event {kept.seq} was exported (line {kept.line} of the kept heads) and is not there")
            elif not hmac.compare_digest(kept.hash, row.hash) and not self._was_lost(kept):
                self.problem(f"{_name(row)}: not the one that was exported (line {kept.line} of the kept heads)")
            self._expected = next(self._kept, None)

    def _was_lost(self, kept: KeptHead) -> bool:
        """Whether a line that was exported, and is another now, was lost when the database was restored from a copy made before it.

        Only a line made with the key that says so counts, and only for what was written after that copy and before that restore.
        """
        for seq, at in self._restored:
            if seq <= kept.seq and kept.at is not None and kept.at <= at:
                self._lost.setdefault(seq, []).append(kept.seq)
                return True
        return False

    def _notes(self) -> Iterator[str]:
        for seq, at in self._restored:
            lost = (
                f"; {len(self._lost[seq])} kept heads are of lines lost by it, to event {max(self._lost[seq])}" if seq in self._lost else ""
            )
            yield f"event {seq}: the database was restored on {at:%Y-%m-%d %H:%M:%S} UTC from a copy that ended with event {seq - 1}{lost}"


def _name(row: Row[Any]) -> str:
    return f"event {row.seq} ({row.what}, case {row.case_ref})"


def _gap(first: int, last: int) -> str:
    return f"event {first}" if first == last else f"events {first} to {last}"
