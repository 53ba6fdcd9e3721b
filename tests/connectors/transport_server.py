"""A loopback server that misbehaves as told, one scripted step per request, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Step = Callable[[asyncio.StreamWriter], Awaitable[bool]]
"""Answers one request; True = the connection may carry another."""


class RawServer:
    """Runs the steps in order, the last one for ever. Remembers every request it has read in full."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[bytes] = []
        self.open_now = 0
        self.most_open = 0
        self.url = ""
        self._arrived = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
        """Listen on a free loopback port."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=tls)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def has_read(self, count: int) -> None:
        """Wait until so many requests have been read."""
        async with asyncio.timeout(60), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    request = await _read_request(reader)
                    async with self._arrived:
                        self.requests.append(request)
                        self._arrived.notify_all()
                    step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                    if not await step(writer):
                        break
        finally:
            self.open_now -= 1
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head + await reader.readexactly(length)


def answer(status: int = 200, body: bytes = b"{}", *headers: str, content_type: str = "application/json") -> Step:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status} Reason", f"content-type: {content_type}", f"content-length: {len(body)}", *headers]

    async def step(writer: asyncio.StreamWriter) -> bool:
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        return True

    return step


def raw(data: bytes) -> Step:
    """These bytes and then the end of the connection."""

    async def step(writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        return False

    return step


async def close(writer: asyncio.StreamWriter) -> bool:
    """End the connection without an answer."""
    return False


async def reset(writer: asyncio.StreamWriter) -> bool:
    """Reset the connection without an answer."""
    raw_socket = writer.get_extra_info("socket")
    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


async def silent(writer: asyncio.StreamWriter) -> bool:
    """Say nothing at all."""
    await asyncio.Event().wait()
    return False


async def drip(writer: asyncio.StreamWriter) -> bool:
    """Send a body one byte at a time, so that no single read is ever slow."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
    for _ in range(100_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)
    return False


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
