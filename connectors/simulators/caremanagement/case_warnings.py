"""Warnings on an errand: created by anyone as often as they like, set by status, and reconciled by `prepare`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from starlette.responses import Response

from connectors.simulators.caremanagement.calls import Call
from connectors.simulators.caremanagement.problems import Refused, bad_request
from connectors.simulators.caremanagement.store import Errand, Store, room
from connectors.simulators.caremanagement.wire import Rule, answer, checked, created

TYPES = {
    "UNHANDLED_INCOME": "Ej hanterad inkomst",
    "INCOME_CHANGE": "Inkomständring",
    "MISSING_SSBTEK": "Saknas i SSBTEK",
    "NEW_INCOME": "Ny inkomst",
    "NEW_EXPENSE": "Ny utgift",
    "NEW_PERSON": "Ny hushållsmedlem",
    "INCOME_DROPPED": "Inkomst borttagen",
    "HOUSEHOLD_CHANGE": "Förändrat hushåll",
}
"""The eight types that can be created, with their names for people."""
STATUSES = {"OPEN": "Öppen", "ACKNOWLEDGED": "Kvitterad", "CLOSED": "Stängd"}
CREATE = {
    "type": Rule(required=True, blank=False, choices=frozenset(TYPES)),
    "message": Rule(required=True, blank=False),
    "sourceKey": Rule(max_length=255),
}


class Cause(NamedTuple):
    """A warning that `prepare` has computed; type and source key together tell it from others."""

    type: str
    source_key: str
    message: str


def listed(call: Call) -> Response:
    """Answer all warnings, whatever their status, oldest first."""
    return answer(call.errand.warnings)


def counted(call: Call) -> Response:
    """Answer how many are not closed."""
    return answer({"count": sum(warning["status"] != "CLOSED" for warning in call.errand.warnings)})


def add(call: Call) -> Response:
    """Take a warning in, whether or not there is one like it."""
    wanted = checked(call.body, CREATE)
    key = wanted.get("sourceKey", "").strip() and wanted["sourceKey"]
    warning = _add(call.store, call.errand, Cause(wanted["type"], key or source_key(wanted["message"]), wanted["message"]))
    return created(f"{call.base}/errands/financial-assistance/{call.errand.id}/warnings/{warning['id']}", warning)


def set_status(call: Call) -> Response:
    """Set one warning's status by the query parameter."""
    status = call.query.get("status")
    if status not in STATUSES:
        raise bad_request("status must be OPEN, ACKNOWLEDGED or CLOSED")
    for warning in call.errand.warnings:
        if warning["id"] == call.path["warningId"]:
            move(call.store, call.errand, warning, status)
            return answer(warning)
    raise Refused(404, "Warning not found on errand")


def move(store: Store, errand: Errand, warning: dict[str, Any], status: str, *, by_itself: bool = False) -> None:
    """Set a warning's status; `by_itself` = its cause is gone."""
    warning.update(status=status, statusDisplayName=STATUSES[status], autoResolved=by_itself, updated=store.stamp(errand))


def reconcile(store: Store, errand: Errand, causes: Iterable[Cause]) -> None:
    """Make the warnings fit what was computed: new ones are created, open ones get the new text, all others still open are closed.

    That includes warnings that others have created. A closed one stays closed.
    """
    wanted = {(cause.type, cause.source_key): cause for cause in causes}
    seen = set()
    for warning in errand.warnings:
        key = (warning["type"], warning["sourceKey"])
        seen.add(key)
        if warning["status"] == "CLOSED":
            continue
        if key in wanted:
            warning.update(message=wanted[key].message, updated=store.stamp(errand))
        else:
            move(store, errand, warning, "CLOSED", by_itself=True)
    for key, cause in wanted.items():
        if key not in seen:
            _add(store, errand, cause)


def source_key(text: str) -> str:
    """Return the key that is derived from a message: what stands before the first bracket or colon."""
    return text.replace("(", ":").partition(":")[0].strip()


def _add(store: Store, errand: Errand, cause: Cause) -> dict[str, Any]:
    room(errand.warnings)
    warning = {
        "id": errand.next_id("warning"),
        "type": cause.type,
        "typeDisplayName": TYPES[cause.type],
        "sourceKey": cause.source_key,
        "message": cause.message,
        "status": "OPEN",
        "statusDisplayName": STATUSES["OPEN"],
        "autoResolved": False,
        "created": store.stamp(errand),
    }
    errand.warnings.append(warning)
    return warning
