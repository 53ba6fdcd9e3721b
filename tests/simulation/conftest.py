"""Fixtures of the simulator's tests: one store for all mixes of a process, and the made-up neighbours in place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sim_robot import simulated
from sim_store import Store


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A database that is emptied for each mix, and the real daemon on a made-up network, disk and time."""
    with simulated():
        made = Store()
        yield made
        made.close()
