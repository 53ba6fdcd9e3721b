"""Serve a simulator over real HTTP: in a process of its own (`serve`), or in a thread for tests (`serving`).

Every request carries its TCP connection in the scope, so that a fault can really cut it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

TRANSPORT = "bistandsrobot.transport"
"""Key in the scope's `extensions`: the client's connection."""
LOOPBACK = "127.0.0.1"
GRACE_S = 1
"""How long requests in hand may take once we are told to stop; then they are cut."""
KEEP_ALIVE_S = 60
BACKLOG = 256
START_LIMIT_S = 60.0
AT_ONCE_BYTES = 65_536


class ClientTransport(Protocol):
    """The client's connection: `close` sends first what is written, `abort` does not."""

    def close(self) -> None:
        """Send what is written, then hang up."""
        ...

    def abort(self) -> None:
        """Hang up at once."""
        ...


class _Gathered:
    """A connection that sends what is written in one turn of the loop at once: head and body in one piece, as most servers do.

    No more than AT_ONCE_BYTES wait for that: a body without end must meet the connection, which tells it to wait.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send soon."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(data)
        self._bytes += len(data)
        if self._bytes > AT_ONCE_BYTES:
            self._send()

    def close(self) -> None:
        """Send what is written, then hang up."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Hang up at once."""
        self._send()
        self._transport.abort()

    def _send(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        self._bytes = 0
        if data and not self._transport.is_closing():
            self._transport.write(data)


_Connection: Any = AutoHTTPProtocol
"""uvicorn's own: read in C when httptools is there, which costs half as much, else by h11."""


class _CuttableConnection(_Connection):  # type: ignore[misc]  # uvicorn says which class it is when it runs
    """uvicorn's connection, which also shows itself in the scope of its requests."""

    app: Any

    def connection_made(self, transport: asyncio.Transport) -> None:
        transport = _Gathered(transport, asyncio.get_running_loop())  # type: ignore[assignment]  # it has all that uvicorn asks for
        super().connection_made(transport)
        app = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                transport.abort()
                await asyncio.sleep(0)  # lets uvicorn see that the connection is gone, so that it has nothing to complain about

        self.app = with_transport


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers (they re-raise the signal at the end), telling when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]  # same use, plainer type
        return contextlib.nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    def stop(self) -> None:
        self.should_exit = True


def serve(app: ASGIApp, *, host: str = LOOPBACK, port: int = 0, ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then return (within 2 s, requests in hand or not).

    Port 0 picks a free one. Once we listen one line on stdout says `listening on URL`, and `ready` gets the URL.
    Raises OSError when the address is taken.
    """
    with _listener(host, port) as listener:

        def tell(url: str) -> None:
            sys.stdout.write(f"listening on {url}\n")
            sys.stdout.flush()
            if ready is not None:
                ready(url)

        server = _server(app, listener, tell)

        async def run() -> None:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, server.stop)
            await server.serve(sockets=[listener])

        asyncio.run(run())


@contextlib.contextmanager
def serving(app: ASGIApp, *, host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Serve in a thread while the block runs; give the URL. For tests: a program of its own uses `serve`."""
    started = threading.Event()
    with _listener(host, port) as listener:
        server = _server(app, listener, lambda _url: started.set())
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="simulator", daemon=True)
        thread.start()
        try:
            if not started.wait(START_LIMIT_S):
                raise TimeoutError("the simulator did not start")
            yield _url(listener)
        finally:
            server.stop()
            thread.join(GRACE_S + START_LIMIT_S)


def _listener(host: str, port: int) -> socket.socket:
    """Return a listening socket. It names TCP as its protocol: else asyncio leaves Nagle's delay on, 40 ms for each answer."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: ASGIApp, listener: socket.socket, tell: Callable[[str], None]) -> _Server:
    url = _url(listener)
    _errors_to_stderr()
    config = uvicorn.Config(
        app,
        http=_CuttableConnection,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    return _Server(config, lambda: tell(url))


def _errors_to_stderr() -> None:
    """Send uvicorn's errors (a bug in a simulator) to stderr and nowhere else; its chatter is dropped."""
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.addFilter(lambda record: "graceful shutdown exceeded" not in record.getMessage())
        logger.addHandler(handler)
