"""The real daemon on a real PostgreSQL server: the same outcome as on a file, shared by two robots, and when the server goes down."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Changes, Town, keys_written, town, wait_for
from postgres_server import PostgresServer, postgres_server

from workqueue import State

pytestmark = pytest.mark.xdist_group("daemon-on-postgres")

AT_REST = {State.DELIVERED, State.HANDED_OVER, State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER, State.TAKEN_BY_PERSON}
SHORT_LEASES: Changes = {"work": {"lease_s": 3, "cases_in_flight": 4}, "schedule": {"pull_lease_s": 2}}
TAKEN_OVER_WITHIN_S = 60


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server({}) as running:
        yield running


@pytest.fixture
def new_town(server: PostgresServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Town]]:
    """Return a maker of towns, each with a database of its own on the server."""
    with contextlib.ExitStack() as stack:

        def make(cases: int, changes: Changes | None = None) -> Town:
            name = f"town_{abs(hash(request.node.name)) % 10**9}"
            with server.connect() as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return stack.enter_context(town(tmp_path, cases=cases, database=server.url(name), changes=changes))

        yield make


def _events(running: Town) -> Counter[str]:
    return Counter(line["event"] for line in running.log()) if running.demo.log.exists() else Counter()


def _has_begun(running: Town) -> bool:
    """Say whether some cases are done, and most are not."""
    ended = [item for item in running.items() if item.state in AT_REST] if _events(running)["daemon.started"] else []
    return len(ended) > 2


def _all_at_rest(running: Town) -> bool:
    items = running.items()
    return len(items) >= len(running.population.applications) - TAKEN_FROM_THE_START and {item.state for item in items} <= AT_REST


TAKEN_FROM_THE_START = 5
"""So many applications at the most have a caseworker already when the robot comes, and are never pulled."""


def _nothing_is_lost_or_doubled(running: Town) -> None:
    with running.queue() as queue:
        assert queue.integrity() == []
    assert {"case.failed", "job.failed", "daemon.failed", "case.parked"} & set(_events(running)) == set()
    for item in running.items():
        assert set(keys_written(running.state(item.case_id)).values()) <= {1}, item.case_ref
        if item.state in (State.DELIVERED, State.HANDED_OVER):
            assert keys_written(running.state(item.case_id)), item.case_ref


def test_sixty_applications_come_out_on_a_server_as_they_do_in_a_file(new_town: Callable[..., Town], tmp_path: Path) -> None:
    on_server = new_town(60)
    on_server.run_once()
    with town(tmp_path / "file", cases=60) as in_file:
        in_file.run_once()
        expected = {item.case_id: (item.state, item.outcome) for item in in_file.items()}
        assessed = in_file.assessments()

    assert {item.case_id: (item.state, item.outcome) for item in on_server.items()} == expected
    for case_id, result in on_server.assessments().items():
        assert (result.outcome, result.amount, result.proposal) == (
            assessed[case_id].outcome,
            assessed[case_id].amount,
            assessed[case_id].proposal,
        )
    _nothing_is_lost_or_doubled(on_server)


def test_two_robots_share_the_cases_and_one_of_them_pulls(new_town: Callable[..., Town]) -> None:
    running = new_town(60, SHORT_LEASES)
    with running.running(), running.running():
        wait_for(lambda: _events(running)["daemon.started"] == 2 and _all_at_rest(running), what="every case at rest")
        with running.queue() as queue:
            assert not queue.hold_duty("pull", "a third", 1), "somebody has it"
    _nothing_is_lost_or_doubled(running)


def test_when_the_robot_that_pulls_is_killed_the_other_takes_over_its_pulling_and_its_cases(new_town: Callable[..., Town]) -> None:
    running = new_town(60, SHORT_LEASES)
    with running.running() as first:
        wait_for(lambda: _has_begun(running), what="the first cases")
        with running.running():
            wait_for(lambda: _events(running)["daemon.started"] == 2, what="the second robot")
            first.send_signal(signal.SIGKILL)
            first.wait()
            killed = time.monotonic()
            running.demo.arrive(5)
            wait_for(lambda: _events(running)["pull.taken_over"] > 0, within_s=30, what="the other robot's pulling")
            wait_for(lambda: len(running.items()) >= 60, within_s=TAKEN_OVER_WITHIN_S, what="what has come since")
            wait_for(lambda: _all_at_rest(running), within_s=TAKEN_OVER_WITHIN_S, what="every case at rest")
            assert time.monotonic() - killed < TAKEN_OVER_WITHIN_S
    _nothing_is_lost_or_doubled(running)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_the_server_goes_down_under_the_robot_and_comes_back(new_town: Callable[..., Town], server: PostgresServer, how: str) -> None:
    """The daemon lives, says once that the database is gone and once that it is back, and everything is done once."""
    running = new_town(40, SHORT_LEASES)
    with running.running() as process:
        wait_for(lambda: _has_begun(running), what="the first cases")
        server.stop() if how == "stopped" else server.kill()
        wait_for(lambda: _events(running)["database.unavailable"] > 0, what="a word about the database")
        assert process.poll() is None
        server.start()
        wait_for(lambda: _all_at_rest(running), within_s=TAKEN_OVER_WITHIN_S, what="every case at rest")
        assert process.poll() is None
    gone = [line for line in running.log() if line["event"] == "database.unavailable" and "case_ref" not in line]
    assert len(gone) == _events(running)["database.back"] == 1
    _nothing_is_lost_or_doubled(running)
