"""`bistandsrobot init`: a municipality's first files, from a few questions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED
from robot.cli.output import fail, say
from robot.clock import SystemClock
from robot.skeleton import QUESTIONS, Made, Question, Refused, config_text, guidelines_text, make, unit_text
from robot.skeleton.answers import database as read_database
from robot.skeleton.files import CONFIG, GUIDELINES, KEY, UNIT, UNITS
from rules.month import Month
from workqueue import QueueError

_FOLDER = Path("/etc/bistandsrobot")
_DATABASE = "/var/lib/bistandsrobot/bistandsrobot.db"
_TRIES = 3

FolderArgument = Annotated[Path, typer.Argument(file_okay=False, help="Where the files are made.")]


def init(
    folder: FolderArgument = _FOLDER,
    name: Annotated[str | None, typer.Option(show_default=False, help="The municipality's name.")] = None,
    code: Annotated[str | None, typer.Option(show_default=False, help="Its code at SCB, four digits.")] = None,
    namespace: Annotated[str | None, typer.Option(show_default=False, help="Namespace in CareManagement.")] = None,
    organisation_number: Annotated[str | None, typer.Option(show_default=False, help="Twelve digits, 16 first.")] = None,
    case_system_url: Annotated[str | None, typer.Option(show_default=False, help="Address of CareManagement.")] = None,
    party_url: Annotated[str | None, typer.Option(show_default=False, help="Address of Party.")] = None,
    ssbtek_url: Annotated[str | None, typer.Option(show_default=False, help="Address of SSBTEK.")] = None,
    actor_id: Annotated[str | None, typer.Option(show_default=False, help="Aktörsid at Försäkringskassan.")] = None,
    database: Annotated[str, typer.Option(help="File, or postgresql://user@host/database?sslmode=verify-full.")] = _DATABASE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: what no option answers stays open in the files.")] = False,
) -> None:
    """Make a municipality's first files: configuration, guidelines to be decided, master key and systemd units.

    Nothing is overwritten, and nothing is guessed: what is not answered says CHANGE ME, and the robot does not start before it is
    answered. `bistandsrobot check` lists what is missing.

    Exit 0: made. 1: the files cannot be written. 2: an answer cannot be, or a file is there already.

    Example: bistandsrobot init /etc/bistandsrobot

    Example: bistandsrobot init ./try --name Exempelkommun --code 2281 --yes
    """
    given = {
        "name": name,
        "code": code,
        "namespace": namespace,
        "organisation-number": organisation_number,
        "case-system-url": case_system_url,
        "party-url": party_url,
        "ssbtek-url": ssbtek_url,
        "actor-id": actor_id,
    }
    place = _read("database", read_database, database)
    answers = {one.name: _read(one.name, one.read, text) for one in QUESTIONS if (text := given[one.name]) is not None}
    if not yes:
        say("An empty answer leaves the question open.")
        answers |= {one.name: answer for one in QUESTIONS if one.name not in answers and (answer := _ask(one))}
    folder = folder.absolute()
    texts = {
        CONFIG: config_text(answers, database=place),
        GUIDELINES: guidelines_text(answers, since=Month.of(SystemClock().today()).plus(1)),
        **{unit: unit_text(folder, _program(), unit) for unit in UNITS},
    }
    _tell(folder, _make(folder, texts), [one for one in QUESTIONS if one.name not in answers])


def _program() -> Path:
    """Return where this program was called: by a link, that link, so that the unit stays right when it leads to another version."""
    called = Path(sys.argv[0]).absolute()
    return called if called.name == "bistandsrobot" and called.exists() else Path(sys.executable).with_name("bistandsrobot")


def _read(option: str, read: Callable[[str], str], text: str) -> str:
    try:
        return read(text)
    except Refused as error:
        fail(f"--{option}: {error}", EXIT_NOT_ALLOWED)


def _ask(question: Question) -> str | None:
    """Ask until the answer can be, but not for ever. None = left open."""
    for _ in range(_TRIES):
        text: str = typer.prompt(question.asks, default="", show_default=False)
        if not text.strip():
            return None
        try:
            return question.read(text)
        except Refused as error:
            say(f"  That cannot be: {error}.")
    say("  Left open.")
    return None


def _make(folder: Path, texts: Mapping[str, str]) -> Made:
    try:
        return make(folder, texts)
    except FileExistsError as error:
        fail(f"CLI-060 {error} is there already, and nothing is overwritten: choose another folder, or move it away", EXIT_NOT_ALLOWED)
    except OSError as error:
        fail(f"CLI-061 {error.filename or folder} cannot be written: {error.strerror}", EXIT_FAILED)
    except QueueError as error:
        fail(str(error), EXIT_FAILED)


def _tell(folder: Path, made: Made, still_open: list[Question]) -> None:
    say("Made: " + ", ".join(str(path) for path in made.files))
    if made.group is None:
        say(f"They are yours alone: `chgrp bistandsrobot {folder} {folder / CONFIG} {folder / GUIDELINES}` lets the service read them.")
    if still_open:
        say("Open: " + "; ".join(one.asks for one in still_open) + ".")
    say("")
    say("Next:")
    say(f"  1  keep a copy of {folder / KEY} apart from the database: without it nothing that is stored can be read")
    say(f"  2  decide what stands in {folder / GUIDELINES}")
    say(f"  3  bistandsrobot check -c {folder / CONFIG}")
    say(f"  4  put {folder / UNIT} in /etc/systemd/system, and the two that look at it from outside (docs/operations.md)")
