"""Promises that hold between processes, also when one is killed: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.queue.queue_bench import LEASE_S, Bench, pulled
from tests.queue.queue_stores import PostgresStores, place_url
from tests.queue.queue_worker import KINDS, RealClock
from workqueue import MasterKey, PostgresAddress, State, WorkQueue
from workqueue.database import Place

ROOT = Path(__file__).resolve().parents[2]
CASES_TO_CLAIM = 200
CASES_TO_WORK = 300
KILLS = 20
SEED = 7
STEPS_OF_A_CASE = range(1, 10)
"""Claimed, finished, then written and received for each of three, and ended."""
STEPS_OF_A_GROUP = (3, 5, 7, 8, 9, 12, 14)
"""Claimed (before and after its commit), each of four finished, before and after the commit, each of four ended, and so again."""
DEADLINE_S = 120


@pytest.fixture
def place(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """Where the queue is, of each kind."""
    if kind == "postgres":
        databases: PostgresStores = request.getfixturevalue("databases")
        return databases.empty_database()
    return tmp_path / "queue.db"


@pytest.fixture
def queue(place: Place, tmp_path: Path) -> Iterator[WorkQueue]:
    """A queue on its own kind's time."""
    key = MasterKey.load_or_create(tmp_path / "master.key")
    opened = WorkQueue.open(place, key=key, clock=RealClock())
    yield opened
    opened.close()


def _fill(queue: WorkQueue, cases: int) -> set[str]:
    deadline = datetime.now(UTC) + timedelta(days=1)
    queue.add_many([pulled(f"case-{number}", deadline=deadline) for number in range(cases)])
    return {f"case-{number}" for number in range(cases)}


class Workers:
    """A process that starts workers, one at a time; killing one leaves it alive."""

    def __init__(self, folder: Path, place: Place) -> None:
        address = [place_url(place)] if isinstance(place, PostgresAddress) else []
        command = [sys.executable, "-m", "tests.queue.queue_worker", str(folder), *address]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = 0

    def start(self, what: str, *, die_at: int = 0) -> None:
        """Start a worker."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} {die_at}\n")
        self._process.stdin.flush()
        self.pid = self._answer()

    def kill(self) -> None:
        """Kill the worker where it is."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def code(self) -> int:
        """Wait until the worker has ended; return its exit code."""
        return self._answer()

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate(timeout=DEADLINE_S)

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@pytest.fixture
def two_workers(queue: WorkQueue, tmp_path: Path, place: Place) -> Iterator[tuple[Workers, Workers]]:
    """Two processes that start workers on the queue."""
    pair = (Workers(tmp_path, place), Workers(tmp_path, place))
    yield pair
    for one in pair:
        one.close()


@pytest.fixture
def workers(queue: WorkQueue, tmp_path: Path, place: Place) -> Iterator[Workers]:
    """A process that starts workers on the queue."""
    one = Workers(tmp_path, place)
    yield one
    one.close()


def _nothing_is_lost_or_doubled(queue: WorkQueue, folder: Path, cases: set[str]) -> None:
    assert {item.case_id for item in queue.items(State.DELIVERED)} == cases
    assert queue.counts()[State.DELIVERED] == len(cases)
    written = Counter((folder / "outside").read_text(encoding="utf-8").splitlines())
    assert written == Counter({f"{case}:v1:{kind}:1": 1 for case in cases for kind in KINDS})
    for case in cases:
        what = Counter(event.what for event in queue.events(case))
        assert (what["pulled"], what["case.assessed"], what["case.delivered"]) == (1, 1, 1)
    assert queue.integrity() == []


def test_two_processes_share_the_cases_and_none_is_claimed_twice(
    queue: WorkQueue, two_workers: tuple[Workers, Workers], tmp_path: Path
) -> None:
    cases = _fill(queue, CASES_TO_CLAIM)
    for one in two_workers:
        one.start("claim")
    assert [one.code() for one in two_workers] == [0, 0]

    claimed = [(tmp_path / f"claimed-{one.pid}").read_text(encoding="utf-8").split() for one in two_workers]
    assert Counter([*claimed[0], *claimed[1]]) == Counter(dict.fromkeys(cases, 1))


def test_threads_share_one_queue_and_none_gets_the_same_case(bench: Bench) -> None:
    bench.queue.add_many([pulled(f"case-{number}") for number in range(100)])
    together = threading.Barrier(4)

    def take(worker: str) -> list[str]:
        together.wait()
        got: list[str] = []
        while claimed := bench.queue.claim(worker, 3, LEASE_S):
            for case in claimed:
                bench.finish(case, "recommendation")
                bench.deliver(case)
                bench.queue.end(case, State.DELIVERED)
                got.append(case.case_id)
        return got

    with ThreadPoolExecutor(4) as pool:
        got = [case_id for one in pool.map(take, "abcd") for case_id in one]
    assert len(got) == len(set(got)) == 100
    assert bench.queue.integrity() == []


def test_killed_at_every_step_of_a_case_nothing_is_lost_or_doubled(queue: WorkQueue, workers: Workers, tmp_path: Path) -> None:
    cases = _fill(queue, 10)
    for step in STEPS_OF_A_CASE:
        workers.start("work", die_at=step)
        assert workers.code() == -signal.SIGKILL, "the worker was killed, it did not end"
    workers.start("work")

    assert workers.code() == 0
    _nothing_is_lost_or_doubled(queue, tmp_path, cases)


def test_killed_at_random_nothing_is_lost_or_doubled(queue: WorkQueue, workers: Workers, tmp_path: Path) -> None:
    cases = _fill(queue, CASES_TO_WORK)
    chance = random.Random(SEED)
    codes = []
    for _ in range(KILLS):
        before = queue.counts()[State.DELIVERED]
        workers.start("work")
        limit, wanted = time.monotonic() + DEADLINE_S, before + chance.randint(1, 4)
        while queue.counts()[State.DELIVERED] < min(wanted, len(cases)):
            assert time.monotonic() < limit, "no progress"
        workers.kill()
        codes.append(workers.code())
    assert codes.count(-signal.SIGKILL) >= KILLS // 2, "most were killed in the middle of their work"
    workers.start("work")

    assert workers.code() == 0
    _nothing_is_lost_or_doubled(queue, tmp_path, cases)


def test_killed_within_a_group_what_was_told_is_stored_and_the_rest_is_done_again(
    queue: WorkQueue, workers: Workers, tmp_path: Path
) -> None:
    cases = _fill(queue, 12)
    told = tmp_path / "told"
    for step in STEPS_OF_A_GROUP:
        workers.start("together", die_at=step)
        assert workers.code() == -signal.SIGKILL, "the worker was killed, it did not end"
        _told_is_stored(queue, told)
    workers.start("together")

    assert workers.code() == 0
    assert {item.case_id for item in queue.items(State.DELIVERED)} == cases
    for case in cases:
        what = Counter(event.what for event in queue.events(case))
        assert (what["pulled"], what["case.assessed"], what["case.delivered"]) == (1, 1, 1)
    assert queue.integrity() == []
    assert queue.verify_audit().problems == ()


def _told_is_stored(queue: WorkQueue, told: Path) -> None:
    """Nobody heard that something was done which is not there after the crash."""
    for line in told.read_text(encoding="utf-8").splitlines() if told.exists() else ():
        what, ref = line.split()
        item = queue.item(ref)
        assert item is not None
        assert item.outcome == "ok"
        assert what == "finished" or item.state is State.DELIVERED
