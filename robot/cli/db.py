"""`bistandsrobot db upgrade`, `db show`."""

from __future__ import annotations

from pathlib import Path

import typer

from robot.cli.options import EXIT_FAILED, ConfigOption, JsonOption, settings_from
from robot.cli.output import fail, say, say_json
from robot.database import open_queue
from workqueue import QueueError, Versions, versions

db = typer.Typer(help="The robot's own database.", no_args_is_help=True)


@db.command()
def upgrade(config: ConfigOption = Path("config.yaml")) -> None:
    """Make the database, or bring it to this program's version. Safe to run twice.

    Exit 0: done, also when there was nothing to do. 1: the database cannot be used.

    Example: bistandsrobot db upgrade -c /etc/bistandsrobot/config.yaml
    """
    settings = settings_from(config)
    try:
        opened = open_queue(settings, settings.clock(), upgrade=True)
    except QueueError as error:
        fail(str(error), EXIT_FAILED)
    opened.close()
    found = versions(settings.storage.database)
    if found.database == found.program:
        typer.echo(f"The database {settings.storage.database} is at this program's version.")
    else:
        typer.echo(f"The database {settings.storage.database} is a newer version's, {found.database}, which lets this program in.")


@db.command()
def show(config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """Show which tables the database has, and which programs may work on them. Changes nothing, and needs no key.

    Run by the version that a database is to be taken back to, it says whether that goes.

    Exit 0: this program may work on it as it is. 1: it may not, or the database cannot be asked.

    Example: bistandsrobot db show -c /etc/bistandsrobot/config.yaml
    """
    settings = settings_from(config)
    try:
        found = versions(settings.storage.database)
    except QueueError as error:
        fail(str(error), EXIT_FAILED)
    if as_json:
        say_json({"database": found.database, "program": found.program, "oldest_program": found.oldest, "fit": found.fit})
    else:
        say(_in_words(found))
    if not found.fit:
        raise typer.Exit(EXIT_FAILED)


def _in_words(found: Versions) -> str:
    if found.database is None:
        return f"There is no database yet; this program makes its tables at {found.program}."
    oldest = f", which lets in programs from {found.oldest} on" if found.oldest else ""
    told = f"The database's tables are at {found.database}{oldest}. This program's are at {found.program}: "
    if found.fit:
        return told + "it may work on them."
    return told + ("run `bistandsrobot db upgrade`." if found.database < found.program else "it may not work on them.")
