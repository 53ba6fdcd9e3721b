"""Decisions, documents, journal entries and warnings in the simulated case system."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .conftest import BASE, DECIDED, RENEWAL

ERRAND = f"{BASE}/errands/{RENEWAL}"
VIEW = f"{BASE}/errands/financial-assistance/{RENEWAL}"
RECOMMENDATION = {
    "decisionType": "RECOMMENDATION",
    "value": "OK",
    "description": "Förslag [case/1/recommendation]",
    "amount": 4345.10,
    "periodFrom": "2026-12-01",
    "periodTo": "2026-12-31",
    "createdBy": "bistandsrobot",
}
PAPER = {"type": "Brev", "heading": "Beslutsunderlag [case/1/document]", "text": "Underlag", "createdBy": "bistandsrobot"}
DATED = {"documents": {"documentDateTime": "2026-11-30T08:00:00+01:00"}, "journal-entries": {"entryDateTime": "2026-11-30T08:00:00Z"}}


async def test_a_decision_is_created_and_can_be_read_back(client: httpx.AsyncClient) -> None:
    created = await client.post(f"{ERRAND}/decisions", json=RECOMMENDATION)

    assert (created.status_code, created.content) == (201, b"")
    stored = (await client.get(created.headers["location"])).json()
    assert {name: stored[name] for name in RECOMMENDATION} == RECOMMENDATION
    assert (await client.get(VIEW)).json()["recommendation"] == stored


async def test_the_latest_recommendation_counts_and_a_decision_sent_twice_stands_twice(client: httpx.AsyncClient) -> None:
    for value in ("OK", "OK", "REVIEW_REQUIRED"):
        await client.post(f"{ERRAND}/decisions", json=RECOMMENDATION | {"value": value})
    await client.post(f"{ERRAND}/decisions", json={"decisionType": "PAYMENT", "value": "BIFALL"})

    stored = (await client.get(f"{ERRAND}/decisions")).json()
    assert [decision["value"] for decision in stored] == ["OK", "OK", "REVIEW_REQUIRED", "BIFALL"]
    assert len({decision["id"] for decision in stored}) == len({decision["created"] for decision in stored}) == 4
    assert (await client.get(VIEW)).json()["recommendation"]["value"] == "REVIEW_REQUIRED"


async def test_an_errand_that_a_person_has_decided_shows_the_decision(client: httpx.AsyncClient) -> None:
    (decision,) = (await client.get(f"{BASE}/errands/{DECIDED}/decisions")).json()

    assert (decision["decisionType"], decision["value"], decision["createdBy"]) == ("PAYMENT", "BIFALL", "joe01doe")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"amount": "4345"}, 400),
        ({"amount": True}, 400),
        ({"periodFrom": "December"}, 400),
        ({"createdBy": "x" * 65}, 400),
        ({"description": "x" * 4097}, 400),
    ],
)
async def test_a_decision_that_breaks_the_contract_is_refused(client: httpx.AsyncClient, wrong: dict[str, Any], status: int) -> None:
    assert (await client.post(f"{ERRAND}/decisions", json=RECOMMENDATION | wrong)).status_code == status
    assert (await client.get(f"{ERRAND}/decisions")).json() == []


@pytest.mark.parametrize("folder", ["documents", "journal-entries"])
async def test_a_paper_can_be_changed_until_it_is_locked(client: httpx.AsyncClient, folder: str) -> None:
    paper = PAPER | DATED[folder]
    created = await client.post(f"{ERRAND}/{folder}", json=paper)
    assert (created.status_code, created.content) == (201, b"")
    location = created.headers["location"]
    assert location.startswith(f"{ERRAND}/{folder}/")
    stored = (await client.get(location)).json()
    assert {name: stored[name] for name in paper} == paper
    assert stored["status"] == "WORKING"

    changed = await client.patch(location, json={**paper, "heading": "Ny rubrik", "text": None, "modifiedBy": "joe01doe"})
    assert (changed.status_code, changed.json()["heading"], changed.json()["modifiedBy"]) == (200, "Ny rubrik", "joe01doe")
    assert "text" not in changed.json()

    locked = await client.post(f"{location}/lock", json={"lockedBy": "joe01doe"})
    assert (locked.status_code, locked.json()["status"], locked.json()["lockedBy"]) == (200, "LOCKED", "joe01doe")
    for refused in (await client.patch(location, json=paper), await client.post(f"{location}/lock", json={})):
        assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert (await client.get(location)).json()["heading"] == "Ny rubrik"


@pytest.mark.parametrize("folder", ["documents", "journal-entries"])
async def test_papers_are_listed_newest_first_and_sent_twice_stand_twice(client: httpx.AsyncClient, folder: str) -> None:
    for heading in ("ett", "två", "två"):
        await client.post(f"{ERRAND}/{folder}", json=PAPER | DATED[folder] | {"heading": heading})

    assert [paper["heading"] for paper in (await client.get(f"{ERRAND}/{folder}")).json()] == ["två", "två", "ett"]
    assert (await client.get(f"{BASE}/errands/{folder}/metadata")).json()["types"][0].keys() == {"code", "displayName"}


async def test_a_document_needs_type_heading_and_a_time_with_offset(client: httpx.AsyncClient) -> None:
    missing = await client.post(f"{ERRAND}/documents", json={"text": "bara text"})
    assert {violation["field"] for violation in missing.json()["violations"]} == {"type", "heading", "documentDateTime"}

    for when in ("2026-11-30", "2026-11-30T08:00:00", "snart"):
        assert (await client.post(f"{ERRAND}/documents", json=PAPER | {"documentDateTime": when})).status_code == 400
    assert (await client.get(f"{ERRAND}/documents")).json() == []


async def test_a_warning_is_created_open_and_set_by_the_query(client: httpx.AsyncClient) -> None:
    body = {"type": "INCOME_CHANGE", "message": "Inkomsten har ändrats", "sourceKey": "robot:income.changed:x"}
    created = await client.post(f"{VIEW}/warnings", json=body)
    assert (created.status_code, created.json()["status"], created.json()["sourceKey"]) == (201, "OPEN", body["sourceKey"])

    for status in ("ACKNOWLEDGED", "CLOSED", "OPEN"):
        answer = await client.patch(created.headers["location"], params={"status": status})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert (await client.patch(created.headers["location"], params={"status": "GONE"})).status_code == 400
    assert (await client.patch(created.headers["location"])).status_code == 400
    assert (await client.patch(f"{VIEW}/warnings/{RENEWAL}", params={"status": "CLOSED"})).status_code == 404


async def test_a_warning_sent_twice_stands_twice_and_its_key_is_derived_when_left_out(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        await client.post(f"{VIEW}/warnings", json={"type": "NEW_INCOME", "message": "Bostadsbidrag (ny): kontrollera"})

    stored = (await client.get(f"{VIEW}/warnings")).json()
    assert [warning["sourceKey"] for warning in stored] == ["Bostadsbidrag", "Bostadsbidrag"]
    assert (await client.get(f"{VIEW}/warnings/count")).json() == {"count": 2}


@pytest.mark.parametrize("wrong", [{"type": "EXPENSE_CAPPED"}, {"type": None}, {"message": " "}, {"sourceKey": "x" * 256}])
async def test_a_warning_outside_the_contract_is_refused(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await client.post(f"{VIEW}/warnings", json={"type": "NEW_INCOME", "message": "text", **wrong})

    assert answer.status_code == 400
    assert {violation["field"] for violation in answer.json()["violations"]} == set(wrong)


async def test_an_errand_takes_only_so_many_records(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.simulators.caremanagement.store.MAX_PER_ERRAND", 2)
    statuses = [(await client.post(f"{ERRAND}/decisions", json=RECOMMENDATION)).status_code for _ in range(3)]

    assert statuses == [201, 201, 500]
