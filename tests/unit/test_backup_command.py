"""`backup` and `restore` as ops meet them: what is said, and the exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from robot.cli import app
from robot.database import open_queue
from robot.demo import DEMO_GUIDELINES, default_config
from robot.settings import load


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a database and a key that are there."""
    data = yaml.safe_load(default_config().read_text(encoding="utf-8"))
    data["municipality"]["guidelines"] = str(DEMO_GUIDELINES)
    data["storage"] = {"database": "queue.db", "key_file": "master.key"}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    settings = load(path)
    open_queue(settings, settings.clock()).close()
    return path


def _run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "-c", str(config)])


def test_a_copy_and_the_way_back(config: Path, tmp_path: Path) -> None:
    copy = tmp_path / "night.backup"
    made = _run(config, "backup", str(copy))
    assert made.exit_code == 0, made.output
    assert "checked and on disk" in made.stdout
    assert "The master key (" in made.stdout
    assert ") is not in it. Keep it elsewhere: without both nothing can be restored." in made.stdout

    refused = _run(config, "restore", str(copy), "--reason", "övning")
    assert (refused.exit_code, "QUE-054" in refused.output) == (2, True)
    done = _run(config, "restore", str(copy), "--replace", "--reason", "övning", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["aside"] == str(tmp_path / "queue.db.before-restore-1")
    whole = _run(config, "audit", "verify")
    assert whole.exit_code == 0
    assert "event 1: the database was restored on" in whole.stdout


def test_what_was_deleted_since_the_copy_and_what_comes_next_is_said(config: Path, tmp_path: Path) -> None:
    _run(config, "backup", str(tmp_path / "copy"))
    said = _run(config, "restore", str(tmp_path / "copy"), "--replace", "--reason", "övning").stdout
    assert "it holds personal data" in said
    assert "retention propose" in said
    assert "Now start the robot." in said


def test_that_a_copy_was_taken_is_in_the_audit_but_not_in_the_copy(config: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        made = json.loads(_run(config, "backup", str(tmp_path / f"{number}"), "--json").stdout)
        assert made["last_seq"] == number - 1


def test_nothing_is_overwritten_unasked(config: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_text("dear")
    refused = _run(config, "backup", str(copy))
    assert (refused.exit_code, "QUE-051" in refused.output, copy.read_text()) == (2, True, "dear")
    assert _run(config, "backup", str(copy), "--overwrite").exit_code == 0


def test_without_the_key_nothing_is_restored_and_no_new_key_is_made(config: Path, tmp_path: Path) -> None:
    _run(config, "backup", str(tmp_path / "copy"))
    for name in ("queue.db", "master.key"):
        (tmp_path / name).unlink()
    refused = _run(config, "restore", str(tmp_path / "copy"), "--reason", "övning")
    assert refused.exit_code == 2
    assert not (tmp_path / "master.key").exists()
    assert not (tmp_path / "queue.db").exists()


def test_a_file_that_is_no_copy_is_refused_and_what_was_there_is_left(config: Path, tmp_path: Path) -> None:
    shutil.copyfile(tmp_path / "queue.db", tmp_path / "copied-by-hand")
    refused = _run(config, "restore", str(tmp_path / "copied-by-hand"), "--replace", "--reason", "övning")
    assert (refused.exit_code, "QUE-052" in refused.output) == (2, True)
    assert _run(config, "audit", "verify").exit_code == 0
    assert list(tmp_path.glob("*before-restore*")) == []
