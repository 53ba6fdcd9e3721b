"""Last night's copy is restored: what the robot wrote since stands in the case system, and none of it is written again."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import TODAY, Changes, Town, keys_written, town, wait_for
from postgres_server import PostgresServer, postgres_server
from typer.testing import CliRunner

from robot.cli import app
from workqueue import State

pytestmark = pytest.mark.xdist_group("backup")

CASES, LATER, LAST = 40, 12, 16
TAKEN = 5
"""So many of them at the most have a caseworker already, and are never pulled."""
ROBOT = "bistandsrobot"
AT_REST = {State.DELIVERED, State.HANDED_OVER, State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER, State.TAKEN_BY_PERSON}
ENDED = {State.DELIVERED, State.HANDED_OVER, State.WAITING_FOR_INCOME, State.TAKEN_BY_PERSON}
WRITES = (
    ("POST", "/decisions"),
    ("POST", "/documents"),
    ("POST", "/warnings"),
    ("POST", "/calculation/prepare"),
    ("PATCH", "/errands/"),
)
"""In the end most of these have been made and their answers never came, each in a case of its own: then the machine is lost."""
HELD = 4
Move = Callable[[Town], list[str]]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server({}) as running:
        yield running


def _settings(folder: Path) -> Changes:
    return {
        "audit": {"head_file": str(folder / "elsewhere.head"), "head_every_s": 0.5},
        "work": {"lease_s": 3, "cases_in_flight": 6},
        "schedule": {"pull_lease_s": 2, "pull_every_s": 1},
    }


@pytest.fixture(params=["file", "server"])
def started(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Town, Move]]:
    """Give a town, and what makes it ready for a restore: which options `restore` needs then."""
    with contextlib.ExitStack() as stack:
        if request.param == "file":
            yield stack.enter_context(town(tmp_path, cases=CASES, changes=_settings(tmp_path))), lambda _: ["--replace"]
            return
        server: PostgresServer = request.getfixturevalue("server")
        with server.connect() as connection:
            for name in ("lost", "restored"):
                connection.execute(f"CREATE DATABASE {name}")

        def move(running: Town) -> list[str]:
            data = yaml.safe_load(running.demo.config.read_text(encoding="utf-8"))
            data["storage"]["database"] = server.url("restored")
            running.demo.config.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
            return []

        yield stack.enter_context(town(tmp_path, cases=CASES, database=server.url("lost"), changes=_settings(tmp_path))), move


def _command(running: Town, *arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "-c", str(running.demo.config)])
    assert result.exit_code == 0, result.output
    return result.stdout


def _arrive(running: Town, count: int) -> None:
    """Let applications in that have come already: those of today come during the day."""
    order = {"count": count, "day": str(TODAY - timedelta(days=1)), "first": running.case_system("GET", "/admin/summary")["total"]}
    running.registers("POST", "/admin/arrive", json=order)
    running.case_system("POST", "/admin/arrive", json=order)


def _all_cases(running: Town) -> dict[str, dict[str, Any]]:
    """Return all that the case system holds, by case."""
    errands = running.case_system("GET", "/admin/summary")["errands"]
    return {one["errandId"]: running.state(one["errandId"]) for one in errands}


def _at_rest(running: Town, least: int) -> bool:
    items = running.items()
    return len(items) >= least and {item.state for item in items} <= AT_REST


def _has_begun(running: Town) -> bool:
    return running.demo.log.exists() and sum(item.state in AT_REST for item in running.items()) > 3


def _act(running: Town, case_id: str, action: str, **order: Any) -> None:
    running.case_system("POST", "/admin/caseworker", json={"errandId": case_id, "action": action, **order})


def _delivered_in(copy: Path) -> set[str]:
    """Return which cases had ended when the copy was made: it can be read as the database that it is."""
    with sqlite3.connect(copy) as held:
        found = {case_id for (case_id,) in held.execute("SELECT case_id FROM items WHERE state IN ('delivered', 'handed_over')")}
    held.close()
    return found


def _whole(state: dict[str, Any]) -> bool:
    """Say whether the robot had nothing left to write."""
    by_robot = any(one.get("createdBy") == ROBOT for one in state["documents"])
    return state["status"] == "NEEDS_MANUAL_REVIEW" or (state["status"] == "AWAITING_DECISION" and by_robot)


def _until_the_machine_is_lost(running: Town) -> None:
    """Let the last applications arrive, and kill the robot when a write of each kind is made and not receipted."""
    for method, path in WRITES:
        running.case_system("POST", "/admin/faults", json={"kind": "hold", "method": method, "path_contains": path, "times": 1})
    _arrive(running, LAST)
    with running.running() as process:
        wait_for(lambda: int(running.case_system("GET", "/admin/faults")["held"]) >= HELD, what="held writes")
        process.kill()
        process.wait()
    running.case_system("DELETE", "/admin/faults")
    running.case_system("POST", "/admin/release")


def _people_work(running: Town, since_the_copy: list[str]) -> dict[str, str]:
    """Let a caseworker work with drafts that were written since the copy; return what was done in which case."""
    states = {case_id: running.state(case_id) for case_id in since_the_copy}
    prepared = [one for one, state in states.items() if state["status"] == "AWAITING_DECISION" and state["draft"] and _whole(state)]
    reviewed = [one for one, state in states.items() if state["status"] == "NEEDS_MANUAL_REVIEW" and state["documents"]]
    assert len(prepared) >= 3, "enough to work with"
    assert reviewed
    edited, decided, taken = prepared[:3]
    _act(running, edited, "edit_document", text="Omskrivet av handläggaren.")
    _act(running, edited, "edit_row", values={"applicantCaseworkerAmount": 4321})
    _act(running, decided, "decide", value="BIFALL")
    _act(running, taken, "assign")
    _act(running, reviewed[0], "edit_document", text="Också omskrivet.")
    return {edited: "edited", decided: "decided", taken: "taken", reviewed[0]: "edited"}


def test_after_a_restore_nothing_is_written_twice_what_people_did_stands_and_every_case_ends(
    started: tuple[Town, Move], tmp_path: Path
) -> None:
    running, move = started
    copy = tmp_path / "night.backup"
    with running.running():
        wait_for(lambda: _has_begun(running), what="the first cases")
        said = _command(running, "backup", str(copy))
        assert "is not in it" in said
        wait_for(lambda: _at_rest(running, CASES - TAKEN), what="every case at rest")
        pulled = len(running.items())
        _arrive(running, LATER)
        wait_for(lambda: _at_rest(running, pulled + LATER - TAKEN), what="every later case at rest")
    with running.queue() as queue:
        delivered = {item.case_id for item in queue.items(State.DELIVERED)} | {item.case_id for item in queue.items(State.HANDED_OVER)}
    since = delivered - _delivered_in(copy)
    _until_the_machine_is_lost(running)
    done = _people_work(running, sorted(since))
    before = _all_cases(running)
    half = [case_id for case_id, state in before.items() if case_id not in done and keys_written(state) and not _whole(state)]
    assert len(half) >= 3, "the robot had begun some, and not ended them"

    options = move(running)
    _command(running, "restore", str(copy), *options, "--reason", "disken gick sönder")
    known = {item.case_id for item in running.items()}
    assert since - known, "cases that are not in the copy, with drafts that were written since"
    running.run_once()

    after = _all_cases(running)
    for case_id, was in before.items():
        now = after[case_id]
        counts = keys_written(now)
        assert set(counts.values()) <= {1}, (case_id, counts)
        ours = [one for one in now["decisions"] if one.get("createdBy") == ROBOT]
        assert len(ours) <= 1, (case_id, "a second recommendation")
        assert len([one for one in now["documents"] if one.get("createdBy") == ROBOT]) <= 1, (case_id, "a second document")
        if _whole(was) or case_id in done:
            assert {**now, "errand": None} == {**was, "errand": None}, (case_id, done.get(case_id), "nothing at all was touched")
        elif was["status"] not in ("RECEIVED", "UNDER_REVIEW", "AWAITING_DECISION", "SUPPLEMENT_REQUESTED"):
            assert now["status"] == was["status"], case_id
    for case_id in half:
        assert _whole(after[case_id]), (case_id, "what was begun was ended")
    assert not any(state["illegalTransitions"] or state["forbiddenUses"] for state in after.values())

    items = running.items()
    assert {item.state for item in items} <= ENDED, Counter(item.state for item in items)
    assert since <= {item.case_id for item in items}, "the database knows again of what it had forgotten"
    with running.queue() as queue:
        assert queue.integrity() == []
    assert "the database was restored on" in (verified := _command(running, "audit", "verify"))
    assert "0 problems; compared with" in verified
    assert "kept heads are of lines lost by it" in verified
    assert {"case.failed", "case.parked", "job.failed"} & {line["event"] for line in running.log()} == set()
