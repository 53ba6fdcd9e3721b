"""The PostgreSQL server: several robots on several machines share it. Connections are pooled and made anew when the server went away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext

from workqueue.address import PostgresAddress
from workqueue.database import BUSY_TIMEOUT_S, Database
from workqueue.errors import PermanentQueueError, QueueError
from workqueue.grouping import SAVEPOINT
from workqueue.postgres_errors import is_gone, named
from workqueue.records import QueueClock
from workqueue.statements import driver_of
from workqueue.waking import CHANNEL

CONNECTIONS = 4
CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 60
IDLE_IN_TRANSACTION_TIMEOUT_S = 15
"""A robot that stands still inside a transaction keeps others out no longer than this."""
KEEPALIVE_S = 10
KEEPALIVES = 3
OLDEST_VERSION = 15

_UPGRADING = int.from_bytes(b"bistand\x01")
_PULLING = int.from_bytes(b"bistand\x02")
_DRIVER: dict[str, Any] = {
    "application_name": "bistandsrobot",
    "client_encoding": "utf8",
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives": 1,
    "keepalives_idle": KEEPALIVE_S,
    "keepalives_interval": KEEPALIVE_S,
    "keepalives_count": KEEPALIVES,
    "tcp_user_timeout": KEEPALIVE_S * KEEPALIVES * 1000,
    "target_session_attrs": "read-write",
}
_SESSION = text(
    """SELECT set_config('TimeZone', 'UTC', false), set_config('lock_timeout', :lock, false),
    set_config('statement_timeout', :statement, false), set_config('idle_in_transaction_session_timeout', :idle, false),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
    ELSE current_setting('synchronous_commit') END, false)"""
)
_LOCK = text("SELECT pg_advisory_xact_lock(:what)")
_TELL = f"NOTIFY {CHANNEL}"
_CHAIN_END = "SELECT seq, hash FROM audit_end()"
_VERSION = text("SELECT current_setting('server_version_num')::integer / 10000")
_INVALID = text(
    """SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace"""
)
_CHECKSUMS = text("SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()")


class PostgresDatabase(Database):
    """A database on a server. Many transactions write at the same time, and leases go by the server's clock."""

    MANY_WRITERS = True
    DRIVER_ERROR = psycopg.Error

    def __init__(self, address: PostgresAddress, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        super().__init__()
        self.address = address
        self._busy_timeout_s = busy_timeout_s
        self._writes = self._engine()
        self._reads = self._writes.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def is_there(self) -> bool:
        """Say yes: whether it answers is seen when it is asked."""
        return True

    def prepare(self) -> None:
        """Refuse a server that is too old. The database itself is made by whoever runs the server."""
        with self.read() as connection:
            version = connection.execute(_VERSION).scalar_one()
        if version < OLDEST_VERSION:
            raise PermanentQueueError("QUE-023", detail=f"version {version}")

    @contextmanager
    def upgrade(self) -> Iterator[Connection]:
        """Give a connection for making tables, without a time limit; another that would do the same waits for this one."""
        with self.write() as connection:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            _lock(connection, _UPGRADING)
            yield connection

    def lease_time(self, clock: QueueClock) -> float | None:
        """Return None: the machines' clocks differ, so the server's is used."""
        del clock
        return None

    def hold_pulling(self, tx: Connection) -> None:
        """Let one transaction at a time add cases: two that find the same new case would both want to be first."""
        _lock(tx, _PULLING)

    def tell(self, tx: Connection) -> None:
        """Let all who listen know; several times in one transaction are one."""
        tx.exec_driver_sql(_TELL)

    def chain_end(self, tx: Connection) -> tuple[int, str] | None:
        """Let one transaction at a time add to the audit, until it has committed: what is chained first is there first.

        It is the last lock that a transaction takes, so no two wait for each other. Lock and look are one question to the server.
        """
        found: tuple[int, str] | None = driver_of(tx).execute(_CHAIN_END).fetchone()
        return found

    def damage(self, tx: Connection) -> list[str]:
        """Return indexes that are not whole, and pages that the server has found damaged."""
        problems = [f"index {name} is not valid: run REINDEX on it" for name in tx.execute(_INVALID).scalars()]
        failures = tx.execute(_CHECKSUMS).scalar_one()
        return [*problems, *([f"the server has found {failures} damaged pages; see its log"] if failures else [])]

    def close(self) -> None:
        """Close all connections."""
        self._writes.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Give a connection that may change things; commit at the end, roll back on any error.

        Each statement sees what was committed before it: what must not change in between is locked by the statement that reads it.
        """
        with self._writes.begin() as connection:
            try:
                yield connection
                _refuse_failed(connection)
            except psycopg.Error as error:
                # Statements past SQLAlchemy (statements.py) are not seen by the pool: it is told here of a connection of no more use.
                if is_gone(error):
                    connection.invalidate(error)
                raise

    def _mark(self, tx: Connection, again: bool) -> None:
        """Do both in one question to the server."""
        driver_of(tx).execute(f"RELEASE {SAVEPOINT}; {SAVEPOINT}" if again else SAVEPOINT, prepare=False)

    def _snapshot(self) -> AbstractContextManager[Connection]:
        return self._reads.begin()

    def _named(self, error: BaseException | None) -> QueueError:
        return named(error)

    def _engine(self) -> Engine:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=self._busy_timeout_s,
            hide_parameters=True,
            use_native_hstore=False,
        )
        session = {
            "lock": f"{int(self._busy_timeout_s * 1000)}ms",
            "statement": f"{STATEMENT_TIMEOUT_S}s",
            "idle": f"{IDLE_IN_TRANSACTION_TIMEOUT_S}s",
        }
        statement = str(_SESSION.compile(dialect=engine.dialect))

        @event.listens_for(engine, "connect")
        def set_up(dbapi: psycopg.Connection[Any], _record: object) -> None:
            dbapi.autocommit = True
            dbapi.execute(statement.encode(), session)
            dbapi.autocommit = False

        @event.listens_for(engine, "handle_error")
        def let_go(context: ExceptionContext) -> None:
            # A server that has become a standby keeps its connections: they are given up, so that the next one finds the new primary.
            if is_gone(context.original_exception):
                context.is_disconnect = True

        return engine

    def _connect(self) -> psycopg.Connection[Any]:
        return connect(self.address)


def connect(address: PostgresAddress) -> psycopg.Connection[Any]:
    """Return a new connection to the server that takes writes. Raises psycopg.Error."""
    password = address.password()
    options = _DRIVER | dict(address.options) | ({} if password is None else {"password": password})
    return psycopg.connect("", **options)


def _lock(tx: Connection, what: int) -> None:
    """Take a lock that ends with the transaction."""
    tx.execute(_LOCK, {"what": what})


def _refuse_failed(tx: Connection) -> None:
    """Raise when a statement has failed and that was passed over: the server answers COMMIT with a rollback then, and with no error."""
    if driver_of(tx).info.transaction_status == TransactionStatus.INERROR:
        raise PermanentQueueError("QUE-004", detail="a statement that failed was passed over")
