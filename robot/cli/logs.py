"""`bistandsrobot logs`: the daemon's JSON lines read back for people."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED
from robot.cli.output import fail, say

_LENGTH = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PROBLEMS = frozenset({"warning", "error", "critical"})
_FIRST_KEYS = ("event", "level", "at")
_UNIT = "bistandsrobot"


def logs(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Log files; - = standard input. None = the journal.")
    ] = None,
    since: Annotated[str, typer.Option(help="How far back: 30m, 2h, 7d.")] = "24h",
    problems: Annotated[bool, typer.Option("--problems", help="Only warnings and errors, the same ones counted together.")] = False,
    case: Annotated[str | None, typer.Option(help="Only one case, by its reference.")] = None,
) -> None:
    """Read the robot's log back for people: what went wrong, how often, from when to when; or all that happened to one case.

    Without FILE the journal of the unit bistandsrobot is read. Lines that are not the robot's are counted and left out.

    Exit 0: read. 1: the log cannot be read. 2: --since is no length of time.

    Example: bistandsrobot logs --since 2h --problems
    """
    start = datetime.now(UTC) - _length(since)
    odd = 0
    events = []
    for line in _lines(files or [], start):
        event = _event(line)
        if event is None:
            odd += bool(line.strip())
        elif event[0] >= start and (case is None or event[1].get("case_ref") == case):
            events.append(event)
    chosen = [one for one in events if not problems or one[1].get("level") in _PROBLEMS]
    for text in _together(chosen) if problems else (_sentence(at, event) for at, event in chosen):
        say(text)
    if not chosen:
        say(f"Nothing{' went wrong' if problems else ''} in the last {since}: {len(events)} events read.")
    if odd:
        say(f"{odd} lines were not the robot's and were left out.")


def _length(text: str) -> timedelta:
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        fail(f"CLI-030 --since is a number and s, m, h or d, such as 2h; not {text!r}", EXIT_NOT_ALLOWED)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _lines(files: list[Path], start: datetime) -> Iterator[str]:
    if not files:
        yield from _journal(start)
    for file in files:
        if str(file) == "-":
            yield from sys.stdin
            continue
        try:
            with file.open(encoding="utf-8", errors="replace") as opened:
                yield from opened
        except OSError as error:
            fail(f"CLI-031 the log {file} cannot be read: {type(error).__name__}", EXIT_FAILED)


def _journal(start: datetime) -> Iterator[str]:
    program = shutil.which("journalctl")
    if program is None:
        fail("CLI-031 there is no journal on this machine: name a log file, or - for standard input", EXIT_FAILED)
    since = start.strftime("%Y-%m-%d %H:%M:%S UTC")
    with subprocess.Popen(  # noqa: S603  the journal's own program, nothing from outside in its arguments
        [program, "--unit", _UNIT, "--output", "cat", "--quiet", "--since", since], stdout=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        yield from process.stdout
    if process.returncode:
        fail("CLI-031 the journal cannot be read: are you in the group systemd-journal? Or name a log file", EXIT_FAILED)


def _event(line: str) -> tuple[datetime, dict[str, Any]] | None:
    try:
        event = orjson.loads(line)
        at = datetime.fromisoformat(event["at"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return (at, event) if at.tzinfo else None


def _sentence(at: datetime, event: dict[str, Any]) -> str:
    rest = " ".join(f"{key}={_plain(value)}" for key, value in event.items() if key not in _FIRST_KEYS)
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S} {event.get('level', ''):7} {event.get('event', '')} {rest}".rstrip()


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _together(events: Iterable[tuple[datetime, dict[str, Any]]]) -> Iterator[str]:
    """Yield one line for each kind of problem: how often, first, last, how many cases, newest last."""
    kinds: dict[tuple[str, ...], list[tuple[datetime, dict[str, Any]]]] = {}
    for at, event in events:
        kind = tuple(str(event.get(key, "")) for key in ("level", "event", "code", "neighbour", "job"))
        kinds.setdefault(kind, []).append((at, event))
    for kind, found in sorted(kinds.items(), key=lambda one: one[1][-1][0]):
        first, last = found[0][0].astimezone(), found[-1][0].astimezone()
        cases = len({event["case_ref"] for _, event in found if "case_ref" in event})
        told = " ".join(part for part in kind if part)
        yield f"{len(found):5} x {told}, {first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S}" + (f", {cases} cases" if cases else "")
