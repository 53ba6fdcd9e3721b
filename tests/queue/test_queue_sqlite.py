"""Promises about the SQLite file itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.queue.queue_bench import Bench, FakeClock, pulled
from tests.queue.queue_stores import SqliteStore
from workqueue import MasterKey, PermanentQueueError, RetriableQueueError, WorkQueue
from workqueue.sqlite import SqliteDatabase


@pytest.fixture
def database(sqlite: SqliteStore) -> Iterator[SqliteDatabase]:
    """The file of an empty queue."""
    opened = SqliteDatabase(sqlite.path)
    yield opened
    opened.close()


@pytest.fixture
def filed(sqlite: SqliteStore) -> Iterator[Bench]:
    """An open queue in a file."""
    clock = FakeClock()
    made = Bench(sqlite.open(clock), clock, sqlite)
    yield made
    made.close()


def _impatient(bench: Bench) -> WorkQueue:
    """Open the same file in a hurry."""
    assert isinstance(bench.store, SqliteStore)
    bench.opened.append(WorkQueue.open(bench.store.path, key=bench.store.key, clock=bench.clock, busy_timeout_s=0.05))
    return bench.opened[-1]


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    key = MasterKey.load_or_create(tmp_path / "master.key")
    path = tmp_path / "queue.db"
    path.write_bytes(content)
    with pytest.raises(PermanentQueueError) as caught:
        WorkQueue.open(path, key=key, clock=FakeClock())
    assert caught.value.code == "QUE-003"
    assert path.read_bytes() == content


def test_the_database_is_set_to_survive_a_power_cut(database: SqliteDatabase) -> None:
    with database.write() as tx:
        assert tx.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert tx.execute(text("PRAGMA synchronous")).scalar() == 2
        assert tx.execute(text("PRAGMA foreign_keys")).scalar() == 1
    with database.read() as tx:
        assert tx.execute(text("PRAGMA query_only")).scalar() == 1


def test_a_write_locks_before_its_first_statement_and_a_read_locks_nothing(filed: Bench) -> None:
    other = _impatient(filed)
    with filed.queue._db.write():
        assert other.counts()
        with pytest.raises(RetriableQueueError) as caught:
            other.add(pulled())
        assert caught.value.code == "QUE-001"
    with filed.queue._db.read() as tx:
        tx.execute(text("SELECT 1 FROM items")).all()
        assert other.add(pulled()).created


def test_a_thread_does_not_wait_for_another_for_ever(filed: Bench) -> None:
    queue = _impatient(filed)
    with queue._db.write(), pytest.raises(RetriableQueueError) as caught:
        queue.add(pulled())
    assert caught.value.code == "QUE-001"


def test_a_full_disk_is_something_to_try_again(filed: Bench) -> None:
    with filed.queue._db.write() as tx:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
    assert isinstance(filed.queue._db, SqliteDatabase)
    engine = filed.queue._db._writes
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(RetriableQueueError) as caught:
        filed.queue.add_many([pulled(str(number)) for number in range(200)])
    assert caught.value.code == "QUE-002"
    assert filed.queue.items() == [], "nothing of it was stored"


def test_a_transaction_that_sqlite_has_ended_itself_is_never_taken_for_committed(filed: Bench) -> None:
    def change_and_fail() -> None:
        with filed.queue._db.write() as tx:
            tx.execute(text("DELETE FROM pauses"))
            with suppress(DBAPIError):
                tx.execute(text("INSERT OR ROLLBACK INTO store (id, key_id, key_check) VALUES (1, '', x'00')"))

    with pytest.raises(PermanentQueueError, match="QUE-004"):
        change_and_fail()
    assert filed.queue.add(pulled()).created
