"""Every command, in the order a newcomer meets them, and the program put together from them."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import typer

COMMANDS = {
    "demo": "robot.cli.demo",
    "run": "robot.cli.run",
    "assess": "robot.cli.assess",
    "explain": "robot.cli.explain",
    "replay": "robot.cli.replay",
    "rules": "robot.cli.rules",
    "compare": "robot.cli.compare",
    "init": "robot.cli.init",
    "check": "robot.cli.check",
    "status": "robot.cli.status",
    "health": "robot.cli.health",
    "alarm": "robot.cli.alarm",
    "pause": "robot.cli.control",
    "resume": "robot.cli.control",
    "queue": "robot.cli.queue",
    "logs": "robot.cli.logs",
    "incident": "robot.cli.incident",
    "audit": "robot.cli.audit",
    "keys": "robot.cli.keys",
    "retention": "robot.cli.retention",
    "person": "robot.cli.person",
    "schema": "robot.cli.schema",
    "simulate": "connectors.simulators.command",
    "backup": "robot.cli.backup",
    "restore": "robot.cli.backup",
    "db": "robot.cli.db",
}
"""Where each is: a function, or a group of commands, of the same name."""


def program(*names: str) -> typer.Typer:
    """Return the command line with these commands; none named = with all."""
    app = typer.Typer(
        name="bistandsrobot",
        help="Prepares draft decisions on ekonomiskt bistånd. A caseworker decides.",
        callback=_one_of_several,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for name in names or COMMANDS:
        command = getattr(import_module(COMMANDS[name]), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main() -> None:
    """Run the command line. Only the command that was asked for is loaded: all of them together take a second."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    # Nothing that happens to be installed beside us is looked for, which takes its time, nor let into what is validated.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Nothing that is loaded is garbage: looking for some takes a tenth of the time, be it meanwhile or at the first turn after it.
    gc.disable()
    app = program(*([asked] if asked in COMMANDS else []))
    gc.freeze()
    gc.enable()
    try:
        app()
    except Exception as error:
        # Loaded here alone. What a command says may end in a log: the text of an exception may quote a value from a case.
        from robot.cli.output import fail_by_bug

        fail_by_bug(error)


def _one_of_several() -> None:
    """Keep the command's name on the line also when it is loaded alone."""
