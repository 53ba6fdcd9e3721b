"""What `status` says to a person: each thing once, with times that can be read."""

from __future__ import annotations

from datetime import datetime

import pytest
from rich.console import Console

from robot.asking import Said
from robot.cli import status
from robot.clock import STOCKHOLM
from robot.condition import signs_in
from robot.figures import look
from tests.unit.robot_parts.fakes import Robot
from tests.unit.robot_parts.test_robot_controls import set_up

SINCE = "2026-11-30T07:00:00.123456+00:00"


def shown(robot: Robot, *ill: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what is printed when one worker runs and says that of itself."""
    set_up(robot, "health", listen=True)
    said = Said(number=1, workers=1, ready=True, because=(), ill=ill)
    monkeypatch.setattr(status, "ask_all", lambda *_: [said])
    console = Console(width=200)
    with console.capture() as printed:
        console.print(status._shown(robot.queue, robot.settings))
    return printed.get()


def test_a_pause_is_told_once_with_what_ends_it(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    robot.clock.go_to(datetime(2026, 11, 30, 8, 0, 0, 123456, tzinfo=STOCKHOLM))
    robot.queue.pause(None, "wrong amount", "kim")
    figures = look(robot.queue, robot.settings, robot.clock.now(), head_kept_at=None)
    ill = [(what, "", SINCE) for sign, what in signs_in(figures).items() if sign.startswith("paused")]
    assert ill

    said = shown(robot, *ill, monkeypatch=monkeypatch)

    assert said.lower().count("paused") == 1
    assert "PAUSED since 2026-11-30 07:00 UTC by kim: all." in said
    assert "bistandsrobot resume" in said


def test_an_illness_is_told_with_its_code_and_its_time_and_without_one_with_its_time(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown(robot, ("ssbtek does not answer", "NET-001", SINCE), ("the disk is nearly full", "", SINCE), monkeypatch=monkeypatch)

    assert "ill: ssbtek does not answer NET-001, since 2026-11-30 07:00 UTC" in said
    assert "ill: the disk is nearly full, since 2026-11-30 07:00 UTC" in said
    assert ".123456" not in said


def test_a_time_that_is_none_is_shown_as_it_came(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ill: something, since None" in shown(robot, ("something", "", "None"), monkeypatch=monkeypatch)


async def test_the_age_of_the_oldest_case_can_be_read(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    robot.clock.go_to(datetime(2026, 11, 30, 8, 0, 0, 123456, tzinfo=STOCKHOLM))
    await robot.puller.pull()

    assert "2026-11-30 07:00 UTC" in shown(robot, monkeypatch=monkeypatch)
