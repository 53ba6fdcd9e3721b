"""What the program says of mistakes in its settings and of what is typed never quotes a secret or a person."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from canaries import Canaries, Search

from robot import logs
from robot.cli import main
from robot.demo import DEMO_GUIDELINES, default_config
from robot.incident import _FIGURES, _SHAPES, LEFT_OUT, problems_in, settings_shown
from workqueue.pulling import _new_ref

ROOT = Path(__file__).resolve().parents[2]
CANARIES = Canaries.made()
SEARCH = Search(CANARIES.numbers)
SECRET = f"{CANARIES.tokens[9]} {CANARIES.numbers[9]}"


@pytest.fixture
def configured(tmp_path: Path) -> Callable[[Any], Path]:
    """Return a writer of config.yaml: the documented default, changed by what it is given."""

    def write(change: Callable[[dict[str, Any]], None]) -> Path:
        data = yaml.safe_load(default_config().read_text(encoding="utf-8"))
        data["municipality"]["guidelines"] = str(DEMO_GUIDELINES)
        change(data)
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        path.chmod(0o640)
        return path

    return write


def said(*arguments: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "robot", *(str(one) for one in arguments)]
    return subprocess.run(program, capture_output=True, text=True, input=typed, timeout=240, check=False)


def _leaves(data: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(data, dict):
        for key, inner in data.items():
            yield from _leaves(inner, (*at, key))
    else:
        yield at


def _put(data: dict[str, Any], at: tuple[str, ...], value: Any) -> None:
    for key in at[:-1]:
        data = data[key]
    data[at[-1]] = value


def test_a_value_that_is_refused_is_never_quoted_whatever_setting_it_stands_in(configured: Callable[[Any], Path]) -> None:
    from robot.settings import SettingsError, load

    leaves = list(_leaves(yaml.safe_load(default_config().read_text(encoding="utf-8"))))
    alone = [at for at in leaves if at[-1] in {"url", "base_url", "party_url", "database", "namespace", "sent_by", "host"}]
    address = f"postgresql://robot:{CANARIES.tokens[9]}@db.example/x"
    values: tuple[Any, ...] = (SECRET, [SECRET], {"password": SECRET}, address, f"https://{CANARIES.tokens[9]}@x?y", {SECRET: SECRET})
    for value in values:
        for places in (leaves, *([at] for at in alone)):

            def put(data: dict[str, Any], places: list[tuple[str, ...]] = places, value: Any = value) -> None:
                for at in places:
                    _put(data, at, value)

            try:
                load(configured(put))
            except SettingsError as error:
                text = str(error)
            else:
                text = ""
            assert text or isinstance(value, str), places
            # A name that is no setting is told: nobody writes a secret there but as a key.
            assert isinstance(value, dict) or not SEARCH.found(text.encode()), places


def test_what_is_typed_for_an_identity_number_is_never_quoted(configured: Callable[[Any], Path]) -> None:
    config = configured(lambda data: data)
    for typed in (f"{CANARIES.numbers[1]}x\n", f"{CANARIES.numbers[2][:8]}-{CANARIES.numbers[2][8:]} {CANARIES.names[2]}\n"):
        answer = said("person", "export", "--reason", "dnr 1", "-c", config, typed=typed)
        assert answer.returncode != 0
        assert not SEARCH.found((answer.stdout + answer.stderr).encode())


def test_a_case_file_that_cannot_be_read_is_never_quoted(tmp_path: Path) -> None:
    for text in ('{"application": "%s"}', '["%s"', '{"%s": 1}', "%s"):
        file = tmp_path / "case.json"
        file.write_text(text % f"{CANARIES.names[4]} {CANARIES.numbers[4]}", encoding="utf-8")
        answer = said("assess", file)
        assert answer.returncode != 0
        assert not SEARCH.found((answer.stdout + answer.stderr).encode()), answer.stderr


def test_a_bug_in_a_command_is_told_by_its_place_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def buggy(*_arguments: Any) -> Any:
        raise KeyError(SECRET)

    monkeypatch.setattr("robot.cli.health.settings_from", buggy)
    monkeypatch.setattr(sys, "argv", ["bistandsrobot", "health"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert ended.value.code == 1
    assert "BUG-005" in told.err
    assert "KeyError at" in told.err
    assert not SEARCH.found((told.err + told.out).encode())


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_value_from_outside_never_begins_a_line_of_the_log_or_speaks_to_the_terminal(style: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    root = logging.getLogger()
    before = root.handlers, root.level
    try:
        logs.set_up("debug", style)
        forged = 'x\n{"event": "forged"}\r\nforged\x1b[2J\x1b]0;title\x07\x9b31m\u2028forged\u0085forged'
        structlog.get_logger().warning("pull.failed", code=forged, neighbour={"a": [forged]})
    finally:
        root.handlers, root.level = before
        logging.captureWarnings(False)
        structlog.reset_defaults()
    text = out.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert not re.search(r"[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029]|\x1b(?!\[\d*m)", text), repr(text)


def test_nothing_outside_the_known_shapes_gets_into_a_bundle() -> None:
    text = CANARIES.text()
    hostile = dict.fromkeys((*_SHAPES, *_FIGURES, "why"), text)
    lines = [
        json.dumps(hostile | {"level": "error"}),
        json.dumps({"event": "case.failed", "level": "error", "exception": {"type": text, "at": [text, "worker.py:1 handle"]}, text: text}),
        json.dumps({"event": "case.failed", "level": "error", "cases": int(CANARIES.numbers[0]), "worker": 2}),
        text,
        json.dumps([text]),
    ]
    kept, odd = problems_in(lines)
    assert (len(kept), odd) == (3, 2)
    assert not SEARCH.found(json.dumps(kept, ensure_ascii=False).encode())
    assert kept[1]["exception"] == {"type": LEFT_OUT, "at": ["worker.py:1 handle"]}
    assert kept[2] == {"event": "case.failed", "level": "error", "worker": 2}
    shown = settings_shown({"logs": {"level": "debug", "x": text}, "a": [text], "b": int(CANARIES.numbers[0]), "c": 3})
    assert shown == {"logs": {"level": "debug", "x": LEFT_OUT}, "a": "(1)", "b": LEFT_OUT, "c": 3}


def test_a_bundle_says_which_case_a_line_is_about() -> None:
    """By its random reference alone, in whatever letters the queue draws it."""
    refs = [_new_ref() for _ in range(200)]
    kept, _ = problems_in(json.dumps({"event": "case.parked", "level": "error", "case_ref": ref}) for ref in refs)
    assert [line["case_ref"] for line in kept] == refs


def test_a_bundle_never_takes_another_files_place_and_is_its_owners_alone(configured: Callable[[Any], Path], tmp_path: Path) -> None:
    config, bundle = configured(lambda data: data["storage"].update(database="none.db")), tmp_path / "x.zip"
    assert said("incident", bundle, "--no-ask", "-c", config).returncode == 0
    assert bundle.stat().st_mode & 0o777 == 0o600
    before = bundle.read_bytes()
    again = said("incident", bundle, "--no-ask", "-c", config)
    assert (again.returncode, bundle.read_bytes()) == (2, before)
    assert "CLI-070" in again.stderr
    missing = said("incident", tmp_path / "y.zip", "--no-ask", "--log", tmp_path / "none", "-c", config)
    assert (missing.returncode, (tmp_path / "y.zip").exists()) == (2, False)
    assert "CLI-071" in missing.stderr


def test_what_an_applicant_wrote_cannot_steer_the_terminal_that_it_is_shown_on(capsys: pytest.CaptureFixture[str]) -> None:
    from robot.cli.output import say

    say("Hyra\x1b[2J \x9b31m\x07 höjd\u202e\n\tmed 100 kr")
    assert capsys.readouterr().out == "Hyra\\u001b[2J \\u009b31m\\u0007 höjd\\u202e\n\tmed 100 kr\n"
