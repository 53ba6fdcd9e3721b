"""How a neighbour has been lately: the last half hour alone, told by the counts that its transports keep."""

from __future__ import annotations

from math import inf

import pytest
from standing_clock import StandingClock

from connectors.transport.breaker import Breaker, Position
from robot.neighbours import LATELY_S, Lately, Neighbours


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def neighbours(clock: StandingClock) -> Neighbours:
    return Neighbours(clock)


def of(neighbours: Neighbours) -> Lately:
    (found,) = neighbours.lately()
    return found


def test_each_transport_of_a_neighbour_gets_the_same_tally(neighbours: Neighbours) -> None:
    assert neighbours.tally("ssbtek") is neighbours.tally("ssbtek")
    assert neighbours.tally("ssbtek") is not neighbours.tally("party")


def test_one_that_has_not_been_asked_has_no_pace(neighbours: Neighbours) -> None:
    neighbours.tally("ssbtek")

    assert of(neighbours) == Lately("ssbtek", Position.CLOSED, asked=0, errors=0, within_s=None)


@pytest.mark.parametrize(("slow", "within_s"), [(5, 0.1), (6, 30.0)])
def test_the_pace_is_what_95_of_100_keep(neighbours: Neighbours, slow: int, within_s: float) -> None:
    tally = neighbours.tally("ssbtek")
    for seconds in [0.07] * (100 - slow) + [20.0] * slow:
        tally.took(seconds)

    assert of(neighbours).within_s == within_s


def test_what_takes_longer_than_all_classes_has_no_limit(neighbours: Neighbours) -> None:
    neighbours.tally("ssbtek").took(31)

    assert of(neighbours).within_s == inf


def test_questions_that_were_not_sent_are_no_errors_of_the_neighbour(neighbours: Neighbours) -> None:
    tally = neighbours.tally("ssbtek")
    for code in ("NET-005", "NET-016", "NET-017", "NET-007", "SSB-001"):
        tally.failed(code)

    assert of(neighbours).errors == 2


def test_what_is_older_than_the_last_while_is_forgotten_and_what_is_younger_is_not(neighbours: Neighbours, clock: StandingClock) -> None:
    tally = neighbours.tally("ssbtek")
    tally.took(20)
    tally.failed("NET-007")
    for clock.now in range(0, int(LATELY_S), 15):
        assert of(neighbours).asked == 1
    tally.took(0.02)
    for clock.now in range(int(LATELY_S), int(2 * LATELY_S) - 15, 15):
        assert of(neighbours) == Lately("ssbtek", Position.CLOSED, asked=1, errors=0, within_s=0.025)
    clock.now = 2 * LATELY_S
    assert of(neighbours).asked == 0


def test_there_is_an_end_to_what_is_kept_however_often_it_is_looked(neighbours: Neighbours, clock: StandingClock) -> None:
    neighbours.tally("ssbtek")
    for step in range(100_000):
        clock.now = step / 10
        neighbours.lately()

    assert len(neighbours._kept) <= LATELY_S / 15 + 2


def test_the_worst_of_several_breakers_tells_until_its_transport_is_closed(neighbours: Neighbours, clock: StandingClock) -> None:
    well, sick = (Breaker("ssbtek", failures_to_open=1, open_s=30, monotonic=clock) for _ in range(2))
    tally = neighbours.tally("ssbtek")
    tally.follow(well)
    tally.follow(sick)
    sick.failed(sick.enter(), "NET-001")
    assert of(neighbours).position is Position.OPEN
    clock.now = 31
    assert of(neighbours).position is Position.HALF_OPEN
    tally.let_go(sick)
    assert of(neighbours).position is Position.CLOSED
