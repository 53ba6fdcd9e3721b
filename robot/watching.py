"""The daemon looked at from outside: figures read once in a while, the page and metrics served, the service manager told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from structlog.typing import Processor

from robot.alarms import Alarming
from robot.clock import Clock
from robot.condition import Condition
from robot.database import Database
from robot.figures import Figures, look, nothing_known
from robot.metrics import Metrics
from robot.neighbours import Neighbours
from robot.service_manager import ServiceManager
from robot.settings import Settings
from workqueue import QueueError

if TYPE_CHECKING:
    from robot.health import HealthServer

log = structlog.get_logger()


class Watching:
    """What one process tells of itself. Nothing in here can stop or slow a case: what fails is logged, and the daemon goes on.

    `number` = this worker's of so many `workers`. `neighbours` = where what comes of the questions to them is counted.
    """

    def __init__(self, settings: Settings, *, number: int = 1, workers: int = 1, manager: ServiceManager | None = None) -> None:
        self._settings = settings
        self._manager = manager or ServiceManager(None)
        self._condition = Condition()
        self.neighbours = Neighbours()
        self._metrics = Metrics(self.neighbours)
        self._alarming = Alarming(
            settings.alarms, settings.municipality.name, self._condition, lambda: datetime.now(UTC), is_first=number == 1
        )
        self._server = self._serving(number, workers) if settings.health.listen else None
        self._read: Callable[[], Figures] = nothing_known
        self._due = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    def _serving(self, number: int, workers: int) -> HealthServer:
        # Loaded here alone: a daemon without page and metrics does not wait for a web server at start.
        from robot.health import HealthServer

        return HealthServer(self._settings.health, self._condition, self._metrics, number=number, workers=workers)

    @property
    def watchers(self) -> list[Processor]:
        """Return what must see every event of the log."""
        return [_careful(self._condition.seen), _careful(self._metrics.seen)]

    async def begin(self, stack: AsyncExitStack) -> None:
        """Serve, and tell that the event loop turns, until the stack is left."""
        stack.callback(self._manager.stopping)
        if self._server is not None:
            try:
                await self._server.start()
            except OSError:
                log.error("health.not_served", code="BOT-011")
            stack.push_async_callback(self._server.stop)
        stack.push_async_callback(_end, asyncio.create_task(self._manager.keep_alive()))

    def waits(self, stack: AsyncExitStack) -> None:
        """Say that the daemon is there and waits for its database, and tell of it, until the stack is left."""
        self._look_by(nothing_known, stack)

    def works(self, stack: AsyncExitStack, database: Database, clock: Clock, head_kept_at: Callable[[], datetime | None]) -> None:
        """Say that the daemon works, and look at its database and tell from now on, until the stack is left."""
        self._look_by(lambda: look(database.queue, self._settings, clock.now(), head_kept_at=head_kept_at()), stack)

    def _look_by(self, read: Callable[[], Figures], stack: AsyncExitStack) -> None:
        self._read = read
        self._due.set()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on())
        stack.push_async_callback(_end, self._looking)
        self._manager.ready()

    async def _look_on(self) -> None:
        while True:
            self._due.clear()
            try:
                # In a thread of its own, by connections that only read: a look at a large queue holds up no case.
                figures = await asyncio.to_thread(self._read)
            except QueueError:
                figures = nothing_known()
            except Exception:
                log.exception("job.failed", job="figures", code="BUG-003")
                figures = nothing_known()
            figures = replace(figures, neighbours=self.neighbours.lately())
            self._condition.take(figures)
            self._metrics.take(figures)
            waiting = sum(number for state, number in figures.counts.items() if state in {"ready", "to_deliver"})
            self._manager.status(f"{waiting} cases due, {len(self._condition.illnesses())} ill" if figures.database_up else "database away")
            try:
                await self._alarming.look()
            except Exception:
                log.exception("job.failed", job="alarms", code="BUG-003")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._settings.health.look_every_s)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _careful(watcher: Processor) -> Processor:
    """Let a bug of a watcher cost a figure, and not the case whose event it was."""

    def watch(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        try:
            return watcher(logger, method, event)
        except Exception:
            return event

    return watch
