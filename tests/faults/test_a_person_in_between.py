"""A caseworker who decides, takes or withdraws a case while the robot has it: the robot writes nothing more there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from fault_checks import nothing_lost_doubled_or_stuck
from harness import Town, keys_written, town

from workqueue import State

ACTIONS = ("decide", "assign", "withdraw")
UNTIL = {
    ("PATCH", "/errands/"): {"status UNDER_REVIEW"},
    ("POST", "/decisions"): {"status UNDER_REVIEW", "decision OK"},
    ("POST", "/calculation/prepare"): {"status UNDER_REVIEW", "decision OK", "status AWAITING_DECISION"},
    ("POST", "/documents"): {"status UNDER_REVIEW", "decision OK", "status AWAITING_DECISION", "document"},
}
"""After which of the robot's writes the person acts, and what then stands (`prepare` sets the status in our name)."""
POINTS = list(product(UNTIL, ACTIONS))

pytestmark = pytest.mark.xdist_group("person-in-between")


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, dict[tuple[tuple[str, str], str], str]]]:
    """A municipality where a person acts on a standard renewal at each point; gives the case of each point."""
    with town(tmp_path_factory.mktemp("person"), cases=60) as running:
        expected = [one for one in running.population.applications if one.expected.outcome == "ok" and not one.assigned_user_id]
        ok = iter([one.errand_id for one in expected if not running.is_control_sample(one.errand_id)])
        cases = {point: next(ok) for point in POINTS}
        for ((method, path), action), case_id in cases.items():
            order = {"errandId": case_id, "on": {"method": method, "path_contains": path, "nth": 1}, "do": {"action": action}}
            running.case_system("POST", "/admin/hooks", json=order)
        running.run_once()
        yield running, cases


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_the_robot_writes_nothing_more_once_a_person_has_the_case(
    disturbed: tuple[Town, dict[tuple[tuple[str, str], str], str]], point: tuple[tuple[str, str], str]
) -> None:
    running, cases = disturbed
    hook = next(one for one in _hooks(running) if one["errand_id"] == cases[point])
    assert hook["fired"] == 1, hook
    item = next(item for item in running.items() if item.case_id == cases[point])
    assert item.state is State.TAKEN_BY_PERSON
    assert set(_ours(running.state(cases[point]))) == UNTIL[point[0]]


def test_a_person_in_one_case_does_not_disturb_the_others(
    disturbed: tuple[Town, dict[tuple[tuple[str, str], str], str]],
) -> None:
    running, cases = disturbed
    taken_before = {one.errand_id for one in running.population.applications if one.expected.outcome == "taken_by_person"}
    others = [item for item in running.items() if item.case_id not in {*cases.values(), *taken_before}]
    ended = {State.DELIVERED, State.HANDED_OVER, State.WAITING_FOR_INCOME}
    assert len(others) > len(cases)
    assert {item.state for item in others} <= ended


REVIEW_POINTS = [("POST", "/decisions"), ("POST", "/documents"), ("POST", "/warnings")]
EDIT_POINTS = [*UNTIL, *REVIEW_POINTS]
WITH_WARNINGS = {
    *("case.child_added", "case.child_left", "case.civil_status_changed", "case.partner_left", "case.residence_changed", "case.student"),
    *("cost.new", "income.changed", "income.currency", "income.new", "income.off_list", "income.unreadable", "income.vanished"),
    *("register.af_error", "register.csn_error", "register.fk_error", "register.miv_error", "register.pm_error", "register.so_error"),
}
"""Groups of cases for review that the robot gives the case system's own warnings in."""


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, dict[tuple[tuple[str, str], str], str]]]:
    """A municipality where a person acts at each write of cases that need review, and an applicant edits at each write of any."""
    with town(tmp_path_factory.mktemp("reviewed"), cases=100) as running:
        free = [one for one in running.population.applications if not one.assigned_user_id]
        review = iter([one.errand_id for one in free if one.expected.outcome == "review" and one.group in WITH_WARNINGS])
        ok = iter([one.errand_id for one in free if one.expected.outcome == "ok" and not running.is_control_sample(one.errand_id)])
        cases = {point: next(review) for point in product(REVIEW_POINTS, ACTIONS)}
        cases |= {(point, f"edit {number}"): next(ok if number < len(UNTIL) else review) for number, point in enumerate(EDIT_POINTS)}
        for ((method, path), action), case_id in cases.items():
            on = {"method": method, "path_contains": path, "nth": 1}
            do = {"action": action} if action in ACTIONS else {"action": "edit_application", "data": {"costs": []}}
            running.case_system("POST", "/admin/hooks", json={"errandId": case_id, "on": on, "do": do})
        running.run_once()
        yield running, cases


@pytest.mark.parametrize("point", list(product(REVIEW_POINTS, ACTIONS)), ids=str)
def test_of_a_case_for_review_nothing_more_is_written_either(
    reviewed: tuple[Town, dict[tuple[tuple[str, str], str], str]], point: tuple[tuple[str, str], str]
) -> None:
    running, cases = reviewed
    hook = next(one for one in _hooks(running) if one["errand_id"] == cases[point])
    assert hook["fired"] == 1, hook
    held = running.state(cases[point])
    with running.queue() as queue:
        item = queue.item(cases[point])
        assert item is not None
        left = [one for one in queue.effects(item.case_ref) if one.done_at is None]
    assert item.state is State.TAKEN_BY_PERSON
    assert left, "the person acted before the last write"
    assert not {one.key for one in left} & set(keys_written(held))
    assert "status NEEDS_MANUAL_REVIEW" not in _ours(held)


@pytest.mark.parametrize("number", range(len(EDIT_POINTS)), ids=lambda number: str(EDIT_POINTS[number]))
def test_an_application_edited_while_the_robot_writes_is_neither_lost_nor_written_twice(
    reviewed: tuple[Town, dict[tuple[tuple[str, str], str], str]], number: int
) -> None:
    running, cases = reviewed
    case_id = cases[(EDIT_POINTS[number], f"edit {number}")]
    hook = next(one for one in _hooks(running) if one["errand_id"] == case_id)
    assert hook["fired"] == 1, hook
    held = running.state(case_id)
    item = next(item for item in running.items() if item.case_id == case_id)
    assert item.state in (State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON)
    assert set(keys_written(held).values()) <= {1}
    assert held["illegalTransitions"] == held["forbiddenUses"] == 0


def test_after_all_that_persons_did_nothing_is_lost_doubled_or_stuck(
    reviewed: tuple[Town, dict[tuple[tuple[str, str], str], str]],
) -> None:
    nothing_lost_doubled_or_stuck(reviewed[0])


def _hooks(running: Town) -> list[dict[str, Any]]:
    hooks = running.case_system("GET", "/admin/hooks")
    return list(hooks["hooks"] if isinstance(hooks, dict) else hooks)


def _ours(state: dict[str, Any]) -> list[str]:
    """Return what the robot has written, in words."""
    written = [f"decision {one['value']}" for one in state["decisions"] if one.get("createdBy") == "bistandsrobot"]
    written += ["document" for _ in state["documents"]]
    return written + [
        f"status {one['toStatus']}" for one in state["statusHistory"] if str(one.get("changedBy", "")).startswith("bistandsrobot")
    ]
