"""`bistandsrobot status`: what waits, what is in hand, what is done."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.table import Table

from robot.cli.options import ConfigOption, JsonOption, queue_of, settings_from
from robot.cli.output import console


def status(config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """Show how many cases stand in each state, and the oldest in each.

    Example: bistandsrobot status -c config.yaml
    """
    settings = settings_from(config)
    with queue_of(settings) as opened:
        counts = {state.value: number for state, number in opened.counts().items()}
        oldest = {state.value: at.isoformat() for state, at in opened.oldest().items()}
    if as_json:
        typer.echo(json.dumps({"counts": counts, "oldest": oldest}))
        return
    table = Table(title="Cases by state")
    table.add_column("state")
    table.add_column("cases", justify="right")
    table.add_column("oldest since")
    for state, number in counts.items():
        if number:
            table.add_row(state, str(number), oldest.get(state, ""))
    console.print(table)
    if counts.get("parked"):
        console.print("Parked cases need you: `bistandsrobot queue list --state parked`, then `queue show` and `queue requeue`.")
