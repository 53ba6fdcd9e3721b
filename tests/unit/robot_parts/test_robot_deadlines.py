"""A case reaches a person at its deadline whatever does not answer, and a case that kills workers is taken from them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.assessment import Outcome
from tests.unit.robot_parts.fakes import LEASE_S, Robot, passing, refused
from workqueue import State


async def go_on_until(robot: Robot, *states: State) -> None:
    """Wake, claim and handle until the case is in one of the states; the world's time goes on to when the queue says."""
    for _ in range(1000):
        if robot.item().state in states:
            return
        robot.clock.go_to(max(robot.clock.now(), robot.item().not_before))
        await robot.go_on()
    raise AssertionError("it never came there")


async def test_with_every_register_down_for_more_than_a_day_a_case_is_with_a_person_at_its_deadline(robot: Robot) -> None:
    robot.registers.error = passing()
    await robot.puller.pull()
    deadline = robot.item().deadline

    await go_on_until(robot, State.DELIVERED, State.HANDED_OVER)

    assert robot.clock.now() == deadline
    assert robot.item().state is State.HANDED_OVER
    assert len(robot.registers.asked) > 24, "it was asked again all the time"


@pytest.mark.parametrize("error", [passing("NET-007"), refused()])
async def test_with_the_case_system_down_too_the_hand_over_goes_out_as_soon_as_it_is_back(robot: Robot, error: Exception) -> None:
    await robot.puller.pull()
    deadline = robot.item().deadline
    robot.registers.error = passing()
    robot.case.error = error
    robot.case_system.write_error = passing()

    await go_on_until(robot, State.TO_DELIVER)
    assert robot.clock.now() == deadline
    assert robot.written() == []
    back = deadline + timedelta(hours=30)
    while robot.clock.now() < back:
        robot.clock.go_to(robot.item().not_before)
        assert (await robot.go_on()).state is State.TO_DELIVER

    robot.case_system.write_error = None
    waited = robot.item().not_before - robot.clock.now()
    await go_on_until(robot, State.HANDED_OVER)
    assert waited <= timedelta(seconds=robot.settings.work.try_again_last_s)
    assert robot.assessment().outcome is Outcome.STOP


def crash(robot: Robot, times: int) -> None:
    """Let so many workers die with the case."""
    for _ in range(times):
        robot.queue.claim("dead", 1, LEASE_S)
        robot.clock.machine += LEASE_S + 1
        robot.queue.release_expired()


async def test_a_case_is_assessed_after_two_crashes_and_handed_over_unread_after_three(robot: Robot) -> None:
    await robot.puller.pull()
    most = robot.settings.work.most_crashes
    assert most == 3
    crash(robot, most)
    robot.case_system.read.clear()

    item = await robot.go_on()

    assert item.state is State.HANDED_OVER
    assert robot.assessment().outcome is Outcome.STOP
    assert robot.case_system.read == [], "nothing of it was read again"
    assert robot.registers.asked == []


async def test_before_that_it_is_assessed_as_ever(robot: Robot) -> None:
    await robot.puller.pull()
    crash(robot, robot.settings.work.most_crashes - 1)
    assert (await robot.go_on()).state is State.DELIVERED


async def test_one_that_kills_even_then_is_parked_for_ops_who_can_put_it_back(robot: Robot) -> None:
    await robot.puller.pull()
    crash(robot, robot.settings.work.most_crashes + 1)

    item = await robot.go_on()

    assert (item.state, item.reason) == (State.PARKED, "BOT-006")
    robot.queue.requeue(item.case_ref, "mended", "ops")
    assert (await robot.go_on()).state is State.DELIVERED


async def test_a_hand_over_that_the_case_system_does_not_take_now_is_made_later_and_not_parked(robot: Robot) -> None:
    await robot.puller.pull()
    crash(robot, robot.settings.work.most_crashes)
    robot.case_system.write_error = passing()
    assert (await robot.go_on()).state is State.TO_DELIVER
    robot.case_system.write_error = None

    await go_on_until(robot, State.HANDED_OVER, State.PARKED)

    assert robot.item().state is State.HANDED_OVER
