"""A comparison as one web page that stands by itself: no scripts, nothing fetched, every chart with its figures in a table."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from robot import compare_charts, compare_view
from robot.compare import PROPOSALS, Comparison
from robot.compare_groups import Dimension
from robot.compare_small import Hidden

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def page(result: Comparison) -> str:
    """Return the page. The same comparison gives the same page: no time of day and no file names are in it."""
    sections = [_section(result, dimension) for dimension in Dimension]
    return (
        _environment()
        .get_template("compare.html.j2")
        .render(
            result=result,
            sections=sections,
            overall=compare_charts.overall_chart(result),
            counts=_counts(result),
            reasons=[(one.text, str(one.before), str(one.after)) for one in result.reasons],
            sides=compare_view.sides(result),
            view=compare_view,
        )
        .lstrip()
    )


def _counts(result: Comparison) -> list[tuple[str, str, str]]:
    """Return how many cases there are of each proposal, before and after; none when there are too few to show."""
    whole = result.whole
    if isinstance(whole, Hidden):
        return []
    return [(compare_view.PROPOSAL_WORDS[one], str(whole.proposals_before[one]), str(whole.proposals_after[one])) for one in PROPOSALS]


def _section(result: Comparison, dimension: Dimension) -> dict[str, Any]:
    """Return one dimension: each chart with the table that says the same."""
    groups, heading = result.of(dimension), compare_view.title(dimension)
    return {
        "name": dimension.value,
        "heading": heading,
        "charts": (
            {
                "chart": compare_charts.difference_chart(dimension, heading, groups),
                "caption": f"{heading}: skillnad i kronor per månad",
                "columns": ("Grupp", *compare_view.DIFFERENCE_COLUMNS),
                "rows": [(group.label, *compare_view.difference_cells(group.figures)) for group in groups],
            },
            {
                "chart": compare_charts.proposal_chart(dimension, heading, groups),
                "caption": f"{heading}: förslag före → efter",
                "columns": ("Grupp", *compare_view.PROPOSAL_COLUMNS),
                "rows": [(group.label, *compare_view.proposal_cells(group.figures)) for group in groups],
            },
        ),
    }
