"""Read back what stands for a case."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from connectors.case_systems.caremanagement.api import Api
from connectors.case_systems.caremanagement.drafting import effective
from connectors.case_systems.caremanagement.errors import gone
from connectors.case_systems.caremanagement.fields import amount_of
from connectors.case_systems.caremanagement.settings import CareManagementSettings, LifecareNames
from connectors.case_systems.caremanagement.standing import AWAITING_DECISION, NEEDS_MANUAL_REVIEW, Watch, assigned
from connectors.case_systems.caremanagement.writes import key_of
from connectors.case_systems.port import StoredDraft
from rules.money import kronor


async def stored_draft(api: Api, watch: Watch, settings: CareManagementSettings, names: LifecareNames, case_id: str) -> StoredDraft:
    """Return what stands for a case. Amounts are decimal strings in kronor; `key` is the effect key, None on what is not ours."""
    errand = await api.errand(case_id)
    if errand is None:
        raise gone()
    standing, decisions, documents, warnings, draft = await asyncio.gather(
        watch.standing(case_id, errand, assigned(errand)),
        api.decisions(case_id),
        api.documents(case_id),
        api.warnings(case_id),
        api.draft(case_id),
    )
    return StoredDraft(
        case_id=case_id,
        number=str(errand.get("errandNumber") or ""),
        status=str(errand.get("status")),
        standing=standing,
        recommendations=tuple(_recommendation(row) for row in decisions if row.get("decisionType") == "RECOMMENDATION"),
        documents=tuple(_document(row) for row in documents),
        warnings=tuple(_warning(row) for row in warnings),
        income_rows=tuple(_income(row, names) for row in (draft or {}).get("incomes") or () if isinstance(row, dict)),
        priority=errand.get("priority"),
        whole=_is_whole(errand.get("status"), documents, settings.created_by),
    )


def _is_whole(status: object, documents: list[dict[str, Any]], me: str) -> bool:
    """Say whether the robot's last write stands: `prepare` sets AWAITING_DECISION before the document is added, so that must be there."""
    if status == AWAITING_DECISION:
        return any(row.get("createdBy") == me for row in documents)
    return status == NEEDS_MANUAL_REVIEW


def _recommendation(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row.get("id"),
        "key": key_of(row.get("description")),
        "value": row.get("value"),
        "description": row.get("description"),
        "amount": _kronor(row.get("amount")),
        "message": row.get("decisionMessage"),
        "period_from": row.get("periodFrom"),
        "period_to": row.get("periodTo"),
        "created_by": row.get("createdBy"),
        "created": row.get("created"),
    }


def _document(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row.get("id"),
        "key": key_of(row.get("heading")),
        "type": row.get("type"),
        "heading": row.get("heading"),
        "text": row.get("text"),
        "status": row.get("status"),
        "created_by": row.get("createdBy"),
    }


def _warning(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row.get("id"),
        "type": row.get("type"),
        "message": row.get("message"),
        "source_key": row.get("sourceKey"),
        "status": row.get("status"),
    }


def _income(row: Mapping[str, Any], names: LifecareNames) -> dict[str, Any]:
    name = str(row.get("typeName"))
    return {
        "name": name,
        "benefit": names.income(name),
        "applicant": _kronor(effective(row, "applicant")),
        "co_applicant": _kronor(effective(row, "coapplicant")),
        "origin": row.get("origin"),
        "deleted": row.get("deleted") is True,
    }


def _kronor(value: object) -> str | None:
    amount = amount_of(value)
    return None if amount is None else kronor(amount)
