"""`bistandsrobot run`: the daemon, or several of them under a small parent."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import structlog
import typer

from connectors.errors import ConnectorError
from robot import logs, memory
from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption, settings_from, user
from robot.cli.output import fail
from robot.clock import STOCKHOLM
from robot.database import open_queue
from robot.hardening import keep_texts_of_exceptions, leave_no_dumps
from robot.hours import is_open, opens
from robot.lifeline import ToParent
from robot.opening import CannotOpen
from robot.service_manager import ServiceManager
from robot.settings import Settings
from robot.watching import Watching
from robot.workers import Workers, command
from rules import RulebookError
from workqueue import NotAllowed, QueueError, RetriableQueueError, WorkQueue

if TYPE_CHECKING:
    from robot.daemon import Daemon

log = structlog.get_logger()


def run(
    config: ConfigOption = Path("config.yaml"),
    once: Annotated[bool, typer.Option("--once", help="Handle what is there now, then end.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=64, help="So many processes on this machine; else `work.workers`.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", metavar="CASE", help="Handle this one case, by reference or the case system's id, then end.")
    ] = None,
    worker: Annotated[int | None, typer.Option("--worker", hidden=True, help="This process is that worker of a parent.")] = None,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C.

    A database that is away is waited for, at the start too; with --once and --only it is an error.

    Exit 0: stopped in good order (with --once: all was handled, or rests until the month's incomes are complete). 1: something was
    left, the database cannot be used, or a worker dies again and again. 2: the configuration cannot be used, or with --once the case
    system is closed now (`schedule.case_system_open`): nothing was done.
    With --only: 0 the case has ended, 1 it has not, 2 it may not be taken: a worker or a person has it, or it had ended before.

    Example: bistandsrobot run -c /etc/bistandsrobot/config.yaml --workers 2
    """
    leave_no_dumps()
    memory.keep_small()
    keep_texts_of_exceptions()
    settings = settings_from(config)
    count = 1 if only is not None else workers or settings.work.workers
    tie = None if worker is None else ToParent(settings.work.silent_s)
    if once and worker is None and only is None:
        _open_or_fail(settings)
    if worker is None and count > 1:
        logs.set_up(settings.logs.level, settings.logs.style)
        raise typer.Exit(_several(settings, config, count, once=once))
    # systemd hears of one process: the parent of several, else this one.
    manager = ServiceManager.of() if worker is None and only is None else None
    watching = Watching(settings, number=worker or 1, workers=count, manager=manager)
    logs.set_up(settings.logs.level, settings.logs.style, worker=worker, watchers=watching.watchers)
    queue = _queue(settings, is_waited_for=not once and only is None)
    if queue is not None and only is not None:
        raise typer.Exit(_only(settings, queue, only))
    gc.disable()
    # Loaded here alone: the parent of several needs none of it.
    from robot.daemon import Daemon

    try:
        daemon = Daemon(settings, once=once, queue=queue, worker=worker, watching=watching)
    except RulebookError as error:
        if queue is not None:
            queue.close()
        fail(f"the guidelines cannot be used: {error}", EXIT_NOT_ALLOWED)
    if not _run(daemon, tie):
        raise typer.Exit(EXIT_FAILED)


def _queue(settings: Settings, *, is_waited_for: bool) -> WorkQueue | None:
    """Open the queue, or end with an error; None = its database is away, and the daemon waits for it."""
    try:
        return open_queue(settings, settings.clock())
    except QueueError as error:
        if is_waited_for and isinstance(error, RetriableQueueError):
            return None
        _cannot_start(error.code, str(error))


def _cannot_start(code: str, text: str) -> NoReturn:
    log.error("daemon.cannot_start", code=code)
    fail(text, EXIT_FAILED)


def _open_or_fail(settings: Settings) -> None:
    """End with an error while the case system is closed: whoever runs it once must see that nothing was done, and when it can be."""
    hours, now = settings.schedule.case_system_open, settings.clock().now()
    if not is_open(hours, now):
        until = opens(hours, now).astimezone(STOCKHOLM)
        fail(
            f"CLI-064 the case system is closed until {until:%Y-%m-%d %H:%M} (`schedule.case_system_open`): nothing was done",
            EXIT_NOT_ALLOWED,
        )


def _only(settings: Settings, queue: WorkQueue, case: str) -> int:
    """Handle one case, beside whatever robots run, and return the exit code."""
    from robot.only import DONE, run_only

    try:
        item = asyncio.run(run_only(settings, queue, case, user()))
    except (NotAllowed, RulebookError) as error:
        fail(str(error), EXIT_NOT_ALLOWED)
    except (ConnectorError, QueueError) as error:
        fail(str(error), EXIT_FAILED)
    typer.echo(f"{item.case_ref} is {item.state.value}. `bistandsrobot queue show {item.case_ref}` tells more.")
    return 0 if item.state in DONE else EXIT_FAILED


def _several(settings: Settings, config: Path, count: int, *, once: bool) -> int:
    """Run so many workers, each a process of its own, and return the exit code of them all."""
    work = settings.work
    parent = Workers(
        command(config, count, once=once),
        count,
        once=once,
        stop_within_s=work.stop_within_s,
        silent_s=work.silent_s,
        manager=ServiceManager.of(),
    )
    return asyncio.run(parent.run())


async def _tied(daemon: Daemon, tie: ToParent | None) -> bool:
    """Run the daemon; a worker's stops when its parent has ended, which hears to the end that the loop turns."""
    if tie is None:
        return await daemon.run()
    holding = asyncio.create_task(tie.hold(daemon.stop))
    try:
        return await daemon.run()
    finally:
        holding.cancel()


def _run(daemon: Daemon, tie: ToParent | None) -> bool:
    """Run until stopped. What the daemon cannot get over is told by its code and place: a text could quote a value from a case."""
    memory.settle()
    try:
        return asyncio.run(_tied(daemon, tie))
    except CannotOpen as error:
        _cannot_start(error.code, str(error))
    except QueueError as error:
        log.error("daemon.failed", code=error.code)
        fail(str(error), EXIT_FAILED)
    except Exception:
        log.exception("daemon.failed", code="BUG-004")
        fail("BUG-004 the robot has ended by a bug; the log says where. Nothing is lost: start it again, and report it", EXIT_FAILED)
