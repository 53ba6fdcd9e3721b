"""Promises about outcomes and writes: stored whole or not at all, in order, each with its receipt."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.queue.queue_bench import START, Bench, pulled, writes
from workqueue import AuditEvent, EffectDone, NewEffect, NotAllowed, PermanentQueueError, State, WorkQueue


def test_an_outcome_its_draft_writes_and_audit_are_stored_together(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.queue.finish(claimed, "review", {"lines": [1, 2]}, writes(claimed, "a", "b"), [AuditEvent("case.assessed", "robot", {"x": 1})])

    item = bench.item()
    assert (item.state, item.outcome, item.leased_by) == (State.DELIVERING, "review", "worker")
    assert bench.queue.draft("case-1") == {"lines": [1, 2]}
    assert [(effect.kind, effect.payload) for effect in bench.queue.pending_effects(claimed)] == [
        ("a", {"text": "about a"}),
        ("b", {"text": "about b"}),
    ]
    last = bench.queue.events("case-1")[-1]
    assert (last.what, last.actor, last.at) == ("case.assessed", "robot", START)
    assert last.details == {"x": 1, "draft_sha256": hashlib.sha256(b'{"lines":[1,2]}').hexdigest()}, "it tells which draft it is about"


def test_an_outcome_that_cannot_be_stored_whole_is_not_stored_at_all(bench: Bench) -> None:
    claimed = bench.assessing()
    twice = [NewEffect("same", "a"), NewEffect("same", "b")]
    with pytest.raises(PermanentQueueError) as caught:
        bench.queue.finish(claimed, "ok", {"proposal": "BIFALL"}, twice, [AuditEvent("case.assessed")])

    assert caught.value.code == "QUE-015"
    assert bench.item().state is State.ASSESSING
    assert bench.queue.draft("case-1") is None
    assert bench.queue.effects("case-1") == []
    assert bench.audit() == ["pulled"]


def test_an_effect_key_is_used_once_for_ever(bench: Bench) -> None:
    first = bench.assessing("case-1")
    bench.queue.finish(first, "ok", {}, [NewEffect("key", "a")])
    second = bench.assessing("case-2")
    with pytest.raises(PermanentQueueError) as caught:
        bench.queue.finish(second, "ok", {}, [NewEffect("key", "a")])
    assert caught.value.code == "QUE-015"


def test_a_case_is_finished_once_a_run(bench: Bench) -> None:
    claimed = bench.delivering()
    with pytest.raises(NotAllowed):
        bench.finish(claimed, "other")


def test_an_unknown_outcome_never_gets_in(bench: Bench) -> None:
    claimed = bench.assessing()
    with pytest.raises(ValueError, match="stop"):
        bench.finish(claimed, "recommendation", outcome="stop")
    assert bench.item().state is State.ASSESSING


def test_a_receipt_takes_its_write_off_the_list(bench: Bench) -> None:
    claimed = bench.delivering("a", "b", "c")
    first, second, third = bench.queue.pending_effects(claimed)
    bench.queue.receipt(claimed, second.key, "reference", found=True)

    assert bench.queue.pending_effects(claimed) == [first, third]
    status = bench.queue.effects("case-1")[1]
    assert (status.done_at, status.found) == (START, True)


def test_a_second_receipt_changes_nothing(bench: Bench) -> None:
    claimed = bench.delivering("a")
    key = bench.queue.pending_effects(claimed)[0].key
    bench.queue.receipt(claimed, key, "reference")
    before = bench.queue.effects("case-1")
    bench.clock.advance(hours=1)
    bench.queue.receipt(claimed, key, "another", found=True)
    assert bench.queue.effects("case-1") == before


def test_a_receipt_for_a_write_the_case_does_not_have_is_an_error(bench: Bench) -> None:
    claimed = bench.delivering("a")
    with pytest.raises(PermanentQueueError) as caught:
        bench.queue.receipt(claimed, "other", "reference")
    assert caught.value.code == "QUE-016"


@pytest.mark.parametrize("end", [State.DELIVERED, State.HANDED_OVER])
def test_a_case_does_not_end_as_delivered_while_a_write_is_pending(bench: Bench, end: State) -> None:
    claimed = bench.delivering("a", "b")
    bench.queue.receipt(claimed, bench.queue.pending_effects(claimed)[0].key, "reference")
    with pytest.raises(NotAllowed) as caught:
        bench.queue.end(claimed, end, [AuditEvent("case.delivered")])

    assert caught.value.code == "QUE-014"
    assert bench.item().state is State.DELIVERING
    assert "case.delivered" not in bench.audit()
    bench.deliver(claimed)
    bench.queue.end(claimed, end, [AuditEvent("case.delivered")])
    assert bench.item().state is end
    assert bench.item().ended_at == START


def test_a_case_without_writes_can_end(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.queue.finish(claimed, "handed_over", {}, [])
    bench.queue.end(claimed, State.HANDED_OVER)
    assert bench.queue.integrity() == []


@pytest.mark.parametrize("began", [False, True], ids=["before anything is stored", "while delivering"])
def test_a_case_taken_by_a_person_ends_and_its_pending_writes_are_never_made(bench: Bench, began: bool) -> None:
    claimed = bench.delivering() if began else bench.assessing()
    bench.queue.end(claimed, State.TAKEN_BY_PERSON, [AuditEvent("case.taken")])

    assert (bench.item().state, bench.item().outcome) == (State.TAKEN_BY_PERSON, "taken_by_person")
    assert bench.queue.claim("worker", 10, 60) == []
    assert not bench.queue.unfinished()


@pytest.mark.parametrize("end", [State.SUPERSEDED, State.PARKED, State.READY])
def test_a_case_ends_only_in_an_end(bench: Bench, end: State) -> None:
    claimed = bench.delivering()
    with pytest.raises(ValueError, match="a case ends as one of"):
        bench.queue.end(claimed, end)


def test_what_was_never_finished_cannot_end_as_delivered(bench: Bench) -> None:
    claimed = bench.assessing()
    with pytest.raises(NotAllowed):
        bench.queue.end(claimed, State.DELIVERED)
    assert bench.item().state is State.ASSESSING


def test_amending_puts_new_writes_in_place_of_the_pending_ones_and_keeps_the_done(bench: Bench) -> None:
    claimed = bench.delivering("native", "recommendation", "document")
    native, recommendation, _ = bench.queue.pending_effects(claimed)
    new = [NewEffect(native.key, "native"), NewEffect(recommendation.key, "recommendation", {"value": "REVIEW"}), NewEffect("w", "warning")]

    bench.queue.amend(
        claimed, "review", {"proposal": None}, new, [AuditEvent("case.draft_differs")], done=EffectDone(native.key, "row 7", found=True)
    )

    assert bench.item().outcome == "review"
    assert bench.queue.draft("case-1") == {"proposal": None}
    assert [(one.kind, one.payload) for one in bench.queue.pending_effects(claimed)] == [
        ("recommendation", {"value": "REVIEW"}),
        ("warning", {}),
    ]
    assert [(one.kind, one.done_at is not None) for one in bench.queue.effects("case-1")] == [
        ("native", True),
        ("recommendation", False),
        ("warning", False),
    ]


def test_an_amendment_that_fails_leaves_everything_as_it_was(bench: Bench) -> None:
    claimed = bench.delivering("native", "recommendation")
    before = (bench.queue.pending_effects(claimed), bench.queue.draft("case-1"), bench.item())
    with pytest.raises(PermanentQueueError):
        bench.queue.amend(claimed, "review", {"proposal": None}, [NewEffect("n", "a"), NewEffect("n", "b")])
    assert (bench.queue.pending_effects(claimed), bench.queue.draft("case-1"), bench.item()) == before


def test_an_assessment_that_was_never_stored_cannot_be_amended(bench: Bench) -> None:
    claimed = bench.assessing()
    with pytest.raises(NotAllowed):
        bench.queue.amend(claimed, "review", {}, [])


def test_the_latest_draft_is_that_of_the_newest_version_and_run(bench: Bench) -> None:
    assert bench.queue.draft("case-1") is None
    first = bench.delivering()
    bench.queue.add(pulled(version="v2"))
    assert bench.queue.draft("case-1") == {"proposal": "BIFALL"}, "what was drafted last, until the new version has its own"

    bench.clock.advance(minutes=1)
    second = bench.claim_one()
    bench.finish(second, "recommendation", draft={"proposal": "AVSLAG"})
    assert bench.queue.draft("case-1") == {"proposal": "AVSLAG"}
    assert bench.queue.draft(second.case_ref) == {"proposal": "AVSLAG"}
    assert bench.queue.draft(first.case_ref) == {"proposal": "BIFALL"}


@pytest.mark.parametrize(
    "draft",
    [{}, {"text": "å" * 200_000}, {"deep": [{"a": [None, True, 1, -7, "kr"]}]}, {"lines": [{"key": f"cost.{n}"} for n in range(3000)]}],
    ids=["empty", "long", "deep", "many"],
)
def test_a_draft_comes_back_as_it_went_in(bench: Bench, draft: dict[str, Any]) -> None:
    bench.finish(bench.assessing(), "recommendation", draft=draft)
    assert bench.another().draft("case-1") == draft


def test_more_than_the_limits_is_refused_and_nothing_is_stored(bench: Bench) -> None:
    claimed = bench.assessing()
    with pytest.raises(ValueError, match="the limit is 100"):
        bench.queue.finish(claimed, "ok", {}, [NewEffect(str(n), "a") for n in range(101)])
    with pytest.raises(ValueError, match="the limit is 100"):
        bench.queue.finish(claimed, "ok", {}, [], [AuditEvent("a")] * 101)
    with pytest.raises(PermanentQueueError) as caught:
        bench.queue.finish(claimed, "ok", {"text": "x" * 9_000_000}, [])
    assert caught.value.code == "QUE-017"
    assert bench.item().state is State.ASSESSING


def test_asking_about_a_case_that_is_not_there_gives_nothing(queue: WorkQueue) -> None:
    assert queue.draft("nobody") is None
    assert queue.item("nobody") is None
    assert queue.effects("nobody") == []
    assert queue.events("nobody") == []
