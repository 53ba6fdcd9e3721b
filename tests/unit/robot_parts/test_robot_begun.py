"""After a restore from a copy: what the robot had written since is seen before anything is written again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.case_systems.port import Effect, EffectKind, Standing
from robot.effects import CaseIdentity, effect_key
from tests.unit.robot_parts.fakes import CASE, FakeCase, Robot, passing, refused
from workqueue import UNREAD, State

IN_FULL = ["under_review", "recommendation", "native_draft", "document", "awaiting_decision"]


def wrote(robot: Robot, *kinds: EffectKind) -> None:
    """Let writes of the first run stand, of which the database knows nothing."""
    identity = CaseIdentity("fake", CASE, robot.case.version, 1)
    robot.case_system.applied += [Effect(effect_key(identity, kind), kind, CASE) for kind in kinds]
    robot.case.begun = True


async def test_a_case_of_which_all_stands_is_the_caseworkers_and_no_register_is_asked(robot: Robot) -> None:
    wrote(robot, EffectKind.RECOMMENDATION, EffectKind.DOCUMENT)
    robot.case.whole = True

    item = await robot.take()

    assert item.state is State.TAKEN_BY_PERSON
    assert robot.registers.asked == []
    assert robot.written() == ["recommendation", "document"], "nothing more"
    assert "case.written_before" in [event.what for event in robot.queue.events(CASE)]


async def test_a_case_left_in_the_middle_is_gone_on_with_and_nothing_stands_twice(robot: Robot) -> None:
    wrote(robot, EffectKind.UNDER_REVIEW, EffectKind.RECOMMENDATION)

    item = await robot.take()

    assert item.state is State.DELIVERED
    assert robot.written() == IN_FULL


async def test_a_case_left_in_the_middle_that_somebody_has_assigned_gets_nothing_more(robot: Robot) -> None:
    wrote(robot, EffectKind.RECOMMENDATION)
    robot.case.begun, robot.case.assigned_to = False, "joe01doe"

    item = await robot.take()

    assert item.state is State.TAKEN_BY_PERSON
    assert robot.written() == ["recommendation"]
    assert robot.registers.asked == []


async def test_a_case_that_ops_put_back_is_prepared_anew_although_the_first_run_stands(robot: Robot) -> None:
    await robot.take()
    robot.case.begun = robot.case.whole = True
    robot.queue.requeue(CASE, "again", "ops")

    item = await robot.go_on()

    assert (item.state, item.run) == (State.DELIVERED, 2)
    assert robot.written() == IN_FULL * 2


async def test_cases_begun_since_the_copy_are_looked_for_once_and_ended(robot: Robot) -> None:
    robot.clock.advance(hours=1)
    robot.queue.mark_restored("ops", robot.clock.now(), {})
    wrote(robot, EffectKind.RECOMMENDATION, EffectKind.DOCUMENT)
    robot.case.whole, robot.case.created_at = True, robot.clock.now() - timedelta(days=30)
    robot.case.changed_at = robot.clock.now()
    await robot.puller._begun.take()

    item = await robot.go_on()

    assert item.state is State.TAKEN_BY_PERSON
    assert robot.queue.begun_since() is None
    assert await robot.puller._begun.take() == 0


@pytest.mark.parametrize("person", [None, "joe01doe"])
async def test_a_begun_case_that_somebody_has_taken_since_gets_nothing_more(robot: Robot, person: str | None) -> None:
    robot.queue.mark_restored("ops", robot.clock.now(), {})
    wrote(robot, EffectKind.UNDER_REVIEW)
    robot.case.changed_at, robot.case.assigned_to = robot.clock.now() + timedelta(seconds=1), person
    await robot.puller._begun.take()

    item = await robot.go_on()

    assert item.state is (State.TAKEN_BY_PERSON if person else State.DELIVERED)
    assert robot.written() == (["under_review"] if person else IN_FULL)


async def test_a_begun_case_that_is_a_persons_is_left_alone(robot: Robot) -> None:
    robot.queue.mark_restored("ops", robot.clock.now(), {})
    robot.case.begun, robot.case.standing = True, Standing.TAKEN
    robot.case.changed_at = robot.clock.now() + timedelta(seconds=1)

    assert await robot.puller._begun.take() == 0
    assert robot.queue.item(CASE) is None


async def test_a_case_that_the_copy_knows_is_not_taken_up_again(robot: Robot) -> None:
    await robot.take()
    robot.queue.mark_restored("ops", robot.clock.now(), {})
    robot.case.begun = True
    robot.case.version, robot.case.changed_at = "v2", robot.clock.now() + timedelta(seconds=1)

    assert await robot.puller._begun.take() == 0
    assert robot.item().state is State.DELIVERED


async def test_what_cannot_be_read_now_is_looked_for_again(robot: Robot) -> None:
    robot.queue.mark_restored("ops", robot.clock.now(), {})
    robot.case_system.cases["case-2"] = FakeCase(
        robot.standard, begun=True, changed_at=robot.clock.now() + timedelta(seconds=1), error=passing()
    )
    assert await robot.puller._begun.take() == 0
    assert robot.queue.begun_since() is not None

    robot.case_system.cases["case-2"].error = None
    assert await robot.puller._begun.take() == 1
    assert robot.queue.begun_since() is None


def begun_unread(robot: Robot, error: Exception) -> None:
    """Let the one case be begun before a restore, and not be readable now."""
    robot.clock.advance(hours=1)
    robot.queue.mark_restored("ops", robot.clock.now(), {})
    wrote(robot, EffectKind.UNDER_REVIEW)
    robot.case.created_at, robot.case.changed_at = robot.clock.now() - timedelta(days=30), robot.clock.now()
    robot.case.error = error


@pytest.mark.parametrize("error", [refused(), KeyError("a bug")])
async def test_what_is_refused_is_put_in_the_queue_unread_and_the_list_is_not_read_for_ever(robot: Robot, error: Exception) -> None:
    begun_unread(robot, error)

    assert await robot.puller._begun.take() == 1

    assert (robot.item().state, robot.item().version) == (State.READY, UNREAD)
    assert robot.queue.begun_since() is None
    assert await robot.puller._begun.take() == 0


@pytest.mark.parametrize("person", [None, "joe01doe"])
async def test_one_that_was_unread_then_and_that_somebody_has_since_gets_nothing_more(robot: Robot, person: str | None) -> None:
    begun_unread(robot, refused())
    await robot.puller._begun.take()
    robot.case.error, robot.case.assigned_to = None, person

    item = await robot.go_on()
    if person is None:
        item = await robot.go_on()

    assert item.state is (State.TAKEN_BY_PERSON if person else State.DELIVERED)
    assert robot.written() == (["under_review"] if person else IN_FULL)


async def test_one_that_is_never_read_is_with_a_person_at_its_deadline(robot: Robot) -> None:
    begun_unread(robot, refused())
    await robot.puller._begun.take()
    robot.clock.go_to(robot.item().deadline)

    assert (await robot.go_on()).state is State.HANDED_OVER
    assert robot.written() == ["under_review", "recommendation", "manual_review"]


@pytest.mark.parametrize("whole", [True, False])
async def test_a_delivery_from_before_the_restore_is_receipted_when_all_of_it_stands(robot: Robot, whole: bool) -> None:
    robot.case_system.write_error = passing()
    assert (await robot.take()).state is State.TO_DELIVER
    robot.case_system.write_error = None
    wrote(robot, *(EffectKind(kind) for kind in (IN_FULL if whole else IN_FULL[:2])))
    robot.case.whole = whole
    robot.clock.advance(minutes=5)
    robot.queue.mark_restored("ops", robot.clock.now(), {})
    made: list[Effect] = []
    robot.case_system.before_write = made.append

    item = await robot.go_on()

    assert item.state is State.DELIVERED
    assert robot.written() == IN_FULL
    assert made == [] if whole else [effect.kind.value for effect in made] == IN_FULL
    assert all(effect.done_at for effect in robot.queue.effects(CASE))


async def test_a_bug_in_one_case_begun_before_a_restore_keeps_no_new_case_from_being_pulled(robot: Robot) -> None:
    robot.queue.mark_restored("ops", robot.clock.now(), {})
    robot.case.begun, robot.case.error = True, KeyError("a bug")
    robot.case.changed_at = robot.clock.now() + timedelta(seconds=1)
    robot.case_system.cases["new"] = FakeCase(robot.standard)

    await robot.puller.pull()

    assert robot.item("new").state is State.READY
    assert (robot.item().state, robot.item().version) == (State.READY, UNREAD)
    assert robot.queue.begun_since() is None
