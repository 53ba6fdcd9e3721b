"""The case system and the registers of a mix: servers of their own, which go on with what they were sent whatever becomes of the robot.

What they hold is the truth that the promises are held against: what was written, when, by whom, and when a person took the case.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from sim_loop import PROCESS, Life
from sim_mix import LEASE_S
from sim_world import World

from connectors.case_systems.port import (
    CaseApplication,
    CaseListed,
    CaseReading,
    Effect,
    EffectKind,
    Receipt,
    Standing,
    StoredDraft,
)
from connectors.errors import PermanentError, RetriableError
from connectors.handshake import Handshake
from connectors.registers.port import RegisterQuery
from rules.facts import Application, CaseFile, RegisterAnswer, SourceError

Value = TypeVar("Value")
TIMEOUT_S = 4.0
"""Seconds that a question may take; longer than that and nobody knows what became of it."""
SETTLES_S = LEASE_S * 0.6
"""A write that has not been made so many seconds after it was sent is never made, when the robot that sent it is gone or stands still:
another robot may look for it from then on."""
WAITED_FOR_S = TIMEOUT_S + LEASE_S * 0.9
"""The same when the robot is there: it looks again a lease's time after it gave up waiting, unless its clock is set meanwhile."""
RECEIVED, UNDER_REVIEW, AWAITING_DECISION, MANUAL_REVIEW = "RECEIVED", "UNDER_REVIEW", "AWAITING_DECISION", "NEEDS_MANUAL_REVIEW"
_STATUS = {
    EffectKind.UNDER_REVIEW: UNDER_REVIEW,
    EffectKind.AWAITING_DECISION: AWAITING_DECISION,
    EffectKind.MANUAL_REVIEW: MANUAL_REVIEW,
    EffectKind.NATIVE_DRAFT: AWAITING_DECISION,
}


@dataclass(frozen=True)
class Written:
    """A write that stands: when it was made, and when the look was that it rests on, in seconds of the loop."""

    key: str
    kind: EffectKind
    by: str
    looked_s: float
    at_s: float
    held: bool
    """Whether the robot held the case when it looked."""


@dataclass
class SimCase:
    """What the case system holds of one case."""

    number: int
    case_id: str
    kind: str
    file: CaseFile
    created_at: datetime
    version: int = 1
    changed: int = 0
    status: str = RECEIVED
    set_by_person: bool = False
    assigned_to: str | None = None
    decided: bool = False
    person_s: float | None = None
    """When a person first did something with the case, in seconds of the loop."""
    written: list[Written] = field(default_factory=list)
    refused: int = 0
    """How many writes were refused."""

    @property
    def application(self) -> Application:
        """Return the application as it is now."""
        return self.file.application


@dataclass(frozen=True)
class Look:
    """What was seen before a write."""

    ours: bool
    found: bool
    at_s: float
    held: bool


class Net:
    """One neighbour at the other end of a network."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name

    async def ask(self, what: str, serve: Callable[[], Value], *, write: bool = False, case: int | None = None) -> Value:
        """Send a question and return its answer. Once it has been sent it is answered, also when nobody waits for it any more."""
        world = self.world
        await _stage(world)
        lost = world.hit("case_system_answer_lost") if self.name == "case_system" else None
        slow = world.hit(f"{self.name}_slow")
        answer: asyncio.Future[Value] = world.loop.create_future()
        asked_by = PROCESS.get()

        moved_s, stops = world.clock.moved_s, asked_by.stops if asked_by else 0
        lateness = world.brief() + (slow.amount if slow else 0.0)

        def arrive() -> None:
            there = asked_by is not None and asked_by.life is Life.RUNS and asked_by.stops == stops
            waited_for = there and world.clock.moved_s == moved_s
            if write and lateness > (WAITED_FOR_S if waited_for else SETTLES_S):
                return
            token = PROCESS.set(asked_by)
            try:
                world.note(what, case=case)
                result = serve()
            except (RetriableError, PermanentError, ValueError) as error:
                later(answer.set_exception, error)
            else:
                if lost is not None:
                    later(answer.set_exception, failure("NET-003", write=write))
                else:
                    later(answer.set_result, result)
            finally:
                PROCESS.reset(token)
            world.step()

        def later(give: Callable[..., None], value: object) -> None:
            world.loop.outside(world.brief(), lambda: None if answer.done() else give(value))

        world.loop.outside(lateness, arrive)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                result = await answer
        except TimeoutError:
            raise failure("NET-004", write=write) from None
        await _stage(world)
        return result

    def refuse(self) -> None:
        """Raise what the case system answers instead when it is not well."""
        world = self.world
        if world.hit("case_system_down") or world.hit("case_system_away"):
            raise failure("NET-007")
        busy = world.hit("case_system_busy")
        if busy is not None:
            raise RetriableError("NET-006", "busy", neighbour="sim", retry_after_s=busy.amount * 144)


async def _stage(world: World) -> None:
    """One more thing happens; a process that was killed by it, or stands still, goes no further."""
    world.step()
    await asyncio.sleep(0)


def failure(code: str, *, write: bool = False) -> RetriableError:
    """Return an error that may pass."""
    return RetriableError(code, "failed", neighbour="sim", unknown_outcome=write)


def refusal() -> PermanentError:
    """Return an error that does not pass by itself."""
    return PermanentError("NET-008", "refused", neighbour="sim")


class SimCaseSystem(Net):
    """A case system. `looks_first` = a write is looked for by its key before it is made."""

    looks_first = True

    def __init__(self, world: World, cases: dict[str, SimCase], *, holds: Callable[[str, str], bool]) -> None:
        """`holds` = whether a process has a case in hand, by the case's id and the process's name."""
        super().__init__(world, "case_system")
        self.cases = cases
        self._holds = holds

    async def find_new(self, since: datetime | None) -> AsyncIterator[CaseListed]:
        """Yield what nobody has begun."""
        listed = await self.ask("list", lambda: self._list(since))
        cut = self.world.hit("list_cut")
        for one in listed[: len(listed) // 2] if cut else listed:
            yield one
        if cut:
            raise failure("NET-003")

    async def find_begun(self, since: datetime) -> AsyncIterator[CaseListed]:
        """Yield nothing: no database is restored here."""
        del since
        for listed in list[CaseListed]():
            yield listed

    async def application(self, case_id: str) -> CaseApplication:
        """Read one."""
        case = self.cases[case_id]
        return await self.ask("read", lambda: self._application(case), case=case.number)

    async def reading(self, case: CaseApplication, *, partial: bool = False) -> CaseReading:
        """Read the history; a part of it is never missing by itself."""
        del partial
        held = self.cases[case.case_id]

        def read() -> CaseReading:
            self._reading_refused(held)
            history = held.file.history.model_copy(update={"decided_by_person": held.decided})
            return CaseReading(case, history, protected=False)

        return await self.ask("read history", read, case=held.number)

    async def apply_if_ours(self, effect: Effect, assigned_to: str | None) -> Receipt | None:
        """Make a write unless a person has the case or it is there already."""
        case = self.cases[effect.case_id]
        seen = await self.ask("look", lambda: self._look(case, effect, assigned_to), case=case.number)
        if not seen.ours:
            return None
        differs = ("income_amount",) if effect.kind is EffectKind.NATIVE_DRAFT and case.kind == "differs" else ()
        if seen.found and self.looks_first:
            return Receipt(effect.key, found=True, differs=differs)
        await self.ask(f"write {effect.kind}", lambda: self._write(case, effect, seen), write=True, case=case.number)
        return Receipt(effect.key, differs=differs)

    async def standing(self, case_id: str, assigned_to: str | None) -> Standing:
        """Say whose it is."""
        return self._standing(self.cases[case_id], assigned_to)

    async def apply(self, effect: Effect) -> Receipt:
        """Nobody writes without a look."""
        raise NotImplementedError

    def warning_type(self, flag_code: str) -> str | None:
        """Have one type for them all."""
        del flag_code
        return "CHANGE"

    async def stored(self, case_id: str) -> StoredDraft:
        """Not used here."""
        raise NotImplementedError

    async def check(self) -> Handshake:
        """Answer."""
        return Handshake("sim", ok=True, message="answers")

    async def aclose(self) -> None:
        """Nothing to close."""

    def _list(self, since: datetime | None) -> list[CaseListed]:
        self.refuse()
        if self.world.hit("list_empty"):
            return []
        fresh = [case for case in self.cases.values() if case.status == RECEIVED and (since is None or case.created_at > since)]
        return [CaseListed(case.case_id, case.created_at, case.created_at + timedelta(microseconds=case.changed)) for case in fresh]

    def _application(self, case: SimCase) -> CaseApplication:
        self._reading_refused(case)
        unreadable = "no_data" if case.kind == "unreadable" else None
        return CaseApplication(
            case.case_id,
            f"EB-{case.number}",
            f"v{case.version}",
            self._standing(case, case.assigned_to),
            case.assigned_to,
            None if unreadable else case.application,
            unreadable,
        )

    def _reading_refused(self, case: SimCase) -> None:
        self.refuse()
        if self.world.hit("reading_refused", case.number):
            raise refusal()

    def _standing(self, case: SimCase, assigned_to: str | None) -> Standing:
        ours = not (case.set_by_person or case.decided) and case.assigned_to == assigned_to
        return Standing.OURS if ours else Standing.TAKEN

    def _look(self, case: SimCase, effect: Effect, assigned_to: str | None) -> Look:
        self.refuse()
        found = any(one.key == effect.key for one in case.written)
        if effect.kind in _STATUS and effect.kind is not EffectKind.NATIVE_DRAFT:
            found = case.status == _STATUS[effect.kind]
        process = PROCESS.get()
        held = process is not None and self._holds(case.case_id, process.name)
        return Look(self._standing(case, assigned_to) is Standing.OURS, found, self.world.loop.time(), held)

    def _write(self, case: SimCase, effect: Effect, seen: Look) -> None:
        self.refuse()
        if self.world.hit("write_refused", case.number):
            case.refused += 1
            raise refusal()
        process = PROCESS.get()
        by = process.name if process else "-"
        case.written.append(Written(effect.key, effect.kind, by, seen.at_s, self.world.loop.time(), seen.held))
        if effect.kind in _STATUS:
            case.status, case.changed = _STATUS[effect.kind], case.changed + 1


class SimRegisters(Net):
    """Registers that answer what the case's file says."""

    def __init__(self, world: World, cases: dict[str, SimCase]) -> None:
        super().__init__(world, "registers")
        self._cases = {f"EB-{case.number}": case for case in cases.values()}

    async def answers(self, query: RegisterQuery) -> list[RegisterAnswer]:
        """Answer for one person."""
        case = self._cases[query.case_number]
        if self.world.hit("registers_bug", case.number):
            raise ValueError("a made-up bug")
        return await self.ask("ask registers", lambda: self._answers(case, query), case=case.number)

    async def check(self) -> Handshake:
        """Answer."""
        return Handshake("sim", ok=True, message="answers")

    async def aclose(self) -> None:
        """Nothing to close."""

    def _answers(self, case: SimCase, query: RegisterQuery) -> list[RegisterAnswer]:
        if self.world.hit("registers_down"):
            raise failure("NET-007")
        if self.world.hit("registers_refuse"):
            raise refusal()
        silent = self.world.hit("source_silent")
        at = self.world.clock.now()
        given = {one.source: one for one in case.file.registers}
        return [
            RegisterAnswer(
                person=query.ref, source=source, status="unavailable", fetched_at=at, error=SourceError(source="sim", code="DOWN")
            )
            if silent and source in silent.sources
            else given[source].model_copy(update={"fetched_at": at})
            for source in (one.source for one in case.file.registers)
        ]
