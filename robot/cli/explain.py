"""`bistandsrobot explain CASE`: every number with its rule, law, facts and source."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from robot.cli.options import EXIT_NOT_ALLOWED, ConfigOption, JsonOption, queue_of, settings_from, user
from robot.cli.output import fail
from robot.cli.queue import CaseArgument
from robot.draft import explain_json, explain_text
from rules.assessment import Assessment
from workqueue import AuditEvent


def explain(case: CaseArgument, config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """Show the draft of a case and how each number came about.

    That it was shown, and to which user of this machine, is recorded. A case that was handed over without a draft shows that alone,
    whatever the reason was.

    Exit 0: shown. 1: the database cannot be used. 2: no such case, or it has no draft yet.

    Example: bistandsrobot explain 3f9c2a11
    """
    with queue_of(settings_from(config)) as opened:
        item = opened.item(case)
        # Of this version: another one's figures are not this one's, also while it has none.
        draft = opened.draft(item.case_ref) if item else None
        if item is not None and draft is not None:
            opened.note(item.case_ref, AuditEvent("draft.shown", "ops", {"user": user()}))
    if item is None:
        fail("CLI-002 no such case in the queue; `bistandsrobot queue list` shows them", EXIT_NOT_ALLOWED)
    if draft is None:
        fail(f"CLI-003 the case is {item.state.value} and has no draft yet; `bistandsrobot queue show` tells more", EXIT_NOT_ALLOWED)
    result = Assessment.model_validate(draft["assessment"])
    if as_json:
        typer.echo(
            json.dumps(explain_json(result, case_number=draft["number"], control_sample=draft["control_sample"]), ensure_ascii=False)
        )
        return
    typer.echo(explain_text(result, case_number=draft["number"], control_sample=draft["control_sample"]))
