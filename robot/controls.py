"""What ops have ordered: pauses are told of once each, and what they and shadow mode leave to be claimed."""

from __future__ import annotations

import asyncio
from typing import TypedDict

import structlog

from robot.clock import Clock
from robot.database import Database
from robot.hours import is_open, within
from robot.settings import Settings
from workqueue import Claimed, Pause, QueueError, State

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
NORMAL = 1
ORDERED, PAUSED = "BOT-020", "BOT-021"


class Limits(TypedDict):
    """What may be claimed, as the queue takes it."""

    quiet: bool
    deliver: bool


class Controls:
    """One robot's view of its orders. The queue itself keeps to a pause, so that none is claimed between the order and our look at it."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._known: dict[str, Pause] = {}

    def limits(self) -> Limits:
        """Return what may be claimed now."""
        quiet = within(self._settings.schedule.quiet, self._clock.now())
        return {"quiet": quiet, "deliver": not self._settings.work.shadow}

    def may_use_case_system(self) -> bool:
        """Say whether it is one of the case system's hours: else nothing can be done for any case."""
        return is_open(self._settings.schedule.case_system_open, self._clock.now())

    def may_ask_registers(self) -> bool:
        """Say whether it is one of the registers' hours."""
        return is_open(self._settings.schedule.registers_open, self._clock.now())

    async def run(self, database: Database) -> None:
        """Look again and again; a database that is gone is told by itself."""
        while True:
            try:
                await self.look(database)
            except QueueError:
                pass
            except Exception:
                log.exception("job.failed", job="controls", code="BUG-003")
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self, database: Database) -> None:
        """Tell once of each pause that began, and of each that ended."""
        now = {one.what: one for one in await database.call(lambda queue: queue.pauses())}
        for what, one in now.items():
            if self._known.get(what) != one:
                log.warning("robot.paused", what=what, since=one.since.isoformat(), by=one.by)
        for what in self._known.keys() - now.keys():
            log.info("robot.resumed", what=what)
        self._known = now


def unassessed(claimed: Claimed) -> str | None:
    """Return why a case goes to a person without being assessed, as a code; None = it is assessed.

    Urgent cases are always read: they reach a person at once by themselves, and as what they are.
    """
    if claimed.state is not State.ASSESSING or claimed.priority < NORMAL:
        return None
    if claimed.to_person:
        return ORDERED
    return PAUSED if claimed.paused else None
