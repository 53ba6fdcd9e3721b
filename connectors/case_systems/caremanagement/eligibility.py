"""What CareManagement's check of a would-be application tells of the household: recently closed, civil status, protection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.case_systems.caremanagement.fields import SWEDEN, moment_of
from connectors.case_systems.caremanagement.tables import ELIGIBILITY_REASONS
from rules.facts import Unrecognised


@dataclass(frozen=True, slots=True)
class Eligibility:
    """`closed_on` = an earlier case was closed lately. `protected` = nothing is suggested, and no reason for it is ever given."""

    closed_on: date | None = None
    civil_status_changed: bool | None = None
    protected: bool = False
    unrecognised: tuple[Unrecognised, ...] = ()


def read(answer: Mapping[str, Any]) -> Eligibility:
    """Return what the answer says. What it says of the current month is never used: it speaks of today and of this very case."""
    suggestions = answer.get("suggestions")
    if not isinstance(suggestions, list) or not suggestions:
        return Eligibility(protected=True)
    notes = []
    reason = answer.get("reasonCode")
    if not isinstance(reason, str) or reason not in ELIGIBILITY_REASONS:
        notes.append(Unrecognised(path="eligibility.reasonCode", value=str(reason)[:100].encode("utf-8", "replace").decode()))
    closed_at = moment_of(answer.get("closedAt")) if reason == "RECENTLY_CLOSED" else None
    if reason == "RECENTLY_CLOSED" and closed_at is None:
        notes.append(Unrecognised(path="eligibility.closedAt", value="missing"))
    matches = answer.get("maritalStatusMatches")
    changed = reason == "MARITAL_STATUS_CHANGED" or (not matches if isinstance(matches, bool) else None)
    return Eligibility(
        closed_on=closed_at.astimezone(SWEDEN).date() if closed_at else None,
        civil_status_changed=changed,
        unrecognised=tuple(notes),
    )
