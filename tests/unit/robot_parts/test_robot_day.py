"""One line a day tells what became of yesterday's cases: told once, by the robot that pulls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import structlog

from robot.clock import STOCKHOLM
from robot.day import DaySummary
from robot.duty import PullDuty
from tests.unit.robot_parts.fakes import Robot
from workqueue import RetriableQueueError, WorkQueue


async def told(summary: DaySummary) -> list[dict[str, Any]]:
    with structlog.testing.capture_logs() as logs:
        await summary.look()
    return [dict(line) for line in logs if line["event"] == "day.summary"]


def of(robot: Robot, name: str = "first") -> tuple[DaySummary, PullDuty]:
    duty = PullDuty(robot.database, name, lease_s=60)
    return DaySummary(robot.database, robot.clock, duty), duty


async def test_yesterday_is_told_once_when_a_new_day_has_begun(robot: Robot) -> None:
    summary, duty = of(robot)
    await duty.take()
    await robot.take()
    assert await told(summary) == []

    robot.clock.world = datetime(2026, 12, 1, 0, 0, 1, tzinfo=STOCKHOLM)
    (line,) = await told(summary)
    assert (line["day"], line["days"], line["log_level"]) == ("2026-11-30", 1, "info")
    assert line["ok"] + line["review"] + line["handed_over"] == 1
    assert (line["parked"], line["left"]) == (0, 0)
    assert await told(summary) == []


async def test_days_that_nobody_worked_are_told_in_one_line(robot: Robot) -> None:
    summary, duty = of(robot)
    await duty.take()
    robot.clock.world = datetime(2026, 12, 4, 7, 0, tzinfo=STOCKHOLM)

    (line,) = await told(summary)
    assert (line["day"], line["days"], line["ok"]) == ("2026-11-30", 4, 0)


async def test_of_several_robots_one_tells(robot: Robot) -> None:
    (first, duty), (second, _) = of(robot), of(robot, "second")
    await duty.take()
    robot.clock.world = datetime(2026, 12, 1, 6, 0, tzinfo=STOCKHOLM)

    assert len(await told(first)) == 1
    assert await told(second) == []


async def test_a_clock_set_back_over_midnight_tells_nothing_twice(robot: Robot) -> None:
    summary, duty = of(robot)
    await duty.take()
    for moment in (datetime(2026, 12, 1, 0, 1, tzinfo=STOCKHOLM), datetime(2026, 11, 30, 23, 59, tzinfo=STOCKHOLM)):
        robot.clock.world = moment
        lines = await told(summary)
    robot.clock.world = datetime(2026, 12, 1, 0, 2, tzinfo=STOCKHOLM)

    assert lines == []
    assert await told(summary) == []


async def test_a_day_that_ends_while_the_database_is_away_is_told_when_it_is_back(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    summary, duty = of(robot)
    await duty.take()
    robot.clock.world = datetime(2026, 12, 1, 0, 1, tzinfo=STOCKHOLM)
    with monkeypatch.context() as away:

        def refuse(*_: object) -> None:
            raise RetriableQueueError("QUE-005")

        away.setattr(WorkQueue, "ended_between", refuse)
        with pytest.raises(RetriableQueueError):
            await summary.look()

    (line,) = await told(summary)
    assert line["day"] == "2026-11-30"
