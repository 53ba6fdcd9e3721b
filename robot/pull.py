"""Step 1 of a case's life: pull what is new from the case system into the queue. Pulling twice adds nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import structlog

from connectors.case_systems.port import CaseApplication, CaseListed, CaseSystem, Standing
from connectors.errors import ConnectorError, PermanentError, RetriableError
from robot.begun import Begun
from robot.begun import unread as unread_case
from robot.clock import Clock
from robot.database import Database
from robot.deadlines import deadline
from robot.duty import PullDuty
from rules import Rulebook, triage
from rules.facts import Application, CaseFile, History
from rules.month import Month
from workqueue import UNREAD, PermanentQueueError, PulledCase

log = structlog.get_logger()

URGENT, NORMAL = 0, 1
_READS_AT_ONCE = 8
_BATCH = 50
_LOOKED_UP_AT_ONCE = 200
"""Listed cases whose change marks are looked up together."""


class Puller:
    """Ask the case system for applications that nobody has begun, and put each version in the queue once."""

    def __init__(
        self,
        case_system: CaseSystem,
        database: Database,
        rulebook: Rulebook,
        clock: Clock,
        *,
        overlap_s: float,
        duty: PullDuty | None = None,
        added: Callable[[], None] = lambda: None,
        may_ask: Callable[[], bool] = lambda: True,
    ) -> None:
        """`duty` = what says whether this robot pulls, None = it does. `added` is called when there are new cases in the queue.

        `may_ask` = whether the case system is open.
        """
        self._case_system = case_system
        self._database = database
        self._rulebook = rulebook
        self._clock = clock
        self._overlap = timedelta(seconds=overlap_s)
        self._duty = duty
        self._added = added
        self._may_ask = may_ask
        self._begun = Begun(case_system, database, self._pulled)
        self._one_at_a_time = asyncio.Lock()
        self._failed = False
        self.not_stored = 0
        """Applications of the last pull that the database refused: nobody has them until it takes them."""

    @property
    def is_pulling(self) -> bool:
        """Whether a pull goes on."""
        return self._one_at_a_time.locked()

    async def pull(self, *, everything: bool = False) -> int:
        """Add what is new and return how many cases that was.

        Asks for what was created since the last pull that succeeded, less the overlap, or for `everything` not begun. A case that
        cannot be read is put in the queue all the same, so that it has a deadline and reaches a person; one that was not read now, or
        that the database refused, is also read again the next time. Does nothing while another robot pulls or the case system is closed.
        Raises ConnectorError when the list cannot be read to its end: what was found is kept.
        """
        async with self._one_at_a_time:
            self.not_stored = 0
            if not self._may_ask() or not await self._is_ours():
                return 0
            if await self._begun.take():
                self._added()
            started = self._clock.now()
            last = None if everything else await self._database.call(lambda queue: queue.last_pull(self._case_system.name))
            since = last - self._overlap if last else None
            batch: list[CaseListed] = []
            added = unread = 0
            cut_short: ConnectorError | None = None
            try:
                async for changed in self._changed(since):
                    batch += changed
                    while len(batch) >= _BATCH:
                        if not await self._is_ours():
                            log.warning("pull.left_to_another", added=added)
                            return added
                        done = await self._take(batch[:_BATCH])
                        added, unread, batch = added + done[0], unread + done[1], batch[_BATCH:]
            except ConnectorError as error:
                cut_short = error
            done = await self._take(batch)
            added, unread = added + done[0], unread + done[1]
            if not unread and not self.not_stored and cut_short is None:
                await self._database.call(lambda queue: queue.set_last_pull(self._case_system.name, started))
            if added or unread or self._failed:
                log.info("pull.done", added=added, unread=unread, everything=since is None)
            self._failed = cut_short is not None
            if cut_short is not None:
                raise cut_short
            return added

    async def _changed(self, since: datetime | None) -> AsyncIterator[list[CaseListed]]:
        """Yield what is listed and has changed since it was looked at, some at a time; what was listed is yielded before an error."""
        listed: list[CaseListed] = []
        try:
            async for one in self._case_system.find_new(since):
                listed.append(one)
                if len(listed) == _LOOKED_UP_AT_ONCE:
                    yield await self._not_seen(listed)
                    listed = []
        except ConnectorError:
            yield await self._not_seen(listed)
            raise
        yield await self._not_seen(listed)

    async def _not_seen(self, listed: list[CaseListed]) -> list[CaseListed]:
        if not listed:
            return []
        ids = [one.case_id for one in listed]
        known = await self._database.call(lambda queue: queue.known(self._case_system.name, ids))
        return [one for one in listed if known.mark(one.case_id) != one.changed_at.isoformat()]

    async def _is_ours(self) -> bool:
        """Whether this robot is the one that pulls. A robot that stood still finds out here that another has taken over."""
        return self._duty is None or await self._duty.take()

    async def take(self, case: CaseApplication) -> None:
        """Put one application, already read, in the queue; an older version that is not finished gives way."""
        pulled = self._pulled(case)
        await self._database.call(lambda queue: queue.add(pulled))

    async def _take(self, batch: list[CaseListed]) -> tuple[int, int]:
        if not batch:
            return 0, 0
        limit = asyncio.Semaphore(_READS_AT_ONCE)

        async def read(listed: CaseListed) -> CaseApplication | None:
            async with limit:
                try:
                    return await self._case_system.application(listed.case_id)
                except RetriableError as error:
                    log.warning("pull.case_unread", code=error.code, neighbour=error.neighbour)
                    return None
                except PermanentError as error:
                    log.warning("pull.case_unread", code=error.code, neighbour=error.neighbour)
                except Exception:
                    # A bug in one case stops that case alone: its worker meets it again, and hands the case over.
                    log.warning("pull.case_unread", code="BUG-001", neighbour=self._case_system.name)
                return unread_case(listed.case_id)

        cases = await asyncio.gather(*(read(listed) for listed in batch))
        whole = [case for case in cases if case is not None and case.version != UNREAD]
        looked_at = {listed.case_id: listed.changed_at.isoformat() for listed, case in zip(batch, cases, strict=True) if case in whole}

        added, refused = await self._add([self._pulled(case) for case in whole if case.standing is Standing.OURS])
        unread = [unread_case(listed.case_id) for listed, case in zip(batch, cases, strict=True) if case is None]
        await self._add_unread([self._pulled(case) for case in unread])
        # One that was read before stays as it was read: what cannot be read now is no other version of it.
        added += await self._add_unread([self._pulled(case) for case in cases if case is not None and case.version == UNREAD])
        if added or unread:
            self._added()
        self.not_stored += len(refused)
        seen = {case_id: mark for case_id, mark in looked_at.items() if case_id not in refused}
        await self._database.call(lambda queue: queue.mark_seen(self._case_system.name, seen))
        return added, len(unread)

    async def _add_unread(self, pulled: list[PulledCase]) -> int:
        """Put cases that could not be read now in the queue: a worker goes on trying until their deadline, and then a person has them.

        They are read at the next pull too, which gives them their true version. One that is there already stays as it is.
        """
        if not pulled:
            return 0
        return sum(one.created for one in await self._database.call(lambda queue: queue.add_many(pulled, unless_there=True)))

    async def _add(self, pulled: list[PulledCase]) -> tuple[int, set[str]]:
        """Put cases in the queue; return how many were new, and which the database refuses. One that it refuses stops no other."""
        try:
            return sum(one.created for one in await self._database.call(lambda queue: queue.add_many(pulled))), set()
        except PermanentQueueError as error:
            if len(pulled) == 1:
                log.error("pull.case_not_stored", code=error.code)
                return 0, {pulled[0].case_id}
        each = [await self._add([case]) for case in pulled]
        return sum(added for added, _ in each), set().union(*(refused for _, refused in each))

    def _pulled(self, case: CaseApplication) -> PulledCase:
        now = self._clock.now()
        month = case.application.month if case.application else None
        return PulledCase(
            case_system=self._case_system.name,
            case_id=case.case_id,
            number=case.number,
            version=case.version,
            priority=URGENT if case.application and self._is_urgent(case.application, now) else NORMAL,
            month=str(month) if month else None,
            kind=case.application.type if case.application else None,
            deadline=deadline(now, month, self._rulebook.guidelines.income_month_complete_day(month or Month.of(now.date()))),
            assigned_to=case.assigned_to,
        )

    def _is_urgent(self, application: Application, now: datetime) -> bool:
        alone = CaseFile(today=now.date(), application=application, history=History(known=False))
        result = triage(alone, self._rulebook)
        return result is not None and result.outcome.value == "urgent"
