"""SOAP around an answer: the envelope, an agency's own error, and the fault of the service as a whole."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree
from starlette.responses import Response

from connectors.simulators.ssbtek.agencies import add
from connectors.simulators.ssbtek.names import AF, AGENCIES, FORDON, SO, SOAP, SSBT, TNS, XSI
from connectors.simulators.ssbtek.question import FETCH, TEST, Question

_PREFIXES = {"soap": SOAP, "ssbt": SSBT, "af": AF, "so": SO, "tns": TNS, "frdn": FORDON, "xsi": XSI}
CONTENT_TYPE = "text/xml"


def open_answer(question: Question) -> tuple[etree._Element, etree._Element]:
    """Return the envelope of an answer and its `svarsdata`, with what the asker wants back of the question."""
    envelope, body = _envelope()
    response = add(body, SSBT, f"{FETCH}Response")
    if question.echo:
        echo = add(response, SSBT, "fraga")
        for part in question.echo:
            echo.append(deepcopy(part))
    if question.asked_at is not None:
        add(response, SSBT, "frageTidpunkt", question.asked_at)
    if question.correlation is not None:
        add(response, SSBT, "korrelationsid", question.correlation)
    return envelope, add(response, SSBT, "svarsdata")


def agency_error(element: etree._Element, origin: str, code: str, message: str) -> None:
    """Write an agency's `error`. `origin`: SSBT when the service got no answer, BT when the agency itself failed."""
    error = add(element, SSBT, "error")
    add(error, SSBT, "kalla", origin)
    add(error, SSBT, "felkod", code)
    add(error, SSBT, "felmeddelande", message)


def test_answer() -> Response:
    """Answer the test operation: every agency was called and is well."""
    envelope, body = _envelope()
    response = add(body, SSBT, f"{TEST}Response")
    for agency in AGENCIES:
        add(add(response, SSBT, agency), SSBT, "anropad", "true")
    return xml(envelope)


def fault(code: str, message: str, *, operation: str = FETCH, by_client: bool = True) -> Response:
    """Answer with the operation's SOAP fault, HTTP 500 as SOAP 1.1 says."""
    envelope, body = _envelope()
    node = add(body, SOAP, "Fault")
    add(node, None, "faultcode", "soap:Client" if by_client else "soap:Server")
    add(node, None, "faultstring", message)
    detail = add(add(node, None, "detail"), SSBT, f"{operation}Fault")
    add(detail, SSBT, "felkod", code)
    add(detail, SSBT, "felmeddelande", message)
    return xml(envelope, status=500)


def xml(envelope: etree._Element, *, status: int = 200) -> Response:
    """Return the envelope as an HTTP answer."""
    content = etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
    return Response(content, status_code=status, media_type=CONTENT_TYPE)


def _envelope() -> tuple[etree._Element, etree._Element]:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap=_PREFIXES)
    return envelope, add(envelope, SOAP, "Body")
