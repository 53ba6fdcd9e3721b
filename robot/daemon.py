"""The daemon: wires the parts together, keeps cases in flight, and stops in good order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from connectors.case_systems.caremanagement import CareManagement, LifecareNames
from connectors.case_systems.port import CaseSystem
from connectors.errors import ConnectorError
from connectors.registers.port import Registers
from connectors.registers.ssbtek import Ssbtek
from connectors.transport import Tallies, Tally
from robot.ask import Asker
from robot.audit_head import HeadExport
from robot.claims import Claims
from robot.clock import Clock
from robot.controls import Controls
from robot.database import Database, open_queue
from robot.day import DaySummary
from robot.dead_man import DeadMan
from robot.delivery import Delivery
from robot.duty import TRIES_PER_LEASE, PullDuty
from robot.opening import open_when_there
from robot.pull import Puller
from robot.retention_job import RetentionJob
from robot.schedule import Jobs
from robot.settings import Audit, Settings
from robot.shadow import ReadOnly
from robot.waking import Listening
from robot.watching import Watching
from robot.worker import Worker
from rules import Rulebook, load_rulebook
from workqueue import Claimed, PostgresAddress, RetriableQueueError, State, WorkQueue

__all__ = ["CONTROL_SAMPLE", "Daemon", "case_system_of", "open_queue", "registers_of"]

log = structlog.get_logger()

CONTROL_SAMPLE = "control sample"
"""Names the secret that picks the control sample; it stays the same as long as the database lives."""
_LOOK_EVERY_S = 1.0
_HEARTBEATS_PER_LEASE = 3
_PULL_LOOK_S = 1.0
_STARTED_TOGETHER = timedelta(minutes=1)
"""Workers of one parent begin within so long of each other: a pull by one of them is a pull for all."""


def case_system_of(settings: Settings, rulebook: Rulebook, clock: Clock, tallies: Tallies = Tally) -> CaseSystem:
    """Return the municipality's case system; in shadow mode one that cannot be written. `tallies` = where its questions are counted."""
    names = LifecareNames(rulebook.guidelines.lifecare_income_names, rulebook.guidelines.lifecare_cost_names)
    real = CareManagement(settings.case_system, names, clock=clock.now, tallies=tallies)
    return ReadOnly(real) if settings.work.shadow else real


def registers_of(settings: Settings, clock: Clock, tallies: Tallies = Tally) -> Registers:
    """Return the municipality's registers. `tallies` = where their questions are counted."""
    return Ssbtek(settings.registers.ssbtek, clock=clock.now, tallies=tallies)


class Daemon:
    """One robot. Several may share a database: leases keep them apart.

    `queue` = an open queue, which is closed at the end; None = it is opened as soon as its database is there. `worker` = this one's
    number under a parent. `watching` = who looks at the daemon from outside.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        once: bool,
        queue: WorkQueue | None = None,
        worker: int | None = None,
        watching: Watching | None = None,
    ) -> None:
        self._settings = settings
        self._once = once
        self._queue = queue
        self._watching = watching
        self._worker_number = worker
        self._is_first = worker in (None, 1)
        self._clock = settings.clock()
        self._rulebook = load_rulebook(settings.municipality.guidelines)
        self._name = f"{os.getpid()}-{secrets.token_hex(3)}"
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._in_hand: dict[asyncio.Task[None], Claimed] = {}
        self._lease_ends: dict[asyncio.Task[None], asyncio.TimerHandle] = {}
        self._controls = Controls(settings, self._clock)
        self._claims = Claims(settings, self._controls, self._name, once=once)

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
            self._on_signals(stack)
            if self._watching is not None:
                await self._watching.begin(stack)
            queue = self._queue or await self._when_there(stack)
            if queue is None:
                log.info("daemon.stopped", done=not self._once)
                return not self._once
            database = Database(queue)
            stack.callback(database.close)
            tallies = Tally if self._watching is None else self._watching.neighbours.tally
            case_system = case_system_of(self._settings, self._rulebook, self._clock, tallies)
            stack.push_async_callback(case_system.aclose)
            registers = registers_of(self._settings, self._clock, tallies)
            stack.push_async_callback(registers.aclose)
            schedule = self._settings.schedule
            duty = PullDuty(database, self._name, lease_s=schedule.pull_lease_s)
            stack.push_async_callback(self._leave, duty)
            puller = Puller(
                case_system,
                database,
                self._rulebook,
                self._clock,
                overlap_s=schedule.pull_overlap_s,
                duty=duty,
                added=self._wake.set,
                may_ask=self._controls.may_use_case_system,
            )
            worker = self._worker(case_system, registers, puller, database)
            heads = HeadExport(self._settings.audit if self._is_first else Audit(), database)
            stack.push_async_callback(heads.export_last)
            retention = RetentionJob(self._settings, database, self._clock, self._name)
            stack.push_async_callback(retention.leave)
            jobs = Jobs(
                schedule,
                puller,
                duty,
                database,
                wake=self._wake.set,
                rescued=self._claims.look_for_suspects,
                heads=heads,
                retention=retention,
                day=DaySummary(database, self._clock, duty),
                lease_s=self._settings.work.lease_s,
            )
            log.info(
                "daemon.started",
                once=self._once,
                rulebook=self._rulebook.hash[:12],
                cases_in_flight=self._settings.work.cases_in_flight,
                shadow=self._settings.work.shadow,
            )
            if self._watching is not None:
                self._watching.works(stack, database, self._clock, lambda: heads.kept_at)
            await self._wake_what_rests(database, jobs)
            pull = asyncio.create_task(self._first_pull(puller, duty, database, case_system.name))
            pull.add_done_callback(lambda _: self._wake.set())
            jobs.start()
            controls = asyncio.create_task(self._controls.run(database))
            beside = [pull, controls, asyncio.create_task(self._heartbeat(database)), *self._listening()]
            try:
                done = await self._work(worker, database, pull)
            finally:
                jobs.stop()
                pull.cancel()
                await self._finish_in_hand()
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
        log.info("daemon.stopped", done=done)
        return done

    async def _when_there(self, stack: AsyncExitStack) -> WorkQueue | None:
        """Return the queue when its database is there; None = told to stop meanwhile. Whoever looks is told that it is waited for."""
        if self._watching is not None:
            self._watching.waits(stack)
        return await open_when_there(self._settings, self._clock, self._stopping)

    def _worker(self, case_system: CaseSystem, registers: Registers, puller: Puller, database: Database) -> Worker:
        policy = self._settings.registers
        return Worker(
            settings=self._settings,
            case_system=case_system,
            asker=Asker(
                registers, self._clock, policy.sources, deadline_s=policy.deadline_s, open_in=self._settings.schedule.registers_open
            ),
            puller=puller,
            delivery=Delivery(case_system, database),
            database=database,
            rulebook=self._rulebook,
            clock=self._clock,
            sample_key=database.queue.derived_key(CONTROL_SAMPLE),
            once=self._once,
            dead_man=DeadMan(self._settings.work.band, database),
        )

    async def _first_pull(self, puller: Puller, duty: PullDuty, database: Database, case_system: str) -> bool:
        """List all that nobody has begun, while work goes on; return whether all of it is in the queue, by us or by another robot.

        A bug here is a bug of the daemon.
        """
        began = self._clock.now()
        if not self._controls.may_use_case_system():
            return False
        try:
            if self._once and await self._pulled_by_another(duty, database, case_system, began):
                return True
            await puller.pull(everything=True)
        except ConnectorError as error:
            log.warning("pull.failed", code=error.code, neighbour=error.neighbour)
            return False
        except RetriableQueueError:
            return False
        return not puller.not_stored

    async def _pulled_by_another(self, duty: PullDuty, database: Database, case_system: str, began: datetime) -> bool:
        """With `once`: wait until pulling is ours, or another has pulled since we began. Return whether another has.

        A robot that was killed while it pulled has lost the duty after a while; one that goes on holding it lives, and pulls for us.
        """
        loop = asyncio.get_running_loop()
        alone = self._worker_number is None
        limit = loop.time() + (duty.lease_s * (1 + 1 / TRIES_PER_LEASE) if alone else self._settings.work.once_limit_s)
        since = began if alone else began.astimezone(UTC) - _STARTED_TOGETHER
        while loop.time() < limit:
            if await duty.take():
                return False
            last = await database.call(lambda queue: queue.last_pull(case_system))
            if last is not None and last >= since:
                return True
            await asyncio.sleep(min(_PULL_LOOK_S, duty.lease_s / TRIES_PER_LEASE))
        return False

    async def _leave(self, duty: PullDuty) -> None:
        """Let another robot pull at once."""
        with contextlib.suppress(RetriableQueueError):
            await duty.leave()

    async def _wake_what_rests(self, database: Database, jobs: Jobs) -> None:
        """Rescue and wake what is due; with `once` also what waits for a register, which is asked now or never."""
        try:
            if not self._settings.work.shadow and (back := await database.call(lambda queue: queue.go_live())):
                log.info("shadow.ended", cases=back)
            if self._once:
                await database.call(lambda queue: queue.release_due(at_once=State.WAITING_FOR_REGISTER))
            await jobs.maintain()
        except RetriableQueueError:
            return

    def _listening(self) -> list[asyncio.Task[None]]:
        """Return what wakes us when another robot has put work into the queue; a file tells nobody."""
        place = self._settings.storage.database
        return [asyncio.create_task(Listening(place, self._wake.set).run())] if isinstance(place, PostgresAddress) else []

    async def _work(self, worker: Worker, database: Database, pull: asyncio.Task[bool]) -> bool:
        """Keep cases in flight until stopped; with `once`, until none can be done now. Return whether none was left."""
        limit = asyncio.get_running_loop().time() + self._settings.work.once_limit_s
        while not self._stopping.is_set():
            self._wake.clear()
            free = self._settings.work.cases_in_flight - len(self._in_hand)
            began = asyncio.get_running_loop().time()
            claimed = await self._claims.claim(database, free, list(self._in_hand.values()))
            for case in claimed:
                task = asyncio.create_task(worker.handle(case))
                self._in_hand[task] = case
                task.add_done_callback(self._let_go)
                self._is_ours_from(began, task)
            if pull.done() and (error := pull.exception()):
                raise error
            if self._once and pull.done() and not self._in_hand and not claimed and await self._nothing_left(database):
                return await self._all_is_done(database) and pull.result()
            if self._once and asyncio.get_running_loop().time() > limit:
                log.error("daemon.once_limit", code="BOT-001")
                return False
            await self._wait()
            await self._claims.turn(busy=bool(self._in_hand))
        return not self._once

    async def _nothing_left(self, database: Database) -> bool:
        try:
            left = await database.call(lambda queue: queue.unfinished(**self._controls.limits()))
        except RetriableQueueError:
            return False
        if not self._controls.may_use_case_system():
            return not left.leased
        registers = left.waiting_for_register and self._controls.may_ask_registers()
        return not (left.due or left.leased or left.later or registers)

    async def _all_is_done(self, database: Database) -> bool:
        """With `once`, at the end: say whether every case has come as far as it can.

        What is parked has not, nor what is left at closing time, or for a pause or a quiet window.
        """
        left = await database.call(lambda queue: queue.unfinished(**self._controls.limits()))
        if left and not self._controls.may_use_case_system():
            log.warning("daemon.closed", code="BOT-008")
            return False
        if left.held:
            log.warning("daemon.held", cases=left.held, code="BOT-025")
            return False
        return await database.call(lambda queue: not queue.counts().get(State.PARKED))

    def _is_ours_from(self, moment: float, task: asyncio.Task[None]) -> None:
        """Drop a case by ourselves a lease's time after we last asked to keep it, unless it is kept again: another may have it by then.

        A robot that has stood still longer than that drops it in its first turn, before it writes in the light of what it saw long ago.
        """
        if task in self._lease_ends:
            self._lease_ends[task].cancel()
        loop = asyncio.get_running_loop()
        self._lease_ends[task] = loop.call_at(moment + self._settings.work.lease_s, self._drop, task)

    def _drop(self, task: asyncio.Task[None]) -> None:
        if task in self._in_hand and not task.done():
            log.warning("case.lease_lost", case_ref=self._in_hand[task].case_ref, code="QUE-010")
            task.cancel()

    def _let_go(self, task: asyncio.Task[None]) -> None:
        case = self._in_hand.pop(task)
        self._claims.let_go(case)
        self._lease_ends.pop(task).cancel()
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
            began = asyncio.get_running_loop().time()
            try:
                ours = await database.call(partial(WorkQueue.heartbeat, claimed=list(held.values()), lease_s=lease_s))
            except RetriableQueueError:
                continue
            except Exception:
                log.exception("job.failed", job="heartbeat", code="BUG-003")
                continue
            for task, case in held.items():
                if case.id not in ours:
                    self._drop(task)
                elif task in self._in_hand:
                    self._is_ours_from(began, task)

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
