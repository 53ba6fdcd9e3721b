"""`bistandsrobot db upgrade`."""

from __future__ import annotations

from pathlib import Path

import typer

from robot.cli.options import EXIT_FAILED, ConfigOption, settings_from
from robot.cli.output import fail
from robot.database import open_queue
from workqueue import QueueError

db = typer.Typer(help="The robot's own database.", no_args_is_help=True)


@db.callback()
def _group() -> None:
    """Keep `db` a group though it has one command."""


@db.command()
def upgrade(config: ConfigOption = Path("config.yaml")) -> None:
    """Make the database, or bring it to this program's version. Safe to run twice.

    Example: bistandsrobot db upgrade -c /etc/bistandsrobot/config.yaml
    """
    settings = settings_from(config)
    try:
        opened = open_queue(settings, settings.clock(), upgrade=True)
    except QueueError as error:
        fail(str(error), EXIT_FAILED)
    opened.close()
    typer.echo(f"The database {settings.storage.database} is at this program's version.")
