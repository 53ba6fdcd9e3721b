"""The time left to the nearest deadline: it tells of what is late, and never of a case that rests as it should or a closed night."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from robot.clock import STOCKHOLM
from robot.figures import look
from robot.hours import Window
from tests.unit.robot_parts.fakes import CASE, Robot
from tests.unit.robot_parts.test_robot_controls import set_up
from workqueue import State

THE_20TH = datetime(2026, 11, 20, 12, 0, tzinfo=STOCKHOLM)
AFTERNOON = (Window.model_validate({"days": "daily", "from": "13:00", "to": "18:00"}),)
ALWAYS = (Window.model_validate({"days": "daily", "from": "00:00", "to": "24:00"}),)


def margin(robot: Robot, **before: float) -> float | None:
    """Return the margin so long before, or after, the deadline of the one case."""
    robot.clock.go_to(robot.item().deadline - timedelta(**before))
    return look(robot.queue, robot.settings, robot.clock.now(), head_kept_at=None).deadline_margin_s


async def test_a_case_that_rests_until_its_deadline_is_not_near_it_and_is_late_when_nobody_wakes_it(robot: Robot) -> None:
    robot.clock.go_to(THE_20TH)
    assert (await robot.take()).state is State.WAITING_FOR_INCOME

    assert margin(robot, hours=1) is None
    assert margin(robot, seconds=1) is None
    assert margin(robot, minutes=-11) == -660


async def test_a_case_that_waits_for_a_register_is_not_near_its_deadline_either(robot: Robot) -> None:
    robot.registers.silent = {"FK"}
    assert (await robot.take()).state is State.WAITING_FOR_REGISTER

    assert margin(robot, hours=1) is None
    assert margin(robot, minutes=-11) == -660


async def test_a_case_that_waits_for_a_worker_is_near_its_deadline(robot: Robot) -> None:
    await robot.puller.pull()

    assert margin(robot, hours=1) == 3600
    assert margin(robot, minutes=-11) == -660


async def test_of_several_the_first_deadline_that_hurries_counts(robot: Robot) -> None:
    robot.clock.go_to(THE_20TH)
    await robot.take()
    first = robot.item().deadline
    robot.queue.requeue(CASE, "again", "ops")
    assert robot.item().state is State.READY

    assert margin(robot, hours=1) == (robot.item().deadline - first + timedelta(hours=1)).total_seconds()


async def test_while_the_case_system_is_closed_nothing_is_late_and_the_hours_are_no_delay(robot: Robot) -> None:
    set_up(robot, "schedule", case_system_open=AFTERNOON)
    await robot.puller.pull()
    assert robot.item().deadline.astimezone(STOCKHOLM).time() == time(8)

    assert margin(robot, hours=10) is None, "ten in the evening"
    assert margin(robot, minutes=-20) is None
    assert margin(robot, hours=-5) == 0, "it has just opened"
    assert margin(robot, hours=-5, minutes=-11) == -660


@pytest.mark.parametrize("hours", [(), ALWAYS])
async def test_midnight_is_no_opening_where_it_never_closes(robot: Robot, hours: tuple[Window, ...]) -> None:
    set_up(robot, "schedule", case_system_open=hours)
    await robot.puller.pull()

    assert margin(robot, hours=-30) == -30 * 3600
