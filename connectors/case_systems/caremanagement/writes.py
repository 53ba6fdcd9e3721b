"""The writes: each is looked for by its key first and made only when it is not there. Nothing that a person wrote is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.case_systems.caremanagement import drafting
from connectors.case_systems.caremanagement.api import Api
from connectors.case_systems.caremanagement.errors import gone, illegal_transition, no_party, taken
from connectors.case_systems.caremanagement.fields import amount_of, party_of
from connectors.case_systems.caremanagement.settings import CareManagementSettings, LifecareNames
from connectors.case_systems.caremanagement.standing import (
    AWAITING_DECISION,
    INSTEAD,
    NEEDS_MANUAL_REVIEW,
    PASSED,
    STEPS,
    SUPPLEMENT_REQUESTED,
    UNDER_REVIEW,
    Seen,
    Watch,
    decided,
)
from connectors.case_systems.port import Effect, EffectKind, Receipt
from rules.money import kronor, ore
from rules.month import Month

_DESCRIPTION_LENGTH = 4096
_HEADING_LENGTH = 255
_STATUSES = {
    EffectKind.UNDER_REVIEW: UNDER_REVIEW,
    EffectKind.AWAITING_DECISION: AWAITING_DECISION,
    EffectKind.MANUAL_REVIEW: NEEDS_MANUAL_REVIEW,
}
_MAY_BE_PREPARED = frozenset({UNDER_REVIEW, AWAITING_DECISION, SUPPLEMENT_REQUESTED})
_AT_LEAST_HIGH = frozenset({"HIGH", "VERY_HIGH", "URGENT", "CRITICAL"})


class Writer:
    """Do one write at most once."""

    def __init__(
        self, api: Api, watch: Watch, settings: CareManagementSettings, names: LifecareNames, clock: Callable[[], datetime]
    ) -> None:
        self._api = api
        self._watch = watch
        self._settings = settings
        self._names = names
        self._clock = clock

    async def apply(self, effect: Effect, seen: Seen | None = None) -> Receipt:
        """Look for the write and make it when it is not there. What was `seen` a moment ago, the case being ours, is not read again."""
        if effect.kind in _STATUSES:
            return await self._status(effect, _STATUSES[effect.kind], seen)
        if effect.kind is EffectKind.RECOMMENDATION:
            return await self._recommendation(effect, seen)
        if effect.kind is EffectKind.NATIVE_DRAFT:
            return await self._native_draft(effect, seen)
        return await {
            EffectKind.DOCUMENT: self._document,
            EffectKind.WARNING: self._warning,
            EffectKind.PRIORITY: self._priority,
        }[effect.kind](effect)

    async def _recommendation(self, effect: Effect, seen: Seen | None) -> Receipt:
        decisions = seen.decisions if seen else None
        if decisions is None:
            decisions = await self._api.decisions(effect.case_id)
        found = _with_key((row for row in decisions if row.get("decisionType") == "RECOMMENDATION"), "description", effect.key)
        payload = effect.payload
        if found is not None:
            return Receipt(str(found.get("id")), found=True, differs=() if _same_proposal(found, payload) else ("proposal",))
        if decided(decisions):
            raise taken()
        month = Month.parse(payload["month"])
        body: dict[str, Any] = {
            "decisionType": "RECOMMENDATION",
            "value": payload["value"],
            "description": keyed(payload["description"], effect.key, _DESCRIPTION_LENGTH),
            "periodFrom": month.first.isoformat(),
            "periodTo": month.last.isoformat(),
            "createdBy": self._settings.created_by,
        }
        if payload.get("amount") is not None:
            body["amount"] = _number(payload["amount"])
        return _receipt(await self._api.add_decision(effect.case_id, body), effect)

    async def _document(self, effect: Effect) -> Receipt:
        found = _with_key(await self._api.documents(effect.case_id), "heading", effect.key)
        if found is not None:
            return Receipt(str(found.get("id")), found=True)
        body = {
            "type": self._settings.document_type,
            "heading": keyed(effect.payload["heading"], effect.key, _HEADING_LENGTH),
            "text": effect.payload["text"],
            "documentDateTime": self._clock().isoformat(timespec="seconds"),
            "createdBy": self._settings.created_by,
        }
        return _receipt(await self._api.add_document(effect.case_id, body), effect)

    async def _warning(self, effect: Effect) -> Receipt:
        payload = effect.payload
        for row in await self._api.warnings(effect.case_id):
            if row.get("sourceKey") == payload["source_key"]:
                return Receipt(str(row.get("id")), found=True)
        body = {"type": payload["type"], "message": payload["message"], "sourceKey": payload["source_key"]}
        return _receipt(await self._api.add_warning(effect.case_id, body), effect)

    async def _priority(self, effect: Effect) -> Receipt:
        """Raise the priority; one that is as high, or higher, is left as it is."""
        errand = await self._errand(effect.case_id)
        if str(errand.get("priority")).upper() in _AT_LEAST_HIGH:
            return Receipt(str(errand["priority"]), found=True)
        await self._api.patch(effect.case_id, {"priority": "HIGH"})
        return Receipt("HIGH")

    async def _status(self, effect: Effect, target: str, seen: Seen | None) -> Receipt:
        known = seen.errand if seen else None
        errand = known or await self._errand(effect.case_id)
        source = str(errand.get("status"))
        if source == target:
            return Receipt(target, found=True)
        if known is None and not await self._watch.status_is_ours(effect.case_id, errand):
            raise taken()
        if target in PASSED.get(source, ()):
            return Receipt(source, found=True)
        target = INSTEAD.get((source, target), target)
        if (source, target) not in STEPS:
            raise illegal_transition(source, target)
        await self._api.patch(effect.case_id, {"status": target})
        return Receipt(target)

    async def _native_draft(self, effect: Effect, seen: Seen | None) -> Receipt:
        """Have the native draft made from the robot's incomes, unless it stands already, and say how it differs.

        `prepare` sets the status whatever it was, so the case must be ours at that very moment.
        """
        view = seen.view if seen else None
        if view is None:
            view = await self._api.view(effect.case_id)
            if view is None:
                raise gone()
            if not await self._watch.status_is_ours(effect.case_id, view):
                raise taken()
        if view.get("status") not in _MAY_BE_PREPARED:
            raise illegal_transition(str(view.get("status")), AWAITING_DECISION)
        month, incomes = effect.payload["month"], effect.payload["incomes"]
        wanted = drafting.expected(incomes, self._names)
        if view.get("status") in (AWAITING_DECISION, SUPPLEMENT_REQUESTED):
            differs = drafting.differences(await self._api.draft(effect.case_id), month, wanted)
            if set(differs) <= drafting.NOT_FROM_INCOMES:
                return _prepared(effect, str(view["status"]), differs, found=True)
        await self._api.prepare(self._preparation(effect, view))
        differs = drafting.differences(await self._api.draft(effect.case_id), month, wanted)
        return _prepared(effect, str((await self._errand(effect.case_id)).get("status")), differs, found=False)

    def _preparation(self, effect: Effect, view: Mapping[str, Any]) -> dict[str, Any]:
        data = view.get("data")
        persons = data.get("persons") if isinstance(data, dict) else None
        rows = [row for row in persons if isinstance(row, dict)] if isinstance(persons, list) else []
        parties = {row.get("role"): party_of(row.get("partyId")) for row in rows}
        applicant, co_applicant = parties.get("APPLICANT"), parties.get("CO_APPLICANT")
        if applicant is None or (effect.payload.get("co_applicant") and co_applicant is None):
            raise no_party()
        body: dict[str, Any] = {
            "errandId": effect.case_id,
            "applicant": applicant,
            "applicationMonth": effect.payload["month"],
            "classifiedIncomes": drafting.classified(effect.payload["incomes"], self._names),
            "unhandledIncomes": [],
            "changeWarnings": [],
        }
        return body | ({"coApplicant": co_applicant} if effect.payload.get("co_applicant") else {})

    async def _errand(self, case_id: str) -> dict[str, Any]:
        errand = await self._api.errand(case_id)
        if errand is None:
            raise gone()
        return errand


def keyed(text: str, key: str, length: int) -> str:
    """Return the text with its effect key last, the text cut when both do not fit."""
    end = f"[{key}]"
    if text.endswith(end):
        return text if len(text) <= length else keyed(text[: -len(end)].rstrip(), key, length)
    room = length - len(end) - 1
    return f"{text if len(text) <= room else text[: room - 1].rstrip() + '…'} {end}"


def key_of(text: object) -> str | None:
    """Return the effect key that a text ends with."""
    if not isinstance(text, str) or not text.endswith("]"):
        return None
    return text[:-1].rpartition("[")[2] or None


def _with_key(rows: Iterable[Mapping[str, Any]], field: str, key: str) -> Mapping[str, Any] | None:
    return next((row for row in rows if isinstance(row.get(field), str) and row[field].rstrip().endswith(f"[{key}]")), None)


def _same_proposal(found: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Say whether a recommendation that stands proposes the same.

    It was written for the same run: only a robot that has forgotten that run, and has computed it anew since, can have come to another.
    """
    amount = amount_of(found["amount"]) if found.get("amount") is not None else None
    wanted = ore(payload["amount"]) if payload.get("amount") is not None else None
    return found.get("value") == payload["value"] and amount == wanted


def _receipt(reference: str, effect: Effect) -> Receipt:
    return Receipt(reference or effect.key)


def _prepared(effect: Effect, status: str, differs: tuple[str, ...], *, found: bool) -> Receipt:
    if status == SUPPLEMENT_REQUESTED:
        differs = (*differs, "supplement_requested")
    return Receipt(f"{effect.payload['month']} {status}", found=found, differs=differs)


def _number(amount: str) -> Decimal:
    return Decimal(kronor(ore(amount)))
