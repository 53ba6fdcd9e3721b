"""Ask SSBTEK v10 about one person at a time."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import get_args

from pydantic import ValidationError

from connectors.errors import ConnectorError, RetriableError
from connectors.handshake import Handshake
from connectors.registers.port import RegisterQuery
from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek.agencies import read_af, read_miv, read_skv, read_tns
from connectors.registers.ssbtek.csn import read_csn
from connectors.registers.ssbtek.envelope import AgencyError, Opened, agency_data, open_answer, open_test_answer
from connectors.registers.ssbtek.fk import read_fk
from connectors.registers.ssbtek.lefi import decode
from connectors.registers.ssbtek.pm import read_pm
from connectors.registers.ssbtek.question import fetch_question, test_question
from connectors.registers.ssbtek.reading import Asked, Reading
from connectors.registers.ssbtek.settings import SsbtekSettings
from connectors.registers.ssbtek.so import read_so
from connectors.registers.ssbtek.xml import Element, Unreadable, from_base64, leaf
from connectors.transport import Transport
from rules.facts import SOURCES, RegisterAnswer, Source

_HEADERS = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}
_XML = frozenset({"text/xml", "application/xml", "application/soap+xml"})
_XML_READERS: dict[str, Callable[[Element, Reading], None]] = {
    "CSN": read_csn,
    "AF": read_af,
    "SKV": read_skv,
    "TNS": read_tns,
    "MIV": read_miv,
}


class Ssbtek:
    """Ask SSBTEK v10 about one person. Reads only; one call answers for all sources.

    `clock` gives the world's time; `new_id` the id by which question and answer find each other.
    """

    name = "ssbtek"

    def __init__(
        self, settings: SsbtekSettings, *, clock: Callable[[], datetime], new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self._transport = Transport(settings.url, settings.transport, neighbour=self.name)

    async def answers(self, query: RegisterQuery) -> list[RegisterAnswer]:
        """Return one answer per source asked, in that order; a failed or missing one is `unavailable`.

        Raises RetriableError when the service as a whole gave no answer, PermanentError when it refused us.
        """
        if unknown := set(query.sources) - set(SOURCES):
            raise ValueError(f"unknown sources: {sorted(unknown)}")
        if not query.sources:
            return []
        correlation = self._new_id()
        question = fetch_question(query, self._settings, correlation, neighbour=self.name)
        asked_at = self._clock()
        content = await self._ask(question)
        asked = Asked(query.ref, query.personnummer, query.from_day, query.to_day)
        readings = [Reading(source, asked) for source in get_args(Source) if source in query.sources]
        try:
            opened = open_answer(content, neighbour=self.name)
            if opened.correlation not in (None, correlation):
                raise Unreadable(codes.OTHER_PERSON)
        except Unreadable as reason:
            for reading in readings:
                reading.fails("robot", reason.code)
        else:
            for reading in readings:
                self._read(reading, opened)
        found = {reading.source: _answer(reading, asked_at) for reading in readings}
        return [found[source] for source in query.sources if source in found]

    async def check(self) -> Handshake:
        """Ask by testaBastjanstInformation, without any person's data."""
        try:
            found = open_test_answer(await self._ask(test_question()), neighbour=self.name)
        except ConnectorError as error:
            return Handshake(self.name, ok=False, message=f"{error.code}: {error.message}; see docs/errors.md")
        except Unreadable as reason:
            return Handshake(self.name, ok=False, message=f"{reason.code}: the answer is not SSBTEK's; check the address")
        failing = [f"{agency} ({error.source} {error.code})" for agency, error in found.items() if error]
        return Handshake(self.name, ok=True, message=f"answers, but without {', '.join(failing)}" if failing else "answers")

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    async def _ask(self, question: bytes) -> bytes:
        answer = await self._transport.request(
            "POST", "", content=question, headers=_HEADERS, repeatable=True, expected=(200, 500), content_types=_XML
        )
        if answer.status == 500:
            # A fault is status 500 by SOAP 1.1; anything else with that status is no answer.
            with contextlib.suppress(Unreadable):
                open_answer(answer.body, neighbour=self.name)
            raise RetriableError("SSB-001", "the service failed without a readable fault", neighbour=self.name)
        return answer.body

    def _read(self, reading: Reading, opened: Opened) -> None:
        """Read one source's part. Whatever cannot be followed makes the source unavailable, with what was read until then kept."""
        for name in opened.unknown:
            reading.odd(f"SSBTEK.{name}")
        element = opened.agencies.get("FK" if reading.source == "PM" else reading.source)
        if element is None:
            reading.fails("robot", codes.ABSENT)
            return
        try:
            data = agency_data(element)
            if isinstance(data, AgencyError):
                reading.fails(data.source, data.code)
            else:
                self._read_data(reading, data)
        except Unreadable as reason:
            if reason.code == codes.OTHER_PERSON:
                reading.forget()
            reading.fails("robot", reason.code)

    def _read_data(self, reading: Reading, data: Element) -> None:
        if reading.source in {"FK", "PM"}:
            reading.odd_children(data, {"lefiJsonSvar"}, "LEFI")
            lefi = decode(from_base64(leaf(data, "lefiJsonSvar"), codes.PAYLOAD))
            if reading.source == "FK":
                read_fk(lefi, reading, self._settings.municipality)
            else:
                read_pm(lefi, reading, self._settings.tax_deduction_types)
        elif reading.source == "SO":
            read_so(data, reading, self._settings.so_answered_statuses)
        else:
            _XML_READERS[reading.source](data, reading)


def _answer(reading: Reading, fetched_at: datetime) -> RegisterAnswer:
    try:
        return reading.answer(fetched_at)
    except ValidationError:
        # The pieces do not make facts: nothing of them can be relied on.
        empty = Reading(reading.source, reading.asked)
        empty.fails("robot", codes.PAYLOAD)
        return empty.answer(fetched_at)
