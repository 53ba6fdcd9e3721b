"""The record of what the robot did, as an auditor meets it: whole, told in full, and no manipulation unseen."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Town, town
from typer.testing import CliRunner

from robot.cli import app
from workqueue import State

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_audit.py"
CASES = 16

pytestmark = pytest.mark.xdist_group("audit")


@pytest.fixture(scope="module")
def handled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A municipality whose applications have been prepared, by a robot that keeps heads elsewhere."""
    folder = tmp_path_factory.mktemp("audited")
    with town(folder, cases=CASES, changes={"audit": {"head_file": str(folder / "elsewhere.head")}}) as running:
        running.run_once()
        yield running


def _audit(running: Town, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["audit", *arguments, "-c", str(running.demo.config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def _head_file(running: Town) -> Path:
    file = running.demo.settings().audit.head_file
    assert file is not None
    return file


def _database(running: Town) -> Path:
    place = running.demo.settings().storage.database
    assert isinstance(place, Path)
    return place


def test_after_a_days_work_the_audit_is_whole_also_by_the_verifier_that_knows_nothing_of_the_robot(handled: Town) -> None:
    code, said = _audit(handled, "verify")
    assert code == 0, said
    assert "0 problems; compared with" in said
    command = [sys.executable, "-I", str(SCRIPT), str(_database(handled)), str(_head_file(handled))]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert (answer.returncode, answer.stdout) == (0, "The audit is whole.\n")


def test_the_robot_keeps_its_last_head_when_it_ends(handled: Town) -> None:
    code, said = _audit(handled, "head")
    assert code == 0
    kept = _head_file(handled).read_text(encoding="ascii").splitlines()
    with handled.queue() as queue:
        exports = sum(event.what == "audit.exported" for item in handled.items() for event in queue.events(item.case_ref))
    assert kept[-1] == said.strip() or exports, "only a person has done something since"


def test_the_export_says_what_was_read_about_whom_and_why_and_what_was_computed_and_written(handled: Town) -> None:
    case = next(item for item in handled.items() if item.state is State.DELIVERED)
    code, said = _audit(handled, "export", case.case_id, "--reason", "revision")
    assert code == 0
    lines = [json.loads(line) for line in said.splitlines()]
    by_what: dict[str, dict[str, Any]] = {line["what"]: line for line in lines if line["type"] == "event"}
    assessed = by_what["case.assessed"]["details"]
    sources = set(handled.demo.settings().registers.sources)
    assert set(assessed["read"]["applicant"]) == sources
    assert assessed["read"]["case_system"] == ["application", "history"]
    assert "15 kap." in assessed["law"]
    (draft,) = (line for line in lines if line["type"] == "draft")
    assert draft["sha256"] == assessed["draft_sha256"], "the draft is the one that the audit tells of"
    written = [one["kind"] for one in by_what["case.delivered"]["details"]["written"]]
    assert written == [line["kind"] for line in lines if line["type"] == "write"]
    assert by_what["audit.exported"]["details"]["reason"] == "revision", "that it was shown is in the record, too"


def test_the_size_of_what_the_audit_keeps_tells_no_stop_from_a_control_sample(handled: Town) -> None:
    with sqlite3.connect(_database(handled)) as database:
        sizes = database.execute(
            "SELECT DISTINCT length(details) FROM event_details JOIN events USING (seq) WHERE what LIKE 'case.%'"
        ).fetchall()
    database.close()
    assert len(sizes) == 1


def test_an_unknown_case_and_an_unreadable_head_file_are_refused(handled: Town, tmp_path: Path) -> None:
    assert _audit(handled, "export", "nobody")[0] == 2
    (tmp_path / "heads").write_text("something else\n", encoding="ascii")
    assert _audit(handled, "verify", "--head", str(tmp_path / "heads"))[0] == 2
    assert _audit(handled, "verify", "--head", str(tmp_path / "none"))[0] == 2


def test_a_cut_end_ends_verify_with_1_and_is_named(handled: Town) -> None:
    database = _database(handled)
    shutil.copyfile(database, database.with_suffix(".copy"))
    raw = sqlite3.connect(database)
    (last,) = raw.execute("SELECT max(seq) FROM events").fetchone()
    with raw:
        guards = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'event%_no_delete'").fetchall()
        for name, _ in guards:
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("DELETE FROM event_details WHERE seq > 5")
        raw.execute("DELETE FROM events WHERE seq > 5")
        for _, guard in guards:
            raw.execute(guard)
    raw.close()
    assert last > 5
    code, said = _audit(handled, "verify")
    assert code == 1
    assert "is cut off: the audit ends at event 5" in said
