"""Who is in a case is known, for the person who asks, as soon as the robot has read it: also when no draft tells."""

from __future__ import annotations

from datetime import datetime

import pytest

from robot.clock import STOCKHOLM
from robot.person import cases_of
from tests.unit.robot_parts.fakes import CASE, Robot, passing, with_text
from workqueue import State

APPLICANT, OTHER = "199001012385", "199102022390"
"""As the example has them: made up."""
THE_20TH = datetime(2026, 11, 20, 12, 0, tzinfo=STOCKHOLM)


def is_known(robot: Robot) -> bool:
    """Say whether the case is found for both who are in it."""
    return cases_of(robot.queue, APPLICANT) == cases_of(robot.queue, OTHER) == [robot.item().case_ref]


async def resting(robot: Robot) -> None:
    robot.clock.go_to(THE_20TH)
    assert (await robot.take()).state is State.WAITING_FOR_INCOME


async def test_of_a_case_that_waits_for_incomes(robot: Robot) -> None:
    await resting(robot)
    assert robot.registers.asked
    assert is_known(robot)


async def test_of_a_case_that_waits_for_a_register(robot: Robot) -> None:
    robot.registers.silent = {"FK"}
    assert (await robot.take()).state is State.WAITING_FOR_REGISTER
    assert is_known(robot)


async def test_and_stays_so_when_a_person_takes_the_case(robot: Robot) -> None:
    await resting(robot)
    robot.case.assigned_to = "joe01doe"
    robot.clock.go_to(robot.item().not_before)
    assert (await robot.go_on()).state is State.TAKEN_BY_PERSON
    assert is_known(robot)


async def test_of_a_case_that_a_person_has_decided_when_the_robot_has_read_it(robot: Robot) -> None:
    await robot.puller.pull()
    robot.case.decided = True
    assert (await robot.go_on()).state is State.TAKEN_BY_PERSON
    assert is_known(robot)


async def test_and_stays_so_when_the_case_is_left_to_a_person_unassessed(robot: Robot) -> None:
    await resting(robot)
    robot.queue.hand_over(CASE, "the applicant has called", "kim")
    assert (await robot.go_on()).state is State.HANDED_OVER
    assert is_known(robot)


async def test_and_stays_so_when_the_deadline_comes_under_a_pause(robot: Robot) -> None:
    await resting(robot)
    robot.queue.pause(None, "wrong amount", "kim")
    robot.clock.go_to(robot.item().deadline)
    assert (await robot.go_on()).state is State.HANDED_OVER
    assert is_known(robot)


async def test_and_stays_so_when_the_case_can_no_longer_be_read_at_its_deadline(robot: Robot) -> None:
    await resting(robot)
    robot.case.error = passing()
    robot.clock.go_to(robot.item().deadline)
    assert (await robot.go_on()).state is State.HANDED_OVER
    assert is_known(robot)


async def test_of_a_case_that_met_a_bug_when_it_had_been_read(robot: Robot) -> None:
    robot.registers.error = ValueError("a bug")
    assert (await robot.take()).state is State.HANDED_OVER
    assert is_known(robot)


async def test_of_a_case_that_is_too_large_to_be_kept(robot: Robot) -> None:
    text = with_text(robot.standard.application, "x" * 19_000).free_text[0]
    robot.case.change(robot.standard.application.model_copy(update={"free_text": (text,) * 500}), "v1")
    assert (await robot.take()).state is State.HANDED_OVER
    assert is_known(robot)


@pytest.mark.parametrize("members", [65, 200])
async def test_a_household_too_large_for_its_row_reaches_a_person_all_the_same(robot: Robot, members: int) -> None:
    application = robot.standard.application
    child = application.household.members[0].model_copy(update={"role": "child"})
    many = tuple(child.model_copy(update={"ref": f"child-{n}", "personnummer": f"2015{n:08}"}) for n in range(members))
    household = application.household.model_copy(update={"members": (*application.household.members, *many)})
    robot.case.change(application.model_copy(update={"household": household}), "v1")
    assert (await robot.take()).state in {State.HANDED_OVER, State.DELIVERED}
    assert is_known(robot)
