"""Whose case it is: told by status, who set it, a decision and the assignee."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from connectors.case_systems.caremanagement import CareManagement
from connectors.case_systems.port import EffectKind, Standing
from connectors.errors import PermanentError, RetriableError
from tests.connectors.caremanagement_scripted import BY_US, CASE, ERRAND, Scripted, connected_to
from tests.connectors.case_system_conformance import effect


@pytest.fixture
def server() -> Scripted:
    return Scripted()


@pytest.fixture
async def scripted(server: Scripted) -> AsyncIterator[CareManagement]:
    async with connected_to(server) as system:
        yield system


@pytest.mark.parametrize(
    ("history", "standing"),
    [
        ([BY_US], Standing.OURS),
        ([BY_US | {"changedBy": "Bistandsrobot; type=custom"}], Standing.OURS),
        ([BY_US | {"changedBy": "bistandsrobot; type=adAccount"}], Standing.TAKEN),
        ([BY_US | {"changedBy": "joe01doe"}], Standing.TAKEN),
        ([BY_US, BY_US | {"changedBy": "joe01doe", "changedAt": "2026-11-30T07:00:00Z"}], Standing.OURS),
        ([BY_US, BY_US | {"changedBy": "joe01doe", "changedAt": "2026-11-30T07:00:01Z"}], Standing.TAKEN),
    ],
)
async def test_a_status_is_ours_when_its_newest_change_was_made_by_us(
    server: Scripted, scripted: CareManagement, history: list[Any], standing: Standing
) -> None:
    server.script["status-history"] = history

    assert await scripted.standing(CASE, None) is standing


@pytest.mark.parametrize("status", ["GRANTED", "REJECTED", "PAID", "CLOSED", "WITHDRAWN", "SOMETHING_NEW", None])
async def test_a_status_that_only_a_person_sets_means_a_person_has_it(
    server: Scripted, scripted: CareManagement, status: str | None
) -> None:
    server.script |= {CASE: ERRAND | {"status": status}, "status-history": [BY_US | {"toStatus": status}]}

    assert await scripted.standing(CASE, None) is Standing.TAKEN


async def test_a_new_assignee_means_a_person_has_it_and_the_one_from_the_pull_does_not(server: Scripted, scripted: CareManagement) -> None:
    server.script |= {CASE: ERRAND | {"assignedUserId": "joe01doe"}, "status-history": [BY_US]}

    assert await scripted.standing(CASE, None) is Standing.TAKEN
    assert await scripted.standing(CASE, "ann02and") is Standing.TAKEN
    assert await scripted.standing(CASE, "joe01doe") is Standing.OURS


async def test_a_payment_decision_means_a_person_has_it(server: Scripted, scripted: CareManagement) -> None:
    server.script |= {"status-history": [BY_US], "decisions": [{"decisionType": "PAYMENT", "value": "BIFALL"}]}

    assert await scripted.standing(CASE, None) is Standing.TAKEN


async def test_a_history_that_lags_behind_the_status_is_waited_for(server: Scripted, scripted: CareManagement) -> None:
    answers = iter([[], [], [BY_US]])
    server.script["status-history"] = lambda _: JSONResponse(next(answers))

    assert await scripted.standing(CASE, None) is Standing.OURS


async def test_a_history_that_never_catches_up_is_asked_again_later(server: Scripted, scripted: CareManagement) -> None:
    server.script["status-history"] = [BY_US | {"toStatus": "AWAITING_DECISION"}]

    with pytest.raises(RetriableError, match="CM-004"):
        await scripted.standing(CASE, None)


async def test_a_history_without_names_is_for_ops_to_look_at(server: Scripted, scripted: CareManagement) -> None:
    server.script["status-history"] = [BY_US | {"changedBy": None}]

    with pytest.raises(PermanentError, match="CM-005"):
        await scripted.standing(CASE, None)


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("kind", list(EffectKind))
async def test_a_person_who_acts_before_the_last_reading_is_seen(
    server: Scripted, scripted: CareManagement, kind: EffectKind, after: int
) -> None:
    """Three readings come before a write at least: the errand, its history and its decisions. The person acts after one or two."""
    by_person = BY_US | {"toStatus": "GRANTED", "changedBy": "joe01doe", "changedAt": "2026-11-30T09:00:00Z"}
    server.script = {"status-history": [BY_US], "decisions": [], CASE: ERRAND}
    answers = dict(server.script)

    def answer(end: str) -> Callable[[Request], JSONResponse]:
        def now(_: Request) -> JSONResponse:
            if len(server.requests) == after + 1:
                decision = {"decisionType": "PAYMENT", "value": "BIFALL"}
                answers.update({"status-history": [BY_US, by_person], "decisions": [decision], CASE: ERRAND | {"status": "GRANTED"}})
            return JSONResponse(answers[end])

        return now

    server.script = {end: answer(end) for end in answers}

    with contextlib.suppress(RetriableError):
        assert await scripted.apply_if_ours(effect(kind, CASE), None) is None

    assert {request.method for request in server.requests} == {"GET"}
