"""Fixtures of the fault tests: towns on both kinds of store, and chance with a seed that is told."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from harness import Changes, Town, town
from postgres_server import PostgresServer, postgres_server

STORES = ("sqlite", "postgres")
SEED = 20261130
QUICK: Changes = {
    "work": {"lease_s": 2, "try_again_first_s": 0.2, "try_again_last_s": 1, "stop_within_s": 10, "most_crashes": 100},
    "schedule": {"pull_lease_s": 1, "pull_every_s": 1, "maintain_every_s": 0.5},
}
"""A robot that waits for shorter times, and does not take a case for what kills it because it was in hand when the robot was killed."""
_names = itertools.count(1)

Towns = Callable[..., Town]


@pytest.fixture
def chance() -> random.Random:
    """Chance, the same in every run; FAULT_SEED=... gives another. The seed stands in the output of a failing test."""
    seed = int(os.environ.get("FAULT_SEED", SEED))
    print(f"FAULT_SEED={seed}")  # noqa: T201
    return random.Random(seed)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server that the tests of a process share; who harms it takes `own_server`."""
    with postgres_server() as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that the test may treat as it likes. It writes to disk as in production, for it is killed."""
    with postgres_server({}) as running:
        yield running


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of store: every test that uses one runs with each."""
    return str(request.param)


def new_database(server: PostgresServer) -> str:
    """Make a database on a server; return its name."""
    name = f"town_{os.getpid()}_{next(_names)}"
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def towns(tmp_path_factory: pytest.TempPathFactory, kind: str, request: pytest.FixtureRequest) -> Iterator[Towns]:
    """Return a maker of towns on the kind of store."""
    with contextlib.ExitStack() as stack:

        def make(cases: int, changes: Changes | None = None, **more: Any) -> Town:
            if kind == "postgres":
                server: PostgresServer = request.getfixturevalue("server")
                more["database"] = server.url(new_database(server))
            return stack.enter_context(town(tmp_path_factory.mktemp("town"), cases=cases, changes=merged(QUICK, changes or {}), **more))

        yield make


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return both changes of settings, the second's word the last."""
    return {
        name: merged(one.get(name, {}), other[name]) if isinstance(other.get(name), Mapping) else other.get(name, one.get(name))
        for name in {**one, **other}
    }
