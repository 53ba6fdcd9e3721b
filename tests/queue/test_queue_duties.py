"""Promises about what one robot of several does at a time, and about the clock that leases go by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.queue.queue_bench import LEASE_S, Bench, FakeClock, pulled
from tests.queue.queue_stores import PostgresStore, StoreUnderTest
from workqueue import WorkQueue

SHORT_S = 0.3
LIMIT_S = 60


def test_a_duty_is_held_by_one_robot_at_a_time(bench: Bench) -> None:
    assert bench.queue.hold_duty("pull", "one", LEASE_S)
    assert bench.queue.hold_duty("pull", "one", LEASE_S), "it may keep it"
    assert not bench.another().hold_duty("pull", "two", LEASE_S)
    assert bench.queue.hold_duty("other", "two", LEASE_S), "another duty is another's"


def test_of_several_robots_that_want_a_duty_at_once_one_gets_it(benches: Callable[[], Bench]) -> None:
    bench = benches()
    robots = [bench.another() for _ in range(4)]
    together = threading.Barrier(len(robots))

    def want(number: int) -> bool:
        together.wait()
        return robots[number].hold_duty("pull", f"robot-{number}", LEASE_S)

    with ThreadPoolExecutor(len(robots)) as pool:
        assert sorted(pool.map(want, range(len(robots)))) == [False, False, False, True]


def test_a_duty_whose_robot_is_silent_is_taken_over_and_not_given_back(bench: Bench) -> None:
    assert bench.queue.hold_duty("pull", "one", LEASE_S)
    bench.clock.advance(seconds=LEASE_S * 0.9)
    assert not bench.queue.hold_duty("pull", "two", LEASE_S)
    bench.clock.advance(seconds=LEASE_S * 0.1)
    assert bench.queue.hold_duty("pull", "two", LEASE_S)
    assert not bench.queue.hold_duty("pull", "one", LEASE_S), "who was away finds out"


def test_a_robot_that_is_heard_of_keeps_its_duty(bench: Bench) -> None:
    for _ in range(5):
        assert bench.queue.hold_duty("pull", "one", LEASE_S)
        bench.clock.advance(seconds=LEASE_S * 0.9)
        assert not bench.queue.hold_duty("pull", "two", LEASE_S)


def test_a_duty_that_is_left_is_free_at_once_and_only_its_holder_can_leave_it(bench: Bench) -> None:
    bench.queue.hold_duty("pull", "one", LEASE_S)
    bench.queue.leave_duty("pull", "two")
    assert not bench.queue.hold_duty("pull", "two", LEASE_S)
    bench.queue.leave_duty("pull", "one")
    assert bench.queue.hold_duty("pull", "two", LEASE_S)


def test_a_duty_from_before_the_clock_was_set_back_is_free(bench: Bench) -> None:
    bench.queue.hold_duty("pull", "one", LEASE_S)
    bench.clock.machine -= 100_000
    assert bench.queue.hold_duty("pull", "two", LEASE_S)


@pytest.mark.parametrize("lease_s", [0, -1, 3601])
def test_a_duty_out_of_bounds_is_refused(queue: WorkQueue, lease_s: float) -> None:
    with pytest.raises(ValueError, match="a lease is longer"):
        queue.hold_duty("pull", "one", lease_s)


@pytest.fixture
def apart(postgres: PostgresStore) -> Iterator[tuple[WorkQueue, WorkQueue]]:
    """Two robots on one server, on machines whose clocks are a day apart."""
    clocks = (FakeClock(), FakeClock())
    clocks[1].machine += 86_400
    queues = tuple(WorkQueue.open(postgres.place, key=postgres.key, clock=clock) for clock in clocks)
    yield queues[0], queues[1]
    for queue in queues:
        queue.close()


def test_on_a_server_leases_go_by_its_clock_whatever_the_machines_say(apart: tuple[WorkQueue, WorkQueue]) -> None:
    behind, ahead = apart
    behind.add(pulled())
    assert behind.hold_duty("pull", "behind", LEASE_S)
    (claimed,) = behind.claim("behind", 1, LEASE_S)
    assert not ahead.hold_duty("pull", "ahead", LEASE_S)
    assert ahead.release_expired() == []
    assert behind.heartbeat([claimed], LEASE_S) == {claimed.id}


def test_on_a_server_a_lease_runs_out_by_its_clock(apart: tuple[WorkQueue, WorkQueue]) -> None:
    one, two = apart
    ref = one.add(pulled()).case_ref
    one.claim("one", 1, SHORT_S)
    one.hold_duty("pull", "one", SHORT_S)
    limit = time.monotonic() + LIMIT_S
    rescued: list[str] = []
    while not rescued and time.monotonic() < limit:
        rescued = two.release_expired()
    assert rescued == [ref]
    while not two.hold_duty("pull", "two", SHORT_S):
        assert time.monotonic() < limit, "the duty was taken after the case, and runs out after it"


def test_two_robots_that_find_the_same_new_cases_at_once_add_each_once(new_store: Callable[[], StoreUnderTest]) -> None:
    store = new_store()
    robots = [store.open(FakeClock()) for _ in range(3)]
    cases = [pulled(f"case-{number}", version) for number in range(20) for version in ("v1", "v2")]
    together = threading.Barrier(len(robots))

    def pull(number: int) -> int:
        together.wait()
        order = cases if number != 1 else sorted(cases, key=lambda case: (case.version, case.case_id))
        return sum(one.created for one in robots[number].add_many(order))

    with ThreadPoolExecutor(len(robots)) as pool:
        list(pool.map(pull, range(len(robots))))
    assert len(robots[0].items()) == 20
    assert robots[0].integrity() == []
    for robot in robots:
        robot.close()
