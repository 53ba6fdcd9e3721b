"""Who is blamed when a worker dies: the case that kills, by its third kill, and none of those that happened to be in hand."""

from __future__ import annotations

import pytest

from robot.claims import Claims
from robot.controls import Controls
from tests.unit.robot_parts.fakes import CASE, FakeCase, Robot
from workqueue import Claimed, State

IN_HAND = 16
MOST = 3


@pytest.fixture
def busy(robot: Robot) -> Robot:
    """Return a robot with as many cases as it takes in hand."""
    robot.case_system.cases = {f"case-{number:02}": FakeCase(robot.standard) for number in range(IN_HAND)}
    assert robot.settings.work.most_crashes == MOST
    assert robot.settings.work.cases_in_flight == IN_HAND
    return robot


async def claimed_at_start(robot: Robot) -> list[Claimed]:
    """Start the daemon anew and let it claim."""
    return await Claims(robot.settings, Controls(robot.settings, robot.clock), "anew", once=False).claim(robot.database, IN_HAND, [])


def die(robot: Robot) -> None:
    """Let the leases of what is in hand run out."""
    robot.clock.machine += robot.settings.work.lease_s + 1
    robot.queue.release_expired()


def blamed(robot: Robot) -> dict[str, int]:
    return {case_id: robot.item(case_id).rescues for case_id in robot.case_system.cases}


async def test_power_cuts_again_and_again_blame_no_case(busy: Robot) -> None:
    await busy.puller.pull()
    for cut in range(MOST + 1):
        claimed = await claimed_at_start(busy)
        assert len(claimed) == (IN_HAND if cut == 0 else 1), "after the first, each is taken alone"
        die(busy)

    assert max(blamed(busy).values()) < MOST


@pytest.mark.parametrize("killer", ["case-00", "case-07", "case-15"])
async def test_the_case_that_kills_is_found_by_its_third_kill_and_no_other_is_blamed(busy: Robot, killer: str) -> None:
    await busy.puller.pull()
    kills = 0
    for _ in range(4 * IN_HAND):
        claimed = await claimed_at_start(busy)
        if any(case.case_id == killer for case in claimed):
            if claimed[0].rescues >= MOST:
                break
            kills += 1
            die(busy)
        else:
            for case in claimed:
                busy.queue.end(case, State.TAKEN_BY_PERSON, [])

    assert (kills, blamed(busy)[killer]) == (MOST, MOST)
    assert {times for case_id, times in blamed(busy).items() if case_id != killer} <= {0, 1}


async def test_one_case_alone_is_blamed_after_three(robot: Robot) -> None:
    await robot.puller.pull()
    for _ in range(MOST):
        assert len(await claimed_at_start(robot)) == 1
        die(robot)
    assert robot.item(CASE).rescues == MOST
