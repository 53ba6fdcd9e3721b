"""The command line: `bistandsrobot COMMAND`."""

from __future__ import annotations

from robot.cli.app import app, main

__all__ = ["app", "main"]
