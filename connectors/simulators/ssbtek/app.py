"""The SSBTEK service of the simulated municipality: POST /ssbtek, and the admin routes that order faults."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from functools import partial
from typing import cast, get_args

from lxml import etree
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connectors.simulators import population
from connectors.simulators.day import WorldDay
from connectors.simulators.faults import DEFAULT_DELAY_S, FaultMiddleware, Faults
from connectors.simulators.ssbtek.agencies import XML_AGENCIES, Asked, add
from connectors.simulators.ssbtek.csn import NotAnswerable, csn_answer
from connectors.simulators.ssbtek.envelope import CONTENT_TYPE, agency_error, fault, open_answer, test_answer, xml
from connectors.simulators.ssbtek.lefi import Trouble, lefi_answer
from connectors.simulators.ssbtek.lefi_question import LefiQuestion, LefiRefused, read_lefi
from connectors.simulators.ssbtek.names import AGENCIES, SSBT
from connectors.simulators.ssbtek.people import Arrivals, People
from connectors.simulators.ssbtek.question import Question, Refused, read
from connectors.simulators.world import PersonRecord, World

PATH = "/ssbtek"
MAX_BODY = 256 * 1024
"""Longest question, bytes."""
DEFAULT_MUNICIPALITY = "2281"

_DOWN = ("BT", "500", "Bastjänsten kunde inte hantera frågan")
_SILENT = ("SSBT", "504", "Bastjänsten svarade inte i tid")
_WHOLE = {"error": _DOWN, "timeout": _SILENT}
"""How an agency fails as a whole: its error's kalla, felkod and felmeddelande."""
_PM_TROUBLE = {"error": "felande", "timeout": "otillganglig"}
"""Pensionsmyndigheten has no element of its own: it fails inside the LEFI answer."""


def create_app(
    world: World, *, day: WorldDay, seed: int = 0, municipality: str = DEFAULT_MUNICIPALITY, arrivals: Arrivals | None = None
) -> Starlette:
    """Return the registers of `world`. `seed` is the one of faults that name none; `municipality` is where its people are registered.

    `arrivals` makes the applications whose people POST /admin/arrive brings: those of the population by default.
    """
    faults = Faults(day, seed=seed)
    people = People(world, day, arrivals or partial(population.arrivals, world.seed))
    service = _Service(people, day, faults, municipality)
    on_error = partial(fault, "SSBT-500", "Sammansatta bastjänsten kunde inte svara", by_client=False)
    return Starlette(
        routes=[Route(PATH, service.answer, methods=["POST"]), *faults.admin_routes(), *people.routes()],
        middleware=[Middleware(FaultMiddleware, faults=faults, on_error=on_error)],
    )


class _Service:
    """Answers questions from the records of the world."""

    def __init__(self, people: People, day: WorldDay, faults: Faults, municipality: str) -> None:
        self._people = people
        self._day = day
        self._faults = faults
        self._municipality = municipality

    async def answer(self, request: Request) -> Response:
        """Answer one SOAP question."""
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != CONTENT_TYPE:
            return PlainTextResponse("SOAP 1.1 is text/xml", status_code=415)
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return PlainTextResponse("The question is too long", status_code=413)
        except ClientDisconnect:
            return PlainTextResponse("", status_code=400)
        try:
            question = read(body)
        except Refused as refusal:
            self._faults.note("ssbtek.refused", felkod=refusal.code, reason=refusal.message)
            return fault(refusal.code, refusal.message, operation=refusal.operation)
        return test_answer() if question is None else await self._fetch(question)

    async def _fetch(self, question: Question) -> Response:
        person = self._people.find(question.personnummer)
        if person is None:
            self._faults.note("ssbtek.unknown_person")
        troubles = await self._troubles(question, person)
        envelope, data = open_answer(question)
        for agency in AGENCIES:
            if agency in question.periods and troubles.get(agency) != "missing":
                self._agency(add(data, SSBT, agency), agency, question, person, troubles)
        return xml(envelope)

    async def _troubles(self, question: Question, person: PersonRecord | None) -> dict[str, str]:
        """Return how each source fails this time, by order of the admin or by the person's own record; waits for the slow ones."""
        sources = {*question.periods, *(["PM"] if "FK" in question.periods else [])}
        troubles = {source: how for source, how in person.registers.failing.items() if source in sources} if person else {}
        wait_s = 0.0
        for source in sorted(sources):
            ordered = self._faults.for_source(source, question.personnummer)
            if ordered is not None:
                if ordered.kind != "error":
                    wait_s = max(wait_s, DEFAULT_DELAY_S if ordered.delay_s is None else ordered.delay_s)
                if ordered.kind != "slow":
                    troubles[source] = ordered.kind
        if wait_s:
            await asyncio.sleep(wait_s)
        return troubles

    def _agency(
        self, element: etree._Element, agency: str, question: Question, person: PersonRecord | None, troubles: Mapping[str, str]
    ) -> None:
        """Write one agency's element: `data`, or its `error`."""
        trouble = troubles.get(agency)
        if trouble in _WHOLE or (trouble is not None and agency != "FK"):
            agency_error(element, *_WHOLE.get(str(trouble), _DOWN))
            return
        asked = Asked(question, question.periods[agency], person, self._day.today())
        if agency == "FK":
            self._lefi(element, asked, troubles)
        elif agency == "CSN":
            try:
                document = csn_answer(asked)
            except NotAnswerable:
                agency_error(element, "BT", "PERSONNUMMER", "CSN kan inte svara för ett samordningsnummer")
                return
            add(add(element, SSBT, "data"), SSBT, "svar", base64.b64encode(document).decode())
        else:
            XML_AGENCIES[agency](add(element, SSBT, "data"), asked)

    def _lefi(self, element: etree._Element, asked: Asked, troubles: Mapping[str, str]) -> None:
        try:
            lefi = read_lefi(asked.question.lefi, asked.question.personnummer)
        except LefiRefused as refusal:
            self._faults.note("lefi.refused", status=refusal.status, reason=refusal.message)
            agency_error(element, "BT", refusal.status, refusal.message)
            return
        document = lefi_answer(asked.person, lefi, asked.today, troubles=_inside(lefi, troubles), municipality=self._municipality)
        add(add(element, SSBT, "data"), SSBT, "lefiJsonSvar", base64.b64encode(document).decode())


def _inside(lefi: LefiQuestion, troubles: Mapping[str, str]) -> dict[str, Trouble]:
    """Return how FK and PM fail inside a LEFI answer; an unknown way of failing is FELANDE."""
    inside: dict[str, Trouble] = {}
    for source in ("FK", "PM"):
        how = troubles.get(source)
        if how is not None and lefi.asks(source):
            how = _PM_TROUBLE.get(how, how)
            inside[source] = cast(Trouble, how) if how in get_args(Trouble) else "felande"
    return inside
