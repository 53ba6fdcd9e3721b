"""The disk under a database in a file: full, failing, locked by others, read-only. The daemon says so, lives, and goes on when it can."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from fault_checks import OF_A_DAEMON, codes, events, has_ended, nothing_lost_doubled_or_stuck, the_store_is_whole
from faulty_disk import FaultyDisk
from harness import LIMIT_S, Town, wait_for
from killing import robot
from soak import much

from workqueue import State

pytestmark = pytest.mark.xdist_group("disk")

CASES = 30
FAILING_S = 1.0
STORM_S = much("STORM_S", 5.0, 120.0)
DATABASE = "bistandsrobot.db"


@pytest.fixture(params=["sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    """A file: a server's disk is the server's."""
    return str(request.param)


@pytest.fixture
def running(towns: Any) -> Town:
    """A town with the robot's database in a file, and few cases in hand at a time, so that the fault meets all kinds of steps."""
    made: Town = towns(CASES, {"work": {"cases_in_flight": 4}})
    return made


def _fail_in_the_middle(running: Town, environment: Any, begin: Callable[[psutil.Process], object], mend: Callable[[], object]) -> None:
    with robot(running.demo, "run", environment=environment) as process:
        wait_for(lambda: events(running)["case.finished"] > 3 or process.poll() is not None, what="the first cases")
        begin(psutil.Process(process.pid))
        wait_for(lambda: events(running)["database.unavailable"] > 0, what="a word about the database")
        time.sleep(FAILING_S)
        assert process.poll() is None, running.tail()
        before = events(running)["case.finished"]
        assert before < CASES - 5, "nearly all was done before the disk failed"
        mend()
        wait_for(lambda: has_ended(running) and events(running)["case.finished"] >= before, what="every case at rest")
        assert process.poll() is None
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)
    assert events(running)["database.back"] >= 1
    assert {code for code in codes(running) if code.startswith("QUE")} <= {"QUE-002", "QUE-010", "QUE-011"}
    assert "QUE-002" in codes(running)


@pytest.mark.parametrize("order", ["sync", "full"])
def test_a_disk_that_fails_stops_nothing_for_good(running: Town, tmp_path: Path, order: str) -> None:
    """Every fsync fails, or there is no room for a byte."""
    disk = FaultyDisk(tmp_path, files=DATABASE)
    _fail_in_the_middle(running, disk.environment(), lambda _: disk.fail(order), disk.mend)


def test_a_disk_that_can_be_neither_read_nor_written_ends_the_robot_with_a_clear_word_and_loses_nothing(
    running: Town, tmp_path: Path
) -> None:
    """SQLite takes it for a damaged file. Whoever mends the disk starts the robot again."""
    disk = FaultyDisk(tmp_path, files=DATABASE)
    with robot(running.demo, "run", environment=disk.environment()) as process:
        wait_for(lambda: events(running)["case.finished"] > 3, what="the first cases")
        disk.fail("broken")
        assert process.wait(LIMIT_S) == 1
    assert "QUE-003" in codes(running), running.tail()
    assert events(running)["daemon.failed"] == 1
    disk.mend()
    running.run_once()
    nothing_lost_doubled_or_stuck(running)


def test_a_file_that_may_not_grow_stops_nothing_for_good(running: Town) -> None:
    """As a quota does: what is there can be written over, nothing can be added."""
    robots: list[psutil.Process] = []

    def begin(process: psutil.Process) -> None:
        robots.append(process)
        process.rlimit(psutil.RLIMIT_FSIZE, (_size(running), resource.RLIM_INFINITY))

    _fail_in_the_middle(
        running, None, begin, lambda: robots[0].rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    )


def _size(running: Town) -> int:
    """Return how large a file of the database may become: no larger than its log is, when that is the smaller."""
    file = running.demo.settings().storage.database
    assert isinstance(file, Path)
    return min(one.stat().st_size for one in (file, file.with_name(f"{file.name}-wal")))


def test_killed_in_the_middle_of_a_write_or_of_a_sync_nothing_is_lost(running: Town, tmp_path: Path, chance: random.Random) -> None:
    """Half of a page is written and then nothing more, or all of it and it is not known whether it reached the disk."""
    disk = FaultyDisk(tmp_path, files=DATABASE)
    for order in ("die-write", "die-sync", "die-write", "die-sync"):
        disk.fail(f"{order} {chance.randint(1, 40)}")
        with robot(running.demo, "run", "--once", environment=disk.environment()) as process:
            assert process.wait(LIMIT_S) == -signal.SIGKILL, f"it was not killed: {order}\n{running.tail()}"
    disk.mend()
    running.run_once()
    nothing_lost_doubled_or_stuck(running)


@contextlib.contextmanager
def _storm(database: Path, chance: random.Random) -> Iterator[None]:
    """Take the write lock of a database again and again, for times by chance, as backups and tools in bad order would."""
    over = threading.Event()

    def take() -> None:
        with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=5)) as other:
            while not over.is_set():
                with contextlib.suppress(sqlite3.OperationalError):
                    other.execute("BEGIN IMMEDIATE")
                    over.wait(chance.uniform(0.0, 0.4))
                    other.execute("ROLLBACK")
                over.wait(chance.uniform(0.005, 0.08))

    threads = [threading.Thread(target=take) for _ in range(2)]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        over.set()
        for one in threads:
            one.join()


def test_a_storm_of_locks_slows_the_robot_and_stops_nothing(running: Town, chance: random.Random) -> None:
    with running.running() as process:
        wait_for(lambda: events(running)["case.finished"] > 0, what="the first case")
        file = running.demo.settings().storage.database
        assert isinstance(file, Path)
        with _storm(file, chance):
            time.sleep(STORM_S)
            assert process.poll() is None, running.tail()
        wait_for(lambda: has_ended(running), what="every case at rest")
        assert process.poll() is None
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)


@contextlib.contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Let nobody write in a folder. Root writes where no rights say so: there the folder becomes a mount of its own."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    if subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("root cannot be kept from writing here: mounting is not permitted")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True, capture_output=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_nobody_may_write_in_is_told_at_start_and_no_harm_is_done(towns: Any, tmp_path: Path) -> None:
    folder = tmp_path / "database"
    folder.mkdir(mode=0o700)
    running = towns(6, {"storage": {"database": str(folder / DATABASE)}})
    with _read_only(folder), robot(running.demo, "run", "--once") as process:
        assert process.wait(LIMIT_S) == 1, running.tail()
    assert "QUE-002" in codes(running)
    running.run_once()
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    for one in running.demo.log, running.demo.folder / "robot.err":
        shutil.copy(one, one.with_suffix(".before"))
        one.write_text("")
    with _read_only(folder):
        running.demo.arrive(2)
        with robot(running.demo, "run", "--once") as process:
            assert process.wait(LIMIT_S) == 1, running.tail()
        assert codes(running) == {"QUE-002"}, running.tail()
    assert {name: data for name, data in files.items() if name == DATABASE}[DATABASE] == (folder / DATABASE).read_bytes()
    the_store_is_whole(running)
    running.run_once()
    nothing_lost_doubled_or_stuck(running)
    assert sum(item.state is not State.TAKEN_BY_PERSON for item in running.items()) >= 6
