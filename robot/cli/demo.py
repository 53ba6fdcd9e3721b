"""`bistandsrobot demo`: see the whole thing work on one machine."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from robot.cli.options import EXIT_FAILED, JsonOption, queue_of
from robot.cli.output import console, fail, say
from robot.demo import DemoError, DemoWorld, daemon, world
from robot.demo_report import Row, collect, totals
from robot.settings import Settings
from workqueue import QueueError, State

_LOOK_EVERY_S = 0.5
_DAY_LENGTH_S = 60.0
_A_DAY = 5
_DEMO_DAY = datetime(2026, 11, 30)  # noqa: DTZ001  a day, not a moment
_FOLDER = Path("var/demo")
_ENDED = (State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON, State.WAITING_FOR_INCOME)


def demo(
    cases: Annotated[int, typer.Option(min=1, max=1400, help="How many applications there are.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same municipality.")] = 7,
    today: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The world's day.")] = _DEMO_DAY,
    once: Annotated[bool, typer.Option("--once", help="Prepare what is there, show it, end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a made-up municipality and let the robot prepare its applications.

    Without --once it goes on: a day in that world takes a minute, and new applications arrive, until Ctrl-C.

    Exit 0 only if the case system shows every application as a draft, a hand-over, taken by a person, or resting until the month's
    incomes are complete: none lost, none doubled. 1: some application is not so, or a part did not start.

    Example: bistandsrobot demo --cases 60 --once
    """
    try:
        with world(_FOLDER, cases=cases, seed=seed, today=today.date(), day_length_s=None if once else _DAY_LENGTH_S) as running:
            code = _run(running, cases, once=once, quiet=as_json)
            rows = collect(running.settings())
    except DemoError as error:
        fail(str(error), EXIT_FAILED)
    _show(running, rows, as_json=as_json)
    if code != 0 or totals(rows)["wrong"] or (once and len(rows) < cases):
        raise typer.Exit(EXIT_FAILED)


def _run(running: DemoWorld, cases: int, *, once: bool, quiet: bool) -> int:
    """Run the daemon with a progress bar; return its exit code."""
    with (
        daemon(running, once=once) as process,
        Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, disable=quiet
        ) as progress,
    ):
        task = progress.add_task("Ansökningar", total=cases)
        day = running.day()
        try:
            while process.poll() is None:
                if running.day() != day:
                    day = running.day()
                    running.arrive(_A_DAY)
                    progress.console.print(f"{day}: {_A_DAY} new applications")
                done, seen = _progress(running.settings())
                progress.update(task, completed=done, total=max(cases, seen))
                time.sleep(_LOOK_EVERY_S)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
        done, seen = _progress(running.settings())
        progress.update(task, completed=done, total=seen)
        return _exit_code(process, once=once)


def _exit_code(process: subprocess.Popen[bytes], *, once: bool) -> int:
    return process.returncode if once else 0


def _progress(settings: Settings) -> tuple[int, int]:
    """Return how many cases have come to rest, and how many the robot has seen."""
    from robot.database import is_made, key_place, open_queue

    try:
        if not key_place(settings).exists() or not is_made(settings):
            return 0, 0
        opened = open_queue(settings, settings.clock())
    except QueueError:
        return 0, 0
    try:
        counts = opened.counts()
    finally:
        opened.close()
    return sum(counts.get(state, 0) for state in _ENDED), sum(counts.values())


def _show(running: DemoWorld, rows: list[Row], *, as_json: bool) -> None:
    sums = totals(rows)
    if as_json:
        typer.echo(json.dumps({"totals": sums, "folder": str(running.folder), "rows": [vars(row) for row in rows]}, ensure_ascii=False))
        return
    _table(rows)
    fates = ", ".join(f"{number} {_FATES.get(fate, fate)}" for fate, number in sums["by_fate"].items())
    console.print(f"{sums['cases']} ansökningar: {fates}.")
    share = round(100 * sums["prepared_in_full"] / sums["cases"]) if sums["cases"] else 0
    console.print(f"Förberedda i sin helhet: {sums['prepared_in_full']} ({share} %). Inget är beslutat: det gör handläggaren.")
    say(f"\nLog:       {running.log}\nDatabase:  {running.folder / 'bistandsrobot.db'} (personal data encrypted)")
    say("Try next:")
    say(f"  {_PROGRAM} queue list -c {running.config}")
    say(f"  {_PROGRAM} explain -c {running.config} {_a_case(running)}")
    say(f"  {_PROGRAM} assess docs/examples/case-complete.json")


def _a_case(running: DemoWorld) -> str:
    """Return the reference of a case that has a draft to explain."""
    settings = running.settings()
    with queue_of(settings) as opened:
        items = opened.items(state=State.DELIVERED, limit=1)
    return items[0].case_ref if items else "CASE_REF"


def _table(rows: list[Row]) -> None:
    """Print the drafts as a table; on a narrow terminal what is to be looked at stands below each case."""
    wide = console.width >= _WIDE
    table = Table(title="Utkast i ärendesystemet: påhittad kommun, påhittade personer", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Ärende", no_wrap=True)
    table.add_column("Hushåll", no_wrap=True)
    table.add_column("Förslag", max_width=28)
    table.add_column("Belopp, kr", justify="right", no_wrap=True)
    if wide:
        table.add_column("Att se på", ratio=1)
    for row in rows:
        cells = [row.number, row.household, row.proposal, row.amount]
        table.add_row(*cells, _remarks(row)) if wide else table.add_row(*cells)
        if not wide and _remarks(row):
            table.add_row("", "", Text(_remarks(row), style="dim"), "")
    console.print(table)


def _remarks(row: Row) -> str:
    return "\n".join(part for part in (f"Tomt: {row.blanks}" if row.blanks else "", row.flags) if part)


_WIDE = 110
_PROGRAM = ".venv/bin/bistandsrobot" if Path(".venv/bin/bistandsrobot").exists() else "bistandsrobot"
_FATES = {
    "draft": "utkast",
    "hand_over": "handläggs manuellt eller brådskande",
    "taken_by_person": "hos handläggaren",
    "waiting_for_income": "väntar på månadens inkomster",
    "lost": "BORTTAPPADE",
    "doubled": "DUBBLERADE",
}
