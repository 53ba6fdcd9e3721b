"""Writing to a case over HTTP: what is sent, what is compared, and what a person did that stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.responses import Response

from connectors.case_systems.caremanagement import CareManagement
from connectors.case_systems.port import EffectKind
from connectors.errors import PermanentError, RetriableError
from tests.connectors.caremanagement_scripted import BY_US, CASE, ERRAND, ONE, Scripted, connected_to
from tests.connectors.caremanagement_town import ALMA, BO, Town, calculation, connected, record, town
from tests.connectors.case_system_conformance import INCOMES, effect


@pytest.fixture
def server() -> Scripted:
    return Scripted()


@pytest.fixture
async def scripted(server: Scripted) -> AsyncIterator[CareManagement]:
    async with connected_to(server) as system:
        yield system


@pytest.fixture
def place() -> Iterator[Town]:
    with town([ONE, record(2)]) as opened:
        yield opened


@pytest.fixture
async def system(place: Town) -> AsyncIterator[CareManagement]:
    async with connected(place.url) as opened:
        yield opened


async def test_the_native_draft_is_sent_as_the_contract_wants_it(server: Scripted, scripted: CareManagement) -> None:
    server.script |= {"status-history": [BY_US], "prepare": {}, "draft": Response(status_code=404)}

    await scripted.apply(effect(EffectKind.NATIVE_DRAFT, CASE))

    sent = json.loads(await next(request for request in server.requests if request.url.path.endswith("prepare")).body())
    incomes = json.loads(sent.pop("classifiedIncomes"))
    assert sent == {
        "errandId": CASE,
        "applicant": ALMA,
        "coApplicant": BO,
        "applicationMonth": "2026-12",
        "unhandledIncomes": [],
        "changeWarnings": [],
    }
    assert [income["income"] for income in incomes] == [
        {"forman": "Lön", "delforman": None, "beloppstyp": None, "netAmount": 8500.5, "period": "2026-11-25", "role": "APPLICANT"},
        {
            "forman": "Arbetslöshetsersättning",
            "delforman": None,
            "beloppstyp": None,
            "netAmount": 6240,
            "period": "2026-11-20",
            "role": "CO_APPLICANT",
        },
    ]
    assert [(income["atgard"], income["normberakning"], income["varning"]) for income in incomes] == [
        ("TA_MED", "Lön", False),
        ("TA_MED", "A-kassa", False),
    ]


async def prepared(system: CareManagement, incomes: list[dict[str, Any]] = INCOMES, run: int = 1) -> tuple[str, ...]:
    sent = effect(EffectKind.NATIVE_DRAFT, CASE, run)
    await system.apply(effect(EffectKind.UNDER_REVIEW, CASE))
    await system.apply(effect(EffectKind.RECOMMENDATION, CASE))
    return (await system.apply(type(sent)(sent.key, sent.kind, sent.case_id, sent.payload | {"incomes": incomes}))).differs


async def test_the_native_draft_that_agrees_differs_in_nothing(place: Town, system: CareManagement) -> None:
    assert await prepared(system) == ()
    state = place.state(CASE)
    assert (state["illegalTransitions"], state["forbiddenUses"]) == (0, 0)
    assert [decision["createdBy"] for decision in state["decisions"]] == ["bistandsrobot"]


async def test_an_income_type_that_lifecare_does_not_have_is_a_difference(system: CareManagement) -> None:
    assert await prepared(system, [*INCOMES, INCOMES[1] | {"benefit": "Lotteri"}]) == ("income_missing",)


async def test_an_income_type_of_last_month_that_is_gone_asks_for_a_supplement_and_that_is_told() -> None:
    with town([record(1, calculations=(calculation(incomes=[{"type": "Barnbidrag", "amountApplicant": 1250}]),))]) as place:
        async with connected(place.url) as system:
            assert await prepared(system) == ("supplement_requested",)
            assert (await system.apply(effect(EffectKind.AWAITING_DECISION, CASE))).reference == "AWAITING_DECISION"


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ({"values": {"applicantCaseworkerAmount": 1}}, "income_amount"),
        ({"deleted": True}, "income_missing"),
        ({"section": "expenses", "values": {"caseworkerAmount": 1}}, "expense_amount"),
    ],
)
async def test_what_a_person_has_done_to_the_draft_stays_and_is_told(
    place: Town, system: CareManagement, edit: dict[str, Any], code: str
) -> None:
    assert await prepared(system) == ()
    place.person(CASE, "edit_row", **edit)
    before = place.state(CASE)["draft"]

    differs = (await system.apply(effect(EffectKind.NATIVE_DRAFT, CASE))).differs

    assert differs == (code,)
    after = place.state(CASE)["draft"]
    assert [{**row, "updated": None} for row in after["expenses"]] == [{**row, "updated": None} for row in before["expenses"]]
    assert [row.get("applicantCaseworkerAmount") for row in after["incomes"]] == [
        row.get("applicantCaseworkerAmount") for row in before["incomes"]
    ]


async def test_the_native_draft_is_never_made_from_a_status_that_has_no_legal_way_there(place: Town, system: CareManagement) -> None:
    with pytest.raises(PermanentError, match="CM-003"):
        await system.apply(effect(EffectKind.NATIVE_DRAFT, CASE))

    assert place.state(CASE)["draft"] is None
    assert place.state(CASE)["errand"]["status"] == "RECEIVED"


async def test_a_warning_that_a_person_has_closed_is_not_raised_again(place: Town, system: CareManagement) -> None:
    await system.apply(effect(EffectKind.WARNING, CASE))
    place.person(CASE, "close_warning")

    assert (await system.apply(effect(EffectKind.WARNING, CASE, run=2))).found
    assert [warning["status"] for warning in place.state(CASE)["warnings"]] == ["CLOSED"]


async def test_a_document_that_a_person_has_changed_is_found_and_left(place: Town, system: CareManagement) -> None:
    await system.apply(effect(EffectKind.DOCUMENT, CASE))
    place.person(CASE, "edit_document", text="handläggarens text")

    assert (await system.apply(effect(EffectKind.DOCUMENT, CASE))).found
    assert [document["text"] for document in place.state(CASE)["documents"]] == ["handläggarens text"]


async def test_a_recommendation_says_only_what_it_may(place: Town, system: CareManagement) -> None:
    await system.apply(effect(EffectKind.RECOMMENDATION, CASE))

    (decision,) = place.state(CASE)["decisions"]
    decision.pop("id")
    decision.pop("created")
    assert decision == {
        "decisionType": "RECOMMENDATION",
        "value": "OK",
        "description": "Förslag: bifall [br-recommendation-1]",
        "amount": 4345.5,
        "periodFrom": "2026-12-01",
        "periodTo": "2026-12-31",
        "createdBy": "bistandsrobot",
    }


async def test_no_recommendation_is_added_to_a_case_that_a_person_has_decided(place: Town, system: CareManagement) -> None:
    place.person(CASE, "decide")

    with pytest.raises(RetriableError, match="CM-006"):
        await system.apply(effect(EffectKind.RECOMMENDATION, CASE))


@pytest.mark.parametrize("priority", ["URGENT", "HIGH"])
async def test_a_priority_that_is_as_high_is_never_lowered(server: Scripted, scripted: CareManagement, priority: str) -> None:
    server.script[CASE] = ERRAND | {"priority": priority}

    assert (await scripted.apply(effect(EffectKind.PRIORITY, CASE))).found
    assert {request.method for request in server.requests} == {"GET"}


async def test_a_description_that_is_too_long_keeps_its_key(place: Town, system: CareManagement) -> None:
    sent = effect(EffectKind.RECOMMENDATION, CASE)
    long = type(sent)(sent.key, sent.kind, CASE, sent.payload | {"description": "å" * 5000})

    await system.apply(long)

    (decision,) = place.state(CASE)["decisions"]
    assert len(decision["description"]) == 4096
    assert (await system.apply(long)).found


async def test_every_flag_has_one_type_of_warning_or_none(system: CareManagement) -> None:
    assert system.warning_type("income.vanished") == "INCOME_DROPPED"
    assert system.warning_type("register.unavailable") == "MISSING_SSBTEK"
    assert system.warning_type("stop.protected_identity") is None
    assert system.warning_type("urgent.eviction") is None


async def test_the_handshake_tells_which_document_types_there_are(place: Town) -> None:
    async with connected(place.url, document_type="Dikt") as system:
        answer = await system.check()

    assert not answer.ok
    assert "CALCULATION_BASIS" in answer.message


async def test_the_handshake_with_nobody_there_says_what_to_do() -> None:
    async with connected("http://127.0.0.1:9") as system:
        answer = await system.check()

    assert not answer.ok
    assert "NET-001" in answer.message


async def test_many_cases_are_read_at_the_same_time(place: Town, system: CareManagement) -> None:
    cases = await asyncio.gather(*(system.application(CASE) for _ in range(30)))

    assert len({case.version for case in cases}) == 1
