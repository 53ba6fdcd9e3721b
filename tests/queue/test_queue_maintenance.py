"""Promises about what happens without a worker: waking, putting back, lists, and checks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.queue.queue_bench import LEASE_S, START, Bench, pulled, writes
from workqueue import URGENT, NoSuchCase, NotAllowed, State, WorkQueue


@pytest.mark.parametrize("state", [State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER])
def test_a_resting_case_is_woken_when_its_time_has_come_and_not_before(bench: Bench, state: State) -> None:
    bench.into(state)
    assert bench.queue.release_due() == 0
    assert bench.queue.claim("worker", 10, LEASE_S) == []
    bench.clock.advance(hours=1)
    assert bench.queue.release_due() == 1
    assert bench.claim_one().state is State.ASSESSING


def test_a_resting_case_is_woken_at_its_deadline_at_the_latest(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.queue.rest(claimed, State.WAITING_FOR_INCOME, bench.in_hours(48), "income_month_open")
    bench.clock.world = claimed.deadline
    assert bench.queue.release_due() == 1


def test_cases_of_one_resting_state_can_be_woken_at_once(bench: Bench) -> None:
    bench.queue.rest(bench.assessing("a"), State.WAITING_FOR_REGISTER, bench.in_hours(5), "register.unavailable")
    bench.queue.rest(bench.assessing("b"), State.WAITING_FOR_INCOME, bench.in_hours(5), "income_month_open")
    assert bench.queue.release_due(at_once=State.WAITING_FOR_REGISTER) == 1
    assert bench.claim_one().case_id == "a"


@pytest.mark.parametrize("state", [State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER])
def test_ops_can_have_a_resting_case_looked_at_now(bench: Bench, state: State) -> None:
    bench.into(state)
    assert bench.queue.requeue("case-1", "register tillbaka", "ops").state is State.READY
    claimed = bench.claim_one()
    assert claimed.run == 1, "it is the same run: nothing was stored yet"


def test_ops_can_end_the_wait_after_a_failure(bench: Bench) -> None:
    bench.queue.try_later(bench.delivering(), bench.in_hours(5), "NET-001")
    assert bench.queue.requeue("case-1", "the case system is back", "ops").state is State.TO_DELIVER
    assert bench.claim_one().attempts == 0


@pytest.mark.parametrize("end", [State.DELIVERED, State.HANDED_OVER])
def test_an_ended_case_put_back_is_prepared_anew_under_the_next_run(bench: Bench, end: State) -> None:
    bench.ended(end)
    bench.clock.advance(hours=100)
    item = bench.queue.requeue("case-1", "the applicant called", "anna.ops")

    assert (item.state, item.run, item.outcome, item.ended_at) == (State.READY, 2, None, None)
    assert item.deadline == bench.in_hours(24), "a deadline long past must not send it away at once"
    claimed = bench.claim_one()
    bench.finish(claimed, "recommendation")
    assert [effect.run for effect in bench.queue.effects("case-1")] == [1, 1, 2]


def test_a_case_parked_before_anything_was_stored_is_assessed_again(bench: Bench) -> None:
    bench.into(State.PARKED)
    assert bench.item().reason == "CASE-001"
    item = bench.queue.requeue("case-1", "repaired", "ops")
    assert (item.state, item.run, item.reason) == (State.READY, 1, None)


def test_a_case_parked_while_delivering_goes_on_where_it_stood(bench: Bench) -> None:
    claimed = bench.delivering("a", "b")
    bench.queue.receipt(claimed, bench.queue.pending_effects(claimed)[0].key, "reference")
    bench.queue.park(claimed, "CASE-001")
    item = bench.queue.requeue("case-1", "repaired", "ops")

    assert (item.state, item.run, item.outcome) == (State.TO_DELIVER, 1, "ok")
    assert [effect.kind for effect in bench.queue.pending_effects(bench.claim_one())] == ["b"]


def test_a_case_parked_while_delivering_can_be_prepared_anew(bench: Bench) -> None:
    bench.queue.park(bench.delivering("a", "b"), "CASE-001")
    item = bench.queue.requeue("case-1", "the program was mended", "ops", anew=True)
    assert (item.state, item.run) == (State.READY, 2)
    claimed = bench.claim_one()
    bench.finish(claimed, "a")
    assert len(bench.queue.pending_effects(claimed)) == 1


@pytest.mark.parametrize("state", [State.ASSESSING, State.DELIVERING, State.TAKEN_BY_PERSON])
def test_a_case_in_other_hands_is_not_put_back(bench: Bench, state: State) -> None:
    bench.into(state)
    before = bench.item()
    with pytest.raises(NotAllowed):
        bench.queue.requeue("case-1", "why not", "ops")
    assert bench.item() == before


def test_an_older_version_is_never_put_back(bench: Bench) -> None:
    old = bench.ended()
    bench.queue.add(pulled(version="v2"))
    with pytest.raises(NotAllowed):
        bench.queue.requeue(old.case_ref, "why not", "ops")


def test_putting_back_a_case_that_is_not_there_says_so(queue: WorkQueue) -> None:
    with pytest.raises(NoSuchCase) as caught:
        queue.requeue("Anna Andersson", "why not", "ops")
    assert "Anna" not in str(caught.value)
    assert caught.value.code == "QUE-013"


def test_who_put_a_case_back_and_why_is_kept(bench: Bench) -> None:
    bench.ended()
    bench.queue.requeue("case-1", "sökanden ringde", "anna ops!")
    last = bench.queue.events("case-1")[-1]
    assert (last.what, last.actor, last.details) == ("requeued", "anna_ops_", {"reason": "sökanden ringde", "from": "delivered"})


def test_counts_name_every_state(bench: Bench) -> None:
    bench.queue.add(pulled("a"))
    bench.queue.add(pulled("b"))
    bench.queue.claim("worker", 1, LEASE_S)
    counts = bench.queue.counts()
    assert set(counts) == set(State)
    assert {state: count for state, count in counts.items() if count} == {State.READY: 1, State.ASSESSING: 1}


def test_the_oldest_case_of_each_state_is_known(bench: Bench) -> None:
    bench.queue.add(pulled("a"))
    bench.clock.advance(hours=1)
    bench.queue.add(pulled("b"))
    bench.queue.claim("worker", 1, LEASE_S)
    assert bench.queue.oldest() == {State.ASSESSING: START, State.READY: START + timedelta(hours=1)}


def test_lists_show_the_newest_version_of_each_case_urgent_ones_first_page_by_page(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.queue.add(pulled(name))
    bench.queue.add(pulled("c", "v2"))
    bench.queue.add(pulled("u", priority=URGENT, deadline=bench.in_hours(30)))

    first = bench.queue.items(limit=2)
    rest = bench.queue.items(after=first[-1].id)
    assert [item.case_id for item in (*first, *rest)] == ["u", "a", "b", "c"]
    assert rest[-1].version == "v2"
    assert [item.version for item in bench.queue.items(State.SUPERSEDED)] == ["v1"]
    assert bench.queue.items("delivered") == []


def test_a_case_is_found_by_its_id_and_by_its_reference(bench: Bench) -> None:
    old = bench.queue.add(pulled())
    new = bench.queue.add(pulled(version="v2"))
    assert bench.item("case-1").case_ref == new.case_ref
    assert bench.item(old.case_ref).version == "v1"


def test_what_is_unfinished_is_told_apart_by_what_it_waits_for(bench: Bench) -> None:
    queue = bench.queue
    assert not queue.unfinished()
    queue.rest(bench.assessing("a"), State.WAITING_FOR_INCOME, bench.in_hours(3), "income_month_open")
    assert not queue.unfinished(), "nothing can be done about it now"
    assert queue.unfinished().next_at == bench.in_hours(3)

    queue.rest(bench.assessing("b"), State.WAITING_FOR_REGISTER, bench.in_hours(2), "register.unavailable")
    queue.try_later(bench.assessing("c"), bench.in_hours(1), "NET-001")
    bench.assessing("d")
    queue.add(pulled("e"))
    left = queue.unfinished()
    assert left
    assert (left.due, left.leased, left.later, left.waiting_for_register, left.waiting_for_income) == (1, 1, 1, 1, 1)
    assert left.next_at == bench.in_hours(1)


def test_a_queue_in_order_has_no_problems(bench: Bench) -> None:
    bench.ended()
    bench.queue.add(pulled(version="v2"))
    bench.queue.end(bench.claim_one(), State.TAKEN_BY_PERSON)
    bench.queue.add(pulled("other"))
    assert bench.queue.integrity() == []


def test_everything_stands_after_the_queue_is_opened_again(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.queue.finish(claimed, "ok", {"a": 1}, writes(claimed, "a"))
    bench.queue.close()

    again = bench.another()
    assert [effect.kind for effect in again.pending_effects(claimed)] == ["a"]
    assert again.draft("case-1") == {"a": 1}


def test_a_derived_key_is_the_same_each_time_and_another_for_each_purpose(bench: Bench) -> None:
    assert bench.queue.derived_key("control-sample") == bench.another().derived_key("control-sample")
    assert bench.queue.derived_key("control-sample") != bench.queue.derived_key("other")
    assert len(bench.queue.derived_key("control-sample")) == 32
