"""Deadlines, the daily asking, and the two clocks; also on the nights when Swedish clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from robot.clock import STOCKHOLM, SystemClock, WorldClock
from robot.deadlines import after, deadline, next_asking
from rules.month import Month

DECEMBER = Month(2026, 12)


def at(month: int, day: int, hour: int = 0, *, year: int = 2026) -> datetime:
    """Return a time in Sweden."""
    return datetime(year, month, day, hour, tzinfo=STOCKHOLM)


@pytest.mark.parametrize(
    ("pulled", "due"),
    [
        (at(11, 10, 12), at(11, 30)),
        (at(11, 28, 23), at(11, 30)),
        (at(11, 29), at(11, 30)),
        (at(11, 29, 1), at(11, 30, 1)),
        (at(12, 24, 15), at(12, 25, 15)),
    ],
)
def test_the_deadline_is_a_day_after_the_later_of_the_first_pull_and_the_day_after_the_month_is_complete(
    pulled: datetime, due: datetime
) -> None:
    assert deadline(pulled, DECEMBER, 28) == due


def test_a_case_without_a_month_has_a_day_from_its_pull() -> None:
    assert deadline(at(11, 10, 12), None, 28) == at(11, 11, 12)


def test_a_day_for_completeness_that_the_month_does_not_have_is_its_last() -> None:
    assert deadline(at(2, 1), Month(2026, 3), 31) == at(3, 2)


@pytest.mark.parametrize("pulled", [at(10, 24, 12), at(3, 28, 12), at(10, 25, 1)])
def test_a_deadline_is_24_hours_also_when_the_clocks_change(pulled: datetime) -> None:
    due = deadline(pulled, None, 28)
    assert due.astimezone(UTC) - pulled.astimezone(UTC) == timedelta(hours=24)


def test_a_wait_in_the_hour_that_comes_twice_is_never_in_the_past() -> None:
    second_time = datetime(2026, 10, 25, 2, 30, tzinfo=STOCKHOLM, fold=1)
    assert after(second_time, timedelta(seconds=5)) - second_time.astimezone(UTC) == timedelta(seconds=5)


@pytest.mark.parametrize("now", [at(11, 20, 5), at(11, 20, 6), at(11, 20, 23), datetime(2026, 11, 20, 22, 59, tzinfo=UTC)])
def test_a_resting_case_is_asked_for_the_next_morning(now: datetime) -> None:
    assert next_asking(now, 6) == at(11, 21, 6)


def test_the_next_morning_is_that_of_sweden() -> None:
    assert next_asking(datetime(2026, 11, 20, 23, 30, tzinfo=UTC), 6) == at(11, 22, 6)


def test_two_processes_with_the_same_epoch_agree_on_the_worlds_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robot.clock.time.time", lambda: 1_000_030.0)
    one, other = (WorldClock(at(11, 30, 8), day_length_s=60, epoch=1_000_000.0) for _ in range(2))
    assert one.now() == other.now() == at(11, 30, 20)


def test_a_day_of_the_demo_takes_as_long_as_it_says_also_when_the_clocks_change(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = WorldClock(at(10, 24, 8), day_length_s=60, epoch=0.0)
    monkeypatch.setattr("robot.clock.time.time", lambda: 60.0)
    assert clock.now().astimezone(UTC) - at(10, 24, 8).astimezone(UTC) == timedelta(hours=24)
    assert clock.today() == at(10, 25).date()
    assert clock.machine_s() == 60.0


def test_the_machines_clock_is_in_swedish_time() -> None:
    assert SystemClock().now().tzinfo is STOCKHOLM
    assert SystemClock().today() == SystemClock().now().date()


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("day", [at(3, 27, 12, year=2027), at(3, 28, 12, year=2027), at(10, 30, 12, year=2027), at(10, 31, 12, year=2027)])
def test_each_day_has_one_asking_also_when_an_hour_is_missing_or_comes_twice(day: datetime, hour: int) -> None:
    asked = next_asking(day, hour)
    local = asked.astimezone(UTC).astimezone(STOCKHOLM)
    assert local.date() == day.date() + timedelta(days=1)
    assert local.hour == hour or (hour == 2 and local.hour == 3), "an hour that is not there is the next one"
    assert next_asking(asked, hour).astimezone(UTC) - asked.astimezone(UTC) >= timedelta(hours=22)


@pytest.mark.parametrize("month_of_change", [Month(2027, 4), Month(2027, 11)])
def test_a_deadline_at_midnight_is_a_day_after_midnight_in_sweden_in_the_months_when_clocks_change(month_of_change: Month) -> None:
    """The income month is complete on the day before the change, on the day itself, and after it."""
    for complete_day in (26, 27, 28, 29, 30, 31):
        midnight = datetime.combine(month_of_change.plus(-1).day(complete_day) + timedelta(days=1), datetime.min.time(), STOCKHOLM)
        due = deadline(at(2, 1, year=2027), month_of_change, complete_day)
        assert due.astimezone(UTC) - midnight.astimezone(UTC) == timedelta(hours=24)
