"""Bar charts as geometry, computed in whole numbers. The template draws them; every chart's figures stand in a table too.

Down the page a chart is measured in pixels, across it in thousandths of its width: so it fits a phone with its words in full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from robot.compare import PROPOSALS, Comparison, Difference, Figures, Group
from robot.compare_groups import Dimension
from robot.compare_small import Hidden
from robot.compare_view import PROPOSAL_WORDS, proposed, signed

PLOT_WIDTH = 660
"""Thousandths of the chart's width that bars may take; the figures beside them stand in the rest."""
_LABEL, _ROW, _BAR, _GAP = 22, 22, 16, 14
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or none where `width` is None, and the words beside it. `style` names its look."""

    y: int
    x: int
    width: int | None
    height: int
    words: str
    style: str


@dataclass(frozen=True, slots=True)
class Row:
    """A label on a line of its own, at height `y`, and its bars below, from `top` to `bottom`."""

    label: str
    y: int
    top: int
    bottom: int
    bars: tuple[Bar, ...]

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw, so that zero has to be shown."""
        return any(bar.width is not None for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole chart. `zero` = where zero is, across; `description` is its text alternative in one sentence."""

    name: str
    title: str
    description: str
    height: int
    zero: int
    rows: tuple[Row, ...]
    legend: bool


@dataclass(frozen=True, slots=True)
class _Value:
    """One value to draw: a whole number of any unit, None = nothing can be drawn."""

    size: int | None
    words: str
    style: str


def difference_chart(dimension: Dimension, heading: str, groups: Sequence[Group]) -> Chart:
    """Draw the mean difference of each group, less to the left and more to the right of zero."""
    rows = [(group.label, (_mean(group.figures),)) for group in groups]
    told = "; ".join(f"{label}: {values[0].words}" for label, values in rows)
    title = f"{heading}: genomsnittlig skillnad per ärende"
    return _chart(f"{dimension.value}-difference", title, f"Stapeldiagram. {told}.", rows, legend=False)


def proposal_chart(dimension: Dimension, heading: str, groups: Sequence[Group]) -> Chart:
    """Draw the share of each group's cases with a proposal, before and after."""
    rows = [(group.label, _shares(group.figures)) for group in groups]
    told = "; ".join(f"{label}: {_told(values)}" for label, values in rows)
    title = f"{heading}: andel ärenden med förslag, före och efter"
    return _chart(f"{dimension.value}-proposals", title, f"Stapeldiagram. {told}.", rows, legend=True)


def overall_chart(result: Comparison) -> Chart | None:
    """Draw how many cases there are of each proposal, before and after; None when there are too few to show."""
    figures = result.whole
    if isinstance(figures, Hidden):
        return None
    rows = [
        (
            PROPOSAL_WORDS[proposal],
            tuple(
                _Value(number, str(number), style)
                for number, style in ((figures.proposals_before[proposal], "before"), (figures.proposals_after[proposal], "after"))
            ),
        )
        for proposal in PROPOSALS
    ]
    told = "; ".join(f"{label}: {_told(values)}" for label, values in rows)
    return _chart("all-proposals", "Antal ärenden per förslag, före och efter", f"Stapeldiagram. {told}.", rows, legend=True)


def _told(values: Sequence[_Value]) -> str:
    return f"{values[0].words} före, {values[1].words} efter" if len(values) > 1 else values[0].words


def _mean(figures: Figures | Hidden) -> _Value:
    found = figures if isinstance(figures, Hidden) else figures.difference
    if isinstance(found, Difference):
        return _Value(found.mean, f"{signed(found.mean)}\u00a0kr", "less" if found.mean < 0 else "more")
    return _Value(None, str(found) if found else "inget att jämföra", "none")


def _shares(figures: Figures | Hidden) -> tuple[_Value, ...]:
    if isinstance(figures, Hidden):
        return (_Value(None, str(figures), "none"),)
    pairs = ((figures.proposals_before, "before"), (figures.proposals_after, "after"))
    shares = [((2 * _PERCENT * proposed(proposals) + figures.cases) // (2 * figures.cases), style) for proposals, style in pairs]
    return tuple(_Value(share, f"{share}\u00a0%", style) for share, style in shares)


def _chart(name: str, title: str, description: str, rows: Sequence[tuple[str, tuple[_Value, ...]]], *, legend: bool) -> Chart:
    sizes = [value.size for _, values in rows for value in values if value.size is not None]
    low, high = min([0, *sizes]), max([0, *sizes])
    reach = max(high - low, 1)
    zero = -low * PLOT_WIDTH // reach
    drawn, y = [], 0
    for label, values in rows:
        top, bottom = y + _LABEL, y + _LABEL + len(values) * _ROW
        bars = tuple(_bar(value, top + place * _ROW + (_ROW - _BAR) // 2, zero, reach) for place, value in enumerate(values))
        drawn.append(Row(label, y + _BAR, top, bottom, bars))
        y = bottom + _GAP
    return Chart(name, title, description, y, zero, tuple(drawn), legend)


def _bar(value: _Value, y: int, zero: int, reach: int) -> Bar:
    if value.size is None:
        return Bar(y, zero, None, _BAR, value.words, value.style)
    width = abs(value.size) * PLOT_WIDTH // reach
    return Bar(y, zero - width if value.size < 0 else zero, width, _BAR, value.words, value.style)
