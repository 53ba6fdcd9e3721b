"""httpx's transport on aiohttp, and what its exceptions mean for a request that may have been sent."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

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


class NeighbourTransport(AiohttpTransport):
    """aiohttp under httpx. Raises WireError for what went wrong on the wire.

    httpx's own classes will not do: `ConnectTimeout` stands both for 'never sent' and for 'sent, outcome unknown'.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send once."""
        try:
            return await super().handle_async_request(request)
        except Exception as exc:
            raise meaning(exc) from None


def meaning(exc: BaseException) -> WireError:
    """Return what an exception of httpx or aiohttp means, judged by aiohttp's own exception under it."""
    cause = exc if isinstance(exc, aiohttp.ClientError) else exc.__cause__
    if isinstance(cause, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | ssl.SSLError):
        return WireError(failures.NOT_TRUSTED, sent=False)
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return WireError(failures.NOT_REACHED, sent=False)
    if isinstance(cause, aiohttp.ClientPayloadError | aiohttp.ClientConnectionError):
        return WireError(failures.CUT, sent=True)
    return WireError(failures.NOT_HTTP, sent=True)


def transport_of(settings: TransportSettings) -> NeighbourTransport:
    """Return the one long-lived transport for a neighbour: no cookies, no redirects, no proxies from the environment, nothing resent."""
    context = ssl_context(settings)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=settings.pool_size, ssl=context, keepalive_timeout=settings.keepalive_s)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), middlewares=(never_resend,))

    return NeighbourTransport(verify=context, client=session, trust_env=False)


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


async def read_body(response: httpx.Response, limit: int) -> bytes:
    """Return the raw body, counted while it comes. Raises WireError when it is over the limit, encoded, or cut."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        raise WireError(failures.ENCODED, sent=True)
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit:
                raise WireError(failures.TOO_LARGE, sent=True)
    except (WireError, asyncio.CancelledError):
        raise
    except Exception as exc:
        raise meaning(exc) from None
    return bytes(body)


async def release(response: httpx.Response) -> None:
    """Give the connection back, or close it when the body was not read to its end. Never raises for what the neighbour did."""
    with contextlib.suppress(httpx.HTTPError, aiohttp.ClientError, OSError):
        await response.aclose()
