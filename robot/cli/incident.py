"""`bistandsrobot incident FILE`: what a supplier needs to help, in one file without personal data."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import yaml

from robot.audit_head import Unreadable, kept_heads
from robot.cli.options import EXIT_NOT_ALLOWED, ConfigOption, settings_from
from robot.cli.output import fail, say
from robot.incident import codes_in, disk_free_bytes, machine, packages, problems_in, settings_shown
from robot.settings import Settings
from workqueue import KeptHead, QueueError, WorkQueue, versions

_ABOUT = """What is in this bundle, made by `bistandsrobot incident`:

summary.json   the program's version, what `check` says (codes only), counts and ages of cases,
               whether audit and database are whole, the machine
config.yaml    the settings: numbers and the program's own words; all other texts are left out
problems.jsonl warnings and errors of the log that was named, a line each
packages.txt   the installed packages

There is nothing of any case in it: no identity number, no name, no text, no amount. Read it through before you send it all the same.
"""
_LOG_LIMIT_BYTES = 200_000_000


def incident(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the bundle is put, a zip file.", dir_okay=False)],
    config: ConfigOption = Path("config.yaml"),
    log: Annotated[Path | None, typer.Option(help="A log file of the robot's JSON lines; its problems are put in.", dir_okay=False)] = None,
    ask: Annotated[bool, typer.Option("--ask/--no-ask", help="Shake hands with the neighbours, as `check` does.")] = True,
) -> None:
    """Gather what the supplier needs to help, in one file without personal data, secrets and addresses. Safe while the robot runs.

    What cannot be read is told in it by its error code: the bundle is made all the same.

    Exit 0: done. 2: the configuration cannot be used, the file cannot be written or is there, or the log cannot be read.

    Example: journalctl -u bistandsrobot -o cat --since -2d > robot.log; bistandsrobot incident incident.zip --log robot.log
    """
    settings = settings_from(config)
    problems, odd = _problems(log)
    summary: dict[str, Any] = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": version("bistandsrobot"),
        "machine": machine(),
        "check": _check(settings, config) if ask else None,
        "store": _store(settings),
        "log": None if log is None else {"problems": len(problems), "lines_of_others": odd},
    }
    inside = {
        "README.txt": _ABOUT,
        "summary.json": orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode() + "\n",
        "config.yaml": yaml.safe_dump(settings_shown(settings.model_dump(mode="json", serialize_as_any=True)), sort_keys=False),
        "problems.jsonl": "".join(orjson.dumps(one).decode() + "\n" for one in problems),
        "packages.txt": packages(),
    }
    _write(file, inside)
    say(f"{file}: {len(inside)} files, no personal data. Read it through before you send it.")


def _problems(log: Path | None) -> tuple[list[dict[str, Any]], int]:
    if log is None:
        return [], 0
    try:
        with log.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            opened.seek(max(0, size - _LOG_LIMIT_BYTES))
            return problems_in(line.decode("utf-8", "replace") for line in opened)
    except OSError as error:
        fail(f"CLI-071 the log {log} cannot be read: {type(error).__name__}", EXIT_NOT_ALLOWED)


def _check(settings: Settings, config: Path) -> list[dict[str, Any]]:
    # Loaded here alone: the neighbours' clients are heavy.
    from robot.cli.check import results_of

    return [{"part": one.neighbour, "ok": one.ok, "codes": codes_in(one.message)} for one in results_of(settings, config)]


def _store(settings: Settings) -> dict[str, Any]:
    """Return how many cases stand where and whether all is whole; what cannot be had is told by its code."""
    from robot.database import is_made, open_queue
    from robot.figures import bytes_of

    place = settings.storage.database
    told: dict[str, Any] = {"kind": "sqlite" if isinstance(place, Path) else "postgresql"}
    try:
        if not is_made(settings):
            return told | {"made": False}
        found = versions(place)
        told |= {"revision": found.database, "program": found.program, "fit": found.fit}
        opened = open_queue(settings, settings.clock())
    except QueueError as error:
        return told | {"error": error.code}
    try:
        told |= _figures(opened, settings)
    except QueueError as error:
        told["error"] = error.code
    finally:
        opened.close()
    if isinstance(place, Path):
        told |= {"bytes": bytes_of(place), "disk_free_bytes": disk_free_bytes(place.parent)}
    return told


def _figures(opened: WorkQueue, settings: Settings) -> dict[str, Any]:
    audit = opened.verify_audit(_kept(settings))
    return {
        "counts": {state.value: number for state, number in opened.counts().items()},
        "oldest": {state.value: at.isoformat() for state, at in opened.oldest().items()},
        "paused": len(opened.pauses()),
        "integrity": {"problems": len(opened.integrity())},
        "audit": {"events": audit.events, "problems": len(audit.problems), "without_details": audit.without_details},
    }


def _kept(settings: Settings) -> list[KeptHead]:
    file = settings.audit.head_file
    try:
        return list(kept_heads(file)) if file is not None and file.exists() else []
    except (OSError, Unreadable):
        return []


def _write(file: Path, inside: dict[str, str]) -> None:
    """Write the bundle, readable by its owner alone; an older file is never overwritten."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened, zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in inside.items():
                bundle.writestr(name, text)
    except OSError as error:
        fail(f"CLI-070 the bundle cannot be written: {file}: {type(error).__name__}", EXIT_NOT_ALLOWED)
