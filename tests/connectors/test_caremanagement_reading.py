"""Reading a case over HTTP: persons, history, parts that fail, answers that are not the contract's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from urllib.parse import unquote

import pytest
from starlette.responses import JSONResponse, Response

from connectors.case_systems.caremanagement import CareManagement
from connectors.case_systems.port import CaseApplication, Standing
from connectors.errors import ConnectorError, RetriableError
from connectors.masking import holds_identity
from connectors.simulators.serve import serving
from tests.connectors.caremanagement_scripted import BY_US, CASE, ERRAND, ONE, Scripted, connected_to
from tests.connectors.caremanagement_town import ALMA, BO, PEOPLE, Town, connected, record, town


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


@pytest.mark.parametrize("silent", ["calculations", "assistance/decisions", "eligibility", "legalIds"])
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
    server.script[silent] = JSONResponse({"status": 502}, status_code=502)

    with pytest.raises(RetriableError):
        await scripted.reading(case)
    partial = await scripted.reading(case, partial=True)

    assert partial.history.known is (silent == "legalIds")
    assert partial.case.application is not None
    assert (partial.case.application.household.members[0].personnummer is None) is (silent == "legalIds")
    assert partial.history.decided_by_person is (None if silent == "assistance/decisions" else False)


async def test_nothing_is_asked_about_the_persons_of_a_case_that_a_person_has_decided(server: Scripted, scripted: CareManagement) -> None:
    server.script |= {"status-history": [BY_US], f"{CASE}/decisions": [{"decisionType": "PAYMENT", "value": "BIFALL"}]}
    case = await scripted.application(CASE)
    server.requests.clear()

    assert (await scripted.reading(case)).history.decided_by_person is True
    assert [request.url.path.rpartition("/")[2] for request in server.requests] == ["decisions"]


@pytest.mark.parametrize("partial", [False, True])
async def test_a_case_whose_decisions_cannot_be_read_is_never_taken_for_undecided(
    server: Scripted, scripted: CareManagement, partial: bool
) -> None:
    server.script |= {"status-history": [BY_US], f"{CASE}/decisions": JSONResponse({"status": 502}, status_code=502)}
    case = await scripted.application(CASE)

    with pytest.raises(RetriableError, match="NET-007"):
        await scripted.reading(case, partial=partial)


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
    [
        JSONResponse(["hemlig"]),
        JSONResponse("hemlig"),
        Response(b"<html>hemlig", media_type="text/html"),
        Response(b"{hemlig", media_type="application/json"),
    ],
)
async def test_an_answer_that_is_not_the_contracts_is_an_error_without_its_content(
    server: Scripted, scripted: CareManagement, answer: Response
) -> None:
    server.script[CASE] = lambda _: answer

    with pytest.raises(ConnectorError) as error:
        await scripted.application(CASE)

    assert "hemlig" not in str(error.value)
