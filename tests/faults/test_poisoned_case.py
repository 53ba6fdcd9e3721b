"""A case that kills its worker: a person gets it after three times, or ops when even that kills, and it takes no other case with it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import poisoned_robot
import pytest
from harness import LIMIT_S, Changes, Town, keys_written, town
from postgres_server import PostgresServer, postgres_server

from rules.assessment import Outcome
from workqueue import Item, State

pytestmark = pytest.mark.xdist_group("poisoned-case")

CASES = 14
SHORT: Changes = {"work": {"lease_s": 2, "cases_in_flight": 6}, "schedule": {"pull_lease_s": 2, "maintain_every_s": 0.5}}
MOST_DEATHS = 8
TAKEN_AT_MOST = 3


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def one_town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    database = None
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("server")
        name = f"town_{abs(hash(request.node.name)) % 10**9}"
        with server.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        database = server.url(name)
    with town(tmp_path, cases=CASES, database=database, changes=SHORT) as running:
        yield running


def run_until_all_ended(running: Town, case_id: str, steps: str) -> int:
    """Start the program anew each time that it is killed; return how often it was."""
    program = [sys.executable, str(Path(poisoned_robot.__file__)), case_id, steps, "run", "-c", str(running.demo.config)]
    deaths, limit = 0, time.monotonic() + LIMIT_S
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(running.demo.log.open("ab"))
        errors = stack.enter_context((running.demo.folder / "robot.err").open("ab"))
        while True:
            process = subprocess.Popen(program, stdout=log, stderr=errors, stdin=subprocess.DEVNULL)
            try:
                while process.poll() is None:
                    assert time.monotonic() < limit, running.tail()
                    if deaths and all_ended(running):
                        return deaths
                    time.sleep(0.2)
                assert process.returncode == -signal.SIGKILL, running.tail()
                deaths += 1
                assert deaths <= MOST_DEATHS, running.tail()
            finally:
                process.kill()
                process.wait()


def all_ended(running: Town) -> bool:
    at_rest = {State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON, State.PARKED, State.WAITING_FOR_INCOME}
    items = running.items()
    return len(items) >= CASES - TAKEN_AT_MOST and {item.state for item in items} <= at_rest


def the_victim(running: Town) -> str:
    """Choose a case whose application alone does not hand it over: it is read, asked about and assessed."""
    return running.of_group("standard")[0].errand_id


def item_of(running: Town, case_id: str) -> Item:
    return next(item for item in running.items() if item.case_id == case_id)


def the_others_are_as_ever(running: Town, case_id: str) -> None:
    """Nobody was handed over or parked for having been in hand beside it."""
    with running.queue() as queue:
        assert queue.integrity() == []
        assert queue.verify_audit().problems == ()
    for item in running.items():
        assert set(keys_written(running.state(item.case_id)).values()) <= {1}
        if item.case_id != case_id:
            assert item.state is not State.PARKED
    crashed = [line for line in running.log() if line["event"] == "case.crashes"]
    assert {line["case_ref"] for line in crashed} <= {item_of(running, case_id).case_ref}


def test_a_case_that_kills_its_worker_three_times_is_with_a_person(one_town: Town) -> None:
    victim = the_victim(one_town)

    deaths = run_until_all_ended(one_town, victim, "prepare")

    assert deaths == 3
    assert item_of(one_town, victim).state is State.HANDED_OVER
    assert one_town.state(victim)["status"] == "NEEDS_MANUAL_REVIEW"
    assert one_town.assessments()[victim].outcome is Outcome.STOP
    the_others_are_as_ever(one_town, victim)


def test_a_case_that_kills_even_when_it_is_handed_over_is_parked_for_ops(one_town: Town) -> None:
    victim = the_victim(one_town)

    deaths = run_until_all_ended(one_town, victim, "prepare,store")

    assert deaths == 4
    assert item_of(one_town, victim).state is State.PARKED
    assert keys_written(one_town.state(victim)) == {}
    parked = [line for line in one_town.log() if line["event"] == "case.parked"]
    assert [(line["case_ref"], line["code"]) for line in parked] == [(item_of(one_town, victim).case_ref, "BOT-006")]
    the_others_are_as_ever(one_town, victim)
