"""What is ill, since when, and what to do is learnt from the log's own events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import pytest

from connectors.transport.breaker import Position
from robot.condition import Condition
from robot.figures import Figures, ListDays
from robot.neighbours import Lately
from workqueue import Pause

START = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
WORKING = Figures(at=START, database_up=True, counts={"ready": 3, "parked": 0})


def of_week(left: float) -> dict[tuple[str, str], ListDays]:
    return {("registers", "week.crl"): ListDays(left, 7.0)}


def lately(**more: Any) -> Lately:
    return replace(Lately("ssbtek", Position.CLOSED, asked=100, errors=0, within_s=0.25), **more)


class Watched:
    """A condition whose clock is moved by hand."""

    def __init__(self) -> None:
        self.time = START
        self.condition = Condition(started_at=START, now=lambda: self.time)
        self.condition.take(WORKING)

    def sees(self, event: str, **more: Any) -> dict[str, Any]:
        return dict(self.condition.seen(None, "info", {"event": event} | more))

    def ill(self) -> list[str]:
        return [one.what for one in self.condition.illnesses()]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_it_works_from_the_start_until_told_to_stop(watched: Watched) -> None:
    assert watched.condition.readiness() == ["starting"]
    watched.sees("daemon.started")
    assert watched.condition.readiness() == []
    watched.sees("daemon.stopping")
    assert watched.condition.readiness() == ["stopping"]


def test_a_database_that_is_gone_is_no_readiness(watched: Watched) -> None:
    watched.sees("daemon.started")
    watched.condition.take(replace(WORKING, database_up=False))

    assert watched.condition.readiness() == ["database"]


def test_a_lost_neighbour_is_ill_from_the_first_word_until_it_is_back(watched: Watched) -> None:
    watched.sees("neighbour.lost", neighbour="ssbtek", code="NET-001")
    watched.time += timedelta(hours=2)
    watched.sees("neighbour.lost", neighbour="ssbtek", code="NET-004")
    watched.sees("neighbour.lost", neighbour="caremanagement", code="NET-001")

    first = watched.condition.illnesses()[0]
    assert (first.what, first.code, first.since) == ("ssbtek does not answer and is left alone for a while", "NET-004", START)

    watched.sees("neighbour.back", neighbour="ssbtek", away_s=7200)
    assert watched.ill() == ["caremanagement does not answer and is left alone for a while"]


def test_how_many_cases_waited_is_told_when_a_neighbour_is_back(watched: Watched) -> None:
    watched.sees("case.tried_later", case_ref="before", code="QUE-001")
    watched.sees("neighbour.lost", neighbour="ssbtek", code="NET-001")
    for case_ref in ("a", "b", "a"):
        watched.sees("case.tried_later", case_ref=case_ref, code="NET-005")
    watched.sees("case.resting", case_ref="c", state="waiting_for_register")

    assert watched.sees("neighbour.back", neighbour="ssbtek")["cases_waited"] == 3
    watched.sees("neighbour.lost", neighbour="ssbtek", code="NET-001")
    assert watched.sees("neighbour.back", neighbour="ssbtek")["cases_waited"] == 0


def test_what_has_no_end_of_its_own_fades(watched: Watched) -> None:
    watched.sees("job.failed", job="maintain", code="BUG-003")
    assert watched.ill() == ["a timed job failed: maintain"]
    watched.time += timedelta(minutes=14)
    assert watched.ill()
    watched.time += timedelta(minutes=2)
    assert not watched.ill()


def test_a_pull_that_works_ends_the_illness_of_one_that_did_not(watched: Watched) -> None:
    watched.sees("pull.failed", code="NET-007", neighbour="caremanagement")
    assert watched.ill() == ["the last pull of new applications failed"]
    watched.sees("pull.done", added=0, unread=0)
    assert not watched.ill()


def test_of_pulls_that_another_robot_makes_from_now_on_nothing_is_heard_and_it_fades(watched: Watched) -> None:
    watched.sees("pull.failed", code="NET-007", neighbour="caremanagement")
    watched.time += timedelta(minutes=16)
    assert not watched.ill()


def test_while_it_is_paused_nobody_is_told_that_nobody_takes_cases(watched: Watched) -> None:
    pause = Pause("all", START, "ops")
    watched.condition.take(replace(WORKING, oldest_s={"ready": 7000.0}, pauses=(pause,)))
    assert len(watched.ill()) == 1
    assert "paused since" in watched.ill()[0]


def test_parked_cases_need_a_person(watched: Watched) -> None:
    watched.condition.take(replace(WORKING, counts={"parked": 1}))
    assert watched.ill() == ["1 case is parked"]
    watched.condition.take(replace(WORKING, counts={"parked": 2}))
    assert watched.ill() == ["2 cases are parked"]


@pytest.mark.parametrize(
    "event", ["database.unavailable", "neighbour.lost", "audit.head_not_kept", "pull.failed", "job.failed", "case.failed"]
)
@pytest.mark.parametrize("code", ["QUE-002", "NET-001", "NET-008", "NOT-999"])
def test_every_illness_says_what_to_do(event: str, code: str, watched: Watched) -> None:
    watched.sees(event, code=code, neighbour="ssbtek", job="pull")

    assert all(one.remedy for one in watched.condition.illnesses())


def test_an_event_that_nobody_knows_passes_unchanged(watched: Watched) -> None:
    assert watched.sees("something.new", case_ref="a") == {"event": "something.new", "case_ref": "a"}
    assert not watched.ill()


@pytest.mark.parametrize(
    ("sign", "figures", "just_not"),
    [
        ("past its deadline", {"deadline_margin_s": -601.0}, {"deadline_margin_s": -599.0}),
        ("nobody takes them", {"oldest_s": {"ready": 601.0}}, {"oldest_s": {"ready": 601.0}, "counts": {"ready": 1, "assessing": 1}}),
        ("nobody takes them", {"oldest_s": {"ready": 601.0}}, {"oldest_s": {"ready": 601.0}, "at_rest": True}),
        ("nearly full", {"disk_free_bytes": 499_999_999}, {"disk_free_bytes": 500_000_000}),
        ("end of the audit", {"head_age_s": 3601.0}, {"head_age_s": 3600.0}),
        (
            "ends in 29 days",
            {"certificate_days": {("registers", "robot.pem"): 29.9}},
            {"certificate_days": {("registers", "robot.pem"): 30.0}},
        ),
        ("ends in 1.7 days", {"list_days": of_week(1.74)}, {"list_days": of_week(1.75)}),
        ("cannot be read", {"list_days": {("registers", "week.crl"): ListDays(None, None)}}, {"list_days": {}}),
        ("ends in 29.0 days", {"list_days": {("registers", "week.crl"): ListDays(29.0, 365.0)}}, {"list_days": of_week(6.9)}),
        ("ssbtek is slow", {"neighbours": (lately(within_s=30.0),)}, {"neighbours": (lately(within_s=10.0),)}),
        ("ssbtek is slow", {"neighbours": (lately(within_s=inf),)}, {"neighbours": (lately(within_s=inf, asked=9),)}),
        ("ssbtek fails often", {"neighbours": (lately(errors=21),)}, {"neighbours": (lately(errors=20),)}),
        ("ssbtek fails often", {"neighbours": (lately(errors=99),)}, {"neighbours": (lately(errors=99, position=Position.OPEN),)}),
    ],
)
def test_figures_show_what_no_event_tells(sign: str, figures: dict[str, Any], just_not: dict[str, Any], watched: Watched) -> None:
    watched.condition.take(replace(WORKING, **just_not))
    assert not watched.ill()

    watched.condition.take(replace(WORKING, **figures))
    (found,) = watched.condition.illnesses()
    assert sign in found.what
    assert found.remedy


def test_an_illness_in_the_figures_keeps_its_beginning_and_ends_with_them(watched: Watched) -> None:
    watched.condition.take(replace(WORKING, counts={"parked": 1}))
    watched.condition.take(replace(WORKING, at=START + timedelta(hours=1), counts={"parked": 3}))
    (found,) = watched.condition.illnesses()
    assert (found.what, found.since) == ("3 cases are parked", START)

    watched.condition.take(replace(WORKING, database_up=False))
    assert watched.ill() == ["3 cases are parked"]
    watched.condition.take(WORKING)
    assert not watched.ill()


def test_a_case_that_could_take_no_note_of_itself_does_not_make_the_database_ill_for_ever(watched: Watched) -> None:
    """Its word may come when the database is back already: nothing would end that illness."""
    watched.sees("database.unavailable", code="QUE-001")
    watched.sees("database.back", lost_s=0)
    watched.sees("database.unavailable", code="QUE-001", case_ref="abc")

    assert watched.ill() == []


def test_of_several_workers_one_alone_tells_of_what_all_of_them_see(watched: Watched) -> None:
    watched.sees("neighbour.lost", neighbour="ssbtek", code="NET-001")
    watched.sees("case.failed", code="BUG-001", case_ref="a")
    watched.condition.take(replace(WORKING, counts={"parked": 1}))

    assert len(watched.ill()) == 3
    assert [one.code for one in watched.condition.illnesses(of_its_own=True)] == ["BUG-001"]
