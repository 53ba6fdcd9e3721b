"""A hand-made world of a few made-up people, and ways to ask the simulated SSBTEK about them."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from lxml import etree
from starlette.applications import Starlette

from connectors.simulators.day import WorldDay
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

CONTRACTS = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "ssbtek-v10"
RICH, EMPTY, PROTECTED, MOVED, COORDINATION = "199001012385", "198505052387", "197001012391", "196001012393", "199001612384"
SOAP_TEXT = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}
LEFI = {
    "personnummer": RICH,
    "period": {"from": "2026-10-01", "tom": "2026-12-31"},
    "formansinformation": ["FK:BOB", "FK:SJP", "FK:SA", "FK:ABB"],
    "utbetalningar": ["FK:BOB", "FK:SJP", "FK:ABB", "PM:AP"],
    "preliminaraUtbetalningar": ["FK:BOB", "PM:AP"],
    "ovrigInformation": ["FK:GEPI"],
}


def payment(group: str, benefit: str, paid_on: date, net: str, **more: Any) -> PaymentRecord:
    """Make a payment that covers its own month."""
    last = {"covers_from": paid_on.replace(day=1), "covers_to": paid_on.replace(day=28)}
    return PaymentRecord(group=group, benefit=benefit, paid_on=paid_on, net=net, **(last | more))


def rich() -> RegisterRecord:
    """Everything that every agency can hold."""
    return RegisterRecord(
        fk=(
            payment("BOB", "Bostadsbidrag", date(2026, 10, 27), "1850.00"),
            payment("BOB", "Bostadsbidrag", date(2026, 11, 27), "1850.00"),
            payment("BOB", "Bostadsbidrag", date(2026, 12, 28), "1900.50", planned=True, visible_from=date(2026, 12, 28)),
            payment(
                "SJP", "Sjukpenning", date(2026, 11, 25), "5500.00", tax="1500.00", deductions="2000.00", part="SJPDEL", amount_type="SJ"
            ),
        ),
        pm=(
            payment("AP", "Ålderspension", date(2026, 11, 18), "9000.00", tax="1000.00", deductions="1200.00"),
            payment("AP", "Ålderspension", date(2026, 12, 18), "9000.00", planned=True),
        ),
        a_kassor=(
            AKassaRecord(
                "Påhittade a-kassan",
                payments=(payment("SO", "Arbetslöshetsersättning", date(2026, 11, 20), "6240.00", tax="2000.00", deductions="2100.00"),),
                suspended_from=date(2026, 11, 23),
                applied_on=date(2026, 11, 2),
            ),
            AKassaRecord("Andra påhittade a-kassan", status="Timeout"),
        ),
        csn=(
            payment("Studiemedel", "Studiemedel", date(2026, 11, 25), "3500.00"),
            payment("Studiehjälp", "Studiehjälp", date(2026, 12, 30), "1250.00", planned=True),
        ),
        af=AfRecord(job_seeker=True, registered=date(2025, 9, 1), a_kassa="Påhittade a-kassan"),
        capital_income="1234",
        vehicles=("ABC123 SAAB", "DEF456"),
        permits=({"kind": "UT", "from": "2025-01-01", "to": "2027-01-01", "permanent": "false"}, {"giltighetstid": "PERMANENT"}),
        pending=(("SA", date(2026, 10, 1)),),
    )


@dataclass
class Simulated:
    """The simulated SSBTEK, its clock, and what an asker does with it."""

    app: Starlette
    day: WorldDay
    http: httpx.AsyncClient

    async def fetch(self, personnummer: str = RICH, *, lefi: dict[str, Any] | None = None, edit: Callable[[str], str] = str) -> Answer:
        """Ask about a person; `edit` may change the question's text first."""
        return await self.send(edit(question(personnummer, LEFI | {"personnummer": personnummer} | (lefi or {}))))

    async def send(self, body: str | bytes, *, headers: dict[str, str] | None = None) -> Answer:
        """Send any text to the service."""
        answer = await self.http.post("/ssbtek", content=body, headers=headers or SOAP_TEXT)
        return Answer(answer.status_code, answer.content)

    async def order(self, **fault: Any) -> None:
        """Order a fault."""
        answer = await self.http.post("/admin/faults", json=fault)
        assert answer.status_code == 201, answer.text


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content: bytes

    @property
    def response(self) -> etree._Element:
        """The one element in the SOAP body."""
        body = etree.fromstring(self.content)[-1]
        assert len(body) == 1
        return body[0]

    def agency(self, name: str) -> etree._Element | None:
        """One agency's element."""
        return self.response.find(f"{{*}}svarsdata/{{*}}{name}")

    def error(self, name: str) -> tuple[str, str] | None:
        """kalla and felkod of an agency's error."""
        element = self.agency(name)
        error = None if element is None else element.find("{*}error")
        return None if error is None else (error.findtext("{*}kalla") or "", error.findtext("{*}felkod") or "")

    def text(self, name: str, path: str) -> str | None:
        """A text under an agency's data, in any namespace."""
        element = self.agency(name)
        assert element is not None
        return element.findtext("/".join(f"{{*}}{step}" for step in ("data", *path.split("/"))))

    @property
    def felkod(self) -> str | None:
        """felkod of the SOAP fault."""
        return self.response.findtext("detail/{*}hamtaBastjanstInformationFault/{*}felkod")

    @property
    def lefi(self) -> Any:
        """The LEFI JSON."""
        return json.loads(base64.b64decode(self.text("FK", "lefiJsonSvar") or "", validate=True))

    @property
    def csn(self) -> etree._Element:
        """CSN's document."""
        return etree.fromstring(base64.b64decode(self.text("CSN", "svar") or "", validate=True))


def question(personnummer: str, lefi: dict[str, Any]) -> str:
    """Return a question to all seven agencies, as the contract shows it."""
    inner = base64.b64encode(json.dumps(lefi).encode()).decode()
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:q="http://schema.forsakringskassan.se/integration/ssbt/10">
<soapenv:Header/><soapenv:Body><q:hamtaBastjanstInformation>
<q:generellaFrageparametrar>
<q:korrelationsid>abc-1</q:korrelationsid><q:fraganSkallInkluderasISvaret>false</q:fraganSkallInkluderasISvaret>
<q:ingivare><q:organisationsnummer>162120000000</q:organisationsnummer><q:namn>Exempelkommun</q:namn><q:handlaggare>robot01</q:handlaggare></q:ingivare>
<q:personidentitet>{personnummer}</q:personidentitet><q:arendeidentitet>EB-26-1</q:arendeidentitet>
<q:tidsperiod><q:fromDatum>2026-10-01</q:fromDatum><q:tomDatum>2026-12-31</q:tomDatum></q:tidsperiod>
<q:syfte>Utredning</q:syfte><q:lagtext>SFS 2008:975</q:lagtext>
</q:generellaFrageparametrar>
<q:specifikaFrageparametrar><q:AF inkludera="true"/><q:CSN inkludera="true"/><q:FK inkludera="true"><q:fraga><q:version>v9</q:version>
<q:aktorsid>9255f428</q:aktorsid><q:lefiJsonFraga>{inner}</q:lefiJsonFraga></q:fraga></q:FK><q:SKV inkludera="true"/>
<q:SO inkludera="true"/><q:TNS inkludera="true"/><q:MIV inkludera="true"/></q:specifikaFrageparametrar>
</q:hamtaBastjanstInformation></soapenv:Body></soapenv:Envelope>"""


def people() -> tuple[PersonRecord, ...]:
    """Everybody of the little world."""
    moved = RegisterRecord(other_address=True, civil_status="G", deceased=date(2026, 11, 3), gepi=True)
    records = {
        RICH: rich(),
        EMPTY: RegisterRecord(),
        PROTECTED: RegisterRecord(protected_fk=True, protected_csn=True, af=AfRecord(job_seeker=False, protected=True)),
        MOVED: moved,
        COORDINATION: RegisterRecord(
            csn=(payment("Studiemedel", "Studiemedel", date(2026, 11, 25), "3500.00"),), emigrated=date(2026, 1, 1)
        ),
    }
    return tuple(PersonRecord(number, f"party-{number[-4:]}", "Tester", "Påhittsson", record) for number, record in records.items())


@pytest.fixture
def world() -> Callable[..., World]:
    """Make a world of people; default all of the little one."""

    def make(*who: PersonRecord) -> World:
        arrives = datetime(2026, 11, 20, 9, tzinfo=ZoneInfo("Europe/Stockholm"))
        application = ApplicationRecord("e1", "EB-26-1", "financial-assistance-renewal", arrives, "test", {}, who or people())
        return World(seed=7, today=date(2026, 11, 30), applications=(application,))

    return make


@pytest.fixture
async def simulate(world: Callable[..., World]) -> AsyncIterator[Callable[..., Awaitable[Simulated]]]:
    """Start a simulated SSBTEK on 30 November 2026, with these people instead of the usual ones."""
    clients: list[httpx.AsyncClient] = []

    async def start(*who: PersonRecord, seed: int = 0) -> Simulated:
        day = WorldDay(clock=lambda: 0.0)
        app = create_app(world(*who), day=day, seed=seed)
        clients.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ssbtek.test"))
        return Simulated(app, day, clients[-1])

    yield start
    for client in clients:
        await client.aclose()


@pytest.fixture
async def ssbtek(simulate: Callable[..., Awaitable[Simulated]]) -> Simulated:
    """The usual one."""
    return await simulate()


@pytest.fixture
def person_with() -> Callable[..., PersonRecord]:
    """Make a person, the same number each time, with these records."""

    def make(**records: Any) -> PersonRecord:
        return PersonRecord(RICH, "party-1", "Tester", "Påhittsson", RegisterRecord(**records))

    return make


@pytest.fixture
def pay() -> Callable[..., PaymentRecord]:
    """Make a payment."""
    return payment


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The folder of official contract files; skips where it is not beside the project."""
    if not CONTRACTS.is_dir():
        pytest.skip("the official contract files (../shared/contracts/ssbtek-v10) are not here")
    return CONTRACTS


@pytest.fixture(scope="session")
def official(contracts: Path) -> etree.XMLSchema:
    """The official schema of questions and answers."""
    return etree.XMLSchema(etree.parse(str(contracts / "se/forsakringskassan/schema/integration/ssbt/_10/sammansatt_bastjanst_v10.xsd")))
