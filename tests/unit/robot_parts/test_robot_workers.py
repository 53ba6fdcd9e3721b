"""The parent of several workers: one that stands still is noticed, told of with where it stood, ended and replaced. Real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from structlog.testing import capture_logs

from robot import workers
from robot.lifeline import ToWorker, places
from robot.workers import Workers

WORKER = Path(__file__).with_name("stand_in_worker.py")
SILENT_S = 1.0
LIMIT_S = 30.0
Said = list[Any]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "FIRST_WAIT_S", 0.1)
    monkeypatch.setattr(workers, "STILL_GRACE_S", 0.3)


@asynccontextmanager
async def parent(folder: Path, how: str, *, count: int = 1, once: bool = False) -> AsyncIterator[tuple[Workers, asyncio.Task[int], Said]]:
    """Run a parent whose workers do as they are told for the first time, and are well the second."""
    command = [sys.executable, str(WORKER), str(folder), str(SILENT_S), how]
    with capture_logs() as said:
        running = Workers(command, count, once=once, stop_within_s=5, silent_s=SILENT_S)
        task = asyncio.create_task(running.run())
        try:
            yield running, task, said
        finally:
            running.stop()
            await asyncio.wait_for(task, LIMIT_S)


async def until(holds: Callable[[], bool], what: str) -> None:
    limit = asyncio.get_running_loop().time() + LIMIT_S
    while not holds():
        assert asyncio.get_running_loop().time() < limit, what
        await asyncio.sleep(0.02)


def told(said: Said, event: str) -> Said:
    return [one for one in said if one["event"] == event]


def started(folder: Path) -> list[int]:
    """Return the process ids of the workers that have begun to turn, in order."""
    return [int(line) for line in (folder / "started").read_text("utf-8").split()] if (folder / "started").exists() else []


@pytest.mark.parametrize("how", ["sleep", "spin"])
async def test_a_worker_whose_loop_is_blocked_is_told_of_with_where_it_stood_and_replaced(tmp_path: Path, how: str) -> None:
    async with parent(tmp_path, how) as (_, _, said):
        await until(lambda: len(started(tmp_path)) == 2, "another worker")
        await asyncio.sleep(2 * SILENT_S)

        [still] = told(said, "worker.stands_still")
        [died] = told(said, "worker.died")
        assert (still["log_level"], still["code"], still["number"], still["silent_s"]) == ("error", "BOT-007", 1, SILENT_S)
        assert still["stood"][0].startswith("stand_in_worker.py:")
        assert still["stood"][0].endswith(f" {how}")
        assert "19121212" not in str(said), "no values of what it had in hand"
        assert died["exit_code"] == -signal.SIGKILL
        assert not psutil.pid_exists(started(tmp_path)[0])
        assert len(started(tmp_path)) == 2, "the one that is well is left alone"


async def test_a_worker_that_is_stopped_cannot_say_where_it_stands_and_is_replaced_all_the_same(tmp_path: Path) -> None:
    async with parent(tmp_path, "well") as (_, _, said):
        await until(lambda: len(started(tmp_path)) == 1, "the worker")
        os.kill(started(tmp_path)[0], signal.SIGSTOP)
        await until(lambda: len(started(tmp_path)) == 2, "another worker")

        assert [one["stood"] for one in told(said, "worker.stands_still")] == [[]]


async def test_one_that_stands_still_takes_none_beside_it_along(tmp_path: Path) -> None:
    async with parent(tmp_path, "well", count=3) as (_, _, said):
        await until(lambda: len(started(tmp_path)) == 3, "all workers")
        before = started(tmp_path)
        os.kill(before[0], signal.SIGSTOP)
        await until(lambda: len(started(tmp_path)) == 4, "another worker")

        assert all(psutil.pid_exists(one) for one in before[1:])
        assert len(told(said, "worker.died")) == 1


async def test_a_start_that_stands_still_is_noticed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_LIMIT_S", 2 * SILENT_S)
    async with parent(tmp_path, "start") as (_, _, said):
        await until(lambda: len(started(tmp_path)) == 1, "another worker")

        [still] = told(said, "worker.stands_still")
        assert still["stood"][0].endswith(" start")


async def test_a_slow_start_is_given_its_time(tmp_path: Path) -> None:
    async with parent(tmp_path, "slow") as (_, _, said):
        await until(lambda: len(started(tmp_path)) == 1, "the worker")

        assert told(said, "worker.stands_still") == []


async def test_with_once_a_worker_that_stands_still_is_an_error_and_not_waited_for_without_end(tmp_path: Path) -> None:
    async with parent(tmp_path, "sleep", once=True) as (_, task, said):
        assert await asyncio.wait_for(task, LIMIT_S) == 1

        assert len(told(said, "worker.stands_still")) == 1
        assert told(said, "worker.died") == [], "it is not started anew"


async def test_a_parent_that_stood_still_itself_blames_no_worker(tmp_path: Path) -> None:
    async with parent(tmp_path, "well", count=2) as (_, _, said):
        await until(lambda: len(started(tmp_path)) == 2, "the workers")
        blocked = asyncio.get_running_loop().time() + 2 * SILENT_S
        while asyncio.get_running_loop().time() < blocked:
            """Nothing else turns meanwhile."""
        await asyncio.sleep(2 * SILENT_S)

        assert told(said, "worker.stands_still") == []
        assert len(started(tmp_path)) == 2


async def test_one_that_stands_still_when_all_are_to_stop_is_killed_in_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "STOP_MARGIN_S", -4.5)
    async with parent(tmp_path, "well") as (running, task, said):
        await until(lambda: len(started(tmp_path)) == 1, "the worker")
        os.kill(started(tmp_path)[0], signal.SIGSTOP)
        running.stop()
        assert await asyncio.wait_for(task, LIMIT_S) == 1

        assert [one["code"] for one in told(said, "worker.killed")] == ["BOT-002"]


async def test_a_worker_hears_that_its_parent_has_ended_also_when_nobody_read_what_it_said(tmp_path: Path) -> None:
    tie = ToWorker()
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), str(tmp_path), str(SILENT_S), "well", "1", stdin=tie.theirs.fileno()
    )
    tie.given()
    await until(lambda: len(started(tmp_path)) == 1, "the worker")
    await asyncio.sleep(SILENT_S)
    tie._ours.close()

    assert await asyncio.wait_for(process.wait(), LIMIT_S) == 0


def test_of_a_dump_the_main_threads_places_are_kept_without_paths() -> None:
    dump = (
        'Thread 0x01 (most recent call first):\n  File "/x/a.py", line 1 in other\n\n'
        'Current thread 0x02 (most recent call first):\n  File "/home/y/b.py", line 22 in inner\n  File "c.py", line 3 in outer\n'
    )
    assert places(dump) == ["b.py:22 inner", "c.py:3 outer"]


@pytest.mark.parametrize("dump", ["", "\0\0\0", "Current thread 0x02 (most recent call first):\n  <no Python frame>\n"])
def test_a_dump_that_says_nothing_gives_no_places(dump: str) -> None:
    assert places(dump) == []
