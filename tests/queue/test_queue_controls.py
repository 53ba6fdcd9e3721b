"""Promises about a pause, about leaving cases to people, and about shadow mode."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.queue.queue_bench import LEASE_S, START, Bench, pulled
from workqueue import URGENT, Figure, NoSuchCase, NotAllowed, State, WorkQueue


def _claimed(queue: WorkQueue, **limits: bool) -> list[str]:
    return [one.case_id for one in queue.claim("worker", 10, LEASE_S, **limits)]


def _all_kinds(queue: WorkQueue) -> None:
    for kind in ("renewal", "first", "supplementary", None, "of another world"):
        queue.add(pulled(str(kind), kind=kind))


def test_what_is_paused_is_claimed_by_nobody_until_it_goes_on(bench: Bench) -> None:
    _all_kinds(bench.queue)
    bench.another().pause(None, "wrong amount", "kim")
    assert _claimed(bench.queue) == []
    assert bench.queue.unfinished().due == 0
    assert bench.queue.unfinished().held == 5

    bench.queue.resume(None, "mended", "kim")
    assert len(_claimed(bench.queue)) == 5


def test_a_pause_of_one_kind_holds_that_kind_and_what_may_be_of_it(queue: WorkQueue) -> None:
    _all_kinds(queue)
    queue.pause("first", "wrong amount", "kim")
    assert set(_claimed(queue)) == {"renewal", "supplementary"}


def test_a_pause_keeps_neither_urgent_cases_nor_those_at_their_deadline(bench: Bench) -> None:
    bench.queue.add(pulled("urgent", priority=URGENT, kind="first"))
    bench.queue.add(pulled("late", kind="first", deadline=START + timedelta(hours=1)))
    bench.queue.add(pulled("not yet", kind="first", deadline=START + timedelta(hours=9)))
    bench.queue.pause(None, "wrong amount", "kim")
    assert _claimed(bench.queue) == ["urgent"]
    bench.clock.advance(hours=1)
    (late,) = bench.queue.claim("worker", 10, LEASE_S)
    assert (late.case_id, late.paused) == ("late", True)


def test_a_paused_case_that_rests_is_handed_out_at_its_deadline(bench: Bench) -> None:
    bench.into(State.WAITING_FOR_INCOME)
    bench.queue.pause(None, "wrong amount", "kim")
    bench.clock.advance(hours=2)
    assert bench.queue.release_due() == 1
    assert _claimed(bench.queue) == []
    bench.clock.advance(hours=22)
    assert _claimed(bench.queue) == ["case-1"]


def test_what_is_half_written_is_finished_while_paused(bench: Bench) -> None:
    bench.into(State.TO_DELIVER)
    bench.queue.pause(None, "wrong amount", "kim")
    (claimed,) = bench.queue.claim("worker", 10, LEASE_S)
    assert claimed.state is State.DELIVERING


def test_a_suspect_case_that_is_paused_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.assessing("suspect", kind="first")
    bench.clock.advance(seconds=LEASE_S)
    bench.queue.release_expired()
    bench.queue.pause("first", "wrong amount", "kim")
    assert not bench.queue.due_after_rescues(1)
    bench.queue.resume("first", "mended", "kim")
    assert bench.queue.due_after_rescues(1)


def test_pauses_are_told_with_since_and_by_whom_and_the_reasons_are_in_the_audit(bench: Bench) -> None:
    bench.queue.pause("first", "wrong amount", "kim")
    bench.clock.advance(hours=1)
    bench.queue.pause("first", "said again", "robin")
    bench.queue.pause(None, "all wrong", "robin")
    assert [(one.what, one.by, one.since) for one in bench.queue.pauses()] == [
        ("first", "kim", START),
        ("all", "robin", START + timedelta(hours=1)),
    ]
    assert [one.what for one in bench.queue.resume(None, "mended", "kim")] == ["first", "all"]
    assert bench.queue.resume(None, "mended", "kim") == []
    told = [(event.what, event.actor, event.details["reason"]) for event in bench.queue.events("store")]
    assert told == [
        ("robot.paused", "kim", "wrong amount"),
        ("robot.paused", "robin", "said again"),
        ("robot.paused", "robin", "all wrong"),
        ("robot.resumed", "kim", "mended"),
    ]
    assert bench.queue.verify_audit().problems == ()


def test_a_kind_that_does_not_exist_cannot_be_paused(queue: WorkQueue) -> None:
    with pytest.raises(ValueError, match="renewal"):
        queue.pause("of another world", "why", "kim")


def test_a_quiet_time_is_a_pause_that_keeps_no_deadline_from_being_met(bench: Bench) -> None:
    bench.queue.add(pulled("waits"))
    bench.queue.add(pulled("urgent", priority=URGENT))
    assert _claimed(bench.queue, quiet=True) == ["urgent"]
    bench.clock.advance(hours=24)
    (late,) = bench.queue.claim("worker", 10, LEASE_S, quiet=True)
    assert (late.case_id, late.paused) == ("waits", False)


@pytest.mark.parametrize("state", [State.READY, State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER])
def test_a_case_that_is_left_to_a_person_is_handed_out_at_once_also_while_paused(bench: Bench, state: State) -> None:
    bench.into(state)
    bench.queue.pause(None, "long stop", "kim")
    bench.queue.hand_over("case-1", "long stop", "kim")
    bench.queue.release_due()
    claimed = bench.claim_one()
    assert claimed.to_person
    assert "hand_over_ordered" in bench.audit()


@pytest.mark.parametrize("state", [one for one in State if one not in {State.READY, State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER}])
def test_what_is_in_hand_half_written_or_ended_is_not_left_to_a_person(bench: Bench, state: State) -> None:
    bench.into(state)
    before = bench.item(bench.first_ref)
    with pytest.raises(NotAllowed):
        bench.queue.hand_over(bench.first_ref, "long stop", "kim")
    bench.queue.hand_over_all("long stop", "kim")
    assert bench.item(bench.first_ref) == before


def test_all_that_nobody_has_is_left_to_people_once(bench: Bench) -> None:
    bench.assessing("in hand")
    bench.queue.add_many([pulled(f"case-{number}") for number in range(3)])
    assert bench.queue.hand_over_all("long stop", "kim") == 3
    assert bench.queue.hand_over_all("long stop", "kim") == 0
    assert all(one.to_person for one in bench.queue.claim("worker", 10, LEASE_S))
    with pytest.raises(NoSuchCase):
        bench.queue.hand_over("nowhere", "long stop", "kim")


def test_a_new_version_or_an_order_of_ops_takes_the_case_back_from_the_people(bench: Bench) -> None:
    bench.queue.add(pulled())
    bench.queue.hand_over("case-1", "long stop", "kim")
    bench.queue.requeue("case-1", "no stop after all", "kim")
    assert not bench.claim_one().to_person
    bench.queue.add(pulled("case-2"))
    bench.queue.hand_over("case-2", "long stop", "kim")
    bench.queue.add(pulled("case-2", "v2"))
    assert not bench.claim_one().to_person


def test_a_case_that_is_taken_back_from_the_people_has_time_again_and_waits_while_its_kind_is_paused(bench: Bench) -> None:
    bench.queue.add(pulled(kind="first"))
    bench.queue.hand_over("case-1", "long stop", "kim")
    bench.queue.pause("first", "wrong amount", "kim")
    bench.queue.requeue("case-1", "no stop after all", "kim")
    assert _claimed(bench.queue) == []
    bench.queue.resume("first", "mended", "kim")
    assert bench.claim_one().deadline == START + timedelta(hours=24)


def test_one_case_is_claimed_by_itself_whatever_is_paused_but_never_from_another_worker(bench: Bench) -> None:
    ref = bench.queue.add(pulled()).case_ref
    bench.queue.add(pulled("other"))
    bench.queue.pause(None, "wrong amount", "kim")
    claimed = bench.queue.claim_one("worker", ref, LEASE_S)
    assert claimed is not None
    assert (claimed.case_ref, claimed.lease, claimed.paused) == (ref, 1, False)
    assert bench.another().claim_one("other", ref, LEASE_S) is None


def test_what_was_computed_in_shadow_leaves_nothing_to_write(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.queue.finish_in_shadow(claimed, "ok", {"proposal": "BIFALL"})
    assert bench.item().state is State.SHADOWED
    assert bench.item().outcome == "ok"
    assert bench.queue.effects("case-1") == []
    assert bench.queue.draft("case-1") == {"proposal": "BIFALL"}
    assert _claimed(bench.queue) == []
    assert bench.queue.integrity() == []


def test_going_live_assesses_anew_what_was_computed_in_shadow_under_the_next_run(bench: Bench) -> None:
    bench.queue.finish_in_shadow(bench.assessing(), "ok", {})
    bench.queue.finish_in_shadow(bench.assessing("changed"), "ok", {})
    bench.queue.add(pulled("changed", "v2"))
    bench.clock.advance(hours=500)

    assert bench.queue.go_live() == 1
    assert bench.queue.go_live() == 0
    again = {one.case_id: one for one in bench.queue.claim("worker", 10, LEASE_S)}
    assert (again["case-1"].run, again["case-1"].state, again["case-1"].outcome) == (2, State.ASSESSING, None)
    assert again["case-1"].deadline == bench.clock.now() + timedelta(hours=24)
    assert again["changed"].version == "v2"


def test_in_shadow_nothing_that_is_half_written_is_claimed(benches: Callable[[], Bench]) -> None:
    bench = benches()
    bench.into(State.TO_DELIVER)
    bench.queue.add(pulled("new"))
    assert _claimed(bench.queue, deliver=False) == ["new"]
    bench.clock.advance(hours=48)
    assert _claimed(bench.queue, deliver=False) == []
    ref = bench.item().case_ref
    assert bench.queue.claim_one("worker", ref, LEASE_S, deliver=False) is None
    assert bench.queue.claim_one("worker", ref, LEASE_S) is not None


def test_what_came_of_many_cases_is_told_newest_first_and_goes_when_it_is_old(bench: Bench) -> None:
    for number in (25, 26):
        bench.queue.add_tally(f"b{number}", {"all": Figure(number, None), "average.norm": Figure(number, number * 10**12)})
        bench.clock.advance(hours=1)
    assert [(one.figures["all"], one.figures["average.norm"].ore) for one in bench.another().tallies()] == [
        (Figure(26, None), 26 * 10**12),
        (Figure(25, None), 25 * 10**12),
    ]
    bench.clock.advance(hours=24 * 121)
    bench.queue.add_tally("new", {"all": Figure(25, None)})
    assert len(bench.queue.tallies()) == 1


def test_an_amount_of_so_few_cases_that_it_might_tell_of_one_is_refused(queue: WorkQueue) -> None:
    with pytest.raises(ValueError, match="20 cases"):
        queue.add_tally("few", {"all": Figure(25, None), "average.need": Figure(19, 100_000)})
    assert queue.tallies() == []


@pytest.mark.parametrize(("who", "left"), [("kim", 1), ("bistandsrobot", 0)])
def test_what_a_person_lets_go_on_after_the_robot_stopped_itself_is_measured_anew(queue: WorkQueue, who: str, left: int) -> None:
    queue.add_tally("before", {"all": Figure(25, None)})
    queue.pause(None, "something has jumped", who)
    queue.resume(None, "it is right", "kim")
    assert len(queue.tallies()) == left
