"""Which cases one robot takes in hand, and how a case that kills workers is found without blaming those beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from robot.controls import Controls
from robot.database import Database
from robot.settings import Settings
from workqueue import Claimed, RetriableQueueError, WorkQueue

_LOOK_FOR_SUSPECTS_EVERY_S = 30.0
"""So often, and after each rescue, cases that may be what kills workers are looked for."""
_BETWEEN_SUSPECTS_S = 1.0
"""After one of them all others have a turn, so that none of those is held up for long."""
_APART_S = 0.03
"""A busy robot claims no sooner than so after it claimed last: a claim costs about the same for one case as for several."""
_ALONE_AT_LEAST = 2
"""So many of the crashes that a person gets a case for are of its own: nothing else was in hand."""


class Claims:
    """Claims for the robot of that name. A case that workers have died with, a suspect, is taken alone."""

    def __init__(self, settings: Settings, controls: Controls, name: str, *, once: bool) -> None:
        self._work = settings.work
        self._controls = controls
        self._name = name
        self._once = once
        self._suspects_from = max(1, settings.work.most_crashes - _ALONE_AT_LEAST)
        self._look_at = 0.0
        self._claim_at = 0.0

    async def turn(self, *, busy: bool) -> None:
        """Wait until it is time to claim again: with nothing in hand that is at once."""
        early_s = self._claim_at - asyncio.get_running_loop().time()
        if busy and early_s > 0:
            await asyncio.sleep(early_s)

    async def claim(self, database: Database, limit: int, in_hand: Collection[Claimed]) -> list[Claimed]:
        """Claim at most that many cases; none while the database is locked or full, which is tried again.

        A suspect is taken when what is in hand is finished: else those that happen to be in hand beside the one that kills would be
        blamed with it.
        """
        if limit == 0 or not self._controls.may_use_case_system() or any(case.rescues >= self._suspects_from for case in in_hand):
            return []
        self._claim_at = asyncio.get_running_loop().time() + _APART_S
        lease_s, most_rescues = self._work.lease_s, self._suspects_from - 1
        limits = self._controls.limits()
        try:
            if await self._suspects_are_due(database, idle=not in_hand):
                return [] if in_hand else await self._a_suspect(database)
            return await database.call(lambda queue: queue.claim(self._name, limit, lease_s, most_rescues=most_rescues, **limits))
        except RetriableQueueError:
            return []

    def let_go(self, case: Claimed) -> None:
        """Note that a case is not in hand any more."""
        if case.rescues >= self._suspects_from:
            self._look_at = asyncio.get_running_loop().time() + _BETWEEN_SUSPECTS_S

    def look_for_suspects(self) -> None:
        """Look at once: cases have been rescued, and one of them may be what their worker died of."""
        self._look_at = 0.0

    async def _a_suspect(self, database: Database) -> list[Claimed]:
        """Claim the one with the fewest crashes: were it the first each time, power cuts in a row would all be blamed on that one."""
        lease_s, most, limits = self._work.lease_s, self._work.most_crashes, self._controls.limits()

        def claim(queue: WorkQueue) -> list[Claimed]:
            for rescues in range(self._suspects_from, most):
                if found := queue.claim(self._name, 1, lease_s, least_rescues=rescues, most_rescues=rescues, **limits):
                    return found
            return queue.claim(self._name, 1, lease_s, least_rescues=most, **limits)

        return await database.call(claim)

    async def _suspects_are_due(self, database: Database, *, idle: bool) -> bool:
        """Look now and then; while there are some, each time."""
        now = asyncio.get_running_loop().time()
        if now < self._look_at and not (self._once and idle):
            return False
        due = await database.call(lambda queue: queue.due_after_rescues(self._suspects_from, **self._controls.limits()))
        self._look_at = now if due else now + _LOOK_FOR_SUSPECTS_EVERY_S
        return due
