"""What a person does in the case system while the robot works: ordered by POST /admin/caseworker, or by a hook in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.simulators.caremanagement import case_warnings
from connectors.simulators.caremanagement.draft import SECTIONS, drafted, edit_row
from connectors.simulators.caremanagement.papers import DECISION, DOCUMENTS, record_decision
from connectors.simulators.caremanagement.problems import Refused, bad_request
from connectors.simulators.caremanagement.store import Errand, Store, legal_path
from connectors.simulators.caremanagement.wire import checked, present

DEFAULT_PERSON = "joe01doe"
_REJECTING = frozenset({"AVSLAG", "AVVISNING"})
Order = Mapping[str, Any]


class Caseworker:
    """A person in the case system. Each action writes as the real client does: status changes go the legal way, step by step."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._actions: dict[str, Callable[[Errand, Order, str], dict[str, Any]]] = {
            "assign": self._assign,
            "start": self._start,
            "decide": self._decide,
            "withdraw": self._withdraw,
            "status": self._status,
            "edit_application": self._edit_application,
            "close_warning": self._close_warning,
            "edit_document": self._edit_document,
            "lock_document": self._lock_document,
            "edit_row": self._edit_row,
        }

    def act(self, errand: Errand, order: Order) -> dict[str, Any]:
        """Do one action and return what came of it. Raises Refused when it can't be done."""
        action = self._actions.get(str(order.get("action")))
        if action is None:
            raise bad_request(f"action is one of {', '.join(sorted(self._actions))}")
        person = order.get("person", DEFAULT_PERSON)
        if not isinstance(person, str) or not person:
            raise bad_request("person is a user id")
        self._store.note("caseworker", errand=errand.id, action=order["action"], actor=person)
        return {"errandId": errand.id, "action": order["action"], "person": person, **action(errand, order, person)}

    def _assign(self, errand: Errand, order: Order, person: str) -> dict[str, Any]:
        errand.assigned_user_id = str(order.get("to", person))
        self._store.stamp(errand)
        return {"assignedUserId": errand.assigned_user_id}

    def _start(self, errand: Errand, order: Order, person: str) -> dict[str, Any]:
        return self._assign(errand, order, person) | self._go(errand, "UNDER_REVIEW", person)

    def _decide(self, errand: Errand, order: Order, person: str) -> dict[str, Any]:
        value = order.get("value", "BIFALL")
        given = {name: order[name] for name in DECISION if name in order}
        wanted = checked(given | {"decisionType": "PAYMENT", "value": value, "createdBy": person}, DECISION)
        wanted.setdefault("decisionDate", self._store.day.today().isoformat())
        status = "REJECTED" if value in _REJECTING else "GRANTED"
        way = self._way(errand, status)
        decision = record_decision(self._store, errand, wanted)
        return {"decisionId": decision["id"]} | self._walk(errand, way, person)

    def _withdraw(self, errand: Errand, _: Order, person: str) -> dict[str, Any]:
        return self._go(errand, "WITHDRAWN", person)

    def _status(self, errand: Errand, order: Order, person: str) -> dict[str, Any]:
        return self._go(errand, str(order.get("to")), person)

    def _edit_application(self, errand: Errand, order: Order, _: str) -> dict[str, Any]:
        data = order.get("data")
        if not isinstance(data, dict) or not data:
            raise bad_request("data holds the fields of the application to set; null takes one away")
        errand.data = present(**(errand.data | data))
        errand.data_json = None
        return {"modified": self._store.stamp(errand)}

    def _close_warning(self, errand: Errand, order: Order, _: str) -> dict[str, Any]:
        status = order.get("status", "CLOSED")
        if status not in case_warnings.STATUSES:
            raise bad_request("status is OPEN, ACKNOWLEDGED or CLOSED")
        wanted = {name: order[name] for name in ("id", "sourceKey") if name in order}
        found = [warning for warning in errand.warnings if all(warning[name] == value for name, value in wanted.items())]
        if not found:
            raise Refused(404, "no such warning on the errand")
        for warning in found:
            case_warnings.move(self._store, errand, warning, status)
        return {"warnings": [warning["id"] for warning in found]}

    def _edit_document(self, errand: Errand, order: Order, person: str) -> dict[str, Any]:
        paper = _document(errand, order)
        kept = {name: paper[name] for name in ("type", "heading", DOCUMENTS.dated, "text") if name in paper}
        text = order.get("text", f"{kept.get('text', '')}\nÄndrat av handläggaren.")
        wanted = checked(kept | {"text": text, "modifiedBy": person}, DOCUMENTS.rules("modifiedBy"))
        DOCUMENTS.rewrite(self._store, errand, paper, wanted)
        return {"documentId": paper["id"]}

    def _lock_document(self, errand: Errand, order: Order, person: str) -> dict[str, Any]:
        paper = _document(errand, order)
        DOCUMENTS.seal(self._store, errand, paper, person)
        return {"documentId": paper["id"]}

    def _edit_row(self, errand: Errand, order: Order, _: str) -> dict[str, Any]:
        section = SECTIONS.get(order.get("section", "incomes"))
        values = order.get("values", {})
        if section is None or not isinstance(values, dict):
            raise bad_request(f"section is one of {', '.join(SECTIONS)}, and values are a row's fields")
        rows = section.rows(drafted(errand))
        found = [row for row in rows if order.get("rowId") in (None, row["id"])]
        if not found:
            raise Refused(404, "no such row in the draft")
        edit_row(self._store, errand, section, found[0], checked(values, section.rules))
        found[0]["deleted"] = bool(order.get("deleted", found[0]["deleted"]))
        return {"rowId": found[0]["id"]}

    def _go(self, errand: Errand, status: str, person: str) -> dict[str, Any]:
        return self._walk(errand, self._way(errand, status), person)

    def _way(self, errand: Errand, status: str) -> list[str]:
        way = legal_path(errand.status, status)
        if way is None:
            raise Refused(409, f"no legal way from {errand.status} to {status}")
        return way

    def _walk(self, errand: Errand, way: list[str], person: str) -> dict[str, Any]:
        for step in way:
            self._store.set_status(errand, step, person, via="caseworker")
        return {"status": errand.status}


def _document(errand: Errand, order: Order) -> dict[str, Any]:
    wanted = order.get("documentId")
    for paper in errand.documents[::-1]:
        if wanted is None or paper["id"] == wanted:
            return paper
    raise Refused(404, "no such document on the errand")
