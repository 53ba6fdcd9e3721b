"""Promises about restoring a copy: all or nothing, nothing written twice afterwards, and the audit says that it was done."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command as alembic_command
from alembic.config import Config
from sqlalchemy import func, select, text

from tests.queue.backup_bench import (
    ROOT,
    code_of,
    copied_to,
    restored_from,
    rows_of,
    some_cases,
)
from tests.queue.queue_bench import LEASE_S, START, Bench, FakeClock, pulled, writes
from tests.queue.queue_stores import StoreUnderTest
from workqueue import (
    KeptHead,
    MasterKey,
    PermanentQueueError,
    StaleLease,
    State,
    WorkQueue,
    back_up,
    chain,
    restore,
)
from workqueue.copy_files import write_manifest
from workqueue.database import Place, database_at
from workqueue.restoring import FORGOTTEN_LEASES
from workqueue.tables import events, metadata
from workqueue.upgrading import store_key_check, upgrade


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
    some_cases(bench)
    before, head = rows_of(bench.store.place), bench.queue.audit_head()
    copied_to(bench, file)
    done = restored_from(bench, file, target)
    assert head is not None
    assert (done.copied_at, done.cases, done.head.seq, done.aside) == (bench.clock.now(), 31, head.seq + 1, None)

    after = rows_of(target)
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
    some_cases(bench)
    copied_to(bench, file)
    restored_from(bench, file, target)
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
    copied_to(bench, file)
    place = new_place()
    restored_from(bench, file, place)

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
    copied_to(bench, file)
    forgotten = [bench.queue.requeue("case-1", "one", "ops").run]
    restored: list[int] = []
    for _ in range(2):
        bench.clock.advance(seconds=2)
        place = new_place()
        restored_from(bench, file, place)
        queue = WorkQueue.open(place, key=bench.store.key, clock=bench.clock)
        restored.append(queue.requeue("case-1", "another", "ops").run)
        queue.close()
    assert forgotten == [2]
    assert len({*forgotten, *restored}) == 3, "the same copy restored twice gives other numbers each time"


def test_a_database_that_is_there_is_not_restored_over(bench: Bench, file: Path) -> None:
    some_cases(bench)
    copied_to(bench, file)
    before = rows_of(bench.store.place)
    assert code_of(lambda: restored_from(bench, file, bench.store.place)) == "QUE-054"
    assert rows_of(bench.store.place) == before


def test_a_database_that_a_robot_waits_at_is_not_restored_over(
    bench: Bench, file: Path, kind: str, new_store: Callable[[], StoreUnderTest]
) -> None:
    copied_to(bench, file)
    empty = new_store()
    robot = WorkQueue.open(empty.place, key=empty.key, clock=_MachineClock())
    assert robot.hold_duty("pull", "a robot", 60)
    assert code_of(lambda: restored_from(bench, file, empty.place, replace=True)) == "QUE-055"
    robot.leave_duty("pull", "a robot")
    robot.close()
    if kind == "postgres":
        restored_from(bench, file, empty.place)


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
@pytest.mark.parametrize("there", [True, False], ids=["in its place", "where none was"])
def test_what_root_restores_belongs_to_the_robots_user(sqlite: StoreUnderTest, file: Path, *, there: bool) -> None:
    clock, place, robot = FakeClock(), sqlite.place, (61234, 61234)
    assert isinstance(place, Path)
    queue = sqlite.open(clock)
    queue.add(pulled("old"))
    back_up(place, file, key=sqlite.key, clock=clock)
    queue.close()
    if there:
        os.chown(place, *robot)
    else:
        place.unlink()
        os.chown(place.parent, *robot)
    restore(file, place, key=sqlite.key, clock=clock, actor="ops", details={}, replace=there)
    made = place.stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (*robot, 0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_a_database_that_root_makes_belongs_to_whom_the_folder_does(tmp_path: Path) -> None:
    folder = tmp_path / "robot"
    folder.mkdir()
    os.chown(folder, 61234, 61234)
    upgrade(folder / "queue.db", key=MasterKey(bytes(32)))
    assert {(path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()} == {(61234, 61234)}


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
    copied_to(bench, file)
    for line, case in ((2, "b"), (3, "c"), (4, "d")):
        bench.clock.advance(minutes=1)
        bench.queue.add(pulled(case))
        kept.append(_kept(bench.queue, line))
    bench.clock.advance(minutes=1)
    place = tmp_path / "restored" / "queue.db"
    restored_from(bench, file, place)
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
