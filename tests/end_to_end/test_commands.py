"""The command line as ops meet it: exit codes, what is said and where, and never a traceback."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from harness import Town, town
from typer.testing import CliRunner

from robot.cli import app
from robot.demo import DEMO_GUIDELINES, default_config
from workqueue import State

pytestmark = pytest.mark.xdist_group("commands")

LOOKING = (["status"], ["queue", "list"], ["queue", "show", "x"], ["queue", "requeue", "x", "--reason", "r"], ["explain", "x"])


@dataclass
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


def command(*arguments: str | Path) -> Said:
    """Run a command in this process; anything but an exit code fails."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return Said(result.exit_code, result.stdout, result.stderr)


def program(*arguments: str | Path) -> Said:
    """Run the program itself."""
    line = [sys.executable, "-m", "robot", *(str(one) for one in arguments)]
    answer = subprocess.run(line, capture_output=True, text=True, timeout=240, check=False)
    assert "Traceback" not in answer.stderr + answer.stdout
    return Said(answer.returncode, answer.stdout, answer.stderr)


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of config.yaml: the documented default with neighbours that nobody answers at, and changes."""

    def write(**changes: dict[str, Any]) -> Path:
        data = yaml.safe_load(default_config().read_text(encoding="utf-8"))
        data["municipality"]["guidelines"] = str(DEMO_GUIDELINES)
        data["case_system"] |= {"base_url": "http://127.0.0.1:9", "party_url": "http://127.0.0.1:9/party"}
        data["case_system"]["transport"] |= {"attempts": 1}
        data["registers"]["ssbtek"] |= {"url": "http://127.0.0.1:9/ssbtek"}
        for section, values in changes.items():
            data[section] |= values
        path = tmp_path / "config.yaml"
        path.touch(0o640)
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def handled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A municipality whose applications have been prepared."""
    with town(tmp_path_factory.mktemp("commands"), cases=8) as running:
        running.run_once()
        yield running


@pytest.mark.parametrize("what", [*LOOKING, ["run", "--once"], ["check"], ["db", "upgrade"]], ids=" ".join)
def test_a_configuration_that_is_missing_or_wrong_ends_every_command_with_2(what: list[str], tmp_path: Path) -> None:
    missing = command(*what, "-c", tmp_path / "none.yaml")
    assert (missing.code, missing.out) == (2, "")
    assert "give the file with -c" in missing.err

    (tmp_path / "config.yaml").write_text(default_config().read_text(encoding="utf-8") + "\nlog: {}\n", encoding="utf-8")
    wrong = command(*what, "-c", tmp_path / "config.yaml")
    assert wrong.code == 2
    assert f"{tmp_path / 'config.yaml'}:" in wrong.err


@pytest.mark.parametrize("what", LOOKING, ids=" ".join)
def test_a_command_that_looks_says_when_there_is_no_database_and_makes_none(what: list[str], configured: Callable[..., Path]) -> None:
    config = configured()

    said = command(*what, "-c", config)

    assert said.code == 1
    assert "CLI-001" in said.err
    assert not (config.parent / "var").exists()


@pytest.mark.parametrize("what", [["status"], ["queue", "list"], ["db", "upgrade"], ["check"]], ids=" ".join)
def test_a_key_that_others_may_read_is_refused_with_what_to_do(what: list[str], configured: Callable[..., Path]) -> None:
    config = configured()
    assert command("db", "upgrade", "-c", config).code == 0
    (config.parent / "var" / "master.key").chmod(0o640)

    said = command(*what, "-c", config)

    assert said.code == 1
    assert "QUE-030" in said.out + said.err
    assert "chmod 600" in re.sub(r"[│\s]+", " ", said.out + said.err)


def test_a_lost_key_is_never_replaced_in_silence(configured: Callable[..., Path]) -> None:
    config = configured()
    assert command("db", "upgrade", "-c", config).code == 0
    (config.parent / "var" / "master.key").unlink()

    assert "QUE-033" in command("db", "upgrade", "-c", config).err
    assert not (config.parent / "var" / "master.key").exists()


def test_a_file_that_is_no_database_is_told_as_such(configured: Callable[..., Path]) -> None:
    config = configured()
    assert command("db", "upgrade", "-c", config).code == 0
    (config.parent / "var" / "bistandsrobot.db").write_bytes(b"this is no database, but something else altogether" * 100)
    for leftover in ("-wal", "-shm"):
        (config.parent / "var" / f"bistandsrobot.db{leftover}").unlink(missing_ok=True)

    said = command("status", "-c", config)

    assert said.code == 1
    assert "QUE-003" in said.err


def test_the_database_is_made_by_db_upgrade_and_a_second_time_changes_nothing(configured: Callable[..., Path]) -> None:
    config = configured()
    for _ in range(2):
        assert command("db", "upgrade", "-c", config).code == 0
    assert (config.parent / "var" / "master.key").stat().st_mode & 0o777 == 0o600
    assert json.loads(command("status", "--json", "-c", config).out)["oldest"] == {}


def test_run_with_broken_guidelines_ends_with_2_and_asks_nobody(configured: Callable[..., Path], tmp_path: Path) -> None:
    guidelines = tmp_path / "guidelines.yaml"
    guidelines.write_text(DEMO_GUIDELINES.read_text(encoding="utf-8") + "\nno_such_part: 1\n", encoding="utf-8")
    said = program("run", "--once", "-c", configured(municipality={"guidelines": str(guidelines)}))

    assert said.code == 2
    assert "guidelines" in said.err


def test_run_with_a_refused_key_ends_with_1(configured: Callable[..., Path]) -> None:
    config = configured()
    assert command("db", "upgrade", "-c", config).code == 0
    (config.parent / "var" / "master.key").chmod(0o604)

    said = program("run", "--once", "-c", config)

    assert said.code == 1
    assert "QUE-030" in said.err
    assert [json.loads(line)["event"] for line in said.out.splitlines()] == ["daemon.cannot_start"]


def test_check_tells_of_each_part_and_makes_nothing(configured: Callable[..., Path]) -> None:
    config = configured()

    said = command("check", "--json", "-c", config)

    assert said.code == 1
    parts = {one["part"]: one["ok"] for one in json.loads(said.out) if not one["part"].startswith("month ")}
    assert parts == {"configuration": True, "database": True, "guidelines": True, "caremanagement": False, "ssbtek": False}
    assert len(json.loads(said.out)) == len(parts) + 2
    assert not (config.parent / "var").exists()


def test_check_asks_nobody_beyond_this_machine_while_the_key_may_not_be_used(
    configured: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """192.0.2.1 is nobody's; that nothing goes there is seen by no neighbour being made at all."""
    config = configured(case_system={"base_url": "http://192.0.2.1"})
    (config.parent / "var").mkdir()
    (config.parent / "var" / "master.key").write_text("short")
    (config.parent / "var" / "master.key").chmod(0o600)
    monkeypatch.delattr("robot.cli.check.case_system_of")

    said = command("check", "--json", "-c", config)

    assert said.code == 1
    wrong = [one["part"] for one in json.loads(said.out) if not one["ok"] and not one["part"].startswith("month ")]
    assert wrong == ["database", "neighbours"]


@pytest.mark.parametrize("shape", ["case-file", "draft", "config"])
def test_every_schema_is_one(shape: str) -> None:
    said = command("schema", shape)

    assert said.code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(said.out))


def test_the_documented_configuration_fits_its_schema() -> None:
    schema = json.loads(command("schema", "config").out)
    jsonschema.validate(yaml.safe_load(default_config().read_text(encoding="utf-8")), schema)


def test_check_of_a_whole_municipality_is_ok(handled: Town) -> None:
    said = command("check", "--json", "-c", handled.demo.config)

    assert said.code == 0
    assert all(one["ok"] for one in json.loads(said.out))


def test_lists_and_figures_agree(handled: Town) -> None:
    config = handled.demo.config
    counts = json.loads(command("status", "--json", "-c", config).out)["counts"]
    listed = json.loads(command("queue", "list", "--json", "-c", config).out)
    waiting = json.loads(command("queue", "list", "--json", "--state", "waiting_for_income", "-c", config).out)

    assert sum(counts.values()) == len(listed) > 5
    assert counts["waiting_for_income"] == len(waiting) == 1
    assert "waiting_for_income" in command("status", "-c", config).out
    assert waiting[0]["case_ref"] in command("queue", "list", "-c", config).out


@pytest.mark.parametrize("by", ["case_ref", "case_id"])
def test_a_case_is_found_by_its_reference_and_by_its_id(handled: Town, by: str) -> None:
    item = next(item for item in handled.items() if item.state is State.DELIVERED)

    shown = json.loads(command("queue", "show", getattr(item, by), "--json", "-c", handled.demo.config).out)
    explained = command("explain", getattr(item, by), "-c", handled.demo.config)

    assert (shown["case_ref"], shown["state"]) == (item.case_ref, "delivered")
    assert explained.code == 0
    assert "SoL" in explained.out or "12 kap." in explained.out
    with handled.queue() as queue:
        assert queue.events(item.case_ref)[-1].what == "draft.shown", "that a person has seen it is in the record, too"


@pytest.mark.parametrize("what", [["queue", "show"], ["queue", "requeue", "--reason", "r"], ["explain"]], ids=" ".join)
def test_an_unknown_case_ends_with_2_and_says_where_cases_are_listed(handled: Town, what: list[str]) -> None:
    said = command(*what, "nobody", "-c", handled.demo.config)

    assert (said.code, said.out) == (2, "")
    assert "queue list" in said.err


def test_a_case_that_rests_has_nothing_to_explain_yet(handled: Town) -> None:
    item = next(item for item in handled.items() if item.state is State.WAITING_FOR_INCOME)

    said = command("explain", item.case_ref, "-c", handled.demo.config)

    assert said.code == 2
    assert "CLI-003" in said.err


def test_requeue_puts_a_case_back_and_the_next_run_gives_the_same_result_once_more(handled: Town) -> None:
    item = next(item for item in handled.items() if item.state is State.HANDED_OVER)
    said = command("queue", "requeue", item.case_ref, "--reason", "register tillbaka", "-c", handled.demo.config)
    assert said.code == 0
    assert "ready" in said.out

    again = command("queue", "requeue", item.case_ref, "--reason", "x" * 5_000, "-c", handled.demo.config)
    assert again.code in (0, 2)
    handled.run_once()

    after = next(one for one in handled.items() if one.case_id == item.case_id)
    assert (after.state, after.outcome, after.run) == (item.state, item.outcome, item.run + 1)


def test_a_case_that_a_person_has_taken_cannot_be_put_back(handled: Town, tmp_path: Path) -> None:
    """Tried on a copy of the files, so that the municipality stays as it is for the other tests."""
    for name in ("config.yaml", "bistandsrobot.db", "master.key"):
        shutil.copy2(handled.demo.folder / name, tmp_path / name)
    item = next(item for item in handled.items() if item.state is State.DELIVERED)
    assert command("queue", "requeue", item.case_ref, "--reason", "r", "-c", tmp_path / "config.yaml").code == 0
    handled_case = next(one for one in handled.items() if one.case_id == item.case_id)
    assert handled_case.state is State.DELIVERED
    handled.case_system("POST", "/admin/caseworker", json={"errandId": item.case_id, "action": "assign"})
    assert program("run", "--once", "-c", tmp_path / "config.yaml").code == 0

    said = command("queue", "requeue", item.case_ref, "--reason", "r", "-c", tmp_path / "config.yaml")

    assert said.code == 2
    assert "QUE-012" in said.err
