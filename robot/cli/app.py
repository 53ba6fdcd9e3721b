"""Every command, registered in the order a newcomer meets them."""

from __future__ import annotations

import typer

from connectors.simulators.command import simulate
from robot.cli.assess import assess
from robot.cli.check import check
from robot.cli.db import db
from robot.cli.demo import demo
from robot.cli.explain import explain
from robot.cli.queue import queue
from robot.cli.run import run
from robot.cli.schema import schema
from robot.cli.status import status

app = typer.Typer(
    name="bistandsrobot",
    help="Prepares draft decisions on ekonomiskt bistånd. A caseworker decides.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo)
app.command()(run)
app.command()(assess)
app.command()(explain)
app.command()(check)
app.command()(status)
app.add_typer(queue, name="queue")
app.command()(schema)
app.add_typer(simulate, name="simulate")
app.add_typer(db, name="db")


def main() -> None:
    """Run the command line."""
    app()
