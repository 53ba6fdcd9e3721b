"""The robot with a hole in it, for tests: python killing_robot.py POINT:NTH COMMAND... runs the real command line, and the process
sends itself SIGKILL when it passes POINT for the n-th time. Nothing of this is in the program itself.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from connectors.case_systems.caremanagement import CareManagement
from robot.delivery import Delivery
from robot.worker import Worker
from workqueue import WorkQueue, upgrading

_passes = itertools.count(1)
_nth = 1
_within: set[str] = set()


def pass_by() -> None:
    """Die here, if it is the time."""
    if next(_passes) == _nth:
        os.kill(os.getpid(), signal.SIGKILL)


def _after(owner: Any, name: str, *, only_if: Callable[[Any], bool] = bool) -> None:
    """Die after a method has returned something that counts."""
    whole = getattr(owner, name)

    @functools.wraps(whole)
    def passing(*args: Any, **options: Any) -> Any:
        result = whole(*args, **options)
        if only_if(result):
            pass_by()
        return result

    setattr(owner, name, passing)


def _after_write(owner: Any, name: str) -> None:
    """Die when the case system has done a write, before anything of it is noted."""
    whole = getattr(owner, name)

    @functools.wraps(whole)
    async def passing(*args: Any, **options: Any) -> Any:
        result = await whole(*args, **options)
        pass_by()
        return result

    setattr(owner, name, passing)


def _before(owner: Any, name: str) -> None:
    """Die when a coroutine begins."""
    whole = getattr(owner, name)

    @functools.wraps(whole)
    async def passing(*args: Any, **options: Any) -> Any:
        pass_by()
        return await whole(*args, **options)

    setattr(owner, name, passing)


def _while(owner: Any, name: str) -> None:
    """Note that a function is at work."""
    whole = getattr(owner, name)

    @functools.wraps(whole)
    def passing(*args: Any, **options: Any) -> Any:
        _within.add(name)
        try:
            return whole(*args, **options)
        finally:
            _within.discard(name)

    setattr(owner, name, passing)


def _before_commit() -> None:
    """Die when a transaction has done all its work and is about to be committed; those that read alone are not counted."""
    changed: set[int] = set()

    @event.listens_for(Engine, "after_cursor_execute")
    def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().split(" ", 1)[0].upper() in ("INSERT", "UPDATE", "DELETE", "WITH"):
            changed.add(id(connection))

    @event.listens_for(Engine, "commit")
    def passing(connection: Any) -> None:
        if id(connection) in changed:
            changed.discard(id(connection))
            pass_by()


def _statements(within: str) -> None:
    """Die after a statement while a function is at work."""

    @event.listens_for(Engine, "after_cursor_execute")
    def passing(*_: Any) -> None:
        if within in _within:
            pass_by()


def _migration() -> None:
    _while(upgrading, "_migrate")
    _statements("_migrate")


POINTS: dict[str, Callable[[], None]] = {
    "claiming": lambda: _after(WorkQueue, "claim"),
    "claimed": lambda: _before(Worker, "handle"),
    "storing": lambda: _after(WorkQueue, "finish", only_if=lambda _: True),
    "stored": lambda: _before(Delivery, "deliver"),
    "written": lambda: _after_write(CareManagement, "apply_if_ours"),
    "noting": lambda: _after(WorkQueue, "receipt", only_if=lambda _: True),
    "committing": _before_commit,
    "rescuing": lambda: _after(WorkQueue, "release_expired"),
    "migrating": _migration,
}
"""Where it can be killed: with cases claimed and perhaps not committed; between claim and fetch; with the draft stored and perhaps not
committed; and when it has been; after an external write and before its receipt; with the receipt stored and perhaps not committed; with all
of a transaction done and not committed; in the middle of a rescue; in the middle of a migration."""


def main() -> None:
    """Make the hole, and run the command."""
    global _nth  # noqa: PLW0603  the program's one setting
    point, _, nth = sys.argv[1].partition(":")
    _nth = int(nth)
    POINTS[point]()
    sys.argv = ["bistandsrobot", *sys.argv[2:]]
    from robot.cli import main as run

    run()


if __name__ == "__main__":
    main()
