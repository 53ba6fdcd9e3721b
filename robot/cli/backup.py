"""`bistandsrobot backup FILE` and `restore FILE`: a copy of the robot's database while it works, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption, JsonOption, queue_of, settings_from, user
from robot.cli.output import fail, say_json
from robot.database import key_place
from robot.settings import Settings
from workqueue import KeyRefused, MasterKeys, QueueError, RetriableQueueError, back_up
from workqueue import restore as restore_copy

_MEGABYTE = 1_000_000


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy is put.", dir_okay=False)],
    config: ConfigOption = Path("config.yaml"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Take the place of a file of that name, once the new one is whole.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the database to a file while the robot works. The file is whole, checked and on disk, or it is not there at all.

    What is personal in it is encrypted as in the database. The key is NOT in it: both are needed, and kept apart.

    Exit 0: done. 1: the database has faults, and the copy has them, too; or it could not be read. 2: the file could not be written.

    Example: bistandsrobot backup /mnt/backup/bistandsrobot-2026-11-30.backup
    """
    settings = settings_from(config)
    key, clock = _keys(settings), settings.clock()
    try:
        made = back_up(settings.storage.database, file, key=key, clock=clock, replace=overwrite)
    except QueueError as error:
        fail(str(error), EXIT_FAILED if isinstance(error, RetriableQueueError) else EXIT_NOT_ALLOWED)
    with queue_of(settings) as opened:
        opened.note_copied("ops", {"last_seq": made.last_seq, "last_hash": made.last_hash, "user": user()})
    told: dict[str, Any] = {"made_at": made.made_at.isoformat(), "bytes": made.size_bytes, "cases": made.cases, "last_seq": made.last_seq}
    if as_json:
        say_json(told | {"file": str(file), "last_hash": made.last_hash, "keys": key.ids, "problems": made.problems})
    else:
        for problem in made.problems:
            typer.echo(problem)
        size = f"{made.size_bytes / _MEGABYTE:.1f} MB"
        typer.echo(f"{file}: {made.cases} versions of cases, the audit to event {made.last_seq}, {size}; checked and on disk.")
        typer.echo(f"The master key ({', '.join(key.ids)}) is not in it. Keep it elsewhere: without both nothing can be restored.")
    if made.problems:
        raise typer.Exit(EXIT_FAILED)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `bistandsrobot backup` has made.", dir_okay=False)],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit. No names, no identity numbers.")],
    config: ConfigOption = Path("config.yaml"),
    replace: Annotated[bool, typer.Option("--replace", help="Move a database file that is there aside; it is never deleted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the database of a copy, when every robot is stopped. Then start the robot: it finds out itself what it wrote since the copy.

    Into a file that is not there, or into an empty database on a server; a copy of either kind fits both. All of it is done, or nothing.

    Exit 0: done. 1: the database could not be reached. 2: refused, and nothing was changed.

    Example: bistandsrobot restore /mnt/backup/bistandsrobot-2026-11-30.backup --replace --reason "disken gick sönder"
    """
    settings = settings_from(config)
    key = _keys(settings)
    try:
        done = restore_copy(
            file,
            settings.storage.database,
            key=key,
            clock=settings.clock(),
            actor="ops",
            details={"reason": reason, "user": user()},
            replace=replace,
        )
    except QueueError as error:
        fail(str(error), EXIT_FAILED if isinstance(error, RetriableQueueError) else EXIT_NOT_ALLOWED)
    aside = str(done.aside) if done.aside else None
    if as_json:
        say_json({"copied_at": done.copied_at.isoformat(), "cases": done.cases, "event": done.head.seq, "aside": aside})
        return
    typer.echo(
        f"{settings.storage.database}: {done.cases} versions of cases as they were on {done.copied_at.isoformat(timespec='seconds')}."
    )
    if aside:
        typer.echo(f"The database that was there is now {aside}. Delete it when you no longer need it: it holds personal data.")
    typer.echo(
        f"The audit says so in event {done.head.seq}; lines that were written after the copy are lost (`bistandsrobot audit verify`)."
    )
    typer.echo("What was deleted since the copy because its time was out is back: `bistandsrobot retention propose`, and approve it again.")
    typer.echo("Now start the robot. It asks the case system what it wrote since, and writes none of it twice.")


def _keys(settings: Settings) -> MasterKeys:
    """Return the keys that are there; none is ever made here."""
    try:
        return MasterKeys.load(key_place(settings))
    except KeyRefused as error:
        fail(str(error), EXIT_NOT_ALLOWED)
