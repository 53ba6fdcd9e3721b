"""The timed jobs. They only put work into the queue or move it there; workers run all the time and are woken at once.

Each job runs one at a time (`max_instances=1`), a late one still runs (`misfire_grace_time`), and several missed runs become one
(`coalesce`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from connectors.errors import ConnectorError
from robot.audit_head import HeadExport
from robot.database import Database
from robot.duty import TRIES_PER_LEASE, PullDuty
from robot.pull import Puller
from robot.settings import Schedule
from workqueue import RetriableQueueError

log = structlog.get_logger()


class Jobs:
    """What is done by the clock: pull, list all anew, rescue, wake what is due, keep the audit's head."""

    def __init__(
        self, settings: Schedule, puller: Puller, duty: PullDuty, database: Database, wake: Callable[[], None], *, heads: HeadExport
    ) -> None:
        self._settings = settings
        self._puller = puller
        self._duty = duty
        self._database = database
        self._heads = heads
        self._wake = wake
        self._scheduler = AsyncIOScheduler(
            timezone="Europe/Stockholm",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": settings.misfire_grace_s},
        )

    def start(self) -> None:
        """Begin running the jobs in the current event loop."""
        for name, every_s, job in (
            ("pull", self._settings.pull_every_s, self.pull),
            ("relist", self._settings.relist_every_s, self.relist),
            ("maintain", self._settings.maintain_every_s, self.maintain),
            ("audit_head", self._heads.every_s, self._heads.export),
            ("duty", self._duty.lease_s / TRIES_PER_LEASE, self.keep_pulling),
        ):
            self._scheduler.add_job(_guarded(name, job), IntervalTrigger(seconds=every_s), id=name)
        self._scheduler.start()

    def stop(self) -> None:
        """Start no more jobs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def pull(self) -> None:
        """Ask the case system for what is new."""
        await self._guard_pull(everything=False)

    async def relist(self) -> None:
        """List all that nobody has begun, so that a changed application gets its new version."""
        await self._guard_pull(everything=True)

    async def keep_pulling(self) -> None:
        """Stay the robot that pulls, or take over from one that has not been heard of: then all is listed at once."""
        had = self._duty.held
        if await self._duty.take() and not had:
            log.info("pull.taken_over")
            self._scheduler.modify_job("relist", next_run_time=datetime.now(UTC))

    async def maintain(self) -> None:
        """Rescue cases whose worker is gone, and wake those that are due or past their deadline."""
        rescued = await self._database.call(lambda queue: queue.release_expired())
        for case_ref in rescued:
            log.warning("case.rescued", case_ref=case_ref, code="QUE-011")
        due = await self._database.call(lambda queue: queue.release_due())
        if rescued or due:
            log.info("queue.woken", rescued=len(rescued), due=due)
        self._wake()

    async def _guard_pull(self, *, everything: bool) -> None:
        try:
            if await self._puller.pull(everything=everything):
                self._wake()
        except ConnectorError as error:
            log.warning("pull.failed", code=error.code, neighbour=error.neighbour)


def _guarded(name: str, job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Keep a job's bug in the job: it is logged, and the job runs again at its next time."""

    async def run() -> None:
        try:
            await job()
        except RetriableQueueError:
            return  # said by the database once; the job runs again at its next time
        except Exception:
            log.exception("job.failed", job=name, code="BUG-003")

    return run
