"""The timed jobs. They only put work into the queue or move it there; workers run all the time and are woken at once.

A job that was slept over, once or many times, is run once, and no job runs beside itself (timer.py).
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from connectors.errors import ConnectorError
from robot.audit_head import HeadExport
from robot.database import Database
from robot.day import DaySummary
from robot.duty import TRIES_PER_LEASE, PullDuty
from robot.pull import Puller
from robot.retention_job import RetentionJob
from robot.settings import Schedule
from robot.timer import Timer

log = structlog.get_logger()

_OTHERS_AT_MOST = 4
"""A lease that ends later than so many of ours is from before the machine's clock was set back."""


class Jobs:
    """What is done by the clock: pull, list all anew, rescue, wake what is due, keep the audit's head.

    Of several robots only the one that has the duty of pulling asks the case system. All of them rescue and wake: it is two looks in an
    index, and waits for nobody.
    """

    def __init__(
        self,
        settings: Schedule,
        puller: Puller,
        duty: PullDuty,
        database: Database,
        *,
        wake: Callable[[], None],
        rescued: Callable[[], None],
        heads: HeadExport,
        retention: RetentionJob,
        day: DaySummary,
        lease_s: float,
    ) -> None:
        """`wake` is called when there may be work, `rescued` before it when some of that has been taken from a worker that died.

        `lease_s` = what this robot takes cases for; others may take them for a few times as long.
        """
        self._settings = settings
        self._puller = puller
        self._duty = duty
        self._database = database
        self._heads = heads
        self._retention = retention
        self._day = day
        self._wake = wake
        self._rescued = rescued
        self._longest_lease_s = lease_s * _OTHERS_AT_MOST
        self._timer = Timer()

    def start(self) -> None:
        """Begin running the jobs in the current event loop."""
        self._timer.every("pull", self._settings.pull_every_s, self.pull)
        self._timer.every("relist", self._settings.relist_every_s, self.relist)
        self._timer.every("maintain", self._settings.maintain_every_s, self.maintain)
        self._timer.every("retention", self._retention.every_s, self._retention.run)
        self._timer.every("audit_head", self._heads.every_s, self._heads.export)
        self._timer.every("duty", self._duty.lease_s / TRIES_PER_LEASE, self.keep_pulling)
        self._timer.start()

    def stop(self) -> None:
        """Start no more jobs; what one has begun in the database is finished there."""
        self._timer.stop()

    async def pull(self) -> None:
        """Ask the case system for what is new, unless a longer pull goes on."""
        if not self._puller.is_pulling:
            await self._guard_pull(everything=False)

    async def relist(self) -> None:
        """List all that nobody has begun, so that a changed application gets its new version."""
        await self._guard_pull(everything=True)

    async def keep_pulling(self) -> None:
        """Stay the robot that pulls, or take over from one that has not been heard of: then all is listed at once."""
        await self._duty.take()
        if self._duty.was_taken_over():
            log.info("pull.taken_over")
            self._timer.at_once("relist")

    async def maintain(self) -> None:
        """Rescue cases whose worker is gone, and wake those that are due or past their deadline."""
        rescued = await self._database.call(lambda queue: queue.release_expired(self._longest_lease_s))
        for case_ref in rescued:
            log.warning("case.rescued", case_ref=case_ref, code="QUE-011")
        due = await self._database.call(lambda queue: queue.release_due())
        if rescued:
            self._rescued()
        if rescued or due:
            log.info("queue.woken", rescued=len(rescued), due=due)
        self._wake()
        await self._day.look()

    async def _guard_pull(self, *, everything: bool) -> None:
        try:
            await self._puller.pull(everything=everything)
        except ConnectorError as error:
            log.warning("pull.failed", code=error.code, neighbour=error.neighbour)
