"""aiohttp under the transport: its connections and its parser, and what its exceptions mean for a request that may have been sent.

A question is a few lines of bytes that we write ourselves; what comes back is read by aiohttp alone. Its session, request and answer
objects, with their cookies, redirects and repeats, are left out: they cost more than all else of a question.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp.connector import Connection
from yarl import URL

from connectors.transport import failures
from connectors.transport.failures import Failure
from connectors.transport.settings import TransportSettings
from connectors.transport.trust import Trust, why_not_trusted

_BREAKS_A_LINE = frozenset("\r\n\0")
_FIRST_FINAL_STATUS = 200
_SWITCHING_PROTOCOLS = 101


class WireError(Exception):
    """A request that got no whole answer. `sent` False = it certainly never left us."""

    def __init__(self, failure: Failure, *, sent: bool) -> None:
        super().__init__(failure.code)
        self.failure = failure
        self.sent = sent


@dataclass(slots=True)
class Reply:
    """The head of an answer, its body unread. To be released once."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: aiohttp.StreamReader = field(repr=False)
    _connection: Connection = field(repr=False)

    def release(self) -> None:
        """Give the connection back; one whose answer was not read to its end is closed."""
        self._connection.release()


class Wire:
    """One neighbour's connections: no cookies, no redirects, no proxies from the environment, nothing unpacked, nothing resent."""

    def __init__(self, base: URL, settings: TransportSettings, headers: Mapping[str, str], neighbour: str) -> None:
        self._base = base
        self._settings = settings
        self._head = _lines({"host": base.host_port_subcomponent or "", **headers})
        self._connect_limit = aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout_s)
        # Reading the system's authorities costs more than a case: only what speaks TLS, or names a file to be looked at, pays for it.
        named = any((settings.ca_file, settings.crl_file, settings.client_certificate_file))
        self._trust = Trust(settings, neighbour) if base.scheme == "https" or named else None
        self._connector: aiohttp.TCPConnector | None = None
        self._whereto: aiohttp.ClientRequest | None = None

    async def send(self, method: str, target: str, content: bytes | None, headers: Mapping[str, str] | None) -> Reply:
        """Send once; return the answer with its body unread. The caller releases it. Raises WireError."""
        question = self._question(method, target, content, headers)
        try:
            connection = await self._connection()
        except WireError:
            raise
        except Exception as exc:
            raise meaning(exc) from None
        try:
            return await _exchanged(connection, question)
        except BaseException as exc:
            connection.close()
            if isinstance(exc, Exception):
                raise meaning(exc) from None
            raise

    async def aclose(self) -> None:
        """Close the connections."""
        if self._connector is not None:
            await self._connector.close()

    def _question(self, method: str, target: str, content: bytes | None, headers: Mapping[str, str] | None) -> bytes:
        length = f"content-length: {len(content or b'')}\r\n" if content or method != "GET" else ""
        head = f"{method} {target} HTTP/1.1\r\n{self._head}{_lines(headers or {})}{length}\r\n"
        return head.encode() + (content or b"")

    async def _connection(self) -> Connection:
        """Return a connection that is free, or a new one. One on which something has come that nobody asked for is not used again."""
        if self._trust is not None and self._trust.is_due() and await self._trust.look():
            # Only what is connected from now on is judged anew: what is out comes to its end, what is free goes when its time is out.
            self._whereto = None
        if self._connector is None:
            # Made at the first question: aiohttp ties it to the running loop.
            self._connector = aiohttp.TCPConnector(limit=self._settings.pool_size, keepalive_timeout=self._settings.keepalive_s)
        if self._whereto is None:
            tls = True if self._trust is None else self._trust.context
            self._whereto = aiohttp.ClientRequest("GET", self._base, loop=asyncio.get_running_loop(), ssl=tls)
        for _ in range(self._settings.pool_size + 1):
            try:
                connection = await self._connector.connect(self._whereto, [], self._connect_limit)
            except TimeoutError:
                raise aiohttp.ConnectionTimeoutError from None
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        raise WireError(failures.NOT_HTTP, sent=False)


async def _exchanged(connection: Connection, question: bytes) -> Reply:
    """Write a question and read the head of its answer; what a neighbour says before it (100 Continue) is passed over."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    transport.write(question)
    while True:
        message, content = await protocol.read()
        if message.code >= _FIRST_FINAL_STATUS or message.code == _SWITCHING_PROTOCOLS:
            return Reply(message.code, message.headers, content, connection)


def _lines(headers: Mapping[str, str]) -> str:
    """Return headers as they are written. Raises ValueError for one that would end its line."""
    for text in (*headers, *headers.values()):
        if not _BREAKS_A_LINE.isdisjoint(text):
            raise ValueError("a header has a line break in it")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def meaning(exc: BaseException) -> WireError:
    """Return what an exception of aiohttp means."""
    if isinstance(exc, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | ssl.SSLError):
        return WireError(why_not_trusted(exc), sent=False)
    if isinstance(exc, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return WireError(failures.NOT_REACHED, sent=False)
    if isinstance(exc, aiohttp.ClientPayloadError | aiohttp.ClientConnectionError):
        return WireError(failures.CUT, sent=True)
    return WireError(failures.NOT_HTTP, sent=True)


async def read_body(reply: Reply, limit: int) -> bytes:
    """Return the raw body, counted while it comes. Raises WireError when it is over the limit, encoded, or cut."""
    if reply.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        raise WireError(failures.ENCODED, sent=True)
    content, body = reply.content, b""
    try:
        while True:
            # Nearly always the whole answer has come at once: then there is nothing to wait for.
            chunk = content.read_nowait() if content.is_eof() else await content.readany()
            body = body + chunk if body else chunk
            if len(body) > limit:
                raise WireError(failures.TOO_LARGE, sent=True)
            if content.at_eof():
                return body
    except (WireError, asyncio.CancelledError):
        raise
    except Exception as exc:
        raise meaning(exc) from None
