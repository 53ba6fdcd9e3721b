"""kill -9 at each named point of a case's way, on both stores: the next start goes on, and nothing is lost, doubled or stuck."""

from __future__ import annotations

import random
from typing import Any

import pytest
from fault_checks import nothing_lost_doubled_or_stuck, the_store_is_whole
from killing import killed_at

from workqueue import State

pytestmark = pytest.mark.xdist_group("killed-at-points")

CASES = 12
POINTS = ("claimed", "rescuing", "claiming", "stored", "written", "noting", "committing", "storing", "rescuing", "written")
"""In this order, in one town: what one kill leaves behind is what the next start meets. A rescue comes after a claim that was cut."""
LATEST_PASS = 3
LATEST = {"claiming": 1, "rescuing": 1}
"""At which pass at the latest: there are few claims and one rescue in a start."""


def test_killed_at_each_named_point_nothing_is_lost_doubled_or_stuck(towns: Any, chance: random.Random) -> None:
    running = towns(CASES)
    for point in POINTS:
        running.demo.arrive(LATEST_PASS)
        nth = chance.randint(1, LATEST.get(point, LATEST_PASS))
        assert killed_at(running.demo, point, nth), f"it was not killed at {point} ({nth})"
        the_store_is_whole(running)
    running.run_once()

    nothing_lost_doubled_or_stuck(running)
    assert any(item.state is State.DELIVERED for item in running.items())


def test_killed_while_the_tables_are_made_the_next_start_makes_them(towns: Any, chance: random.Random) -> None:
    running = towns(3)
    steps = sorted(chance.sample(range(1, 30), 4))
    for nth in steps:
        assert killed_at(running.demo, "migrating", nth), f"it was not killed at statement {nth} of the migrations"
    running.run_once()

    nothing_lost_doubled_or_stuck(running)
