"""Whose case it is: by its status, who set it, a person's decision and who has it assigned."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.case_systems.caremanagement.api import Api
from connectors.case_systems.caremanagement.errors import history_lags, history_unsigned
from connectors.case_systems.caremanagement.fields import moment_of
from connectors.case_systems.caremanagement.settings import CareManagementSettings
from connectors.case_systems.port import Effect, EffectKind, Standing

RECEIVED = "RECEIVED"
UNDER_REVIEW = "UNDER_REVIEW"
AWAITING_DECISION = "AWAITING_DECISION"
NEEDS_MANUAL_REVIEW = "NEEDS_MANUAL_REVIEW"
SUPPLEMENT_REQUESTED = "SUPPLEMENT_REQUESTED"

MAY_BE_OURS = frozenset({UNDER_REVIEW, AWAITING_DECISION, NEEDS_MANUAL_REVIEW, SUPPLEMENT_REQUESTED})
"""Statuses that the robot's own writes lead to (SUPPLEMENT_REQUESTED by what `prepare` does). Any other one is a person's."""

STEPS = frozenset(
    {
        (RECEIVED, UNDER_REVIEW),
        (RECEIVED, NEEDS_MANUAL_REVIEW),
        (UNDER_REVIEW, AWAITING_DECISION),
        (SUPPLEMENT_REQUESTED, AWAITING_DECISION),
    }
)
"""The only changes of status that the robot makes. CareManagement accepts any: the table is kept here."""

PASSED = {
    AWAITING_DECISION: frozenset({UNDER_REVIEW, NEEDS_MANUAL_REVIEW}),
    SUPPLEMENT_REQUESTED: frozenset({UNDER_REVIEW}),
    NEEDS_MANUAL_REVIEW: frozenset({UNDER_REVIEW, AWAITING_DECISION}),
}
"""What need not be set any more when the robot itself has brought the case further, in a run that it may have forgotten."""

INSTEAD = {(source, NEEDS_MANUAL_REVIEW): AWAITING_DECISION for source in (UNDER_REVIEW, SUPPLEMENT_REQUESTED)}
"""Another step that leaves the case to a person, from where there is no step to the one wanted."""

_REST_ON_STATUS = frozenset({EffectKind.UNDER_REVIEW, EffectKind.AWAITING_DECISION, EffectKind.MANUAL_REVIEW, EffectKind.NATIVE_DRAFT})
"""Writes that set the status: the one that stands must be ours at that moment."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read a moment ago of a case that is ours, to write in the light of it; None = not read."""

    errand: Mapping[str, Any] | None = None
    view: Mapping[str, Any] | None = None
    decisions: list[dict[str, Any]] | None = None


class Watch:
    """Tell whose case it is from what CareManagement holds now."""

    def __init__(self, api: Api, settings: CareManagementSettings) -> None:
        self._api = api
        self._me = settings.sent_by
        self._tries = settings.history_lag_tries
        self._wait_s = settings.history_lag_wait_s

    async def standing(self, case_id: str, errand: Mapping[str, Any] | None, assigned_to: str | None) -> Standing:
        """Return whose case it is; an errand that is gone is nobody's to write in.

        Raises RetriableError while the status history does not show the status that stands, PermanentError when it does not say who
        set it.
        """
        by_errand = await self.by_errand(case_id, errand, assigned_to)
        if by_errand is Standing.TAKEN:
            return by_errand
        return Standing.TAKEN if decided(await self._api.decisions(case_id)) else Standing.OURS

    async def by_errand(self, case_id: str, errand: Mapping[str, Any] | None, assigned_to: str | None) -> Standing:
        """Return whose case it is as far as the errand itself tells: a person may have decided all the same."""
        return Standing.OURS if await self._errand_is_ours(case_id, errand, assigned_to) else Standing.TAKEN

    async def look(self, effect: Effect, assigned_to: str | None) -> Seen | None:
        """Return what was read when the case is ours, None when it is a person's. What the write itself rests on is read last."""
        case_id = effect.case_id
        if effect.kind not in _REST_ON_STATUS:
            errand = await self._api.errand(case_id)
            if not await self._errand_is_ours(case_id, errand, assigned_to):
                return None
            decisions = await self._api.decisions(case_id)
            return None if decided(decisions) else Seen(decisions=decisions)
        if decided(await self._api.decisions(case_id)):
            return None
        view = await self._api.view(case_id) if effect.kind is EffectKind.NATIVE_DRAFT else None
        errand = view or await self._api.errand(case_id)
        return Seen(errand=errand, view=view) if await self._errand_is_ours(case_id, errand, assigned_to) else None

    async def _errand_is_ours(self, case_id: str, errand: Mapping[str, Any] | None, assigned_to: str | None) -> bool:
        return errand is not None and assigned(errand) == assigned_to and await self.status_is_ours(case_id, errand)

    async def status_is_ours(self, case_id: str, errand: Mapping[str, Any]) -> bool:
        """Say whether the status is the one it came with, or one that we have set."""
        status = errand.get("status")
        if status == RECEIVED:
            return True
        if status not in MAY_BE_OURS:
            return False
        for last in range(self._tries - 1, -1, -1):
            newest = newest_change(await self._api.status_history(case_id), str(status))
            if newest is not None:
                break
            if last:
                # It is written a moment after the status itself.
                await asyncio.sleep(self._wait_s)
        else:
            raise history_lags()
        changed_by = newest.get("changedBy")
        if not isinstance(changed_by, str) or not changed_by.strip():
            raise history_unsigned()
        return same_actor(changed_by, self._me)


def decided(decisions: list[dict[str, Any]]) -> bool:
    """Say whether a person has decided; what the robot writes there is a recommendation."""
    return any(row.get("decisionType") == "PAYMENT" for row in decisions)


def assigned(errand: Mapping[str, Any]) -> str | None:
    """Return who the errand is assigned to."""
    value = errand.get("assignedUserId")
    return value.strip() or None if isinstance(value, str) else None


def newest_change(history: list[dict[str, Any]], status: str) -> dict[str, Any] | None:
    """Return the newest change of status when it led to `status`; None when the history has not come that far."""
    times = [moment_of(entry.get("changedAt")) for entry in history]
    newest = max((time for time in times if time is not None), default=None)
    latest = [entry for entry, time in zip(history, times, strict=True) if time == newest]
    return next((entry for entry in latest if entry.get("toStatus") == status), None)


def same_actor(changed_by: str, me: str) -> bool:
    """Say whether two identities are the same, with or without their type (`name; type=custom`)."""
    name, _, kind = (part.strip().casefold() for part in changed_by.partition(";"))
    my_name, _, my_kind = (part.strip().casefold() for part in me.partition(";"))
    return name == my_name and (not kind or not my_kind or kind == my_kind)
