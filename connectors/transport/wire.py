"""aiohttp under the transport: one session a neighbour, and what its exceptions mean for a request that may have been sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
from yarl import URL

from connectors.transport import failures
from connectors.transport.failures import Failure
from connectors.transport.settings import TransportSettings


class WireError(Exception):
    """A request that got no whole answer. `sent` False = it certainly never left us."""

    def __init__(self, failure: Failure, *, sent: bool) -> None:
        super().__init__(failure.code)
        self.failure = failure
        self.sent = sent


class SentAndLost(aiohttp.ClientConnectionError):
    """The connection went away after the request was handed to it: aiohttp must not send it a second time."""


async def never_resend(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating GET, PUT and DELETE by itself when a reused connection turns out to be cut."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise SentAndLost from exc


class Wire:
    """One neighbour's connections: no cookies, no redirects, no proxies from the environment, nothing unpacked, nothing resent."""

    def __init__(self, settings: TransportSettings, headers: Mapping[str, str], *, tls: bool) -> None:
        self._settings = settings
        self._headers = dict(headers)
        # Reading the system's authorities costs more than a case: only what speaks TLS, or names a file to be looked at, pays for it.
        named = settings.ca_file is not None or settings.client_certificate_file is not None
        self._context = ssl_context(settings) if tls or named else None
        self._session: aiohttp.ClientSession | None = None

    async def send(self, method: str, url: URL, content: bytes | None, headers: Mapping[str, str] | None) -> aiohttp.ClientResponse:
        """Send once; return the answer with its body unread. The caller releases it. Raises WireError."""
        session = self._session or self._opened()
        try:
            return await session.request(method, url, data=content, headers=headers, allow_redirects=False)
        except Exception as exc:
            raise meaning(exc) from None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        # Made at the first question: aiohttp ties a session to the running loop.
        settings = self._settings
        tls = True if self._context is None else self._context
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.pool_size, ssl=tls, keepalive_timeout=settings.keepalive_s),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout_s),
            auto_decompress=False,
            middlewares=(never_resend,),
        )
        return self._session


def meaning(exc: BaseException) -> WireError:
    """Return what an exception of aiohttp means."""
    if isinstance(exc, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | ssl.SSLError):
        return WireError(failures.NOT_TRUSTED, sent=False)
    if isinstance(exc, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return WireError(failures.NOT_REACHED, sent=False)
    if isinstance(exc, aiohttp.ClientPayloadError | aiohttp.ClientConnectionError):
        return WireError(failures.CUT, sent=True)
    return WireError(failures.NOT_HTTP, sent=True)


def ssl_context(settings: TransportSettings) -> ssl.SSLContext:
    """Return a verifying context. Raises ValueError naming the setting whose file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError):
        raise ValueError("ca_file cannot be read as certificates in PEM form") from None
    if settings.client_certificate_file is not None:
        try:
            context.load_cert_chain(settings.client_certificate_file, settings.client_key_file, password=_no_password)
        except (OSError, ssl.SSLError):
            raise ValueError("client_certificate_file and client_key_file cannot be read as a certificate and its key") from None
    return context


def _no_password() -> str:
    # Without this OpenSSL would ask for one on the terminal and the daemon would hang.
    return ""


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the raw body, counted while it comes. Raises WireError when it is over the limit, encoded, or cut."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        raise WireError(failures.ENCODED, sent=True)
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise WireError(failures.TOO_LARGE, sent=True)
    except (WireError, asyncio.CancelledError):
        raise
    except Exception as exc:
        raise meaning(exc) from None
    return bytes(body)
