"""Promises about making a database, bringing it up, and refusing one of another version."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text

from tests.queue.queue_bench import Bench, FakeClock, SqliteStore, pulled
from workqueue import MasterKey, PermanentQueueError, RetriableQueueError, WorkQueue, upgrade
from workqueue.tables import metadata
from workqueue.upgrading import head

ROOT = Path(__file__).resolve().parents[2]
MANY = 4


@pytest.fixture
def key(tmp_path: Path) -> MasterKey:
    """A new key."""
    return MasterKey.load_or_create(tmp_path / "master.key")


def _code(path: Path, key: MasterKey) -> str:
    with pytest.raises(PermanentQueueError) as caught:
        WorkQueue.open(path, key=key, clock=FakeClock())
    return caught.value.code


def test_an_empty_folder_becomes_a_queue(tmp_path: Path, key: MasterKey) -> None:
    path = tmp_path / "new" / "queue.db"
    assert upgrade(path, key=key)
    assert not upgrade(path, key=key), "a second time there is nothing to do"
    queue = WorkQueue.open(path, key=key, clock=FakeClock())
    assert queue.add(pulled()).created
    queue.close()


def test_a_queue_makes_its_database_when_there_is_none(tmp_path: Path, key: MasterKey) -> None:
    queue = WorkQueue.open(tmp_path / "queue.db", key=key, clock=FakeClock())
    assert queue.integrity() == []
    queue.close()


def test_the_migrations_make_exactly_the_tables_that_the_program_uses(tmp_path: Path, key: MasterKey) -> None:
    upgrade(tmp_path / "queue.db", key=key)
    engine = create_engine(f"sqlite:///{tmp_path / 'queue.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_revisions_are_told_without_alembic_as_alembic_tells_them() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "queue" / "workqueue" / "migrations"))
    config.set_main_option("path_separator", "os")
    assert head() == ScriptDirectory.from_config(config).get_current_head()


OPEN_WHAT_IS_THERE = """
import sys, pathlib
from workqueue import MasterKey, WorkQueue
from tests.queue.queue_bench import FakeClock
folder = pathlib.Path(sys.argv[1])
WorkQueue.open(folder / "queue.db", key=MasterKey.load(folder / "master.key"), clock=FakeClock()).close()
print("alembic" in sys.modules)
"""


def test_opening_a_queue_that_is_there_does_not_load_alembic(tmp_path: Path, key: MasterKey) -> None:
    upgrade(tmp_path / "queue.db", key=key)
    command = [sys.executable, "-c", OPEN_WHAT_IS_THERE, str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout == "False\n"


def test_a_database_of_a_newer_program_is_refused_and_left_alone(sqlite: SqliteStore) -> None:
    with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert _code(sqlite.path, sqlite.key) == "QUE-020"
    with pytest.raises(PermanentQueueError) as caught:
        upgrade(sqlite.path, key=sqlite.key)
    assert caught.value.code == "QUE-020"
    assert "newer" in str(caught.value)


def test_a_database_of_an_older_program_is_refused_until_it_is_brought_up(sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workqueue.upgrading._revisions", lambda: ("0002", "0001"))
    assert _code(sqlite.path, sqlite.key) == "QUE-021"


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path, key: MasterKey) -> None:
    path = tmp_path / "queue.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (id)")
    assert _code(path, key) == "QUE-022"
    with pytest.raises(PermanentQueueError, match="QUE-022"):
        upgrade(path, key=key)
    with closing(sqlite3.connect(path)) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["recipes"]


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_refused(tmp_path: Path, key: MasterKey, content: bytes) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(content)
    assert _code(path, key) == "QUE-003"
    assert path.read_bytes() == content


def test_an_upgrade_that_fails_leaves_nothing_behind(tmp_path: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("pulled the plug")

    path = tmp_path / "queue.db"
    with monkeypatch.context() as patched:
        patched.setattr("workqueue.upgrading._store_key_check", fail)
        with pytest.raises(RuntimeError):
            upgrade(path, key=key)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    assert upgrade(path, key=key)


START_AT_ONCE = """
import sys, pathlib
from workqueue import MasterKey, WorkQueue
from tests.queue.queue_bench import FakeClock
folder = pathlib.Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
key = MasterKey.load_or_create(folder / "master.key", database=folder / "queue.db")
WorkQueue.open(folder / "queue.db", key=key, clock=FakeClock()).close()
print(key.key_id)
"""


def test_processes_that_start_at_once_make_one_key_and_one_database(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START_AT_ONCE, str(tmp_path)]
    started = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(MANY)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0].strip() for process in started}

    assert [process.returncode for process in started] == [0] * MANY
    assert keys == {MasterKey.load(tmp_path / "master.key").key_id}


def test_the_database_is_set_to_survive_a_power_cut(bench: Bench) -> None:
    with bench.queue._db.write() as tx:
        assert tx.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert tx.execute(text("PRAGMA synchronous")).scalar() == 2
        assert tx.execute(text("PRAGMA foreign_keys")).scalar() == 1
    with bench.queue._db.read() as tx:
        assert tx.execute(text("PRAGMA query_only")).scalar() == 1


def test_a_write_locks_before_its_first_statement_and_a_read_locks_nothing(bench: Bench) -> None:
    other = WorkQueue.open(bench.queue._db.path, key=bench.store.key, clock=bench.clock, busy_timeout_s=0.05)
    bench.opened.append(other)
    with bench.queue._db.write():
        assert other.counts()
        with pytest.raises(RetriableQueueError) as caught:
            other.add(pulled())
        assert caught.value.code == "QUE-001"
    with bench.queue._db.read() as tx:
        tx.execute(text("SELECT 1 FROM items")).all()
        assert other.add(pulled()).created


def test_a_thread_does_not_wait_for_another_for_ever(bench: Bench) -> None:
    queue = WorkQueue.open(bench.queue._db.path, key=bench.store.key, clock=bench.clock, busy_timeout_s=0.05)
    bench.opened.append(queue)
    with queue._db.write(), pytest.raises(RetriableQueueError) as caught:
        queue.add(pulled())
    assert caught.value.code == "QUE-001"


def test_a_full_disk_is_something_to_try_again(bench: Bench) -> None:
    with bench.queue._db.write() as tx:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
    engine = bench.queue._db._writes
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(RetriableQueueError) as caught:
        bench.queue.add_many([pulled(str(number)) for number in range(200)])
    assert caught.value.code == "QUE-002"
    assert bench.queue.items() == [], "nothing of it was stored"


@pytest.mark.parametrize(
    ("call", "index"),
    [
        (lambda queue: queue.claim("worker", 1, 60), "items_to_claim"),
        (lambda queue: queue.release_expired(), "items_in_hand"),
        (lambda queue: queue.release_due(), "items_at_rest"),
    ],
    ids=["claim", "release_expired", "release_due"],
)
def test_what_runs_all_the_time_reads_its_own_small_index(bench: Bench, call: Callable[[WorkQueue], object], index: str) -> None:
    plans: list[str] = []

    def explain(connection: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("UPDATE items"):
            dbapi: Any = connection.connection
            plans.extend(row[3] for row in dbapi.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    engine = bench.queue._db._writes
    event.listen(engine, "before_cursor_execute", explain)
    call(bench.queue)
    assert any(f"USING INDEX {index}" in plan or f"USING COVERING INDEX {index}" in plan for plan in plans), plans
