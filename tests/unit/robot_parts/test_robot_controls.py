"""What ops order, and the hours of neighbours, on fakes: what is asked, what rests, what a person gets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.case_systems.port import Effect, EffectKind
from connectors.errors import PermanentError
from robot.clock import STOCKHOLM
from robot.controls import Controls
from robot.daemon import Daemon
from robot.duty import PullDuty
from robot.hours import Window
from robot.pull import Puller
from robot.shadow import ReadOnly
from rules.assessment import Outcome
from tests.unit.robot_parts.fakes import CASE, Robot
from workqueue import State

FROM_TEN = (Window.model_validate({"days": "mon-fri", "from": "10:00", "to": "22:00"}),)
AT_TEN = datetime(2026, 11, 30, 10, 0, tzinfo=STOCKHOLM)


def set_up(robot: Robot, section: str, **changes: Any) -> None:
    """Let the robot have other settings in a section."""
    changed = getattr(robot.settings, section).model_copy(update=changes)
    robot.settings = robot.settings.model_copy(update={section: changed})
    robot.__post_init__()


async def test_outside_the_registers_hours_a_case_rests_and_nothing_is_asked(robot: Robot) -> None:
    set_up(robot, "schedule", registers_open=FROM_TEN)
    item = await robot.take()
    assert (item.state, item.reason, item.not_before) == (State.WAITING_FOR_REGISTER, "register.closed", AT_TEN)
    assert robot.registers.asked == []

    robot.clock.go_to(AT_TEN)
    assert (await robot.go_on()).state is State.DELIVERED


async def test_at_its_deadline_a_case_is_handed_over_though_the_registers_are_closed(robot: Robot) -> None:
    set_up(robot, "schedule", registers_open=(Window.model_validate({"days": "sun", "from": "10:00", "to": "11:00"}),))
    item = await robot.take()
    assert item.not_before == item.deadline
    robot.clock.go_to(item.deadline)
    item = await robot.go_on()
    assert (item.state, robot.registers.asked) == (State.HANDED_OVER, [])


async def test_a_closed_night_is_no_wait_for_an_answer(robot: Robot) -> None:
    robot.clock.go_to(datetime(2026, 11, 29, 22, 30, tzinfo=STOCKHOLM))
    set_up(robot, "schedule", registers_open=FROM_TEN)
    await robot.take()
    robot.clock.go_to(AT_TEN)
    robot.registers.silent = {"CSN"}
    assert (await robot.go_on()).state is State.WAITING_FOR_REGISTER, "it is asked again, as any that has just failed"


async def test_outside_the_case_systems_hours_it_is_not_even_listed(robot: Robot) -> None:
    set_up(robot, "schedule", case_system_open=FROM_TEN)
    controls = Controls(robot.settings, robot.clock)
    puller = Puller(robot.case_system, robot.database, robot.rulebook, robot.clock, overlap_s=1, may_ask=controls.may_use_case_system)
    assert await puller.pull() == 0
    assert robot.case_system.asked_since == []
    robot.clock.go_to(AT_TEN)
    assert await puller.pull() == 1


async def test_once_is_no_success_when_the_case_system_closed_before_all_was_handled(robot: Robot) -> None:
    await robot.puller.pull()
    set_up(robot, "schedule", case_system_open=FROM_TEN)
    daemon = Daemon(robot.settings, once=True, queue=robot.queue)
    daemon._controls = Controls(robot.settings, robot.clock)
    with capture_logs() as said:
        assert not await daemon._all_is_done(robot.database)
    assert [(one["event"], one["code"]) for one in said] == [("daemon.closed", "BOT-008")]

    robot.clock.go_to(AT_TEN)
    await robot.go_on()
    robot.clock.go_to(AT_TEN.replace(hour=23))
    assert await daemon._all_is_done(robot.database), "nothing was left when it closed"


async def test_once_has_not_pulled_while_the_case_system_is_closed(robot: Robot) -> None:
    set_up(robot, "schedule", case_system_open=FROM_TEN)
    daemon = Daemon(robot.settings, once=True, queue=robot.queue)
    daemon._controls = Controls(robot.settings, robot.clock)
    duty = PullDuty(robot.database, "one", lease_s=20)
    assert not await daemon._first_pull(robot.puller, duty, robot.database, robot.case_system.name)
    assert robot.case_system.asked_since == []


@pytest.mark.parametrize(("hour", "quiet"), [(9, False), (10, True)])
def test_a_quiet_window_is_told_to_the_queue(robot: Robot, hour: int, *, quiet: bool) -> None:
    set_up(robot, "schedule", quiet=FROM_TEN)
    robot.clock.go_to(AT_TEN.replace(hour=hour))
    assert Controls(robot.settings, robot.clock).limits() == {"quiet": quiet, "deliver": True}


async def test_a_paused_case_is_handed_over_at_its_deadline_as_a_stop_and_no_register_is_asked(robot: Robot) -> None:
    await robot.puller.pull()
    robot.queue.pause(None, "wrong amount", "kim")
    robot.clock.go_to(robot.item(CASE).deadline)
    item = await robot.go_on()
    assert (item.state, item.outcome, robot.registers.asked) == (State.HANDED_OVER, "handed_over", [])
    assert robot.written() == ["recommendation", "manual_review"]


async def test_in_shadow_mode_all_is_recorded_and_nothing_written(robot: Robot) -> None:
    set_up(robot, "work", shadow=True)
    with capture_logs() as said:
        item = await robot.take()
    assert (item.state, item.outcome, robot.written()) == (State.SHADOWED, "ok", [])
    draft = robot.queue.draft(CASE)
    assert draft is not None
    assert draft["assessment"]["outcome"] == Outcome.OK
    assert [(line["event"], line.get("shadow")) for line in said if line["event"] == "case.finished"] == [("case.finished", True)]


async def test_what_was_computed_in_shadow_is_computed_anew_before_it_is_written(robot: Robot) -> None:
    set_up(robot, "work", shadow=True)
    await robot.take()
    set_up(robot, "work", shadow=False)
    robot.queue.go_live()
    robot.registers.asked.clear()
    item = await robot.go_on()
    assert (item.state, item.run) == (State.DELIVERED, 2)
    assert robot.registers.asked != []


async def test_a_case_that_somebody_took_during_shadow_mode_is_not_written(robot: Robot) -> None:
    set_up(robot, "work", shadow=True)
    await robot.take()
    set_up(robot, "work", shadow=False)
    robot.queue.go_live()
    robot.case.assigned_to = "joe01doe"
    assert (await robot.go_on()).state is State.TAKEN_BY_PERSON
    assert robot.written() == []


async def test_the_case_system_of_shadow_mode_reads_and_refuses_every_write(robot: Robot) -> None:
    shadowed = ReadOnly(robot.case_system)
    assert (await shadowed.application(CASE)).case_id == CASE
    effect = Effect("key", EffectKind.DOCUMENT, CASE)
    with pytest.raises(PermanentError, match="BOT-022"):
        await shadowed.apply(effect)
    with pytest.raises(PermanentError, match="BOT-022"):
        await shadowed.apply_if_ours(effect, None)
    assert robot.written() == []


async def test_a_pause_is_told_once_when_it_begins_and_once_when_it_ends(robot: Robot) -> None:
    controls = Controls(robot.settings, robot.clock)
    with capture_logs() as said:
        robot.queue.pause("first", "wrong amount", "kim")
        await controls.look(robot.database)
        await controls.look(robot.database)
        robot.queue.resume(None, "mended", "kim")
        await controls.look(robot.database)
        await controls.look(robot.database)
    assert [(line["event"], line["what"]) for line in said] == [("robot.paused", "first"), ("robot.resumed", "first")]
    assert timedelta(0) == robot.clock.now() - datetime.fromisoformat(said[0]["since"])
