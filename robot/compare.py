"""The same cases under two rulebooks: who gets what difference. Pure; every number comes from `rules.assess`, in whole öre.

What a household gets is its need by the calculation, and nothing when the need is negative. A difference is counted only where the
need is known on both sides; where it is not, the case is counted under its reasons, and what is left open to the caseworker is summed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import rules
from robot.compare_groups import LABELS, Cell, Dimension, groups_of
from robot.compare_move import moved
from robot.compare_reasons import reasons_of
from robot.compare_small import SMALL_GROUP, Hidden, hidden
from rules import Rulebook
from rules.assessment import Assessment, Proposal
from rules.facts import CaseFile
from rules.money import ZERO, Ore
from rules.month import Month

T = TypeVar("T")
NO_PROPOSAL = "none"
PROPOSALS = (*(one.value for one in Proposal), NO_PROPOSAL)


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between the two sides: the rulebook, or the month applied for (`month` None = the case's own)."""

    before: Rulebook
    after: Rulebook
    month: Month | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """What one rulebook gives one case. `known` None = the need is not known; `left` = the size of what is open, None = unknown."""

    proposal: str
    known: Ore | None
    left: Ore | None
    blanks: frozenset[tuple[str, str]]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One case on both sides, with its groups and nothing else about it."""

    month: Month
    groups: tuple[Cell, ...]
    before: Side
    after: Side


@dataclass(frozen=True, slots=True)
class Difference:
    """After minus before, over the cases whose need is known on both sides. Mean and median are whole öre, halves away from zero."""

    total: Ore
    mean: Ore
    median: Ore
    lowest: Ore
    highest: Ore
    more: int
    less: int
    same: int


@dataclass(frozen=True, slots=True)
class Left:
    """What is open to the caseworker: highest less lowest amount, over the cases where both are known and differ."""

    cases: int
    amount: Ore


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one group. `compared` = cases whose need is known on both sides; `difference` None = there are none."""

    cases: int
    proposals_before: Mapping[str, int]
    proposals_after: Mapping[str, int]
    changed_proposal: int
    changed_blanks: int
    changed: int
    known_before: int
    known_after: int
    compared: int
    difference: Difference | Hidden | None
    left_before: Left | Hidden
    left_after: Left | Hidden


@dataclass(frozen=True, slots=True)
class Group:
    """One group of one dimension."""

    dimension: Dimension
    code: str
    figures: Figures | Hidden

    @property
    def label(self) -> str:
        """The group's name in Swedish."""
        return LABELS[self.dimension][self.code]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a need is not known, and in how many cases on each side. A case is counted under each of its reasons."""

    text: str
    before: int | Hidden
    after: int | Hidden


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole result. `below` = groups with fewer cases are hidden, None = nothing is. `months` = the cases' own months."""

    change: Change
    months: tuple[Month, ...]
    below: int | None
    whole: Figures | Hidden
    groups: tuple[Group, ...]
    reasons: tuple[Reason, ...]

    def of(self, dimension: Dimension) -> tuple[Group, ...]:
        """Return the groups of one dimension, in the order they are shown."""
        return tuple(group for group in self.groups if group.dimension == dimension)


class Shared:
    """Keeps one of all values that are alike: most cases have the groups, blanks and reasons that others have too, and rows are many."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

    def row(self, row: Row) -> Row:
        """Return the same row, in little memory."""
        return Row(self._one(row.month), self._one(row.groups), self._side(row.before), self._side(row.after))

    def _side(self, side: Side) -> Side:
        return self._one(Side(self._one(side.proposal), side.known, side.left, self._one(side.blanks), self._one(side.reasons)))

    def _one(self, value: T) -> T:
        kept: T = self._kept.setdefault(value, value)
        return kept


def compare_case(case: CaseFile, change: Change) -> Row:
    """Assess one case on both sides."""
    other = case if change.month is None else moved(case, change.month, change.before)
    return Row(
        month=case.application.month,
        groups=groups_of(case),
        before=_side(rules.assess(case, change.before, digests=False), change.before),
        after=_side(rules.assess(other, change.after, digests=False), change.after),
    )


def compare(rows: Sequence[Row], change: Change, *, small_groups: bool = False) -> Comparison:
    """Add the cases up, group by group. `small_groups` shows groups of any size; else nobody can be pointed out."""
    below = None if small_groups else SMALL_GROUP
    by_cell: dict[Cell, list[Row]] = {(dimension, code): [] for dimension in Dimension for code in LABELS[dimension]}
    for row in rows:
        for cell in row.groups:
            by_cell[cell].append(row)
    return Comparison(
        change=change,
        months=tuple(sorted({row.month for row in rows})),
        below=below,
        whole=_whole(_figures(rows), below),
        groups=_groups({cell: _figures(members) for cell, members in by_cell.items() if members}, below),
        reasons=_reasons(rows, below),
    )


def _side(result: Assessment, book: Rulebook) -> Side:
    lowest, highest = (result.span.lowest, result.span.highest) if result.span else (None, None)
    known = _paid(lowest) if lowest is not None and lowest == highest else None
    return Side(
        proposal=result.proposal.value if result.proposal else NO_PROPOSAL,
        known=known,
        left=None if lowest is None or highest is None else Ore(_paid(highest) - _paid(lowest)),
        blanks=frozenset((line.key, line.blank.reason) for line in result.lines if line.blank),
        reasons=() if known is not None else reasons_of(result, book),
    )


def _paid(need: Ore) -> Ore:
    """Return what a need gives the household: a surplus gives nothing, and takes nothing."""
    return max(need, ZERO)


def _figures(rows: Sequence[Row]) -> Figures:
    differences = [Ore(row.after.known - row.before.known) for row in rows if row.before.known is not None and row.after.known is not None]
    proposal = [row.before.proposal != row.after.proposal for row in rows]
    blanks = [row.before.blanks != row.after.blanks for row in rows]
    return Figures(
        cases=len(rows),
        proposals_before=_proposals(row.before for row in rows),
        proposals_after=_proposals(row.after for row in rows),
        changed_proposal=sum(proposal),
        changed_blanks=sum(blanks),
        changed=sum(one or other for one, other in zip(proposal, blanks, strict=True)),
        known_before=sum(row.before.known is not None for row in rows),
        known_after=sum(row.after.known is not None for row in rows),
        compared=len(differences),
        difference=_difference(sorted(differences)) if differences else None,
        left_before=_left(row.before for row in rows),
        left_after=_left(row.after for row in rows),
    )


def _proposals(sides: Iterable[Side]) -> Mapping[str, int]:
    count = Counter(side.proposal for side in sides)
    return {proposal: count[proposal] for proposal in PROPOSALS}


def _difference(ordered: Sequence[Ore]) -> Difference:
    number, middle = len(ordered), len(ordered) // 2
    total = sum(ordered)
    return Difference(
        total=Ore(total),
        mean=_divided(total, number),
        median=ordered[middle] if number % 2 else _divided(ordered[middle - 1] + ordered[middle], 2),
        lowest=ordered[0],
        highest=ordered[-1],
        more=sum(one > 0 for one in ordered),
        less=sum(one < 0 for one in ordered),
        same=sum(one == 0 for one in ordered),
    )


def _divided(amount: int, by: int) -> Ore:
    """Divide into whole öre, half an öre away from zero, so that a loss and a gain of the same size look the same."""
    size = (2 * abs(amount) + by) // (2 * by)
    return Ore(-size if amount < 0 else size)


def _left(sides: Iterable[Side]) -> Left:
    amounts = [side.left for side in sides if side.left]
    return Left(len(amounts), Ore(sum(amounts)))


def _behind(figures: Figures) -> dict[str, int]:
    """Return how many cases are behind each sum of money of a group."""
    return {"difference": figures.compared, "left_before": _open_cases(figures.left_before), "left_after": _open_cases(figures.left_after)}


def _open_cases(left: Left | Hidden) -> int:
    return left.cases if isinstance(left, Left) else 0


def _masked(figures: Figures, gone: Mapping[str, Hidden]) -> Figures:
    """Return the figures without the sums of money that may not be shown."""
    return replace(
        figures,
        difference=gone.get("difference", figures.difference),
        left_before=gone.get("left_before", figures.left_before),
        left_after=gone.get("left_after", figures.left_after),
    )


def _whole(figures: Figures, below: int | None) -> Figures | Hidden:
    """Return the figures of all cases, which are a group like any other."""
    if below is None:
        return figures
    if figures.cases < below:
        return Hidden.FEW
    return _masked(figures, {name: Hidden.FEW for name, number in _behind(figures).items() if 0 < number < below})


def _groups(found: Mapping[Cell, Figures], below: int | None) -> tuple[Group, ...]:
    behind = {cell: _behind(figures) for cell, figures in found.items()}
    gone = hidden({cell: figures.cases for cell, figures in found.items()}, below=below)
    sums = {
        name: hidden({cell: numbers[name] for cell, numbers in behind.items()}, below=below, also=gone)
        for name in ("difference", "left_before", "left_after")
    }

    def shown(cell: Cell, figures: Figures) -> Figures | Hidden:
        if cell in gone:
            return gone[cell]
        return _masked(figures, {name: cells[cell] for name, cells in sums.items() if cell in cells})

    return tuple(Group(*cell, shown(cell, figures)) for cell, figures in found.items())


def _reasons(rows: Sequence[Row], below: int | None) -> tuple[Reason, ...]:
    before = Counter(text for row in rows for text in row.before.reasons)
    after = Counter(text for row in rows for text in row.after.reasons)

    def shown(number: int) -> int | Hidden:
        return Hidden.FEW if below is not None and 0 < number < below else number

    def place(text: str) -> tuple[int, str]:
        """Most cases first; those that may not be told apart by number stand last, by name."""
        most = max(before[text], after[text])
        return (-most if most >= (below or 0) else 0), text

    return tuple(Reason(text, shown(before[text]), shown(after[text])) for text in sorted(before.keys() | after.keys(), key=place))
