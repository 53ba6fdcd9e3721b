"""Small groups: what must not be shown so that nobody can be pointed out, neither directly nor by subtraction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from robot.compare_groups import LABELS, Cell, Dimension

SMALL_GROUP = 5
"""A group with fewer cases than this is not shown."""


class Hidden(StrEnum):
    """Stands where figures would."""

    FEW = f"färre än {SMALL_GROUP}"
    PROTECTS = "visas inte"
    """Large enough itself; but with it the figures of a smaller group could be worked out from the total."""


@dataclass(frozen=True, slots=True)
class Link:
    """Groups of which one can be worked out when all the others are shown. `whole` = together they are every case."""

    cells: tuple[Cell, ...]
    whole: bool


def _cells(dimension: Dimension, *codes: str) -> tuple[Cell, ...]:
    return tuple((dimension, code) for code in codes)


_LINKS = (
    *(Link(_cells(dimension, *LABELS[dimension]), whole=True) for dimension in Dimension),
    Link((*_cells(Dimension.HOUSEHOLD, "single", "couple"), *_cells(Dimension.CHILDREN, "0")), whole=False),
    Link(
        (
            *_cells(Dimension.HOUSEHOLD, "single_with_children", "couple_with_children"),
            *_cells(Dimension.CHILDREN, "1", "2", "3", "4_or_more"),
        ),
        whole=False,
    ),
    Link((*_cells(Dimension.HOUSEHOLD, "unknown"), *_cells(Dimension.CHILDREN, "unknown")), whole=False),
)


def hidden(counts: Mapping[Cell, int], *, below: int | None, also: Collection[Cell] = ()) -> dict[Cell, Hidden]:
    """Return the groups that may not be shown, by how many cases are behind each. `below` None = everything may be shown.

    Groups too small are hidden, those in `also` are hidden already; then larger ones, smallest first, until no hidden group is alone
    among groups that add up, and those hidden in one dimension are together no smaller than a group may be.
    """
    if below is None:
        return {}
    gone = {cell: Hidden.FEW for cell, number in counts.items() if 0 < number < below}
    gone |= {cell: Hidden.PROTECTS for cell in also if cell not in gone}
    while (cell := _next(counts, gone, below)) is not None:
        gone[cell] = Hidden.PROTECTS
    return gone


def _next(counts: Mapping[Cell, int], gone: Collection[Cell], below: int) -> Cell | None:
    for link in _LINKS:
        there = [cell for cell in link.cells if counts.get(cell)]
        lost = [cell for cell in there if cell in gone]
        shown = [cell for cell in there if cell not in gone]
        told = len(lost) == 1 or (link.whole and 0 < sum(counts[cell] for cell in lost) < below)
        if told and shown:
            return min(shown, key=lambda cell: (counts[cell], cell))
    return None
