"""The robot pauses itself when what it prepares jumps, and never for a small town's few cases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from robot.dead_man import ALL, ASSESSED, BUCKET, DeadMan, Jump, _new_name, jump_in
from robot.settings import Band
from rules.assessment import Outcome
from workqueue import Figure, Tally, limits

NOW = datetime(2026, 12, 1, tzinfo=UTC)
BAND = Band(cases=100, before=400)


def tally(age: int, cases: int = 25, norm: int = 500_000, **counts: int) -> Tally:
    """Return what came of some cases; `norm` = the average, in ore."""
    figures = {
        ALL: Figure(cases, None),
        ASSESSED: Figure(cases, None),
        "proposal.BIFALL": Figure(cases * 4 // 5, None),
        "average.norm": Figure(cases, cases * norm),
    }
    return Tally(NOW - timedelta(minutes=age), figures | {name: Figure(number, None) for name, number in counts.items()})


def steady(number: int, first: int = 0) -> list[Tally]:
    return [tally(first + age) for age in range(number)]


def test_what_stays_as_it_was_is_no_jump() -> None:
    assert jump_in(steady(40), BAND) is None


def test_a_norm_ten_times_too_high_is_a_jump_long_before_all_latest_cases_have_it() -> None:
    assert jump_in([tally(0, norm=5_000_000), *steady(30, 1)], BAND) == Jump("average.norm", 5000.0, 16250.0)


def test_a_proposal_that_is_gone_is_a_jump() -> None:
    gone = [tally(age, **{"proposal.BIFALL": 0, "proposal.none": 25}) for age in range(2)]
    found = jump_in([*gone, *steady(30, 2)], BAND)
    assert found is not None
    assert (found.figure, found.before, found.now) in {("proposal.BIFALL", 80.0, 40.0), ("proposal.none", 0.0, 50.0)}


def test_a_flag_that_suddenly_stands_in_most_cases_is_a_jump() -> None:
    flagged = [tally(age, **{"flag.cost.above_cap": 15}) for age in range(4)]
    assert jump_in([*flagged, *steady(30, 4)], BAND) == Jump("flag.cost.above_cap", 0.0, 60.0)


def test_a_move_within_the_band_is_no_jump() -> None:
    moved = [tally(age, norm=650_000, **{"flag.cost.above_cap": 6}) for age in range(4)]
    assert jump_in([*moved, *steady(30, 4)], BAND) is None


@pytest.mark.parametrize("number", [1, 3, 7])
def test_too_few_cases_say_nothing_however_odd_they_are(number: int) -> None:
    odd = [tally(age, norm=5_000_000) for age in range(4)]
    assert jump_in([*odd, *steady(30, 4)][:number], BAND) is None


def test_only_the_cases_that_are_to_be_compared_count() -> None:
    long_ago = [tally(100 + age, norm=50_000) for age in range(200)]
    assert jump_in([*steady(20), *long_ago], BAND) is None


def test_a_band_compares_with_at_least_as_many_cases_before() -> None:
    with pytest.raises(ValidationError, match="before"):
        Band(cases=200, before=100)


def test_the_name_of_what_was_counted_is_never_taken_for_a_number() -> None:
    assert all(limits.code(_new_name()) for _ in range(200))


class _Stored:
    """A database that remembers whether anything was stored."""

    def __init__(self) -> None:
        self.calls = 0

    async def call(self, _: object) -> None:
        self.calls += 1


@pytest.mark.parametrize(
    ("codes", "stored"), [([], 1), (["case.first_application"], 1), (["register.unavailable"], 0), (["sum.month_open"], 0)]
)
def test_cases_of_which_the_reason_is_known_are_not_counted(codes: list[str], stored: int) -> None:
    """An open income month goes by the day of the month: counted, it would pause the robot every month."""
    flags = [SimpleNamespace(code=code) for code in codes]
    result = SimpleNamespace(outcome=Outcome.REVIEW, flags=flags, sums=None)
    known = SimpleNamespace(application=SimpleNamespace(unreadable=()))
    database = _Stored()
    counting = DeadMan(Band(), cast(Any, database))

    async def count() -> None:
        for _ in range(BUCKET):
            await counting.count(cast(Any, result), cast(Any, known), hidden=False)

    asyncio.run(count())
    assert database.calls == stored
