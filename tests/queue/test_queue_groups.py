"""Several calls in one transaction: together on disk, and each that fails is undone alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.queue.queue_bench import LEASE_S, Bench, pulled, writes
from workqueue import (
    AuditEvent,
    Claimed,
    EffectDone,
    Finished,
    NewEffect,
    NotAllowed,
    PermanentQueueError,
    QueueError,
    RetriableQueueError,
    StaleLease,
    State,
    WorkQueue,
)


def _claimed(bench: Bench, cases: int) -> list[Claimed]:
    bench.queue.add_many([pulled(f"case-{number}") for number in range(cases)])
    return bench.queue.claim("worker", cases, LEASE_S)


def _finished(claimed: Claimed, **changes: Any) -> Finished:
    values: dict[str, Any] = {
        "outcome": "ok",
        "draft": {"of": claimed.case_id},
        "effects": writes(claimed, "document", "warning"),
        "events": [AuditEvent("case.assessed")],
    }
    return Finished(claimed, **(values | changes))


def _stale(claimed: Claimed) -> Claimed:
    return replace(claimed, lease=claimed.lease - 1)


def _together(queue: WorkQueue, *calls: Callable[[], object]) -> None:
    """Make the calls in one group."""
    with queue.group():
        for call in calls:
            call()


def _at_commit(queue: WorkQueue, monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> None:
    """Let something happen instead of the next commits."""
    dialect = queue._db._writes.dialect  # type: ignore[attr-defined]  # both kinds have it
    monkeypatch.setattr(dialect, "do_commit", lambda _: action())


def _fails(queue: WorkQueue) -> Callable[[], None]:
    def fail() -> None:
        raise queue._db.DRIVER_ERROR("the disk is gone")

    return fail


def test_nothing_of_a_group_is_there_before_it_has_ended_and_then_all_is(bench: Bench) -> None:
    one, two = _claimed(bench, 2)
    other = bench.another()
    with bench.queue.group():
        bench.finish(one, "document")
        bench.finish(two, "document")
        assert other.counts()[State.DELIVERING] == 0
        assert other.audit_head() is not None
    assert other.counts()[State.DELIVERING] == 2
    assert other.draft(one.case_ref) == other.draft(two.case_ref) == {"proposal": "BIFALL"}


def test_a_call_sees_what_the_calls_before_it_in_the_group_did(bench: Bench) -> None:
    (one,) = _claimed(bench, 1)
    with bench.queue.group():
        bench.finish(one, "document")
        assert bench.queue.draft(one.case_ref) == {"proposal": "BIFALL"}
        assert bench.item("case-0").state is State.DELIVERING
        (effect,) = bench.queue.pending_effects(one)
        assert bench.audit("case-0") == ["pulled", "case.assessed"]
        bench.queue.receipt(one, effect.key, "D-1")
        bench.queue.end(one, State.DELIVERED)
        head = bench.queue.audit_head()
    assert bench.audit("case-0") == ["pulled", "case.assessed", "ended.delivered"]
    assert bench.queue.audit_head() == head
    assert bench.queue.verify_audit().problems == ()


@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "between", "last"])
def test_a_stale_lease_in_a_group_fails_alone(bench: Bench, place: int) -> None:
    cases = _claimed(bench, 3)
    with bench.queue.group():
        for number, one in enumerate(cases):
            if number == place:
                with pytest.raises(StaleLease):
                    bench.finish(_stale(one), "document")
            else:
                bench.finish(one, "document")
    states = [bench.item(one.case_ref).state for one in cases]
    assert states == [State.ASSESSING if number == place else State.DELIVERING for number in range(3)]
    assert bench.audit(cases[place].case_ref) == ["pulled"]
    assert bench.queue.verify_audit().problems == ()


def test_a_call_that_has_stored_half_is_undone_whole_and_the_others_stand(bench: Bench) -> None:
    one, two, three = _claimed(bench, 3)
    with bench.queue.group():
        bench.finish(one, "document")
        with pytest.raises(PermanentQueueError, match="QUE-015"):
            bench.queue.finish(two, "ok", {}, writes(one, "document"), [AuditEvent("case.assessed")])
        bench.finish(three, "document")
    assert bench.item(two.case_ref).state is State.ASSESSING
    assert bench.queue.draft(two.case_ref) is None
    assert bench.audit(two.case_ref) == ["pulled"]
    assert bench.audit(three.case_ref) == ["pulled", "case.assessed"]
    assert bench.queue.integrity() == []
    assert bench.queue.verify_audit().problems == ()


def test_an_error_in_the_block_leaves_nothing_of_the_group(bench: Bench) -> None:
    one, two = _claimed(bench, 2)
    with pytest.raises(StaleLease):
        _together(bench.queue, lambda: bench.finish(one, "document"), lambda: bench.finish(_stale(two), "document"))
    assert bench.queue.counts()[State.ASSESSING] == 2
    assert bench.audit("case-0") == ["pulled"]
    bench.finish(one, "document")
    assert bench.queue.verify_audit().problems == ()


def test_when_the_commit_fails_nothing_of_the_group_is_stored(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _claimed(bench, 2)
    with monkeypatch.context() as patched:
        _at_commit(bench.queue, patched, _fails(bench.queue))
        with pytest.raises(QueueError):
            _together(bench.queue, lambda: bench.finish(one, "document"), lambda: bench.finish(two, "document"))
    assert bench.queue.counts()[State.ASSESSING] == 2
    assert bench.audit("case-0") == bench.audit("case-1") == ["pulled"]
    with bench.queue.group():
        bench.finish(one, "document")
    assert bench.queue.verify_audit().problems == ()


def test_a_group_within_a_group_is_a_part_of_it(bench: Bench) -> None:
    one, two = _claimed(bench, 2)

    def within() -> None:
        _together(bench.queue, lambda: bench.finish(one, "document"))
        assert bench.another().counts()[State.DELIVERING] == 0
        assert bench.queue.finish_many([_finished(two)]) == [None]
        raise LookupError

    with pytest.raises(LookupError):
        _together(bench.queue, within)
    assert bench.queue.counts()[State.ASSESSING] == 2


def test_a_group_that_changes_nothing_locks_nothing(bench: Bench) -> None:
    with bench.queue.group():
        assert bench.queue.counts()[State.READY] == 0
        assert bench.another().add(pulled()).created
        assert bench.queue.counts()[State.READY] == 1


def test_the_audit_tells_what_a_group_did_in_the_order_of_its_calls(bench: Bench) -> None:
    with bench.queue.group():
        for number in range(30):
            bench.queue.add(pulled(f"case-{number}"))
    seqs = [bench.queue.events(f"case-{number}")[0].seq for number in range(30)]
    assert seqs == sorted(seqs)


def test_many_are_finished_at_once_as_each_would_be_alone(bench: Bench) -> None:
    cases = _claimed(bench, 40)
    assert bench.queue.finish_many([_finished(one) for one in cases]) == [None] * 40
    for one in cases:
        assert bench.queue.draft(one.case_ref) == {"of": one.case_id}
        assert [effect.payload for effect in bench.queue.pending_effects(one)] == [{"text": "about document"}, {"text": "about warning"}]
        assert bench.audit(one.case_ref) == ["pulled", "case.assessed"]
        bench.queue.end(one, State.DELIVERED, done=[EffectDone(effect.key, "X-1") for effect in writes(one, "document", "warning")])
    assert bench.queue.counts()[State.DELIVERED] == 40
    assert bench.queue.integrity() == []
    assert bench.queue.verify_audit().problems == ()


def test_of_many_each_that_is_refused_is_named_and_the_others_are_stored(bench: Bench) -> None:
    good, stale, doubled, used, large, late = _claimed(bench, 6)
    with pytest.raises(PermanentQueueError, match="QUE-017"):
        bench.finish(large, draft={"text": "x" * 9_000_000})
    finished = [
        _finished(_stale(stale)),
        _finished(good),
        _finished(doubled),
        _finished(doubled, effects=[NewEffect("another", "document")]),
        _finished(used, effects=writes(good, "document")),
        _finished(large, draft={"text": "x" * 9_000_000}),
        _finished(late),
    ]
    refused = bench.queue.finish_many(finished)
    assert [getattr(one, "code", None) for one in refused] == ["QUE-010", None, None, "QUE-012", "QUE-015", "QUE-017", None]
    assert isinstance(refused[3], NotAllowed)
    assert {one.case_id for one in bench.queue.items(State.DELIVERING)} == {one.case_id for one in (good, doubled, late)}
    assert bench.audit(used.case_ref) == ["pulled"]
    assert bench.queue.verify_audit().problems == ()


def test_no_case_at_all_is_finished_without_a_word(bench: Bench) -> None:
    assert bench.queue.finish_many([]) == []


def test_the_last_receipts_and_the_end_are_stored_together_or_not_at_all(bench: Bench) -> None:
    claimed = bench.delivering("recommendation", "document")
    first, last = writes(claimed, "recommendation", "document")
    with pytest.raises(NotAllowed, match="QUE-014"):
        bench.queue.end(claimed, State.DELIVERED, done=[EffectDone(first.key, "R-1")])
    assert [effect.done_at is None for effect in bench.queue.effects("case-1")] == [True, True]
    with pytest.raises(PermanentQueueError, match="QUE-016"):
        bench.queue.receipts(claimed, [EffectDone(first.key, "R-1"), EffectDone("unheard:of", "X-1")])
    assert [effect.done_at is None for effect in bench.queue.effects("case-1")] == [True, True]
    bench.queue.receipts(claimed, [EffectDone(first.key, "R-1")])
    bench.queue.end(claimed, State.DELIVERED, done=[EffectDone(first.key, "R-1"), EffectDone(last.key, "D-1")])
    assert bench.item().state is State.DELIVERED
    assert bench.queue.integrity() == []


def test_groups_of_several_threads_neither_wait_for_ever_nor_break_the_chain(bench: Bench) -> None:
    bench.queue.add_many([pulled(f"case-{number}") for number in range(120)])
    together = threading.Barrier(3)

    def take(worker: str) -> int:
        together.wait()
        done = 0
        while claimed := bench.queue.claim(worker, 7, LEASE_S):
            with bench.queue.group():
                for one in claimed:
                    bench.queue.finish_many([_finished(one)])
            with bench.queue.group():
                for one in reversed(claimed):
                    bench.deliver(one)
                    bench.queue.end(one, State.DELIVERED)
            done += len(claimed)
        return done

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(take, "abc")) == 120
    assert bench.queue.counts()[State.DELIVERED] == 120
    assert bench.queue.verify_audit().problems == ()


def test_what_a_lost_database_refuses_to_one_call_is_refused_to_the_whole_group(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _claimed(bench, 2)
    tries: list[int] = []

    def no_transaction() -> Any:
        tries.append(1)
        raise RetriableQueueError("QUE-005")

    def refused(case: Claimed) -> None:
        with pytest.raises(RetriableQueueError):
            bench.finish(case, "document")

    with monkeypatch.context() as patched:
        patched.setattr(bench.queue._db, "_transaction", no_transaction)
        with pytest.raises(RetriableQueueError):
            _together(bench.queue, lambda: refused(one), lambda: refused(two))
    assert len(tries) == 1, "they do not wait in turn"
    assert bench.queue.counts()[State.ASSESSING] == 2


def test_when_the_audit_of_a_group_cannot_be_stored_early_nothing_of_the_group_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = _claimed(bench, 1)

    def look_at_the_audit() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(bench.queue._db, "chain_end", lambda tx: tx.exec_driver_sql("SELECT * FROM nowhere"))
            with pytest.raises(PermanentQueueError):
                bench.queue.audit_head()

    with pytest.raises(PermanentQueueError):
        _together(bench.queue, lambda: bench.finish(one, "document"), look_at_the_audit)
    assert bench.item("case-0").state is State.ASSESSING
    bench.finish(one, "document")
    assert bench.audit("case-0") == ["pulled", "case.assessed"]
    assert bench.queue.verify_audit().problems == ()
