"""One byte of the database changed on disk: it is found and told by a code, the robot does not pretend that all is well."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_checks import codes, events, nothing_lost_doubled_or_stuck
from harness import LIMIT_S, Town, town
from killing import robot
from postgres_server import PostgresServer

from tests.faults.conftest import QUICK, new_database
from workqueue import PermanentQueueError, RetriableQueueError

pytestmark = pytest.mark.xdist_group("bit-flip")

CASES = 12
PAGE_TYPES = {2, 5, 10, 13}


@contextlib.contextmanager
def _flipped(file: Path, at: int, bit: int) -> Iterator[None]:
    """Turn one bit of a file over while the block runs."""
    with file.open("r+b") as opened:
        opened.seek(at)
        before = opened.read(1)
        opened.seek(at)
        opened.write(bytes([before[0] ^ 1 << bit]))
    yield
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(before)


def _trees(file: Path) -> dict[str, int]:
    """Return where the first page of each table and index begins; the log has been written back into the file."""
    with contextlib.closing(sqlite3.connect(file)) as opened:
        assert opened.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        size = opened.execute("PRAGMA page_size").fetchone()[0]
        found = opened.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 1 ORDER BY name").fetchall()
    return {name: (page - 1) * size for name, page in found}


def _found(running: Town) -> str:
    """Say how the damage shows, '' = not at all."""
    try:
        with running.queue() as queue:
            problems = [*queue.integrity(), *queue.verify_audit().problems]
            return f"{len(problems)} problems" if problems else ""
    except (PermanentQueueError, RetriableQueueError) as error:
        return error.code


@pytest.fixture(params=["sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    """A file."""
    return str(request.param)


def test_a_bit_turned_over_in_the_page_of_any_table_or_index_is_found_and_told(towns: Any, chance: random.Random) -> None:
    """In the page's own head, which says what kind of page it is: nothing below it can be trusted then."""
    running: Town = towns(CASES)
    running.run_once()
    nothing_lost_doubled_or_stuck(running)
    file = running.demo.settings().storage.database
    assert isinstance(file, Path)
    trees = _trees(file)
    assert {"items", "drafts", "effects", "events", "event_details"} <= set(trees)
    for name, at in trees.items():
        bit = chance.choice([one for one in range(8) if file.read_bytes()[at] ^ 1 << one not in PAGE_TYPES])
        with _flipped(file, at, bit):
            assert _found(running), f"bit {bit} of the page of {name} was turned over, and nothing was found"
    assert _found(running) == ""


@pytest.mark.parametrize("name", ["items", pytest.param("items_to_claim", marks=pytest.mark.soak)])
def test_a_robot_on_a_damaged_file_ends_with_a_clear_word_and_goes_on_when_the_file_is_restored(towns: Any, name: str) -> None:
    running: Town = towns(CASES)
    running.run_once()
    file = running.demo.settings().storage.database
    assert isinstance(file, Path)
    at = _trees(file)[name]
    shutil.copy(file, file.with_suffix(".copy"))
    running.demo.arrive(3)
    with _flipped(file, at, 7), robot(running.demo, "run", "--once") as process:
        assert process.wait(LIMIT_S) == 1, running.tail()
    assert codes(running) == {"QUE-003"}, running.tail()
    told = (running.demo.folder / "robot.err").read_text(encoding="utf-8")
    assert "restore the file from a backup" in told
    for one in (file, *(file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm"))):
        one.unlink(missing_ok=True)
    shutil.copy(file.with_suffix(".copy"), file)
    running.run_once()
    nothing_lost_doubled_or_stuck(running)


def test_a_bit_turned_over_in_a_page_of_the_server_is_told_and_stops_what_needs_it(own_server: PostgresServer, tmp_path: Path) -> None:
    """The server's pages have checksums: it gives nothing out of such a page."""
    database = new_database(own_server)
    with town(tmp_path, cases=CASES, database=own_server.url(database), changes=QUICK) as running:
        running.run_once()
        with own_server.connect(database) as admin:
            assert admin.execute("SHOW data_checksums").fetchone() == ("on",)
            admin.execute("CHECKPOINT")
            (place,) = admin.execute("SELECT pg_relation_filepath('items')").fetchone() or ("",)
        own_server.stop()
        with _flipped(own_server.data / place, 4096, 3):
            own_server.start()
            running.demo.arrive(2)
            assert _found(running) == "QUE-003"
            with robot(running.demo, "run", "--once") as process:
                assert process.wait(LIMIT_S) == 1, running.tail()
            assert "QUE-003" in codes(running), running.tail()
            assert events(running)["daemon.failed"] + events(running)["daemon.cannot_start"] == 1
            own_server.stop()
        own_server.start()
        running.run_once()
        assert _found(running) == "1 problems", "that it has found a damaged page is told until a person resets the server's statistics"
        with own_server.connect(database) as admin:
            admin.execute("SELECT pg_stat_reset()")
        nothing_lost_doubled_or_stuck(running)


def test_a_bit_turned_over_in_what_is_sealed_is_found_when_it_is_read(towns: Any, chance: random.Random) -> None:
    """SQLite has no checksums of its own; what is sealed has, and the audit's chain."""
    running: Town = towns(CASES)
    running.run_once()
    file = running.demo.settings().storage.database
    assert isinstance(file, Path)
    _trees(file)
    with contextlib.closing(sqlite3.connect(file)) as opened:
        sealed = [one for (one,) in opened.execute("SELECT details FROM event_details")]
        hashes = [one.encode() for (one,) in opened.execute("SELECT hash FROM events")]
    whole = file.read_bytes()
    for what in (chance.choice(sealed), chance.choice(hashes)):
        at = whole.index(what[:40]) + chance.randrange(40)
        with _flipped(file, at, 1):
            assert "problems" in _found(running), "nothing was found"
    assert _found(running) == ""
