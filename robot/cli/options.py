"""Options and openings that several commands share."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from robot.cli.output import fail
from robot.database import is_made, open_queue
from robot.settings import Settings, SettingsError, load
from workqueue import QueueError, WorkQueue

EXIT_FAILED = 1
EXIT_NOT_ALLOWED = 2
_LOGIN = Path("/proc/self/loginuid")
_NOBODY = 2**32 - 1
"""What Linux keeps for a process that nobody has logged in for."""
_NUMBER_LIMIT = 11

_INSTALLED = Path("/etc/bistandsrobot/config.yaml")
"""Where `bistandsrobot init` puts it."""


def _found(context: typer.Context, asked: Path) -> Path:
    """Return the file that was asked for. When none was and this folder has none, the one that the service uses is meant."""
    source = context.get_parameter_source("config")
    is_said = source is not None and source.name != "DEFAULT"
    return asked if is_said or os.path.exists(asked) or not os.path.exists(_INSTALLED) else _INSTALLED


ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        help=f"The configuration file; when it is not said and this folder has none, {_INSTALLED}.",
        dir_okay=False,
        callback=_found,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings_from(path: Path) -> Settings:
    """Return the settings in a file, or end with exit code 2 and a line for each mistake."""
    try:
        return load(path)
    except SettingsError as error:
        fail("CFG-001 the configuration cannot be used:\n  " + "\n  ".join(error.problems), EXIT_NOT_ALLOWED)


@contextmanager
def queue_of(settings: Settings) -> Iterator[WorkQueue]:
    """Open the queue of these settings, or end with exit code 1 and what to do."""
    try:
        if not is_made(settings):
            place = settings.storage.database
            fail(f"CLI-001 there is no database at {place}: start the robot with `bistandsrobot run` first", EXIT_FAILED)
        opened = open_queue(settings, settings.clock())
    except QueueError as error:
        fail(str(error), EXIT_FAILED)
    try:
        yield opened
    except QueueError as error:
        fail(str(error), EXIT_FAILED)
    finally:
        opened.close()


def user() -> str:
    """Return who runs this command, for the audit: by what the system knows, never by what the environment says.

    With sudo or su it is who logged in, and as whom.
    """
    own = _name(os.getuid())
    login = _logged_in()
    return own if login is None or login == own else f"{login} as {own}"


def _logged_in() -> str | None:
    """Return who logged in to this session; None = nobody did, or the system does not keep it."""
    try:
        number = int(_LOGIN.read_text(encoding="ascii"))
    except (OSError, ValueError):
        number = _NOBODY
    if number == _NOBODY:
        # Only root could have it say anything else than sudo does.
        asked = os.environ.get("SUDO_UID", "") if os.getuid() == 0 else ""
        number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < _NUMBER_LIMIT else _NOBODY
    return None if number == _NOBODY else _name(number)


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except (KeyError, OverflowError):
        return f"user {number}"
