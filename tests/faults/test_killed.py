"""kill -9 of the daemon, at random and right after each external write: nothing lost, doubled or stuck."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
import yaml
from harness import Town, keys_written, town, wait_for

from robot.demo import daemon
from workqueue import State

ENDED = {State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON, State.WAITING_FOR_INCOME}
KILLS = 20
SEED = 20261130


def nothing_lost_doubled_or_stuck(running: Town) -> None:
    """Fail unless every application has come to rest, every write stands once, and no pending write is left."""
    items = {item.case_id: item for item in running.items()}
    for one in running.population.applications:
        if one.expected.outcome == "taken_by_person" and one.errand_id not in items:
            continue
        item = items[one.errand_id]
        assert item.state in ENDED, f"{one.errand_number} is stuck in {item.state}"
        held = running.state(one.errand_id)
        counts = keys_written(held)
        assert all(count == 1 for count in counts.values()), f"{one.errand_number}: {counts}"
        if item.state in (State.DELIVERED, State.HANDED_OVER):
            ours = [decision for decision in held["decisions"] if decision.get("createdBy") == "bistandsrobot"]
            assert len(ours) == 1, f"{one.errand_number} has {len(ours)} recommendations"
            assert held["status"] in ("AWAITING_DECISION", "NEEDS_MANUAL_REVIEW"), one.errand_number
    with running.queue() as queue:
        assert queue.integrity() == []


@pytest.mark.xdist_group("killed")
def test_killed_twenty_times_at_random_nothing_is_lost_doubled_or_stuck(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with town(tmp_path, cases=300) as running:
        for _ in range(KILLS):
            with daemon(running.demo, once=False) as process:
                before = _progress(running)
                wait_for(lambda before=before: _progress(running) > before or process.poll() is not None, what="some progress")  # type: ignore[misc]
                try:
                    process.wait(chance.uniform(0.0, 1.5))
                except Exception:
                    process.kill()
                process.wait()
        running.run_once()
        nothing_lost_doubled_or_stuck(running)
        assert _illegal(running) == []


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


def _illegal(running: Town) -> list[object]:
    return [entry for entry in running.case_system("GET", "/admin/log") if "illegal" in str(entry).lower()]
