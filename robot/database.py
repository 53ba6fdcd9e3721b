"""The queue of some settings, and the queue called from the event loop.

One thread does all its work, so that a slow disk never holds up the network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from robot.clock import Clock
from robot.settings import Settings
from workqueue import KeyRefused, MasterKey, RetriableQueueError, WorkQueue
from workqueue import is_made as holds_tables

log = structlog.get_logger()

Value = TypeVar("Value")


def open_key(settings: Settings) -> MasterKey:
    """Return the master key, made at first start. Raises KeyRefused when it may not be used, or is lost though there is a database."""
    place, file = settings.storage.database, settings.storage.key_file
    if isinstance(place, Path):
        return MasterKey.load_or_create(file, database=place)
    # Looked for again after asking: another process may have made both meanwhile, the key first.
    if not file.exists() and holds_tables(place) and not file.exists():
        raise KeyRefused("QUE-033", detail=str(file))
    return MasterKey.load_or_create(file)


def is_made(settings: Settings) -> bool:
    """Return whether the robot's database is there already; makes none. Raises QueueError when a server cannot be asked."""
    place = settings.storage.database
    return place.exists() if isinstance(place, Path) else holds_tables(place)


def open_queue(settings: Settings, clock: Clock, *, upgrade: bool = False) -> WorkQueue:
    """Return the queue of these settings; a database that is not there yet is made. Raises QueueError when it cannot be used."""
    return WorkQueue.open(settings.storage.database, key=open_key(settings), clock=clock, upgrade=upgrade)


class Database:
    """One thread in front of a `WorkQueue`. That the database is gone is logged once when it goes and once when it is back."""

    def __init__(self, queue: WorkQueue) -> None:
        self.queue = queue
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._gone_since: float | None = None

    async def call(self, action: Callable[[WorkQueue], Value]) -> Value:
        """Run one action on the queue and return what it returns.

        An action that has begun is finished even when the caller is cancelled: it is one transaction.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._act, action)

    def _act(self, action: Callable[[WorkQueue], Value]) -> Value:
        try:
            value = action(self.queue)
        except RetriableQueueError as error:
            if self._gone_since is None:
                self._gone_since = time.monotonic()
                log.warning("database.unavailable", code=error.code)
            raise
        if self._gone_since is not None:
            log.info("database.back", lost_s=round(time.monotonic() - self._gone_since))
            self._gone_since = None
        return value

    def close(self) -> None:
        """Let the last action finish, then close the queue."""
        self._thread.shutdown(wait=True)
        self.queue.close()
