"""The queue of some settings, and the queue called from the event loop.

One thread does all its work, so that a slow disk never holds up the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from robot.clock import Clock
from robot.settings import Settings
from workqueue import MasterKey, WorkQueue

Value = TypeVar("Value")


def open_key(settings: Settings) -> MasterKey:
    """Return the master key, made at first start. Raises KeyRefused when it may not be used."""
    return MasterKey.load_or_create(settings.storage.key_file, database=settings.storage.database)


def open_queue(settings: Settings, clock: Clock, *, upgrade: bool = False) -> WorkQueue:
    """Return the queue of these settings; a database that is not there yet is made. Raises QueueError when it cannot be used."""
    return WorkQueue.open(settings.storage.database, key=open_key(settings), clock=clock, upgrade=upgrade)


class Database:
    """One thread in front of a `WorkQueue`."""

    def __init__(self, queue: WorkQueue) -> None:
        self.queue = queue
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    async def call(self, action: Callable[[WorkQueue], Value]) -> Value:
        """Run one action on the queue and return what it returns.

        An action that has begun is finished even when the caller is cancelled: it is one transaction.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, action, self.queue)

    def close(self) -> None:
        """Let the last action finish, then close the queue."""
        self._thread.shutdown(wait=True)
        self.queue.close()
