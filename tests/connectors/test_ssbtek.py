"""The question to SSBTEK, and how the service as a whole may answer."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import date

import pytest
from lxml import etree

from connectors.errors import ConnectorError, PermanentError, RetriableError
from connectors.registers.ssbtek import Ssbtek
from connectors.transport import Tally
from rules.facts import SOURCES
from tests.connectors.ssbtek_answers import (
    CONTRACT,
    DOWN,
    NOW,
    PERSON,
    SSBT,
    ask,
    envelope,
    everything,
    fault,
    lefi,
    query,
    read,
    read_one,
    refusal,
    settings,
)
from tests.connectors.transport_server import RawServer, answer, close

XML = "text/xml; charset=utf-8"


def body_of(request: bytes) -> etree._Element:
    return etree.fromstring(request.split(b"\r\n\r\n", 1)[1])


def schema() -> etree.XMLSchema:
    if not CONTRACT.exists():
        pytest.skip("the official contract files are not beside the repository")
    return etree.XMLSchema(etree.parse(CONTRACT / "se/forsakringskassan/schema/integration/ssbt/_10/sammansatt_bastjanst_v10.xsd"))


@pytest.mark.parametrize("sources", [SOURCES, ("SO",), ("PM", "AF"), ("FK",)])
async def test_the_question_follows_the_official_schema(sources: tuple[str, ...]) -> None:
    server, _ = await ask(answer(200, envelope(everything()), content_type=XML), query(*sources))
    schema().assertValid(body_of(server.requests[0])[0][0])


async def test_the_hand_written_answers_follow_the_official_schema() -> None:
    schema().assertValid(etree.fromstring(envelope(everything()))[0][0])


async def test_the_test_question_follows_the_official_schema() -> None:
    async with RawServer(answer(500)).running() as server:
        registers = Ssbtek(settings(server.url), clock=lambda: NOW)
        await registers.check()
        await registers.aclose()
    schema().assertValid(body_of(server.requests[0])[0][0])


async def test_what_the_register_logs_by_law_is_the_municipalitys_own() -> None:
    server, _ = await ask(answer(200, envelope(everything()), content_type=XML))
    asked = body_of(server.requests[0])
    found = {etree.QName(node).localname: node.text for node in asked.iter() if node.text}
    expected = settings("http://x")
    assert found["arendeidentitet"] == "EB-26110123"
    assert (found["syfte"], found["lagtext"], found["handlaggare"]) == (expected.purpose, expected.law, expected.handler)
    assert (found["fromDatum"], found["tomDatum"], found["fraganSkallInkluderasISvaret"]) == ("2026-10-01", "2026-12-31", "false")


async def test_identity_numbers_stand_in_the_body_alone() -> None:
    server, _ = await ask(answer(200, envelope(everything()), content_type=XML))
    head, body = server.requests[0].split(b"\r\n\r\n", 1)
    assert PERSON.encode() not in head
    assert head.startswith(b"POST /ssbtek HTTP/1.1")
    assert PERSON.encode() in body


async def test_lefi_is_asked_only_for_the_groups_that_are_configured() -> None:
    server, _ = await ask(
        answer(200, envelope(everything()), content_type=XML), query("FK", "PM"), fk_groups=("FK:BOB",), pm_groups=("PM:AP",)
    )
    written = body_of(server.requests[0]).findtext(f".//{{{SSBT}}}lefiJsonFraga")
    asked = json.loads(base64.b64decode(written or "", validate=True))
    assert asked == {
        "personnummer": PERSON,
        "period": {"from": "2026-10-01", "tom": "2026-12-31"},
        "formansinformation": ["FK:BOB"],
        "ansprak": ["PM:AP"],
        "beslut": ["PM:AP"],
        "preliminaraUtbetalningar": ["FK:BOB", "PM:AP"],
        "utbetalningar": ["FK:BOB", "PM:AP"],
        "ovrigInformation": ["FK:GEPI"],
    }


async def test_only_agencies_that_are_asked_are_included() -> None:
    server, answers = await ask(answer(200, envelope(everything()), content_type=XML), query("SO", "AF"))
    included = {
        etree.QName(node).localname
        for node in body_of(server.requests[0]).iter()
        if isinstance(node.tag, str) and node.get("inkludera") == "true"
    }
    assert included == {"SO", "AF"}
    assert [found.source for found in answers] == ["SO", "AF"]


async def test_nothing_asked_is_nothing_sent() -> None:
    server, answers = await ask(answer(200, b""), query("SO", sources=()))
    assert (server.requests, answers) == ([], [])


async def test_there_is_one_answer_per_source_in_the_order_asked() -> None:
    order = ("MIV", "SO", "PM", "CSN", "FK", "TNS", "AF", "SKV")
    _, answers = await ask(answer(200, envelope(everything()), content_type=XML), query(*order))
    assert tuple(found.source for found in answers) == order
    assert {found.fetched_at for found in answers} == {NOW}
    assert {found.person for found in answers} == {"applicant"}


@pytest.mark.parametrize("source", SOURCES)
async def test_a_source_that_was_asked_and_is_missing_could_not_be_checked(source: str) -> None:
    agencies = everything()
    del agencies["FK" if source == "PM" else source]
    answers = await read(agencies)
    assert answers[source].status == "unavailable"
    error = answers[source].error
    assert error is not None
    assert error.code == "SSB-004"
    silent = {name for name, found in answers.items() if found.status == "unavailable"}
    assert silent == ({"FK", "PM"} if source in ("FK", "PM") else {source})


@pytest.mark.parametrize("source", SOURCES)
async def test_an_agencys_own_error_is_never_read_as_nothing_held(source: str) -> None:
    found = await read_one(source, DOWN)
    assert found.status == "unavailable"
    assert found.error is not None
    assert (found.error.source, found.error.code) == ("BT", "500")


@pytest.mark.parametrize("odd", ["", "<ssbt:data/><ssbt:error/>", "<ssbt:annat/>"])
async def test_an_element_without_exactly_one_of_data_and_error_could_not_be_checked(odd: str) -> None:
    assert (await read_one("AF", odd)).status == "unavailable"


async def test_an_agencys_error_code_that_holds_anything_else_is_not_kept() -> None:
    for text in (PERSON, f"fel om {PERSON}", "x" * 500):
        found = await read_one("SO", DOWN.replace("<ssbt:felkod>500", f"<ssbt:felkod>{text}"))
        assert found.error is not None
        assert found.error.code == "unreadable"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not xml",
        envelope(everything())[:-40],
        b"<html/>",
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"/>',
        envelope(everything()).replace(b"svarsdata", b"annat"),
        envelope(everything()).replace(b"ssbt:AF>", b"ssbt:SO>"),
        envelope(everything(), correlation="another question"),
        envelope(everything()).replace(b"<soap:Envelope", b'<!DOCTYPE x [<!ENTITY e "1">]><soap:Envelope', 1),
    ],
)
async def test_an_answer_that_cannot_be_read_leaves_every_source_unchecked(content: bytes) -> None:
    _, answers = await ask(answer(200, content, content_type="text/xml"))
    assert {found.status for found in answers} == {"unavailable"}
    assert len(answers) == len(SOURCES)
    assert not any(found.payments for found in answers)


async def test_an_external_entity_is_never_fetched() -> None:
    async with RawServer(answer(200, b"secret")).running() as elsewhere:
        dtd = f'<!DOCTYPE x SYSTEM "{elsewhere.url}/x.dtd" [<!ENTITY e SYSTEM "{elsewhere.url}/e">]><soap:Envelope'
        content = envelope(everything()).replace(b"<soap:Envelope", dtd.encode(), 1).replace(b"VOLVO", b"&e;")
        _, answers = await ask(answer(200, content, content_type="text/xml"))
    assert elsewhere.requests == []
    assert {found.status for found in answers} == {"unavailable"}


async def test_a_fault_of_the_service_is_asked_again_and_a_refusal_is_not() -> None:
    again = await refusal(answer(500, fault("Server"), content_type=XML))
    never = await refusal(answer(500, fault("Client"), content_type=XML))
    assert isinstance(again, RetriableError)
    assert isinstance(never, PermanentError)
    assert (again.code, never.code) == ("SSB-001", "SSB-002")
    assert "F-17" in str(again)
    assert PERSON not in str(again) + str(never)


async def test_a_fault_with_status_200_is_a_fault_all_the_same() -> None:
    assert (await refusal(answer(200, fault("Server"), content_type=XML))).code == "SSB-001"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (answer(500, b"Internal Server Error", content_type="text/plain"), "NET-007"),
        (answer(500, b"<x/>", content_type="text/xml"), "SSB-001"),
        (answer(503, b""), "NET-007"),
        (answer(200, b"<html>log in</html>", content_type="text/html"), "NET-014"),
        (answer(403, b""), "NET-008"),
        (close, "NET-003"),
    ],
)
async def test_the_service_as_a_whole_failing_is_a_coded_error(step: object, code: str) -> None:
    assert (await refusal(step)).code == code  # type: ignore[arg-type]  # close is a step too


@pytest.mark.parametrize(
    ("status", "content", "codes"),
    [
        (500, fault("Server"), {"SSB-001": 1}),
        (500, fault("Client"), {"SSB-002": 1}),
        (500, b"<x/>", {"SSB-001": 1}),
        (200, fault("Server"), {"SSB-001": 1}),
        (200, envelope(everything()), {}),
    ],
)
async def test_what_the_service_itself_says_is_wrong_counts_among_its_errors(status: int, content: bytes, codes: dict[str, int]) -> None:
    tally = Tally("ssbtek")
    async with RawServer(answer(status, content, content_type=XML)).running() as server:
        service = Ssbtek(settings(server.url), clock=lambda: NOW, tallies=lambda _: tally)
        with contextlib.suppress(ConnectorError):
            await service.answers(query())
        await service.aclose()

    assert tally.errors == codes
    assert sum(tally.classes) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"personnummer": "9001012385"},
        {"personnummer": "19900101238X"},
        {"case_number": " "},
        {"case_number": "EB\x00"},
        {"from_day": date(2027, 1, 1)},
    ],
)
async def test_a_question_that_cannot_be_put_is_refused_before_it_is_sent(changed: dict[str, object]) -> None:
    async with RawServer(answer(200, b"")).running() as server:
        registers = Ssbtek(settings(server.url), clock=lambda: NOW)
        with pytest.raises(PermanentError, match="SSB-010") as caught:
            await registers.answers(query(**changed))
        await registers.aclose()
    assert server.requests == []
    assert PERSON not in str(caught.value)


async def test_an_agency_nobody_knows_is_kept_and_flagged() -> None:
    content = envelope(everything()).replace(b"</ssbt:svarsdata>", b"<ssbt:NYA><ssbt:data/></ssbt:NYA></ssbt:svarsdata>")
    _, answers = await ask(answer(200, content, content_type=XML))
    assert all(any(odd.path == "SSBTEK.NYA" for odd in found.unrecognised) for found in answers)


async def test_the_answer_may_come_in_another_encoding() -> None:
    content = envelope(everything()).decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').encode("iso-8859-1")
    _, answers = await ask(answer(200, content, content_type="text/xml"))
    found = {one.source: one for one in answers}
    assert found["SO"].payments[0].organisation == "Påhittade a-kassan"


TEST_ANSWER = (
    f'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ssbt="{SSBT}"><soap:Body>'
    "<ssbt:testaBastjanstInformationResponse><ssbt:AF><ssbt:anropad>true</ssbt:anropad></ssbt:AF>"
    "<ssbt:CSN><ssbt:anropad>true</ssbt:anropad>{error}</ssbt:CSN>"
    "</ssbt:testaBastjanstInformationResponse></soap:Body></soap:Envelope>"
)


@pytest.mark.parametrize(
    ("step", "ok", "says"),
    [
        (answer(200, TEST_ANSWER.replace("{error}", "").encode(), content_type=XML), True, "answers"),
        (answer(200, TEST_ANSWER.replace("{error}", DOWN).encode(), content_type=XML), True, "CSN (BT 500)"),
        (answer(500, fault("Server", "testaBastjanstInformation"), content_type=XML), False, "SSB-001"),
        (answer(200, envelope(everything()), content_type=XML), False, "SSB-003"),
        (answer(403), False, "NET-008"),
    ],
)
async def test_the_handshake_says_whether_the_service_is_there_and_what_to_do(step: object, ok: bool, says: str) -> None:
    async with RawServer(step).running() as server:  # type: ignore[arg-type]  # every case is a step
        registers = Ssbtek(settings(server.url), clock=lambda: NOW)
        found = await registers.check()
        await registers.aclose()
    assert (found.ok, says in found.message) == (ok, True)


@pytest.mark.parametrize("number", ["2120000000", "212000000000"])
def test_an_organisation_number_that_the_service_would_refuse_is_refused_at_start(number: str) -> None:
    with pytest.raises(ValueError, match="organisation_number"):
        settings("http://x", organisation_number=number)


async def test_lefi_data_that_is_not_base64_is_unreadable_and_not_repaired() -> None:
    for damaged in ("*" + lefi().split(">")[2], ""):
        found = await read_one("FK", f"<ssbt:data><ssbt:lefiJsonSvar>{damaged.split('<')[0]}</ssbt:lefiJsonSvar></ssbt:data>")
        assert found.status == "unavailable"
