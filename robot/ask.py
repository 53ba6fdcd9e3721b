"""Step 3: the registers' answers about every adult of a case, at the same time, within one deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from connectors.errors import ConnectorError
from connectors.registers.port import RegisterQuery, Registers
from robot.clock import Clock
from robot.hours import Window, is_open
from rules.facts import Application, Member, RegisterAnswer, Source, SourceError

log = structlog.get_logger()

_LOOK_BACK_MONTHS = 2


class Asker:
    """Ask the registers about the adults of a case. What could not be asked is an answer too: `unavailable`."""

    def __init__(
        self, registers: Registers, clock: Clock, sources: Sequence[Source], *, deadline_s: float, open_in: Sequence[Window] = ()
    ) -> None:
        """`open_in` = the hours in which they may be asked; outside them nothing is."""
        self._registers = registers
        self._clock = clock
        self._sources = tuple(sources)
        self._deadline_s = deadline_s
        self._open_in = tuple(open_in)

    async def ask(self, application: Application, number: str) -> tuple[RegisterAnswer, ...]:
        """Return one answer for each adult and source, in the order of the application."""
        adults = [member for member in application.household.members if member.role != "child"]
        if not is_open(self._open_in, self._clock.now()):
            return tuple(answer for adult in adults for answer in self._unavailable(adult, "REG-103"))
        if len(adults) == 1:  # as most are: a task of its own would cost as much as reading a source's answer
            return tuple(await self._ask_one(adults[0], application, number))
        answers = await asyncio.gather(*(self._ask_one(adult, application, number) for adult in adults))
        return tuple(answer for of_person in answers for answer in of_person)

    async def _ask_one(self, adult: Member, application: Application, number: str) -> list[RegisterAnswer]:
        if adult.personnummer is None:
            return self._unavailable(adult, "REG-101")
        query = RegisterQuery(
            ref=adult.ref,
            personnummer=adult.personnummer,
            case_number=number,
            from_day=application.month.plus(-_LOOK_BACK_MONTHS).first,
            to_day=application.month.last,
            sources=self._sources,
        )
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._registers.answers(query)
        except TimeoutError:
            code = "REG-102"
        except ConnectorError as error:
            code = error.code
        # Not of which case: a hand-over right after it would be a stop, for a control sample has an answer of every source.
        log.warning("register.no_answer", register=self._registers.name, code=code)
        return self._unavailable(adult, code)

    def _unavailable(self, adult: Member, code: str) -> list[RegisterAnswer]:
        at = self._clock.now()
        return [
            RegisterAnswer(
                person=adult.ref, source=source, status="unavailable", fetched_at=at, error=SourceError(source="robot", code=code)
            )
            for source in self._sources
        ]
