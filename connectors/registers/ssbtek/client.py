"""Ask SSBTEK v10 about one person at a time."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from datetime import datetime

from connectors.errors import ConnectorError, RetriableError
from connectors.handshake import Handshake
from connectors.registers.port import RegisterQuery
from connectors.registers.ssbtek.answers import read_answers
from connectors.registers.ssbtek.envelope import open_answer, open_test_answer
from connectors.registers.ssbtek.question import fetch_question, test_question
from connectors.registers.ssbtek.settings import SsbtekSettings
from connectors.registers.ssbtek.xml import Unreadable
from connectors.transport import Answer, Tallies, Tally, Transport
from rules.facts import SOURCES, RegisterAnswer

_HEADERS = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}
_XML = frozenset({"text/xml", "application/xml", "application/soap+xml"})


class Ssbtek:
    """Ask SSBTEK v10 about one person. Reads only; one call answers for all sources.

    `clock` gives the world's time; `new_id` the id by which question and answer find each other; `tallies` = where what comes of the
    questions is counted.
    """

    name = "ssbtek"

    def __init__(
        self,
        settings: SsbtekSettings,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        tallies: Tallies = Tally,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self._transport = Transport(settings.url, settings.transport, neighbour=self.name, tallies=tallies)

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
        # The answer is dated when it was asked for: a payment made while we waited may not be in it.
        asked_at = self._clock()
        answer = await self._ask(question)
        try:
            return read_answers(answer.body, query, self._settings, correlation=correlation, fetched_at=asked_at, neighbour=self.name)
        except ConnectorError as error:
            raise answer.blame(error) from None

    async def check(self) -> Handshake:
        """Ask by testaBastjanstInformation, without any person's data."""
        try:
            found = open_test_answer((await self._ask(test_question())).body, neighbour=self.name)
        except ConnectorError as error:
            return Handshake(self.name, ok=False, message=f"{error.code}: {error.message}; see docs/errors.md")
        except Unreadable as reason:
            return Handshake(self.name, ok=False, message=f"{reason.code}: the answer is not SSBTEK's; check the address")
        failing = [f"{agency} ({error.source} {error.code})" for agency, error in found.items() if error]
        return Handshake(self.name, ok=True, message=f"answers, but without {', '.join(failing)}" if failing else "answers")

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    async def _ask(self, question: bytes) -> Answer:
        answer = await self._transport.request(
            "POST", "", content=question, headers=_HEADERS, repeatable=True, expected=(200, 500), content_types=_XML
        )
        if answer.status == 500:
            raise answer.blame(self._fault(answer.body))
        return answer

    def _fault(self, content: bytes) -> ConnectorError:
        """By SOAP 1.1 a fault has status 500; anything else with that status is no answer."""
        with contextlib.suppress(Unreadable):
            try:
                open_answer(content, neighbour=self.name)
            except ConnectorError as error:
                return error
        return RetriableError("SSB-001", "the service failed without a readable fault", neighbour=self.name)
