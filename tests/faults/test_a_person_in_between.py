"""A caseworker who decides, takes or withdraws a case while the robot has it: the robot writes nothing more there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from harness import Town, town

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
