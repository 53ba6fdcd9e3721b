"""CPU of the client process per request: the robot's transport beside plain httpx, httpx on aiohttp, and bare aiohttp.

A small server runs in its own process; the client is one asyncio loop with a pool of 8. Prints one line of JSON with milliseconds of CPU
per request at each concurrency, and the robot's ratio to its peers. Figures vary by about a quarter between runs: trust the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import Any

import aiohttp
import httpx
import uvicorn
from httpx_aiohttp import AiohttpTransport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.transport import Transport, TransportSettings

POOL = 8
LIMIT_S = 60
CONCURRENCY = (1, 8, 32)
BODY = json.dumps({"text": "x" * 1000}).encode()
REQUESTS = 500
ROUNDS = 3
Ask = Callable[[], Any]
Client = Callable[[str], AbstractAsyncContextManager[Ask]]
Figures = dict[str, dict[str, float]]


async def _answer(request: Request) -> Response:
    await request.body()
    return Response(BODY, media_type="application/json")


def _serve(listening: socket.socket) -> None:
    app = Starlette(routes=[Route("/", _answer, methods=["GET"])])
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])


@asynccontextmanager
async def plain_httpx(url: str) -> AsyncIterator[Ask]:
    """httpx with its own transport."""
    async with httpx.AsyncClient(
        limits=httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL), trust_env=False, timeout=LIMIT_S
    ) as client:

        async def ask() -> None:
            (await client.get(url)).raise_for_status()

        yield ask


@asynccontextmanager
async def httpx_on_aiohttp(url: str) -> AsyncIterator[Ask]:
    """httpx with the aiohttp transport."""

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=POOL), cookie_jar=aiohttp.DummyCookieJar())

    async with httpx.AsyncClient(transport=AiohttpTransport(client=session), trust_env=False, timeout=LIMIT_S) as client:

        async def ask() -> None:
            (await client.get(url)).raise_for_status()

        yield ask


@asynccontextmanager
async def bare_aiohttp(url: str) -> AsyncIterator[Ask]:
    """aiohttp alone."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=POOL), cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def ask() -> None:
            async with session.get(url) as answer:
                answer.raise_for_status()
                await answer.read()

        yield ask


@asynccontextmanager
async def our_transport(url: str) -> AsyncIterator[Ask]:
    """The transport of the robot, with its limits, breaker and retries."""
    transport = Transport(url, TransportSettings(pool_size=POOL, connect_timeout_s=LIMIT_S, total_timeout_s=LIMIT_S), neighbour="benchmark")

    async def ask() -> None:
        await transport.request("GET", "/", repeatable=True)

    try:
        yield ask
    finally:
        await transport.aclose()


async def _measure(ask: Ask, concurrency: int, requests: int) -> float:
    """Return CPU milliseconds per request."""
    left = iter(range(requests))

    async def caller() -> None:
        for _ in left:
            await ask()

    await asyncio.gather(*(ask() for _ in range(concurrency)))
    started = time.process_time()
    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return (time.process_time() - started) / requests * 1000


async def _best(url: str, clients: Mapping[str, Client], concurrency: tuple[int, ...], requests: int, rounds: int) -> Figures:
    """Return each client's best round at each concurrency; the clients take turns, so that all meet the same machine."""
    best: Figures = {name: {} for name in clients}
    for _ in range(rounds):
        for name, open_client in clients.items():
            async with open_client(url) as ask:
                for callers in concurrency:
                    found = await _measure(ask, callers, requests)
                    best[name][str(callers)] = min(found, best[name].get(str(callers), found))
    return best


@contextmanager
def server() -> Iterator[str]:
    """Serve in another process; give the address."""
    # The protocol is named: asyncio turns Nagle off only then, and each answer would wait 40 ms for the one before.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(listening,), daemon=True)
        process.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.terminate()
            process.join(10)


def transport_ms(requests: int = REQUESTS, rounds: int = ROUNDS) -> float:
    """Return the CPU milliseconds of a request through the robot's transport, eight at a time: what the HTTP alone costs."""
    with server() as url:
        return asyncio.run(_best(url, {OURS: our_transport}, (POOL,), requests, rounds))[OURS][str(POOL)]


def measure(requests: int = REQUESTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return the figures of all clients."""
    with server() as url:
        best = asyncio.run(_best(url, CLIENTS, CONCURRENCY, requests, rounds))
    ours = best[OURS]
    return {
        "benchmark": "http_client",
        "requests": requests,
        "pool": POOL,
        "versions": {name: version(name) for name in ("httpx", "httpx-aiohttp", "aiohttp")},
        "cpu_ms_per_request": {name: {callers: round(ms, 3) for callers, ms in row.items()} for name, row in best.items()},
        "ratio_to_httpx": {callers: round(ms / best["httpx"][callers], 2) for callers, ms in ours.items()},
        "ratio_to_bare_aiohttp": {callers: round(ms / best["bare aiohttp"][callers], 2) for callers, ms in ours.items()},
    }


OURS = "our transport"
CLIENTS: dict[str, Client] = {"httpx": plain_httpx, "httpx-aiohttp": httpx_on_aiohttp, "bare aiohttp": bare_aiohttp, OURS: our_transport}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="requests for each client, concurrency and round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds; the best one counts")
    options = parser.parse_args()
    print(json.dumps(measure(options.requests, options.rounds)))


if __name__ == "__main__":
    main()
