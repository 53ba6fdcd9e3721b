"""The simulated world's clock."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from connectors.simulators.day import WorldDay


class Machine:
    """A machine clock that stands still until told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_the_world_starts_on_its_own_day_in_swedish_time_whatever_the_machine_says() -> None:
    now = WorldDay(clock=Machine()).now()

    assert now.isoformat() == "2026-11-30T08:00:00+01:00"


def test_a_day_can_take_a_few_real_seconds() -> None:
    machine = Machine()
    day = WorldDay(day_length_s=10, clock=machine)

    machine.seconds += 5

    assert day.now().isoformat() == "2026-11-30T20:00:00+01:00"
    machine.seconds += 5
    assert day.today() == date(2026, 12, 1)


def test_without_a_day_length_time_goes_at_real_speed() -> None:
    machine = Machine()
    day = WorldDay(clock=machine)
    before = day.now()

    machine.seconds += 90

    assert day.now() - before == timedelta(seconds=90)


def test_a_day_that_is_set_begins_at_the_worlds_usual_time_and_goes_on() -> None:
    machine = Machine()
    day = WorldDay(at=time(7, 30), day_length_s=24, clock=machine)
    machine.seconds += 17

    day.set(date(2027, 3, 1))
    machine.seconds += 1

    assert day.now().isoformat() == "2027-03-01T08:30:00+01:00"


def test_summer_time_is_kept() -> None:
    day = WorldDay(date(2026, 7, 1), clock=Machine())

    assert day.now().isoformat() == "2026-07-01T08:00:00+02:00"


def test_a_day_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="day_length_s"):
        WorldDay(day_length_s=0)
