"""`bistandsrobot keys`: what ops are told, what changes in the key file, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robot.cli.commands import program
from robot.cli.keys import keys as group
from robot.database import open_queue
from robot.demo import DEMO_GUIDELINES, default_config
from robot.settings import load
from tests.queue.queue_bench import pulled
from workqueue import MasterKeys, new_key_file

CASES = 7


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose queue holds some cases."""
    path = tmp_path / "config.yaml"
    text = default_config().read_text(encoding="utf-8").replace("rules/guidelines/exempelkommun.yaml", str(DEMO_GUIDELINES))
    path.write_text(text, encoding="utf-8")
    settings = load(path)
    queue = open_queue(settings, settings.clock())
    queue.add_many([pulled(f"case-{number}") for number in range(CASES)])
    queue.close()
    return path


def _say(config: Path, *arguments: str, code: int = 0) -> str:
    """Run `keys`, and return what it said."""
    result = CliRunner().invoke(program("keys"), ["keys", *arguments, "-c", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result.output


def _uses(config: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(_say(config, "show", "--json"))
    return found


def _ids(config: Path) -> tuple[str, ...]:
    return MasterKeys.load(config.parent / "var" / "master.key").ids


def test_what_each_key_wraps_is_shown_and_no_secret_is(config: Path) -> None:
    secret = (config.parent / "var" / "master.key").read_text().strip()
    (only,) = _ids(config)
    assert _uses(config) == [{"key_id": only, "in_file": True, "in_use": True, "secrets": 4, "cases": CASES}]
    said = _say(config, "show")
    assert only in said
    assert secret not in said


def test_one_command_exchanges_the_key_and_another_takes_the_old_one_out(config: Path) -> None:
    (old,) = _ids(config)
    said = _say(config, "rotate")
    new, kept = _ids(config)
    assert kept == old
    assert f"keys of {CASES} cases" in said
    assert f"{old} any more" in said
    assert [(one["key_id"], one["cases"]) for one in _uses(config)] == [(new, CASES), (old, 0)]

    said = _say(config, "rotate", "--remove-old")
    assert _ids(config) == (new,), "what was done is not done again"
    assert old in said
    said = _say(config, "rotate", "--remove-old")
    assert new not in _ids(config)
    assert len(_ids(config)) == 1


def test_a_key_made_beforehand_is_the_one_that_is_gone_over_to(config: Path) -> None:
    _say(config, "new")
    new, old = _ids(config)
    assert [one["in_use"] for one in _uses(config)] == [False, True]
    _say(config, "rotate")
    assert _ids(config) == (new, old)
    assert [one["in_use"] for one in _uses(config)] == [True, False]


def test_a_credential_is_never_written_and_what_to_do_is_said(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    file, credential = tmp_path / "var" / "master.key", folder / "master-key"
    credential.write_bytes(file.read_bytes())
    file.unlink()
    text = config.read_text(encoding="utf-8")
    config.write_text("\n".join(line for line in text.splitlines() if not line.strip().startswith("key_file:")), encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    before = credential.read_bytes()

    assert "--file" in _say(config, "new", code=2)
    assert "--file" in _say(config, "rotate", code=2)
    assert credential.read_bytes() == before
    _say(config, "new", "--file", str(tmp_path / "next.key"))
    assert [one["cases"] for one in _uses(config)] == [CASES]

    credential.write_bytes((tmp_path / "next.key").read_bytes())
    said = _say(config, "rotate", "--remove-old")
    assert [one["cases"] for one in _uses(config)] == [CASES, 0]
    assert "may be taken out" in said


def test_a_services_first_key_is_made_before_anything_else_is_there(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    said = _say(tmp_path / "none.yaml", "new", "--file", str(file))
    assert "no other is in it" in said
    assert len(MasterKeys.load(file).ids) == 1
    said = _say(tmp_path / "none.yaml", "new", "--file", str(tmp_path / "next.key"), "--beside", str(file))
    assert MasterKeys.load(tmp_path / "next.key").ids[1:] == MasterKeys.load(file).ids
    assert MasterKeys.load(file).first.key_id in said


def test_a_file_that_is_there_is_not_written_over(config: Path) -> None:
    new_key_file(config.parent / "other.key", beside=None)
    before = (config.parent / "other.key").read_bytes()
    assert "QUE-034" in _say(config, "new", "--file", str(config.parent / "other.key"), code=1)
    assert (config.parent / "other.key").read_bytes() == before


def test_every_command_has_an_example() -> None:
    assert all("Example: " in (command.callback.__doc__ or "") for command in group.registered_commands if command.callback)
