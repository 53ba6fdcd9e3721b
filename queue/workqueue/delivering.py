"""The outcome of a case and its writes: stored before the first is made, each with its receipt; the case ends when all have one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from workqueue import limits
from workqueue.base import OURS, UNLEASED, Store, find, not_allowed, ours, refuse, telling
from workqueue.errors import PermanentQueueError, QueueError, RetriableQueueError, StaleLease
from workqueue.people import PEOPLE, people_row, store_people
from workqueue.records import AuditEvent, Claimed, EffectDone, Finished, NewEffect, StoredEffect
from workqueue.sealing import DRAFT, PAYLOAD, REFERENCE, as_text, digest
from workqueue.statements import Prepared
from workqueue.states import EDGES, Outcome, State, sources
from workqueue.tables import drafts, effects, items

OF_RUN = (effects.c.item_id == bindparam("b_id")) & (effects.c.run == bindparam("b_run"))
ENDS = frozenset(edge.target for edge in EDGES if edge.maker == "end")

_FINISH = Prepared(
    update(items)
    .where(OURS, items.c.state.in_(sources(State.DELIVERING, "finish")))
    .values(state=State.DELIVERING, outcome=bindparam("b_outcome"), attempts=0, reason=None, waiting_since=None)
)
_FINISH_IN_SHADOW = Prepared(
    update(items)
    .where(OURS, items.c.state.in_(sources(State.SHADOWED, "finish_in_shadow")))
    .values(
        state=State.SHADOWED,
        outcome=bindparam("b_outcome"),
        ended_at=bindparam("b_now"),
        attempts=0,
        reason=None,
        waiting_since=None,
        **UNLEASED,
    )
)
_DELIVERING = OURS & (items.c.state == State.DELIVERING)
_AMEND = Prepared(update(items).where(_DELIVERING).values(outcome=bindparam("b_outcome")))
_HOLD = select(items.c.id).where(_DELIVERING)
_HOLDS = Prepared(_HOLD)
_HELD = _HOLD.with_for_update(key_share=True).cte("held")
_ADD_DRAFT = Prepared(insert(drafts).inline(), columns=("item_id", "run", "made_at", "content"))
_REPLACE_DRAFT = Prepared(
    update(drafts)
    .where(drafts.c.item_id == bindparam("b_id"), drafts.c.run == bindparam("b_run"))
    .values(content=bindparam("b_content"), made_at=bindparam("b_now"))
)
_ADD_EFFECT = Prepared(insert(effects).inline(), columns=("key", "item_id", "run", "position", "kind", "payload"))
_DROP_PENDING = Prepared(delete(effects).where(OF_RUN, effects.c.done_at.is_(None)))
_DONE = Prepared(select(effects.c.key).where(OF_RUN, effects.c.done_at.is_not(None)))
_LAST_POSITION = Prepared(select(func.coalesce(func.max(effects.c.position), 0).label("last")).where(OF_RUN))
_PENDING = Prepared(select(effects).where(OF_RUN, effects.c.done_at.is_(None)).order_by(effects.c.position))
_RECEIPT = Prepared(
    update(effects)
    .where(OF_RUN, effects.c.key == bindparam("b_key"), effects.c.done_at.is_(None), exists(select(_HELD.c.id)))
    .values(done_at=bindparam("b_now"), found=bindparam("b_found"), reference=bindparam("b_reference"))
)
_IS_DONE = Prepared(select(effects.c.key).where(OF_RUN, effects.c.key == bindparam("b_key")))
_WRITES = Prepared(select(effects.c.kind, effects.c.done_at, effects.c.found).where(OF_RUN).order_by(effects.c.position))


def _end(end: State) -> Prepared:
    statement = update(items).where(OURS, items.c.state.in_(sources(end, "end")))
    statement = statement.values(state=end, ended_at=bindparam("b_now"), reason=None, waiting_since=None, **UNLEASED)
    return Prepared(statement.values(outcome=Outcome.TAKEN_BY_PERSON) if end is State.TAKEN_BY_PERSON else statement)


_END = {end: _end(end) for end in ENDS}
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


@dataclass(frozen=True, slots=True)
class _Ready:
    """What `finish` stores of a case, sealed: parameters and rows."""

    claimed: Claimed
    case: dict[str, Any]
    draft: dict[str, Any]
    effects: list[dict[str, Any]]
    told: list[AuditEvent]
    people: dict[str, Any] | None


class Delivering(Store):
    """Drafts and the outbox."""

    def finish(
        self,
        claimed: Claimed,
        outcome: Outcome | str,
        draft: Mapping[str, Any],
        effects: Sequence[NewEffect],
        events: Sequence[AuditEvent] = (),
        *,
        people: Sequence[str] | None = None,
    ) -> None:
        """Store the outcome, the draft, the writes to be made and the audit events in ONE transaction; the case is `delivering`.

        `people` = the identity numbers of who is in the case, of which keyed hashes are kept (people.py); when nobody is known now, who
        was known before stays.
        The lease stays with the worker. Raises StaleLease when it is not ours, NotAllowed when it is finished already: nothing is stored.
        """
        ready = self._ready(Finished(claimed, outcome, draft, effects, events, people))
        with self._db.write() as tx:
            self._store_finished(tx, ready)

    def finish_in_shadow(
        self,
        claimed: Claimed,
        outcome: Outcome | str,
        draft: Mapping[str, Any],
        events: Sequence[AuditEvent] = (),
        *,
        people: Sequence[str] | None = None,
    ) -> None:
        """Store the outcome, the draft and the audit events and no write at all, in ONE transaction; the case has ended, `shadowed`.

        There is nothing of it that could be delivered later: to be written it must be assessed anew (`go_live`, `requeue`).
        Raises StaleLease and NotAllowed as `finish` does.
        """
        ready = self._ready(Finished(claimed, outcome, draft, (), events, people))
        with self._db.write() as tx:
            self._store_finished(tx, ready, in_shadow=True)

    def finish_many(self, finished: Sequence[Finished]) -> list[QueueError | None]:
        """Do the same for several cases in ONE transaction, and return for each None when it was stored, else why it was not.

        One that is refused (StaleLease, NotAllowed, a key that is used, too large) keeps no other from being stored.
        """
        limits.within(limits.FINISH_LIMIT, finished, "cases at once")
        refused: dict[int, QueueError] = {}
        ready: dict[int, _Ready] = {}
        for place, one in enumerate(finished):
            with _noting(refused, place):
                ready[place] = self._ready(one)
        with self._db.group():
            if not self._store_all(list(ready.values())):
                for place, alone in ready.items():
                    with _noting(refused, place), self._db.write() as tx:
                        self._store_finished(tx, alone)
        return [refused.get(place) for place in range(len(finished))]

    def pending_effects(self, claimed: Claimed) -> list[StoredEffect]:
        """Return the writes without a receipt, in order. Raises StaleLease when the case is not ours."""
        with self._db.read() as tx:
            _hold(tx, claimed)
            rows = _PENDING.rows(tx, _run_of(claimed))
        ref = claimed.case_ref
        return [StoredEffect(row.key, row.kind, row.position, self._open(ref, PAYLOAD, row.key, row.payload)) for row in rows]

    def receipt(self, claimed: Claimed, effect_key: str, reference: str, found: bool = False) -> None:
        """Store that a write stands. `reference` = what the case system calls it; `found` = it was there already.

        Raises StaleLease when the case is not ours: whoever has it finds the write by its key. A second receipt changes nothing.
        """
        self.receipts(claimed, [EffectDone(effect_key, reference, found)])

    def receipts(self, claimed: Claimed, done: Sequence[EffectDone]) -> None:
        """Do the same for several writes of a case, in ONE transaction."""
        with self._db.write() as tx:
            self._receive(tx, claimed, done)

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
        text = as_text(dict(draft))
        sealed, told = self._sealed_draft(claimed, text), _with_draft(events, text)
        run = _run_of(claimed)
        with self._db.write() as tx:
            if _AMEND.change(tx, ours(claimed) | {"b_outcome": str(Outcome(outcome))}) != 1:
                refuse(tx, claimed, "amend")
            if done is not None:
                self._receive(tx, claimed, [done])
            _REPLACE_DRAFT.change(tx, run | {"b_content": sealed, "b_now": self._clock.now()})
            _DROP_PENDING.change(tx, run)
            already = {row.key for row in _DONE.rows(tx, run)}
            first = _LAST_POSITION.row(tx, run).last + 1
            new = [effect for effect in effects if effect.key not in already]
            _add_effects(tx, claimed, self._effect_rows(claimed, new, first=first))
            self._remember(tx, claimed.case_ref, told)

    def end(
        self,
        claimed: Claimed,
        end_state: State | str,
        events: Sequence[AuditEvent] = (),
        *,
        done: Sequence[EffectDone] = (),
        people: Sequence[str] = (),
    ) -> None:
        """End a case: delivered, handed_over, or taken_by_person; the audit is told which writes were made.

        `done` = the last receipts, `people` = who is in the case, as `finish` takes them, stored in the same transaction.
        The first two ends are refused (NotAllowed) while a write is pending.
        Raises StaleLease when the case is not ours: nothing is stored.
        """
        end = State(end_state)
        if end not in ENDS:
            raise ValueError(f"a case ends as one of {', '.join(sorted(ENDS))}")
        known = [people_row(self.derived_key(PEOPLE), claimed.id, people)] if people else []
        with self._db.write() as tx:
            self._receive(tx, claimed, done)
            if _END[end].change(tx, ours(claimed) | {"b_now": self._clock.now()}) != 1:
                refuse(tx, claimed, f"end as {end}")
            store_people(tx, known)
            writes = _WRITES.rows(tx, _run_of(claimed))
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
        content: dict[str, Any] = self._open(row.case_ref, DRAFT, _draft_row(row.case_ref, row.run), row.content)
        return content

    def _sealed_draft(self, claimed: Claimed, text: bytes) -> bytes:
        return self._keyring.to_seal(claimed.case_ref).seal_text(DRAFT, _draft_row(claimed.case_ref, claimed.run), text)

    def _ready(self, one: Finished) -> _Ready:
        """Return what a case leaves in the tables, sealed: it takes time, and no lock is held meanwhile."""
        claimed, text = one.claimed, as_text(dict(one.draft))
        limits.within(limits.EVENTS_LIMIT, one.events, "events")
        return _Ready(
            claimed,
            ours(claimed) | {"b_outcome": str(Outcome(one.outcome))},
            {"item_id": claimed.id, "run": claimed.run, "made_at": self._clock.now(), "content": self._sealed_draft(claimed, text)},
            self._effect_rows(claimed, one.effects, first=1),
            _with_draft(one.events, text),
            None if one.people is None else people_row(self.derived_key(PEOPLE), claimed.id, one.people),
        )

    def _store_finished(self, tx: Connection, one: _Ready, *, in_shadow: bool = False) -> None:
        done = _FINISH_IN_SHADOW.change(tx, one.case | {"b_now": self._clock.now()}) if in_shadow else _FINISH.change(tx, one.case)
        if done != 1:
            refuse(tx, one.claimed, "finish")
        _ADD_DRAFT.change(tx, one.draft)
        _add_effects(tx, one.claimed, one.effects)
        if one.people is not None:
            store_people(tx, [one.people])
        self._remember(tx, one.claimed.case_ref, one.told)

    def _store_all(self, ready: Sequence[_Ready]) -> bool:
        """Store them all, or none: say which."""
        if not ready:
            return True
        try:
            with self._db.write() as tx:
                if _FINISH.change_many(tx, [one.case for one in ready]) != len(ready):
                    raise _SomeRefused
                _ADD_DRAFT.change_many(tx, [one.draft for one in ready])
                if rows := [row for one in ready for row in one.effects]:
                    _ADD_EFFECT.change_many(tx, rows)
                store_people(tx, [one.people for one in ready if one.people is not None])
                self._remember_all(tx, [(one.claimed.case_ref, event) for one in ready for event in one.told])
        except (_SomeRefused, PermanentQueueError):
            return False
        return True

    def _effect_rows(self, claimed: Claimed, new: Sequence[NewEffect], *, first: int) -> list[dict[str, Any]]:
        limits.within(limits.EFFECTS_LIMIT, new, "effects")
        box = self._keyring.to_seal(claimed.case_ref)
        return [
            {
                "key": effect.key,
                "item_id": claimed.id,
                "run": claimed.run,
                "position": position,
                "kind": limits.code(effect.kind),
                "payload": box.seal(PAYLOAD, effect.key, dict(effect.payload)),
            }
            for position, effect in enumerate(new, first)
        ]

    def _receive(self, tx: Connection, claimed: Claimed, done: Sequence[EffectDone]) -> None:
        key, now = ours(claimed) | _run_of(claimed), self._clock.now()
        for one in done:
            reference = self._seal(claimed.case_ref, REFERENCE, one.key, one.reference, tx=tx)
            values = key | {"b_key": one.key, "b_now": now, "b_found": one.found, "b_reference": reference}
            if _RECEIPT.change(tx, values) == 1:
                continue
            _hold(tx, claimed)
            if _IS_DONE.row(tx, key | {"b_key": one.key}) is None:
                raise PermanentQueueError("QUE-016", detail=claimed.case_ref)


class _SomeRefused(Exception):
    """Of several cases, not all may be stored."""


@contextmanager
def _noting(refused: dict[int, QueueError], place: int) -> Iterator[None]:
    """Note why a case was refused, and go on with the next. What is wrong with the database is wrong for all: it is raised."""
    try:
        yield
    except RetriableQueueError:
        raise
    except QueueError as error:
        refused[place] = error


def _add_effects(tx: Connection, claimed: Claimed, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    try:
        _ADD_EFFECT.change_many(tx, rows)
    except tx.dialect.loaded_dbapi.IntegrityError:
        raise PermanentQueueError("QUE-015", detail=claimed.case_ref) from None


def _hold(tx: Connection, claimed: Claimed) -> None:
    """Raise StaleLease unless the case is being delivered by this worker."""
    if _HOLDS.row(tx, ours(claimed)) is None:
        raise StaleLease(claimed.case_ref)


def _with_draft(happened: Sequence[AuditEvent], draft: bytes) -> list[AuditEvent]:
    """Return the same lines, bound to what was computed: the SHA-256 of the draft as it is stored."""
    return telling(happened, draft_sha256=digest(draft)) if happened else []


def _made(writes: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the writes that stand in the case system, for the audit; `found` = it stood there already when it was to be made."""
    return [{"kind": one.kind, "at": one.done_at.isoformat(), "found": one.found} for one in writes if one.done_at is not None]


def _run_of(claimed: Claimed) -> dict[str, Any]:
    return {"b_id": claimed.id, "b_run": claimed.run}


def _draft_row(case_ref: str, run: int) -> str:
    return f"{case_ref}/{run}"
