"""Pulling: an overlapping window, each version once, and nothing lost when something cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from connectors.case_systems.port import Standing
from connectors.errors import ConnectorError
from robot.duty import PullDuty
from robot.pull import Puller
from tests.unit.robot_parts.fakes import CASE, MORNING, FakeCase, Robot, passing, refused, with_text
from workqueue import UNREAD, Added, PermanentQueueError, PulledCase, State


async def test_pulling_twice_adds_nothing_and_reads_nothing_again(robot: Robot) -> None:
    assert await robot.puller.pull() == 1
    read = len(robot.case_system.read)

    assert await robot.puller.pull() == 0
    assert await robot.puller.pull(everything=True) == 0
    assert len(robot.case_system.read) == read


async def test_each_pull_looks_back_ten_minutes_before_the_last_that_succeeded(robot: Robot) -> None:
    await robot.puller.pull()
    robot.clock.advance(minutes=1)
    await robot.puller.pull()
    await robot.puller.pull(everything=True)

    assert robot.case_system.asked_since == [None, MORNING - timedelta(minutes=10), None]


async def test_the_window_is_not_moved_while_a_case_is_unread_and_the_case_comes_in_later(robot: Robot) -> None:
    await robot.puller.pull()
    robot.clock.advance(hours=1)
    robot.case_system.cases["case-2"] = FakeCase(robot.standard, created_at=robot.clock.now(), error=passing())
    assert await robot.puller.pull() == 0
    robot.clock.advance(hours=1)
    assert await robot.puller.pull() == 0
    robot.case_system.cases["case-2"].error = None

    assert await robot.puller.pull() == 1
    assert robot.case_system.asked_since[1:] == [MORNING - timedelta(minutes=10)] * 3


async def test_a_case_that_can_never_be_read_though_it_may_pass_has_a_deadline_and_is_with_a_person_then(robot: Robot) -> None:
    """The case system answers with a server error for this one case, day after day."""
    robot.case.error = passing("NET-007")
    await robot.puller.pull()
    first = robot.item()
    assert (first.version, first.state, first.deadline) == (UNREAD, State.READY, MORNING + timedelta(hours=24))
    for _ in range(3):
        assert (await robot.go_on()).state is State.READY
        await robot.puller.pull()
        robot.clock.go_to(robot.item().not_before)
    assert robot.item().case_ref == first.case_ref, "each pull finds it, and it stays the same case"

    robot.clock.go_to(first.deadline)
    assert (await robot.go_on()).state is State.HANDED_OVER


@pytest.mark.parametrize("ended", [False, True])
async def test_a_case_that_cannot_be_read_after_a_change_keeps_the_version_it_has(robot: Robot, ended: bool) -> None:
    await robot.puller.pull()
    if ended:
        await robot.go_on()
    before = robot.item()
    robot.case.change(robot.standard.application)
    robot.case.error = passing()

    await robot.puller.pull(everything=True)

    assert robot.item() == before


async def test_what_was_listed_before_the_list_broke_off_is_kept_and_the_window_stays(robot: Robot) -> None:
    robot.case_system.list_error = passing()

    with pytest.raises(ConnectorError):
        await robot.puller.pull()

    assert robot.item().state is State.READY
    assert robot.queue.last_pull(robot.case_system.name) is None


async def test_the_first_pull_that_works_again_says_so_also_when_there_is_nothing_new(robot: Robot) -> None:
    await robot.puller.pull()
    robot.case_system.list_error = passing()
    with pytest.raises(ConnectorError):
        await robot.puller.pull()
    robot.case_system.list_error = None

    with capture_logs() as said:
        await robot.puller.pull()
        await robot.puller.pull()

    assert [(line["event"], line["added"]) for line in said] == [("pull.done", 0)]


@pytest.mark.parametrize("error", [refused(), KeyError("a bug")])
async def test_one_case_that_can_never_be_read_stops_no_other_and_reaches_a_person(robot: Robot, error: Exception) -> None:
    robot.case.error = error
    robot.case_system.cases["case-2"] = FakeCase(robot.standard)
    await robot.puller.pull()
    first, second = robot.queue.claim("test", 10, 60)
    for claimed in (first, second):
        await robot.worker(once=True).handle(claimed)

    assert robot.item("case-2").state is State.DELIVERED
    assert robot.item(CASE).state is State.HANDED_OVER


async def test_a_case_that_can_be_read_again_gets_its_true_version(robot: Robot) -> None:
    robot.case.error = refused()
    await robot.puller.pull()
    robot.case.error, robot.case.assigned_to = None, "joe01doe"

    item = await robot.go_on()
    assert (item.version, item.state) == ("v1", State.READY)
    assert (await robot.go_on()).state is State.DELIVERED


async def test_a_changed_application_gets_a_new_version_and_the_old_one_gives_way(robot: Robot) -> None:
    await robot.puller.pull()
    old = robot.item()
    robot.case.change(with_text(robot.standard.application, "Vi har flyttat ihop."))

    await robot.puller.pull()

    assert robot.item().version == "v2"
    assert robot.item(old.case_ref).state is State.SUPERSEDED


async def test_a_change_that_makes_the_application_urgent_puts_it_first(robot: Robot) -> None:
    await robot.puller.pull()
    assert robot.item().priority == 1
    robot.case.change(with_text(robot.standard.application, "Vi blir vräkta imorgon."))

    await robot.puller.pull()

    assert robot.item().priority == 0


async def test_a_case_that_a_person_has_is_not_pulled(robot: Robot) -> None:
    robot.case.standing = Standing.TAKEN

    assert await robot.puller.pull() == 0
    assert robot.queue.item(CASE) is None


async def test_one_case_that_the_database_refuses_stops_no_other_and_is_looked_at_again(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.case_system.cases["case-2"] = FakeCase(robot.standard)
    robot.case_system.cases["case-3"] = FakeCase(robot.standard)
    add_many = robot.queue.add_many

    def refuse_one(cases: Sequence[PulledCase]) -> list[Added]:
        if any(case.case_id == "case-2" for case in cases):
            raise PermanentQueueError("QUE-004")
        return add_many(cases)

    with monkeypatch.context() as patched:
        patched.setattr(robot.queue, "add_many", refuse_one)
        with capture_logs() as said:
            assert await robot.puller.pull() == 2
    assert [(one["log_level"], one["code"]) for one in said if one["event"] == "pull.case_not_stored"] == [("error", "QUE-004")]
    assert robot.puller.not_stored == 1
    assert sorted(item.case_id for item in robot.queue.items()) == [CASE, "case-3"]

    robot.clock.advance(hours=2)
    assert await robot.puller.pull() == 1, "it is asked for as far back as before"
    assert robot.puller.not_stored == 0


async def test_a_robot_pulls_only_while_the_duty_is_its_own(robot: Robot) -> None:
    duty = PullDuty(robot.database, "one", lease_s=20)
    puller = Puller(robot.case_system, robot.database, robot.rulebook, robot.clock, overlap_s=600, duty=duty)
    robot.queue.hold_duty("pull", "two", 20)
    assert await puller.pull() == 0
    assert robot.case_system.asked_since == []

    robot.queue.leave_duty("pull", "two")
    assert await puller.pull() == 1
    assert duty.held
    await duty.leave()
    assert robot.queue.hold_duty("pull", "two", 20)


async def test_a_robot_that_stood_still_in_a_pull_leaves_the_rest_to_the_one_that_took_over(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2, 120):
        robot.case_system.cases[f"case-{number}"] = FakeCase(robot.standard)
    duty = PullDuty(robot.database, "one", lease_s=20)
    puller = Puller(robot.case_system, robot.database, robot.rulebook, robot.clock, overlap_s=600, duty=duty)
    add_many = robot.queue.add_many

    def stand_still(cases: Sequence[PulledCase]) -> list[Added]:
        added = add_many(cases)
        robot.queue.leave_duty("pull", "one")
        robot.queue.hold_duty("pull", "two", 20)
        return added

    monkeypatch.setattr(robot.queue, "add_many", stand_still)
    assert await puller.pull() == 50
    assert not duty.held
    assert robot.queue.last_pull(robot.case_system.name) is None


async def test_a_case_that_can_no_longer_be_read_is_not_taken_for_another_version_of_itself(robot: Robot) -> None:
    """Else it would be begun anew, who has it forgotten, and all be written a second time. Found by the simulator, seed 1054 then."""
    await robot.puller.pull(everything=True)
    claimed = robot.claim()
    robot.case.assigned_to, robot.case.error = "somebody", refused()
    robot.case.changed_at += timedelta(minutes=1)

    assert await robot.puller.pull(everything=True) == 0

    assert robot.item().state is State.ASSESSING
    assert (robot.item().version, robot.item().run) == ("v1", claimed.run)
    robot.case.error = None
    await robot.worker().handle(claimed)
    assert robot.item().state is State.TAKEN_BY_PERSON
    assert robot.written() == []
