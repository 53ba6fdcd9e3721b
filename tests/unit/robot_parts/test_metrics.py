"""Figures for Prometheus: counted from the log's events, read from the queue, and nothing about any case."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from robot.figures import Figures, ListDays
from robot.metrics import Metrics
from robot.neighbours import Neighbours

ROOT = Path(__file__).parents[3]
FINISHED: dict[str, Any] = {
    "event": "case.finished",
    "case_ref": "abc234defg",
    "outcome": "review",
    "proposal": "BIFALL",
    "blanks": ["register.unavailable", "cost.proof_needed"],
    "ms": {"read": 40, "ask": 1200},
}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            if sample.name == f"bistandsrobot_{name}" and sample.labels == labels:
                return sample.value
    return None


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def see(metrics: Metrics, method: str = "info", /, **event: Any) -> None:
    assert metrics.seen(None, method, dict(event)) == event


def test_a_finished_case_is_counted_by_outcome_proposal_blanks_and_steps(metrics: Metrics) -> None:
    see(metrics, **FINISHED)
    see(metrics, **FINISHED)

    assert value(metrics, "cases_total", outcome="review") == 2
    assert value(metrics, "proposals_total", proposal="BIFALL") == 2
    assert value(metrics, "blanks_total", reason="cost.proof_needed") == 2
    assert value(metrics, "step_seconds_sum", step="ask") == pytest.approx(2.4)


def test_a_case_handed_over_leaves_nothing_but_its_outcome(metrics: Metrics) -> None:
    see(metrics, event="case.finished", case_ref="abc234defg", outcome="handed_over")

    assert value(metrics, "cases_total", outcome="handed_over") == 1
    assert "proposals_total{" not in metrics.text().decode()


def test_problems_are_counted_by_event_and_code_and_ordinary_events_are_not(metrics: Metrics) -> None:
    see(metrics, "warning", event="case.tried_later", case_ref="abc", code="NET-005")
    see(metrics, "info", event="pull.done", added=12)

    assert value(metrics, "problems_total", event="case.tried_later", code="NET-005") == 1
    assert value(metrics, "tried_later_total", code="NET-005") == 1
    assert value(metrics, "pulled_total") == 12
    assert value(metrics, "problems_total", event="pull.done", code="") is None


def test_what_a_single_event_is_an_alert_of_begins_at_zero(metrics: Metrics) -> None:
    """A counter that is 1 from its first look on has not increased, and the alert would sleep through the first time."""
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus-alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    events = {found for rule in rules for found in re.findall(r'problems_total\{event="([a-z_.]+)"\}', rule["expr"])}

    assert len(events) == 4
    shown = metrics.text().decode()
    assert {event for event in events if re.search(rf'problems_total{{[^}}]*event="{event}"[^}}]*}} 0.0', shown)} == events


def test_a_lost_neighbour_is_one_until_it_is_back(metrics: Metrics) -> None:
    see(metrics, "warning", event="neighbour.lost", neighbour="ssbtek", code="NET-001")
    assert value(metrics, "neighbour_lost", neighbour="ssbtek") == 1
    see(metrics, event="neighbour.back", neighbour="ssbtek")
    assert value(metrics, "neighbour_lost", neighbour="ssbtek") == 0


def test_how_neighbours_are_is_read_when_somebody_asks() -> None:
    neighbours = Neighbours()
    metrics, tally = Metrics(neighbours), neighbours.tally("ssbtek")
    for seconds in (0.02, 0.3, 12.0, 60.0):
        tally.took(seconds)
    for code in ("NET-007", "NET-007", "SSB-001"):
        tally.failed(code)
    tally.repeats += 1

    assert value(metrics, "neighbour_seconds_bucket", neighbour="ssbtek", le="0.025") == 1
    assert value(metrics, "neighbour_seconds_bucket", neighbour="ssbtek", le="10.0") == 2
    assert value(metrics, "neighbour_seconds_bucket", neighbour="ssbtek", le="30.0") == 3
    assert value(metrics, "neighbour_seconds_bucket", neighbour="ssbtek", le="+Inf") == 4
    assert value(metrics, "neighbour_seconds_count", neighbour="ssbtek") == 4
    assert value(metrics, "neighbour_seconds_sum", neighbour="ssbtek") == pytest.approx(72.32)
    assert value(metrics, "neighbour_errors_total", neighbour="ssbtek", code="NET-007") == 2
    assert value(metrics, "neighbour_errors_total", neighbour="ssbtek", code="SSB-001") == 1
    assert value(metrics, "neighbour_repeats_total", neighbour="ssbtek") == 1
    assert value(metrics, "neighbour_breaker", neighbour="ssbtek") == 0


def test_a_list_that_cannot_be_read_has_no_number(metrics: Metrics) -> None:
    lists = {("registers", "a.crl"): ListDays(1.5, 7.0), ("case_system", "b.crl"): ListDays(None, None)}
    metrics.take(Figures(at=datetime(2026, 11, 30, tzinfo=UTC), database_up=True, list_days=lists))

    assert value(metrics, "revocation_list_days_left", neighbour="registers", file="a.crl") == 1.5
    assert value(metrics, "revocation_list_days", neighbour="registers", file="a.crl") == 7
    unread = value(metrics, "revocation_list_days_left", neighbour="case_system", file="b.crl")
    assert unread is not None
    assert math.isnan(unread)


def test_what_is_not_known_is_no_number_and_never_zero(metrics: Metrics) -> None:
    metrics.take(Figures(at=datetime(2026, 11, 30, tzinfo=UTC), database_up=True, counts={"ready": 3}, oldest_s={"ready": 60.0}))

    assert value(metrics, "queue_cases", state="ready") == 3
    assert value(metrics, "queue_oldest_seconds", state="ready") == 60
    margin = value(metrics, "deadline_margin_seconds")
    assert margin is not None
    assert math.isnan(margin)


def test_a_database_that_is_gone_leaves_the_last_figures_with_their_time(metrics: Metrics) -> None:
    metrics.take(Figures(at=datetime(2026, 11, 30, tzinfo=UTC), database_up=True, counts={"ready": 3}))
    metrics.take(Figures(at=datetime(2026, 12, 1, tzinfo=UTC), database_up=False))

    assert value(metrics, "database_up") == 0
    assert value(metrics, "queue_cases", state="ready") == 3
    assert value(metrics, "figures_taken_seconds") == datetime(2026, 11, 30, tzinfo=UTC).timestamp()


def test_an_empty_state_has_no_age(metrics: Metrics) -> None:
    at = datetime(2026, 11, 30, tzinfo=UTC)
    metrics.take(Figures(at=at, database_up=True, counts={"ready": 1}, oldest_s={"ready": 5.0}))
    metrics.take(Figures(at=at, database_up=True, counts={"ready": 0}))

    assert value(metrics, "queue_oldest_seconds", state="ready") is None


def test_no_label_tells_of_a_case(metrics: Metrics) -> None:
    see(metrics, **FINISHED)
    see(metrics, "error", event="case.failed", case_ref="abc234defg", code="BUG-001", exception={"type": "KeyError", "at": ["a.py:1 f"]})

    assert "abc234defg" not in metrics.text().decode()


def test_every_metric_has_a_help_text_and_the_programs_name(metrics: Metrics) -> None:
    see(metrics, **FINISHED)
    own = [one for one in text_string_to_metric_families(metrics.text().decode()) if not one.name.startswith(("process_", "python_"))]

    assert own
    assert all(one.name.startswith("bistandsrobot_") and one.documentation for one in own)


def test_hours_in_which_nothing_is_taken_show_as_a_pause_and_end_as_one(metrics: Metrics) -> None:
    look = Figures(at=datetime(2026, 11, 30, 8, 0, tzinfo=UTC), database_up=True, at_rest=True)
    metrics.take(look)
    assert value(metrics, "paused", what="hours") == 1

    metrics.take(replace(look, at_rest=False))
    assert value(metrics, "paused", what="hours") is None
