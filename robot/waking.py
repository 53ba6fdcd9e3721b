"""Waking an idle robot at once when another one has put work into the queue. Without it the work is found at the next look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from workqueue import Listener, PostgresAddress, QueueError, listen

TRY_AGAIN_S = 5.0
"""A connection that was lost, or could not be made, is made again after this long."""


class Listening:
    """Keeps a connection that hears of new work, for as long as it runs."""

    def __init__(self, place: PostgresAddress, wake: Callable[[], None]) -> None:
        self._place = place
        self._wake = wake

    async def run(self) -> None:
        """Listen until cancelled; whatever happened while nobody listened is looked for once the connection is there again."""
        while True:
            with suppress(QueueError):
                await self._hear(await _connected(self._place))
            await asyncio.sleep(TRY_AGAIN_S)

    async def _hear(self, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[None] = loop.create_future()

        descriptor = listener.fileno()

        def readable() -> None:
            try:
                if listener.heard():
                    self._wake()
            except QueueError as error:
                loop.remove_reader(descriptor)
                lost.set_exception(error)

        loop.add_reader(descriptor, readable)
        try:
            self._wake()
            await lost
        finally:
            loop.remove_reader(descriptor)
            listener.close()


async def _connected(place: PostgresAddress) -> Listener:
    """Connect in a thread. When we are told to stop meanwhile, the connection is closed as soon as it is there."""
    connecting = asyncio.get_running_loop().run_in_executor(None, listen, place)
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(_close_unused)
        raise


def _close_unused(connecting: asyncio.Future[Listener]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()
