"""`bistandsrobot rules`: the rule book of a month, generated from the rules and parameters themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rules as rulebook
from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED
from robot.cli.output import fail, say
from robot.clock import SystemClock
from robot.rulebook_page import Page, as_html, as_text, coverage_table, page_of, table_as_text
from robot.rulebook_texts import read_coverage
from rules.month import Month

_DEMO_GUIDELINES = Path(rulebook.__file__).parent / "guidelines" / "exempelkommun.yaml"
_YEARS = range(1990, 2101)

MonthOption = Annotated[
    str | None, typer.Option("--month", metavar="YYYY-MM", show_default=False, help="Month applied for. Default: this month.")
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", show_default=False, help="Write the rule book as one HTML file, fit to be published."),
]
CoverageOption = Annotated[bool, typer.Option("--coverage", help="Show what part of the law is modelled, what is not, and who must look.")]
GuidelinesOption = Annotated[
    Path, typer.Option("--guidelines", show_default=False, help="The municipality's guidelines. Default: the made-up demo municipality's.")
]


def rules(
    month: MonthOption = None, html: HtmlOption = None, coverage: CoverageOption = False, guidelines: GuidelinesOption = _DEMO_GUIDELINES
) -> None:
    """Show every rule of a month in plain Swedish, with law, parameters and examples, and the municipality's guidelines.

    The rules are those for an application that came in before the month began. The page says of itself which rulebook it is made from.

    Exit 0: done. 1: the HTML file could not be written. 2: the month or the guidelines cannot be used.

    Example: bistandsrobot rules --month 2026-12 --html regelbok.html

    Example: bistandsrobot rules --coverage
    """
    page = _page(month, guidelines) if html is not None or not coverage else None
    if html is not None and page is not None:
        _write(html, as_html(page))
    if coverage:
        say(_coverage())
    elif page is not None and html is None:
        say(as_text(page))


def _page(month: str | None, guidelines: Path) -> Page:
    try:
        return page_of(_month(month), rulebook.load_rulebook(guidelines))
    except rulebook.RulebookError as error:
        fail(f"the rulebook cannot be used: {error}", EXIT_NOT_ALLOWED)


def _coverage() -> str:
    try:
        return table_as_text(coverage_table(read_coverage()))
    except rulebook.RulebookError as error:
        fail(f"the rulebook cannot be used: {error}", EXIT_NOT_ALLOWED)


def _month(text: str | None) -> Month:
    if text is None:
        return Month.of(SystemClock().today())
    try:
        month = Month.parse(text)
    except ValueError as error:
        fail(f"--month: {error}", EXIT_NOT_ALLOWED)
    if month.year not in _YEARS:
        fail(f"--month: a year from {_YEARS.start} to {_YEARS.stop - 1}", EXIT_NOT_ALLOWED)
    return month


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror or type(error).__name__}", EXIT_FAILED)
    say(f"The rule book is in {file}.")
