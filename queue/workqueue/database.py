"""What the queue needs of a database, whichever kind it is: a SQLite file (sqlite.py) or a PostgreSQL server (postgres.py)."""

from __future__ import annotations

import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, Float, FunctionElement, bindparam, func
from sqlalchemy.exc import DBAPIError, PendingRollbackError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles

from workqueue.address import PostgresAddress
from workqueue.errors import QueueError, RetriableQueueError
from workqueue.grouping import SAVEPOINT, Group, Last
from workqueue.records import QueueClock
from workqueue.statements import driver_of

BUSY_TIMEOUT_S = 10.0
DETAIL_CHARACTERS = 200
_CHAIN_END = "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1"
Place = Path | PostgresAddress
"""Where a queue is kept: a file, or a database on a server."""


class Database(ABC):
    """Gives connections inside a transaction. Safe to use from any thread of one process; not across a fork."""

    MANY_WRITERS: ClassVar[bool]
    """Whether several transactions may write at the same time."""
    DRIVER_ERROR: ClassVar[type[Exception]]
    """What the driver's errors have in common."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that may change things; commit at the end, roll back on any error. Within a group: one part of it."""
        group = self._group()
        with self._translated():
            if group is not None:
                with group.part() as tx:
                    yield tx
            else:
                with self._transaction() as tx:
                    yield tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database and can change nothing. Within a group: what it has changed so far too."""
        group = self._group()
        with self._translated():
            if group is not None and group.tx is not None:
                with group.look() as tx:
                    yield tx
            else:
                with self._snapshot() as tx:
                    yield tx

    @contextmanager
    def group(self) -> Iterator[None]:
        """Let all that this thread writes meanwhile be ONE transaction, each `write` a part that fails alone; commit at the end.

        Raises, and stores nothing, when the block raises or the transaction cannot be committed. A group within a group is part of it.
        """
        if self._group() is not None:
            yield
            return
        with self._translated(), Group(self._transaction, self._mark, self.DRIVER_ERROR, self._named) as group:
            self._of_thread.group = group
            try:
                yield
            finally:
                self._of_thread.group = None

    def add_last(self, tx: Connection, things: list[Any], store: Last) -> None:
        """Store what comes last in a transaction: now, or when all parts of the group have been made."""
        group = self._group()
        if group is None:
            store(tx, things)
        else:
            group.add_last(things, store)

    @contextmanager
    def read_audit(self) -> Iterator[Connection]:
        """Do as `read`, and see the lines of the audit too that the group has made so far."""
        group = self._group()
        if group is not None:
            with self._translated():
                group.store_last()
        with self.read() as tx:
            yield tx

    @abstractmethod
    def is_there(self) -> bool:
        """Say whether there is something to connect to. A server's database is always taken to be there."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what must be there before tables can be made."""

    @abstractmethod
    def upgrade(self) -> AbstractContextManager[Connection]:
        """Give a connection for making tables, to one at a time: others wait until it has committed."""

    @abstractmethod
    def lease_time(self, clock: QueueClock) -> float | None:
        """Return the seconds that leases go by, None = the database's own clock. See `LEASE_TIME`."""

    def hold_pulling(self, tx: Connection) -> None:  # noqa: B027  a kind with one writer at a time has nothing to do
        """Wait until no other transaction adds cases, and keep others waiting until this one ends."""

    def tell(self, tx: Connection) -> None:  # noqa: B027  a file can tell nobody
        """Let the idle robots know that there is work, once the transaction has been committed. See `waking`."""

    def chain_end(self, tx: Connection) -> tuple[int, str] | None:
        """Return number and hash of the audit's last line, None = there is none; no other transaction adds one until this one ends."""
        found: tuple[int, str] | None = driver_of(tx).execute(_CHAIN_END).fetchone()
        return found

    @abstractmethod
    def damage(self, tx: Connection) -> list[str]:
        """Return what the database itself finds wrong, a sentence each."""

    def erase_traces(self) -> bool:
        """Empty what is kept of deleted rows beside the tables; return whether it could be done. A server does it by itself, later."""
        return True

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Connection]:
        """Give a connection that may change things; commit at the end, roll back on any error."""

    @abstractmethod
    def _snapshot(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one moment of the database and can change nothing."""

    @abstractmethod
    def _named(self, error: BaseException | None) -> QueueError:
        """Return the queue's error for a driver's."""

    def _mark(self, tx: Connection, again: bool) -> None:
        """Set the savepoint of a group's next part, `again` = in place of the one of the part before."""
        if again:
            driver_of(tx).execute(f"RELEASE {SAVEPOINT}")
        driver_of(tx).execute(SAVEPOINT)

    def _group(self) -> Group | None:
        return getattr(self._of_thread, "group", None)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._named, self.DRIVER_ERROR)


def database_at(place: Place, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
    """Return the database at a place; nothing is opened yet."""
    if isinstance(place, PostgresAddress):
        # Loaded here alone: who keeps a file pays nothing for the server's driver.
        from workqueue.postgres import PostgresDatabase

        return PostgresDatabase(place, busy_timeout_s=busy_timeout_s)
    from workqueue.sqlite import SqliteDatabase

    return SqliteDatabase(place, busy_timeout_s=busy_timeout_s)


class _DatabaseSeconds(FunctionElement[float]):
    """Seconds since 1970 by the database's clock; the same all through a statement."""

    type = Float()
    inherit_cache = True


@compiles(_DatabaseSeconds)
def _no_clock(_element: _DatabaseSeconds, _compiler: Any, **_: Any) -> str:
    return "NULL"


@compiles(_DatabaseSeconds, "postgresql")
def _server_clock(_element: _DatabaseSeconds, _compiler: Any, **_: Any) -> str:
    return "CAST(extract(epoch FROM statement_timestamp()) AS DOUBLE PRECISION)"


LEASE_TIME = func.coalesce(bindparam("b_time", type_=Float), _DatabaseSeconds(), type_=Float)
"""The time that leases go by, in a statement. `b_time` is what `Database.lease_time` returns."""


@contextmanager
def translated(named: Callable[[BaseException | None], QueueError], driver_error: type[Exception] = sqlite3.Error) -> Iterator[None]:
    """Turn what the database driver raises into the queue's own errors, without any value from a statement."""
    try:
        yield
    except QueueError:
        raise
    except DBAPIError as error:
        raise named(error.orig) from None
    except StatementError as error:
        raise ValueError(str(error.orig)) from None
    except (driver_error, OSError) as error:
        raise named(error) from None
    except PoolTimeout:
        raise RetriableQueueError("QUE-001") from None
    except PendingRollbackError:
        # The connection was lost within the transaction, and the next thing was tried on it.
        raise RetriableQueueError("QUE-005") from None
