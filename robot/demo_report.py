"""What the demo shows at the end: read from the case system, beside the robot's own account of each case."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from connectors.case_systems.port import CaseSystem, Standing, StoredDraft
from robot import logs
from robot.daemon import case_system_of, open_queue
from robot.settings import Settings
from rules import load_rulebook
from rules.assessment import Assessment, Severity
from rules.money import Ore, swedish
from workqueue import Item, State, WorkQueue

_READS_AT_ONCE = 8
_MOST_CASES = 100_000


@dataclass(frozen=True)
class Row:
    """One application as the demo's table shows it. `fate` says how it ended; `lost` and `doubled` are the demo's failures."""

    number: str
    fate: str
    household: str
    proposal: str
    amount: str
    blanks: str
    flags: str


def collect(settings: Settings) -> list[Row]:
    """Return a row for every application of the case system, in order of number."""
    with logs.silenced():
        return asyncio.run(_collect(settings))


async def _collect(settings: Settings) -> list[Row]:
    rulebook = load_rulebook(settings.municipality.guidelines)
    case_system = case_system_of(settings, rulebook, settings.clock())
    opened = open_queue(settings, settings.clock())
    limit = asyncio.Semaphore(_READS_AT_ONCE)

    async def one(case_id: str) -> StoredDraft:
        async with limit:
            return await case_system.stored(case_id)

    try:
        stored = await asyncio.gather(*(one(case_id) for case_id in await _every_case(case_system, opened)))
        items = {item.case_id: item for item in opened.items(state=None, limit=_MOST_CASES)}
        return sorted((_row(draft, items.get(draft.case_id), opened) for draft in stored), key=lambda row: row.number)
    finally:
        opened.close()
        await case_system.aclose()


async def _every_case(case_system: CaseSystem, opened: WorkQueue) -> list[str]:
    """Every case the robot has had, and every one that still waits in the case system."""
    ids = {item.case_id for item in opened.items(state=None, limit=_MOST_CASES)}
    async for listed in case_system.find_new(None):
        ids.add(listed.case_id)
    return sorted(ids)


def _row(stored: StoredDraft, item: Item | None, opened: WorkQueue) -> Row:
    fate = _fate(stored, item)
    draft = opened.draft(stored.case_id) if item else None
    if draft is None or item is None or item.state is State.HANDED_OVER:
        return Row(stored.number, fate, "", _plain(fate, item), "", "", "")
    return _prepared(stored.number, fate, Assessment.model_validate(draft["assessment"]))


def _fate(stored: StoredDraft, item: Item | None) -> str:
    keys = Counter(one["key"] for one in (*stored.recommendations, *stored.documents) if one.get("key"))
    if any(count > 1 for count in keys.values()):
        return "doubled"
    if item is not None and item.state in (State.WAITING_FOR_INCOME, State.TAKEN_BY_PERSON):
        return item.state.value
    if not stored.recommendations:
        return "taken_by_person" if stored.standing is Standing.TAKEN else "lost"
    return "draft" if stored.documents else "hand_over"


def _plain(fate: str, item: Item | None) -> str:
    if fate == "taken_by_person":
        return "handläggaren har ärendet"
    if fate == "waiting_for_income":
        return "väntar på månadens inkomster"
    if item is not None and item.outcome == "urgent":
        return "brådskande"
    return "handläggs manuellt"


def _prepared(number: str, fate: str, result: Assessment) -> Row:
    blanks = [line.label for line in result.lines if line.blank]
    flags = [flag.text for flag in result.flagged(Severity.REVIEW, Severity.RESULT) if flag.code != "sum.blank"]
    return Row(
        number=number,
        fate=fate,
        household=_household(result),
        proposal=result.proposal.value if result.proposal else "handläggaren avgör",
        amount=swedish(result.amount) if result.amount is not None else _span(result),
        blanks="; ".join(blanks),
        flags="; ".join(flags),
    )


def _household(result: Assessment) -> str:
    adults = 2 if any(check.person == "co_applicant" for check in result.checks) else 1
    children = sum(line.section == "norm" and (line.person or "").startswith("child") for line in result.lines)
    return f"{adults} {'vuxna' if adults > 1 else 'vuxen'}" + (f", {children} barn" if children else "")


def _span(result: Assessment) -> str:
    if result.span is None:
        return ""
    low, high = result.span.lowest, result.span.highest
    if low is not None and low == high:
        return swedish(low)
    return f"{_bound(low)} … {_bound(high)}"


def _bound(value: Ore | None) -> str:
    return "–" if value is None else swedish(value)


def totals(rows: list[Row]) -> dict[str, Any]:
    """Return the demo's totals: cases by fate, and the share prepared in full (a proposal with an amount)."""
    fates = Counter(row.fate for row in rows)
    in_full = sum(row.fate == "draft" and row.proposal != "handläggaren avgör" for row in rows)
    return {
        "cases": len(rows),
        "by_fate": dict(sorted(fates.items())),
        "prepared_in_full": in_full,
        "wrong": fates["lost"] + fates["doubled"],
    }
