"""The service's own answer: SOAP, faults, and what it brings from each agency."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import ConnectorError, PermanentError, RetriableError
from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek import xml
from connectors.registers.ssbtek.question import FETCH, SOAP, TEST
from connectors.registers.ssbtek.values import code
from connectors.registers.ssbtek.xml import Element, Unreadable

_AGENCIES = frozenset({"AF", "CSN", "FK", "SKV", "SO", "TNS", "MIV"})
_ORIGINS = frozenset({"SSBT", "BT"})


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened answer: each agency's element by name, and the names of elements that are no agency we know."""

    agencies: dict[str, Element]
    correlation: str | None
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgencyError:
    """An agency's own error: who says so and its code. Its message is not kept: it may hold anything."""

    source: str
    code: str


def open_answer(content: bytes, *, neighbour: str) -> Opened:
    """Return the agencies' elements. Raises the fault's error, or Unreadable (SSB-003) when it is no answer to a question."""
    response = _payload(content, neighbour)
    data = xml.only(response, "svarsdata", codes.NOT_XML) if xml.name(response) == f"{FETCH}Response" else None
    if data is None:
        raise Unreadable(codes.NOT_XML)
    agencies: dict[str, Element] = {}
    unknown = []
    for child in xml.children(data):
        agency = xml.name(child)
        if agency not in _AGENCIES:
            unknown.append(agency)
        elif agency in agencies:
            raise Unreadable(codes.NOT_XML)
        else:
            agencies[agency] = child
    return Opened(agencies, xml.leaf(response, "korrelationsid"), tuple(unknown))


def open_test_answer(content: bytes, *, neighbour: str) -> dict[str, AgencyError | None]:
    """Return each agency that the test names, with its error. Raises the fault's error, or Unreadable (SSB-003)."""
    response = _payload(content, neighbour)
    if xml.name(response) != f"{TEST}Response":
        raise Unreadable(codes.NOT_XML)
    found: dict[str, AgencyError | None] = {}
    for child in xml.children(response):
        error = xml.named(child, "error")
        found[xml.name(child)] = agency_error(error[0]) if error else None
    return found


def agency_error(error: Element) -> AgencyError:
    """Return who failed and its code, each only when shaped as one."""
    origin = code(xml.leaf(error, "kalla"))
    return AgencyError(origin if origin in _ORIGINS else f"unknown:{origin}", code(xml.leaf(error, "felkod")))


def agency_data(element: Element) -> Element | AgencyError:
    """Return the agency's data or its error. Raises Unreadable when it has not exactly one of them."""
    found = list(xml.children(element))
    if len(found) == 1 and xml.name(found[0]) == "data":
        return found[0]
    if len(found) == 1 and xml.name(found[0]) == "error":
        return agency_error(found[0])
    raise Unreadable(codes.PAYLOAD)


def _payload(content: bytes, neighbour: str) -> Element:
    root = xml.parse(content, codes.NOT_XML)
    body = xml.only(root, "Body", codes.NOT_XML) if root.tag == f"{{{SOAP}}}Envelope" else None
    found = [] if body is None else list(xml.children(body))
    if len(found) != 1:
        raise Unreadable(codes.NOT_XML)
    if xml.name(found[0]) == "Fault":
        raise _fault(found[0], neighbour)
    return found[0]


def _fault(fault: Element, neighbour: str) -> ConnectorError:
    details = [child for detail in xml.named(fault, "detail") for child in xml.children(detail)]
    own_code = code(xml.leaf(details[0], "felkod")) if details else "without a code"
    who = (xml.leaf(fault, "faultcode") or "").rpartition(":")[2]
    if who.partition(".")[0] == "Client":
        return PermanentError("SSB-002", f"the service refused our question ({own_code})", neighbour=neighbour)
    return RetriableError("SSB-001", f"the service answered with a fault ({own_code})", neighbour=neighbour)
