"""APScheduler, kept in step with the monotonic clock: a machine whose clock is set loses no run of a job."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from workqueue import PermanentQueueError, RetriableQueueError

log = structlog.get_logger()

LOOK_EVERY_S = 2.0
_STEP_S = 1.0
"""The clock is taken to have been set, or the machine to have slept, when it moved by more than this against the monotonic one."""
Job = Callable[[], Awaitable[None]]


class Timer:
    """Runs jobs again and again in the event loop. None runs beside itself; one that was slept over, once or many times, runs once."""

    def __init__(self, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
        self._look_every_s = look_every_s
        self._watch: asyncio.Task[None] | None = None

    def every(self, name: str, seconds: float, job: Job) -> None:
        """Run a job so many seconds from now, and again as often."""
        self._scheduler.add_job(_guarded(name, job), IntervalTrigger(seconds=seconds), id=name)

    def at_once(self, name: str) -> None:
        """Run a job now, not only at its next time."""
        self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._scheduler.start()
        self._watch = asyncio.create_task(self._watching())

    def stop(self) -> None:
        """Start no more jobs, and leave those that run; what one has begun in the database is finished there."""
        if self._watch is not None:
            self._watch.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _watching(self) -> None:
        """Look whether the clock was set. Next times are times of day: set back an hour, all jobs would stand still for an hour."""
        before = time.time() - time.monotonic()
        while True:
            await asyncio.sleep(self._look_every_s)
            now = time.time() - time.monotonic()
            if abs(now - before) > _STEP_S:
                log.warning("clock.was_set", by_s=round(now - before))
                for job in self._scheduler.get_jobs():
                    self.at_once(job.id)
            before = now


def _guarded(name: str, job: Job) -> Job:
    """Keep a job's bug in the job: it is logged, and the job runs again at its next time."""

    async def run() -> None:
        try:
            await job()
        except RetriableQueueError:
            return  # said by the database once
        except asyncio.CancelledError:
            return  # the robot stops: the scheduler would log it as an error of the job's
        except PermanentQueueError as error:
            log.error("job.failed", job=name, code=error.code)  # a damaged file, or a key that is gone: no bug
        except Exception:
            log.exception("job.failed", job=name, code="BUG-003")

    return run
