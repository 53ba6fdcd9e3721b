"""`bistandsrobot keys show|new|rotate`: the master key, and exchanging it while robots work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption, JsonOption, queue_of, settings_from, user
from robot.cli.output import fail, say_json
from robot.database import key_place
from robot.settings import Settings, SettingsError, load
from workqueue import (
    AuditEvent,
    KeyRefused,
    KeyUse,
    MasterKeys,
    PostgresAddress,
    QueueError,
    add_key,
    changing_key_file,
    credential,
    new_key_file,
    remove_keys,
)

keys = typer.Typer(help="The master key that protects stored personal data.", no_args_is_help=True)


@keys.command()
def show(config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """Show which master keys there are and how much each has wrapped. Nothing secret is shown.

    Exit 0: shown. 1: the database or the key file cannot be used.

    Example: bistandsrobot keys show
    """
    with queue_of(settings_from(config)) as opened:
        uses = opened.key_use()
    if as_json:
        say_json([{name: getattr(one, name) for name in ("key_id", "in_file", "in_use", "secrets", "cases")} for one in uses])
        return
    table = Table(title="Master keys")
    for column in ("key", "in the key file", "wraps what is new", "secrets", "cases"):
        table.add_column(column)
    for one in uses:
        table.add_row(one.key_id, "yes" if one.in_file else "NO", "yes" if one.in_use else "no", str(one.secrets), str(one.cases))
    Console().print(table)


@keys.command()
def new(
    config: ConfigOption = Path("config.yaml"),
    file: Annotated[Path | None, typer.Option(help="Write a new file instead of changing the key file.", dir_okay=False)] = None,
    beside: Annotated[
        Path | None, typer.Option(help="With --file: the file whose keys it holds, too; else those of the configuration.", dir_okay=False)
    ] = None,
) -> None:
    """Put a new key first in the key file. Nothing uses it before `keys rotate`; the keys that are there stay.

    With several machines: do it on one, copy the key file to the others, then `keys rotate` on one. For a systemd credential, which
    cannot be written: `--file` writes a new file, which takes the credential's place; restart the robots, then `keys rotate`. For
    the first one, too: then nothing else need be there.

    Exit 0: done. 1: a key file cannot be read or written, or FILE is there already. 2: the key is a credential.

    Example: bistandsrobot keys new --file /root/next.key --beside /etc/bistandsrobot/master.key
    """
    try:
        if file is None:
            place = _file_of(settings_from(config))
            with changing_key_file(place):
                key_id = add_key(place)
        else:
            place, key_id = file, new_key_file(file, beside=beside or _present(config))
        others = MasterKeys.load(place).ids[1:]
    except QueueError as error:
        fail(str(error), EXIT_FAILED)
    after = f", before {', '.join(others)}" if others else ", and no other is in it"
    typer.echo(f"Key {key_id} stands first in {place}{after}. Back it up apart from the database; then `bistandsrobot keys rotate`.")


@keys.command()
def rotate(
    config: ConfigOption = Path("config.yaml"),
    remove_old: Annotated[
        bool, typer.Option("--remove-old", help="Take keys that wrap nothing any more out of the key file; nothing else when all is done.")
    ] = False,
    alone: Annotated[bool, typer.Option("--alone", help="No robot on another machine uses the database: make a new key at once.")] = False,
) -> None:
    """Exchange the master key, also while robots work: wrap the keys of all cases by the first key of the key file.

    When that key wraps everything already, a new one is put first. On a PostgreSQL server, which robots on other machines may use,
    `keys new` comes first, unless `--alone`. Killed at any point, it goes on where it stopped when it is run again. A backup of the
    database from before can be read with the old key alone: keep that, apart, for as long as such a backup is kept.

    Exit 0: all is wrapped by the first key. 1: not all, or the database or key file cannot be used. 2: a new key must be made first.

    Example: bistandsrobot keys rotate --remove-old
    """
    settings = settings_from(config)
    try:
        with changing_key_file(key_place(settings)):
            _rotate(settings, remove_old=remove_old, alone=alone)
    except QueueError as error:
        fail(str(error), EXIT_FAILED)


def _rotate(settings: Settings, *, remove_old: bool, alone: bool) -> None:
    with queue_of(settings) as opened:
        uses = opened.key_use()
    is_done = uses[0].in_use and not any(one.secrets + one.cases for one in uses[1:])
    if not (is_done and remove_old and _old(uses)):
        if is_done:
            _make_new(settings, alone=alone)
        uses = _wrap_all(settings)
    old = _old(uses)
    if old and remove_old:
        _remove(settings, old)
    elif old:
        typer.echo(f"Nothing is wrapped by {', '.join(old)} any more: `keys rotate --remove-old` takes them out of the key file.")


def _make_new(settings: Settings, *, alone: bool) -> None:
    if isinstance(settings.storage.database, PostgresAddress) and not alone:
        fail(
            "CLI-014 the key file's first key is in use already. Robots on other machines may use this database: run `keys new`, copy the "
            "key file to all of them, then `keys rotate`; or `keys rotate --alone` when there are none",
            EXIT_NOT_ALLOWED,
        )
    typer.echo(f"Key {add_key(_file_of(settings))} is made. Back the key file up apart from the database.")


def _wrap_all(settings: Settings) -> list[KeyUse]:
    """Wrap everything by the first key, say how it went, and return what wraps what now."""
    with queue_of(settings) as opened:
        done = opened.rotate_keys(user())
        uses = opened.key_use()
    typer.echo(f"Key {done.key_id} is in use; the keys of {done.cases} cases were wrapped anew.")
    if done.damaged:
        fail(f"QUE-035 the wrapped keys of these cases are damaged, and were left as they are: {', '.join(done.damaged)}", EXIT_FAILED)
    return uses


def _old(uses: list[KeyUse]) -> list[str]:
    """Return the keys of the file that wrap nothing and never will."""
    return [one.key_id for one in uses if one.in_file and not one.in_use and not one.secrets + one.cases]


def _remove(settings: Settings, old: list[str]) -> None:
    place = _written_to(settings)
    if place is None:
        typer.echo(f"These lines of the credential may be taken out: {', '.join(old)}.")
        return
    remove_keys(place, old)
    with queue_of(settings) as opened:
        opened.note_of_store(AuditEvent("keys.removed", "ops", {"keys": old, "user": user()}))
    typer.echo(f"Taken out of {place}: {', '.join(old)}. Backups of the database from before need them.")


def _file_of(settings: Settings) -> Path:
    place = _written_to(settings)
    if place is None:
        fail("CLI-015 the master key is a systemd credential, which is not written to: `keys new --file FILE` makes one", EXIT_NOT_ALLOWED)
    return place


def _written_to(settings: Settings) -> Path | None:
    """Return the key file; None = the key is systemd's credential, which is a copy and read-only."""
    return settings.storage.key_file if credential() is None else None


def _present(config: Path) -> Path | None:
    """Return where the keys stand that a new file must hold too; None = there are none yet, as before a service's first start."""
    try:
        place = key_place(load(config))
    except (SettingsError, KeyRefused):
        return None
    return place if place.exists() else None
