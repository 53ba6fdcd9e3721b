"""Promises about who has a case, for how long, and what a late worker may do: nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.queue.queue_bench import LEASE_S, START, Bench, pulled, writes
from workqueue import NORMAL, URGENT, Claimed, NotAllowed, StaleLease, State, WorkQueue


def test_a_case_is_claimed_by_one_worker_only(bench: Bench) -> None:
    bench.queue.add(pulled())
    assert len(bench.queue.claim("one", 10, LEASE_S)) == 1
    assert bench.another().claim("two", 10, LEASE_S) == []


def test_urgent_cases_come_first_then_those_with_the_nearest_deadline(queue: WorkQueue) -> None:
    queue.add(pulled("late", deadline=START + timedelta(hours=30)))
    queue.add(pulled("soon", deadline=START + timedelta(hours=20)))
    queue.add(pulled("soon too", deadline=START + timedelta(hours=20)))
    queue.add(pulled("urgent", priority=URGENT, deadline=START + timedelta(hours=40)))

    assert [one.case_id for one in queue.claim("worker", 3, LEASE_S)] == ["urgent", "soon", "soon too"]
    (last,) = queue.claim("worker", 3, LEASE_S)
    assert (last.case_id, last.priority) == ("late", NORMAL)


def test_a_claim_holds_what_the_worker_needs(bench: Bench) -> None:
    added = bench.queue.add(pulled())
    claimed = bench.claim_one()
    assert claimed == Claimed(
        id=1,
        case_ref=added.case_ref,
        case_system="caremanagement",
        case_id="case-1",
        version="v1",
        run=1,
        lease=1,
        state=State.ASSESSING,
        priority=NORMAL,
        deadline=START + timedelta(hours=24),
        first_pulled_at=START,
        attempts=0,
        rescues=0,
        waiting_since=None,
        month="2026-12",
        outcome=None,
        number="EB-case-1",
        assigned_to="joe01doe",
    )


def test_what_is_claimed_shows_no_personal_data_when_printed(bench: Bench) -> None:
    claimed = bench.assessing(number="EB-SECRET", assigned_to="SECRET")
    assert "SECRET" not in repr(claimed)
    assert "SECRET" not in repr(pulled(number="EB-SECRET", assigned_to="SECRET"))


def test_a_heartbeat_keeps_the_lease(bench: Bench) -> None:
    claimed = bench.assessing()
    for _ in range(5):
        bench.clock.advance(seconds=LEASE_S * 0.8)
        assert bench.queue.heartbeat([claimed], LEASE_S) == {claimed.id}
        assert bench.queue.release_expired() == []


def test_a_case_whose_worker_is_silent_is_taken_back_and_counted(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.clock.advance(seconds=LEASE_S)

    assert bench.queue.release_expired() == [claimed.case_ref]
    assert bench.queue.heartbeat([claimed], LEASE_S) == set()
    again = bench.claim_one()
    assert (again.state, again.rescues, again.lease) == (State.ASSESSING, 1, 2)
    assert "rescued" in bench.audit()


def test_a_rescued_delivery_goes_on_where_its_receipts_end(bench: Bench) -> None:
    slow = bench.delivering("recommendation", "document")
    bench.queue.receipt(slow, bench.queue.pending_effects(slow)[0].key, "reference")
    bench.clock.advance(seconds=LEASE_S)
    bench.queue.release_expired()

    fast = bench.claim_one()
    assert fast.state is State.DELIVERING
    assert [effect.kind for effect in bench.queue.pending_effects(fast)] == ["document"]


def test_a_lease_from_before_the_clock_was_set_back_runs_out_too(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.clock.machine -= 100_000
    assert bench.queue.release_expired() == [claimed.case_ref]


def test_the_worlds_time_does_not_end_a_lease(bench: Bench) -> None:
    bench.assessing()
    bench.clock.world += timedelta(days=30)
    assert bench.queue.release_expired() == []


LATE: dict[str, Callable[[Bench, Claimed], object]] = {
    "finish": lambda bench, late: bench.finish(late, "recommendation"),
    "rest": lambda bench, late: bench.queue.rest(late, State.WAITING_FOR_INCOME, START, "income_month_open"),
    "try_later": lambda bench, late: bench.queue.try_later(late, START, "NET-001"),
    "park": lambda bench, late: bench.queue.park(late, "CASE-001"),
    "end": lambda bench, late: bench.queue.end(late, State.TAKEN_BY_PERSON),
    "pending_effects": lambda bench, late: bench.queue.pending_effects(late),
    "receipt": lambda bench, late: bench.queue.receipt(late, "key", "reference"),
    "amend": lambda bench, late: bench.queue.amend(late, "review", {}, writes(late, "other")),
}


@pytest.mark.parametrize("what", LATE)
@pytest.mark.parametrize("overtaken", [False, True], ids=["taken back", "claimed by another"])
def test_a_late_worker_stores_nothing(bench: Bench, what: str, overtaken: bool) -> None:
    late = bench.assessing()
    bench.clock.advance(seconds=LEASE_S)
    bench.queue.release_expired()
    if overtaken:
        bench.claim_one("fast")
    before = (bench.item(), bench.audit(), bench.queue.effects("case-1"), bench.queue.draft("case-1"))

    with pytest.raises(StaleLease) as caught:
        LATE[what](bench, late)

    assert caught.value.case_ref == late.case_ref
    assert (bench.item(), bench.audit(), bench.queue.effects("case-1"), bench.queue.draft("case-1")) == before


def test_a_late_worker_cannot_overwrite_the_rescued_case(bench: Bench) -> None:
    slow = bench.assessing()
    bench.clock.advance(minutes=10)
    bench.queue.release_expired()
    fast = bench.claim_one("fast")
    bench.finish(fast, "recommendation", draft={"proposal": "BIFALL"})

    with pytest.raises(StaleLease):
        bench.finish(slow, "recommendation", draft={"proposal": "AVSLAG"})

    assert bench.queue.draft("case-1") == {"proposal": "BIFALL"}


def test_a_worker_that_is_late_but_not_yet_missed_may_still_finish(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.clock.advance(minutes=10)
    bench.finish(claimed, "recommendation")
    assert bench.item().state is State.DELIVERING


def test_a_case_tried_later_is_claimed_again_only_then(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.queue.try_later(claimed, bench.in_hours(1), "NET-001")

    assert bench.queue.claim("worker", 10, LEASE_S) == []
    assert bench.item().reason == "NET-001"
    bench.clock.advance(hours=1)
    again = bench.claim_one()
    assert (again.state, again.attempts) == (State.ASSESSING, 1)


def test_a_delivery_tried_later_goes_on_as_a_delivery(bench: Bench) -> None:
    claimed = bench.delivering()
    bench.queue.try_later(claimed, bench.in_hours(1), "NET-001")
    bench.clock.advance(hours=1)
    again = bench.claim_one()
    assert (again.state, again.attempts, again.outcome) == (State.DELIVERING, 1, "ok")


def test_progress_begins_the_attempts_anew(bench: Bench) -> None:
    bench.queue.try_later(bench.assessing(), START, "NET-001")
    claimed = bench.claim_one()
    bench.finish(claimed, "recommendation")
    assert bench.item().attempts == 0


def test_no_wait_goes_past_a_deadline_that_is_still_to_come(bench: Bench) -> None:
    deadline = START + timedelta(hours=24)
    bench.queue.try_later(bench.assessing(), bench.in_hours(100), "NET-001")
    assert bench.item().not_before == deadline

    bench.clock.advance(hours=23)
    bench.queue.requeue("case-1", "now", "ops")
    bench.queue.rest(bench.claim_one(), State.WAITING_FOR_INCOME, bench.in_hours(100), "income_month_open")
    assert bench.item().not_before == deadline


def test_after_the_deadline_a_failed_try_waits_as_told_and_a_rest_is_due_at_once(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.clock.advance(hours=25)
    bench.queue.try_later(claimed, bench.in_hours(1), "NET-001")
    assert bench.item().not_before == bench.in_hours(1)

    bench.clock.advance(hours=1)
    bench.queue.rest(bench.claim_one(), State.WAITING_FOR_REGISTER, bench.in_hours(1), "register.unavailable")
    assert bench.queue.release_due() == 1


def test_waiting_for_a_register_is_counted_from_the_first_of_several_rests(bench: Bench) -> None:
    claimed = bench.assessing()
    for _ in range(3):
        bench.queue.rest(claimed, State.WAITING_FOR_REGISTER, bench.in_hours(1), "register.unavailable")
        bench.clock.advance(hours=1)
        assert bench.queue.release_due() == 1
        claimed = bench.claim_one()
        assert claimed.waiting_since == START

    bench.queue.rest(claimed, State.WAITING_FOR_INCOME, bench.in_hours(1), "income_month_open")
    bench.clock.advance(hours=1)
    bench.queue.release_due()
    assert bench.claim_one().waiting_since is None, "an answer in between ends the wait"


def test_a_case_rests_only_in_a_resting_state(bench: Bench) -> None:
    claimed = bench.assessing()
    with pytest.raises(ValueError, match="waiting_for_income or waiting_for_register"):
        bench.queue.rest(claimed, State.DELIVERED, START, "code")


def test_a_delivery_cannot_rest(bench: Bench) -> None:
    claimed = bench.delivering()
    with pytest.raises(NotAllowed):
        bench.queue.rest(claimed, State.WAITING_FOR_INCOME, START, "income_month_open")
    assert bench.item().state is State.DELIVERING


@pytest.mark.parametrize("text", ["", "free text about Anna", "19121212-1212", "191212121212", "x" * 65])
def test_a_reason_in_clear_is_a_code_and_never_free_text(bench: Bench, text: str) -> None:
    claimed = bench.assessing()
    for call in (bench.queue.park, lambda case, code: bench.queue.try_later(case, START, code)):
        with pytest.raises(ValueError, match="a code is"):
            call(claimed, text)
    with pytest.raises(ValueError, match="a code is"):
        bench.queue.rest(claimed, State.WAITING_FOR_INCOME, START, text)
    assert bench.item().state is State.ASSESSING


@pytest.mark.parametrize(("limit", "lease_s"), [(0, 60), (501, 60), (1, 0), (1, 3601)])
def test_a_claim_out_of_bounds_is_refused(queue: WorkQueue, limit: int, lease_s: float) -> None:
    with pytest.raises(ValueError, match=r"claim 1 to 500|a lease is longer"):
        queue.claim("worker", limit, lease_s)


def test_a_heartbeat_for_nothing_asks_nothing(queue: WorkQueue) -> None:
    assert queue.heartbeat([], LEASE_S) == set()


def test_a_case_whose_worker_died_can_be_left_out_or_taken_alone(bench: Bench) -> None:
    for case_id in ("a", "b"):
        bench.queue.add(pulled(case_id))
    for _ in range(2):
        assert [one.case_id for one in bench.queue.claim("worker", 1, LEASE_S)] == ["a"]
        bench.clock.advance(seconds=LEASE_S + 1)
        bench.queue.release_expired()
    assert bench.queue.due_after_rescues(2)
    assert not bench.queue.due_after_rescues(3)

    assert [one.case_id for one in bench.queue.claim("worker", 10, LEASE_S, most_rescues=1)] == ["b"]
    assert [(one.case_id, one.rescues) for one in bench.queue.claim("worker", 10, LEASE_S, least_rescues=2)] == [("a", 2)]
    assert not bench.queue.due_after_rescues(2)


def test_a_case_that_came_as_far_as_to_rest_has_not_killed_anybody(bench: Bench) -> None:
    bench.assessing()
    bench.clock.advance(seconds=LEASE_S + 1)
    bench.queue.release_expired()
    claimed = bench.claim_one()
    assert claimed.rescues == 1
    bench.queue.rest(claimed, State.WAITING_FOR_INCOME, bench.in_hours(1), "income_month_open")
    bench.clock.advance(hours=2)
    bench.queue.release_due()
    assert bench.claim_one().rescues == 0
