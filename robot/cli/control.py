"""`bistandsrobot pause|resume`: stop the robot from taking new cases, and let it go on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from robot.cli.options import EXIT_NOT_ALLOWED, ConfigOption, queue_of, settings_from, user
from robot.cli.output import fail

ReasonOption = Annotated[str, typer.Option(help="Why; kept in the audit, encrypted. No names, no identity numbers.", show_default=False)]


class KindOfApplication(StrEnum):
    """What can be paused alone."""

    RENEWAL = "renewal"
    FIRST = "first"
    SUPPLEMENTARY = "supplementary"


KindOption = Annotated[KindOfApplication | None, typer.Option("--type", help="Only applications of this kind; else all.")]


def pause(reason: ReasonOption, kind: KindOption = None, config: ConfigOption = Path("config.yaml")) -> None:
    """Let the robots take no new cases, or none of one kind; what is in hand is finished, and new ones are still pulled.

    A pause keeps no case in silence: urgent ones go on as ever, and one whose deadline comes is handed over to a person, unassessed.
    It holds for all robots of the database, from now, until `bistandsrobot resume`. One of an unknown kind is paused with any kind.

    Exit 0: paused, also when it was before. 1: the database cannot be used.

    Example: bistandsrobot pause --reason "fel belopp i riktlinjerna" --type first
    """
    with queue_of(settings_from(config)) as opened:
        opened.pause(kind and kind.value, reason, user())
        waiting = opened.unfinished()
    typer.echo(
        f"Paused: {kind.value if kind else 'all'}. {waiting.leased} cases in hand are finished; {waiting.held} wait for the pause to end."
    )
    typer.echo("Urgent cases still go through. A case whose deadline comes meanwhile goes to a person, unassessed.")
    typer.echo("`bistandsrobot resume` ends it, `bistandsrobot queue hand-over --all` leaves what waits to people at once.")


def resume(reason: ReasonOption, kind: KindOption = None, config: ConfigOption = Path("config.yaml")) -> None:
    """End a pause of one kind, or every pause.

    When the robot has paused itself because figures jumped, it begins to measure anew: what it does from now on is what it compares with.

    Exit 0: done. 2: nothing of it was paused.

    Example: bistandsrobot resume --reason "riktlinjerna rättade"
    """
    with queue_of(settings_from(config)) as opened:
        lifted = opened.resume(kind and kind.value, reason, user())
    if not lifted:
        fail("CLI-040 nothing of that is paused; `bistandsrobot status` shows what is", EXIT_NOT_ALLOWED)
    typer.echo(f"Goes on: {', '.join(one.what for one in lifted)}.")
