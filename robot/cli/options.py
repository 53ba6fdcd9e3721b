"""Options and openings that several commands share."""

from __future__ import annotations

import getpass
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

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.", dir_okay=False)]
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
    """Return the operating system's name of who runs this command, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
