"""What the process itself does so that nothing of a case is left behind when it dies: no core dump, no text of an exception."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import sys
import threading
from types import TracebackType
from typing import Any

_PR_SET_DUMPABLE = 4


def leave_no_dumps() -> None:
    """Let the kernel never write this process's memory to a file, and no other process of the same user look into it.

    The limit alone is not enough: a program that the kernel hands dumps to gets them whatever the limit is.
    """
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def keep_texts_of_exceptions() -> None:
    """Let what nobody catches be told by its type and place, on standard error: its text may quote a value from a case."""
    sys.excepthook = _uncaught
    threading.excepthook = _in_a_thread
    sys.unraisablehook = _unraisable


def told(error: BaseException) -> str:
    """Return an exception's type and its last places in the code."""
    # Loaded here alone: a command that meets no bug does not wait for the logs.
    from robot.logs import where

    found = where(error)
    return f"{found['type']} at {', '.join(found['at'])}"


def _uncaught(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _say(error)


def _in_a_thread(arguments: Any) -> None:
    if arguments.exc_value is not None:
        _say(arguments.exc_value)


def _unraisable(arguments: Any) -> None:
    if arguments.exc_value is not None:
        _say(arguments.exc_value)


def _say(error: BaseException) -> None:
    with contextlib.suppress(Exception):
        sys.stderr.write(f"bistandsrobot: BUG-005 {told(error)}\n")
