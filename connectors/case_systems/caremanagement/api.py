"""The calls to CareManagement and Party, one method each. Nothing here knows what the robot is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from connectors.case_systems.caremanagement.errors import CARE, PARTY, gone, lifecare_silent, not_contract
from connectors.case_systems.caremanagement.settings import CareManagementSettings
from connectors.transport import Answer, Tallies, Tally, Transport

Row = dict[str, Any]
_NO_CONTENT = 204
_BAD_GATEWAY = 502
_NOT_FOUND = 404


class Api:
    """CareManagement's and Party's endpoints that the robot uses. Reads may be repeated by the transport, writes never."""

    def __init__(self, settings: CareManagementSettings, tallies: Tallies = Tally) -> None:
        who = {"X-Sent-By": settings.sent_by}
        self._care = Transport(settings.base_url, settings.transport, neighbour=CARE, headers=who, tallies=tallies)
        self._party = Transport(settings.party_url, settings.transport, neighbour=PARTY, headers=who, tallies=tallies)
        self._municipality = settings.municipality_id
        self._errands = f"/{settings.municipality_id}/{settings.namespace}/errands"
        self._assistance = f"{self._errands}/financial-assistance"

    async def aclose(self) -> None:
        """Close both connections."""
        await self._care.aclose()
        await self._party.aclose()

    async def list_errands(self, condition: str, *, page: int, size: int) -> Row:
        """Return one page of errands, oldest first."""
        params: dict[str, str | int] = {"filter": condition, "page": page, "size": size, "sort": "created,asc"}
        return _object(await self._care.request("GET", self._errands, params=params, repeatable=True))

    async def errand(self, case_id: str) -> Row | None:
        """Return an errand's envelope; None when it is not there."""
        return await self._found(self._errand(case_id))

    async def view(self, case_id: str) -> Row | None:
        """Return an errand with its application; None when there is none."""
        return await self._found(self._case(case_id))

    async def attachments(self, case_id: str) -> list[Row]:
        """Return what is known of an errand's attachments, without their content."""
        return await self._list(f"{self._errand(case_id)}/attachments")

    async def decisions(self, case_id: str) -> list[Row]:
        """Return every decision and recommendation on an errand."""
        return await self._list(f"{self._errand(case_id)}/decisions")

    async def status_history(self, case_id: str) -> list[Row]:
        """Return an errand's changes of status."""
        return await self._list(f"{self._errand(case_id)}/status-history")

    async def documents(self, case_id: str) -> list[Row]:
        """Return an errand's documents."""
        return await self._list(f"{self._errand(case_id)}/documents")

    async def warnings(self, case_id: str) -> list[Row]:
        """Return an errand's warnings, whatever their status."""
        return await self._list(f"{self._case(case_id)}/warnings")

    async def draft(self, case_id: str) -> Row | None:
        """Return the draft calculation; None when there is none."""
        return await self._found(f"{self._case(case_id)}/calculation/draft")

    async def calculations(self, party: str, first: date, last: date) -> list[Any] | None:
        """Return a person's Lifecare calculations; None when CareManagement can't say who the person is there."""
        return await self._lifecare("calculations", party, first, last)

    async def lifecare_decisions(self, party: str, first: date, last: date) -> list[Any] | None:
        """Return a person's Lifecare decisions; None when CareManagement can't say who the person is there."""
        return await self._lifecare("decisions", party, first, last)

    async def eligibility(self, applicant: str, co_applicant: str | None) -> Row:
        """Return what CareManagement would suggest the applicant to apply for. Reads only, though it is a POST."""
        body = {"applicant": applicant} | ({"coApplicant": co_applicant} if co_applicant else {})
        return _object(await self._care.request("POST", f"{self._assistance}/eligibility", json=body, repeatable=True))

    async def legal_ids(self, parties: Sequence[str], expected: Sequence[int] = (200,)) -> Row:
        """Return party id -> identity number. Reads only; the numbers stand in bodies alone."""
        path = f"/{self._municipality}/PRIVATE/legalIds"
        answer = await self._party.request("POST", path, json=list(parties), repeatable=True, expected=expected)
        return _object(answer) if answer.status == 200 else {}

    async def document_types(self) -> list[str]:
        """Return the codes and names of the document types that can be used."""
        answer = _object(await self._care.request("GET", f"{self._errands}/documents/metadata", repeatable=True))
        rows = [row for row in answer.get("types") or () if isinstance(row, dict)]
        return [value for row in rows for value in (row.get("code"), row.get("displayName")) if isinstance(value, str)]

    async def add_decision(self, case_id: str, body: Mapping[str, Any]) -> str:
        """Record a decision or recommendation; return its id."""
        return await self._add(f"{self._errand(case_id)}/decisions", body)

    async def add_document(self, case_id: str, body: Mapping[str, Any]) -> str:
        """Add a document; return its id."""
        return await self._add(f"{self._errand(case_id)}/documents", body)

    async def add_warning(self, case_id: str, body: Mapping[str, Any]) -> str:
        """Raise a warning; return its id."""
        return await self._add(f"{self._case(case_id)}/warnings", body)

    async def patch(self, case_id: str, body: Mapping[str, Any]) -> None:
        """Change fields of an errand's envelope."""
        await self._write("PATCH", self._errand(case_id), body, _NO_CONTENT)

    async def prepare(self, body: Mapping[str, Any]) -> None:
        """Have CareManagement prepare its draft calculation, which also sets the errand's status."""
        await self._write("POST", f"{self._assistance}/calculation/prepare", body, 200)

    def _errand(self, case_id: str) -> str:
        return f"{self._errands}/{quote(case_id, safe='')}"

    def _case(self, case_id: str) -> str:
        return f"{self._assistance}/{quote(case_id, safe='')}"

    async def _found(self, path: str) -> Row | None:
        answer = await self._care.request("GET", path, repeatable=True, expected=(200, _NOT_FOUND))
        return None if answer.status == _NOT_FOUND else _object(answer)

    async def _list(self, path: str) -> list[Row]:
        """An errand that is gone has nothing: the caller sees that it is gone by reading the errand itself."""
        answer = await self._care.request("GET", path, repeatable=True, expected=(200, _NOT_FOUND))
        rows = [] if answer.status == _NOT_FOUND else answer.json()
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise answer.blame(not_contract())
        return rows

    async def _lifecare(self, what: str, party: str, first: date, last: date) -> list[Any] | None:
        # A 502 is Lifecare's silence and not CareManagement's: it must not make us leave CareManagement alone.
        params = {"partyId": party, "from": first.isoformat(), "to": last.isoformat()}
        expected = (200, _NOT_FOUND, _BAD_GATEWAY)
        answer = await self._care.request("GET", f"{self._assistance}/{what}", params=params, repeatable=True, expected=expected)
        if answer.status == _BAD_GATEWAY:
            raise answer.blame(lifecare_silent())
        if answer.status == _NOT_FOUND:
            return None
        rows = answer.json()
        if not isinstance(rows, list):
            raise answer.blame(not_contract())
        return rows

    async def _add(self, path: str, body: Mapping[str, Any]) -> str:
        answer = await self._write("POST", path, body, 201)
        return answer.headers.get("location", "").rstrip("/").rpartition("/")[2]

    async def _write(self, method: str, path: str, body: Mapping[str, Any], done: int) -> Answer:
        answer = await self._care.request(method, path, json=dict(body), repeatable=False, expected=(done, _NOT_FOUND))
        if answer.status == _NOT_FOUND:
            raise gone()
        return answer


def _object(answer: Answer) -> Row:
    value = answer.json()
    if not isinstance(value, dict):
        raise answer.blame(not_contract(answer.neighbour))
    return value
