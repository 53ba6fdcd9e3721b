"""Earlier calculations and decisions, eligibility, and Party, in the simulated case system."""

from __future__ import annotations

import httpx
import pytest

from connectors.simulators.world import PersonRecord

from .conftest import ALONE, APPLICANT, BASE, CALCULATION, CHILD, CO_APPLICANT, DECISION, HIDDEN, SETTLED

FOLDER = f"{BASE}/errands/financial-assistance"
UNKNOWN = "00000000-0000-4000-8000-0000000000ff"
PARTY = "/party/2281/PRIVATE/legalIds"


@pytest.mark.parametrize("adult", [APPLICANT, CO_APPLICANT])
async def test_history_is_shown_for_each_adult(client: httpx.AsyncClient, adult: PersonRecord) -> None:
    for name, record in (("calculations", CALCULATION), ("decisions", DECISION)):
        answer = await client.get(f"{FOLDER}/{name}", params={"partyId": adult.party_id})
        assert [entry["id"] for entry in answer.json()] == [record["id"]]


@pytest.mark.parametrize(
    ("period", "shown"),
    [
        ({}, True),
        ({"from": "2026-11-30", "to": "2026-12-31"}, True),
        ({"from": "2026-12-01", "to": "2026-12-31"}, False),
        ({"from": "2026-09-01", "to": "2026-11-01"}, True),
        ({"to": "2026-10-31"}, False),
    ],
)
async def test_history_is_shown_for_the_period_asked_for(client: httpx.AsyncClient, period: dict[str, str], shown: bool) -> None:
    for name in ("calculations", "decisions"):
        answer = await client.get(f"{FOLDER}/{name}", params={"partyId": APPLICANT.party_id, **period})
        assert bool(answer.json()) is shown


async def test_who_has_no_history_has_an_empty_one_and_who_is_unknown_is_not_found(client: httpx.AsyncClient) -> None:
    for name in ("calculations", "decisions"):
        assert (await client.get(f"{FOLDER}/{name}", params={"partyId": CHILD.party_id})).json() == []
        assert (await client.get(f"{FOLDER}/{name}", params={"partyId": UNKNOWN})).status_code == 404
        assert (await client.get(f"{FOLDER}/{name}", params={"partyId": "19900101"})).status_code == 400
        assert (await client.get(f"{FOLDER}/{name}")).status_code == 400
        assert (await client.get(f"{FOLDER}/{name}", params={"partyId": ALONE.party_id, "from": "maj"})).status_code == 400


async def test_eligibility_tells_what_the_population_says(client: httpx.AsyncClient) -> None:
    async def ask(applicant: str, **more: str) -> dict[str, object]:
        answer: dict[str, object] = (await client.post(f"{FOLDER}/eligibility", json={"applicant": applicant, **more})).json()
        return answer

    usual = await ask(APPLICANT.party_id, coApplicant=CO_APPLICANT.party_id)
    assert (usual["reasonCode"], usual["maritalStatusMatches"], usual["hasCoApplicant"]) == ("EXISTING_CASE", True, True)
    closed = await ask(ALONE.party_id)
    assert (closed["reasonCode"], closed["closedAt"]) == ("RECENTLY_CLOSED", "2026-11-15T10:00:00+01:00")
    assert (await ask(UNKNOWN))["reasonCode"] == "NO_EXISTING_CASE"
    assert (await client.post(f"{FOLDER}/eligibility", json={"applicant": "x"})).status_code == 400
    assert (await client.post(f"{FOLDER}/eligibility", json={})).status_code == 400


async def test_a_protected_person_gets_no_suggestion_and_no_reason(client: httpx.AsyncClient) -> None:
    answer = (await client.post(f"{FOLDER}/eligibility", json={"applicant": HIDDEN.party_id})).json()

    assert answer["suggestions"] == []
    assert not {"reasonCode", "message", "existsInCm", "closedAt"} & answer.keys()


async def test_party_answers_the_known_and_leaves_out_the_unknown(client: httpx.AsyncClient) -> None:
    answer = await client.post(PARTY, json=[APPLICANT.party_id, UNKNOWN, HIDDEN.party_id])

    assert answer.json() == {APPLICANT.party_id: APPLICANT.personnummer, HIDDEN.party_id: HIDDEN.personnummer}
    assert (await client.post(PARTY, json=[])).json() == {}
    assert (await client.post("/party/2282/PRIVATE/legalIds", json=[APPLICANT.party_id])).json() == {}


@pytest.mark.parametrize("body", [{}, "x", [1], ["x"] * 1001])
async def test_party_refuses_what_is_no_list_of_ids(client: httpx.AsyncClient, body: object) -> None:
    assert (await client.post(PARTY, json=body)).status_code == 400


async def test_party_refuses_identities_in_the_address_and_notes_who_tried_without_them(client: httpx.AsyncClient) -> None:
    for path in (f"PRIVATE/{SETTLED.personnummer}/partyId", f"PRIVATE/{SETTLED.party_id}/legalId", f"partyId/{SETTLED.party_id}/legalId"):
        assert (await client.get(f"/party/2281/{path}")).status_code == 405
    assert (await client.get(PARTY)).status_code == 405

    log = await client.get("/admin/log")
    assert [entry["what"] for entry in log.json()] == ["FORBIDDEN_USE"] * 3
    assert SETTLED.personnummer not in log.text
    assert SETTLED.party_id not in log.text
