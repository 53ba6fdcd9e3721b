"""Fixtures of the queue's tests: every kind of store runs the whole suite."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.queue.queue_bench import Bench, FakeClock, SqliteStore, StoreUnderTest
from workqueue import MasterKey, WorkQueue, upgrade

STORES = ("sqlite",)


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
    folders = (tmp_path / str(number) for number in itertools.count())
    return lambda: SqliteStore(next(folders), *sqlite_template)


@pytest.fixture(params=STORES)
def new_store(request: pytest.FixtureRequest) -> Callable[[], StoreUnderTest]:
    """Return a maker of empty stores, of each kind."""
    maker: Callable[[], StoreUnderTest] = request.getfixturevalue(f"new_{request.param}")
    return maker


@pytest.fixture
def sqlite(new_sqlite: Callable[[], SqliteStore]) -> SqliteStore:
    """Return an empty SQLite store, for what is promised of the file itself."""
    return new_sqlite()


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
