"""`bistandsrobot logs`: what went wrong, how often, from when to when; other programs' lines never stop it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from robot.cli import logs as command

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(command.logs)


def line(event: str, level: str, *, minutes_ago: float, **more: Any) -> str:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return json.dumps({"event": event, "level": level, "at": at.isoformat().replace("+00:00", "Z")} | more)


def lines() -> list[str]:
    return [
        line("daemon.started", "info", minutes_ago=200),
        line("neighbour.lost", "warning", minutes_ago=190, neighbour="ssbtek", code="NET-001"),
        "Traceback of another program",
        line("case.tried_later", "warning", minutes_ago=60, case_ref="aaaa222222", code="NET-005", until="2026-11-30T08:00:00Z"),
        line("case.tried_later", "warning", minutes_ago=50, case_ref="bbbb222222", code="NET-005", until="2026-11-30T08:00:00Z"),
        line("case.tried_later", "warning", minutes_ago=40, case_ref="aaaa222222", code="NET-005", until="2026-11-30T08:00:00Z"),
        line("case.finished", "info", minutes_ago=5, case_ref="aaaa222222", outcome="ok", ms={"read": 12}),
        '{"event": "no time"}',
        '{"event": "no zone", "level": "warning", "at": "2026-11-30T08:00:00"}',
        "",
    ]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "robot.log"
    file.write_text("\n".join(lines()), encoding="utf-8")
    return file


def read(*words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def test_problems_of_a_time_are_counted_together_with_their_cases(log: Path) -> None:
    answer = read(str(log), "--since", "2h", "--problems")

    assert answer.exit_code == 0
    (first, left_out) = answer.output.splitlines()
    assert first.split(", ")[0] == "    3 x warning case.tried_later NET-005"
    assert first.endswith(", 2 cases")
    assert left_out == "3 lines were not the robot's and were left out."


def test_a_longer_time_shows_what_went_wrong_before(log: Path) -> None:
    assert "neighbour.lost NET-001 ssbtek" in read(str(log), "--since", "1d", "--problems").output


def test_one_case_is_followed_line_by_line(log: Path) -> None:
    lines = read(str(log), "--case", "aaaa222222").output.splitlines()[:-1]

    assert [one.split()[3] for one in lines] == ["case.tried_later", "case.tried_later", "case.finished"]
    assert lines[-1].endswith('case_ref=aaaa222222 outcome=ok ms={"read":12}')


def test_standard_input_is_read_where_asked_for() -> None:
    assert "case.parked" in read("-", stdin=line("case.parked", "error", minutes_ago=1, case_ref="a", code="BUG-002")).output


def test_nothing_wrong_is_said_in_words(log: Path) -> None:
    assert read(str(log), "--since", "6m", "--problems").output.startswith("Nothing went wrong in the last 6m: 1 events read.")


@pytest.mark.parametrize("since", ["", "yesterday", "2", "-1h", "1w", "9999999d"])
def test_a_length_of_time_that_is_none_is_told(since: str, log: Path) -> None:
    answer = read(str(log), "--since", since)

    assert answer.exit_code == 2
    assert "CLI-030" in answer.stderr


def test_a_log_that_cannot_be_read_and_a_machine_without_journal_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for words in ([str(tmp_path / "no.log")], []):
        answer = read(*words)
        assert answer.exit_code == 1
        assert "CLI-031" in answer.stderr
