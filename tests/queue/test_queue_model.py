"""The queue against a model of it: a dictionary. Hypothesis looks for an order of calls after which the two differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule, run_state_machine_as_test

from tests.queue.queue_bench import LEASE_S, START, FakeClock, pulled
from tests.queue.queue_stores import StoreUnderTest
from workqueue import Claimed, NewEffect, NotAllowed, StaleLease, State, WorkQueue

CASES = ("a", "b", "c")
VERSIONS = ("v1", "v2", "v3")
OPEN = {State.READY, State.ASSESSING, State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER, State.TO_DELIVER, State.DELIVERING}
HELD = {State.ASSESSING, State.DELIVERING}
EXAMPLES = {"sqlite": 40, "postgres": 20}
MakeStore = Callable[[], StoreUnderTest]


@dataclass
class Modelled:
    """What the model knows of one version of a case."""

    state: State = State.READY
    run: int = 1
    lease: int = 0
    until: float = 0
    not_before: datetime = START
    deadline: datetime = START
    pending: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    finished: bool = False


class QueueMachine(RuleBasedStateMachine):
    """Every method in any order, with workers that hold on to cases they have lost."""

    make_store: MakeStore
    claims: Bundle[Claimed] = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.store = type(self).make_store()
        self.queue: WorkQueue = self.store.open(self.clock)
        self.model: dict[tuple[str, str], Modelled] = {}
        self.current: dict[str, str] = {}

    def teardown(self) -> None:
        """Look once over everything, then throw it away."""
        problems = self.queue.integrity()
        self._is_as_the_model(list(State))
        self.queue.close()
        self.store.close()
        assert problems == []

    @initialize()
    def begin_with_one(self) -> None:
        """Begin with a case."""
        self.add("a", "v1")

    @rule(case=st.sampled_from(CASES), version=st.sampled_from(VERSIONS))
    def add(self, case: str, version: str) -> None:
        """Pull a version."""
        deadline = self.clock.now() + timedelta(hours=24)
        added = self.queue.add(pulled(case, version, deadline=deadline))
        before = self.current.get(case)
        assert added.created == (before != version)
        if before == version:
            return
        self.current[case] = version
        replaced = self.model.get((case, before or ""))
        gives_way = replaced is not None and (replaced.state in OPEN or replaced.state is State.PARKED)
        assert added.superseded == gives_way
        if replaced is not None and gives_way:
            replaced.state = State.SUPERSEDED
        kept = self.model.get((case, version))
        lease, run, done = (kept.lease, kept.run + 1, kept.done) if kept else (0, 1, [])
        self.model[case, version] = Modelled(run=run, lease=lease, not_before=self.clock.now(), deadline=deadline, done=done)

    @rule(target=claims, limit=st.integers(1, 3))
    def claim(self, limit: int) -> Any:
        """Take what is due."""
        now = self.clock.now()
        due = [one for one in self.model.values() if one.state in (State.READY, State.TO_DELIVER) and one.not_before <= now]
        claimed = self.queue.claim("worker", limit, LEASE_S)
        assert len(claimed) == min(limit, len(due))
        for one in claimed:
            modelled = self.model[one.case_id, one.version]
            assert modelled in due
            modelled.state = State.ASSESSING if modelled.state is State.READY else State.DELIVERING
            modelled.lease += 1
            modelled.until = self.clock.machine_s() + LEASE_S
            assert (one.lease, one.run, one.state) == (modelled.lease, modelled.run, modelled.state)
        return multiple(*claimed)

    @rule(held=claims)
    def heartbeat(self, held: Claimed) -> None:
        """Keep a case, if it is still ours."""
        ours = self._ours(held)
        assert self.queue.heartbeat([held], LEASE_S) == ({held.id} if ours else set())
        if ours:
            ours.until = self.clock.machine_s() + LEASE_S

    @rule(held=claims, effects=st.integers(0, 3))
    def finish(self, held: Claimed, effects: int) -> None:
        """Store an outcome."""
        keys = [f"{held.case_ref}:{held.run}:{number}" for number in range(effects)]
        ours = self._tries(
            held, {State.ASSESSING}, lambda: self.queue.finish(held, "ok", {"run": held.run}, [NewEffect(key, "kind") for key in keys])
        )
        if ours:
            ours.state, ours.pending, ours.finished = State.DELIVERING, keys, True

    @rule(held=claims)
    def receive(self, held: Claimed) -> None:
        """Make the first pending write and store its receipt."""
        ours = self._ours(held)
        if ours is None or ours.state is not State.DELIVERING:
            with pytest.raises(StaleLease):
                self.queue.pending_effects(held)
            return
        assert [effect.key for effect in self.queue.pending_effects(held)] == ours.pending
        if ours.pending:
            key = ours.pending.pop(0)
            self.queue.receipt(held, key, "reference")
            ours.done.append(key)

    @rule(held=claims)
    def amend(self, held: Claimed) -> None:
        """Put one other write in place of the pending ones."""
        key = f"{held.case_ref}:{held.run}:amended"
        ours = self._tries(held, {State.DELIVERING}, lambda: self.queue.amend(held, "review", {"amended": True}, [NewEffect(key, "kind")]))
        if ours:
            ours.pending = [] if key in ours.done else [key]

    @rule(held=consumes(claims), end=st.sampled_from([State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON]))
    def end(self, held: Claimed, end: State) -> None:
        """End a case."""
        from_states = HELD if end is State.TAKEN_BY_PERSON else {State.DELIVERING}
        ours = self._ours(held)
        if ours and ours.state in from_states and ours.pending and end is not State.TAKEN_BY_PERSON:
            with pytest.raises(NotAllowed):
                self.queue.end(held, end)
            return
        if self._tries(held, from_states, lambda: self.queue.end(held, end)) and ours:
            ours.state = end

    @rule(held=consumes(claims), state=st.sampled_from([State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER]), hours=st.integers(0, 40))
    def rest(self, held: Claimed, state: State, hours: int) -> None:
        """Let a case rest."""
        now = self.clock.now()
        until = now + timedelta(hours=hours)
        if ours := self._tries(held, {State.ASSESSING}, lambda: self.queue.rest(held, state, until, "code")):
            ours.state, ours.not_before = state, min(until, max(ours.deadline, now))

    @rule(held=consumes(claims), hours=st.integers(0, 40))
    def try_later(self, held: Claimed, hours: int) -> None:
        """Give a case back."""
        now = self.clock.now()
        until = now + timedelta(hours=hours)
        if ours := self._tries(held, HELD, lambda: self.queue.try_later(held, until, "code")):
            ours.state = State.READY if ours.state is State.ASSESSING else State.TO_DELIVER
            ours.not_before = min(until, ours.deadline) if ours.deadline > now else until

    @rule(held=consumes(claims))
    def park(self, held: Claimed) -> None:
        """Set a case aside."""
        if ours := self._tries(held, HELD, lambda: self.queue.park(held, "code")):
            ours.state = State.PARKED

    @rule(case=st.sampled_from(CASES), anew=st.booleans())
    def requeue(self, case: str, anew: bool) -> None:
        """Put a case back by hand."""
        one = self.model.get((case, self.current.get(case, "")))
        if one is None or one.state in HELD or one.state is State.TAKEN_BY_PERSON:
            with pytest.raises(NotAllowed):
                self.queue.requeue(case, "reason", "ops", anew=anew)
            return
        self.queue.requeue(case, "reason", "ops", anew=anew)
        now = self.clock.now()
        if one.state in (State.PARKED, State.DELIVERED, State.HANDED_OVER):
            one.deadline = max(one.deadline, now + timedelta(hours=24))
            goes_on = one.state is State.PARKED and one.finished and not anew
            one.state = State.TO_DELIVER if goes_on else State.READY
            if one.finished and not goes_on:
                one.run, one.finished, one.pending = one.run + 1, False, []
        elif one.state is not State.TO_DELIVER:
            one.state = State.READY
        one.not_before = now

    @rule(seconds=st.sampled_from([1, 30, 59, 61, 3600, 90_000]))
    def time_goes_on(self, seconds: int) -> None:
        """Let time go on."""
        self.clock.advance(seconds=seconds)

    @rule()
    def maintain(self) -> None:
        """Rescue and wake."""
        late = [one for one in self.model.values() if one.state in HELD and one.until <= self.clock.machine_s()]
        assert len(self.queue.release_expired()) == len(late)
        for one in late:
            one.state = State.READY if one.state is State.ASSESSING else State.TO_DELIVER
            one.not_before = self.clock.now()
        resting = (State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER)
        due = [one for one in self.model.values() if one.state in resting and one.not_before <= self.clock.now()]
        assert self.queue.release_due() == len(due)
        for one in due:
            one.state, one.not_before = State.READY, self.clock.now()

    @invariant()
    def the_queue_is_as_the_model(self) -> None:
        """States, runs, and times are equal, and only newest versions are open."""
        self._is_as_the_model([*{one.state for one in self.model.values()}, None])

    def _is_as_the_model(self, states: list[State] | list[State | None]) -> None:
        """Look at the cases in these states, None = the newest versions in whatever state."""
        seen = {}
        for state in states:
            for item in self.queue.items(state):
                seen[item.case_id, item.version] = (item.state, item.run, item.deadline)
                if item.state in (State.READY, State.TO_DELIVER):
                    assert item.not_before == self.model[item.case_id, item.version].not_before
        assert seen == {key: (one.state, one.run, one.deadline) for key, one in self.model.items()}
        for (case, version), one in self.model.items():
            assert one.state not in OPEN or self.current[case] == version

    def _ours(self, held: Claimed) -> Modelled | None:
        one = self.model[held.case_id, held.version]
        return one if one.state in HELD and one.lease == held.lease else None

    def _tries(self, held: Claimed, allowed: set[State], call: Callable[[], object]) -> Modelled | None:
        """Call; return the model's record when it must have worked, and see that it was refused rightly when not."""
        ours = self._ours(held)
        if ours is None:
            with pytest.raises(StaleLease):
                call()
            return None
        if ours.state not in allowed:
            with pytest.raises(NotAllowed):
                call()
            return None
        call()
        return ours


def test_no_order_of_calls_makes_the_queue_differ_from_its_model(kind: str, new_store: Callable[[], StoreUnderTest]) -> None:
    stores: list[StoreUnderTest] = []

    def store() -> StoreUnderTest:
        """A store that is emptied when given back serves every example."""
        if kind == "sqlite" or not stores:
            stores.append(new_store())
        return stores[-1]

    class Machine(QueueMachine):
        make_store = staticmethod(store)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES[kind], stateful_step_count=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
