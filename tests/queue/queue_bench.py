"""What the queue's tests work with: a clock that stands still, and short ways to a state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from tests.queue.queue_stores import StoreUnderTest
from workqueue import AuditEvent, Claimed, Item, NewEffect, PulledCase, State, WorkQueue

START = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
LEASE_S = 60.0
SYSTEM = "caremanagement"
_FIRST = text("SELECT case_ref FROM items ORDER BY id LIMIT 1")


class FakeClock:
    """Both times stand still until moved."""

    def __init__(self) -> None:
        self.world = START
        self.machine = 1_000_000.0

    def now(self) -> datetime:
        """Return the world's time."""
        return self.world

    def machine_s(self) -> float:
        """Return the machine's seconds."""
        return self.machine

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let both times go on."""
        step = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        self.world += step
        self.machine += step.total_seconds()


def pulled(case_id: str = "case-1", version: str = "v1", **changes: Any) -> PulledCase:
    """Return a pulled case with a deadline in 24 hours."""
    values: dict[str, Any] = {
        "case_system": SYSTEM,
        "case_id": case_id,
        "number": f"EB-{case_id}",
        "version": version,
        "deadline": START + timedelta(hours=24),
        "month": "2026-12",
        "assigned_to": "joe01doe",
    }
    return PulledCase(**(values | changes))


def writes(claimed: Claimed, *kinds: str) -> list[NewEffect]:
    """Return writes of these kinds, keyed by case, version, kind and run."""
    key = f"{claimed.case_system}:{claimed.case_id}:{claimed.version}"
    return [NewEffect(f"{key}:{kind}:{claimed.run}", kind, {"text": f"about {kind}"}) for kind in kinds]


@dataclass
class Bench:
    """A queue, its clock, and short ways."""

    queue: WorkQueue
    clock: FakeClock
    store: StoreUnderTest
    opened: list[WorkQueue] = field(default_factory=list)
    held: dict[int, Claimed] = field(default_factory=dict)

    def close(self) -> None:
        """Close every opened queue."""
        for queue in (self.queue, *self.opened):
            queue.close()

    def another(self) -> WorkQueue:
        """Open the same store as another process would."""
        self.opened.append(self.store.open(self.clock))
        return self.opened[-1]

    def claim_one(self, worker: str = "worker") -> Claimed:
        """Claim the one case that is due."""
        (claimed,) = self.queue.claim(worker, 10, LEASE_S)
        self.held[claimed.id] = claimed
        return claimed

    def assessing(self, case_id: str = "case-1", version: str = "v1", **changes: Any) -> Claimed:
        """Return a case in a worker's hands, to be assessed."""
        self.queue.add(pulled(case_id, version, **changes))
        return self.claim_one()

    def delivering(self, *kinds: str, outcome: str = "ok") -> Claimed:
        """Return a case whose writes are being made."""
        claimed = self.assessing()
        self.finish(claimed, *(kinds or ("recommendation", "document")), outcome=outcome)
        return claimed

    def finish(self, claimed: Claimed, *kinds: str, outcome: str = "ok", draft: dict[str, Any] | None = None) -> None:
        """Store an outcome."""
        content = {"proposal": "BIFALL"} if draft is None else draft
        self.queue.finish(claimed, outcome, content, writes(claimed, *kinds), [AuditEvent("case.assessed")])

    def deliver(self, claimed: Claimed) -> None:
        """Store a receipt for everything pending."""
        for effect in self.queue.pending_effects(claimed):
            self.queue.receipt(claimed, effect.key, f"reference of {effect.kind}")

    def ended(self, end: State = State.DELIVERED) -> Claimed:
        """Return a case that has ended."""
        claimed = self.delivering()
        self.deliver(claimed)
        self.queue.end(claimed, end)
        return claimed

    def item(self, case: str = "case-1") -> Item:
        """Return a case as ops see it."""
        item = self.queue.item(case)
        assert item is not None
        return item

    def into(self, state: State) -> None:
        """Bring case-1 into a state, by the queue's own methods."""
        _WAYS[state](self)
        ref = self.queue.items(state)[0].case_ref
        assert self.item(ref).state is state

    def in_hours(self, hours: float) -> datetime:
        """Return a time from now."""
        return self.clock.now() + timedelta(hours=hours)

    @property
    def first_ref(self) -> str:
        """Return the reference of the oldest version of case-1."""
        with self.queue._db.read() as tx:
            return str(tx.execute(_FIRST).scalar_one())

    def holder(self) -> Claimed:
        """Return what the worker holds who has that version now, or had it last."""
        item = self.item(self.first_ref)
        return self.held.get(item.id) or Claimed(
            item.id,
            item.case_ref,
            item.case_system,
            item.case_id,
            item.version,
            item.run,
            lease=0,
            state=State.ASSESSING,
            priority=item.priority,
            deadline=item.deadline,
            first_pulled_at=item.first_pulled_at,
            attempts=0,
            rescues=0,
            waiting_since=None,
            month=item.month,
            outcome=None,
            number="",
            assigned_to=None,
        )

    def audit(self, case: str = "case-1") -> Sequence[str]:
        """Return what has happened to a case."""
        return [event.what for event in self.queue.events(case)]


def _rest(bench: Bench, state: State) -> None:
    bench.queue.rest(bench.assessing(), state, bench.in_hours(1), "register.unavailable")


def _supersede(bench: Bench) -> None:
    bench.queue.add(pulled())
    bench.queue.add(pulled(version="v2"))


_WAYS: dict[State, Callable[[Bench], Any]] = {
    State.READY: lambda bench: bench.queue.add(pulled()),
    State.ASSESSING: lambda bench: bench.assessing(),
    State.WAITING_FOR_INCOME: lambda bench: _rest(bench, State.WAITING_FOR_INCOME),
    State.WAITING_FOR_REGISTER: lambda bench: _rest(bench, State.WAITING_FOR_REGISTER),
    State.TO_DELIVER: lambda bench: bench.queue.try_later(bench.delivering(), bench.clock.now(), "NET-001"),
    State.DELIVERING: lambda bench: bench.delivering(),
    State.PARKED: lambda bench: bench.queue.park(bench.assessing(), "CASE-001"),
    State.SHADOWED: lambda bench: bench.queue.finish_in_shadow(bench.assessing(), "ok", {}),
    State.DELIVERED: lambda bench: bench.ended(State.DELIVERED),
    State.HANDED_OVER: lambda bench: bench.ended(State.HANDED_OVER),
    State.TAKEN_BY_PERSON: lambda bench: bench.queue.end(bench.assessing(), State.TAKEN_BY_PERSON),
    State.SUPERSEDED: _supersede,
}
