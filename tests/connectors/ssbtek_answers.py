"""Puts hand-written answers of the agencies together as SSBTEK sends them, and asks the connector about them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from connectors.errors import ConnectorError
from connectors.registers.port import RegisterQuery
from connectors.registers.ssbtek import Ssbtek, SsbtekSettings
from connectors.transport import TransportSettings
from rules.facts import SOURCES, Payment, RegisterAnswer
from rules.money import Ore
from tests.connectors.transport_server import RawServer, Step, answer

FIXTURES = Path(__file__).parent / "ssbtek_fixtures"
CONTRACT = Path(__file__).parents[3] / "shared" / "contracts" / "ssbtek-v10"
PERSON = "199001012385"  # Skatteverket test number
OTHER_PERSON = "199102022390"  # made up, valid check digit
SSBT = "http://schema.forsakringskassan.se/integration/ssbt/10"
NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
ORDER = ("AF", "CSN", "FK", "SKV", "SO", "TNS", "MIV")
DOWN = "<ssbt:error><ssbt:kalla>BT</ssbt:kalla><ssbt:felkod>500</ssbt:felkod><ssbt:felmeddelande>fel</ssbt:felmeddelande></ssbt:error>"


def fixture(name: str) -> str:
    """Return a fixture's text."""
    return (FIXTURES / name).read_text(encoding="utf-8")


def ssbt_data(inner: str) -> str:
    return f"<ssbt:data>{inner}</ssbt:data>"


def lefi(document: str | bytes | None = None) -> str:
    """Return FK's data around a LEFI document."""
    content = fixture("lefi.json") if document is None else document
    return ssbt_data(f"<ssbt:lefiJsonSvar>{base64_of(content)}</ssbt:lefiJsonSvar>")


def csn(document: str | bytes | None = None) -> str:
    """Return CSN's data around a document."""
    return ssbt_data(f"<ssbt:svar>{base64_of(fixture('csn.xml') if document is None else document)}</ssbt:svar>")


def skv(document: str | None = None) -> str:
    """Return Skatteverket's data around a document."""
    return ssbt_data(f"<svar><![CDATA[{fixture('skv.xml') if document is None else document}]]></svar>")


def xml_agency(name: str, document: str | None = None) -> str:
    """Return an agency's data: its children are in its own namespace, `data` itself in SSBTEK's."""
    content = (fixture(name) if document is None else document).strip()
    return content.replace("<data", "<ssbt:data", 1).replace("</data>", "</ssbt:data>")


def base64_of(document: str | bytes) -> str:
    return base64.b64encode(document.encode() if isinstance(document, str) else document).decode()


def everything() -> dict[str, str]:
    """Return what each agency answers when all goes well."""
    return {
        "AF": xml_agency("af.xml"),
        "CSN": csn(),
        "FK": lefi(),
        "SKV": skv(),
        "SO": xml_agency("so.xml"),
        "TNS": xml_agency("tns.xml"),
        "MIV": xml_agency("miv.xml"),
    }


def envelope(agencies: Mapping[str, str], correlation: str = "id-1") -> bytes:
    """Return the whole answer."""
    inside = "".join(f"<ssbt:{name}>{agencies[name]}</ssbt:{name}>" for name in ORDER if name in agencies)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ssbt="{SSBT}"><soap:Body>'
        f"<ssbt:hamtaBastjanstInformationResponse><ssbt:korrelationsid>{correlation}</ssbt:korrelationsid>"
        f"<ssbt:svarsdata>{inside}</ssbt:svarsdata></ssbt:hamtaBastjanstInformationResponse></soap:Body></soap:Envelope>"
    ).encode()


def fault(who: str, operation: str = "hamtaBastjanstInformation") -> bytes:
    """Return the service's fault."""
    return (
        f'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ssbt="{SSBT}"><soap:Body><soap:Fault>'
        f"<faultcode>soap:{who}</faultcode><faultstring>fel om {PERSON}</faultstring><detail><ssbt:{operation}Fault>"
        f"<ssbt:felkod>F-17</ssbt:felkod><ssbt:felmeddelande>fel om {PERSON}</ssbt:felmeddelande></ssbt:{operation}Fault>"
        "</detail></soap:Fault></soap:Body></soap:Envelope>"
    ).encode()


def settings(url: str, **changed: Any) -> SsbtekSettings:
    quick = TransportSettings(attempts=1, total_timeout_s=60)
    values: dict[str, Any] = {
        "url": url,
        "transport": quick,
        "organisation_number": "162120000000",
        "organisation_name": "Exempelkommun (påhittad)",
        "handler": "bistandsrobot",
        "purpose": "Utredning av ekonomiskt bistånd",
        "law": "15 kap. 10 § socialtjänstlagen (2025:400)",
        "actor_id": "exempel",
        "municipality": "2281",
    }
    return SsbtekSettings(**(values | changed))


def query(*sources: str, **changed: Any) -> RegisterQuery:
    values: dict[str, Any] = {
        "ref": "applicant",
        "personnummer": PERSON,
        "case_number": "EB-26110123",
        "from_day": date(2026, 10, 1),
        "to_day": date(2026, 12, 31),
        "sources": sources or SOURCES,
    }
    return RegisterQuery(**(values | changed))


async def ask(step: Step, question: RegisterQuery | None = None, **changed: Any) -> tuple[RawServer, list[RegisterAnswer]]:
    """Ask once over a real connection."""
    async with RawServer(step).running() as server:
        registers = Ssbtek(settings(server.url + "/ssbtek", **changed), clock=lambda: NOW, new_id=lambda: "id-1")
        try:
            return server, await registers.answers(question or query())
        finally:
            await registers.aclose()


async def read(agencies: Mapping[str, str], **changed: Any) -> dict[str, RegisterAnswer]:
    """Return the answers by source."""
    _, answers = await ask(answer(200, envelope(agencies), content_type="text/xml; charset=utf-8"), **changed)
    return {found.source: found for found in answers}


async def read_one(source: str, data: str, **changed: Any) -> RegisterAnswer:
    """Return one source's answer, its agency's element as given and the others in order."""
    agency = "FK" if source == "PM" else source
    return (await read(everything() | {agency: data}, **changed))[source]


async def refusal(step: Step) -> ConnectorError:
    """Return the error of the whole service."""
    try:
        await ask(step)
    except ConnectorError as error:
        return error
    raise AssertionError("no error came")


def kr(amount: Ore | None) -> str | None:
    """Return an amount in kronor with two decimals."""
    return None if amount is None else f"{amount / 100:.2f}"


def paid(found: RegisterAnswer) -> list[Payment]:
    """Return the payments that were made."""
    return [payment for payment in found.payments if not payment.preliminary]


async def fk(change: Any, source: str = "FK", **settings: Any) -> RegisterAnswer:
    """Return FK's (or PM's) answer after a change of the document."""
    document = json.loads(fixture("lefi.json"))
    change(document)
    return await read_one(source, lefi(json.dumps(document)), **settings)


def first(document: Any) -> Any:
    """Return the first payment of a LEFI document."""
    return document["formansinformation"]["utbetalningsuppgift"][0]


async def so(old: str, new: str) -> RegisterAnswer:
    """Return the a-kassor's answer after a change of its text."""
    text = fixture("so.xml")
    assert old in text
    return await read_one("SO", xml_agency("so.xml", text.replace(old, new)))


async def csn_with(old: str, new: str) -> RegisterAnswer:
    """Return CSN's answer after a change of its text."""
    text = fixture("csn.xml")
    assert old in text
    return await read_one("CSN", csn(text.replace(old, new)))
