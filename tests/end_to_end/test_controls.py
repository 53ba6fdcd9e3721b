"""What ops can order while the real daemon works: pause, leave to people, one case alone, and shadow mode."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Town, change, keys_written, town
from typer.testing import CliRunner

from robot.cli import app
from rules.assessment import Outcome
from tests.end_to_end.test_waiting_and_deadlines import move_to
from workqueue import NORMAL, URGENT, Item, State

CASES = 16
pytestmark = pytest.mark.xdist_group("controls")


def command(running: Town, *arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "-c", str(running.demo.config)])
    assert result.exit_code == 0, result.output
    return result.stdout


def of_people(running: Town, items: list[Item]) -> list[Item]:
    """Return the cases that are not urgent and nobody had before the robot saw them."""
    return [one for one in items if one.priority == NORMAL and one.state is not State.TAKEN_BY_PERSON]


def writes(running: Town) -> list[str]:
    """Return what the case system was asked for but reading; two of its questions are asked by POST."""
    asked = running.case_system("GET", "/admin/stats")["requests"]
    questions = ("/eligibility", "/legalIds")
    return [one for one in asked if not one.startswith("GET ") and not one.endswith(questions)]


@pytest.fixture(scope="module")
def paused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A municipality whose robot was paused before it took anything, and has run since."""
    with town(tmp_path_factory.mktemp("paused"), cases=CASES) as running:
        with running.queue():
            pass
        assert "1 cases" not in command(running, "pause", "--reason", "wrong amount")
        running.run_once(expect=1)
        yield running


def test_while_paused_all_are_pulled_and_only_urgent_cases_go_through(paused: Town) -> None:
    items = paused.items()
    assert len(items) == CASES
    assert {one.state for one in items if one.priority == URGENT} <= {State.HANDED_OVER, State.TAKEN_BY_PERSON}
    assert {one.state for one in items if one.priority == NORMAL} == {State.READY}
    said = json.loads(command(paused, "status", "--json"))["paused"]
    assert [one["what"] for one in said] == ["all"]
    assert "PAUSED since" in command(paused, "status")
    assert [line["what"] for line in paused.log() if line["event"] == "robot.paused"] == ["all"]
    (left,) = [line for line in paused.log() if line["event"] == "daemon.held"]
    assert (left["cases"], left["code"]) == (sum(one.state is State.READY for one in items), "BOT-025"), "and that is no success"


def test_one_case_can_be_handled_alone_while_all_are_paused(paused: Town) -> None:
    case = next(one for one in paused.items() if one.state is State.READY)
    line = [sys.executable, "-m", "robot", "run", "--only", case.case_ref, "-c", str(paused.demo.config)]
    answer = subprocess.run(line, capture_output=True, text=True, timeout=240, check=False)
    after = next(one for one in paused.items() if one.case_ref == case.case_ref)
    assert after.state is not State.READY
    assert answer.returncode == (0 if after.ended_at is not None else 1), answer.stderr
    again = subprocess.run(line, capture_output=True, text=True, timeout=240, check=False)
    assert again.returncode == (2 if after.ended_at is not None else 1), answer.stderr
    assert sum(one.state is State.READY for one in paused.items()) == sum(one.priority == NORMAL for one in paused.items()) - 1, (
        "no other was taken"
    )


def test_a_case_that_the_case_system_does_not_have_is_refused_and_never_queued(paused: Town) -> None:
    line = [sys.executable, "-m", "robot", "run", "--only", "00000000-0000-4000-8000-000000000000", "-c", str(paused.demo.config)]
    answer = subprocess.run(line, capture_output=True, text=True, timeout=240, check=False)
    assert (answer.returncode, len(paused.items())) == (2, CASES)
    assert "QUE-012" in answer.stderr


def test_a_case_left_to_a_person_goes_as_a_stop_while_the_others_stay_paused(paused: Town) -> None:
    case = next(one for one in paused.items() if one.state is State.READY)
    command(paused, "queue", "hand-over", case.case_ref, "--reason", "the applicant has called")
    paused.run_once(expect=1)
    item = next(one for one in paused.items() if one.case_ref == case.case_ref)
    if item.state is not State.TAKEN_BY_PERSON:
        assert item.state is State.HANDED_OVER
        assert paused.assessments()[item.case_id].outcome is Outcome.STOP
        assert paused.state(item.case_id)["status"] == "NEEDS_MANUAL_REVIEW"
    assert any(one.state is State.READY for one in paused.items())


def test_a_paused_case_is_handed_over_at_its_deadline_and_never_twice(paused: Town) -> None:
    move_to(paused, "2026-12-03")
    paused.run_once()
    items = paused.items()
    assert {one.state for one in items} <= {State.HANDED_OVER, State.TAKEN_BY_PERSON, State.DELIVERED}
    unassessed = [line["case_ref"] for line in paused.log() if line["event"] == "case.to_person" and line["code"] == "BOT-021"]
    assert unassessed
    assert all(count == 1 for one in items for count in keys_written(paused.state(one.case_id)).values())
    assert "Goes on: all" in command(paused, "resume", "--reason", "mended")


def test_a_long_stop_is_prepared_by_leaving_everything_to_people(tmp_path: Path) -> None:
    with town(tmp_path, cases=CASES) as running:
        with running.queue():
            pass
        command(running, "pause", "--reason", "long stop")
        running.run_once(expect=1)
        said = command(running, "queue", "hand-over", "--all", "--reason", "long stop")
        assert said.startswith(f"{sum(one.state is State.READY for one in running.items())} cases")
        running.run_once()
        assert {one.state for one in running.items()} <= {State.HANDED_OVER, State.TAKEN_BY_PERSON}
        with running.queue() as queue:
            assert queue.integrity() == []


def test_shadow_mode_writes_nothing_and_going_live_prepares_what_is_still_nobodys(tmp_path: Path) -> None:
    with town(tmp_path, cases=CASES, changes={"work": {"shadow": True}}) as running:
        running.run_once()
        before = {one.case_id: one for one in running.items()}
        shadowed = [one for one in before.values() if one.state is State.SHADOWED]
        assert len(shadowed) > CASES / 2
        assert {one.state for one in before.values()} <= {State.SHADOWED, State.WAITING_FOR_INCOME, State.TAKEN_BY_PERSON}
        assert set(running.drafts()) >= {one.case_id for one in shadowed}
        assert all(keys_written(running.state(one.case_id)) == {} for one in before.values())
        assert writes(running) == [], "not one write was even tried"
        assert "SHADOW MODE" in command(running, "status")

        taken = shadowed[0].case_id
        running.case_system("POST", "/admin/caseworker", json={"errandId": taken, "action": "start"})
        change(running.demo.config, {"work": {"shadow": False}})
        running.run_once()

        after = {one.case_id: one for one in running.items()}
        assert after[taken].state is State.TAKEN_BY_PERSON
        assert keys_written(running.state(taken)) == {}
        assert all(after[one.case_id].run == 2 for one in shadowed)
        assert {after[one.case_id].state for one in shadowed} <= {State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON}
        assert writes(running)
        assert all(set(keys_written(running.state(one.case_id)).values()) == {1} for one in shadowed if one.case_id != taken)
        with running.queue() as queue:
            assert queue.integrity() == []
            assert queue.verify_audit().problems == ()


def test_a_wrong_parameter_makes_the_robot_pause_itself_and_only_a_person_lets_it_go_on(tmp_path: Path) -> None:
    band = {"cases": 25, "before": 25, "average": 25}
    with town(tmp_path, cases=60, changes={"work": {"band": band, "cases_in_flight": 4}}) as running:
        running.run_once()
        assert not [line for line in running.log() if line["event"] == "robot.paused_itself"]
        wrong = tmp_path / "wrong.yaml"
        right = running.demo.settings().municipality.guidelines.read_text(encoding="utf-8")
        wrong.write_text(re.sub(r"1: 6500.*7: 11800", ", ".join(f"{size}: 100" for size in range(1, 8)), right), encoding="utf-8")
        change(running.demo.config, {"municipality": {"guidelines": str(wrong)}})
        with running.queue() as queue:
            again = [one for one in queue.items(State.DELIVERED) + queue.items(State.HANDED_OVER) if one.priority == NORMAL]
            for one in again:
                queue.requeue(one.case_ref, "after a change", "kim")

        running.run_once(expect=1)

        (said,) = [line for line in running.log() if line["event"] == "robot.paused_itself"]
        assert said["figure"] in {"average.costs", "average.need", "flag.cost.over_cap"}
        left = [one for one in running.items() if one.state is State.READY]
        assert len(left) >= len(again) - 2 * band["cases"], "it paused as soon as it had seen enough"
        assert left
        with running.queue() as queue:
            assert [(one.what, one.by) for one in queue.pauses()] == [("all", "bistandsrobot")]
            (told,) = [event for event in queue.events("store") if event.what == "robot.paused"]
            assert told.details["figure"] == said["figure"]
        running.run_once(expect=1)
        assert len([one for one in running.items() if one.state is State.READY]) == len(left), "it does not go on by itself"

        command(running, "resume", "--reason", "the council has decided so")
        running.run_once()
        assert not [one for one in running.items() if one.state is State.READY]
        assert len([line for line in running.log() if line["event"] == "robot.paused_itself"]) == 1


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_once_while_the_case_system_is_closed_says_so_and_when_it_opens_and_does_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    hours = [{"days": "mon-fri", "from": "10:00", "to": "22:00"}]
    with town(tmp_path, cases=2, changes={"schedule": {"case_system_open": hours}}) as running:
        command = [sys.executable, "-m", "robot", "run", "-c", str(running.demo.config), "--once", *options]
        said = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        asked = running.case_system("GET", "/admin/stats")["requests"]

    assert (said.returncode, said.stdout) == (2, "")
    assert "CLI-064 the case system is closed until 2026-11-30 10:00" in said.stderr
    assert not any("errands" in one for one in asked)


def test_once_is_no_success_when_the_database_took_no_new_case(tmp_path: Path) -> None:
    with town(tmp_path, cases=3) as running:
        with running.queue():
            pass
        with contextlib.closing(sqlite3.connect(str(running.demo.settings().storage.database))) as connection:
            connection.execute("CREATE TRIGGER refused BEFORE INSERT ON items BEGIN SELECT RAISE(ABORT, 'refused'); END")
        running.run_once(expect=1)
        events = [(line["event"], line["level"], line.get("code")) for line in running.log()]
        assert running.items() == []

    assert ("pull.case_not_stored", "error", "QUE-004") in events
