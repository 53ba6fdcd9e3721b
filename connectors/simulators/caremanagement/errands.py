"""The errand itself: find, count, read, change, its status history and its attachments."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from connectors.simulators.caremanagement import filters
from connectors.simulators.caremanagement.calls import Call
from connectors.simulators.caremanagement.filters import PROPERTIES
from connectors.simulators.caremanagement.problems import Refused, bad_request, violation
from connectors.simulators.caremanagement.store import Errand
from connectors.simulators.caremanagement.wire import Rule, answer, checked, dumps, no_content, present, written

DEFAULT_SIZE = 10
MAX_SIZE = 2_000
DEFAULT_SORT = "touched,DESC"
FILE = b"%PDF-1.4\n% A made-up attachment in a simulated case system.\n%%EOF\n"
DOCUMENT_TYPES = frozenset({"APPLICATION", "CONVERSATION", "GENERATED", "ERRAND", "CASE_DATA", "DECISION", "MESSAGE_HISTORY"})
SENDER_ROLES = frozenset({"CLIENT", "CASEWORKER"})

PATCH = {
    "title": Rule(max_length=255),
    "status": Rule(max_length=64),
    "description": Rule(),
    "priority": Rule(max_length=16),
    "reporterUserId": Rule(max_length=64),
    "assignedUserId": Rule(max_length=64),
}
_SECTIONS = ("calculation", "payment", "decision")


def envelope(errand: Errand) -> dict[str, Any]:
    """Return the contract's Errand."""
    return present(
        id=errand.id,
        municipalityId=errand.municipality_id,
        namespace=errand.namespace,
        errandNumber=errand.number,
        typeSlug=errand.type_slug,
        title=errand.title,
        status=errand.status,
        description=errand.description,
        priority=errand.priority,
        reporterUserId=errand.reporter_user_id,
        assignedUserId=errand.assigned_user_id,
        applicantName=errand.applicant_name,
        created=written(errand.created),
        modified=None if errand.modified is None else written(errand.modified),
        touched=written(errand.touched),
    )


def view(errand: Errand) -> dict[str, Any]:
    """Return the contract's FinancialAssistanceView."""
    shown = envelope(errand)
    shown.pop("applicantName", None)
    shown.pop("description", None)
    if errand.data_json is None:
        errand.data_json = dumps(errand.data)
    shown["data"] = orjson.Fragment(errand.data_json)
    shown["sectionApprovals"] = {name: {"section": name.upper(), "approved": False} for name in _SECTIONS}
    if errand.last_daily_run is not None:
        shown["lastDailyRunAt"] = errand.last_daily_run
    recommendations = [decision for decision in errand.decisions if decision.get("decisionType") == "RECOMMENDATION"]
    if recommendations:
        shown["recommendation"] = recommendations[-1]
    return shown


def find(call: Call) -> Response:
    """Answer a page of the errands that fulfil the filter. Another tenant has none."""
    condition = filters.parse(call.query.get("filter", ""))
    page = _whole(call, "page", default=0, least=0)
    size = min(_whole(call, "size", default=DEFAULT_SIZE, least=1), MAX_SIZE)
    names, order = _sort(call.query.getlist("sort") or [DEFAULT_SORT])
    found = call.store.select(condition, order) if _own_tenant(call) else []
    shown = found[page * size : (page + 1) * size]
    meta = {
        "page": page,
        "limit": size,
        "count": len(shown),
        "totalRecords": len(found),
        "totalPages": -(-len(found) // size),
        "sortBy": names,
        "sortDirection": "DESC" if order[0][1] else "ASC",
    }
    return answer({"errands": [envelope(errand) for errand in shown], "_meta": meta})


def count(call: Call) -> Response:
    """Answer how many errands fulfil the filter."""
    condition = filters.parse(call.query.get("filter", ""))
    return answer({"count": len(call.store.select(condition, ())) if _own_tenant(call) else 0})


def read(call: Call) -> Response:
    """Answer one errand."""
    return answer(envelope(call.errand))


def read_view(call: Call) -> Response:
    """Answer one errand with its application."""
    return answer(view(call.errand))


def patch(call: Call) -> Response:
    """Change what is given; nothing is taken away by leaving it out. Any status is taken, legal or not."""
    wanted = checked(call.body, PATCH)
    errand, store = call.errand, call.store
    status = wanted.pop("status", None)
    if wanted:
        store.stamp(errand)
    errand.title = wanted.get("title", errand.title)
    errand.description = wanted.get("description", errand.description)
    errand.priority = wanted.get("priority", errand.priority)
    errand.reporter_user_id = wanted.get("reporterUserId", errand.reporter_user_id)
    errand.assigned_user_id = wanted.get("assignedUserId", errand.assigned_user_id)
    if status is not None:
        store.set_status(errand, status, call.actor.name, via="patch")
    return no_content()


def history(call: Call) -> Response:
    """Answer the changes of status, newest first. The arrival itself is no change, so a new errand has none."""
    return answer(call.errand.history[::-1])


def attachments(call: Call) -> Response:
    """Answer the attachments, oldest first, by document type or sender when asked."""
    wanted_type = _choice(call, "documentType", DOCUMENT_TYPES)
    wanted_sender = _choice(call, "senderRole", SENDER_ROLES)
    return answer(
        [
            item
            for item in call.errand.record.attachments
            if wanted_type in (None, item.get("documentType")) and wanted_sender in (None, item.get("senderRole"))
        ]
    )


def attachment(call: Call) -> Response:
    """Answer one attachment's description."""
    return answer(_attachment(call))


def attachment_file(call: Call) -> Response:
    """Answer an attachment's bytes: always the same made-up file."""
    return Response(FILE, media_type=str(_attachment(call).get("mimeType") or "application/pdf"))


def form_snapshot(call: Call) -> Response:
    """Answer that no form was kept: the population has none."""
    raise Refused(404, f"No form snapshot found for errand '{call.errand.id}'")


def _attachment(call: Call) -> dict[str, Any]:
    wanted = call.path["attachmentId"]
    for item in call.errand.record.attachments:
        if item.get("id") == wanted:
            return item
    raise Refused(404, f"No attachment with id '{wanted}' found on errand '{call.errand.id}'")


def _own_tenant(call: Call) -> bool:
    return call.store.ours(call.path["municipalityId"], call.path["namespace"])


def _whole(call: Call, name: str, *, default: int, least: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise bad_request(f"Failed to convert '{name}' to a whole number")
    if int(text) < least:
        raise violation(name, f"must be greater than or equal to {least}")
    return int(text)


def _sort(wanted: list[str]) -> tuple[list[str], tuple[tuple[str, bool], ...]]:
    names: list[str] = []
    order: list[tuple[str, bool]] = []
    for text in wanted:
        parts = [part.strip() for part in text.split(",")]
        descending = parts[-1].upper() == "DESC"
        fields = parts[:-1] if parts[-1].upper() in ("ASC", "DESC") else parts
        if not fields or any(part not in PROPERTIES for part in fields):
            raise bad_request(f"No such property to sort by: use {', '.join(PROPERTIES)}")
        names += fields
        order += [(PROPERTIES[part], descending) for part in fields]
    return names, tuple(order)


def _choice(call: Call, name: str, choices: frozenset[str]) -> str | None:
    value = call.query.get(name)
    if value is not None and value not in choices:
        raise bad_request(f"Failed to convert '{name}': use {', '.join(sorted(choices))}")
    return value
