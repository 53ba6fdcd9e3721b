"""Timed jobs: slept over many times they run once, a clock that is set changes nothing, and who is rescued is free within a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, tzinfo

import pytest
from structlog.testing import capture_logs

from robot.audit_head import HeadExport
from robot.day import DaySummary
from robot.duty import PullDuty
from robot.retention_job import RetentionJob
from robot.schedule import Jobs
from robot.settings import Audit, Schedule, Settings
from robot.timer import Timer
from tests.unit.robot_parts.fakes import Robot
from workqueue import PermanentQueueError, RetriableQueueError

EVERY_S = 0.02
NOTHING: Callable[[], None] = lambda: None  # noqa: E731
RESCUED_WITHIN_S = 60


async def running(job: Callable[[], Awaitable[None]], during: Callable[[], Awaitable[object]], every_s: float = EVERY_S) -> None:
    """Run a job while something else happens."""
    timer = Timer(look_every_s=EVERY_S)
    timer.every("test", every_s, job)
    timer.start()
    try:
        async with asyncio.timeout(60):
            await during()
    finally:
        timer.stop()


async def test_a_job_slept_over_many_times_runs_once() -> None:
    """As when the machine sleeps, or the process is stopped."""
    ran: list[float] = []
    twice = asyncio.Event()

    async def job() -> None:
        ran.append(time.monotonic())
        if len(ran) == 2:
            twice.set()

    async def sleep() -> None:
        await asyncio.sleep(0)
        time.sleep(10 * EVERY_S)  # noqa: ASYNC251  the whole loop stands still
        await twice.wait()

    await running(job, sleep)
    assert ran[1] - ran[0] >= EVERY_S / 2, "what was missed is not made up for"


class Moved(datetime):
    """A clock that has been set."""

    by = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Moved:
        return cls.fromtimestamp(datetime.now(tz).timestamp() + cls.by.total_seconds(), tz)


@pytest.mark.parametrize("hours", [-24, -1, 1])
async def test_a_clock_that_is_set_stalls_no_job(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    ran = 0
    four_times = asyncio.Event()

    async def job() -> None:
        nonlocal ran
        ran += 1
        if ran == 4:
            four_times.set()

    async def set_the_clock() -> None:
        await asyncio.sleep(EVERY_S / 2)
        real = time.time
        for module in ("apscheduler.schedulers.base", "apscheduler.triggers.interval", "robot.timer"):
            monkeypatch.setattr(f"{module}.datetime", Moved)
        monkeypatch.setattr(Moved, "by", timedelta(hours=hours))
        monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
        await four_times.wait()

    await running(job, set_the_clock)


async def test_a_job_with_a_bug_or_without_its_database_runs_again_and_never_beside_itself() -> None:
    ran, inside = 0, 0
    done = asyncio.Event()

    async def job() -> None:
        nonlocal ran, inside
        ran, inside = ran + 1, inside + 1
        assert inside == 1
        try:
            await asyncio.sleep(3 * EVERY_S)
            if ran == 1:
                raise KeyError("a bug")
            if ran == 2:
                raise RetriableQueueError("QUE-001")
            done.set()
        finally:
            inside -= 1

    await running(job, done.wait)
    assert ran == 3


async def test_a_job_that_runs_when_the_robot_stops_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def job() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    await running(job, begun.wait)
    await ended.wait()
    await asyncio.sleep(0)
    assert caplog.records == []


async def test_a_damaged_database_is_told_by_its_own_code_and_is_no_bug_of_the_job() -> None:
    twice = asyncio.Event()

    async def job() -> None:
        if told:
            twice.set()
        raise PermanentQueueError("QUE-003")

    with capture_logs() as told:
        await running(job, twice.wait)
    assert {(one["event"], one["job"], one["code"], one["log_level"]) for one in told} == {("job.failed", "test", "QUE-003", "error")}


def jobs_of(robot: Robot, duty: PullDuty, settings: Schedule) -> Jobs:
    heads = HeadExport(Audit(), robot.database)
    retention = RetentionJob(robot.settings, robot.database, robot.clock, "test")
    day = DaySummary(robot.database, robot.clock, duty)
    lease_s = robot.settings.work.lease_s
    wakes = {"wake": NOTHING, "rescued": NOTHING}
    return Jobs(settings, robot.puller, duty, robot.database, **wakes, heads=heads, retention=retention, day=day, lease_s=lease_s)


async def test_with_the_default_settings_the_case_of_a_dead_worker_is_free_within_a_minute(robot: Robot, settings: Settings) -> None:
    """However the worker's last heartbeat and the other robot's looks fall."""
    await robot.puller.pull()
    schedule, lease_s = settings.schedule, settings.work.lease_s
    for phase in (0.0, 0.3, 0.99):
        (claimed,) = robot.queue.claim("dead", 1, lease_s)
        jobs = jobs_of(robot, PullDuty(robot.database, "other", lease_s=schedule.pull_lease_s), schedule)
        died = robot.clock.machine
        robot.clock.advance(seconds=phase * schedule.maintain_every_s)
        while robot.item().state.value == "assessing":
            robot.clock.advance(seconds=schedule.maintain_every_s)
            await jobs.maintain()
        assert robot.clock.machine - died < RESCUED_WITHIN_S
        robot.queue.requeue(claimed.case_ref, "once more", "test")


@pytest.mark.parametrize("found_by", ["the duty's own job", "a pull"])
async def test_a_robot_that_takes_pulling_over_lists_all_at_once(robot: Robot, found_by: str) -> None:
    dead, duty = (PullDuty(robot.database, name, lease_s=2) for name in ("dead", "survivor"))
    assert await dead.take()
    assert not await duty.take()
    robot.clock.machine += 3
    if found_by == "a pull":
        assert await duty.take()
    settings = robot.settings.schedule.model_copy(update={"pull_every_s": 1000, "relist_every_s": 1000, "maintain_every_s": 1000})
    jobs = jobs_of(robot, duty, settings)
    jobs.start()
    try:
        async with asyncio.timeout(60):
            while not robot.case_system.asked_since:  # noqa: ASYNC110  what is waited for is a plain list
                await asyncio.sleep(0.01)
    finally:
        jobs.stop()
    assert robot.case_system.asked_since == [None]
    assert not duty.was_taken_over(), "it is said once"


async def test_the_robot_that_pulls_first_takes_nothing_over(robot: Robot) -> None:
    duty = PullDuty(robot.database, "only", lease_s=2)
    assert await duty.take()
    assert not duty.was_taken_over()
