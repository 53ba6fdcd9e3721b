"""One case and nothing else: for a first look, or to see what becomes of one. It takes the case by a lease as any worker does."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import AsyncExitStack

from connectors.case_systems.port import CaseSystem, Standing
from robot.ask import Asker
from robot.daemon import CONTROL_SAMPLE, case_system_of, registers_of
from robot.database import Database
from robot.delivery import Delivery
from robot.pull import Puller
from robot.settings import Settings
from robot.worker import Worker
from rules import load_rulebook
from workqueue import ENDED, RESTING, Claimed, Item, NotAllowed, RetriableQueueError, State, WorkQueue

_HEARTBEATS_PER_LEASE = 3
DONE = ENDED - {State.PARKED}


async def run_only(settings: Settings, queue: WorkQueue, case: str, user: str) -> Item:
    """Take one case, by its reference or the case system's id, as far as it can go now; return where it stands then.

    One that the queue does not have is read from the case system first. A resting one is woken; a pause is no hindrance.
    Raises NotAllowed for a case that a worker or a person has, that has ended or is none, ConnectorError when a new one cannot be read.
    """
    clock = settings.clock()
    rulebook = load_rulebook(settings.municipality.guidelines)
    async with AsyncExitStack() as stack:
        database = Database(queue)
        stack.callback(database.close)
        case_system = case_system_of(settings, rulebook, clock)
        stack.push_async_callback(case_system.aclose)
        registers = registers_of(settings, clock)
        stack.push_async_callback(registers.aclose)
        puller = Puller(case_system, database, rulebook, clock, overlap_s=settings.schedule.pull_overlap_s)
        policy = settings.registers
        worker = Worker(
            settings=settings,
            case_system=case_system,
            asker=Asker(registers, clock, policy.sources, deadline_s=policy.deadline_s, open_in=settings.schedule.registers_open),
            puller=puller,
            delivery=Delivery(case_system, database),
            database=database,
            rulebook=rulebook,
            clock=clock,
            sample_key=database.queue.derived_key(CONTROL_SAMPLE),
            once=False,
        )
        await _in_queue(database, case_system, puller, case)
        claimed = await _claimed(settings, database, case, user)
        keeping = asyncio.create_task(_keep(database, claimed, settings.work.lease_s))
        handling = asyncio.create_task(worker.handle(claimed))
        # A lease that was lost is another's: nothing more is written here.
        keeping.add_done_callback(lambda _: handling.cancel())
        await asyncio.wait({handling})
        keeping.cancel()
        item = await database.call(lambda one: one.item(claimed.case_ref))
        assert item is not None
        return item


async def _in_queue(database: Database, case_system: CaseSystem, puller: Puller, case: str) -> None:
    if await database.call(lambda queue: queue.item(case)) is None:
        application = await case_system.application(case)
        if application.standing is Standing.TAKEN:
            # Else a mistyped id would stand in the queue for ever.
            raise NotAllowed("QUE-012", detail="run --only, a person has it in the case system, or it has no such case")
        await puller.take(application)


async def _claimed(settings: Settings, database: Database, case: str, user: str) -> Claimed:
    item = await database.call(lambda queue: queue.item(case))
    assert item is not None
    ref = item.case_ref
    if item.state in RESTING:
        await database.call(lambda queue: queue.requeue(ref, "run --only", user))
    worker = f"only-{os.getpid()}-{secrets.token_hex(3)}"
    deliver = not settings.work.shadow
    claimed = await database.call(lambda queue: queue.claim_one(worker, ref, settings.work.lease_s, deliver=deliver))
    if claimed is None:
        raise NotAllowed("QUE-012", detail=f"{ref}, run --only, state {item.state}")
    return claimed


async def _keep(database: Database, claimed: Claimed, lease_s: float) -> None:
    """Keep the lease; ends when it is no longer ours."""
    while True:
        await asyncio.sleep(lease_s / _HEARTBEATS_PER_LEASE)
        try:
            if claimed.id not in await database.call(lambda queue: queue.heartbeat([claimed], lease_s)):
                return
        except RetriableQueueError:
            continue
