"""The CareManagement connector against a server: lists that change, answers that fail, persons in between, drafts that differ."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.case_systems.caremanagement import CareManagement
from connectors.case_systems.port import CaseApplication, EffectKind, Standing
from connectors.errors import ConnectorError, PermanentError, RetriableError
from connectors.masking import holds_identity
from connectors.simulators.serve import serving
from tests.connectors.caremanagement_town import ALMA, BO, CIA, NOW, PEOPLE, Town, calculation, connected, data, party, record, town
from tests.connectors.case_system_conformance import INCOMES, effect

ONE = record(1)
CASE = ONE.errand_id
ERRAND = {
    "id": CASE,
    "errandNumber": "EB-26110001",
    "municipalityId": "2281",
    "namespace": "DRAKEL",
    "typeSlug": "financial-assistance-renewal",
    "status": "UNDER_REVIEW",
    "created": "2026-11-25T08:00:00.000+01:00",
    "data": data(),
}
BY_US = {"fromStatus": "RECEIVED", "toStatus": "UNDER_REVIEW", "changedBy": "bistandsrobot", "changedAt": "2026-11-30T08:00:00.000+01:00"}
Answer = Callable[[Request], Response] | Any


class Scripted:
    """A server that answers by the end of the path; what has no script is an empty list. Remembers every request."""

    def __init__(self) -> None:
        self.script: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PATCH"])])

    async def _answer(self, request: Request) -> Response:
        await request.body()
        self.requests.append(request)
        answer: Any = next((answer for end, answer in self.script.items() if request.url.path.endswith(end)), [])
        if callable(answer) and not isinstance(answer, Response):
            answer = answer(request)
        return answer if isinstance(answer, Response) else JSONResponse(answer)


@pytest.fixture
def server() -> Scripted:
    scripted = Scripted()
    scripted.script[CASE] = ERRAND
    return scripted


@pytest.fixture
async def scripted(server: Scripted) -> AsyncIterator[CareManagement]:
    with serving(server.app) as url:
        async with connected(url, page_size=3, max_pages=30, history_lag_tries=3) as system:
            yield system


@pytest.fixture
def place() -> Iterator[Town]:
    with town([ONE, record(2)]) as opened:
        yield opened


@pytest.fixture
async def system(place: Town) -> AsyncIterator[CareManagement]:
    async with connected(place.url) as opened:
        yield opened


# Whose case it is


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


# Finding new cases


def listing(created: list[datetime]) -> Callable[[Request], Response]:
    """Answer as a list of cases that shrinks: after every page the first case in it is begun by somebody."""
    held = [(f"case-{number}", moment) for number, moment in enumerate(created)]

    def answer(request: Request) -> Response:
        condition = request.query_params["filter"]
        bound = datetime.fromisoformat(condition.rpartition("created>'")[2].rstrip("'")) if "created>" in condition else None
        page, size = int(request.query_params["page"]), int(request.query_params["size"])
        found = [case for case in held if bound is None or case[1] > bound]
        shown = found[page * size : (page + 1) * size]
        if shown:
            held.remove(shown[0])
        rows = [{"id": one, "status": "RECEIVED", "typeSlug": "financial-assistance-new", "created": at.isoformat()} for one, at in shown]
        return JSONResponse({"errands": rows, "_meta": {"limit": size, "totalRecords": len(found)}})

    return answer


@pytest.mark.parametrize(
    "moments",
    [
        [NOW + timedelta(minutes=number) for number in range(20)],
        [NOW] * 12,
        [NOW] * 7 + [NOW + timedelta(seconds=1)] * 7 + [NOW + timedelta(hours=1)],
    ],
    ids=["one by one", "all at once", "in heaps"],
)
async def test_no_case_is_missed_though_the_list_shrinks_while_it_is_read(
    server: Scripted, scripted: CareManagement, moments: list[datetime]
) -> None:
    server.script["/errands"] = listing(moments)

    listed = [case.case_id async for case in scripted.find_new(None)]

    assert sorted(listed) == sorted(f"case-{number}" for number in range(len(moments)))


async def test_a_server_that_gives_fewer_at_a_time_than_asked_for_is_read_to_the_end(server: Scripted, scripted: CareManagement) -> None:
    moments = [NOW + timedelta(minutes=number) for number in range(6)]

    def answer(request: Request) -> Response:
        bound = (
            datetime.fromisoformat(request.query_params["filter"].rpartition("created>'")[2].rstrip("'"))
            if "created>" in request.query_params["filter"]
            else NOW - timedelta(1)
        )
        page = int(request.query_params["page"])
        found = [moment for moment in moments if moment > bound][page * 2 : page * 2 + 2]
        rows = [{"id": str(at), "status": "RECEIVED", "typeSlug": "financial-assistance-new", "created": at.isoformat()} for at in found]
        return JSONResponse({"errands": rows, "_meta": {"limit": 2}})

    server.script["/errands"] = answer

    assert [case.created_at async for case in scripted.find_new(None)] == moments


async def test_a_list_without_end_is_left_and_told(server: Scripted, scripted: CareManagement) -> None:
    numbers = iter(range(1_000))

    def answer(_: Request) -> Response:
        rows = [
            {"id": f"case-{next(numbers)}", "status": "RECEIVED", "typeSlug": "financial-assistance-new", "created": NOW.isoformat()}
            for _ in range(3)
        ]
        return JSONResponse({"errands": rows})

    server.script["/errands"] = answer
    found: list[str] = []

    async def read() -> None:
        async for case in scripted.find_new(None):
            found.append(case.case_id)

    with pytest.raises(RetriableError, match="CM-002"):
        await read()
    assert len(found) == 90


async def test_the_filter_asks_for_the_three_types_in_status_received(server: Scripted, scripted: CareManagement) -> None:
    server.script["/errands"] = {"errands": [], "_meta": {}}

    assert [case async for case in scripted.find_new(datetime(2026, 11, 30, 8, tzinfo=UTC))] == []

    assert server.requests[0].query_params["filter"] == (
        "status:'RECEIVED' and typeSlug in ['financial-assistance-new','financial-assistance-renewal','financial-assistance-supplementary']"
        " and created>'2026-11-30T08:00:00.000Z'"
    )
    assert server.requests[0].query_params["sort"] == "created,asc"


# Reading


async def test_persons_and_history_are_read_and_protection_is_told(place: Town, system: CareManagement) -> None:
    reading = await system.reading(await system.application(CASE))

    found = reading.case.application
    assert found is not None
    assert [member.personnummer for member in found.household.members] == [person.personnummer for person in PEOPLE]
    assert [str(member.birth_date) for member in found.household.members] == ["1990-01-01", "1991-02-02", "2018-03-02"]
    assert reading.history.previous_calculation is not None
    assert reading.history.decided_by_person is False
    assert not reading.protected


async def test_a_protected_person_shows_by_nothing_being_suggested() -> None:
    with town([record(1, protected=True)]) as place:
        async with connected(place.url) as system:
            reading = await system.reading(await system.application(CASE))

    assert reading.protected
    assert reading.case.application is not None
    assert reading.case.application.protected is True


@pytest.mark.parametrize("silent", ["calculations", "/decisions", "eligibility", "legalIds"])
async def test_a_part_that_fails_is_asked_again_and_is_unknown_once_given_up(
    server: Scripted, scripted: CareManagement, silent: str
) -> None:
    server.script |= {
        "eligibility": {"suggestions": [{}], "reasonCode": "EXISTING_CASE"},
        "legalIds": {ALMA: "199001012385", BO: "199102622397"},
        "status-history": [BY_US],
    }
    case = await scripted.application(CASE)
    assert (await scripted.reading(case)).history.known
    server.script = {silent: JSONResponse({"status": 502}, status_code=502)} | server.script

    with pytest.raises(RetriableError):
        await scripted.reading(case)
    partial = await scripted.reading(case, partial=True)

    assert partial.history.known is (silent == "legalIds")
    assert partial.case.application is not None
    assert (partial.case.application.household.members[0].personnummer is None) is (silent == "legalIds")
    assert partial.history.decided_by_person is (None if silent == "/decisions" else False)


async def test_lifecares_silence_has_its_own_code_and_does_not_shut_the_case_system_out(server: Scripted) -> None:
    server.script |= {
        "eligibility": {"suggestions": [{}], "reasonCode": "EXISTING_CASE"},
        "legalIds": {},
        "calculations": JSONResponse({"status": 502}, status_code=502),
        "status-history": [BY_US],
    }
    with serving(server.app) as url:
        async with connected(url) as system:
            case = await system.application(CASE)
            for _ in range(20):
                with pytest.raises(RetriableError, match="CM-009"):
                    await system.reading(case)

            assert (await system.application(CASE)).version == case.version


async def test_a_person_that_lifecare_cannot_place_leaves_the_history_unknown_at_once(server: Scripted, scripted: CareManagement) -> None:
    server.script |= {
        "eligibility": {"suggestions": [{}], "reasonCode": "EXISTING_CASE"},
        "legalIds": {},
        "calculations": JSONResponse({"status": 404}, status_code=404),
        "status-history": [BY_US],
    }

    assert not (await scripted.reading(await scripted.application(CASE))).history.known


async def test_no_identity_stands_in_any_address_and_every_call_says_who_we_are(server: Scripted, scripted: CareManagement) -> None:
    server.script |= {"eligibility": {"suggestions": []}, "legalIds": {ALMA: "199001012385"}, "status-history": [BY_US], "draft": {}}

    await scripted.reading(await scripted.application(CASE))
    await scripted.stored(CASE)

    assert len(server.requests) > 10
    assert not any(holds_identity(unquote(str(request.url))) for request in server.requests)
    assert {request.headers["x-sent-by"] for request in server.requests} == {"bistandsrobot; type=custom"}


async def test_an_application_that_changed_between_two_readings_is_read_anew(place: Town, system: CareManagement) -> None:
    before = await system.application(CASE)
    stored = CaseApplication(
        case_id=CASE, number=before.number, version=before.version, standing=Standing.OURS, assigned_to=None, application=before.application
    )
    place.person(CASE, "edit_application", data={"housingPersonCount": 4})

    with pytest.raises(RetriableError, match="CM-008"):
        await system.reading(stored)
    assert (await system.application(CASE)).version != before.version


async def test_an_application_of_another_tenancy_or_none_at_all_says_so(server: Scripted, scripted: CareManagement) -> None:
    server.script |= {"status-history": [BY_US], CASE: ERRAND | {"municipalityId": "2260"}}
    assert (await scripted.application(CASE)).unreadable == "other_tenancy"

    server.script[CASE] = lambda request: (
        JSONResponse({"status": 404}, status_code=404) if "financial-assistance" in request.url.path else JSONResponse(ERRAND)
    )
    found = await scripted.application(CASE)
    assert (found.application, found.unreadable, found.number, found.standing) == (None, "no_data", "EB-26110001", Standing.OURS)


@pytest.mark.parametrize(
    "answer",
    [JSONResponse([]), JSONResponse("text"), Response(b"<html>", media_type="text/html"), Response(b"{", media_type="application/json")],
)
async def test_an_answer_that_is_not_the_contracts_is_an_error_without_its_content(
    server: Scripted, scripted: CareManagement, answer: Response
) -> None:
    server.script[CASE] = lambda _: answer

    with pytest.raises(ConnectorError) as error:
        await scripted.application(CASE)

    assert "text" not in str(error.value).replace("context", "")
    assert "<html>" not in str(error.value)


# Writing


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


def test_made_up_persons_are_told_apart() -> None:
    assert len({ALMA, BO, CIA, party("someone else")}) == 4
