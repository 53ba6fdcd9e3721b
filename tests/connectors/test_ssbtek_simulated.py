"""The connector against the simulated SSBTEK, over real HTTP: the conformance suite, and what the world holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import httpx
import pytest

from connectors.errors import RetriableError
from connectors.registers.ssbtek import Ssbtek
from connectors.simulators.day import WorldDay
from connectors.simulators.serve import serving
from connectors.simulators.ssbtek import create_app
from connectors.simulators.world import (
    AfRecord,
    AKassaRecord,
    ApplicationRecord,
    PaymentRecord,
    PersonRecord,
    RegisterRecord,
    World,
)
from connectors.transport import TransportSettings
from rules.facts import SOURCES, RegisterAnswer
from tests.connectors.registers_conformance import Bench, RegistersConformance
from tests.connectors.ssbtek_answers import OTHER_PERSON, PERSON, query, settings

TODAY = date(2026, 11, 30)
PROTECTED = "199205052380"  # made up, valid check digit
STRANGER = "198008080002"  # made up, valid check digit, in no register


def money(group: str, benefit: str, day: date, net: str, **more: Any) -> PaymentRecord:
    return PaymentRecord(group, benefit, day, net, date(2026, 11, 1), date(2026, 11, 30), **more)


FULL = RegisterRecord(
    fk=(
        money("BOB", "Bostadsbidrag", date(2026, 11, 27), "1850.00"),
        money("SJP", "Sjukpenning", date(2026, 11, 25), "6300.00", gross="9000.00", tax="2700.00", deductions="3200.00"),
        money("ABB", "Barnbidrag", date(2026, 12, 18), "1250.00", planned=True),
    ),
    pm=(money("AP", "Allmän pension", date(2026, 11, 19), "9000.00", gross="12000.00", tax="3000.00", deductions="3800.00"),),
    a_kassor=(AKassaRecord("Påhittade a-kassan", payments=(money("", "", date(2026, 11, 20), "6240.00", deductions="240.00"),)),),
    csn=(money("Studiemedel", "Studiemedel", date(2026, 11, 25), "12400.00"),),
    af=AfRecord(job_seeker=True, registered=date(2025, 9, 1)),
    capital_income="1500",
    vehicles=("XXX000",),
    permits=({"kind": "UPPEHALLSTILLSTAND", "permanent": "false", "from": "2025-01-01", "to": "2027-01-31"},),
    pending=(("BOB", date(2026, 11, 3)),),
)


class Municipality:
    """A served world with one application, and its admin."""

    def __init__(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def connected(self, **changed: Any) -> AsyncIterator[Ssbtek]:
        quick = TransportSettings(attempts=1, total_timeout_s=5, breaker_failures=2, breaker_open_s=0.05)
        registers = Ssbtek(
            settings(f"{self.url}/ssbtek", **({"transport": quick} | changed)),
            clock=lambda: datetime.fromisoformat("2026-11-30T06:00:00+01:00"),
        )
        try:
            yield registers
        finally:
            await registers.aclose()

    async def fault(self, **order: Any) -> None:
        async with httpx.AsyncClient() as admin:
            (await admin.post(f"{self.url}/admin/faults", json=order)).raise_for_status()

    async def repair(self) -> None:
        async with httpx.AsyncClient() as admin:
            (await admin.delete(f"{self.url}/admin/faults")).raise_for_status()
        # The breaker lets a probe out after this long.
        await asyncio.sleep(0.06)


def world(registers: RegisterRecord = FULL) -> World:
    people = (
        PersonRecord(PERSON, "p-1", "Påhittad", "Provperson", registers),
        PersonRecord(OTHER_PERSON, "p-2", "Uppdiktad", "Provperson", replace(FULL, fk=FULL.fk[:1])),
        PersonRecord(PROTECTED, "p-3", "Skuggad", "Provperson", RegisterRecord(protected_fk=True, af=AfRecord(False, protected=True))),
    )
    application = ApplicationRecord(
        errand_id="e-1",
        errand_number="EB-1",
        type_slug="financial-assistance-renewal",
        arrives=datetime.fromisoformat("2026-11-20T09:00:00+01:00"),
        group="test",
        data={},
        people=people,
    )
    return World(seed=1, today=TODAY, applications=(application,))


@pytest.fixture
def municipality() -> Iterator[Municipality]:
    with serving(create_app(world(), day=WorldDay(TODAY))) as url:
        yield Municipality(url)


class TestSsbtek(RegistersConformance):
    @pytest.fixture
    async def bench(self, municipality: Municipality) -> AsyncIterator[Bench]:
        async with municipality.connected() as registers:

            async def break_source(source: str) -> None:
                await municipality.fault(kind="error", source=source)

            async def break_service() -> None:
                await municipality.fault(kind="http_500")

            yield Bench(
                registers=registers,
                paid=PERSON,
                pays="SO",
                stranger=STRANGER,
                protected=PROTECTED,
                break_source=break_source,
                break_service=break_service,
                repair=municipality.repair,
                month_end=TODAY,
                secrets=("Påhittad", "Uppdiktad", "Provperson"),
            )


async def answers_of(registers: RegisterRecord, **changed: Any) -> dict[str, RegisterAnswer]:
    with serving(create_app(world(registers), day=WorldDay(TODAY))) as url:
        async with Municipality(url).connected(**changed) as connector:
            return {answer.source: answer for answer in await connector.answers(query())}


async def test_the_world_comes_through_with_every_amount() -> None:
    found = await answers_of(FULL)
    amounts = {
        source: [(payment.benefit, payment.net, payment.other_deductions, payment.preliminary) for payment in answer.payments]
        for source, answer in found.items()
    }
    assert amounts == {
        "FK": [("Bostadsbidrag", 185_000, 0, False), ("Sjukpenning", 630_000, 50_000, False), ("Barnbidrag", 125_000, 0, True)],
        "PM": [("Allmän pension", 900_000, 80_000, False)],
        "SO": [("Arbetslöshetsersättning", 624_000, 24_000, False)],
        "CSN": [("Studiemedel", 1_240_000, None, False)],
        "AF": [],
        "SKV": [],
        "TNS": [],
        "MIV": [],
    }
    assert not any(answer.unrecognised or answer.deviations or answer.error for answer in found.values())
    assert found["FK"].facts.applied_not_decided == ("Bostadsbidrag",)
    assert (found["AF"].facts.job_seeker, found["SKV"].facts.capital_income) == (True, 150_000)
    assert (len(found["TNS"].facts.vehicles), len(found["MIV"].facts.permits)) == (1, 1)


async def test_an_empty_world_holds_nothing_and_nothing_is_silent() -> None:
    found = await answers_of(RegisterRecord())
    assert {source: answer.status for source, answer in found.items()} == {
        source: "answered" if source == "FK" else "nothing_held" for source in SOURCES
    }
    assert (found["FK"].facts.protected, found["AF"].facts.job_seeker) == (False, False)


@pytest.mark.parametrize("source", ["FK", "PM"])
@pytest.mark.parametrize("how", ["felande", "otillganglig", "avvikelse", "missing"])
async def test_every_way_that_fk_and_pm_fail_leaves_that_one_alone_unchecked(source: str, how: str) -> None:
    found = await answers_of(replace(FULL, failing={source: how}))
    assert [name for name, answer in found.items() if answer.status == "unavailable"] == (
        ["FK", "PM"] if (source, how) == ("FK", "missing") else [source]
    )
    assert bool(found[source].deviations) is (how == "avvikelse")


async def test_refused_personal_information_says_nothing_on_protection() -> None:
    found = (await answers_of(replace(FULL, gepi=False)))["FK"]
    assert (found.facts.protected, found.status, len(found.payments)) == (None, "answered", 3)


async def test_an_unreadable_amount_in_every_source_is_a_payment_without_amount() -> None:
    broken = replace(
        FULL,
        fk=(replace(FULL.fk[0], raw_amount="1 850,00"),),
        pm=(replace(FULL.pm[0], raw_amount="abc"),),
        csn=(replace(FULL.csn[0], raw_amount="12 400"),),
        a_kassor=(replace(FULL.a_kassor[0], payments=(replace(FULL.a_kassor[0].payments[0], raw_amount="x"),)),),
    )
    found = await answers_of(broken)
    for source in ("FK", "PM", "CSN", "SO"):
        assert [payment.net for payment in found[source].payments] == [None]


@pytest.mark.parametrize("kind", ["http_500", "cut", "answer_lost", "error"])
async def test_a_fault_of_the_whole_service_is_asked_again_within_the_question(municipality: Municipality, kind: str) -> None:
    await municipality.fault(kind=kind, times=1)
    patient = TransportSettings(attempts=2, backoff_first_s=0, backoff_max_s=0, total_timeout_s=10)
    async with municipality.connected(transport=patient) as registers:
        if kind == "error":
            # A SOAP fault is an answer of the service: the caller decides when to ask again.
            with pytest.raises(RetriableError, match="SSB-001"):
                await registers.answers(query())
        assert len(await registers.answers(query())) == len(SOURCES)


async def test_a_silent_service_ends_with_the_total_time(municipality: Municipality) -> None:
    await municipality.fault(kind="timeout")
    async with municipality.connected(transport=TransportSettings(attempts=3, total_timeout_s=0.5)) as registers:
        with pytest.raises(RetriableError, match="NET-004"):
            await registers.answers(query())
