"""Promises about copies of the database: of one moment, whole or not there, and restored all or not at all."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command as alembic_command
from alembic.config import Config
from sqlalchemy import func, inspect, select, text

from tests.queue.queue_bench import LEASE_S, START, Bench, FakeClock, pulled, writes
from tests.queue.queue_stores import StoreUnderTest, place_url
from workqueue import (
    Copied,
    KeptHead,
    KeyRefused,
    MasterKey,
    PermanentQueueError,
    PostgresAddress,
    Restored,
    StaleLease,
    State,
    WorkQueue,
    back_up,
    chain,
    restore,
)
from workqueue.copy_files import read_manifest, write_manifest
from workqueue.database import Place, database_at
from workqueue.restoring import FORGOTTEN_LEASES
from workqueue.tables import events, metadata
from workqueue.upgrading import store_key_check

WRITERS, EACH = 4, 25
LARGEST_FILE_BYTES = 150_000
"""Less than a copy is."""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where copies are put."""
    return tmp_path / "copies" / "night.backup"


@pytest.fixture(autouse=True)
def folder(file: Path) -> None:
    """Make the folder."""
    file.parent.mkdir()


def _copy(bench: Bench, file: Path, *, replace: bool = False) -> Copied:
    return back_up(bench.store.place, file, key=bench.store.key, clock=bench.clock, replace=replace)


def _restore(bench: Bench, file: Path, place: Place, *, key: MasterKey | None = None, replace: bool = False) -> Restored:
    return restore(file, place, key=key or bench.store.key, clock=bench.clock, actor="ops", details={"reason": "x"}, replace=replace)


def _code(action: Callable[[], object]) -> str:
    with pytest.raises(PermanentQueueError) as caught:
        action()
    return caught.value.code


def _some(bench: Bench) -> None:
    """Put cases in every part of the tables."""
    bench.ended()
    bench.queue.add_many([pulled(f"many-{number}") for number in range(30)])
    for claimed in bench.queue.claim("worker", 10, LEASE_S):
        bench.finish(claimed, "recommendation", "document")
    bench.queue.mark_seen("caremanagement", {"case-1": "now"})
    bench.queue.set_last_pull("caremanagement", START)
    bench.queue.hold_duty("pull", "one", 60)


def _rows(place: Place) -> dict[str, list[tuple[object, ...]]]:
    database = database_at(place)
    with database.read() as tx:
        held = {table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr) for table in metadata.sorted_tables}
    database.close()
    return held


def test_a_copy_holds_every_row_of_every_table(bench: Bench, file: Path) -> None:
    _some(bench)
    before = _rows(bench.store.place)
    made = _copy(bench, file)
    assert (made.problems, made.cases) == ((), 31)
    with bench.store.raw() as raw:
        tables = set(inspect(raw).get_table_names())
    assert set(read_manifest(file).tables) == tables, "the database's own list, so that no table is forgotten"
    assert _rows(file) == before
    assert (file.stat().st_mode & 0o777, os.listdir(file.parent)) == (0o600, [file.name])


def test_a_copy_holds_no_personal_data_in_clear_and_not_the_key(bench: Bench, file: Path) -> None:
    bench.queue.add(pulled(number="EB-SECRET-1", assigned_to="secretperson"))
    _copy(bench, file)
    held = file.read_bytes()
    assert b"EB-SECRET-1" not in held
    assert b"secretperson" not in held
    assert bench.store.key._secret not in held


def test_a_copy_is_of_one_moment_while_four_write(bench: Bench, file: Path) -> None:
    queues, stop, failed = [bench.another() for _ in range(WRITERS)], threading.Event(), []
    begun = threading.Barrier(WRITERS + 1)

    def work(number: int) -> None:
        try:
            for each in itertools.count():
                if stop.is_set() and each >= EACH:
                    return
                queues[number].add(pulled(f"case-{number}-{each}"))
                if each == 0:
                    begun.wait(60)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        begun.wait(60)
        copies = [_copy(bench, file.with_name(f"{number}.backup")) for number in range(3)]
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert failed == []
    for number, made in enumerate(copies):
        assert made.problems == (), "the checks of a database find nothing wrong with it"
        manifest = read_manifest(file.with_name(f"{number}.backup"))
        assert manifest.tables["items"][0] == made.last_seq == made.cases > 0, "a line of audit for each case, and no more"
    assert copies[0].cases < copies[2].cases


def test_a_file_that_is_there_is_overwritten_only_when_told(bench: Bench, file: Path) -> None:
    file.write_text("dear")
    assert _code(lambda: _copy(bench, file)) == "QUE-051"
    assert file.read_text() == "dear"
    assert _copy(bench, file, replace=True).problems == ()
    assert read_manifest(file).tables["items"][0] == 0


def test_a_folder_that_is_not_there_is_told_and_an_unmade_database_is_not_made(bench: Bench, file: Path, tmp_path: Path) -> None:
    assert _code(lambda: _copy(bench, tmp_path / "none" / "x")) == "QUE-050"
    assert _code(lambda: back_up(tmp_path / "no.db", file, key=bench.store.key, clock=bench.clock)) == "QUE-021"
    assert not (tmp_path / "no.db").exists()
    assert os.listdir(file.parent) == []


def test_on_a_full_disk_there_is_no_half_copy(bench: Bench, file: Path) -> None:
    _some(bench)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, before[1]))
    try:
        assert _code(lambda: _copy(bench, file)) == "QUE-050"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(file.parent) == []
    assert _copy(bench, file).problems == ()


SLOW_COPY = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from workqueue import MasterKey, PostgresAddress, back_up, copying
class Clock:
    def now(self): return datetime.now(UTC)
    def machine_s(self): return time.time()
write = copying.write_manifest
def slowly(*arguments, **named):
    print("half", flush=True)
    time.sleep(60)
copying.write_manifest = slowly
place = PostgresAddress.parse(sys.argv[1]) if ":" in sys.argv[1] else Path(sys.argv[1])
back_up(place, Path(sys.argv[2]), key=MasterKey.load(Path(sys.argv[3])), clock=Clock())
"""


def test_a_killed_copying_leaves_nothing_under_the_name_and_the_next_one_clears_up(
    bench: Bench, file: Path, sqlite_template: tuple[Path, MasterKey]
) -> None:
    _some(bench)
    place = bench.store.place
    where = place_url(place) if isinstance(place, PostgresAddress) else str(place)
    command = [sys.executable, "-c", SLOW_COPY, where, str(file), str(sqlite_template[0].with_name("master.key"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT / "queue")})
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    other = file.with_name("other.backup")
    assert _copy(bench, other).problems == (), "another may copy meanwhile, and takes nothing away from it"
    assert len(os.listdir(file.parent)) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not file.exists()
    assert _copy(bench, file).problems == ()
    assert sorted(os.listdir(file.parent)) == [file.name, other.name]


def _damage(file: Path, how: str) -> None:
    whole = file.read_bytes()
    if how == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "something else":
        file.write_bytes(b"not a database" * 1000)
    elif how == "a bit flipped in what is sealed":
        with sqlite3.connect(file) as raw:
            (content,) = raw.execute("SELECT content FROM drafts LIMIT 1").fetchone()
        raw.close()
        at = whole.index(content[100:200])
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    elif how == "a row removed":
        with sqlite3.connect(file) as raw:
            raw.execute("DELETE FROM effects WHERE rowid = 1")
        raw.close()
    else:
        with sqlite3.connect(file) as raw:
            raw.execute("DROP TABLE backup_manifest")
        raw.close()


@pytest.mark.parametrize("how", ["cut", "empty", "something else", "a bit flipped in what is sealed", "a row removed", "no manifest"])
def test_a_damaged_copy_is_refused_and_nothing_is_made(bench: Bench, file: Path, new_place: Callable[[], Place], how: str) -> None:
    _some(bench)
    _copy(bench, file)
    _damage(file, how)
    place = new_place()
    assert _code(lambda: _restore(bench, file, place)) == "QUE-052"
    if isinstance(place, Path):
        assert not place.exists()
        assert list(place.parent.iterdir()) == []
    else:
        database = database_at(place)
        with database.read() as tx:
            assert inspect(tx).get_table_names() == []
        database.close()


def test_a_copy_is_refused_with_another_key_from_a_newer_program_and_when_it_is_not_there(
    bench: Bench, file: Path, new_place: Callable[[], Place], tmp_path: Path
) -> None:
    _copy(bench, file)
    with pytest.raises(KeyRefused):
        _restore(bench, file, new_place(), key=MasterKey.load_or_create(tmp_path / "other.key"))
    assert _code(lambda: _restore(bench, tmp_path / "none", new_place())) == "QUE-053"
    newer = tmp_path / "newer"
    shutil.copyfile(file, newer)
    with sqlite3.connect(newer) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.execute("UPDATE backup_manifest SET tables = ?", (_told_anew(newer, raw),))
    raw.close()
    assert _code(lambda: _restore(bench, newer, new_place())) == "QUE-020"


def _told_anew(copy: Path, raw: sqlite3.Connection) -> str:
    import json

    from workqueue.copy_files import _digests

    raw.commit()
    return json.dumps(_digests(raw))


@pytest.fixture(params=["to its own kind", "to the other kind"])
def target(request: pytest.FixtureRequest, kind: str, tmp_path: Path, new_place: Callable[[], Place]) -> Place:
    """Return an empty place to restore to."""
    if request.param == "to its own kind":
        return new_place()
    if kind == "postgres":
        return tmp_path / "restored" / "queue.db"
    empty: Place = request.getfixturevalue("databases").empty_database()
    return empty


def test_what_is_restored_is_what_was_there_with_a_line_that_says_so(bench: Bench, file: Path, target: Place) -> None:
    _some(bench)
    before, head = _rows(bench.store.place), bench.queue.audit_head()
    _copy(bench, file)
    done = _restore(bench, file, target)
    assert head is not None
    assert (done.copied_at, done.cases, done.head.seq, done.aside) == (bench.clock.now(), 31, head.seq + 1, None)

    after = _rows(target)
    same = [name for name in before if name not in {"items", "events", "event_details", "seen", "pulls", "duties"}]
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert (after["seen"], after["duties"], len(after["pulls"])) == ([], [], 1)
    queue = WorkQueue.open(target, key=bench.store.key, clock=bench.clock)
    found = queue.verify_audit([KeptHead(1, head.seq, head.hash)])
    assert (queue.integrity(), found.problems, found.events) == ([], (), head.seq + 1)
    draft = queue.draft("case-1")
    assert draft == {"proposal": "BIFALL"}, "the keys came along"
    assert queue.add(pulled("new-one")).created, "numbers go on where they were"
    queue.close()


def test_guards_and_identities_are_back_after_a_restore(bench: Bench, file: Path, target: Place) -> None:
    _some(bench)
    _copy(bench, file)
    _restore(bench, file, target)
    database = database_at(target)
    for statement in (
        "UPDATE events SET what = 'x'",
        "DELETE FROM events",
        "UPDATE items SET state = 'parked' WHERE state = 'ready'",
    ):
        with pytest.raises(PermanentQueueError), database.write() as tx:
            tx.execute(text(statement))
    database.close()


def test_after_a_restore_the_leases_of_then_are_void_and_what_was_begun_goes_on(
    bench: Bench, file: Path, new_place: Callable[[], Place]
) -> None:
    bench.queue.add_many([pulled("a"), pulled("b")])
    first, second = bench.queue.claim("worker", 2, LEASE_S)
    bench.finish(first, "recommendation", "document")
    bench.queue.receipt(first, writes(first, "recommendation")[0].key, "there")
    _copy(bench, file)
    place = new_place()
    _restore(bench, file, place)

    queue = WorkQueue.open(place, key=bench.store.key, clock=bench.clock)
    assert queue.begun_since() is not None
    queue.begun_listed()
    assert queue.begun_since() is None
    for stale in (first, second):
        assert queue.heartbeat([stale], LEASE_S) == set()
        with pytest.raises(StaleLease):
            queue.finish(replace(stale, lease=stale.lease + 1), "ok", {}, [])
    again = {one.case_id: one for one in queue.claim("another", 10, LEASE_S)}
    assert {case: (one.state, one.rescues, one.run) for case, one in again.items()} == {
        first.case_id: (State.DELIVERING, 0, 1),
        second.case_id: (State.ASSESSING, 0, 1),
    }
    assert all(one.lease > FORGOTTEN_LEASES for one in again.values())
    assert [effect.kind for effect in queue.pending_effects(again[first.case_id])] == ["document"]
    assert queue.is_from_before_restore(again[first.case_id])
    bench.clock.advance(seconds=1)
    queue.finish(again[second.case_id], "ok", {}, [])
    assert not queue.is_from_before_restore(again[second.case_id])
    queue.close()


def test_runs_after_a_restore_have_numbers_that_no_forgotten_run_had(bench: Bench, file: Path, new_place: Callable[[], Place]) -> None:
    bench.ended()
    _copy(bench, file)
    forgotten = [bench.queue.requeue("case-1", "one", "ops").run]
    restored: list[int] = []
    for _ in range(2):
        bench.clock.advance(seconds=2)
        place = new_place()
        _restore(bench, file, place)
        queue = WorkQueue.open(place, key=bench.store.key, clock=bench.clock)
        restored.append(queue.requeue("case-1", "another", "ops").run)
        queue.close()
    assert forgotten == [2]
    assert len({*forgotten, *restored}) == 3, "the same copy restored twice gives other numbers each time"


def test_a_database_that_is_there_is_not_restored_over(bench: Bench, file: Path) -> None:
    _some(bench)
    _copy(bench, file)
    before = _rows(bench.store.place)
    assert _code(lambda: _restore(bench, file, bench.store.place)) == "QUE-054"
    assert _rows(bench.store.place) == before


def test_a_database_that_a_robot_waits_at_is_not_restored_over(
    bench: Bench, file: Path, kind: str, new_store: Callable[[], StoreUnderTest]
) -> None:
    _copy(bench, file)
    empty = new_store()
    robot = WorkQueue.open(empty.place, key=empty.key, clock=_MachineClock())
    assert robot.hold_duty("pull", "a robot", 60)
    assert _code(lambda: _restore(bench, file, empty.place, replace=True)) == "QUE-055"
    robot.leave_duty("pull", "a robot")
    robot.close()
    if kind == "postgres":
        _restore(bench, file, empty.place)


class _MachineClock(FakeClock):
    """Leases go by the real time, as on a server."""

    def machine_s(self) -> float:
        """Return it."""
        return time.time()


def test_a_file_is_moved_aside_never_deleted(sqlite: StoreUnderTest, file: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    place = sqlite.place
    assert isinstance(place, Path)
    queue = sqlite.open(clock)
    queue.add(pulled("old"))
    back_up(place, file, key=sqlite.key, clock=clock)
    queue.add(pulled("new"))
    queue.close()
    (first, second) = (
        restore(file, place, key=sqlite.key, clock=clock, actor="ops", details={}, replace=True),
        restore(file, place, key=sqlite.key, clock=clock, actor="ops", details={}, replace=True),
    )
    assert first.aside is not None
    assert second.aside is not None
    for path, cases in ((place, {"old"}), (first.aside, {"old", "new"}), (second.aside, {"old"})):
        opened = WorkQueue.open(path, key=sqlite.key, clock=clock)
        assert {item.case_id for item in opened.items()} == cases
        opened.close()
    with sqlite3.connect(place) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


def test_a_damaged_file_is_moved_aside_with_what_belongs_to_it(sqlite: StoreUnderTest, file: Path) -> None:
    clock = FakeClock()
    place = sqlite.place
    assert isinstance(place, Path)
    back_up(place, file, key=sqlite.key, clock=clock)
    place.write_bytes(b"rubbish" * 5000)
    wal = place.with_name(f"{place.name}-wal")
    wal.write_bytes(b"more")
    done = restore(file, place, key=sqlite.key, clock=clock, actor="ops", details={}, replace=True)
    assert done.aside is not None
    assert done.aside.read_bytes().startswith(b"rubbish")
    assert done.aside.with_name(f"{done.aside.name}-wal").read_bytes() == b"more"
    queue = sqlite.open(clock)
    assert queue.integrity() == []
    queue.close()


def test_an_older_copy_is_brought_up_to_this_program(sqlite: StoreUnderTest, file: Path, tmp_path: Path) -> None:
    """Made as the program of then made its copies: the file's tables, and what tells of them."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "queue" / "workqueue" / "migrations"))
    config.set_main_option("path_separator", "os")
    old = tmp_path / "old.db"
    database = database_at(old)
    database.prepare()
    with database.upgrade() as connection:
        config.attributes["connection"] = connection
        alembic_command.upgrade(config, "0003")
        store_key_check(connection, sqlite.key)
        connection.execute(metadata.tables["duties"].insert().values(name="pull", holder="one", held_until=1.0))
    database.close()
    with sqlite3.connect(old) as raw:
        raw.execute("VACUUM INTO ?", (str(file),))
    raw.close()
    write_manifest(file, made_at=START, kind="file", revision="0003")
    place = tmp_path / "restored.db"
    restore(file, place, key=sqlite.key, clock=FakeClock(), actor="ops", details={})
    queue = WorkQueue.open(place, key=sqlite.key, clock=FakeClock())
    assert (queue.integrity(), queue.verify_audit().problems) == ([], ())
    assert queue.add(pulled()).created
    queue.close()


def _kept(queue: WorkQueue, line: int) -> KeptHead:
    head = queue.audit_head()
    assert head is not None
    return KeptHead(line, head.seq, head.hash, head.at)


def test_heads_kept_between_the_copy_and_the_restore_are_lost_by_it_and_a_cut_is_still_found(
    bench: Bench, file: Path, tmp_path: Path
) -> None:
    bench.queue.add(pulled("a"))
    kept = [_kept(bench.queue, 1)]
    _copy(bench, file)
    for line, case in ((2, "b"), (3, "c"), (4, "d")):
        bench.clock.advance(minutes=1)
        bench.queue.add(pulled(case))
        kept.append(_kept(bench.queue, line))
    bench.clock.advance(minutes=1)
    place = tmp_path / "restored" / "queue.db"
    _restore(bench, file, place)
    queue = WorkQueue.open(place, key=bench.store.key, clock=bench.clock)

    found = queue.verify_audit(kept)
    assert found.problems == ()
    (note,) = found.notes
    assert "event 2: the database was restored on 2026-11-30 08:04:00 UTC from a copy that ended with event 1" in note
    assert "3 kept heads are of lines lost by it, to event 4" in note

    bench.clock.advance(minutes=1)
    queue.add_many([pulled("e"), pulled("f")])
    kept.append(_kept(queue, 5))
    assert queue.verify_audit(kept).problems == ()
    without_time = [replace(one, at=None) for one in kept]
    assert len(queue.verify_audit(without_time).problems) == 3, "a head without a time proves nothing of when it was kept"
    queue.close()
    with sqlite3.connect(place) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("DELETE FROM event_details WHERE seq > 3")
        raw.execute("DELETE FROM events WHERE seq > 3")
    raw.close()
    queue = WorkQueue.open(place, key=bench.store.key, clock=bench.clock)
    assert queue.verify_audit(kept).problems == (
        "event 4 was exported (line 5 of the kept heads) and is cut off: the audit ends at event 3",
    ), "what was kept after the restore is not explained by it"
    queue.close()


def test_a_line_about_a_restore_that_was_made_without_the_key_explains_nothing(bench: Bench, kind: str) -> None:
    bench.queue.add_many([pulled("a"), pulled("b"), pulled("c")])
    kept = [_kept(bench.queue, 1)]
    bench.clock.advance(minutes=1)
    with bench.store.raw() as raw:
        if kind == "sqlite":
            for name in raw.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                raw.execute(text(f"DROP TRIGGER {name}"))
        else:
            raw.execute(text("SET session_replication_role = replica"))
        raw.execute(text("DELETE FROM event_details WHERE seq = 3"))
        raw.execute(text("DELETE FROM events WHERE seq = 3"))
        row = raw.execute(text("SELECT * FROM events WHERE seq = 2")).one()._asdict() | {
            "case_ref": chain.NO_CASE,
            "what": chain.RESTORED,
            "at": bench.clock.now(),
        }
        previous = raw.execute(text("SELECT hash FROM events WHERE seq = 1")).scalar_one()
        forged = chain.link(chain.row_text(previous, row), row["details_hash"])
        values = {"hash": forged, "at": bench.clock.now()}
        raw.execute(events.update().where(events.c.seq == 2).values(case_ref=chain.NO_CASE, what=chain.RESTORED, **values))
        assert raw.execute(select(func.max(events.c.seq))).scalar_one() == 2
        if kind == "postgres":
            raw.execute(text("SET session_replication_role = origin"))
    problems = bench.queue.verify_audit(kept).problems
    assert len(problems) == 2, problems
    assert "made without the key" in problems[0]
    assert "cut off" in problems[1]
