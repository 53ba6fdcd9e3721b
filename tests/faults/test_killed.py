"""kill -9 of the daemon, at random and right after each external write: nothing lost, doubled or stuck."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_checks import nothing_lost_doubled_or_stuck
from harness import Town, town, wait_for
from soak import much

from robot.demo import daemon

KILLS = much("KILLS", 8, 100)
CASES = much("CASES", 80, 1000)
"""The soak does it twice, in two towns: 200 kills over 2 000 cases on each kind of store."""
TOWNS = much("TOWNS", 1, 2)
SEED = 20261130


@pytest.mark.xdist_group("killed")
@pytest.mark.parametrize("seed", range(7, 7 + TOWNS))
def test_killed_again_and_again_at_random_nothing_is_lost_doubled_or_stuck(towns: Any, chance: random.Random, seed: int) -> None:
    running: Town = towns(CASES, {"work": {"cases_in_flight": 4}}, seed=seed)
    for _ in range(KILLS):
        with daemon(running.demo, once=False) as process:
            before = _progress(running)
            wait_for(lambda before=before: _progress(running) > before or process.poll() is not None, what="some progress")  # type: ignore[misc]
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.0, 0.8))
            process.kill()
            assert process.wait() == -signal.SIGKILL
    running.run_once()
    nothing_lost_doubled_or_stuck(running)


WRITES = (
    ("POST", "/decisions"),
    ("POST", "/documents"),
    ("POST", "/warnings"),
    ("POST", "/calculation/prepare"),
    ("PATCH", "/errands/"),
)
ROUNDS = 3


@pytest.mark.xdist_group("killed-after-writes")
def test_killed_after_each_kind_of_write_before_its_receipt_nothing_is_written_twice(tmp_path: Path) -> None:
    """In each round one write of every kind is done and its answer withheld, in a case of its own; then the daemon is killed."""
    held = []
    with town(tmp_path, cases=40) as running:
        for _ in range(ROUNDS):
            for method, path in WRITES:
                running.case_system("POST", "/admin/faults", json={"kind": "hold", "method": method, "path_contains": path, "times": 1})
            with daemon(running.demo, once=True) as process:
                wait_for(lambda: _held(running) == len(WRITES) or process.poll() is not None or _is_still(running), what="the writes")
                held.append(_held(running))
                process.kill()
                process.wait()
            running.case_system("DELETE", "/admin/faults")
            running.case_system("POST", "/admin/release")
        running.run_once()
        nothing_lost_doubled_or_stuck(running)
    assert held[0] == len(WRITES), held


def _is_still(running: Town) -> bool:
    """Say whether the robot waits for held answers alone: nothing was asked for a second."""
    before = _progress(running)
    time.sleep(1)
    return _held(running) > 0 and _progress(running) == before


def test_an_answer_that_is_lost_does_not_make_a_second_write(tmp_path: Path) -> None:
    with town(tmp_path, cases=30) as running:
        _wait_at_first(running, 0.5)
        for method, path in WRITES:
            running.case_system(
                "POST", "/admin/faults", json={"kind": "answer_lost", "method": method, "path_contains": path, "share": 0.3, "seed": SEED}
            )
        running.run_once(expect=None)
        running.case_system("DELETE", "/admin/faults")
        running.run_once()
        nothing_lost_doubled_or_stuck(running)


def _wait_at_first(running: Town, seconds: float) -> None:
    """Have the robot try again sooner than it would: only the waiting is shorter."""
    settings = yaml.safe_load(running.demo.config.read_text(encoding="utf-8"))
    settings["work"]["try_again_first_s"] = seconds
    running.demo.config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def _progress(running: Town) -> int:
    """Return how many requests the case system has served."""
    stats = running.case_system("GET", "/admin/stats")
    return int(stats["total"])


def _held(running: Town) -> int:
    return int(running.case_system("GET", "/admin/faults")["held"])
