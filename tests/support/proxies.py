"""A wire that can be cut, for tests: a TCP proxy in front of a neighbour or a database, on a port of its own on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 65_536
_START_LIMIT_S = 60.0
Target = tuple[str, int] | Path


class Wire:
    """Passes bytes on between who connects to `port` and the target; `cut` and `silence` stop it, `mend` lets it go on.

    Silence is what a firewall does that drops packets: nothing is passed on, nobody is told, and new connections hear nothing either.
    What was sent meanwhile is lost with its connection when the wire is mended.
    """

    def __init__(self, target: Target, host: str = "127.0.0.1") -> None:
        self.target = target
        self.host = host
        self.port = 0
        self.passed = 0
        self._tls: ssl.SSLContext | None = None
        self._is_cut = False
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()

    def cut(self) -> None:
        """Reset every connection, and each new one at once."""
        self._do(self._set, True, True)

    def silence(self) -> None:
        """Pass nothing on, and tell nobody."""
        self._do(self._set, False, False)

    def mend(self) -> None:
        """Work again. Connections from the time of silence are reset, as by a firewall that has forgotten them."""
        self._do(self._set, True, True)
        self._do(self._set, False, True)

    def tls(self, context: ssl.SSLContext | None) -> None:
        """Speak TLS to who connects from now on, with this certificate."""
        self._tls = context

    def _do(self, action: object, *arguments: bool) -> None:
        done = threading.Event()

        def act() -> None:
            action(*arguments)  # type: ignore[operator]  # one of ours
            done.set()

        self._loop.call_soon_threadsafe(act)
        assert done.wait(_START_LIMIT_S)

    def _set(self, is_cut: bool, is_open: bool) -> None:
        self._is_cut = is_cut
        if is_open:
            self._open.set()
        else:
            self._open.clear()
        if is_cut:
            for task in list(self._tasks):
                task.cancel()

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._connected, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        others: list[asyncio.StreamWriter] = []
        try:
            if self._is_cut:
                return
            await self._open.wait()
            if self._tls is not None:
                await writer.start_tls(self._tls)
            far_reader, far_writer = await self._reach()
            others.append(far_writer)
            passing = [asyncio.create_task(self._pass(reader, far_writer)), asyncio.create_task(self._pass(far_reader, writer))]
            try:
                await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in passing:
                    one.cancel()
                await asyncio.gather(*passing, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, *others):
                _reset(end)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target))
        return await asyncio.open_connection(*self.target)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
                self.passed += len(data)
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if raw is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if writer.transport is not None:
        writer.transport.abort()


@contextlib.contextmanager
def wire(target: Target, host: str = "127.0.0.1") -> Iterator[Wire]:
    """Run a wire to a target while the block runs; it listens at an address of this machine."""
    one = Wire(target, host)
    ready = threading.Event()

    def run() -> None:
        asyncio.set_event_loop(one._loop)
        serving = one._loop.create_task(one._serve(ready))
        one._loop.run_forever()
        left = [serving, *one._tasks]
        for task in left:
            task.cancel()
        one._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        one._loop.run_until_complete(one._loop.shutdown_asyncgens())
        one._loop.close()

    thread = threading.Thread(target=run, name="wire", daemon=True)
    thread.start()
    try:
        assert ready.wait(_START_LIMIT_S), "the wire did not start"
        yield one
    finally:
        one._loop.call_soon_threadsafe(one._loop.stop)
        thread.join(_START_LIMIT_S)
