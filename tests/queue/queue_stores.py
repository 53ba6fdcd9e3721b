"""The kinds of store that must keep the queue's promises, each with ways past the queue's methods for tests that look underneath."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from postgres_server import PostgresServer
from sqlalchemy import Connection, Engine, create_engine, event, text

from workqueue import MasterKey, MasterKeys, PostgresAddress, QueueClock, WorkQueue, upgrade
from workqueue.database import Place
from workqueue.keyring import Keyring
from workqueue.postgres import PostgresDatabase
from workqueue.tables import metadata

TEMPLATE = "template_of_tests"
KEPT = ("store", "secrets", "programs")
"""What a database is made with."""
_EMPTIED = "; ".join(
    (
        "BEGIN",
        "SET LOCAL session_replication_role = replica",
        *(f"DELETE FROM {table.name}" for table in metadata.sorted_tables if table.name not in KEPT),
        *(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 1, false)" for name in ("items", "drafts")),
        "COMMIT",
    )
)
"""Makes a database as new, past its guards, in one question to the server: there are more of these than of most tests' own."""


class StoreUnderTest(Protocol):
    """A kind of store that must keep the promises. Another one is plugged in by writing this class for it."""

    key: MasterKey

    @property
    def place(self) -> Place:
        """Where it is."""
        ...

    def open(self, clock: QueueClock) -> WorkQueue:
        """Open the same store once more; leases go by the clock that is given."""
        ...

    def raw(self) -> AbstractContextManager[Connection]:
        """Give a connection past the queue's methods; each statement is committed at once."""
        ...

    def unguarded(self, raw: Connection) -> AbstractContextManager[None]:
        """Let rows in, while the block runs, that the guards of states would refuse."""
        ...

    def pages(self) -> dict[str, bytes]:
        """Return all that stands on disk, the log of the last changes too."""
        ...

    def close(self) -> None:
        """Give the store back."""
        ...


def place_url(address: PostgresAddress) -> str:
    """Return the address of a database on a socket as config.yaml has it."""
    return f"postgresql://{address.options['user']}@/{address.options['dbname']}?host={address.options['host']}"


def _straight(engine: Engine) -> Engine:
    return engine.execution_options(isolation_level="AUTOCOMMIT")


class SqliteStore:
    """A SQLite file made from a template, so that the migrations are not run for every test."""

    def __init__(self, folder: Path, template: Path, key: MasterKey) -> None:
        folder.mkdir()
        self.path = folder / "queue.db"
        self.key = key
        shutil.copyfile(template, self.path)
        self._raw = _straight(create_engine(f"sqlite:///{self.path}"))

        @event.listens_for(self._raw, "connect")
        def without_references(dbapi: Any, _record: object) -> None:
            dbapi.execute("PRAGMA foreign_keys = OFF")

    @property
    def place(self) -> Path:
        """The file."""
        return self.path

    def open(self, clock: QueueClock) -> WorkQueue:
        """Open the file once more."""
        return WorkQueue.open(self.path, key=self.key, clock=clock)

    @contextmanager
    def raw(self) -> Iterator[Connection]:
        """The file itself."""
        with self._raw.connect() as connection:
            yield connection
        self._raw.dispose()

    @contextmanager
    def unguarded(self, raw: Connection) -> Iterator[None]:
        """Take the guard of the start away, and put it back."""
        (sql,) = raw.execute(text("SELECT sql FROM sqlite_master WHERE name = 'items_start'")).scalars().all()
        raw.execute(text("DROP TRIGGER items_start"))
        yield
        raw.execute(text(sql))

    def pages(self) -> dict[str, bytes]:
        """The file and its log."""
        return {one.name: one.read_bytes() for one in sorted(self.path.parent.iterdir())}

    def close(self) -> None:
        """Nothing is held."""
        self._raw.dispose()


class OnGivenTime(PostgresDatabase):
    """A database whose leases go by the test's clock, and whose connections stay open for the next test."""

    def lease_time(self, clock: QueueClock) -> float | None:
        """Return the test's time."""
        return clock.machine_s()

    def close(self) -> None:
        """Keep the connections: making one takes longer than most tests."""

    def end(self) -> None:
        """Close them."""
        super().close()


class PostgresStore:
    """A database on the tests' server; when a test gives it back it is emptied for the next."""

    def __init__(self, server: PostgresServer, name: str, key: MasterKey) -> None:
        self.key = key
        self.name = name
        self._server = server
        self._kept: list[OnGivenTime] = []
        self._opened = 0
        address = server.address(name)
        self._raw = _straight(create_engine("postgresql+psycopg://", creator=lambda: server.connect(name), use_native_hstore=False))
        self._address = address

    @property
    def place(self) -> PostgresAddress:
        """The address."""
        return self._address

    def open(self, clock: QueueClock) -> WorkQueue:
        """Open the database once more, by connections that no other open queue uses."""
        if self._opened == len(self._kept):
            self._kept.append(OnGivenTime(self._address))
        self._opened += 1
        database = self._kept[self._opened - 1]
        with database.read() as tx:
            keyring = Keyring.of(tx, MasterKeys.of(self.key), database.read)
        return WorkQueue(database, keyring, clock)

    @contextmanager
    def raw(self) -> Iterator[Connection]:
        """The database itself, as the server's own user."""
        with self._raw.connect() as connection:
            yield connection

    @contextmanager
    def unguarded(self, raw: Connection) -> Iterator[None]:
        """Let this connection pass the guards, as a replica's would."""
        raw.execute(text("SET session_replication_role = replica"))
        yield
        raw.execute(text("SET session_replication_role = origin"))

    def pages(self) -> dict[str, bytes]:
        """The database's files and the server's log of changes."""
        with self.raw() as raw:
            number = raw.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
            raw.execute(text("CHECKPOINT"))
        folders = (self._server.data / "base" / str(number), self._server.data / "pg_wal")
        files = [one for folder in folders for one in sorted(folder.iterdir()) if one.is_file()]
        return {str(one.relative_to(self._server.data)): one.read_bytes() for one in files}

    def close(self) -> None:
        """Empty it for the next test."""
        self._opened = 0
        with self.raw() as raw:
            raw.exec_driver_sql(_EMPTIED)

    def end(self) -> None:
        """Close every connection."""
        for one in self._kept:
            one.end()
        self._raw.dispose()


class PostgresStores:
    """The databases of one test session, on one server."""

    def __init__(self, server: PostgresServer, key: MasterKey) -> None:
        self._server = server
        self._key = key
        self._names = (f"queue{number}" for number in itertools.count())
        self._free: list[PostgresStore] = []
        self._made: list[PostgresStore] = []
        with server.connect() as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        upgrade(server.address(TEMPLATE), key=key)

    def empty_database(self) -> PostgresAddress:
        """Return a new database without tables, which is not used again."""
        name = next(self._names)
        with self._server.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._server.address(name)

    def take(self) -> PostgresStore:
        """Return an empty queue's database: one that was given back, or a new one."""
        if self._free:
            return self._free.pop()
        name = next(self._names)
        with self._server.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        self._made.append(PostgresStore(self._server, name, self._key))
        return self._made[-1]

    def give_back(self, store: PostgresStore) -> None:
        """Empty a database, for the next test."""
        store.close()
        self._free.append(store)

    def end(self) -> None:
        """Close every connection, so that the server may stop."""
        for one in self._made:
            one.end()
