"""How every command speaks: results on standard output, mistakes on standard error, and an exit code that says which."""

from __future__ import annotations

import io
import sys
from typing import Any, NoReturn

import orjson
import typer
from rich.console import Console

from connectors.masking import plain

_PAPER_WIDTH = 120
console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _PAPER_WIDTH)
"""For tables and progress. Text from a case goes through `say`, which changes nothing in it."""


def say(text: str) -> None:
    """Print a text. What the terminal cannot show becomes a question mark; what would steer it, written by whomever, is written out."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    typer.echo(plain(text), nl=not text.endswith("\n"))


def say_json(value: Any) -> None:
    """Print JSON for programs: sorted keys, one line."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())


def fail(message: str, code: int) -> NoReturn:
    """Say on standard error what is wrong and what to do, and end with that exit code."""
    typer.echo(f"bistandsrobot: {message}", err=True)
    raise typer.Exit(code)


def fail_by_bug(error: BaseException) -> NoReturn:
    """Say where a bug is, without the text of the exception, and end with exit code 1."""
    from robot.hardening import told

    typer.echo(f"bistandsrobot: BUG-005 a bug in the program, report these places: {told(error)}", err=True)
    sys.exit(1)
