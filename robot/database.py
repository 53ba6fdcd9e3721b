"""The queue, called from the event loop: one thread does all its work, so that a slow disk never holds up the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from workqueue import WorkQueue

Value = TypeVar("Value")


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
