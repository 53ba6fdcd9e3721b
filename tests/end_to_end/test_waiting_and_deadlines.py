"""The daemon over days: a case that waits for incomes, an application that changes, and a daemon that is told to stop or is not alone."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml
from harness import LIMIT_S, Town, keys_written, town, wait_for
from typer.testing import CliRunner

from robot.cli import app
from robot.settings import world_start
from rules.assessment import Outcome, Severity
from workqueue import LEASED, State

pytestmark = pytest.mark.xdist_group("waiting")

CASES = 30
TAKEN_AT_MOST = 4
"""How many of them a person may have before the robot sees them."""


def move_to(running: Town, day: str) -> None:
    """Let it be the morning of that day everywhere."""
    for neighbour in (running.registers, running.case_system):
        neighbour("PUT", "/admin/day", json={"today": day})
    data = yaml.safe_load(running.demo.config.read_text(encoding="utf-8"))
    data["world"] = {"start": world_start(day).isoformat()}
    running.demo.config.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def nothing_is_written_twice(running: Town) -> None:
    """Fail unless every key stands once, and every write that the robot meant to make has its receipt."""
    for one in running.population.applications:
        counts = keys_written(running.state(one.errand_id))
        assert all(count == 1 for count in counts.values()), f"{one.errand_number}: {counts}"
    with running.queue() as queue:
        assert queue.integrity() == []


@pytest.fixture(scope="module")
def waited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, str]]:
    """A municipality after a first run on 30 November, with the case that waits for a payment of that day."""
    with town(tmp_path_factory.mktemp("waiting"), cases=5, today=date(2026, 11, 30)) as running:
        running.run_once()
        (waiting,) = running.of_group("waiting.planned_payment")
        yield running, waiting.errand_id


def test_a_case_that_rests_is_exported_to_who_is_in_it_though_it_has_no_draft_yet(waited: tuple[Town, str]) -> None:
    running, case_id = waited
    number = running.application(case_id).people[0].personnummer
    said = CliRunner().invoke(app, ["person", "export", "--reason", "dnr 1", "-c", str(running.demo.config)], input=f"{number}\n")
    assert said.exit_code == 0, said.output
    _about, case = (json.loads(line) for line in said.stdout.splitlines())
    assert (case["case_id"], case["state"], case["drafts"]) == (case_id, "waiting_for_income", [])
    assert "rested" in [event["what"] for event in case["events"]]
    assert any("vilken del personen har" in one for one in case["left_out"])


def test_a_case_rests_for_a_planned_payment_and_is_delivered_as_ok_when_it_has_been_made(waited: tuple[Town, str]) -> None:
    running, case_id = waited
    item = next(item for item in running.items() if item.case_id == case_id)
    assert item.state is State.WAITING_FOR_INCOME
    assert item.not_before == item.deadline or item.not_before.astimezone().date() > date(2026, 11, 30)
    assert keys_written(running.state(case_id)) == {}
    assert running.state(case_id)["status"] == "RECEIVED"

    running.run_once()
    assert next(item for item in running.items() if item.case_id == case_id).state is State.WAITING_FOR_INCOME

    move_to(running, "2026-12-01")
    running.run_once()

    after = next(item for item in running.items() if item.case_id == case_id)
    result = running.assessments()[case_id]
    assert after.case_ref == item.case_ref
    assert result.outcome is Outcome.OK
    assert not result.flagged(Severity.REVIEW)
    assert (after.state, running.state(case_id)["status"]) in {
        (State.DELIVERED, "AWAITING_DECISION"),
        (State.HANDED_OVER, "NEEDS_MANUAL_REVIEW"),
    }
    nothing_is_written_twice(running)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A municipality whose applications nobody has pulled yet, and a robot with two in hand at a time."""
    with town(tmp_path_factory.mktemp("stopping"), cases=CASES) as one:
        data = yaml.safe_load(one.demo.config.read_text(encoding="utf-8"))
        data["work"]["cases_in_flight"] = 2
        one.demo.config.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        yield one


def test_told_to_stop_during_work_the_daemon_finishes_what_is_in_hand_and_ends_with_0(running: Town) -> None:
    with running.running() as process:
        wait_for(lambda: _recommendations(running) > 0, what="a first write")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0, running.tail()

    states = {item.state for item in running.items()}
    assert not states & LEASED
    assert State.READY in states, "it went on claiming after it was told to stop"
    events = _events(running)
    assert events.count("daemon.stopping") == events.count("daemon.stopped") == 1
    assert "daemon.left_in_hand" not in events
    nothing_is_written_twice(running)


def test_two_daemons_on_one_database_double_nothing(running: Town) -> None:
    """They take what the one that was told to stop has left, which was most of it."""
    with running.running(), running.running():
        wait_for(lambda: _events(running).count("daemon.started") == 3 and _at_rest(running), what="every case at rest")

    assert {"job.failed", "case.failed", "daemon.failed"} & set(_events(running)) == set()
    nothing_is_written_twice(running)


def test_a_changed_application_gets_a_new_version_and_the_draft_is_of_the_new_one(tmp_path: Path) -> None:
    with town(tmp_path, cases=5, today=date(2026, 11, 30)) as one:
        one.run_once()
        (waiting,) = one.of_group("waiting.planned_payment")
        first = next(item for item in one.items() if item.case_id == waiting.errand_id)
        assert first.state is State.WAITING_FOR_INCOME
        rent = [cost | {"appliedAmount": 4321} if cost["costType"] == "RENT" else cost for cost in waiting.data["costs"]]
        order = {"errandId": waiting.errand_id, "action": "edit_application", "data": {"costs": rent}}
        one.case_system("POST", "/admin/caseworker", json=order)

        one.run_once()

        second = next(item for item in one.items() if item.case_id == waiting.errand_id)
        assert second.version != first.version
        assert second.case_ref != first.case_ref
        with one.queue() as queue:
            old = queue.item(first.case_ref)
        assert old is not None
        assert old.state is State.SUPERSEDED
        held = one.state(waiting.errand_id)
        assert len(held["documents"]) == 1
        assert "4 321" in held["documents"][0]["text"].replace("\u00a0", " ")
        nothing_is_written_twice(one)


def _events(running: Town) -> list[str]:
    return [line["event"] for line in running.log()]


def _recommendations(running: Town) -> int:
    found = running.case_system("GET", "/admin/summary")["errands"]
    return sum(sum(one["recommendations"].values()) for one in found)


def _at_rest(running: Town) -> bool:
    with running.queue() as queue:
        left = queue.unfinished()
        return not (left.due or left.leased or left.later) and sum(queue.counts().values()) >= CASES - TAKEN_AT_MOST
