"""Whose case it is: by its status, who set it, a person's decision and who has it assigned."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from connectors.case_systems.caremanagement.api import Api
from connectors.case_systems.caremanagement.errors import history_lags, history_unsigned
from connectors.case_systems.caremanagement.fields import moment_of
from connectors.case_systems.caremanagement.settings import CareManagementSettings
from connectors.case_systems.port import Standing

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
        if errand is None or assigned(errand) != assigned_to:
            return Standing.TAKEN
        if not await self.status_is_ours(case_id, errand):
            return Standing.TAKEN
        decided = any(row.get("decisionType") == "PAYMENT" for row in await self._api.decisions(case_id))
        return Standing.TAKEN if decided else Standing.OURS

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
