"""Fixtures of the queue's tests: every kind of store runs the whole suite."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer, postgres_server

from tests.queue.queue_bench import Bench, FakeClock
from tests.queue.queue_stores import PostgresStore, PostgresStores, SqliteStore, StoreUnderTest
from workqueue import MasterKey, WorkQueue, upgrade
from workqueue.database import Place

STORES = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MasterKey]:
    """Make an empty database and its key once."""
    folder = tmp_path_factory.mktemp("template")
    key = MasterKey.load_or_create(folder / "master.key")
    upgrade(folder / "queue.db", key=key)
    return folder / "queue.db", key


@pytest.fixture
def new_sqlite(tmp_path: Path, sqlite_template: tuple[Path, MasterKey]) -> Callable[[], SqliteStore]:
    """Return a maker of empty SQLite stores."""
    folders = (tmp_path / f"store-{number}" for number in itertools.count())
    return lambda: SqliteStore(next(folders), *sqlite_template)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server that all tests of a process share."""
    with postgres_server() as running:
        yield running


@pytest.fixture(scope="session")
def databases(server: PostgresServer, sqlite_template: tuple[Path, MasterKey]) -> Iterator[PostgresStores]:
    """The databases on it."""
    stores = PostgresStores(server, sqlite_template[1])
    yield stores
    stores.end()


@pytest.fixture
def new_postgres(databases: PostgresStores) -> Iterator[Callable[[], PostgresStore]]:
    """Return a maker of empty PostgreSQL stores."""
    taken: list[PostgresStore] = []

    def take() -> PostgresStore:
        taken.append(databases.take())
        return taken[-1]

    yield take
    for one in taken:
        databases.give_back(one)


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of store: every test that uses one runs with each."""
    return str(request.param)


@pytest.fixture
def new_store(kind: str, request: pytest.FixtureRequest) -> Callable[[], StoreUnderTest]:
    """Return a maker of empty stores, of each kind."""
    maker: Callable[[], StoreUnderTest] = request.getfixturevalue(f"new_{kind}")
    return maker


@pytest.fixture
def new_place(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Place]:
    """Return a maker of places where there are no tables yet, of each kind."""
    if kind == "postgres":
        databases: PostgresStores = request.getfixturevalue("databases")
        return databases.empty_database
    folders = (tmp_path / f"place-{number}" for number in itertools.count())
    return lambda: next(folders) / "queue.db"


@pytest.fixture
def sqlite(new_sqlite: Callable[[], SqliteStore]) -> SqliteStore:
    """Return an empty SQLite store, for what is promised of the file itself."""
    return new_sqlite()


@pytest.fixture
def postgres(new_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    """Return an empty PostgreSQL store, for what is promised of the server alone."""
    return new_postgres()


@pytest.fixture
def benches(new_store: Callable[[], StoreUnderTest]) -> Iterator[Callable[[], Bench]]:
    """Return a maker of open queues on empty stores."""
    made: list[Bench] = []

    def make() -> Bench:
        store, clock = new_store(), FakeClock()
        made.append(Bench(store.open(clock), clock, store))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def bench(benches: Callable[[], Bench]) -> Bench:
    """Return an open queue and short ways."""
    return benches()


@pytest.fixture
def queue(bench: Bench) -> WorkQueue:
    """Return an open queue."""
    return bench.queue


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where copies are put; its folder is there."""
    folder = tmp_path / "copies"
    folder.mkdir(mode=0o700)
    return folder / "night.backup"
