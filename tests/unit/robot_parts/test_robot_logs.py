"""The log is the last net: whatever is handed to it, no identity number, no exception's text and no library's words get out."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from robot import logs

NUMBER = "19900101-2385"
PLAIN = "199001012385"


@dataclass
class Said:
    """A logger set up as the daemon's, and what came out of it."""

    log: Any
    out: io.StringIO
    err: io.StringIO

    def lines(self) -> list[dict[str, Any]]:
        """Return what was logged; anything on standard error fails."""
        assert self.err.getvalue() == ""
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[Said]:
    """Set logging up as the daemon does, and put it back."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    root, raising = logging.getLogger(), logging.raiseExceptions
    before = root.handlers, root.level
    logs.set_up("info", "json")
    yield Said(structlog.get_logger(), out, err)
    root.handlers, root.level = before
    logging.raiseExceptions = raising
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_a_line_is_json_with_event_level_and_time(said: Said) -> None:
    said.log.info("case.finished", case_ref="abc", ms={"read": 12})

    (line,) = said.lines()
    assert line["at"].endswith("Z")
    assert {key: line[key] for key in ("event", "level", "case_ref", "ms")} == {
        "event": "case.finished",
        "level": "info",
        "case_ref": "abc",
        "ms": {"read": 12},
    }


@pytest.mark.parametrize(
    "value",
    [NUMBER, PLAIN, int(PLAIN), [NUMBER], (PLAIN,), {NUMBER}, {"a": {"b": [PLAIN]}}, {PLAIN: 1}, ValueError(NUMBER), Path(f"/x/{PLAIN}")],
    ids=lambda value: type(value).__name__,
)
def test_an_identity_number_is_masked_wherever_it_stands(said: Said, value: Any) -> None:
    said.log.info("case.finished", value=value)

    shown = json.dumps([line["value"] for line in said.lines()])
    assert "2385" not in shown
    assert "[masked]" in shown


def test_figures_stay_figures(said: Said) -> None:
    said.log.info("case.finished", ms=1234, share=0.5, done=True, proposal=None)

    (line,) = said.lines()
    assert (line["ms"], line["share"], line["done"], line["proposal"]) == (1234, 0.5, True, None)


def test_an_exception_is_logged_by_type_and_place_never_by_its_text(said: Said) -> None:
    try:
        raise KeyError("Testsson")
    except KeyError:
        said.log.exception("case.failed", case_ref="abc")

    (line,) = said.lines()
    assert "Testsson" not in json.dumps(line)
    assert line["exception"]["type"] == "KeyError"
    assert line["exception"]["at"][-1].startswith("test_robot_logs.py:")


def test_a_library_says_that_it_said_something_and_no_more(said: Said) -> None:
    logging.getLogger("some.library").warning("asked about %s", "Testsson")
    try:
        raise ValueError("Testsson")
    except ValueError:
        logging.getLogger("asyncio").exception("never retrieved: Testsson")

    first, second = said.lines()
    assert (first["event"], first["library"]) == ("library.message", "some.library")
    assert (second["event"], second["exception"]["type"]) == ("library.message", "ValueError")
    assert "Testsson" not in json.dumps([first, second])


def test_a_warning_and_a_record_that_cannot_be_formatted_do_not_reach_standard_error(said: Said) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("input_value='Testsson'", stacklevel=1)
    logging.getLogger("some.library").warning("%d", "Testsson")

    assert "Testsson" not in json.dumps(said.lines())


def test_what_is_below_the_level_is_not_logged(said: Said) -> None:
    said.log.debug("neighbour.asked_again")
    logging.getLogger("httpx").info("HTTP Request: GET http://x")

    assert said.lines() == []


def test_a_watcher_sees_what_happens_also_when_only_errors_are_logged(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def watch(_logger: Any, _method: str, event: Any) -> Any:
        seen.append(event["event"])
        return event

    monkeypatch.setattr(sys, "stdout", said.out)
    logs.set_up("error", "json", watchers=[watch])
    log = structlog.get_logger()
    log.debug("neighbour.asked_again")
    log.info("case.finished")
    log.warning("case.rescued")
    log.error("case.parked")

    assert seen == ["case.finished", "case.rescued", "case.parked"]
    assert [line["event"] for line in said.lines()] == ["case.parked"]


def test_a_line_of_any_event_is_short_enough_to_be_written_in_one_piece(said: Said) -> None:
    """Several workers write to one pipe: the kernel keeps lines of up to 4096 bytes whole."""
    structlog.get_logger().info("case.finished", flags=["register.unavailable"] * 1000, outcome="å" * 5000, blanks={})

    (line,) = said.lines()

    assert (line["event"], line["flags"], len(line["outcome"])) == ("case.finished", "(1000)", 100)


def test_each_line_says_which_worker_it_is_from(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", said.out)
    logs.set_up("info", "json", worker=2)
    structlog.get_logger().info("pull.done")
    logging.getLogger("some.library").warning("x")
    assert [line["worker"] for line in said.lines()] == [2, 2]


def test_the_same_line_is_said_once_a_minute_and_then_how_often() -> None:
    now = 0.0
    repeats = logs.Repeats(lambda: now)
    passed: list[Any] = []

    def say(**event: Any) -> None:
        with contextlib.suppress(structlog.DropEvent):
            passed.append(dict(repeats(None, "warning", event)))

    for _ in range(5):
        say(event="pull.failed", code="NET-001", neighbour="caremanagement")
    say(event="pull.failed", code="NET-007", neighbour="caremanagement")
    say(event="case.tried_later", case_ref="a", code="NET-005", until="10:00")
    say(event="case.tried_later", case_ref="b", code="NET-005", until="10:00")
    say(event="case.tried_later", case_ref="a", code="NET-005", until="10:05")
    now = 60.0
    say(event="pull.failed", code="NET-001", neighbour="caremanagement")

    assert [(one["event"], one.get("code"), one.get("case_ref"), one.get("repeated")) for one in passed] == [
        ("pull.failed", "NET-001", None, None),
        ("pull.failed", "NET-007", None, None),
        ("case.tried_later", "NET-005", "a", None),
        ("case.tried_later", "NET-005", "b", None),
        ("pull.failed", "NET-001", None, 4),
    ]
