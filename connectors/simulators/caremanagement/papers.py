"""What is written on an errand: decisions, documents and journal entries. Every POST makes a new one, also when it was sent before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from connectors.simulators.caremanagement.calls import Call
from connectors.simulators.caremanagement.problems import Refused
from connectors.simulators.caremanagement.store import Errand, Store, room
from connectors.simulators.caremanagement.wire import Rule, answer, checked, created, present

MAX_TEXT = 1_048_576
DECISION: Mapping[str, Rule] = {
    "decisionType": Rule(max_length=32),
    "value": Rule(max_length=255),
    "description": Rule(max_length=4096),
    "amount": Rule("number"),
    "decisionMessage": Rule(max_length=8192),
    "decisionDate": Rule("date"),
    "periodFrom": Rule("date"),
    "periodTo": Rule("date"),
    "createdBy": Rule(max_length=64),
}
DOCUMENT_TYPES = (("LETTER", "Brev"), ("DECISION", "Beslut"), ("INVESTIGATION", "Utredning"), ("CALCULATION_BASIS", "Beräkningsunderlag"))
JOURNAL_TYPES = (("JOURNALED_MESSAGE", "Journalfört meddelande"), ("NOTE", "Journalanteckning"))
WORKING, LOCKED = "WORKING", "LOCKED"


def record_decision(store: Store, errand: Errand, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Add a decision, recommendation or payment decision alike."""
    room(errand.decisions)
    decision = {"id": errand.next_id("decision"), **wanted, "created": store.stamp(errand)}
    errand.decisions.append(decision)
    return decision


def decisions(call: Call) -> Response:
    """Answer all decisions, oldest first."""
    return answer(call.errand.decisions)


def add_decision(call: Call) -> Response:
    """Take a decision in."""
    decision = record_decision(call.store, call.errand, checked(call.body, DECISION))
    return created(f"{call.base}/errands/{call.errand.id}/decisions/{decision['id']}")


def decision(call: Call) -> Response:
    """Answer one decision."""
    return answer(_of(call.errand.decisions, call.path["decisionId"], "decision"))


@dataclass(frozen=True, slots=True)
class Papers:
    """Documents or journal entries: the same thing but for the names."""

    kind: str
    dated: str
    folder: str
    types: tuple[tuple[str, str], ...]

    def rules(self, author: str) -> dict[str, Rule]:
        """Return the field rules; `author` is who writes or who changes."""
        return {
            "type": Rule(required=True, max_length=255),
            "heading": Rule(required=True, max_length=255),
            "text": Rule(max_length=MAX_TEXT),
            self.dated: Rule("datetime", required=True),
            author: Rule(max_length=64),
        }

    def of(self, errand: Errand) -> list[dict[str, Any]]:
        """Return the errand's papers of this kind."""
        return errand.documents if self.kind == "document" else errand.journal

    def listed(self, call: Call) -> Response:
        """Answer all, newest first."""
        return answer(self.of(call.errand)[::-1])

    def one(self, call: Call) -> Response:
        """Answer one."""
        return answer(self._asked(call))

    def add(self, call: Call) -> Response:
        """Take one in; it can be changed until it is locked."""
        wanted, errand = checked(call.body, self.rules("createdBy")), call.errand
        room(self.of(errand))
        paper = {"id": errand.next_id(self.kind), "errandId": errand.id, **wanted, "status": WORKING, "created": call.store.stamp(errand)}
        self.of(errand).append(paper)
        return created(f"{call.base}/errands/{errand.id}/{self.folder}/{paper['id']}")

    def change(self, call: Call) -> Response:
        """Change one; what is optional and left out is gone afterwards."""
        wanted, paper = checked(call.body, self.rules("modifiedBy")), self._asked(call)
        self.rewrite(call.store, call.errand, paper, wanted)
        return answer(paper)

    def rewrite(self, store: Store, errand: Errand, paper: dict[str, Any], wanted: Mapping[str, Any]) -> None:
        """Put new contents in place. Raises Refused (409) when it is locked."""
        self._still_working(paper)
        for name in ("text", "modifiedBy"):
            paper.pop(name, None)
        paper.update(wanted, modified=store.stamp(errand))

    def lock(self, call: Call) -> Response:
        """Lock one for good."""
        by = checked(call.body, {"lockedBy": Rule(max_length=64)}).get("lockedBy")
        paper = self._asked(call)
        self.seal(call.store, call.errand, paper, by)
        return answer(paper)

    def seal(self, store: Store, errand: Errand, paper: dict[str, Any], by: str | None) -> None:
        """Lock a paper. Raises Refused (409) when it is locked already."""
        self._still_working(paper)
        paper.update(present(status=LOCKED, lockedBy=by, locked=store.stamp(errand)))

    def metadata(self, _: Call) -> Response:
        """Answer the types to choose from."""
        return answer({"types": [{"code": code, "displayName": name} for code, name in self.types]})

    def _asked(self, call: Call) -> dict[str, Any]:
        return _of(self.of(call.errand), call.path["paperId"], self.kind)

    def _still_working(self, paper: Mapping[str, Any]) -> None:
        if paper["status"] == LOCKED:
            raise Refused(409, f"The {self.kind} is locked and can't be changed")


DOCUMENTS = Papers("document", "documentDateTime", "documents", DOCUMENT_TYPES)
JOURNAL = Papers("journal entry", "entryDateTime", "journal-entries", JOURNAL_TYPES)


def _of(records: list[dict[str, Any]], wanted: str, kind: str) -> dict[str, Any]:
    for record in records:
        if record["id"] == wanted:
            return record
    raise Refused(404, f"No {kind} with id '{wanted}' found on the errand")
