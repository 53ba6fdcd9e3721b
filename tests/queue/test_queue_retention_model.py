"""The queue with forgetting against its model: whatever is called in whatever order, only what was approved and has not changed goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, rule, run_state_machine_as_test

from tests.queue.queue_bench import START, pulled
from tests.queue.queue_stores import StoreUnderTest
from tests.queue.test_queue_model import CASES, VERSIONS, Modelled, QueueMachine
from tests.queue.test_queue_retention import RULE
from workqueue import Claimed, ListState, Proposed, State

EXAMPLES = {"sqlite": 20, "postgres": 8}
DONE = {State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON}


@dataclass(frozen=True)
class Listed:
    """A case as it was when a list was made."""

    case: str
    newest: str
    versions: frozenset[str]
    lines: int


class ForgettingMachine(QueueMachine):
    """All that the queue's machine does, and lists that are made, approved and carried out beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.refs: dict[tuple[str, str], str] = {}
        self.gone: dict[str, tuple[str, str]] = {}
        self.lists: dict[str, list[Listed]] = {}

    def teardown(self) -> None:
        """See that the audit is whole, and that nothing of what was forgotten can be read."""
        try:
            assert self.queue.verify_audit().problems == ()
            for ref in self.gone:
                assert self.queue.item(ref) is None
                assert self.queue.drafts(ref) == []
                assert self.queue.full_writes(ref) == []
                assert [event.what for event in self.queue.events(ref) if event.details] == ["forgotten"]
        finally:
            super().teardown()

    @rule(case=st.sampled_from(CASES), version=st.sampled_from(VERSIONS))
    def add(self, case: str, version: str) -> None:
        """Pull a version: what was forgotten is not new, unless the case is there with another version."""
        if case not in self.current and (case, version) in self.gone.values():
            assert not self.queue.add(pulled(case, version)).created
            return
        super().add(case, version)
        item = self.queue.item(case)
        assert item is not None
        self.refs[case, version] = item.case_ref

    @rule(end=st.sampled_from(sorted(DONE)), between=st.sampled_from(["nothing", "requeued", "new version"]))
    def forget(self, end: State, between: str) -> None:
        """Bring what is due to its end, and forget it; perhaps something happens to a case in between."""
        claimed = self.claim(len(CASES))
        for held in claimed.values if isinstance(claimed, MultipleResults) else [claimed]:
            self.finish(held, 1)
            self.receive(held)
            self.end(held, end)
        self.propose()
        case = next(iter(self.current), CASES[0])
        if between == "requeued":
            self.requeue(case, False)
        if between == "new version":
            self.add(case, "v3")
        self.carry_out(len(CASES))

    @rule()
    def propose(self) -> None:
        """Make a list of all that has ended, and approve it."""
        found = self.queue.candidates(self.clock.now().replace(year=START.year + 50))
        names = {ref: name for name, ref in self.refs.items()}
        ended = {case for case, version in self.current.items() if self.model[case, version].state in DONE | {State.PARKED}}
        assert {names[one.case_ref][0] for one in found} == ended
        listed = {one.case for cases in self.lists.values() for one in cases}
        chosen = [one for one in found if one.state is not State.PARKED and not one.listed]
        assert {names[one.case_ref][0] for one in found if one.listed} <= listed
        if not chosen:
            return
        ref = self.queue.propose(RULE, [Proposed(one, START.date(), START.date()) for one in chosen], "ops").ref
        self.queue.approve_list(ref, "ops", "reason")
        self.lists[ref] = [
            Listed(names[one.case_ref][0], one.case_ref, frozenset(one.refs), self._lines(frozenset(one.refs)))
            for one in sorted(chosen, key=lambda one: one.case_ref)
        ]

    @rule(limit=st.integers(1, 2))
    def carry_out(self, limit: int) -> None:
        """Carry out a batch of the oldest list."""
        if not self.lists:
            return
        ref = next(iter(self.lists))
        batch = self.lists[ref][:limit]
        going = [one for one in batch if self._is_as_it_was(one)]
        done = self.queue.forget_some(ref, limit)
        self.lists[ref] = self.lists[ref][limit:]
        assert (done.forgotten, done.left_out, done.left) == (len(going), len(batch) - len(going), len(self.lists[ref]))
        for one in going:
            self._drop(one)
        if not self.lists[ref]:
            assert self.queue.retention_list(ref).state is ListState.CARRIED_OUT
            del self.lists[ref]

    def _is_as_it_was(self, one: Listed) -> bool:
        versions = frozenset(ref for (case, _), ref in self.refs.items() if case == one.case)
        states = {self.model[name].state for name in self.model if name[0] == one.case}
        return versions == one.versions and states <= DONE | {State.SUPERSEDED} and self._lines(one.versions) == one.lines

    def _lines(self, refs: frozenset[str]) -> int:
        return sum(len(self.queue.events(ref)) for ref in refs)

    def _drop(self, one: Listed) -> None:
        for name in [name for name in self.model if name[0] == one.case]:
            del self.model[name]
            self.gone[self.refs.pop(name)] = name
        del self.current[one.case]

    def _ours(self, held: Claimed) -> Modelled | None:
        same = self.refs.get((held.case_id, held.version)) == held.case_ref
        return super()._ours(held) if same else None


def test_no_order_of_calls_forgets_what_it_should_not_or_leaves_what_it_should(kind: str, new_store: Callable[[], StoreUnderTest]) -> None:
    stores: list[StoreUnderTest] = []

    def store() -> StoreUnderTest:
        if kind == "sqlite" or not stores:
            stores.append(new_store())
        return stores[-1]

    class Machine(ForgettingMachine):
        make_store = staticmethod(store)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES[kind], stateful_step_count=50, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
