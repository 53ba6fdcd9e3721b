"""A question to SSBTEK v10: read from SOAP, checked as its schema says, and refused as the service refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lxml import etree

from connectors.simulators.ssbtek.names import AGENCIES, SOAP, SSBT
from connectors.simulators.ssbtek.structure import (
    Element,
    NotAsDeclared,
    any_string,
    base64_binary,
    boolean,
    check,
    collapsed,
    day,
    moment,
    non_empty,
    organisation_number,
    person_identity,
    read_boolean,
    read_day,
    short,
)

FETCH = "hamtaBastjanstInformation"
TEST = "testaBastjanstInformation"

_PERIOD = (Element("fromDatum", day), Element("tomDatum", day))
_OWN_PERIOD = (Element("tidsperiod", _PERIOD, least=0),)
_LEFI = (Element("version", any_string, least=0), Element("aktorsid", any_string), Element("lefiJsonFraga", base64_binary))
_CONTENT: dict[str, tuple[Element, ...]] = {
    "AF": _OWN_PERIOD,
    "CSN": _OWN_PERIOD,
    "FK": (Element("fraga", _LEFI, least=0),),
    "SKV": (),
    "SO": _OWN_PERIOD,
    "TNS": _OWN_PERIOD,
    "MIV": (),
}
_GENERAL = (
    Element("frageTidpunkt", moment, least=0),
    Element("korrelationsid", any_string, least=0),
    Element("fraganSkallInkluderasISvaret", boolean, default="0"),
    Element(
        "ingivare", (Element("organisationsnummer", organisation_number), Element("namn", non_empty), Element("handlaggare", non_empty))
    ),
    Element("personidentitet", person_identity),
    Element("arendeidentitet", non_empty),
    Element("tidsperiod", _PERIOD),
    Element(
        "personuppgiftsbitrade",
        (Element("ordningsnummer", short, least=0), Element("organisationsnummer", organisation_number), Element("namn", non_empty)),
        least=0,
        most=None,
    ),
    Element("syfte", any_string),
    Element("lagtext", any_string),
)
_SPECIFIC = tuple(Element(agency, _CONTENT[agency], attributes={"inkludera": boolean}) for agency in AGENCIES)
_SHAPES = {
    FETCH: Element(FETCH, (Element("generellaFrageparametrar", _GENERAL), Element("specifikaFrageparametrar", _SPECIFIC))),
    TEST: Element(TEST, ()),
}


class Refused(Exception):
    """SSBTEK as a whole refuses the question: a SOAP fault of the operation. `code` is its felkod."""

    def __init__(self, code: str, message: str, *, operation: str = FETCH) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.operation = operation


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included."""

    from_day: date
    to_day: date

    def __contains__(self, asked: date) -> bool:
        return self.from_day <= asked <= self.to_day


@dataclass(frozen=True, slots=True)
class LefiPart:
    """The part of the question that goes to Försäkringskassan and Pensionsmyndigheten. `json` is still base64."""

    version: str | None
    actor: str
    json: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of whom about whom. `periods` holds every agency asked, with the days that hold for it."""

    personnummer: str
    organisation: str
    name: str
    officer: str
    case: str
    purpose: str
    law: str
    period: Period
    periods: dict[str, Period]
    lefi: LefiPart | None
    asked_at: str | None
    correlation: str | None
    echo: tuple[etree._Element, ...]
    """The question's own elements, when they are wanted back in the answer."""


def read(body: bytes) -> Question | None:
    """Return the question; None when it is the test operation. Raises Refused."""
    node = _payload(body)
    operation = etree.QName(node).localname
    try:
        check(node, _SHAPES[operation], SSBT)
    except NotAsDeclared as reason:
        raise Refused("SCHEMA", f"Frågan följer inte schemat: {reason}", operation=operation) from None
    return _question(node) if operation == FETCH else None


def _payload(content: bytes) -> etree._Element:
    """Return the one element of the SOAP body, if it is an operation of ours."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Refused("XML", "Frågan är inte läsbar XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refused("DOCTYPE", "Frågan får inte ha någon DOCTYPE")
    body = root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or body is None:
        raise Refused("SOAP", "Frågan är inte ett SOAP 1.1-kuvert")
    if len(body) != 1 or body[0].tag not in {f"{{{SSBT}}}{operation}" for operation in _SHAPES}:
        raise Refused("OPERATION", "Okänd operation")
    return body[0]


def _text(node: etree._Element, path: str) -> str:
    """Return an element's text, '' when it is missing."""
    found = node.find("/".join(f"{{{SSBT}}}{step}" for step in path.split("/")))
    return "" if found is None else str(found.text or "")


def _period(node: etree._Element) -> Period:
    period = Period(read_day(_text(node, "tidsperiod/fromDatum")), read_day(_text(node, "tidsperiod/tomDatum")))
    if period.from_day > period.to_day:
        raise Refused("PERIOD", "Perioden slutar innan den börjar")
    return period


def _question(node: etree._Element) -> Question:
    general, specific = node
    whole = _period(general)
    periods: dict[str, Period] = {}
    lefi = None
    for agency in specific:
        if read_boolean(str(agency.get("inkludera"))):
            own = agency.find(f"{{{SSBT}}}tidsperiod")
            periods[etree.QName(agency).localname] = whole if own is None else _period(agency)
            if (part := agency.find(f"{{{SSBT}}}fraga")) is not None:
                has_version = part.find(f"{{{SSBT}}}version") is not None
                lefi = LefiPart(_text(part, "version") if has_version else None, _text(part, "aktorsid"), _text(part, "lefiJsonFraga"))
    wants_echo = read_boolean(_text(general, "fraganSkallInkluderasISvaret") or "0")
    return Question(
        personnummer=collapsed(_text(general, "personidentitet")),
        organisation=collapsed(_text(general, "ingivare/organisationsnummer")),
        name=_text(general, "ingivare/namn"),
        officer=_text(general, "ingivare/handlaggare"),
        case=_text(general, "arendeidentitet"),
        purpose=_text(general, "syfte"),
        law=_text(general, "lagtext"),
        period=whole,
        periods=periods,
        lefi=lefi,
        asked_at=_text(general, "frageTidpunkt") or None,
        correlation=_text(general, "korrelationsid") if general.find(f"{{{SSBT}}}korrelationsid") is not None else None,
        echo=(general, specific) if wants_echo else (),
    )
