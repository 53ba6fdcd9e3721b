"""The simulated case system over real HTTP: many at once, answers lost, requests held."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette

from connectors.simulators.serve import serving

from .conftest import BASE, RENEWAL, ROBOT

DECISION = {"decisionType": "RECOMMENDATION", "value": "OK", "description": "Förslag [k]"}
DECISIONS = f"{BASE}/errands/{RENEWAL}/decisions"


@pytest.fixture
def served(app: Starlette) -> Iterator[httpx.Client]:
    with serving(app) as url, httpx.Client(base_url=url, headers=ROBOT, timeout=60) as client:
        yield client


def test_it_speaks_http(served: httpx.Client) -> None:
    answer = served.get(f"{BASE}/errands/financial-assistance/{RENEWAL}")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["data"]["costs"][0]["appliedAmount"] == 6900
    assert served.patch(f"{BASE}/errands/{RENEWAL}", json={"status": "UNDER_REVIEW"}).status_code == 204


def test_a_write_whose_answer_is_lost_has_been_done_once(served: httpx.Client) -> None:
    served.post("/admin/faults", json={"kind": "answer_lost", "method": "POST", "path_contains": "/decisions", "times": 1})

    with pytest.raises(httpx.TransportError):
        served.post(DECISIONS, json=DECISION)

    assert len(served.get(DECISIONS).json()) == 1


def test_a_hook_goes_before_a_lost_answer(served: httpx.Client) -> None:
    served.post("/admin/faults", json={"kind": "answer_lost", "method": "POST", "times": 1})
    served.post("/admin/hooks", json={"errandId": RENEWAL, "on": {"method": "POST"}, "do": {"action": "decide"}})

    with pytest.raises(httpx.TransportError):
        served.post(DECISIONS, json=DECISION)

    assert [decision["decisionType"] for decision in served.get(DECISIONS).json()] == ["RECOMMENDATION", "PAYMENT"]


async def test_writes_at_the_same_time_are_all_kept_each_with_its_own_time(app: Starlette) -> None:
    with serving(app) as url:
        async with httpx.AsyncClient(base_url=url, headers=ROBOT, timeout=60) as client:
            answers = await asyncio.gather(*(client.post(DECISIONS, json=DECISION) for _ in range(40)))
            stored = (await client.get(DECISIONS)).json()

    assert {answer.status_code for answer in answers} == {201}
    assert len(stored) == len({decision["created"] for decision in stored}) == 40


def test_no_id_stands_in_the_statistics(served: httpx.Client) -> None:
    served.get(f"{BASE}/errands/{RENEWAL}")

    assert served.get("/admin/stats").json()["requests"] == {"GET /{municipalityId}/{namespace}/errands/{errandId}": 1}
