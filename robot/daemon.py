"""The daemon: wires the parts together, keeps cases in flight, and stops in good order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import structlog

from connectors.case_systems.caremanagement import CareManagement, LifecareNames
from connectors.case_systems.port import CaseSystem
from connectors.errors import ConnectorError
from connectors.registers.port import Registers
from connectors.registers.ssbtek import Ssbtek
from robot.ask import Asker
from robot.audit_head import HeadExport
from robot.clock import Clock
from robot.database import Database, open_key, open_queue
from robot.delivery import Delivery
from robot.duty import TRIES_PER_LEASE, PullDuty
from robot.pull import Puller
from robot.schedule import Jobs
from robot.settings import Settings
from robot.worker import Worker
from rules import Rulebook, load_rulebook
from workqueue import Claimed, RetriableQueueError, State, WorkQueue

__all__ = ["CONTROL_SAMPLE", "Daemon", "case_system_of", "open_key", "open_queue", "registers_of"]

log = structlog.get_logger()

CONTROL_SAMPLE = b"control sample"
"""What the key that picks the control sample is derived for."""
_LOOK_EVERY_S = 1.0
_HEARTBEATS_PER_LEASE = 3


def case_system_of(settings: Settings, rulebook: Rulebook, clock: Clock) -> CaseSystem:
    """Return the municipality's case system."""
    names = LifecareNames(rulebook.guidelines.lifecare_income_names, rulebook.guidelines.lifecare_cost_names)
    return CareManagement(settings.case_system, names, clock=clock.now)


def registers_of(settings: Settings, clock: Clock) -> Registers:
    """Return the municipality's registers."""
    return Ssbtek(settings.registers.ssbtek, clock=clock.now)


class Daemon:
    """One robot. Several may share a database: leases keep them apart."""

    def __init__(self, settings: Settings, *, once: bool) -> None:
        self._settings = settings
        self._once = once
        self._clock = settings.clock()
        self._rulebook = load_rulebook(settings.municipality.guidelines)
        self._name = f"{os.getpid()}-{secrets.token_hex(3)}"
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._in_hand: dict[asyncio.Task[None], Claimed] = {}

    def stop(self) -> None:
        """Claim no more, finish what is in hand, then end."""
        if not self._stopping.is_set():
            log.info("daemon.stopping", in_hand=len(self._in_hand))
        self._stopping.set()
        self._wake.set()

    async def run(self) -> bool:
        """Work until stopped, or with `once` until nothing is left that can be done now. Return whether all of it was done.

        One that runs on has done all when it ends in good order: what it could not do yet is in the queue for the next.
        """
        async with AsyncExitStack() as stack:
            database = Database(open_queue(self._settings, self._clock))
            stack.callback(database.close)
            case_system = case_system_of(self._settings, self._rulebook, self._clock)
            stack.push_async_callback(case_system.aclose)
            registers = registers_of(self._settings, self._clock)
            stack.push_async_callback(registers.aclose)
            schedule = self._settings.schedule
            duty = PullDuty(database, self._name, lease_s=schedule.pull_lease_s)
            stack.push_async_callback(self._leave, duty)
            puller = Puller(case_system, database, self._rulebook, self._clock, overlap_s=schedule.pull_overlap_s, duty=duty)
            worker = self._worker(case_system, registers, puller, database)
            heads = HeadExport(self._settings.audit, database)
            stack.push_async_callback(heads.export_last)
            jobs = Jobs(schedule, puller, duty, database, self._wake.set, heads=heads)
            self._on_signals(stack)
            log.info(
                "daemon.started", once=self._once, rulebook=self._rulebook.hash[:12], cases_in_flight=self._settings.work.cases_in_flight
            )
            pulled = await self._first_pull(puller, duty)
            await self._wake_what_rests(database, jobs)
            jobs.start()
            stack.callback(jobs.stop)
            beat = asyncio.create_task(self._heartbeat(database))
            try:
                done = await self._work(worker, database)
            finally:
                jobs.stop()
                await self._finish_in_hand()
                beat.cancel()
                await asyncio.gather(beat, return_exceptions=True)
        done = done and (pulled or not self._once)
        log.info("daemon.stopped", done=done)
        return done

    def _worker(self, case_system: CaseSystem, registers: Registers, puller: Puller, database: Database) -> Worker:
        policy = self._settings.registers
        return Worker(
            settings=self._settings,
            case_system=case_system,
            asker=Asker(registers, self._clock, policy.sources, deadline_s=policy.deadline_s),
            puller=puller,
            delivery=Delivery(case_system, database),
            database=database,
            rulebook=self._rulebook,
            clock=self._clock,
            sample_key=open_key(self._settings).derive(CONTROL_SAMPLE),
            once=self._once,
        )

    async def _first_pull(self, puller: Puller, duty: PullDuty) -> bool:
        """List all that nobody has begun, unless told to stop meanwhile or another robot does it. Return whether it was done."""

        async def list_all() -> None:
            if self._once:
                await self._outwait(duty)
            await puller.pull(everything=True)

        pull = asyncio.create_task(list_all())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({pull, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        pull.cancel()
        try:
            await pull
        except asyncio.CancelledError:
            return False
        except ConnectorError as error:
            log.warning("pull.failed", code=error.code, neighbour=error.neighbour)
            return False
        except RetriableQueueError:
            return False
        return True

    async def _outwait(self, duty: PullDuty) -> None:
        """Wait until a robot that was killed while it pulled has lost the duty; one that goes on holding it lives, and pulls for us."""
        for _ in range(TRIES_PER_LEASE + 1):
            if await duty.take():
                return
            await asyncio.sleep(duty.lease_s / TRIES_PER_LEASE)

    async def _leave(self, duty: PullDuty) -> None:
        """Let another robot pull at once."""
        with contextlib.suppress(RetriableQueueError):
            await duty.leave()

    async def _wake_what_rests(self, database: Database, jobs: Jobs) -> None:
        """Rescue and wake what is due; with `once` also what waits for a register, which is asked now or never."""
        try:
            if self._once:
                await database.call(lambda queue: queue.release_due(at_once=State.WAITING_FOR_REGISTER))
            await jobs.maintain()
        except RetriableQueueError:
            return

    async def _work(self, worker: Worker, database: Database) -> bool:
        """Keep cases in flight until stopped; with `once`, until none can be done now. Return whether none was left."""
        limit = asyncio.get_running_loop().time() + self._settings.work.once_limit_s
        while not self._stopping.is_set():
            self._wake.clear()
            free = self._settings.work.cases_in_flight - len(self._in_hand)
            claimed = await self._claimed(database, free)
            for case in claimed:
                task = asyncio.create_task(worker.handle(case))
                self._in_hand[task] = case
                task.add_done_callback(self._let_go)
            if self._once and not self._in_hand and not claimed and await self._nothing_left(database):
                return await database.call(lambda queue: not queue.counts().get(State.PARKED))
            if self._once and asyncio.get_running_loop().time() > limit:
                log.error("daemon.once_limit", code="BOT-001")
                return False
            await self._wait()
        return not self._once

    async def _claimed(self, database: Database, limit: int) -> list[Claimed]:
        """Claim at most that many cases; none while the database is locked or full, which is tried again."""
        if limit == 0:
            return []
        try:
            return await database.call(lambda queue: queue.claim(self._name, limit, self._settings.work.lease_s))
        except RetriableQueueError:
            return []

    async def _nothing_left(self, database: Database) -> bool:
        try:
            left = await database.call(lambda queue: queue.unfinished())
        except RetriableQueueError:
            return False
        return not (left.due or left.leased or left.later or left.waiting_for_register)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self._in_hand.pop(task, None)
        self._wake.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _heartbeat(self, database: Database) -> None:
        """Keep the leases of what is in hand; a case that is no longer ours is dropped at once."""
        lease_s = self._settings.work.lease_s
        while True:
            await asyncio.sleep(lease_s / _HEARTBEATS_PER_LEASE)
            held = dict(self._in_hand)
            if not held:
                continue
            try:
                ours = await database.call(partial(WorkQueue.heartbeat, claimed=list(held.values()), lease_s=lease_s))
            except RetriableQueueError:
                continue
            for task, case in held.items():
                if case.id not in ours and not task.done():
                    log.warning("case.lease_lost", case_ref=case.case_ref, code="QUE-010")
                    task.cancel()

    async def _finish_in_hand(self) -> None:
        if not self._in_hand:
            return
        _, late = await asyncio.wait(set(self._in_hand), timeout=self._settings.work.stop_within_s)
        for task in late:
            task.cancel()
        if late:
            log.warning("daemon.left_in_hand", cases=len(late), code="BOT-002")
            await asyncio.gather(*late, return_exceptions=True)

    def _on_signals(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
            remove: Callable[[int], bool] = loop.remove_signal_handler
            stack.callback(remove, number)
