"""Opens the queue at the daemon's start, and waits for a database that is away then, as when it comes up later than the robot."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import structlog

from robot.clock import Clock
from robot.database import open_queue
from robot.settings import Settings
from workqueue import QueueError, RetriableQueueError, WorkQueue

log = structlog.get_logger()

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 10.0
"""Between two tries; it doubles from the first to the longest, and never ends: the robot has nothing else to do."""


class CannotOpen(Exception):
    """The database answers, and waiting does not mend what it says. `code` is listed in docs/errors.md."""

    def __init__(self, error: QueueError) -> None:
        super().__init__(str(error))
        self.code = error.code


async def open_when_there(settings: Settings, clock: Clock, stopping: asyncio.Event) -> WorkQueue | None:
    """Return the queue as soon as its database can be used; None = told to stop meanwhile. Raises CannotOpen.

    That the database is away is said once for each reason, and once that it is back, as when it is lost later on.
    """
    began = time.monotonic()
    told: set[str] = set()
    ordered = asyncio.ensure_future(stopping.wait())
    try:
        for wait_s in _waits():
            trying = _try(settings, clock)
            both: set[asyncio.Future[Any]] = {trying, ordered}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not trying.done():
                trying.cancel()
                return None
            try:
                queue = trying.result()
            except RetriableQueueError as error:
                if error.code not in told:
                    log.warning("database.unavailable", code=error.code)
                told.add(error.code)
            except QueueError as error:
                raise CannotOpen(error) from None
            else:
                if told:
                    log.info("database.back", lost_s=round(time.monotonic() - began))
                return queue
            await asyncio.wait({ordered}, timeout=wait_s)
            if ordered.done():
                break
    finally:
        ordered.cancel()
    return None


def _waits() -> Iterator[float]:
    wait_s = FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _try(settings: Settings, clock: Clock) -> asyncio.Future[WorkQueue]:
    """Open the queue in a thread that nobody needs to wait for: where packets are dropped a try takes as long as connecting may."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[WorkQueue] = loop.create_future()

    def answer(queue: WorkQueue | None, error: Exception | None) -> None:
        if future.cancelled():
            if queue is not None:
                queue.close()
        elif queue is not None:
            future.set_result(queue)
        elif error is not None:
            future.set_exception(error)

    def run() -> None:
        queue, failed = None, None
        try:
            queue = open_queue(settings, clock)
        except Exception as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the event loop has ended, and the program with it
            loop.call_soon_threadsafe(answer, queue, failed)

    threading.Thread(target=run, name="opening", daemon=True).start()
    return future
