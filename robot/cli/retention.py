"""`bistandsrobot retention propose|list|show|approve|withdraw|carry-out`: gallring in two steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption, JsonOption, queue_of, settings_from, user
from robot.cli.output import console, fail, say, say_json
from robot.retention import NoRule, Rule, RuleChanged, carry_out, look, rule_on
from robot.settings import Settings
from rules.month import Month
from rules.retention import latest_by, read_retention_law
from workqueue import Kind, ListedCase, ListOutcome, ListState, NotAllowed, RetentionList, WorkQueue

retention = typer.Typer(help="Gallring: what the robot keeps is deleted when its time is out.", no_args_is_help=True)

ListArgument = Annotated[str, typer.Argument(metavar="LIST", help="The list's reference, as `retention list` shows it.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept in the audit. No names, no identity numbers.")]
_SHOWN_LIMIT = 10_000
_LEFT_ALONE = {
    "parked": "stoppade: driften måste ta hand om dem först",
    "listed": "står redan på en lista som inte är klar",
    "research": "bevaras för forskning: någon i ärendet är född den 5, 15 eller 25",
    "research_area": "bevaras för forskning: alla akter i kommunen",
    "research_unknown": "bevaras tills vidare: roboten vet inte vilka ärendet gäller",
}
_STATES = {
    ListState.PROPOSED: "föreslagen, väntar på godkännande",
    ListState.APPROVED: "godkänd, inte klar",
    ListState.CARRIED_OUT: "verkställd",
    ListState.WITHDRAWN: "återkallad",
}
_OUTCOMES = {
    None: "kvar",
    ListOutcome.FORGOTTEN: "gallrat",
    ListOutcome.CHANGED: "utelämnat: något har hänt i ärendet sedan listan gjordes",
    ListOutcome.NEW_VERSION: "utelämnat: ansökan har en ny version",
    ListOutcome.IN_WORK: "utelämnat: ärendet har tagits upp igen",
    ListOutcome.GONE: "utelämnat: redan gallrat",
    ListOutcome.WITHDRAWN: "utelämnat: listan återkallades",
}


@retention.command()
def propose(config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """Make a list of the cases whose time is out. Nothing is deleted: the list waits for `retention approve`.

    Exit 0: done, also when nothing is due. 2: no rule is known.

    Example: bistandsrobot retention propose
    """
    settings = settings_from(config)
    rule = rule_of(settings)
    with queue_of(settings) as opened:
        found = look(opened, rule)
        listed = opened.propose(rule.told, found.due, user()) if found.due else None
    if as_json:
        say_json({"list": listed.ref if listed else None, "cases": len(found.due), "left_alone": dict(found.left), "more": found.more})
        return
    say(_rule_text(rule))
    for why, count in sorted(found.left.items()):
        say(f"Inte med, {count} ärenden: {_LEFT_ALONE.get(why, why)}.")
    if listed is None:
        say("Inget ärende ska gallras nu.")
        return
    say(f"Förslag {listed.ref}: {listed.cases} ärenden.{' Fler är aktuella och kommer på nästa lista.' if found.more else ''}")
    say(
        f"Granska med `bistandsrobot retention show {listed.ref}`, godkänn med `bistandsrobot retention approve {listed.ref} --reason ...`."
    )


@retention.command("list")
def list_lists(config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """Show the lists, newest first.

    Exit 0: shown, also when there are none. 1: the database cannot be used.

    Example: bistandsrobot retention list
    """
    with queue_of(settings_from(config)) as opened:
        lists = opened.retention_lists()
    if as_json:
        say_json([_plain(one) for one in lists])
        return
    table = Table(title="Gallringslistor")
    for column in ("lista", "gjord", "läge", "ärenden", "gallrade", "utelämnade"):
        table.add_column(column)
    for one in lists:
        counts = (str(one.cases), str(one.forgotten), str(one.left_out))
        table.add_row(one.ref, one.made_at.date().isoformat(), _STATES[one.state], *counts)
    console.print(table)


@retention.command()
def show(ref: ListArgument, config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """Show a list: its rule, who proposed and approved it, and each case with the last day it is kept. No personal data.

    Exit 0: shown. 1: the database cannot be used. 2: no such list.

    Example: bistandsrobot retention show g0a1b2c3d4e
    """
    settings = settings_from(config)
    with queue_of(settings) as opened:
        listed = _found(opened, ref)
        cases = list(_cases(opened, ref))
    if as_json:
        say_json(_plain(listed) | {"listed": [_plain_case(one) for one in cases]})
        return
    rule = listed.rule
    say(f"Gallringslista {listed.ref}: {_STATES[listed.state]}")
    if listed.kind is Kind.PERSON:
        say("Gjord för att en person har begärt att bli glömd.")
    say(f"Regel: {rule.keep_months} månader efter det senaste som hände i ärendet ({rule.reference}; gäller från {rule.since}).")
    say(f"Föreslagen {listed.made_at.date()} av {listed.made_by}.")
    if listed.approved_at is not None:
        by = "ett beslut av kommunen" if listed.approved_as == "decision" else listed.approved_by
        say(f"Godkänd {listed.approved_at.date()} av {by}.")
    say(f"{listed.cases} ärenden: {listed.forgotten} gallrade, {listed.left_out} utelämnade, {listed.left} kvar.")
    by_law = rule.code == "law"
    table = Table()
    for column in ("ärende", "senast hände något", "sparas till och med", *(["gallras senast"] if by_law else []), "läge"):
        table.add_column(column)
    for one in cases:
        if one.case_ref == one.of_case:
            latest = [_latest(one)] if by_law else []
            table.add_row(one.case_ref, one.began_on.isoformat(), one.due_on.isoformat(), *latest, _OUTCOMES[one.outcome])
    console.print(table)
    say("Gallringen raderar allt som roboten har sparat om ärendet, och nyckeln till det. Akten i verksamhetssystemet berörs inte.")
    say("`bistandsrobot queue show ÄRENDE` visar vilket ärende det är.")


@retention.command()
def approve(ref: ListArgument, reason: ReasonOption, config: ConfigOption = Path("config.yaml")) -> None:
    """Let a list be carried out. Who did it, when and why is recorded.

    Exit 0: done. 2: no such list, or it is not merely proposed.

    Example: bistandsrobot retention approve g0a1b2c3d4e --reason "granskad av arkivansvarig"
    """
    with queue_of(settings_from(config)) as opened:
        try:
            opened.approve_list(ref, user(), reason)
        except NotAllowed as error:
            fail(str(error), EXIT_NOT_ALLOWED)
    typer.echo(f"List {ref} is approved. `bistandsrobot retention carry-out {ref}` deletes what is on it.")


@retention.command()
def withdraw(ref: ListArgument, reason: ReasonOption, config: ConfigOption = Path("config.yaml")) -> None:
    """Let nothing more be deleted by a list. What is left on it may be proposed anew.

    Exit 0: done. 2: no such list, or it is ended already.

    Example: bistandsrobot retention withdraw g0a1b2c3d4e --reason "fel regel"
    """
    with queue_of(settings_from(config)) as opened:
        try:
            opened.withdraw_list(ref, user(), reason)
        except NotAllowed as error:
            fail(str(error), EXIT_NOT_ALLOWED)
    typer.echo(f"List {ref} is withdrawn.")


@retention.command("carry-out")
def carry_out_list(ref: ListArgument, config: ConfigOption = Path("config.yaml")) -> None:
    """Delete what is on an approved list, in small batches, while the robot runs. Stopped on the way, run it again: it goes on.

    What has changed since the list was made is left out, and `retention show` says why.

    Exit 0: done. 1: done, and a copy of what was deleted may still stand in the database's log. 2: not approved, or the rule has changed.

    Example: bistandsrobot retention carry-out g0a1b2c3d4e
    """
    settings = settings_from(config)
    with queue_of(settings) as opened:
        listed = _found(opened, ref)
        try:
            for done in carry_out(opened, listed, settings, settings.clock()):
                if done.left:
                    typer.echo(f"{done.left} cases left", err=True)
        except (RuleChanged, NoRule):
            fail("CLI-021 another rule holds now than when the list was made: withdraw it and propose anew", EXIT_NOT_ALLOWED)
        except NotAllowed as error:
            fail(str(error), EXIT_NOT_ALLOWED)
        erased = opened.erase_traces()
        listed = _found(opened, ref)
    typer.echo(f"{listed.forgotten} cases forgotten, {listed.left_out} left out.")
    if not erased:
        fail("CLI-022 somebody reads the database just now, so its log keeps copies: run the command again in a while", EXIT_FAILED)


def rule_of(settings: Settings) -> Rule:
    """Return the rule of today, or end with exit code 2."""
    try:
        return rule_on(settings, settings.clock().today())
    except NoRule:
        fail("CLI-020 no time is known for today: set `retention.decisions`, or update rules/parameters/retention.yaml", EXIT_NOT_ALLOWED)


def _rule_text(rule: Rule) -> str:
    told = rule.told
    whose = "Kommunens beslut" if told.code == "decision" else "Lagens tid för en personakt (kommunen har inte beslutat någon egen)"
    return f"{whose}: {told.keep_months} månader efter det senaste som hände i ärendet ({told.reference}; gäller från {told.since})."


def _latest(one: ListedCase) -> str:
    """Return the day by which the law wants it done."""
    years = read_retention_law().done_within_years.at(Month.of(one.due_on))
    return "" if years is None else latest_by(one.due_on, years.value).isoformat()


def _found(opened: WorkQueue, ref: str) -> RetentionList:
    try:
        return opened.retention_list(ref)
    except NotAllowed as error:
        fail(str(error), EXIT_NOT_ALLOWED)


def _cases(opened: WorkQueue, ref: str) -> Iterator[ListedCase]:
    after, shown = "", 0
    while shown < _SHOWN_LIMIT and (batch := opened.listed_cases(ref, after=after)):
        yield from batch
        after, shown = batch[-1].case_ref, shown + len(batch)


def _plain(one: RetentionList) -> dict[str, Any]:
    return {
        "list": one.ref,
        "kind": one.kind.value,
        "state": one.state.value,
        "rule": one.rule.code,
        "keep_months": one.rule.keep_months,
        "since": one.rule.since.isoformat(),
        "reference": one.rule.reference,
        "made_at": one.made_at.isoformat(),
        "made_by": one.made_by,
        "approved_at": one.approved_at.isoformat() if one.approved_at else None,
        "approved_by": one.approved_by,
        "approved_as": one.approved_as.value if one.approved_as else None,
        "cases": one.cases,
        "forgotten": one.forgotten,
        "left_out": one.left_out,
    }


def _plain_case(one: ListedCase) -> dict[str, Any]:
    return {
        "case_ref": one.case_ref,
        "newest_version": one.of_case,
        "began_on": one.began_on.isoformat(),
        "kept_until": one.due_on.isoformat(),
        "outcome": one.outcome.value if one.outcome else None,
    }
