"""`bistandsrobot audit verify|head|export`: is the record of what the robot did whole, and what does it say about one case."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from robot.audit_head import Unreadable, append, kept_heads, line_of
from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption, JsonOption, queue_of, settings_from, user
from robot.cli.output import fail, say_json
from robot.cli.queue import CaseArgument
from workqueue import AuditEvent, KeptHead, WorkQueue

audit = typer.Typer(help="The record of what the robot did.", no_args_is_help=True)


@audit.command()
def verify(
    config: ConfigOption = Path("config.yaml"),
    head: Annotated[Path | None, typer.Option(help="Heads that were kept; else those in `audit.head_file`.", dir_okay=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that no line of the audit was changed, removed, exchanged, put in or cut off. Safe while the robot runs.

    Exit 0: whole. 1: not, and each wrong line is named. 2: the file with the heads cannot be read.

    Example: bistandsrobot audit verify --head /mnt/auditor/bistandsrobot.head
    """
    settings = settings_from(config)
    kept = _kept(head, settings.audit.head_file)
    with queue_of(settings) as opened:
        found = opened.verify_audit(kept)
    if as_json:
        last = line_of(found.head) if found.head else None
        whole = {"events": found.events, "without_details": found.without_details, "heads": len(kept), "head": last}
        say_json(whole | {"problems": found.problems, "notes": found.notes})
    else:
        for sentence in (*found.notes, *found.problems):
            typer.echo(sentence)
        compared = f"compared with {len(kept)} kept heads" if kept else "no kept heads to compare with: a cut end would not be seen"
        typer.echo(f"{found.events} events, {len(found.problems)} problems; {compared}.")
    if found.problems:
        raise typer.Exit(EXIT_FAILED)


@audit.command("head")
def show_head(
    config: ConfigOption = Path("config.yaml"),
    file: Annotated[Path | None, typer.Option(help="Append it to this file, too.", dir_okay=False)] = None,
) -> None:
    """Print the audit's last line: number, hash and time. Kept elsewhere, it shows later whether anything before it was changed.

    Exit 0: printed. 1: the database cannot be used. 2: the audit is empty, or the file cannot be written.

    Example: bistandsrobot audit head --file /mnt/auditor/bistandsrobot.head
    """
    with queue_of(settings_from(config)) as opened:
        head = opened.audit_head()
    if head is None:
        fail("CLI-004 the audit is empty: the robot has done nothing yet", EXIT_NOT_ALLOWED)
    if file is not None:
        try:
            append(file, head)
        except OSError as error:
            fail(f"CLI-005 the file with the heads cannot be read or written: {file}: {type(error).__name__}", EXIT_NOT_ALLOWED)
    typer.echo(line_of(head))


@audit.command()
def export(
    case: CaseArgument,
    config: ConfigOption = Path("config.yaml"),
    reason: Annotated[str, typer.Option(help="Why; kept in the audit. No names, no identity numbers.")] = "",
) -> None:
    """Print all that the record says about a case, for an auditor: JSON lines, with personal data. That it was printed is recorded.

    What was read about whom and by which law, what was computed, written and changed, when and by whom. `store` instead of a case: what
    was done to the database as a whole, such as that its master key was exchanged.

    Exit 0: done. 2: no such case.

    Example: bistandsrobot audit export 3f9c2a11 --reason "begäran från revisionen" > case.jsonl
    """
    with queue_of(settings_from(config)) as opened:
        versions = opened.versions(case)
        if not versions and opened.events(case):
            opened.note_of_store(AuditEvent("audit.exported", "ops", {"reason": reason, "user": user(), "of": case}))
            for line in _events(opened, case):
                say_json(line)
            return
        if not versions:
            fail("CLI-002 no such case in the queue; `bistandsrobot queue list` shows them", EXIT_NOT_ALLOWED)
        for ref in versions:
            opened.note(ref, AuditEvent("audit.exported", "ops", {"reason": reason, "user": user()}))
            for line in _lines(opened, ref):
                say_json(line)


def _lines(opened: WorkQueue, ref: str) -> Iterator[dict[str, Any]]:
    item = opened.item(ref)
    if item is None:
        return
    yield {
        "type": "case",
        "case_ref": ref,
        "case_system": item.case_system,
        "case_id": item.case_id,
        "version": item.version,
        "month": item.month,
        "state": item.state.value,
        "outcome": item.outcome,
        "first_pulled_at": item.first_pulled_at.isoformat(),
    }
    yield from _events(opened, ref)
    for draft in opened.drafts(ref):
        digest = hashlib.sha256(orjson.dumps(draft.content)).hexdigest()
        told = {"run": draft.run, "made_at": draft.made_at.isoformat(), "sha256": digest}
        yield {"type": "draft", "case_ref": ref, "content": draft.content} | told
    for write in opened.effects(ref):
        done_at = write.done_at.isoformat() if write.done_at else None
        yield {"type": "write", "case_ref": ref, "run": write.run, "kind": write.kind, "done_at": done_at, "found": write.found}


def _events(opened: WorkQueue, ref: str) -> Iterator[dict[str, Any]]:
    for event in opened.events(ref):
        told = {"seq": event.seq, "at": event.at.isoformat(), "what": event.what, "actor": event.actor, "hash": event.hash}
        yield {"type": "event", "case_ref": ref, "details": event.details} | told


def _kept(given: Path | None, configured: Path | None) -> list[KeptHead]:
    """Return the heads to compare with. A configured file that is not there yet holds none; one that was asked for must be there."""
    path = given or configured
    if path is None or (given is None and not path.exists()):
        return []
    try:
        return list(kept_heads(path))
    except (OSError, Unreadable) as error:
        what = str(error) if isinstance(error, Unreadable) else type(error).__name__
        fail(f"CLI-005 the file with the heads cannot be read or written: {path}: {what}", EXIT_NOT_ALLOWED)
