"""Promises that hold between processes, also when one is killed: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.queue.queue_bench import LEASE_S, Bench, pulled
from tests.queue.queue_worker import KINDS, RealClock
from workqueue import MasterKey, State, WorkQueue

ROOT = Path(__file__).resolve().parents[2]
CASES_TO_CLAIM = 200
CASES_TO_WORK = 40
KILLS = 6
SEED = 7
DEADLINE_S = 120


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[WorkQueue]:
    """A queue on the machine's own time."""
    key = MasterKey.load_or_create(tmp_path / "master.key")
    opened = WorkQueue.open(tmp_path / "queue.db", key=key, clock=RealClock())
    yield opened
    opened.close()


def _fill(queue: WorkQueue, cases: int) -> set[str]:
    deadline = datetime.now(UTC) + timedelta(days=1)
    queue.add_many([pulled(f"case-{number}", deadline=deadline) for number in range(cases)])
    return {f"case-{number}" for number in range(cases)}


def _start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a worker and wait until it is ready to begin."""
    command = [sys.executable, "-m", "tests.queue.queue_worker", str(folder), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def _first_of(worker: subprocess.Popen[str]) -> str:
    """Wait until a worker has claimed its first batch; both get one before either goes on."""
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def _nothing_is_lost_or_doubled(queue: WorkQueue, folder: Path, cases: set[str]) -> None:
    assert {item.case_id for item in queue.items(State.DELIVERED)} == cases
    assert queue.counts()[State.DELIVERED] == len(cases)
    written = Counter((folder / "outside").read_text(encoding="utf-8").splitlines())
    assert written == Counter({f"{case}:v1:{kind}:1": 1 for case in cases for kind in KINDS})
    for case in cases:
        what = Counter(event.what for event in queue.events(case))
        assert (what["pulled"], what["case.assessed"], what["case.delivered"]) == (1, 1, 1)
    assert queue.integrity() == []


def test_two_processes_share_the_cases_and_none_is_claimed_twice(queue: WorkQueue, tmp_path: Path) -> None:
    cases = _fill(queue, CASES_TO_CLAIM)
    workers = [_start(tmp_path, "claim") for _ in range(2)]
    for worker in workers:
        _begin(worker)
    first = [_first_of(worker) for worker in workers]
    rest = [worker.communicate(timeout=DEADLINE_S)[0].split() for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0]
    claimed = Counter([*first, *rest[0], *rest[1]])
    assert claimed == Counter(dict.fromkeys(cases, 1))


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


def test_killed_at_every_step_of_a_case_nothing_is_lost_or_doubled(queue: WorkQueue, tmp_path: Path) -> None:
    cases = _fill(queue, 10)
    steps = range(1, 10)
    """Claimed, finished, then written and received for each of three, and ended."""
    for step in steps:
        worker = _start(tmp_path, "work", str(step))
        _begin(worker)
        worker.communicate(timeout=DEADLINE_S)
        assert worker.returncode == -9, "the worker was killed, it did not end"
    last = _start(tmp_path, "work")
    _begin(last)
    last.communicate(timeout=DEADLINE_S)

    assert last.returncode == 0
    _nothing_is_lost_or_doubled(queue, tmp_path, cases)


def test_killed_at_random_nothing_is_lost_or_doubled(queue: WorkQueue, tmp_path: Path) -> None:
    cases = _fill(queue, CASES_TO_WORK)
    chance = random.Random(SEED)
    worker = _start(tmp_path, "work")
    for _ in range(KILLS):
        following = _start(tmp_path, "work")
        before = queue.counts()[State.DELIVERED]
        _begin(worker)
        limit = time.monotonic() + DEADLINE_S
        wanted = chance.randint(1, 4)
        while queue.counts()[State.DELIVERED] < min(before + wanted, len(cases)):
            assert time.monotonic() < limit, "no progress"
        worker.kill()
        worker.communicate(timeout=DEADLINE_S)
        worker = following
    assert queue.counts()[State.DELIVERED] < len(cases), "there was something left to be killed in"
    _begin(worker)
    worker.communicate(timeout=DEADLINE_S)

    assert worker.returncode == 0
    _nothing_is_lost_or_doubled(queue, tmp_path, cases)
