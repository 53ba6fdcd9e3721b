"""The SQLite file: one engine for writes, which locks at once, and one for reads, which never does."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from workqueue import limits
from workqueue.copy_files import give_to_owner_of
from workqueue.database import BUSY_TIMEOUT_S, DETAIL_CHARACTERS, Database, translated
from workqueue.errors import PermanentQueueError, QueueError, RetriableQueueError
from workqueue.records import QueueClock
from workqueue.statements import driver_of

READERS = 4
WAL_LIMIT_BYTES = 64 * 1024 * 1024
CHECKPOINT_PAGES = 4000
"""So much is logged before it is copied to the file: pages that change with every case are then copied once for many."""
CACHE_KIB = 16 * 1024
"""Of the one connection that writes: the ends of all tables and indexes stay in memory."""
_WAL_TRIES = 50
_WAL_WAIT_S = 0.1
_ERASE_WAIT_S = 0.5
"""Readers are waited for so long: who writes waits meanwhile."""

_RETRIABLE = {
    sqlite3.SQLITE_BUSY: "QUE-001",
    sqlite3.SQLITE_LOCKED: "QUE-001",
    sqlite3.SQLITE_FULL: "QUE-002",
    sqlite3.SQLITE_IOERR: "QUE-002",
    sqlite3.SQLITE_CANTOPEN: "QUE-002",
    sqlite3.SQLITE_READONLY: "QUE-002",
    sqlite3.SQLITE_NOMEM: "QUE-002",
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PRIMARY_CODE = 0xFF


class SqliteDatabase(Database):
    """A file on this machine. Any number of processes share it; one at a time writes, and leases go by the machine's clock."""

    MANY_WRITERS = False
    DRIVER_ERROR = sqlite3.Error

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        super().__init__()
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._one_writer = threading.Lock()
        self._writes = self._engine("BEGIN IMMEDIATE", connections=1, only_reads=False)
        self._reads = self._engine("BEGIN", connections=READERS, only_reads=True)

    def is_there(self) -> bool:
        """Say whether there is a file."""
        return self.path.exists()

    def prepare(self) -> None:
        """Make the file, readable by its owner alone, and set it to write-ahead logging."""
        with translated(_named), suppress(FileExistsError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                give_to_owner_of(self.path.parent, descriptor)
            finally:
                os.close(descriptor)
        with translated(_named):
            self._use_wal()

    def upgrade(self) -> AbstractContextManager[Connection]:
        """Give a connection for making tables: the write lock keeps others away."""
        return self.write()

    def lease_time(self, clock: QueueClock) -> float | None:
        """Return the machine's seconds: all who share the file are on one machine."""
        return clock.machine_s()

    def damage(self, tx: Connection) -> list[str]:
        """Return what SQLite itself finds wrong with the file."""
        return [str(row[0]) for row in tx.exec_driver_sql(f"PRAGMA quick_check({limits.PROBLEMS_LIMIT})") if row[0] != "ok"]

    def erase_traces(self) -> bool:
        """Bring all of the log into the file and empty it; return False when somebody still reads what stands there."""
        with self._translated(), closing(sqlite3.connect(self.path, timeout=_ERASE_WAIT_S, isolation_level=None)) as connection:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Close all connections."""
        self._reads.dispose()
        self._writes.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Give a connection that holds the write lock from its first statement; commit at the end, roll back on any error."""
        if not self._one_writer.acquire(timeout=self._busy_timeout_s):
            raise RetriableQueueError("QUE-001")
        try:
            with self._writes.begin() as connection:
                yield connection
                if not driver_of(connection).in_transaction:
                    # SQLite ends a transaction itself at some errors: if such a one was passed over, nothing is stored.
                    raise PermanentQueueError("QUE-004", detail="a statement that failed was passed over")
        finally:
            self._one_writer.release()

    def _snapshot(self) -> AbstractContextManager[Connection]:
        return self._reads.begin()

    def _named(self, error: BaseException | None) -> QueueError:
        return _named(error)

    def _engine(self, begin: str, *, connections: int, only_reads: bool) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            pool_size=connections,
            max_overflow=0,
            pool_timeout=self._busy_timeout_s,
            hide_parameters=True,
        )
        busy_ms = int(self._busy_timeout_s * 1000)

        @event.listens_for(engine, "connect")
        def set_up(dbapi: Any, _record: Any) -> None:
            dbapi.isolation_level = None
            dbapi.execute(f"PRAGMA busy_timeout = {busy_ms}")
            dbapi.execute("PRAGMA synchronous = FULL")
            dbapi.execute("PRAGMA foreign_keys = ON")
            dbapi.execute("PRAGMA temp_store = MEMORY")
            dbapi.execute("PRAGMA secure_delete = ON")
            dbapi.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
            dbapi.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            if not only_reads:
                dbapi.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            dbapi.execute(f"PRAGMA query_only = {'ON' if only_reads else 'OFF'}")

        @event.listens_for(engine, "begin")
        def take_lock(connection: Connection) -> None:
            driver_of(connection).execute(begin)

        return engine

    def _use_wal(self) -> None:
        """Switch once to write-ahead logging. SQLite does not wait for another process that does the same, so try a few times."""
        connection = sqlite3.connect(self.path, timeout=self._busy_timeout_s, isolation_level=None)
        try:
            for attempt in range(1, _WAL_TRIES + 1):
                try:
                    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                        return
                except sqlite3.OperationalError:
                    if attempt == _WAL_TRIES:
                        raise
                time.sleep(_WAL_WAIT_S)
            raise RetriableQueueError("QUE-001", detail="write-ahead logging")
        finally:
            connection.close()


def _named(error: BaseException | None) -> QueueError:
    """Choose the error. SQLite's own texts name tables and constraints, never values."""
    if isinstance(error, OSError):
        return RetriableQueueError("QUE-002", detail=type(error).__name__)
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    primary = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if primary in _RETRIABLE:
        return RetriableQueueError(_RETRIABLE[primary], detail=name)
    if primary in _DAMAGED:
        return PermanentQueueError("QUE-003", detail=name)
    return PermanentQueueError("QUE-004", detail=f"{name}: {error}"[:DETAIL_CHARACTERS])
