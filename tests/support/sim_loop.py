"""An event loop whose time is made up: when nothing is ready it jumps to the next timer, and nothing in it waits for the real world.

Several made-up processes share it. Each has its own context, which every task and timer of it carries: a process that is killed runs
no other line of its code, not even a `finally`, before the mix is over; one that stands still goes on where it was when it is let.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Life(Enum):
    """What a process may do."""

    RUNS = "runs"
    STANDS_STILL = "stands still"
    DEAD = "dead"


@dataclass
class Process:
    """One program that runs in the loop."""

    name: str
    life: Life = Life.RUNS
    stops: int = 0
    """How many times it has stood still."""
    held: deque[asyncio.Handle] = field(default_factory=deque)


_STEPS_TO_END = 100_000
PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class OutOfSteps(AssertionError):
    """The loop went on for longer than any mix may: something never comes to an end."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks in order, and timers at their made-up time."""

    def __init__(self, *, most_steps: int) -> None:
        super().__init__()
        self._now = 0.0
        self._steps_left = most_steps
        self._all: list[asyncio.Task[Any]] = []
        self._outside = copy_context()
        self._ready: deque[asyncio.Handle]
        self._scheduled: list[asyncio.TimerHandle]
        self.set_task_factory(self._keep)

    def time(self) -> float:
        """Return the made-up seconds since the loop was made."""
        return self._now

    def outside(self, delay_s: float, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Have something happen later that belongs to no process."""
        return self.call_later(delay_s, callback, *args, context=self._outside)

    def start(self, process: Process, main: Callable[[], Coroutine[Any, Any, Any]]) -> asyncio.Task[Any]:
        """Begin a process."""
        context = self._outside.copy()
        context.run(PROCESS.set, process)
        return context.run(self._main, main, context)

    def _main(self, main: Callable[[], Coroutine[Any, Any, Any]], context: Context) -> asyncio.Task[Any]:
        return self.create_task(main(), context=context)

    def let_go_on(self, process: Process) -> None:
        """Let a process that stood still go on: it stood in its wait for the network, after which the timers that are due come first."""
        process.life = Life.RUNS
        self._ready.extend(one for one in process.held if isinstance(one, asyncio.TimerHandle))
        self._ready.extend(one for one in process.held if not isinstance(one, asyncio.TimerHandle))
        process.held.clear()

    def add_signal_handler(self, *_: Any) -> None:  # type: ignore[override]
        """Signals come from the mix, not from the machine."""

    def remove_signal_handler(self, sig: int) -> bool:
        """Nothing was added."""
        del sig
        return False

    def end(self, processes: list[Process]) -> None:
        """Unwind every task that is left, so that none is destroyed while it waits, and close."""
        for process in processes:
            self.let_go_on(process)
        self._steps_left = _STEPS_TO_END
        while left := [task for task in self._all if not task.done()]:
            for task in left:
                task.cancel()
            self.run_until_complete(asyncio.wait(left, timeout=0.1))
        self.run_until_complete(self.shutdown_asyncgens())
        self._all.clear()
        self.close()

    def _keep(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        self._all.append(task)
        return task

    def _run_once(self) -> None:
        ready = self._ready
        if not ready:
            self._jump()
        self._steps_left -= len(ready)
        if self._steps_left < 0:
            raise OutOfSteps("too many steps")
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle.cancelled():
                continue
            process = handle._context.get(PROCESS)  # type: ignore[attr-defined]
            if process is None or process.life is Life.RUNS:
                handle._run()
            else:
                process.held.append(handle)

    def _jump(self) -> None:
        timers = self._scheduled
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False  # type: ignore[attr-defined]
        if not timers:
            raise OutOfSteps("nothing will ever happen again")
        self._now = max(self._now, timers[0].when())
        while timers and timers[0].when() <= self._now:
            timer = heapq.heappop(timers)
            timer._scheduled = False  # type: ignore[attr-defined]
            self._ready.append(timer)

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken."""
