"""What a soak says of a run: none of it may hide a case that is lost, or a figure that grows."""

from __future__ import annotations

from datetime import date
from typing import Any

from benchmarks.soak_figures import calendar, drift_percent, fates, longest_life


def errand(number: str, **held: Any) -> dict[str, Any]:
    """Return an errand as the simulated case system sums it up: by default one that nobody has touched."""
    empty = {"recommendations": {}, "documents": {}, "illegalTransitions": 0, "forbiddenUses": 0, "assignedUserId": None, "decided": False}
    return {"errandId": number, "status": "RECEIVED", "expected": {"outcome": "ok"}, **empty, **held}


def test_a_case_that_nobody_has_is_lost_and_a_double_write_is_told() -> None:
    drafted = {"status": "AWAITING_DECISION", "recommendations": {"br-1": 1}, "documents": {"br-2": 1}}
    found = fates(
        [
            errand("a", **drafted),
            errand("b"),
            errand("c"),
            errand("d", **drafted | {"documents": {"br-2": 2}}),
            errand("e", assignedUserId="abc01"),
            errand("f", status="NEEDS_MANUAL_REVIEW", recommendations={"br-3": 1}),
            errand("g", status="UNDER_REVIEW", recommendations={"br-4": 1}),
        ],
        {"c": "waiting_for_income"},
    )
    assert found == {
        "draft": 1, "lost": 2, "left:waiting_for_income": 1, "doubled": 1, "taken_by_person": 1, "handed_over": 1,
    }  # fmt: skip


def test_every_application_has_a_day_and_most_come_late_in_the_month() -> None:
    days = calendar(date(2025, 12, 2), date(2026, 11, 28), 9_000)
    assert sum(days.values()) == 9_000
    assert sum(count for day, count in days.items() if 20 <= day.day <= 28) > 5_000


def test_what_grows_in_the_process_that_lived_longest_is_seen() -> None:
    short = [{"life": 1, "rss_mb": 500}] * 20
    samples = [*short, *({"life": 2, "rss_mb": 100 + number} for number in range(100))]
    life = longest_life(samples)
    assert {one["life"] for one in life} == {2}
    drift = drift_percent(life, ["rss_mb"])["rss_mb"]
    assert drift is not None
    assert 50 < drift < 80
