"""What looks at the daemon from outside can neither stop a case nor fall silent itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from robot.alarms import Alarming
from robot.condition import Condition
from robot.daemon import Daemon
from robot.metrics import Metrics
from robot.watching import Watching
from tests.unit.robot_parts.fakes import CASE, Robot
from workqueue import WorkQueue

LOOKS = 2000


def with_a_bug(*_: object, **__: object) -> None:
    raise KeyError("a bug")


@pytest.mark.parametrize("place", [(Condition, "_fell_ill"), (Metrics, "_finished")])
def test_a_bug_in_a_watcher_costs_no_case_its_word(robot: Robot, monkeypatch: pytest.MonkeyPatch, place: tuple[type, str]) -> None:
    monkeypatch.setattr(*place, with_a_bug)

    for watcher in Watching(robot.settings).watchers:
        for event in ({"event": "case.finished", "outcome": "ok"}, {"event": "neighbour.lost", "neighbour": "ssbtek"}):
            assert watcher(None, "info", dict(event)) == event


async def test_a_bug_in_an_alarm_is_told_and_the_next_look_is_made(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    async def look(_: Alarming) -> None:
        looks.append(1)
        raise KeyError("a bug")

    monkeypatch.setattr(Alarming, "look", look)
    health = robot.settings.health.model_copy(update={"look_every_s": 0.01})
    watching = Watching(robot.settings.model_copy(update={"health": health}))
    with capture_logs() as said:
        async with AsyncExitStack() as stack:
            await watching.begin(stack)
            watching.works(stack, robot.database, robot.clock, lambda: None)
            await until(lambda: len(looks) > 1)

    assert {(one["event"], one["job"], one["code"]) for one in said} == {("job.failed", "alarms", "BUG-003")}


async def test_a_bug_in_a_heartbeat_is_told_and_the_next_one_keeps_the_cases(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[int] = []

    def beat(_: WorkQueue, claimed: list[object], lease_s: float) -> set[int]:
        beats.append(1)
        raise KeyError("a bug")

    monkeypatch.setattr(WorkQueue, "heartbeat", beat)
    work = robot.settings.work.model_copy(update={"lease_s": 0.03})
    daemon = Daemon(robot.settings.model_copy(update={"work": work}), once=False, queue=robot.queue)
    await robot.puller.pull()
    case = robot.claim()
    assert case.case_id == CASE
    in_hand = asyncio.create_task(asyncio.sleep(60))
    daemon._in_hand[in_hand] = case
    with capture_logs() as said:
        beating = asyncio.create_task(daemon._heartbeat(robot.database))
        await until(lambda: len(beats) > 1)
        beating.cancel()
    in_hand.cancel()

    assert {(one["event"], one["job"], one["code"]) for one in said} == {("job.failed", "heartbeat", "BUG-003")}


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(LOOKS):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"not within {LOOKS} looks")
