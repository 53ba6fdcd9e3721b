"""The outcome of a case and its writes: stored before the first is made, each with its receipt; the case ends when all have one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from workqueue import limits
from workqueue.base import OURS, UNLEASED, Store, find, not_allowed, ours, refuse, telling
from workqueue.errors import PermanentQueueError, StaleLease
from workqueue.records import AuditEvent, Claimed, EffectDone, NewEffect, StoredEffect
from workqueue.sealing import DRAFT, PAYLOAD, REFERENCE, digest
from workqueue.states import EDGES, Outcome, State, sources
from workqueue.tables import drafts, effects, items

OF_RUN = (effects.c.item_id == bindparam("b_id")) & (effects.c.run == bindparam("b_run"))
ENDS = frozenset(edge.target for edge in EDGES if edge.maker == "end")

_FINISH = (
    update(items)
    .where(OURS, items.c.state.in_(sources(State.DELIVERING, "finish")))
    .values(state=State.DELIVERING, outcome=bindparam("b_outcome"), attempts=0, reason=None, waiting_since=None)
)
_DELIVERING = OURS & (items.c.state == State.DELIVERING)
_AMEND = update(items).where(_DELIVERING).values(outcome=bindparam("b_outcome"))
_HOLD = select(items.c.id).where(_DELIVERING)
_HELD = _HOLD.with_for_update(key_share=True).cte("held")
_ADD_DRAFT = insert(drafts)
_REPLACE_DRAFT = (
    update(drafts)
    .where(drafts.c.item_id == bindparam("b_id"), drafts.c.run == bindparam("b_run"))
    .values(content=bindparam("b_content"), made_at=bindparam("b_now"))
)
_ADD_EFFECT = insert(effects)
_DROP_PENDING = delete(effects).where(OF_RUN, effects.c.done_at.is_(None))
_DONE = select(effects.c.key).where(OF_RUN, effects.c.done_at.is_not(None))
_LAST_POSITION = select(func.coalesce(func.max(effects.c.position), 0)).where(OF_RUN)
_PENDING = select(effects).where(OF_RUN, effects.c.done_at.is_(None)).order_by(effects.c.position)
_RECEIPT = (
    update(effects)
    .where(OF_RUN, effects.c.key == bindparam("b_key"), effects.c.done_at.is_(None), exists(select(_HELD.c.id)))
    .values(done_at=bindparam("b_now"), found=bindparam("b_found"), reference=bindparam("b_reference"))
    .returning(effects.c.key)
)
_IS_DONE = select(exists().where(OF_RUN, effects.c.key == bindparam("b_key")))
_WRITES = select(effects.c.kind, effects.c.done_at, effects.c.found).where(OF_RUN).order_by(effects.c.position)
_END = {
    end: update(items)
    .where(OURS, items.c.state.in_(sources(end, "end")))
    .values(state=end, ended_at=bindparam("b_now"), reason=None, waiting_since=None, **UNLEASED)
    for end in ENDS
}
_LATEST_DRAFT = (
    select(drafts.c.run, drafts.c.content, items.c.case_ref)
    .join(items)
    .where(items.c.case_system == bindparam("b_system"), items.c.case_id == bindparam("b_case"))
    .order_by(drafts.c.made_at.desc(), drafts.c.id.desc())
    .limit(1)
)
_LATEST_OF_ITEM = (
    select(drafts.c.run, drafts.c.content, items.c.case_ref)
    .join(items)
    .where(items.c.id == bindparam("b_id"))
    .order_by(drafts.c.run.desc())
    .limit(1)
)


class Delivering(Store):
    """Drafts and the outbox."""

    def finish(
        self,
        claimed: Claimed,
        outcome: Outcome | str,
        draft: Mapping[str, Any],
        effects: Sequence[NewEffect],
        events: Sequence[AuditEvent] = (),
    ) -> None:
        """Store the outcome, the draft, the writes to be made and the audit events in ONE transaction; the case is `delivering`.

        The lease stays with the worker. Raises StaleLease when it is not ours, NotAllowed when it is finished already: nothing is stored.
        """
        now = self._clock.now()
        sealed, told = self._sealer.seal(DRAFT, _draft_row(claimed.case_ref, claimed.run), dict(draft)), _with_draft(events, draft)
        with self._db.write() as tx:
            if tx.execute(_FINISH, ours(claimed) | {"b_outcome": Outcome(outcome)}).rowcount != 1:
                refuse(tx, claimed, "finish")
            tx.execute(_ADD_DRAFT, {"item_id": claimed.id, "run": claimed.run, "made_at": now, "content": sealed})
            self._add_effects(tx, claimed, effects, first=1)
            self._remember(tx, claimed.case_ref, told)

    def pending_effects(self, claimed: Claimed) -> list[StoredEffect]:
        """Return the writes without a receipt, in order. Raises StaleLease when the case is not ours."""
        with self._db.read() as tx:
            _hold(tx, claimed)
            rows = tx.execute(_PENDING, _run_of(claimed)).all()
        return [StoredEffect(row.key, row.kind, row.position, self._sealer.open(PAYLOAD, row.key, row.payload)) for row in rows]

    def receipt(self, claimed: Claimed, effect_key: str, reference: str, found: bool = False) -> None:
        """Store that a write stands. `reference` = what the case system calls it; `found` = it was there already.

        Raises StaleLease when the case is not ours: whoever has it finds the write by its key. A second receipt changes nothing.
        """
        with self._db.write() as tx:
            self._receive(tx, claimed, EffectDone(effect_key, reference, found))

    def amend(
        self,
        claimed: Claimed,
        outcome: Outcome | str,
        draft: Mapping[str, Any],
        effects: Sequence[NewEffect],
        events: Sequence[AuditEvent] = (),
        *,
        done: EffectDone | None = None,
    ) -> None:
        """Change the outcome and the draft while delivering, and put `effects` in place of the pending writes, in ONE transaction.

        `done` = the receipt of the write that told us so, stored in the same transaction. A write that has its receipt stays as it is,
        and is left out when its key stands in `effects` again. Raises StaleLease when the case is not ours: nothing is stored.
        """
        sealed, told = self._sealer.seal(DRAFT, _draft_row(claimed.case_ref, claimed.run), dict(draft)), _with_draft(events, draft)
        run = _run_of(claimed)
        with self._db.write() as tx:
            if tx.execute(_AMEND, ours(claimed) | {"b_outcome": Outcome(outcome)}).rowcount != 1:
                refuse(tx, claimed, "amend")
            if done is not None:
                self._receive(tx, claimed, done)
            tx.execute(_REPLACE_DRAFT, run | {"b_content": sealed, "b_now": self._clock.now()})
            tx.execute(_DROP_PENDING, run)
            already = set(tx.execute(_DONE, run).scalars())
            first = tx.execute(_LAST_POSITION, run).scalar_one() + 1
            self._add_effects(tx, claimed, [effect for effect in effects if effect.key not in already], first=first)
            self._remember(tx, claimed.case_ref, told)

    def end(self, claimed: Claimed, end_state: State | str, events: Sequence[AuditEvent] = ()) -> None:
        """End a case: delivered, handed_over, or taken_by_person; the audit is told which writes were made.

        The first two are refused (NotAllowed) while a write is pending. Raises StaleLease when the case is not ours: nothing is stored.
        """
        end = State(end_state)
        if end not in ENDS:
            raise ValueError(f"a case ends as one of {', '.join(sorted(ENDS))}")
        statement = _END[end].values(outcome=Outcome.TAKEN_BY_PERSON) if end is State.TAKEN_BY_PERSON else _END[end]
        with self._db.write() as tx:
            if tx.execute(statement, ours(claimed) | {"b_now": self._clock.now()}).rowcount != 1:
                refuse(tx, claimed, f"end as {end}")
            writes = tx.execute(_WRITES, _run_of(claimed)).all()
            if end is not State.TAKEN_BY_PERSON and any(write.done_at is None for write in writes):
                raise not_allowed(claimed.case_ref, State.DELIVERING, f"end as {end}", code="QUE-014")
            self._remember(tx, claimed.case_ref, telling(events or [AuditEvent(f"ended.{end}")], written=_made(writes)))

    def draft(self, case: str) -> dict[str, Any] | None:
        """Return the latest draft, decrypted: of the version with that case reference, or of the case with that id.

        None = nothing has been drafted yet, or there is no such case.
        """
        with self._db.read() as tx:
            item = find(tx, case)
            if item is None:
                return None
            if item.case_ref == case:
                row = tx.execute(_LATEST_OF_ITEM, {"b_id": item.id}).one_or_none()
            else:
                row = tx.execute(_LATEST_DRAFT, {"b_system": item.case_system, "b_case": item.case_id}).one_or_none()
        if row is None:
            return None
        content: dict[str, Any] = self._sealer.open(DRAFT, _draft_row(row.case_ref, row.run), row.content)
        return content

    def _add_effects(self, tx: Connection, claimed: Claimed, new: Sequence[NewEffect], *, first: int) -> None:
        limits.within(limits.EFFECTS_LIMIT, new, "effects")
        if not new:
            return
        rows = [
            {
                "key": effect.key,
                "item_id": claimed.id,
                "run": claimed.run,
                "position": position,
                "kind": limits.code(effect.kind),
                "payload": self._sealer.seal(PAYLOAD, effect.key, dict(effect.payload)),
            }
            for position, effect in enumerate(new, first)
        ]
        try:
            tx.execute(_ADD_EFFECT, rows)
        except IntegrityError:
            raise PermanentQueueError("QUE-015", detail=claimed.case_ref) from None

    def _receive(self, tx: Connection, claimed: Claimed, done: EffectDone) -> None:
        key = ours(claimed) | _run_of(claimed) | {"b_key": done.key}
        reference = self._sealer.seal(REFERENCE, done.key, done.reference)
        values = key | {"b_now": self._clock.now(), "b_found": done.found, "b_reference": reference}
        if tx.execute(_RECEIPT, values).one_or_none() is not None:
            return
        _hold(tx, claimed)
        if not tx.execute(_IS_DONE, key).scalar_one():
            raise PermanentQueueError("QUE-016", detail=claimed.case_ref)


def _hold(tx: Connection, claimed: Claimed) -> None:
    """Raise StaleLease unless the case is being delivered by this worker."""
    if tx.execute(_HOLD, ours(claimed)).one_or_none() is None:
        raise StaleLease(claimed.case_ref)


def _with_draft(happened: Sequence[AuditEvent], draft: Mapping[str, Any]) -> list[AuditEvent]:
    """Return the same lines, bound to what was computed: the SHA-256 of the draft as it is stored."""
    return telling(happened, draft_sha256=digest(dict(draft))) if happened else []


def _made(writes: Iterable[Row[Any, Any, Any]]) -> list[dict[str, Any]]:
    """Return the writes that stand in the case system, for the audit; `found` = it stood there already when it was to be made."""
    return [{"kind": one.kind, "at": one.done_at.isoformat(), "found": one.found} for one in writes if one.done_at is not None]


def _run_of(claimed: Claimed) -> dict[str, Any]:
    return {"b_id": claimed.id, "b_run": claimed.run}


def _draft_row(case_ref: str, run: int) -> str:
    return f"{case_ref}/{run}"
