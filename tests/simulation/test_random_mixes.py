"""Ten thousand random mixes of faults, each from its own seed: in none is a promise broken.

A failure names its seed; `python tests/support/sim_replay.py SEED --trace` tells what happened in it, in order.
"""

from __future__ import annotations

import os
import secrets
import time

import pytest
from sim_run import run_mix
from sim_store import Store

MIXES = 10_000
TOGETHER = 100
"""So many mixes are one test: several processes share the tests among them."""
TOLD = 5
RUN_TWICE = 40
SOAK_S = float(os.environ.get("SOAK_S", "600"))


@pytest.mark.parametrize("first", range(0, MIXES, TOGETHER))
def test_no_mix_of_faults_breaks_a_promise(first: int, store: Store) -> None:
    """Nothing lost, doubled or stuck, nothing written into a person's case, no deadline slept over, the audit whole."""
    broken = [ran.told() for ran in (run_mix(seed, store) for seed in range(first, first + TOGETHER)) if ran.problems]
    assert not broken, "\n" + "\n".join(broken[:TOLD])


@pytest.mark.soak
def test_new_mixes_for_a_long_time_break_no_promise(store: Store) -> None:
    """Seeds that nobody has tried, for `SOAK_S` seconds; the first of them is printed."""
    first = seed = secrets.randbelow(10**9)
    print(f"the first seed is {first}")  # noqa: T201  to be seen in a long run's output
    until = time.monotonic() + SOAK_S
    while time.monotonic() < until:
        ran = run_mix(seed, store)
        assert not ran.problems, "\n" + ran.told()
        seed += 1
    print(f"{seed - first} mixes")  # noqa: T201


def test_the_same_seed_tells_the_same_story(store: Store) -> None:
    """Without that a failure could not be looked at: every line of so many mixes."""
    for seed in range(RUN_TWICE):
        one, other = (run_mix(seed, store, tracing=True).story for _ in range(2))
        assert one == other, f"seed {seed}"
