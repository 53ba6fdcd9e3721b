"""A caseworker who decides, takes or closes a case while the robot has it: the robot writes nothing more there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Town, town

from workqueue import State

CASES = 30


def first(running: Town, group: str) -> str:
    """Return the case id of the first application whose expected outcome is that."""
    return next(one.errand_id for one in running.population.applications if one.expected.outcome == group)


def ours(state: dict[str, Any]) -> list[str]:
    """Return what the robot has written, in words."""
    written = [f"decision {one['value']}" for one in state["decisions"] if one.get("createdBy") == "bistandsrobot"]
    written += ["document" for _ in state["documents"]]
    return written + [
        f"status {one['toStatus']}" for one in state["statusHistory"] if str(one.get("changedBy", "")).startswith("bistandsrobot")
    ]


@pytest.mark.parametrize("action", ["decide", "assign", "withdraw"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/decisions"), ("POST", "/documents"), ("PATCH", "/errands/"), ("POST", "/calculation/prepare")],
)
def test_the_robot_writes_nothing_more_once_a_person_has_the_case(tmp_path: Path, action: str, method: str, path: str) -> None:
    with town(tmp_path, cases=CASES) as running:
        case_id = first(running, "ok")
        running.case_system(
            "POST",
            "/admin/hooks",
            json={
                "errandId": case_id,
                "on": {"method": method, "path_contains": path, "nth": 1},
                "when": "after",
                "do": {"action": action},
            },
        )
        running.run_once()
        hooks = running.case_system("GET", "/admin/hooks")
        shown = hooks["hooks"] if isinstance(hooks, dict) else hooks
        assert [hook["fired"] for hook in shown] == [1], shown
        item = next(item for item in running.items() if item.case_id == case_id)
        assert item.state is State.TAKEN_BY_PERSON
        state = running.state(case_id)
        moments = running.case_system("GET", "/admin/log")
    acted = [entry for entry in moments if entry.get("errandId") == case_id and "caseworker" in str(entry)]
    assert len(acted) <= 1 or acted
    order = ["status UNDER_REVIEW", "decision OK", "document", "status AWAITING_DECISION"]
    reached = {"/errands/": 1, "/decisions": 2, "/calculation/prepare": 2, "/documents": 3}[path]
    written = [one for one in ours(state) if one in order]
    assert len(written) <= reached + (path == "/calculation/prepare"), written
