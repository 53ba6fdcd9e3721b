"""`bistandsrobot compare`: the same case files under two rulebooks, computed on this machine and sent nowhere."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

import rules
from robot import compare_view
from robot.cli.compare_files import Broken, Compared, Failed, Sides, results
from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED
from robot.cli.output import console, fail, say, say_json
from robot.compare import Change, Comparison, Figures, Row, Shared
from robot.compare import compare as add_up
from robot.compare_groups import Dimension
from robot.compare_page import page
from robot.compare_small import Hidden
from rules.month import Month

_DEMO_GUIDELINES = Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml"
_MOST_CASES = 1_000_000
_MOST_MISTAKES_SHOWN = 20
_FIRST_YEAR, _LAST_YEAR = 1991, 2099


def compare(
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="Case files (JSON), or .jsonl with one case file a line.")],
    other: Annotated[Path | None, typer.Option("--with", metavar="GUIDELINES", help="The other guidelines.")] = None,
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="The other month applied for.")] = None,
    guidelines: Annotated[
        Path, typer.Option("--guidelines", show_default=False, help="The guidelines before. Default: the made-up demo municipality's.")
    ] = _DEMO_GUIDELINES,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts too.")] = None,
    small_groups: Annotated[
        bool, typer.Option("--small-groups", help="Show groups of any size. Persons may be recognised: not for publishing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show who gets what difference when the same cases meet other guidelines, or another month's rules and norm.

    Give --with or --month, one of them. With --month a case is moved with all its dates: application, payments, register answers,
    last month's calculation. Persons keep their dates of birth, and amounts stay. Groups with fewer than 5 cases are hidden.

    Exit 0 when there is a comparison, 2 when a case file, the guidelines or an option cannot be used (nothing is compared then),
    1 when the program fails.

    Example: bistandsrobot compare --with proposal.yaml cases.jsonl --html comparison.html

    Example: bistandsrobot compare --month 2025-12 case-1.json case-2.json --json
    """
    sides = Sides(guidelines, other, _month(month))
    if (other is None) == (month is None):
        fail("give either --with GUIDELINES or --month YYYY-MM", EXIT_NOT_ALLOWED)
    if html is not None:
        _must_not_overwrite(html, [*files, guidelines, *([other] if other else [])])
    try:
        change = sides.change()
    except rules.RulebookError as error:
        fail(f"the guidelines cannot be used: {error}", EXIT_NOT_ALLOWED)
    try:
        rows = _rows(files, sides, change)
    except BrokenExecutor:
        fail("a process that compared ended before it was done: is there memory enough?", EXIT_FAILED)
    found = add_up(rows, change, small_groups=small_groups)
    if html is not None:
        _write(html, page(found))
    if as_json:
        say_json(compare_view.as_data(found))
    else:
        _print(found)


def _month(text: str | None) -> Month | None:
    if text is None:
        return None
    try:
        month = Month.parse(text)
    except ValueError as error:
        fail(f"--month: {error}", EXIT_NOT_ALLOWED)
    if not _FIRST_YEAR <= month.year <= _LAST_YEAR:
        fail(f"--month: the year must be {_FIRST_YEAR} to {_LAST_YEAR}", EXIT_NOT_ALLOWED)
    return month


def _must_not_overwrite(html: Path, read: list[Path]) -> None:
    if any(html.resolve() == one.resolve() for one in read):
        fail(f"--html: {html} is one of the files that are read", EXIT_NOT_ALLOWED)


def _write(html: Path, text: str) -> None:
    try:
        html.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"--html: {html} cannot be written: {error.strerror or type(error).__name__}", EXIT_FAILED)


def _rows(files: list[Path], sides: Sides, change: Change) -> list[Row]:
    """Return every case on both sides; one that cannot be read ends the command, since figures without it would mislead."""
    rows: list[Row] = []
    shared = Shared()
    seen: dict[tuple[str, Month], str] = {}
    mistakes: list[str] = []
    for result in results(files, sides, change):
        match result:
            case Failed():
                fail(
                    f"BUG-001 {result.place} could not be assessed ({result.kind}): an error in the program, please report it", EXIT_FAILED
                )
            case Broken():
                mistakes += [f"{result.place}: {mistake}" for mistake in result.mistakes]
            case Compared() if result.case in seen:
                mistakes.append(f"{result.place}: application.case_id: the same case and month stand in {seen[result.case]} too")
            case Compared():
                seen[result.case] = result.place
                rows.append(shared.row(result.row))
        if len(rows) > _MOST_CASES:
            fail(f"there are more than {_MOST_CASES} cases: compare them in parts", EXIT_NOT_ALLOWED)
        if len(mistakes) >= _MOST_MISTAKES_SHOWN:
            break
    if mistakes:
        fail("nothing was compared:\n  " + "\n  ".join(mistakes[:_MOST_MISTAKES_SHOWN]), EXIT_NOT_ALLOWED)
    if not rows:
        fail("there is no case in the files", EXIT_NOT_ALLOWED)
    return rows


def _print(found: Comparison) -> None:
    before, after = compare_view.sides(found)
    say(f"Före:  {before}\nEfter: {after}\n")
    title = "Skillnad efter minus före, kronor per ärende och månad"
    console.print(_groups(found, title, compare_view.DIFFERENCE_COLUMNS, compare_view.difference_cells))
    title = "Förslag före → efter, och kronor som är öppna för handläggaren"
    console.print(_groups(found, title, compare_view.PROPOSAL_COLUMNS, compare_view.proposal_cells))
    if found.reasons:
        console.print(_reasons(found))
    for sentence in compare_view.explanations(found):
        say(f"- {sentence}")


def _groups(found: Comparison, title: str, columns: tuple[str, ...], cells: Callable[[Figures | Hidden], tuple[str, ...]]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    table.add_row(compare_view.ALL, *_unbroken(cells(found.whole)), end_section=True)
    for dimension in Dimension:
        groups = found.of(dimension)
        table.add_row(compare_view.title(dimension).upper())
        for group in groups:
            table.add_row(f"  {group.label}", *_unbroken(cells(group.figures)), end_section=group is groups[-1])
    return table


def _unbroken(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Keep each cell on one line."""
    return tuple(cell.replace(" ", "\u00a0") for cell in cells)


def _reasons(found: Comparison) -> Table:
    table = Table(title="Ärenden där behovet inte är känt, efter skäl", box=box.SIMPLE_HEAD)
    table.add_column("Skäl")
    table.add_column("Före", justify="right")
    table.add_column("Efter", justify="right")
    for reason in found.reasons:
        table.add_row(reason.text, str(reason.before), str(reason.after))
    return table
