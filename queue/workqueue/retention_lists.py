"""Lists of cases whose time is out: found, proposed, approved or withdrawn. Nothing is deleted here (forgetting.py)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, func, insert, or_, select, tuple_, update

from workqueue import limits
from workqueue.base import Store
from workqueue.errors import NotAllowed
from workqueue.records import AuditEvent
from workqueue.retention_records import (
    ApprovedBy,
    Candidate,
    Kind,
    ListedCase,
    ListOutcome,
    ListState,
    Proposed,
    RetentionList,
    RetentionRule,
)
from workqueue.states import ENDED, State
from workqueue.tables import events, items, retention_cases, retention_lists

_ID_BYTES = 5
SHOWN = ("draft.shown", "audit.exported", "person.exported", "person.searched", "person.forget_asked")
"""What happens to a case without anything being done in it: its time goes on."""

_CANDIDATES = (
    select(items)
    .where(
        items.c.ended_at.is_not(None),
        items.c.is_current,
        items.c.state.in_(sorted(ENDED)),
        items.c.ended_at < bindparam("b_before"),
        or_(
            items.c.ended_at > bindparam("b_after_at", type_=items.c.ended_at.type),
            and_(items.c.ended_at == bindparam("b_after_at", type_=items.c.ended_at.type), items.c.id > bindparam("b_after_id")),
        ),
    )
    .order_by(items.c.ended_at, items.c.id)
    .limit(bindparam("b_limit"))
)
_CURRENT = select(items).where(items.c.case_ref.in_(bindparam("b_refs", expanding=True)), items.c.is_current)
_VERSIONS = select(items.c.case_ref, items.c.case_system, items.c.case_id, items.c.state).where(
    tuple_(items.c.case_system, items.c.case_id).in_(bindparam("b_cases", expanding=True))
)
_LAST = (
    select(
        events.c.case_ref,
        func.max(events.c.seq).label("last_seq"),
        func.max(case((events.c.what.in_(SHOWN), None), else_=events.c.at), type_=events.c.at.type).label("last_at"),
    )
    .where(events.c.case_ref.in_(bindparam("b_refs", expanding=True)))
    .group_by(events.c.case_ref)
)
_OPEN = retention_lists.c.state.in_((ListState.PROPOSED, ListState.APPROVED))
_LISTED = (
    select(retention_cases.c.case_ref)
    .distinct()
    .join(retention_lists)
    .where(retention_cases.c.outcome.is_(None), _OPEN, retention_cases.c.case_ref.in_(bindparam("b_refs", expanding=True)))
)
_IS_CASE = retention_cases.c.case_ref == retention_cases.c.of_case
_ADD_LIST = insert(retention_lists)
_ADD_CASES = insert(retention_cases)
_BY_REF = select(retention_lists).where(retention_lists.c.ref == bindparam("b_list"))
_LISTS = select(retention_lists).order_by(retention_lists.c.made_at.desc(), retention_lists.c.ref).limit(limits.RETENTION_LISTS_SHOWN)
_COUNTS = (
    select(
        retention_cases.c.list_ref,
        func.count().label("cases"),
        func.sum(case((retention_cases.c.outcome == ListOutcome.FORGOTTEN, 1), else_=0)).label("forgotten"),
        func.count(retention_cases.c.outcome).label("done"),
    )
    .where(retention_cases.c.list_ref.in_(bindparam("b_lists", expanding=True)), _IS_CASE)
    .group_by(retention_cases.c.list_ref)
)
_CASES = (
    select(retention_cases)
    .where(retention_cases.c.list_ref == bindparam("b_list"), retention_cases.c.case_ref > bindparam("b_after"))
    .order_by(retention_cases.c.case_ref)
    .limit(limits.RETENTION_BATCH)
)
_APPROVE = (
    update(retention_lists)
    .where(retention_lists.c.ref == bindparam("b_list"), retention_lists.c.state == ListState.PROPOSED)
    .values(state=ListState.APPROVED, approved_at=bindparam("b_now"), approved_by=bindparam("b_actor"), approved_as=bindparam("b_as"))
)
_WITHDRAW = (
    update(retention_lists)
    .where(retention_lists.c.ref == bindparam("b_list"), _OPEN)
    .values(state=ListState.WITHDRAWN, ended_at=bindparam("b_now"))
)
_LEAVE_OUT = (
    update(retention_cases)
    .where(retention_cases.c.list_ref == bindparam("b_list"), retention_cases.c.outcome.is_(None))
    .values(outcome=ListOutcome.WITHDRAWN, done_at=bindparam("b_now"))
)


class RetentionLists(Store):
    """What may be deleted, on paper."""

    def candidates(self, ended_before: datetime, *, after: Candidate | None = None) -> list[Candidate]:
        """Return some cases that ended before a time, those first that ended first; `after` = the last one of the batch before.

        A parked case is among them, so that it can be told why it stays.
        """
        after_at = after.ended_at if after else None
        values = {"b_before": ended_before, "b_after_at": after_at or limits.BEFORE_ALL, "b_after_id": after.id if after else 0}
        values["b_limit"] = limits.RETENTION_BATCH
        with self._db.read() as tx:
            return _with_versions(tx, tx.execute(_CANDIDATES, values).all())

    def candidates_of(self, case_refs: Sequence[str]) -> list[Candidate]:
        """Return the same for the given newest versions, whatever state they are in."""
        limits.within(limits.RETENTION_BATCH, case_refs, "cases")
        with self._db.read() as tx:
            return _with_versions(tx, tx.execute(_CURRENT, {"b_refs": list(case_refs)}).all())

    def propose(self, rule: RetentionRule, cases: Sequence[Proposed], actor: str, *, kind: Kind = Kind.DUE) -> RetentionList:
        """Store a list of cases that may be deleted once it is approved, in ONE transaction; return it."""
        limits.within(limits.RETENTION_LIST_LIMIT, cases, "cases on one list")
        ref, now = "g" + secrets.token_hex(_ID_BYTES), self._clock.now()
        row = {
            "ref": ref,
            "kind": kind,
            "state": ListState.PROPOSED,
            "rule": limits.code(rule.code),
            "keep_months": rule.keep_months,
            "rule_since": rule.since,
            "rule_reference": rule.reference,
            "made_at": now,
            "made_by": limits.actor(actor),
        }
        versions = [
            {
                "list_ref": ref,
                "case_ref": version,
                "of_case": one.candidate.case_ref,
                "last_seq": one.candidate.last_seq,
                "began_on": one.began_on,
                "due_on": one.due_on,
            }
            for one in cases
            for version in one.candidate.refs
        ]
        told = {"cases": len(cases), "rule": rule.code, "keep_months": rule.keep_months, "reference": rule.reference, "kind": kind.value}
        with self._db.write() as tx:
            tx.execute(_ADD_LIST, row)
            for start in range(0, len(versions), limits.RETENTION_BATCH):
                tx.execute(_ADD_CASES, versions[start : start + limits.RETENTION_BATCH])
            self._remember(tx, ref, [AuditEvent("retention.proposed", actor, told)])
        return self.retention_list(ref)

    def approve_list(self, ref: str, actor: str, reason: str, *, approved_as: ApprovedBy = ApprovedBy.PERSON) -> None:
        """Let a list be carried out. Raises NotAllowed when there is no such list, or it is not merely proposed."""
        values = {"b_list": ref, "b_now": self._clock.now(), "b_actor": limits.actor(actor), "b_as": approved_as}
        with self._db.write() as tx:
            if tx.execute(_APPROVE, values).rowcount != 1:
                raise refused(tx, ref, "approve")
            told = {"reason": reason, "as": approved_as.value}
            self._remember(tx, ref, [AuditEvent("retention.approved", actor, told)])

    def withdraw_list(self, ref: str, actor: str, reason: str) -> None:
        """Let nothing more be deleted by a list; its cases may be proposed anew. Raises NotAllowed when it is ended already."""
        values = {"b_list": ref, "b_now": self._clock.now()}
        with self._db.write() as tx:
            if tx.execute(_WITHDRAW, values).rowcount != 1:
                raise refused(tx, ref, "withdraw")
            tx.execute(_LEAVE_OUT, values)
            self._remember(tx, ref, [AuditEvent("retention.withdrawn", actor, {"reason": reason})])

    def retention_list(self, ref: str) -> RetentionList:
        """Return a list. Raises NotAllowed when there is none."""
        with self._db.read() as tx:
            row = tx.execute(_BY_REF, {"b_list": ref}).one_or_none()
            if row is None:
                raise refused(tx, ref, "show")
            return _as_lists(tx, [row])[0]

    def retention_lists(self) -> list[RetentionList]:
        """Return the newest lists, newest first."""
        with self._db.read() as tx:
            return _as_lists(tx, tx.execute(_LISTS).all())

    def listed_cases(self, ref: str, *, after: str = "") -> list[ListedCase]:
        """Return some of the versions on a list, by reference; `after` = the last one of the batch before."""
        with self._db.read() as tx:
            rows = tx.execute(_CASES, {"b_list": ref, "b_after": after}).all()
        return [
            ListedCase(row.case_ref, row.of_case, row.began_on, row.due_on, ListOutcome(row.outcome) if row.outcome else None, row.done_at)
            for row in rows
        ]


def refused(tx: Connection, ref: str, what: str) -> NotAllowed:
    """Return the error for something that the state of a list does not allow."""
    row = tx.execute(_BY_REF, {"b_list": ref}).one_or_none()
    if row is None:
        return NotAllowed("QUE-060")
    return NotAllowed("QUE-061", detail=f"{ref}, {what}, {row.state}")


def _with_versions(tx: Connection, rows: Sequence[Row[Any]]) -> list[Candidate]:
    if not rows:
        return []
    versions: dict[tuple[str, str], list[str]] = {}
    for one in tx.execute(_VERSIONS, {"b_cases": [(row.case_system, row.case_id) for row in rows]}):
        versions.setdefault((one.case_system, one.case_id), []).append(one.case_ref)
    refs = [ref for of_case in versions.values() for ref in of_case]
    last = {one.case_ref: one for one in tx.execute(_LAST, {"b_refs": refs})}
    listed = set(tx.execute(_LISTED, {"b_refs": refs}).scalars())
    found = []
    for row in rows:
        own = sorted(versions[(row.case_system, row.case_id)])
        happened = [last[ref] for ref in own if ref in last]
        began_at = max((one.last_at for one in happened if one.last_at is not None), default=row.first_pulled_at)
        found.append(
            Candidate(
                row.case_ref,
                tuple(own),
                max(began_at, row.ended_at or row.first_pulled_at),
                max((one.last_seq for one in happened), default=0),
                row.ended_at,
                row.id,
                State(row.state),
                listed=not listed.isdisjoint(own),
            )
        )
    return found


def _as_lists(tx: Connection, rows: Sequence[Row[Any]]) -> list[RetentionList]:
    counts = {one.list_ref: one for one in tx.execute(_COUNTS, {"b_lists": [row.ref for row in rows]})} if rows else {}
    return [_as_list(row, counts.get(row.ref)) for row in rows]


def _as_list(row: Row[Any], count: Row[Any] | None) -> RetentionList:
    cases, forgotten, done = (count.cases, count.forgotten, count.done) if count else (0, 0, 0)
    return RetentionList(
        ref=row.ref,
        kind=Kind(row.kind),
        state=ListState(row.state),
        rule=RetentionRule(row.rule, row.keep_months, row.rule_since, row.rule_reference),
        made_at=row.made_at,
        made_by=row.made_by,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
        approved_as=ApprovedBy(row.approved_as) if row.approved_as else None,
        ended_at=row.ended_at,
        cases=cases,
        forgotten=forgotten,
        left_out=done - forgotten,
    )
