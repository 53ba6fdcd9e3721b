"""The daemon looked at from outside: figures read once in a while, the page and metrics served, the service manager told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from structlog.typing import Processor

from robot.alarms import Alarming
from robot.clock import Clock
from robot.condition import Condition
from robot.database import Database
from robot.figures import look, nothing_known
from robot.metrics import Metrics
from robot.service_manager import ServiceManager
from robot.settings import Settings
from workqueue import QueueError

if TYPE_CHECKING:
    from robot.health import HealthServer

log = structlog.get_logger()


class Watching:
    """What one process tells of itself. Nothing in here can stop or slow a case: what fails is logged, and the daemon goes on."""

    def __init__(self, settings: Settings, *, number: int = 1, manager: ServiceManager | None = None) -> None:
        self._settings = settings
        self._manager = manager or ServiceManager(None)
        self._condition = Condition()
        self._metrics = Metrics()
        self._alarming = Alarming(
            settings.alarms, settings.municipality.name, self._condition, lambda: datetime.now(UTC), is_first=number == 1
        )
        self._server = self._serving(number) if settings.health.listen else None

    def _serving(self, number: int) -> HealthServer:
        # Loaded here alone: a daemon without page and metrics does not wait for a web server at start.
        from robot.health import HealthServer

        return HealthServer(self._settings.health, self._condition, self._metrics, number=number)

    @property
    def watchers(self) -> list[Processor]:
        """Return what must see every event of the log."""
        return [_careful(self._condition.seen), _careful(self._metrics.seen)]

    async def begin(self, stack: AsyncExitStack, database: Database, clock: Clock, head_kept_at: Callable[[], datetime | None]) -> None:
        """Serve, look and tell until the stack is left."""
        stack.callback(self._manager.stopping)
        if self._server is not None:
            try:
                await self._server.start()
            except OSError:
                log.error("health.not_served", code="BOT-011")
            stack.push_async_callback(self._server.stop)
        beside = [asyncio.create_task(self._looking(database, clock, head_kept_at)), asyncio.create_task(self._manager.keep_alive())]

        async def end() -> None:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

        stack.push_async_callback(end)
        self._manager.ready()

    async def _looking(self, database: Database, clock: Clock, head_kept_at: Callable[[], datetime | None]) -> None:
        while True:
            try:
                # In a thread of its own, by connections that only read: a look at a large queue holds up no case.
                figures = await asyncio.to_thread(look, database.queue, self._settings, clock.now(), head_kept_at=head_kept_at())
            except QueueError:
                figures = nothing_known()
            except Exception:
                log.exception("job.failed", job="figures", code="BUG-003")
                figures = nothing_known()
            self._condition.take(figures)
            self._metrics.take(figures)
            waiting = sum(number for state, number in figures.counts.items() if state in {"ready", "to_deliver"})
            self._manager.status(f"{waiting} cases due, {len(self._condition.illnesses())} ill" if figures.database_up else "database away")
            try:
                await self._alarming.look()
            except Exception:
                log.exception("job.failed", job="alarms", code="BUG-003")
            await asyncio.sleep(self._settings.health.look_every_s)


def _careful(watcher: Processor) -> Processor:
    """Let a bug of a watcher cost a figure, and not the case whose event it was."""

    def watch(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        try:
            return watcher(logger, method, event)
        except Exception:
            return event

    return watch
