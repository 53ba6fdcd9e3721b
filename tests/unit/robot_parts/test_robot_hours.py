"""Opening hours by the clock on the wall, over nights, weekends and the two odd nights of the year."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from robot.clock import STOCKHOLM
from robot.hours import Window, is_open, opened, opens, within


def window(days: str, begins: str, ends: str) -> Window:
    return Window.model_validate({"days": days, "from": begins, "to": ends})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM)


OFFICE = (window("mon-fri", "06:00", "22:00"),)
NIGHT = (window("fri-sun", "22:00", "04:00"),)


@pytest.mark.parametrize(
    ("moment", "is_in"),
    [
        ("2026-11-30 05:59", False),
        ("2026-11-30 06:00", True),
        ("2026-11-30 21:59:59", True),
        ("2026-11-30 22:00", False),
        ("2026-11-29 12:00", False),
    ],
)
def test_a_neighbour_is_open_in_its_hours_and_not_beside_them(moment: str, *, is_in: bool) -> None:
    assert is_open(OFFICE, at(moment)) is is_in


def test_one_without_hours_is_always_open_and_nothing_is_within_no_window() -> None:
    assert is_open((), at("2026-11-29 03:00"))
    assert not within((), at("2026-11-29 03:00"))
    assert opened((), at("2026-11-29 03:00")) is None


@pytest.mark.parametrize(
    ("moment", "is_in"),
    [("2026-11-30 03:59", True), ("2026-11-30 22:30", False), ("2026-12-04 22:30", True), ("2026-12-04 03:00", False)],
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins_on(moment: str, *, is_in: bool) -> None:
    assert within(NIGHT, at(moment)) is is_in


def test_the_next_opening_after_friday_evening_is_on_monday() -> None:
    assert opens(OFFICE, at("2026-11-27 23:00")) == at("2026-11-30 06:00")
    assert opened(OFFICE, at("2026-11-30 09:00")) == at("2026-11-30 06:00")
    assert opened(OFFICE, at("2026-11-29 09:00")) == at("2026-11-27 06:00")


@pytest.mark.parametrize(
    ("evening", "opening"),
    [
        ("2027-03-27T22:00:00+01:00", "2027-03-28T04:00:00+00:00"),
        ("2027-10-30T22:00:00+02:00", "2027-10-31T05:00:00+00:00"),
    ],
    ids=["an hour shorter", "an hour longer"],
)
def test_in_the_nights_when_the_clock_is_set_it_opens_by_the_clock_on_the_wall(evening: str, opening: str) -> None:
    daily = (window("daily", "06:00", "22:00"),)
    assert opens(daily, datetime.fromisoformat(evening)).astimezone(UTC) == datetime.fromisoformat(opening)


def test_days_are_read_as_people_write_them() -> None:
    assert window("mon,wed-thu", "06:00", "24:00").days == (0, 2, 3)
    assert window("sat-mon", "06:00", "24:00").days == (0, 5, 6)
    assert within((window("sun", "06:00", "24:00"),), at("2026-11-29 23:59"))


@pytest.mark.parametrize(("days", "begins"), [("måndag", "06:00"), ("mon-", "6"), ("", "06:00"), ("mon", "25:00"), ("mon", "06:00+01:00")])
def test_what_is_no_window_is_refused(days: str, begins: str) -> None:
    with pytest.raises(ValidationError):
        window(days, begins, "22:00")
