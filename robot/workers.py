"""Several robots on one machine: a small parent that starts the daemon several times, and anew when one has died or stands still.

Each worker is the whole program in a process of its own; the database keeps them apart, as it does robots on several machines. The parent
holds no case, so it has nothing to lose: when it is killed the workers see what ties them to it close, and stop in good order.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import structlog

from robot.lifeline import ToWorker
from robot.service_manager import ServiceManager

log = structlog.get_logger()

FAILED, NOT_ALLOWED = 1, 2
"""Exit codes, as every command has them."""
MOST_DEATHS = 5
WITHIN_S = 60.0
"""A worker that has died so many times within so long is not started again, and nobody goes on without it."""
FIRST_WAIT_S = 1.0
"""Before a worker that died is started anew; doubles with each death within the time above."""
STOP_MARGIN_S = 15.0
"""Beyond the time that what is in hand may take: a worker that is still there then is killed."""
START_LIMIT_S = 120.0
"""From its start until a worker is heard of for the first time, at the most; as long as systemd waits for the robot (TimeoutStartSec)."""
STILL_GRACE_S = 5.0
"""A worker that stands still is told to stop; so long later it is killed."""


def command(config: Path, count: int, *, once: bool) -> list[str]:
    """Return the command line of one of so many workers, but for its number."""
    # -P: what stands in the folder where the robot runs, which it may write, is no part of the program.
    whole = [sys.executable, "-P", "-m", "robot", "run", "-c", str(config), *(["--once"] if once else [])]
    return [*whole, "--workers", str(count), "--worker"]


class Workers:
    """The parent. `command` starts a worker when its number is added; its standard input is what ties it to the parent (lifeline.py).

    `silent_s` = a worker whose event loop has not turned for so long is ended, and another started. `manager` = who is told that the robot
    is ready, alive and stopping.
    """

    def __init__(
        self,
        command: Sequence[str],
        count: int,
        *,
        once: bool,
        stop_within_s: float,
        silent_s: float,
        manager: ServiceManager | None = None,
    ) -> None:
        self._command = list(command)
        self._count = count
        self._once = once
        self._silent_s = silent_s
        self._stop_within_s = stop_within_s + STOP_MARGIN_S
        self._manager = manager or ServiceManager(None)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Have every worker finish what it has in hand, then end."""
        self._stopping.set()

    async def run(self) -> int:
        """Run until stopped, or with `once` until every worker has ended. Return the exit code: 0 when each ended with 0."""
        with ExitStack() as stack:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
                stack.callback(loop.remove_signal_handler, number)
            log.info("workers.started", workers=self._count, once=self._once)
            self._manager.ready()
            stack.callback(self._manager.stopping)
            stack.callback(asyncio.create_task(self._manager.keep_alive()).cancel)
            codes = await asyncio.gather(*(self._keep(number) for number in range(1, self._count + 1)))
        log.info("workers.stopped", exit_codes=codes)
        if not any(codes):
            return 0
        return NOT_ALLOWED if NOT_ALLOWED in codes else FAILED

    async def _keep(self, number: int) -> int:
        """Keep one worker going; return the exit code of the last one."""
        deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        while True:
            code = await self._one(number)
            if self._once or self._stopping.is_set():
                return code
            deaths.append(asyncio.get_running_loop().time())
            recent = sum(deaths[-1] - died < WITHIN_S for died in deaths)
            log.error("worker.died", number=number, exit_code=code, times=recent, code="BOT-004")
            if code == NOT_ALLOWED or recent == MOST_DEATHS:
                log.error("worker.given_up", number=number, times=recent, code="BOT-005")
                self.stop()
                return code or FAILED
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WAIT_S * 2 ** (recent - 1)):
                    await self._stopping.wait()
                    return 0

    async def _one(self, number: int) -> int:
        """Start a worker and wait for its end. One that is killed before it could listen to the order to stop had nothing in hand."""
        with ToWorker() as tie:
            process = await asyncio.create_subprocess_exec(*self._command, str(number), stdin=tie.theirs.fileno())
            tie.given()
            ended = asyncio.ensure_future(process.wait())
            stopping = asyncio.ensure_future(self._stopping.wait())
            still = asyncio.ensure_future(tie.silence(self._silent_s, START_LIMIT_S))
            await asyncio.wait({ended, stopping, still}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            still.cancel()
            if not ended.done() and self._stopping.is_set():
                if not await _end(process, ended, self._stop_within_s):
                    log.error("worker.killed", number=number, code="BOT-002")
            elif not ended.done():
                stood = await tie.where(process.send_signal)
                log.error("worker.stands_still", number=number, silent_s=self._silent_s, stood=stood, code="BOT-007")
                await _end(process, ended, STILL_GRACE_S)
            code = await ended
        return 0 if code == -signal.SIGTERM and self._stopping.is_set() else code


async def _end(process: Process, ended: asyncio.Future[int], within_s: float) -> bool:
    """Tell a worker to stop, and kill it when it is still there then; return whether it was not."""
    with suppress(ProcessLookupError):
        process.terminate()
    await asyncio.wait({ended}, timeout=within_s)
    if not ended.done():
        with suppress(ProcessLookupError):
            process.kill()
    return ended.done()
