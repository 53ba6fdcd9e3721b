"""The SQLite file: one engine for writes, which locks at once, and one for reads, which never does."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workqueue.errors import PermanentQueueError, QueueError, RetriableQueueError

BUSY_TIMEOUT_S = 10.0
READERS = 4
WAL_LIMIT_BYTES = 64 * 1024 * 1024
_WAL_TRIES = 50
_WAL_WAIT_S = 0.1

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
_DETAIL_CHARACTERS = 200


class Database:
    """Gives connections inside a transaction. Safe to use from any thread of one process; not across a fork."""

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._one_writer = threading.Lock()
        self._writes = self._engine("BEGIN IMMEDIATE", connections=1, only_reads=False)
        self._reads = self._engine("BEGIN", connections=READERS, only_reads=True)

    def create_file(self) -> None:
        """Make the file, readable by its owner alone, and set it to write-ahead logging."""
        with translated(), suppress(FileExistsError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with translated():
            self._use_wal()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that holds the write lock from its first statement; commit at the end, roll back on any error."""
        if not self._one_writer.acquire(timeout=self._busy_timeout_s):
            raise RetriableQueueError("QUE-001")
        try:
            with translated(), self._writes.begin() as connection:
                yield connection
        finally:
            self._one_writer.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database and can change nothing."""
        with translated(), self._reads.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._reads.dispose()
        self._writes.dispose()

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
            dbapi.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
            dbapi.execute(f"PRAGMA query_only = {'ON' if only_reads else 'OFF'}")

        @event.listens_for(engine, "begin")
        def take_lock(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

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


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database driver raises into the queue's own errors, without any value from a statement."""
    try:
        yield
    except QueueError:
        raise
    except DBAPIError as error:
        raise _named(error.orig) from None
    except StatementError as error:
        raise ValueError(str(error.orig)) from None
    except (sqlite3.Error, OSError) as error:
        raise _named(error) from None
    except PoolTimeout:
        raise RetriableQueueError("QUE-001") from None


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
    return PermanentQueueError("QUE-004", detail=f"{name}: {error}"[:_DETAIL_CHARACTERS])
