"""People in the simulated case system: ordered at once or in between, and the admin's view of it all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.simulators.caremanagement import create_app
from connectors.simulators.day import WorldDay
from connectors.simulators.world import ApplicationRecord, World

from .conftest import BASE, PROTECTED, RENEWAL, SINGLE, SWEDEN, made_up_person, record

ERRAND = f"{BASE}/errands/{RENEWAL}"
VIEW = f"{BASE}/errands/financial-assistance/{RENEWAL}"
PREPARE = f"{BASE}/errands/financial-assistance/calculation/prepare"
DOCUMENT = {"type": "Brev", "heading": "Underlag [k/document]", "text": "robotens text", "documentDateTime": "2026-11-30T08:00:00+01:00"}
RECOMMENDATION = {
    "decisionType": "RECOMMENDATION",
    "value": "OK",
    "description": "Förslag [k/recommendation]",
    "createdBy": "bistandsrobot",
}


async def act(client: httpx.AsyncClient, action: str, **order: Any) -> httpx.Response:
    return await client.post("/admin/caseworker", json={"errandId": RENEWAL, "action": action, **order})


async def test_a_person_takes_the_errand(client: httpx.AsyncClient) -> None:
    await act(client, "assign")
    assert (await client.get(ERRAND)).json()["assignedUserId"] == "joe01doe"
    assert (await client.get(ERRAND)).json()["status"] == "RECEIVED"

    await act(client, "start", person="jane02doe")
    after = (await client.get(ERRAND)).json()
    assert (after["assignedUserId"], after["status"]) == ("jane02doe", "UNDER_REVIEW")


@pytest.mark.parametrize(
    ("value", "status"), [("BIFALL", "GRANTED"), ("DELAVSLAG", "GRANTED"), ("AVSLAG", "REJECTED"), ("AVVISNING", "REJECTED")]
)
async def test_a_person_decides_the_legal_way(client: httpx.AsyncClient, value: str, status: str) -> None:
    await act(client, "decide", value=value, amount=4100)

    history = (await client.get(f"{ERRAND}/status-history")).json()
    assert [entry["toStatus"] for entry in history] == [status, "AWAITING_DECISION", "UNDER_REVIEW"]
    assert {entry["changedBy"] for entry in history} == {"joe01doe"}
    (decision,) = (await client.get(f"{ERRAND}/decisions")).json()
    assert (decision["decisionType"], decision["value"], decision["amount"], decision["createdBy"]) == ("PAYMENT", value, 4100, "joe01doe")
    assert "illegal_transition" not in {entry["what"] for entry in (await client.get("/admin/log")).json()}


async def test_a_person_moves_the_errand_on_step_by_step(client: httpx.AsyncClient) -> None:
    await act(client, "status", to="CLOSED")

    steps = [entry["toStatus"] for entry in (await client.get(f"{ERRAND}/status-history")).json()]
    assert steps == ["CLOSED", "WITHDRAWN"]


async def test_what_a_person_cannot_do_changes_nothing(client: httpx.AsyncClient) -> None:
    await act(client, "withdraw")
    before = (await client.get("/admin/state", params={"errandId": RENEWAL})).json()

    for answer, status in (
        (await act(client, "decide"), 409),
        (await act(client, "dance"), 400),
        (await act(client, "edit_document"), 404),
        (await act(client, "edit_row"), 404),
        (await act(client, "close_warning"), 404),
        (await act(client, "edit_application"), 400),
        (await act(client, "assign", errandId="nobody"), 404),
    ):
        assert answer.status_code == status
    assert (await client.get("/admin/state", params={"errandId": RENEWAL})).json() == before


async def test_an_edited_application_is_seen_and_moves_the_errand_in_time(client: httpx.AsyncClient) -> None:
    before = (await client.get(VIEW)).json()
    await act(client, "edit_application", data={"housingChanged": True, "normType": None})

    after = (await client.get(VIEW)).json()
    assert after["data"]["housingChanged"] is True
    assert "normType" not in after["data"]
    assert after["modified"] > before["touched"]


async def test_a_person_edits_what_the_robot_wrote(client: httpx.AsyncClient, prepare_body: Callable[..., dict[str, Any]]) -> None:
    await client.post(f"{ERRAND}/documents", json=DOCUMENT)
    await client.post(PREPARE, json=prepare_body(("Bostadsbidrag", "1850", "APPLICANT"), ("Barnbidrag", "1250", "APPLICANT")))
    await client.post(f"{VIEW}/warnings", json={"type": "NEW_INCOME", "message": "x", "sourceKey": "robot:a:b"})

    await act(client, "edit_document", text="handläggarens text")
    await act(client, "lock_document")
    await act(client, "edit_row", section="incomes", values={"applicantCaseworkerAmount": 2000})
    await act(client, "close_warning", sourceKey="robot:a:b")

    state = (await client.get("/admin/state", params={"errandId": RENEWAL})).json()
    assert (state["documents"][0]["text"], state["documents"][0]["status"]) == ("handläggarens text", "LOCKED")
    assert state["draft"]["incomes"][0]["applicantEffectiveAmount"] == 2000
    assert [warning["status"] for warning in state["warnings"] if warning["sourceKey"] == "robot:a:b"] == ["CLOSED"]
    assert (await act(client, "edit_document")).status_code == 409


@pytest.mark.parametrize(("when", "seen"), [("before", "GRANTED"), ("after", "GRANTED")])
async def test_a_hook_lets_a_person_decide_in_between(client: httpx.AsyncClient, when: str, seen: str) -> None:
    on = {"method": "post", "path_contains": "/decisions", "nth": 2}
    ordered = await client.post("/admin/hooks", json={"errandId": RENEWAL, "on": on, "when": when, "do": {"action": "decide"}})
    assert ordered.status_code == 201

    await client.post(f"{BASE}/errands/{SINGLE}/decisions", json=RECOMMENDATION)
    await client.post(f"{ERRAND}/decisions", json=RECOMMENDATION)
    assert (await client.get(ERRAND)).json()["status"] == "RECEIVED"
    await client.post(f"{ERRAND}/decisions", json=RECOMMENDATION)
    await client.post(f"{ERRAND}/decisions", json=RECOMMENDATION)

    kinds = [decision["decisionType"] for decision in (await client.get(f"{ERRAND}/decisions")).json()]
    assert kinds.index("PAYMENT") == (1 if when == "before" else 2)
    assert (await client.get(ERRAND)).json()["status"] == seen
    (hook,) = (await client.get("/admin/hooks")).json()["hooks"]
    assert (hook["matched"], hook["fired"]) == (3, 1)


async def test_a_hook_on_any_errand_takes_the_one_that_comes_and_prepare_counts_too(
    client: httpx.AsyncClient, prepare_body: Callable[..., dict[str, Any]]
) -> None:
    await client.post("/admin/hooks", json={"on": {"path_contains": "/prepare"}, "when": "before", "do": {"action": "assign"}})

    await client.post(PREPARE, json=prepare_body())

    assert (await client.get(ERRAND)).json()["assignedUserId"] == "joe01doe"
    assert "assignedUserId" not in (await client.get(f"{BASE}/errands/{SINGLE}")).json()


async def test_a_hook_that_cannot_be_done_does_not_disturb_the_request(client: httpx.AsyncClient) -> None:
    await client.post("/admin/hooks", json={"do": {"action": "lock_document"}, "when": "before"})

    assert (await client.get(ERRAND)).status_code == 200
    assert (await client.get("/admin/hooks")).json()["hooks"][0]["refused"] == "no such document on the errand"


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        {"do": {}},
        {"do": {"action": "assign"}, "on": {"nth": 0}},
        {"do": {"action": "assign"}, "when": "never"},
        {"do": {"action": "assign"}, "x": 1},
    ],
)
async def test_a_hook_that_makes_no_sense_is_refused(client: httpx.AsyncClient, wrong: object) -> None:
    assert (await client.post("/admin/hooks", json=wrong)).status_code == 400


async def test_hooks_can_be_lifted(client: httpx.AsyncClient) -> None:
    first = (await client.post("/admin/hooks", json={"do": {"action": "withdraw"}})).json()
    await client.post("/admin/hooks", json={"do": {"action": "withdraw"}})

    assert (await client.delete(f"/admin/hooks/{first['id']}")).json() == {"lifted": 1}
    assert (await client.delete("/admin/hooks")).json() == {"lifted": 1}
    await client.get(ERRAND)
    assert (await client.get(ERRAND)).json()["status"] == "RECEIVED"


async def test_the_summary_counts_by_effect_key_so_that_a_double_shows(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        await client.post(f"{ERRAND}/decisions", json=RECOMMENDATION)
    await client.post(f"{ERRAND}/documents", json=DOCUMENT)
    await client.post(f"{VIEW}/warnings", json={"type": "NEW_INCOME", "message": "x", "sourceKey": "robot:a:b"})

    summary = (await client.get("/admin/summary")).json()

    assert (summary["total"], summary["arrived"]) == (5, 4)
    one = next(errand for errand in summary["errands"] if errand["errandId"] == RENEWAL)
    assert one["recommendations"] == {"k/recommendation": 2}
    assert one["documents"] == {"k/document": 1}
    assert one["warnings"] == {"robot:a:b": 1}
    assert (one["latest"]["value"], one["decided"], one["status"]) == ("OK", False, "RECEIVED")
    assert one["expected"] == {"outcome": "ok", "proposal": "BIFALL", "amount": "4345.00", "flags": []}


async def test_more_applications_arrive_when_told(world: World, day: WorldDay) -> None:
    asked: list[tuple[int, int, date]] = []

    def arrivals(first: int, count: int, on: date) -> list[ApplicationRecord]:
        asked.append((first, count, on))
        start = datetime(on.year, on.month, on.day, 7, tzinfo=SWEDEN)
        return [
            record(f"30000000-0000-4000-8000-{n:012}", start + timedelta(minutes=n), made_up_person(50 + n, "Ny"))
            for n in range(first, first + count)
        ]

    app = create_app(world, day=day, arrivals=arrivals)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://simulated") as client:
        new = (await client.post("/admin/arrive", json={"count": 2, "day": "2026-11-29"})).json()
        again = (await client.post("/admin/arrive", json={"count": 2, "day": "2026-11-29", "first": new["first"]})).json()
        listed = (await client.get(f"{BASE}/errands", params={"sort": "created,asc"})).json()["errands"]
        party = await client.post("/party/2281/PRIVATE/legalIds", json=[made_up_person(55, "Ny").party_id])

    assert (new["added"], again["added"]) == (2, 0)
    assert asked == [(5, 2, date(2026, 11, 29))] * 2
    assert [errand["id"] for errand in listed][:3] == [*new["errandIds"], RENEWAL]
    assert len(party.json()) == 1


@pytest.mark.parametrize("wrong", [[], {"count": 0}, {"count": 1001}, {"first": -1}, {"day": "snart"}, {"day": 5}, {"cuont": 1}])
async def test_arrivals_that_make_no_sense_are_refused(client: httpx.AsyncClient, wrong: object) -> None:
    assert (await client.post("/admin/arrive", json=wrong)).status_code == 400


async def test_the_population_s_own_arrivals_come_without_being_given(client: httpx.AsyncClient) -> None:
    answer = await client.post("/admin/arrive", json={"count": 3, "day": "2026-11-29"})

    assert answer.json()["added"] == 3
    assert (await client.get("/admin/summary")).json()["total"] == 8


async def test_a_protected_errand_looks_like_any_other_in_the_list_and_the_log(client: httpx.AsyncClient) -> None:
    await client.patch(f"{BASE}/errands/{PROTECTED}", json={"status": "NEEDS_MANUAL_REVIEW"})
    await client.patch(f"{BASE}/errands/{SINGLE}", json={"status": "NEEDS_MANUAL_REVIEW"})

    errands = {errand["id"]: errand for errand in (await client.get(f"{BASE}/errands")).json()["errands"]}
    assert errands[PROTECTED].keys() == errands[SINGLE].keys()
    log = (await client.get("/admin/log")).json()
    assert log[-2] | {"errand": "", "at": ""} == log[-1] | {"errand": "", "at": ""}
