"""`bistandsrobot status`: what waits, what is in hand, what is done, what is ill."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from robot.asking import Said, ask_all
from robot.cli.options import ConfigOption, JsonOption, queue_of, settings_from
from robot.cli.output import console
from robot.condition import PAUSE_SIGN
from robot.settings import Settings
from workqueue import WorkQueue

_ANSWER_LIMIT_S = 2.0
_RESUME = "Urgent cases go on, and what comes to its deadline goes to a person. `bistandsrobot resume` ends it."
_SHADOW = "SHADOW MODE: all is computed and recorded, and nothing is written to the case system (`work.shadow`)."
_PARKED = "Parked cases need you: `bistandsrobot queue list --state parked`, then `queue show` and `queue requeue`."


def status(
    config: ConfigOption = Path("config.yaml"),
    as_json: JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=0.5, max=3600, help="With --watch: seconds between looks.")] = 2.0,
) -> None:
    """Show how many cases stand in each state, the oldest in each, and, where `health.listen` is on, how each worker that runs is.

    Exit 0: shown, also when something is ill (`bistandsrobot health` tells that). 1: the database cannot be used, or there is none yet.

    Example: bistandsrobot status -c config.yaml --watch
    """
    settings = settings_from(config)
    with queue_of(settings) as opened:
        if as_json:
            typer.echo(json.dumps(_figures(opened) | {"shadow": settings.work.shadow}))
        elif watch:
            _watch(opened, settings, every)
        else:
            console.print(_shown(opened, settings))


def _watch(opened: WorkQueue, settings: Settings, every_s: float) -> None:
    # Ctrl-C ends it also where it was started with that signal ignored, as a shell does in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Live(_shown(opened, settings), console=console, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(every_s)
                live.update(_shown(opened, settings), refresh=True)
        except KeyboardInterrupt:
            return


def _figures(opened: WorkQueue) -> dict[str, Any]:
    counts = {state.value: number for state, number in opened.counts().items()}
    oldest = {state.value: at.isoformat() for state, at in opened.oldest().items()}
    paused = [{"what": one.what, "since": one.since.isoformat(), "by": one.by} for one in opened.pauses()]
    return {"counts": counts, "oldest": oldest, "paused": paused}


def _shown(opened: WorkQueue, settings: Settings) -> RenderableType:
    figures = _figures(opened)
    table = Table(title="Cases by state")
    table.add_column("state")
    table.add_column("cases", justify="right")
    table.add_column("oldest since")
    for state, number in figures["counts"].items():
        if number:
            table.add_row(state, str(number), _minute(figures["oldest"].get(state, "")))
    lines = [f"PAUSED since {_minute(one['since'])} by {one['by']}: {one['what']}. {_RESUME}" for one in figures["paused"]]
    lines += [_SHADOW] if settings.work.shadow else []
    lines += _health(settings) + ([_PARKED] if figures["counts"].get("parked") else [])
    return Group(table, *(Text(line) for line in lines))


def _health(settings: Settings) -> list[str]:
    """Return what each worker that runs says of itself, a line each; nothing where they do not listen."""
    if not settings.health.listen:
        return []
    workers = ask_all(settings.health, settings.work.workers, _ANSWER_LIMIT_S)
    return [line for number, said in enumerate(workers, 1) for line in _one(said, f"worker {number}: " if len(workers) > 1 else "")]


def _one(said: Said | None, name: str) -> list[str]:
    if said is None:
        return [f"{name}does not answer: it is not running, or stands still"]
    running = "running" if said.ready else f"not working: {', '.join(said.because)}"
    # A pause is told by itself, with what ends it.
    ill = [one for one in said.ill if not one[0].startswith(PAUSE_SIGN)]
    return [name + running, *(f"{name}ill: {' '.join(filter(None, (what, code)))}, since {_minute(since)}" for what, code, since in ill)]


def _minute(moment: str) -> str:
    """Return a time as a person reads it; what is none as it came."""
    try:
        return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return moment
