"""Forgetting: what is stored of a case is deleted, its key too, by an approved list; the audit's lines stay and the chain verifies.

Each batch is ONE transaction: whatever is killed in between, a case is there in full or gone in full, and the next call goes on.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, delete, distinct, func, insert, select, tuple_, update

from workqueue import chain, limits
from workqueue.base import upserts
from workqueue.hashing import HASHED, Hashing
from workqueue.records import UNREAD, AuditEvent
from workqueue.retention_lists import refused
from workqueue.retention_records import Carried, Forgotten, ListOutcome, ListState
from workqueue.states import ENDED, State
from workqueue.tables import (
    case_keys,
    case_people,
    drafts,
    effects,
    event_details,
    events,
    forgotten,
    items,
    retention_cases,
    retention_lists,
    seen,
)

ACTOR = "robot"
_MARK_BYTES = 32

_REFS: BindParameter[Any] = bindparam("b_refs", expanding=True)
_IDS: BindParameter[Any] = bindparam("b_ids", expanding=True)
_LIST = select(retention_lists).where(retention_lists.c.ref == bindparam("b_list")).with_for_update()
_OF_LIST = retention_cases.c.list_ref == bindparam("b_list")
_NOT_DONE = retention_cases.c.outcome.is_(None)
_NEXT = (
    select(retention_cases.c.of_case).distinct().where(_OF_LIST, _NOT_DONE).order_by(retention_cases.c.of_case).limit(bindparam("b_limit"))
)
_LEFT = select(func.count(distinct(retention_cases.c.of_case))).where(_OF_LIST, _NOT_DONE)
_ROWS = select(retention_cases).where(_OF_LIST, _NOT_DONE, retention_cases.c.of_case.in_(_REFS)).order_by(retention_cases.c.case_ref)
_HOLD = select(items).where(items.c.case_ref.in_(_REFS)).order_by(items.c.id).with_for_update()
_VERSIONS = select(items.c.case_ref, items.c.case_system, items.c.case_id).where(
    tuple_(items.c.case_system, items.c.case_id).in_(bindparam("b_cases", expanding=True))
)
_LAST = select(events.c.case_ref, func.max(events.c.seq)).where(events.c.case_ref.in_(_REFS)).group_by(events.c.case_ref)
_SEEN = (
    select(seen)
    .where(tuple_(seen.c.case_system, seen.c.case_id).in_(bindparam("b_cases", expanding=True)))
    .order_by(seen.c.case_system, seen.c.case_id)
    .with_for_update()
)
_COUNTED = {
    "drafts": select(drafts.c.item_id, func.count()).where(drafts.c.item_id.in_(_IDS)).group_by(drafts.c.item_id),
    "writes": select(effects.c.item_id, func.count()).where(effects.c.item_id.in_(_IDS)).group_by(effects.c.item_id),
}
_NOT_THE_LAST_WORD = select(events.c.seq).where(events.c.case_ref.in_(_REFS), events.c.what != chain.FORGOTTEN)
_DELETIONS = (
    (delete(event_details).where(event_details.c.seq.in_(_NOT_THE_LAST_WORD)), "b_refs"),
    (delete(effects).where(effects.c.item_id.in_(_IDS)), "b_ids"),
    (delete(drafts).where(drafts.c.item_id.in_(_IDS)), "b_ids"),
    (delete(case_people).where(case_people.c.item_id.in_(_IDS)), "b_ids"),
    (delete(seen).where(tuple_(seen.c.case_system, seen.c.case_id).in_(bindparam("b_cases", expanding=True))), "b_cases"),
    (delete(items).where(items.c.id.in_(_IDS)), "b_ids"),
)
_DROP_KEYS = delete(case_keys).where(case_keys.c.case_ref.in_(_REFS))
_ADD_FORGOTTEN = insert(forgotten)
_MARK_SEEN = upserts(seen, "case_system", "case_id")
_DONE = (
    update(retention_cases)
    .where(_OF_LIST, _NOT_DONE, retention_cases.c.of_case == bindparam("b_of_case"))
    .values(outcome=bindparam("b_outcome"), done_at=bindparam("b_now"))
)
_END = (
    update(retention_lists)
    .where(retention_lists.c.ref == bindparam("b_list"))
    .values(state=ListState.CARRIED_OUT, ended_at=bindparam("b_now"))
)
_WHAT_IS_LEFT = select(forgotten).where(forgotten.c.case_ref == bindparam("b_ref"))


@dataclass(frozen=True, slots=True)
class _Due:
    """A case of a list, as it stands now."""

    ref: str
    listed: Sequence[Row[Any]]
    held: Sequence[Row[Any]]

    @property
    def refs(self) -> list[str]:
        return [row.case_ref for row in self.held]


class Forgetting(Hashing):
    """Carrying lists out."""

    def forget_some(self, list_ref: str, limit: int) -> Carried:
        """Delete at most `limit` cases of an approved list, in ONE transaction; return what was done and what is left.

        A case is left out, and the list says why, when anything happened to it after the list was made. Of what is forgotten the audit's
        lines stay, without their details. Raises NotAllowed when the list was not approved, has been withdrawn, or is no list.
        """
        if not 0 < limit <= limits.FORGET_LIMIT:
            raise ValueError(f"forget 1 to {limits.FORGET_LIMIT} cases at once")
        with self._db.write() as tx:
            self._db.hold_pulling(tx)
            row = tx.execute(_LIST, {"b_list": list_ref}).one_or_none()
            if row is None or row.state not in (ListState.APPROVED, ListState.CARRIED_OUT):
                raise refused(tx, list_ref, "carry out")
            if row.state == ListState.CARRIED_OUT:
                return Carried(0, 0, 0)
            return self._forget(tx, row, limit)

    def forgotten(self, case_ref: str) -> Forgotten | None:
        """Return what is left of a version that was forgotten; None = it was not."""
        with self._db.read() as tx:
            row = tx.execute(_WHAT_IS_LEFT, {"b_ref": case_ref}).one_or_none()
        return None if row is None else Forgotten(row.case_ref, row.list_ref, row.at)

    def erase_traces(self) -> bool:
        """Empty what the database keeps of deleted rows beside its tables, as far as it can; return whether nothing is left there.

        False = somebody reads just now: call it again. A server does this by itself, later (docs/retention.md).
        """
        return self._db.erase_traces()

    def _forget(self, tx: Connection, row: Row[Any], limit: int) -> Carried:
        now, at_list = self._clock.now(), {"b_list": row.ref}
        due = self._due(tx, row.ref, limit)
        marks = tx.execute(_SEEN, {"b_cases": _names(one for case in due for one in case.held)}).all() if due else []
        # From here on nobody adds a line to the audit: what is seen now stays so.
        self._db.chain_end(tx)
        last = _pairs(tx.execute(_LAST, {"b_refs": [one.case_ref for case in due for one in case.listed]})) if due else {}
        found = self._versions_of(tx, due)
        outcomes = {case.ref: _outcome(case, found.get(case.ref, set()), last) for case in due}
        going = [case for case in due if outcomes[case.ref] is ListOutcome.FORGOTTEN]
        left = tx.execute(_LEFT, at_list).scalar_one() - len(due)
        happened = self._told(tx, row, going)
        refs = [ref for case in going for ref in case.refs]
        if refs:
            # The key goes first, so that the line that says so is sealed with the store's own and can be read for ever.
            tx.execute(_DROP_KEYS, {"b_refs": refs})
            self._keyring.forget(refs)
        if left == 0:
            happened.append((row.ref, AuditEvent("retention.carried_out", ACTOR)))
        self._remember_all(tx, happened)
        if refs:
            self._delete(tx, row.ref, [one for case in going for one in case.held], marks)
        if due:
            tx.execute(_DONE, [at_list | {"b_of_case": ref, "b_outcome": outcome, "b_now": now} for ref, outcome in outcomes.items()])
        if left == 0:
            tx.execute(_END, at_list | {"b_now": now})
        return Carried(len(going), len(due) - len(going), left)

    def _due(self, tx: Connection, list_ref: str, limit: int) -> list[_Due]:
        """Return the next cases of a list, held until the transaction ends, so that no pull and no worker changes them."""
        refs = list(tx.execute(_NEXT, {"b_list": list_ref, "b_limit": limit}).scalars())
        if not refs:
            return []
        rows = tx.execute(_ROWS, {"b_list": list_ref, "b_refs": refs}).all()
        held = {one.case_ref: one for one in tx.execute(_HOLD, {"b_refs": [row.case_ref for row in rows]})}
        cases = []
        for ref in refs:
            listed = [row for row in rows if row.of_case == ref]
            cases.append(_Due(ref, listed, [held[row.case_ref] for row in listed if row.case_ref in held]))
        return cases

    def _versions_of(self, tx: Connection, due: Sequence[_Due]) -> dict[str, set[str]]:
        """Return for each case the versions that there are now: asked when they are held, so that a newer one is seen."""
        names = {(case.held[0].case_system, case.held[0].case_id): case.ref for case in due if case.held}
        found: dict[str, set[str]] = {}
        for one in tx.execute(_VERSIONS, {"b_cases": list(names)}) if names else ():
            found.setdefault(names[(one.case_system, one.case_id)], set()).add(one.case_ref)
        return found

    def _told(self, tx: Connection, row: Row[Any], going: Sequence[_Due]) -> list[tuple[str, AuditEvent]]:
        """Return the audit's last word on each version: by which list and rule it was forgotten, and how much that was."""
        ids = [one.id for case in going for one in case.held]
        counts: dict[str, dict[int, int]] = {}
        for what, query in _COUNTED.items() if ids else ():
            counts[what] = _pairs(tx.execute(query, {"b_ids": ids}))
        by = {"list": row.ref, "rule": row.rule, "keep_months": row.keep_months, "reference": row.rule_reference}
        return [
            (one.case_ref, AuditEvent(chain.FORGOTTEN, ACTOR, by | {what: count.get(one.id, 0) for what, count in counts.items()}))
            for case in going
            for one in case.held
        ]

    def _delete(self, tx: Connection, list_ref: str, held: Sequence[Row[Any]], marks: Sequence[Row[Any]]) -> None:
        """Delete all of these versions but the audit's lines; `marks` = what `seen` has of them, and perhaps of others."""
        names = _names(held)
        values = {"b_refs": [one.case_ref for one in held], "b_ids": [one.id for one in held], "b_cases": names}
        for statement, by in _DELETIONS:
            tx.execute(statement, {by: values[by]})
        now = self._clock.now()
        tx.execute(
            _ADD_FORGOTTEN,
            [
                {
                    "case_ref": one.case_ref,
                    "list_ref": list_ref,
                    "at": now,
                    "version_mark": self._version_mark(one.case_system, one.case_id, one.version),
                }
                for one in held
            ],
        )
        hashed = [
            {"case_system": one.case_system, "case_id": HASHED + self._hashed(one.case_system, one.case_id), "changed_at": one.changed_at}
            for one in marks
            if (one.case_system, one.case_id) in names
        ]
        if hashed:
            tx.execute(_MARK_SEEN[tx.dialect.name], hashed)

    def _version_mark(self, case_system: str, case_id: str, version: str) -> str:
        """Return what a version is known by when it was forgotten. Of one that could not be read nobody knows whether it is the same."""
        return secrets.token_hex(_MARK_BYTES) if version == UNREAD else self._hashed(case_system, case_id, version)


def _names(held: Iterable[Row[Any]]) -> list[tuple[str, str]]:
    """Return what the case system calls the cases of these versions, each once."""
    return sorted({(one.case_system, one.case_id) for one in held})


def _pairs(rows: Iterable[Row[Any, Any]]) -> dict[Any, Any]:
    return {row[0]: row[1] for row in rows}


def _outcome(case: _Due, versions: Collection[str], last: dict[str, int]) -> ListOutcome:
    """Return what is to become of a case: forgotten only when it is just as it was when the list was made."""
    listed = {row.case_ref for row in case.listed}
    if not case.held:
        return ListOutcome.GONE
    if set(versions) != listed:
        return ListOutcome.NEW_VERSION
    if any(State(one.state) not in ENDED or one.state == State.PARKED or one.lease_until is not None for one in case.held):
        return ListOutcome.IN_WORK
    if max((last.get(ref, 0) for ref in listed), default=0) != case.listed[0].last_seq:
        return ListOutcome.CHANGED
    return ListOutcome.FORGOTTEN
