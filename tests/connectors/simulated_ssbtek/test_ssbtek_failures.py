"""Sources that fail, each in its own way, while the others answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connectors.simulators.day import WorldDay
from connectors.simulators.serve import serving
from connectors.simulators.ssbtek import create_app
from connectors.simulators.world import PersonRecord, World

AGENCIES = ("AF", "CSN", "FK", "SKV", "SO", "TNS", "MIV")
WITH_ERROR = {"error": ("BT", "500"), "timeout": ("SSBT", "504")}


def states(answer: Any) -> dict[str, str]:
    """The state of FK and PM in a LEFI answer."""
    return {source["utlamnare"]["kod"]: source["tillstand"]["kod"] for source in answer.lefi["utlamnare"]}


@pytest.mark.parametrize("kind", WITH_ERROR)
@pytest.mark.parametrize("source", AGENCIES)
async def test_one_agency_fails_and_the_others_answer(ssbtek: Any, source: str, kind: str) -> None:
    await ssbtek.order(kind=kind, source=source, delay_s=0)

    answer = await ssbtek.fetch()

    assert answer.status == 200
    assert {name: answer.error(name) for name in AGENCIES} == {name: WITH_ERROR[kind] if name == source else None for name in AGENCIES}


@pytest.mark.parametrize(("kind", "state"), [("error", "FELANDE"), ("timeout", "OTILLGANGLIG")])
async def test_pensionsmyndigheten_fails_inside_the_answer_of_fk(ssbtek: Any, kind: str, state: str) -> None:
    await ssbtek.order(kind=kind, source="PM", delay_s=0)

    answer = await ssbtek.fetch()

    assert states(answer) == {"FK": "OK", "PM": state}
    assert "utbetalningar" not in answer.lefi
    assert answer.lefi["formansinformation"]["utbetalningsuppgift"]


@pytest.mark.parametrize("source", AGENCIES)
async def test_a_slow_agency_makes_the_whole_answer_late_and_complete(ssbtek: Any, source: str) -> None:
    await ssbtek.order(kind="slow", source=source, delay_s=0.1)
    began = time.monotonic()

    answer = await ssbtek.fetch()

    assert time.monotonic() - began >= 0.1
    assert answer.error(source) is None


async def test_an_agency_that_is_not_asked_meets_no_fault(ssbtek: Any) -> None:
    await ssbtek.order(kind="error", source="CSN", times=1)

    await ssbtek.fetch(edit=lambda text: text.replace('CSN inkludera="true"', 'CSN inkludera="false"'))

    assert (await ssbtek.fetch()).error("CSN") == ("BT", "500")
    assert (await ssbtek.fetch()).error("CSN") is None


async def test_a_share_of_people_meets_the_fault_by_the_simulators_seed(simulate: Any) -> None:
    async def run(seed: int) -> list[bool]:
        ssbtek = await simulate(seed=seed)
        await ssbtek.order(kind="error", source="CSN", share=0.5)
        return [(await ssbtek.fetch(f"1985050{n:05d}")).error("CSN") is not None for n in range(40)]

    first = await run(1)

    assert await run(1) == first
    assert await run(2) != first
    assert 8 <= sum(first) <= 32


@pytest.mark.parametrize("source", AGENCIES)
async def test_a_persons_own_record_may_say_that_an_agency_fails_or_is_left_out(
    simulate: Any, person_with: Callable[..., PersonRecord], source: str
) -> None:
    fails = await (await simulate(person_with(failing={source: "error"}))).fetch()
    lacks = await (await simulate(person_with(failing={source: "missing"}))).fetch()

    assert fails.error(source) == ("BT", "500")
    assert lacks.agency(source) is None
    assert [name for name in AGENCIES if lacks.agency(name) is not None] == [name for name in AGENCIES if name != source]


@pytest.mark.parametrize(("how", "state"), [("felande", "FELANDE"), ("otillganglig", "OTILLGANGLIG")])
@pytest.mark.parametrize("source", ["FK", "PM"])
async def test_fk_or_pm_may_be_down_inside_the_answer_and_then_gives_nothing_and_no_deviation(
    simulate: Any, person_with: Callable[..., PersonRecord], source: str, how: str, state: str
) -> None:
    answer = await (await simulate(person_with(failing={source: how}))).fetch()

    assert states(answer) == {"FK": "OK", "PM": "OK"} | {source: state}
    assert answer.lefi["avvikelser"] == {}
    assert ("formansinformation" in answer.lefi, "utbetalningar" in answer.lefi) == (source != "FK", source != "PM")


async def test_pm_may_be_left_out_of_the_answer(simulate: Any, person_with: Callable[..., PersonRecord]) -> None:
    answer = await (await simulate(person_with(failing={"PM": "missing"}))).fetch()

    assert states(answer) == {"FK": "OK"}
    assert "utbetalningar" not in answer.lefi


@pytest.mark.parametrize("source", ["FK", "PM"])
async def test_a_deviation_names_every_group_that_could_not_be_had(
    simulate: Any, person_with: Callable[..., PersonRecord], source: str
) -> None:
    answer = await (await simulate(person_with(failing={source: "avvikelse"}))).fetch()

    deviations = answer.lefi["avvikelser"]
    groups = {name: [entry["formansgrupp"]["kod"] for entry in entries] for name, entries in deviations.items()}
    assert states(answer) == {"FK": "OK", "PM": "OK"}
    assert {entry["avvikelse"]["kod"] for entries in deviations.values() for entry in entries} == {"INTERNT_FEL"}
    if source == "PM":
        assert groups == {"utbetalningar": ["PM:AP"], "preliminaraUtbetalningar": ["PM:AP"]}
    else:
        assert groups["utbetalningar"] == ["FK:BOB", "FK:SJP", "FK:ABB"]
        assert set(groups) == {"formansinformation", "utbetalningar", "preliminaraUtbetalningar"}
        assert list(answer.lefi["formansinformation"]) == ["generellPersoninformation"]


async def test_the_whole_service_may_fail_with_a_soap_fault(ssbtek: Any) -> None:
    await ssbtek.order(kind="error", times=1)

    answer = await ssbtek.fetch()

    assert (answer.status, answer.felkod, answer.response.findtext("faultcode")) == (500, "SSBT-500", "soap:Server")
    assert (await ssbtek.fetch()).status == 200


def test_over_real_http_an_answer_may_be_cut_in_the_middle_or_never_come(world: Callable[..., World]) -> None:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<testaBastjanstInformation xmlns="http://schema.forsakringskassan.se/integration/ssbt/10"/></s:Body></s:Envelope>'
    )
    app = create_app(world(), day=WorldDay())
    with serving(app) as url, httpx.Client(base_url=url, timeout=60, headers={"content-type": "text/xml"}) as client:
        assert client.post("/ssbtek", content=body).status_code == 200
        client.post("/admin/faults", json={"kind": "cut", "times": 1})
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/ssbtek", content=body)
        client.post("/admin/faults", json={"kind": "timeout"})
        with pytest.raises(httpx.ReadTimeout):
            client.post("/ssbtek", content=body, timeout=httpx.Timeout(60, read=0.2))
