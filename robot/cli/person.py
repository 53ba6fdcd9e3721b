"""`bistandsrobot person export|forget`: what a person may ask of what the robot keeps. The identity number is never an argument."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from robot.cli.options import EXIT_NOT_ALLOWED, ConfigOption, queue_of, settings_from, user
from robot.cli.output import fail, say, say_json
from robot.cli.retention import rule_of
from robot.person import cases_of, members_of, newest_versions, parse_number
from robot.person_view import View, is_protected
from robot.retention import Rule, proposed, why_kept
from rules.facts import Member
from workqueue import AuditEvent, Candidate, Item, Kind, Proposed, RetentionList, WorkQueue

person = typer.Typer(help="What a person may ask of what the robot keeps.", no_args_is_help=True)

GROUND = "GDPR art. 15"
_INPUT_CHARACTERS = 64
_ABOUT = (
    "Detta är vad biståndsroboten har sparat om personen. Det är arbetsmaterial: akten finns i kommunens verksamhetssystem.",
    "En människa ska pröva om uppgifterna kan lämnas ut (sekretess, offentlighets- och sekretesslagen 26 kap.) innan de lämnas.",
    "Uppgifter om andra personer är utelämnade där de kan skada dem (GDPR artikel 15.4); vad som är utelämnat står vid varje ärende.",
    "Ärenden som gick till en människa innan roboten hade läst vilka de gäller (ansökningar som inte gick att läsa, akuta ärenden och "
    "en del stopp) hittas inte på personnummer: de hittas med ärendets nummer (`audit export`).",
)
_PART_UNKNOWN = "vad som hände i ärendet: vilken del personen har i det är inte sparat än, en människa måste titta på det (`audit export`)"
_WHY = {
    "not_ended": "ärendet handläggs",
    "parked": "ärendet är stoppat, och driften måste ta hand om det först",
    "listed": "ärendet står redan på en gallringslista",
    "research": "ärendet bevaras för forskning: någon i det är född den 5, 15 eller 25",
    "research_area": "ärendet bevaras för forskning: alla akter i kommunen",
    "research_unknown": "roboten vet inte vilka ärendet gäller, och kan inte avgöra om det bevaras för forskning",
}
ReasonOption = Annotated[str, typer.Option(help="Why, such as the request's registration number; kept in the audit. No names, no numbers.")]


@person.command()
def export(
    reason: ReasonOption,
    config: ConfigOption = Path("config.yaml"),
    ground: Annotated[str, typer.Option(help="The legal ground; kept in the audit.")] = GROUND,
) -> None:
    """Print all that is stored about one person: JSON lines, with personal data. That it was printed is recorded.

    The identity number (ÅÅÅÅMMDDNNNN) is asked for, or read from standard input; it is never an argument.

    Exit 0: done, also when nothing is stored. 2: no identity number.

    Example: bistandsrobot person export --reason "dnr 2026-114" > person.jsonl
    """
    settings, number = settings_from(config), _number()
    with queue_of(settings) as opened:
        refs = cases_of(opened, number)
        told = {"user": user(), "ground": ground, "reason": reason}
        search = opened.note_search(AuditEvent("person.searched", "ops", told | {"found": len(refs)}))
        say_json({"type": "about", "texts": _ABOUT, "ground": ground, "search": search, "versions": len(refs)})
        for ref in refs:
            item = opened.item(ref)
            if item is not None:
                opened.note(ref, AuditEvent("person.exported", "ops", told | {"search": search}))
                say_json(_exported(opened, item, number))


@person.command()
def forget(reason: ReasonOption, config: ConfigOption = Path("config.yaml")) -> None:
    """Propose that what is stored about one person be deleted. Refused for each case while the law or a decision says keep.

    Nothing is deleted at once: the proposal is a list like every other, for `retention approve` and `retention carry-out`.
    The identity number (ÅÅÅÅMMDDNNNN) is asked for, or read from standard input; it is never an argument.

    Exit 0: nothing is stored, or all of it is proposed. 2: refused for some case, with the rule and the date; or no identity number.

    Example: bistandsrobot person forget --reason "dnr 2026-115"
    """
    settings, number = settings_from(config), _number()
    rule = rule_of(settings)
    with queue_of(settings) as opened:
        refs = cases_of(opened, number)
        told = {"user": user(), "reason": reason}
        search = opened.note_search(AuditEvent("person.searched", "ops", told | {"ground": "GDPR art. 17", "found": len(refs)}))
        due, kept = _judged(opened, rule, refs, AuditEvent("person.forget_asked", "ops", told | {"search": search}))
        listed = opened.propose(rule.told, due, user(), kind=Kind.PERSON) if due else None
    _say_answer(rule, listed, kept, found=bool(refs))
    if kept:
        raise typer.Exit(EXIT_NOT_ALLOWED)


def _judged(opened: WorkQueue, rule: Rule, refs: list[str], asked: AuditEvent) -> tuple[list[Proposed], list[tuple[Candidate, str]]]:
    """Return which cases may be deleted, and which not and why. That it was asked is noted first: it is no change of the case."""
    due: list[Proposed] = []
    kept: list[tuple[Candidate, str]] = []
    for newest in newest_versions(opened, refs):
        for ref in newest:
            opened.note(ref, asked)
        for one in opened.candidates_of(newest):
            why = why_kept(opened, rule, one)
            if why is None:
                due.append(proposed(rule, one))
            else:
                kept.append((one, why))
    return due, kept


def _say_answer(rule: Rule, listed: RetentionList | None, kept: list[tuple[Candidate, str]], *, found: bool) -> None:
    if not found:
        say("Roboten har inte sparat något som kan hittas på personnumret.")
        return
    told = rule.told
    for one, why in kept:
        if why == "not_due":
            until = rule.until(one.began_at)
            say(
                f"Ärende {one.case_ref}: får inte raderas. Det sparas till och med {until}: {told.keep_months} månader efter det senaste "
                f"som hände i ärendet ({told.reference}). Rätten att bli glömd gäller inte då (GDPR artikel 17.3 b)."
            )
        else:
            say(f"Ärende {one.case_ref}: kan inte raderas nu: {_WHY[why]}.")
    if listed is not None:
        say(f"Förslag {listed.ref}: {listed.cases} ärenden. Inget är raderat än: `bistandsrobot retention show {listed.ref}`.")


def _exported(opened: WorkQueue, item: Item, number: str) -> dict[str, Any]:
    """Return what is stored of one version, as the person may have it."""
    drafts = opened.drafts(item.case_ref)
    views = {draft.run: _view(draft.content, number) for draft in drafts}
    writes = list(_writes(opened, item.case_ref, views))
    last = views[max(views)] if views else None
    left_out = set() if any(view.ref for view in views.values()) else {_PART_UNKNOWN}
    events = [
        {"at": one.at.isoformat(), "what": one.what, "actor": one.actor, "details": last.event(one.details) if last else None}
        for one in opened.events(item.case_ref)
    ]
    shown = [{"run": draft.run, "made_at": draft.made_at.isoformat(), "content": views[draft.run].draft(draft.content)} for draft in drafts]
    return {
        "type": "case",
        "case_ref": item.case_ref,
        "case_id": item.case_id,
        "number": next((draft.content.get("number") for draft in drafts), None),
        "month": item.month,
        "state": item.state.value,
        "outcome": item.outcome,
        "first_pulled_at": item.first_pulled_at.isoformat(),
        "role": sorted({view.role for view in views.values()}),
        "protected": any(view.protected for view in views.values()),
        "drafts": shown,
        "writes": writes,
        "events": events,
        "left_out": sorted(left_out.union(*(view.left_out for view in views.values()))),
    }


def _view(content: dict[str, Any], number: str) -> View:
    members = members_of(content)
    own: Member | None = next((one for one in members if one.personnummer == number), None)
    others = [one for one in members if one is not own]
    # Somebody whose part in the case is not told by this draft gets no more than a child would.
    ref, role = (own.ref, own.role) if own is not None else ("", "child")
    return View(ref, role, others, is_protected(content))


def _writes(opened: WorkQueue, ref: str, views: dict[int, View]) -> Iterator[dict[str, Any]]:
    for write in opened.full_writes(ref):
        view = views.get(write.run)
        content = None if view is None else view.writes({"payload": write.payload, "reference": write.reference})
        done_at = write.done_at.isoformat() if write.done_at else None
        yield {"run": write.run, "kind": write.kind, "done_at": done_at, "content": content}


def _number() -> str:
    """Return the identity number that is typed, unseen, or comes on standard input; end with exit code 2 when it is none."""
    typed = sys.stdin.isatty()
    text = typer.prompt("Personnummer (ÅÅÅÅMMDDNNNN)", hide_input=True, err=True) if typed else sys.stdin.readline(_INPUT_CHARACTERS)
    number = parse_number(text)
    if number is None:
        fail("CLI-023 that is no identity number: twelve digits with the right check digit, on standard input", EXIT_NOT_ALLOWED)
    return number
