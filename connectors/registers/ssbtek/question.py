"""The question: SOAP 1.1 around SSBTEK's own parameters, with LEFI's JSON inside as base64. Identity numbers stand nowhere but here."""

from __future__ import annotations

import base64
import json
import re

from lxml import etree

from connectors.errors import PermanentError
from connectors.registers.port import RegisterQuery
from connectors.registers.ssbtek.settings import SsbtekSettings

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SSBT = "http://schema.forsakringskassan.se/integration/ssbt/10"
FETCH = "hamtaBastjanstInformation"
TEST = "testaBastjanstInformation"
LEFI_VERSION = "v9"
_ORDER = ("AF", "CSN", "FK", "SKV", "SO", "TNS", "MIV")
_PERSONNUMMER = re.compile(r"[0-9]{12}", re.ASCII)


def fetch_question(query: RegisterQuery, settings: SsbtekSettings, correlation: str, *, neighbour: str) -> bytes:
    """Return the question about one person. Raises PermanentError (SSB-010) when it cannot be put."""
    if not _PERSONNUMMER.fullmatch(query.personnummer) or not query.case_number.strip() or query.from_day > query.to_day:
        raise PermanentError("SSB-010", "the question lacks a number of twelve digits, a case number or a period", neighbour=neighbour)
    envelope, body = _envelope()
    question = _add(body, FETCH)
    try:
        _general(_add(question, "generellaFrageparametrar"), query, settings, correlation)
        _specific(_add(question, "specifikaFrageparametrar"), query, settings)
    except ValueError:
        raise PermanentError("SSB-010", "the question holds a character that XML has no room for", neighbour=neighbour) from None
    return _written(envelope)


def test_question() -> bytes:
    """Return the question whether the service is there, with nobody's data."""
    envelope, body = _envelope()
    _add(body, TEST)
    return _written(envelope)


def _general(parent: etree._Element, query: RegisterQuery, settings: SsbtekSettings, correlation: str) -> None:
    _add(parent, "korrelationsid", correlation)
    _add(parent, "fraganSkallInkluderasISvaret", "false")
    asker = _add(parent, "ingivare")
    _add(asker, "organisationsnummer", settings.organisation_number)
    _add(asker, "namn", settings.organisation_name)
    _add(asker, "handlaggare", settings.handler)
    _add(parent, "personidentitet", query.personnummer)
    _add(parent, "arendeidentitet", query.case_number)
    period = _add(parent, "tidsperiod")
    _add(period, "fromDatum", query.from_day.isoformat())
    _add(period, "tomDatum", query.to_day.isoformat())
    _add(parent, "syfte", settings.purpose)
    _add(parent, "lagtext", settings.law)


def _specific(parent: etree._Element, query: RegisterQuery, settings: SsbtekSettings) -> None:
    wanted = {"FK" if source == "PM" else source for source in query.sources}
    for agency in _ORDER:
        element = _add(parent, agency)
        element.set("inkludera", "true" if agency in wanted else "false")
        if agency == "FK" and "FK" in wanted:
            part = _add(element, "fraga")
            _add(part, "version", LEFI_VERSION)
            _add(part, "aktorsid", settings.actor_id)
            _add(part, "lefiJsonFraga", base64.b64encode(_lefi(query, settings)).decode("ascii"))


def _lefi(query: RegisterQuery, settings: SsbtekSettings) -> bytes:
    fk = list(settings.fk_groups) if "FK" in query.sources else []
    pm = list(settings.pm_groups) if "PM" in query.sources else []
    question = {
        "personnummer": query.personnummer,
        "period": {"from": query.from_day.isoformat(), "tom": query.to_day.isoformat()},
        "formansinformation": fk,
        "ansprak": pm,
        "beslut": pm,
        "preliminaraUtbetalningar": fk + pm,
        "utbetalningar": fk + pm,
        "ovrigInformation": ["FK:GEPI"] if fk else [],
    }
    return json.dumps({key: value for key, value in question.items() if value}).encode("ascii")


def _envelope() -> tuple[etree._Element, etree._Element]:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP, "ssbt": SSBT})
    return envelope, etree.SubElement(envelope, f"{{{SOAP}}}Body")


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{SSBT}}}{name}")
    element.text = text
    return element


def _written(envelope: etree._Element) -> bytes:
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
