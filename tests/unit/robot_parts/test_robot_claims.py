"""When a robot claims: at once when it has nothing in hand, and for several cases together when it is busy."""

from __future__ import annotations

import asyncio

import pytest

from robot import claims
from robot.claims import Claims
from robot.controls import Controls
from tests.unit.robot_parts.fakes import Robot

APART_S = 0.3


async def test_only_a_busy_robot_lets_cases_end_before_it_claims_again(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_APART_S", APART_S)
    claiming = Claims(robot.settings, Controls(robot.settings, robot.clock), "one", once=False)
    await claiming.turn(busy=True)
    await claiming.claim(robot.database, 1, [])
    waiting = asyncio.create_task(claiming.turn(busy=True))
    await claiming.turn(busy=False)
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.wait_for(waiting, APART_S + 10)
