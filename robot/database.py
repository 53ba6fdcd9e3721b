"""The queue of some settings, and the queue called from the event loop.

One thread does all its work, so that a slow disk never holds up the network, and what waits for it goes to disk together.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from robot.clock import Clock
from robot.settings import Settings
from workqueue import KeyRefused, MasterKeys, RetriableQueueError, WorkQueue, credential
from workqueue import is_made as holds_tables

log = structlog.get_logger()

Value = TypeVar("Value")

GROUP_CALLS = 200
"""So many calls share a transaction at most."""
GROUP_S = 0.05
"""A transaction takes in no more calls after so many seconds: those that are in it want to be answered."""


def key_place(settings: Settings) -> Path:
    """Return where the master key stands: systemd's credential, else the configured file. Raises KeyRefused when there is neither.

    So one configuration serves the service, which is given the credential, and commands by hand, which read the file.
    """
    place = credential() or settings.storage.key_file
    if place is None:
        raise KeyRefused("QUE-039")
    return place


def open_key(settings: Settings) -> MasterKeys:
    """Return the master keys; a file that is not there is made at first start, a credential never.

    Raises KeyRefused when they may not be used, or are lost though there is a database.
    """
    place, file = settings.storage.database, key_place(settings)
    if file == credential():
        return MasterKeys.load(file)
    if isinstance(place, Path):
        return MasterKeys.load_or_create(file, database=place)
    # Looked for again after asking: another process may have made both meanwhile, the key first.
    if not file.exists() and holds_tables(place) and not file.exists():
        raise KeyRefused("QUE-033", detail=str(file))
    return MasterKeys.load_or_create(file)


def is_made(settings: Settings) -> bool:
    """Return whether the robot's database is there already; makes none. Raises QueueError when a server cannot be asked."""
    place = settings.storage.database
    return place.exists() if isinstance(place, Path) else holds_tables(place)


def open_queue(settings: Settings, clock: Clock, *, upgrade: bool = False) -> WorkQueue:
    """Return the queue of these settings; a database that is not there yet is made. Raises QueueError when it cannot be used."""
    return WorkQueue.open(settings.storage.database, key=open_key(settings), clock=clock, upgrade=upgrade)


@dataclass(slots=True, eq=False)
class _Call:
    """What somebody on the event loop waits for."""

    action: Callable[[WorkQueue], Any]
    future: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None

    def run(self, queue: WorkQueue) -> None:
        """Make the call, and keep what came of it until it is on disk."""
        try:
            self.value = self.action(queue)
        except Exception as error:
            self.error = error

    def answer(self) -> None:
        """Tell who waits, if he still does."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class Database:
    """One thread in front of a `WorkQueue`. That the database is gone is logged once for each reason, and once when it is back.

    Calls that wait at the same time share ONE transaction, so that the disk is waited for once; each that fails is undone alone. Nobody is
    answered before all is on disk, and when that fails all are told so.
    """

    def __init__(self, queue: WorkQueue) -> None:
        self.queue = queue
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._gone_since: float | None = None
        self._told: set[str] = set()
        self._lock = threading.Lock()
        self._waiting: deque[_Call] = deque()
        self._is_at_work = False

    async def call(self, action: Callable[[WorkQueue], Value]) -> Value:
        """Run one action on the queue and return what it returns. Actions are run in the order that they come in.

        An action that has begun is finished even when the caller is cancelled.
        """
        call = _Call(action, asyncio.get_running_loop().create_future())
        with self._lock:
            if not self._is_at_work:
                self._thread.submit(self._work)
                self._is_at_work = True
            self._waiting.append(call)
        value: Value = await call.future
        return value

    def close(self) -> None:
        """Let the last action finish, then close the queue."""
        self._thread.shutdown(wait=True)
        self.queue.close()

    def _work(self) -> None:
        while self._is_needed():
            calls: list[_Call] = []
            try:
                with self.queue.group():
                    self._run_together(calls)
            except Exception as error:
                for call in calls:
                    call.error = error
            if calls:
                with contextlib.suppress(RuntimeError):  # the event loop has ended: nobody waits
                    calls[0].future.get_loop().call_soon_threadsafe(self._answer, calls)

    def _run_together(self, calls: list[_Call]) -> None:
        """Make the calls that wait, and those that come meanwhile, for a short time."""
        until = time.monotonic() + GROUP_S
        while len(calls) < GROUP_CALLS and time.monotonic() < until:
            with self._lock:
                call = self._waiting.popleft() if self._waiting else None
            if call is None:
                return
            if not call.future.cancelled():
                calls.append(call)
                call.run(self.queue)

    def _is_needed(self) -> bool:
        with self._lock:
            self._is_at_work = bool(self._waiting)
            return self._is_at_work

    def _answer(self, calls: list[_Call]) -> None:
        for call in calls:
            call.answer()
        for call in calls:
            self._watch(call.error)

    def _watch(self, error: Exception | None) -> None:
        if isinstance(error, RetriableQueueError):
            if self._gone_since is None:
                self._gone_since = time.monotonic()
                self._told.clear()
            # A server that is lost and then back as a standby is two troubles, for which ops do different things.
            if error.code not in self._told:
                self._told.add(error.code)
                log.warning("database.unavailable", code=error.code)
        elif error is None and self._gone_since is not None:
            log.info("database.back", lost_s=round(time.monotonic() - self._gone_since))
            self._gone_since = None
