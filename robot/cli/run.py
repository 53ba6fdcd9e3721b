"""`bistandsrobot run`: the daemon."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Annotated

import structlog
import typer

from robot import logs
from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption, settings_from
from robot.cli.output import fail
from robot.daemon import Daemon, open_queue
from rules import RulebookError
from workqueue import QueueError

log = structlog.get_logger()

_OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""New objects after which Python looks for cycles among the youngest; a case makes thousands, nearly all gone by themselves."""


def run(
    config: ConfigOption = Path("config.yaml"),
    once: Annotated[bool, typer.Option("--once", help="Handle what is there now, then end.")] = False,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C.

    Exit 0: stopped in good order (with --once: all was handled, or rests until the month's incomes are complete). 1: something was
    left, or the database cannot be used. 2: the configuration cannot be used.

    Example: bistandsrobot run -c /etc/bistandsrobot/config.yaml
    """
    settings = settings_from(config)
    logs.set_up(settings.logs.level, settings.logs.style)
    try:
        open_queue(settings, settings.clock()).close()
        daemon = Daemon(settings, once=once)
    except RulebookError as error:
        fail(f"the guidelines cannot be used: {error}", EXIT_NOT_ALLOWED)
    except QueueError as error:
        log.error("daemon.cannot_start", code=error.code)
        fail(str(error), EXIT_FAILED)
    if not _run(daemon):
        raise typer.Exit(EXIT_FAILED)


def _run(daemon: Daemon) -> bool:
    """Run until stopped. What the daemon cannot get over is told by its code and place: a text could quote a value from a case."""
    # Programs and rulebook stay to the end: no collection of cycles need look at them again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])
    try:
        return asyncio.run(daemon.run())
    except QueueError as error:
        log.error("daemon.failed", code=error.code)
        fail(str(error), EXIT_FAILED)
    except Exception:
        log.exception("daemon.failed", code="BUG-004")
        fail("BUG-004 the robot has ended by a bug; the log says where. Nothing is lost: start it again, and report it", EXIT_FAILED)
