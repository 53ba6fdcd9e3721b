"""The command line: `bistandsrobot COMMAND`. `app` is the whole of it, put together when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robot.cli.commands import main, program

if TYPE_CHECKING:
    import typer

__all__ = ["main"]


def __getattr__(name: str) -> typer.Typer:
    if name != "app":
        raise AttributeError(name)
    return program()
