"""Curves on logarithmic axes as SVG: figures in, text out. Readable on a light page and on a dark one, and without seeing it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 190, 48, 56
_COLOURS = ("#1f86d1", "#d55e00", "#009e73", "#cc79a7")
"""Told apart by people who see colours differently too (Okabe and Ito); lightened a little, so that each is clear on both backgrounds."""
_STEPS_WITHIN = (1, 2, 5)
_FEW_DECADES = 2
_LEAST_APART = 16
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1b1b}.title{font-size:16px;font-weight:600}.paper{fill:#fff}"
    ".grid{stroke:#d5d5d5}.axis{stroke:#555}polyline{fill:none;stroke-width:2}"
    "@media (prefers-color-scheme:dark){text{fill:#eee}.paper{fill:#161b22}.grid{stroke:#3a4049}.axis{stroke:#aaa}}"
)


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: points above zero both ways. `colour` counts from 0; `dashed` tells two curves of one colour apart."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """One logarithmic axis: from a round figure to a round figure, both included, with marks on the way."""

    low: float
    high: float
    marks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Return how far along the axis a value stands, 0 to 1."""
        return math.log(value / self.low) / math.log(self.high / self.low)


def axis(values: Sequence[float]) -> Axis:
    """Return an axis that holds all values; with few decades it has marks within them too."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    last = max(last, first + 1)
    steps = _STEPS_WITHIN if last - first <= _FEW_DECADES else (1,)
    marks = [step * 10.0**decade for decade in range(first, last + 1) for step in steps]
    low = max((mark for mark in marks if mark <= min(values)), default=marks[0])
    high = min((mark for mark in marks if mark >= max(values) and mark > low), default=marks[-1])
    return Axis(low, high, tuple(mark for mark in marks if low <= mark <= high))


def told(value: float) -> str:
    """Return a figure as it stands at an axis: 1 000 000, 0.5."""
    return f"{value:,.0f}".replace(",", "\u00a0") if value >= 1 else f"{value:g}"


def chart(title: str, x_name: str, y_name: str, series: Sequence[Series]) -> str:
    """Return a whole drawing. Its description says where each curve begins and ends."""
    drawn = [one for one in series if one.points]
    if not drawn:
        raise ValueError("nothing to draw")
    across, up = axis([x for one in drawn for x, _ in one.points]), axis([y for one in drawn for _, y in one.points])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        'aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(_described(x_name, y_name, drawn))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{_LEFT}" y="26">{escape(title)}</text>',
        *_grid(across, up),
        *(_curve(one, across, up) for one in drawn),
        *_names(drawn, up),
        f'<text x="{(_LEFT + WIDTH - _RIGHT) // 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_name)}</text>',
        f'<text x="18" y="{(_TOP + HEIGHT - _BOTTOM) // 2}" text-anchor="middle" '
        f'transform="rotate(-90 18 {(_TOP + HEIGHT - _BOTTOM) // 2})">{escape(y_name)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(along: Axis, value: float) -> float:
    return round(_LEFT + along.share(value) * (WIDTH - _LEFT - _RIGHT), 1)


def _y(along: Axis, value: float) -> float:
    return round(HEIGHT - _BOTTOM - along.share(value) * (HEIGHT - _TOP - _BOTTOM), 1)


def _grid(across: Axis, up: Axis) -> list[str]:
    left, right, top, bottom = _LEFT, WIDTH - _RIGHT, _TOP, HEIGHT - _BOTTOM
    lines = []
    for mark in across.marks:
        x = _x(across, mark)
        lines.append(f'<line class="grid" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
        lines.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{told(mark)}</text>')
    for mark in up.marks:
        y = _y(up, mark)
        lines.append(f'<line class="grid" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
        lines.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{told(mark)}</text>')
    lines.append(f'<polyline class="axis" points="{left},{top} {left},{bottom} {right},{bottom}"/>')
    return lines


def _curve(one: Series, across: Axis, up: Axis) -> str:
    colour = _COLOURS[one.colour % len(_COLOURS)]
    points = [(_x(across, x), _y(up, y)) for x, y in one.points]
    line = " ".join(f"{x},{y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in points)
    dash = ' stroke-dasharray="6 4"' if one.dashed else ""
    return f'<polyline points="{line}" stroke="{colour}"{dash}/>{dots}'


def _names(drawn: Sequence[Series], up: Axis) -> list[str]:
    """Return each curve's name beside its end, moved apart where they would meet."""
    lines, at = [], WIDTH - _RIGHT + 10
    ordered = sorted(drawn, key=lambda one: _y(up, one.points[-1][1]))
    for one, y in zip(ordered, apart([_y(up, one.points[-1][1]) for one in ordered], HEIGHT - _BOTTOM), strict=True):
        dash = ' stroke-dasharray="6 4"' if one.dashed else ""
        colour = _COLOURS[one.colour % len(_COLOURS)]
        lines.append(f'<line x1="{at}" y1="{y}" x2="{at + 22}" y2="{y}" stroke="{colour}" stroke-width="2"{dash}/>')
        lines.append(f'<text x="{at + 28}" y="{y + 4}">{escape(one.name)}</text>')
    return lines


def apart(heights: Sequence[float], lowest: float) -> list[float]:
    """Return heights, which come in order, moved so that they are far enough apart to read and none is below the lowest."""
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + _LEAST_APART) if found else height)
    limit = lowest
    for place in range(len(found) - 1, -1, -1):
        found[place] = round(min(found[place], limit), 1)
        limit = found[place] - _LEAST_APART
    return found


def _described(x_name: str, y_name: str, drawn: Sequence[Series]) -> str:
    ends = (f"{one.name}: {_at(one.points[0])}, {_at(one.points[-1])}" for one in drawn)
    return f"{y_name} by {x_name}, both logarithmic. " + "; ".join(ends) + "."


def _at(point: tuple[float, float]) -> str:
    x, y = point
    return f"{told(y) if y >= 100 else f'{y:.3g}'} at {told(x)}"
