"""What ties a worker to its parent: a socket in place of standard input.

By it each sees that the other has ended. The worker's event loop also says by it that it turns, and its stack where it stands when it is
asked: neither needs the database, a file or a port.
"""

from __future__ import annotations

import asyncio
import faulthandler
import math
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

WHERE = signal.SIGUSR1
"""Has a worker say where each of its threads stands: done outside of Python, so that a loop that stands still can be asked."""
LOOKS = 4
"""The parent looks so many times within the limit, and a worker says twice as often that it lives."""
ANSWER_S = 1.0
"""So long a worker that stands still has for saying where."""
_BEAT = b"\0"
_MOST_BYTES = 64 * 1024
_MOST_PLACES = 10
_THREAD = "(most recent call first):"
_PLACE = re.compile(r'File "([^"\n]{1,500})", line (\d{1,9}) in (\S{1,100})')


class ToParent:
    """The worker's end. `limit_s` = for how long the parent hears nothing before it takes the worker to stand still."""

    def __init__(self, limit_s: float, standard_input: int | None = None) -> None:
        self._socket = socket.socket(fileno=os.dup(sys.stdin.fileno() if standard_input is None else standard_input))
        self._beat_s = limit_s / LOOKS / 2
        # From now on, before there is a loop: a start that stands still is asked as well. Places in the code, and no values.
        faulthandler.register(WHERE, file=self._socket, all_threads=True)

    async def hold(self, parent_ended: Callable[[], None]) -> None:
        """Say that the loop turns until cancelled, and call `parent_ended` when the parent has."""
        loop = asyncio.get_running_loop()

        def readable() -> None:
            if self._is_closed():
                loop.remove_reader(self._socket)
                parent_ended()

        loop.add_reader(self._socket, readable)
        try:
            while True:
                # A parent that does not listen just now is not waited for.
                with suppress(OSError):
                    self._socket.send(_BEAT, socket.MSG_DONTWAIT)
                await asyncio.sleep(self._beat_s)
        finally:
            loop.remove_reader(self._socket)

    def _is_closed(self) -> bool:
        try:
            return self._socket.recv(1, socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            # Closed with something of ours unread.
            return True


class ToWorker:
    """The parent's end, within the running loop. `theirs` is for the worker's standard input, and `given` when it has been started."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._heard = False
        self._said = bytearray()

    def __enter__(self) -> Self:
        """Begin to listen."""
        asyncio.get_running_loop().add_reader(self._ours, self._readable)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it: a worker that is still there is told so."""
        asyncio.get_running_loop().remove_reader(self._ours)
        self._ours.close()
        self.theirs.close()

    def given(self) -> None:
        """Keep nothing of the worker's end, so that it is closed when the worker ends."""
        self.theirs.close()

    async def silence(self, limit_s: float, first_s: float) -> None:
        """Return when the worker has said nothing for so long, from its start for `first_s`.

        Counted in looks: a parent that was stopped itself, or slept with the machine, blames nobody.
        """
        look_s = limit_s / LOOKS
        left = math.ceil(max(first_s, limit_s) / look_s)
        while left > 0:
            await asyncio.sleep(look_s)
            left = LOOKS if self._heard else left - 1
            self._heard = False

    async def where(self, ask: Callable[[signal.Signals], None]) -> list[str]:
        """Return where the worker's main thread stands, innermost first; nothing when it cannot tell. `ask` sends it a signal."""
        self._said.clear()
        with suppress(ProcessLookupError):
            ask(WHERE)
        await asyncio.sleep(ANSWER_S)
        return places(self._said.decode("ascii", "replace"))

    def _readable(self) -> None:
        try:
            said = self._ours.recv(_MOST_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            asyncio.get_running_loop().remove_reader(self._ours)
            return
        self._heard = True
        self._said += said[: max(0, _MOST_BYTES - len(self._said))]


def places(dump: str) -> list[str]:
    """Return the main thread's places in what faulthandler wrote: file, line and function, no paths and no values.

    The main thread is the first that there was, and stands last.
    """
    found = _PLACE.findall(dump.rpartition(_THREAD)[2])
    return [f"{file.rpartition('/')[2]}:{line} {function}" for file, line, function in found[:_MOST_PLACES]]
