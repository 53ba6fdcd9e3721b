"""`bistandsrobot check`: is the configuration whole, and does every neighbour answer?"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from connectors.errors import ConnectorError
from connectors.handshake import Handshake
from robot import logs
from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption, JsonOption, settings_from
from robot.cli.output import console, fail
from robot.daemon import case_system_of, open_queue, registers_of
from robot.database import is_made, key_place
from robot.settings import NotAnswered, Settings, SettingsError, load
from robot.skeleton.files import GUIDELINES
from robot.undecided import undecided
from rules import Rulebook, RulebookError, load_rulebook
from rules.missing import missing, no_longer_listed
from rules.month import Month
from workqueue import MasterKeys, QueueError

MonthOption = Annotated[
    str | None,
    typer.Option("--month", metavar="YYYY-MM", show_default=False, help="Look at what this month needs. Default: this month and the next."),
]


def check(config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False, month: MonthOption = None) -> None:
    """Check the configuration, the guidelines, the database and its key, and shake hands with every neighbour.

    The amounts and guidelines of this month and the next are looked for: what is missing there would leave every case of the month to a
    caseworker. docs/yearly-update.md says where each belongs.

    Exit 0: everything is OK. 1: something is not; the table says what to do. 2: the configuration cannot be read.

    Example: bistandsrobot check -c /etc/bistandsrobot/config.yaml

    Example: bistandsrobot check --month 2027-01
    """
    months = _months(month)
    settings = _settings(config, as_json=as_json)
    results = results_of(settings, config, months)
    _show(results, as_json=as_json)
    if not all(one.ok for one in results):
        raise typer.Exit(EXIT_FAILED)


def results_of(settings: Settings, config: Path, months: tuple[Month, ...] = ()) -> list[Handshake]:
    """Check everything; return what each part says. No months = this and the next."""
    store = _store(settings)
    results = [Handshake("configuration", ok=True, message=str(config)), store]
    rulebook = _rulebook(settings, results)
    if rulebook is not None:
        today = Month.of(settings.clock().today())
        results += [_month(rulebook, one) for one in months or (today, today.plus(1))]
    if rulebook is not None and not store.ok and not settings.only_loopback():
        results.append(
            Handshake("neighbours", ok=False, message="not asked: nobody beyond this machine is, before key and database are OK")
        )
    elif rulebook is not None:
        with logs.silenced():
            results += asyncio.run(_neighbours(settings, rulebook))
    return results


def _settings(config: Path, *, as_json: bool) -> Settings:
    """Return the settings. Of files that `init` has made all that is still open is shown, the guidelines' with it."""
    try:
        return load(config)
    except NotAnswered as error:
        results = [Handshake("configuration", ok=False, message=problem) for problem in error.problems]
        if (guidelines := config.parent / GUIDELINES).exists():
            results += _guidelines(guidelines)
        _show(results, as_json=as_json)
        raise typer.Exit(EXIT_NOT_ALLOWED) from None
    except SettingsError:
        return settings_from(config)


def _show(results: list[Handshake], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"part": one.neighbour, "ok": one.ok, "message": one.message} for one in results]))
        return
    table = Table(title="Check")
    for column in ("part", "", "what it says"):
        table.add_column(column)
    for one in results:
        table.add_row(one.neighbour, "OK" if one.ok else "NOT OK", one.message)
    console.print(table)


def _store(settings: Settings) -> Handshake:
    """Look at database and key. Makes neither: made by whoever runs the check, they might not be the daemon's to read."""
    storage = settings.storage
    try:
        if is_made(settings):
            open_queue(settings, settings.clock()).close()
            return Handshake("database", ok=True, message=f"{storage.database}, key {key_place(settings)}")
        if key_place(settings).exists():
            MasterKeys.load(key_place(settings))
    except QueueError as error:
        return Handshake("database", ok=False, message=str(error))
    return Handshake("database", ok=True, message=f"{storage.database}: tables are made at first start, as is a key that is not there yet")


def _rulebook(settings: Settings, results: list[Handshake]) -> Rulebook | None:
    try:
        rulebook = load_rulebook(settings.municipality.guidelines)
    except RulebookError as error:
        results += _guidelines(settings.municipality.guidelines) or [Handshake("guidelines", ok=False, message=str(error))]
        return None
    results.append(Handshake("guidelines", ok=True, message=f"{settings.municipality.guidelines.name}, rulebook {rulebook.hash[:12]}"))
    return rulebook


def _guidelines(file: Path) -> list[Handshake]:
    """Return what is not decided in a guidelines file that was made to be filled in, a line for each of its sections."""
    sections: dict[str, list[str]] = {}
    for name, line in undecided(file).items():
        section, _, rest = name.partition(".")
        sections.setdefault(section, []).append(f"{rest} (line {line})" if rest else f"line {line}")
    return [
        Handshake("guidelines", ok=False, message=f"{file.name}: not decided yet in `{section}`: {', '.join(names)}")
        for section, names in sections.items()
    ]


def _months(text: str | None) -> tuple[Month, ...]:
    try:
        return (Month.parse(text),) if text is not None else ()
    except ValueError as error:
        fail(f"--month: {error}", EXIT_NOT_ALLOWED)


def _month(rulebook: Rulebook, month: Month) -> Handshake:
    lacking = missing(rulebook, month)
    message = "; ".join(lacking) or "amounts, rules and guidelines are there"
    if ended := no_longer_listed(rulebook, month):
        message += f"; from this month left to the caseworker: {', '.join(ended)}"
    return Handshake(f"month {month}", ok=not lacking, message=message)


async def _neighbours(settings: Settings, rulebook: Rulebook) -> list[Handshake]:
    results = []
    for neighbour in (case_system_of(settings, rulebook, settings.clock()), registers_of(settings, settings.clock())):
        try:
            results.append(await neighbour.check())
        except ConnectorError as error:
            results.append(Handshake(neighbour.name, ok=False, message=str(error)))
        finally:
            await neighbour.aclose()
    return results
