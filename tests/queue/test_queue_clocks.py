"""Promises that hold when a machine's clock is set: nothing is done twice, nothing waits for long."""

from __future__ import annotations

import pytest

from tests.queue.queue_bench import LEASE_S, Bench, writes
from workqueue import StaleLease, State

HOUR_S = 3600.0
LONGEST_S = 4 * LEASE_S
BACK = [0.6 * LONGEST_S + LEASE_S, HOUR_S / 2, HOUR_S, 24 * HOUR_S]


@pytest.mark.parametrize("forward_s", [HOUR_S, 24 * HOUR_S])
def test_set_forward_a_living_worker_loses_its_case_and_can_store_nothing(bench: Bench, forward_s: float) -> None:
    slow = bench.assessing()
    bench.clock.machine += forward_s
    assert bench.queue.release_expired(LONGEST_S) == [slow.case_ref]
    fast = bench.claim_one()
    assert bench.queue.heartbeat([slow], LEASE_S) == set()
    with pytest.raises(StaleLease):
        bench.finish(slow, "document")
    bench.finish(fast, "recommendation")
    assert [one.kind for one in bench.queue.pending_effects(fast)] == [one.kind for one in writes(fast, "recommendation")]


@pytest.mark.parametrize("back_s", BACK)
def test_set_back_a_dead_workers_case_is_free_within_a_few_leases(bench: Bench, back_s: float) -> None:
    """Not after all the time that the clock was set back by."""
    claimed = bench.assessing()
    bench.clock.machine -= back_s
    waited = 0.0
    while not bench.queue.release_expired(LONGEST_S):
        bench.clock.machine += LEASE_S / 4
        waited += LEASE_S / 4
        assert waited <= LONGEST_S + LEASE_S
    assert bench.claim_one().lease == claimed.lease + 1


def test_set_back_by_less_than_a_lease_a_living_worker_keeps_its_case(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.clock.machine -= LEASE_S / 2
    assert bench.queue.release_expired(LONGEST_S) == []
    assert bench.queue.heartbeat([claimed], LEASE_S) == {claimed.id}
    bench.finish(claimed, "recommendation")


@pytest.mark.parametrize("back_s", BACK)
def test_set_back_a_dead_robots_duty_is_free_within_a_few_leases_and_one_gets_it(bench: Bench, back_s: float) -> None:
    assert bench.queue.hold_duty("pull", "dead", LEASE_S)
    bench.clock.machine -= back_s
    waited = 0.0
    while not bench.queue.hold_duty("pull", "a", LEASE_S):
        bench.clock.machine += LEASE_S / 4
        waited += LEASE_S / 4
        assert waited <= LONGEST_S + LEASE_S
    assert not bench.queue.hold_duty("pull", "b", LEASE_S)


@pytest.mark.parametrize("hours", [1, 24])
def test_the_worlds_clock_set_back_lets_a_rest_be_longer_and_never_past_its_deadline(bench: Bench, hours: int) -> None:
    claimed = bench.assessing()
    bench.queue.rest(claimed, State.WAITING_FOR_INCOME, bench.in_hours(5), "income_month_open")
    bench.clock.advance(hours=-hours)
    assert bench.queue.release_due() == 0
    bench.clock.world = claimed.deadline
    assert bench.queue.release_due() == 1


def test_the_worlds_clock_set_forward_wakes_once(bench: Bench) -> None:
    claimed = bench.assessing()
    bench.queue.rest(claimed, State.WAITING_FOR_INCOME, bench.in_hours(5), "income_month_open")
    bench.clock.advance(hours=24)
    assert bench.queue.release_due() == 1
    assert bench.queue.release_due() == 0
    assert bench.claim_one().run == claimed.run
