"""Small groups cannot be seen, neither directly nor by subtracting what is shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from robot.compare_groups import Cell, Dimension
from robot.compare_small import Hidden, hidden

SEXES = ("woman", "man", "unknown")


def sexes(**counts: int) -> dict[Cell, int]:
    return {(Dimension.SEX, code): number for code, number in counts.items()}


def codes(found: dict[Cell, Hidden]) -> dict[str, Hidden]:
    return {code: why for (_, code), why in found.items()}


def test_large_groups_are_shown() -> None:
    assert hidden(sexes(woman=5, man=7), below=5) == {}


def test_a_group_that_would_give_a_small_one_away_is_hidden_too() -> None:
    assert codes(hidden(sexes(woman=50, man=9, unknown=2), below=5)) == {"unknown": Hidden.FEW, "man": Hidden.PROTECTS}


def test_two_small_groups_that_are_too_few_together_take_a_third_along() -> None:
    assert codes(hidden(sexes(woman=50, man=2, unknown=2), below=5)) == {
        "man": Hidden.FEW,
        "unknown": Hidden.FEW,
        "woman": Hidden.PROTECTS,
    }


def test_two_small_groups_of_five_together_leave_the_rest_shown() -> None:
    assert codes(hidden(sexes(woman=50, man=2, unknown=3), below=5)) == {"man": Hidden.FEW, "unknown": Hidden.FEW}


def test_an_empty_group_hides_nothing() -> None:
    assert hidden(sexes(woman=50, man=0, unknown=0), below=5) == {}


def test_nothing_is_hidden_when_small_groups_are_asked_for() -> None:
    assert hidden(sexes(woman=1, man=1), below=None) == {}


def test_households_without_children_and_no_children_do_not_give_each_other_away() -> None:
    """Those without children are the single ones and the couples: of the three figures no two may be shown beside one hidden."""
    counts: dict[Cell, int] = {
        (Dimension.HOUSEHOLD, "single"): 30,
        (Dimension.HOUSEHOLD, "couple"): 2,
        (Dimension.HOUSEHOLD, "single_with_children"): 9,
        (Dimension.HOUSEHOLD, "couple_with_children"): 40,
        (Dimension.CHILDREN, "0"): 32,
        (Dimension.CHILDREN, "1"): 49,
    }

    found = hidden(counts, below=5)

    assert found[Dimension.HOUSEHOLD, "couple"] is Hidden.FEW
    assert (Dimension.HOUSEHOLD, "single") in found or (Dimension.CHILDREN, "0") in found


@given(st.lists(st.integers(0, 12), min_size=3, max_size=3), st.integers(2, 6))
def test_what_is_hidden_is_never_one_group_alone_and_never_fewer_than_the_limit(numbers: list[int], below: int) -> None:
    counts = sexes(**dict(zip(SEXES, numbers, strict=True)))

    gone = hidden(counts, below=below)

    lost = [counts[cell] for cell in gone]
    shown = [number for cell, number in counts.items() if number and cell not in gone]
    assert not any(0 < number < below for number in shown)
    if lost and shown:
        assert len(lost) > 1
        assert sum(lost) >= below
