"""`bistandsrobot queue list|show|requeue|hand-over`: look at single cases, put one back, leave some to people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from robot.cli.options import EXIT_NOT_ALLOWED, ConfigOption, JsonOption, queue_of, settings_from, user
from robot.cli.output import console, fail
from workqueue import Item, NoSuchCase, NotAllowed, State

queue = typer.Typer(help="The robot's work items.", no_args_is_help=True)

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="The case reference from the log, or the case system's id.")]


def _plain(item: Item) -> dict[str, Any]:
    return {
        "case_ref": item.case_ref,
        "case_id": item.case_id,
        "state": item.state.value,
        "outcome": item.outcome,
        "priority": "urgent" if item.priority == 0 else "normal",
        "month": item.month,
        "first_pulled_at": item.first_pulled_at.isoformat(),
        "deadline": item.deadline.isoformat(),
        "not_before": item.not_before.isoformat(),
        "run": item.run,
        "rescues": item.rescues,
        "reason": item.reason,
    }


@queue.command("list")
def list_items(
    config: ConfigOption = Path("config.yaml"),
    state: Annotated[State | None, typer.Option(help="Only this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List work items, urgent ones first.

    Exit 0: shown, also when there are none. 1: the database cannot be used.

    Example: bistandsrobot queue list --state waiting_for_income
    """
    with queue_of(settings_from(config)) as opened:
        items = opened.items(state=state, limit=limit)
    if as_json:
        typer.echo(json.dumps([_plain(item) for item in items]))
        return
    table = Table(title="Work items")
    columns = ("case_ref", "state", "outcome", "priority", "month", "deadline", "reason")
    for column in columns:
        table.add_column(column)
    for item in items:
        plain = _plain(item)
        table.add_row(*(str(plain[column] or "") for column in columns))
    console.print(table)


@queue.command()
def show(case: CaseArgument, config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """Show one work item: its state, times and what stopped it. No personal data.

    Exit 0: shown. 1: the database cannot be used. 2: no such case, or it was forgotten because its time was out.

    Example: bistandsrobot queue show 3f9c2a11
    """
    with queue_of(settings_from(config)) as opened:
        item = opened.item(case)
        gone = opened.forgotten(case) if item is None else None
    if gone is not None:
        fail(f"CLI-024 the case was forgotten on {gone.at.date()}, by list {gone.list_ref}: `retention show` tells why", EXIT_NOT_ALLOWED)
    if item is None:
        fail("CLI-002 no such case in the queue; `bistandsrobot queue list` shows them", EXIT_NOT_ALLOWED)
    plain = _plain(item)
    if as_json:
        typer.echo(json.dumps(plain))
        return
    for key, value in plain.items():
        typer.echo(f"{key:16} {'' if value is None else value}")


@queue.command()
def requeue(
    case: CaseArgument,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit. No names, no identity numbers.")],
    config: ConfigOption = Path("config.yaml"),
    anew: Annotated[bool, typer.Option("--anew", help="A parked case: assess it again instead of going on where it stood.")] = False,
) -> None:
    """Put a finished, resting or parked case back, to be prepared anew.

    Exit 0: done. 2: not allowed in this state, or no such case.

    Example: bistandsrobot queue requeue 3f9c2a11 --reason "register tillbaka"
    """
    with queue_of(settings_from(config)) as opened:
        try:
            item = opened.requeue(case, reason=reason, actor=user(), anew=anew)
        except (NoSuchCase, NotAllowed) as error:
            fail(str(error), EXIT_NOT_ALLOWED)
    typer.echo(
        f"{item.case_ref} is {item.state.value}. The daemon takes it within seconds; `bistandsrobot queue show {item.case_ref}` follows it."
    )


@queue.command("hand-over")
def hand_over(
    reason: Annotated[str, typer.Option(help="Why; kept in the audit, encrypted. No names, no identity numbers.")],
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="The case reference from the log, or the case system's id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every case that nobody has in hand and that is not finished.")] = False,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """Leave a case, or all, to people at once, unassessed: before a long stop, say. A running robot does it, also while it is paused.

    Urgent cases go on as urgent. What a worker has in hand is finished as ever. To empty the queue: `pause`, then this, then wait until
    `bistandsrobot status` shows nothing waiting, then stop the robot.

    Exit 0: done. 2: not allowed in this state, or no such case.

    Example: bistandsrobot queue hand-over --all --reason "servern byts, två dygns stopp"
    """
    if (case is None) is not everything:
        fail("CLI-041 name one case, or say --all", EXIT_NOT_ALLOWED)
    with queue_of(settings_from(config)) as opened:
        if case is None:
            number, left = opened.hand_over_all(reason, user()), opened.unfinished()
            typer.echo(f"{number} cases go to people within seconds, if a robot runs. {left.leased} are in hand and are finished as ever.")
            return
        try:
            item = opened.hand_over(case, reason, user())
        except (NoSuchCase, NotAllowed) as error:
            fail(str(error), EXIT_NOT_ALLOWED)
    typer.echo(f"{item.case_ref} goes to a person within seconds, if a robot runs; `bistandsrobot queue show {item.case_ref}` follows it.")
