"""The templates of the draft, with strict variables: a name that is missing is an error, never an empty place on the page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from robot.draft import applicants, layout, view, words
from rules.assessment import Assessment, Proposal, Severity

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  plain text, read as text: nothing here is markup
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "amount": words.amount,
        "bullet": layout.bullet,
        "clean": words.clean,
        "columns": layout.columns,
        "field": layout.field,
        "kr": words.kr,
        "month": words.month,
        "paragraph": layout.paragraph,
    }
    environment.globals |= {"applicants": applicants, "proposals": Proposal, "severity": Severity, "view": view, "words": words}
    return environment


def render(template: str, assessment: Assessment, **more: str) -> str:
    """Return a template filled in with an assessment, as a tidy page of text that ends with a newline."""
    page = (
        _environment()
        .get_template(template)
        .render(
            assessment=assessment,
            sums=assessment.sums,
            span=assessment.span,
            laws=words.laws(assessment.lines, assessment.month),
            procedure=words.procedure(assessment.receipt.calculated_on),
            best_of_the_child=words.best_of_the_child(assessment.receipt.calculated_on),
            **more,
        )
    )
    return layout.tidy(page)
