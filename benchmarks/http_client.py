"""Compare httpx's own transport with httpx on aiohttp: CPU of the client process per request. Run: python benchmarks/http_client.py

A small server runs in its own process; the client is one asyncio loop with a pool of 8. Prints JSON with milliseconds of CPU per request
at each concurrency, and the ratio to plain httpx. Figures vary by about a quarter between runs: trust the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import aiohttp
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.transport import Transport, TransportSettings
from connectors.transport.wire import NeighbourTransport

POOL = 8
LIMIT_S = 60
CONCURRENCY = (1, 8, 32)
BODY = json.dumps({"text": "x" * 1000}).encode()
Ask = Callable[[], Any]


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

    async with httpx.AsyncClient(transport=NeighbourTransport(client=session), trust_env=False, timeout=LIMIT_S) as client:

        async def ask() -> None:
            (await client.get(url)).raise_for_status()

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


async def _compare(url: str, requests: int, rounds: int) -> dict[str, Any]:
    clients = {"httpx": plain_httpx, "httpx-aiohttp": httpx_on_aiohttp, "our transport": our_transport}
    best: dict[str, dict[str, float]] = {name: {} for name in clients}
    for _ in range(rounds):
        for name, open_client in clients.items():
            async with open_client(url) as ask:
                for concurrency in CONCURRENCY:
                    found = await _measure(ask, concurrency, requests)
                    key = str(concurrency)
                    best[name][key] = round(min(found, best[name].get(key, found)), 3)
    ratios = {name: {key: round(value / best["httpx"][key], 2) for key, value in row.items()} for name, row in best.items()}
    return {
        "what": "CPU ms per request in the client process, best round, by concurrency",
        "pool": POOL,
        "requests": requests,
        "rounds": rounds,
        "versions": {name: version(name) for name in ("httpx", "httpx-aiohttp", "aiohttp", "uvicorn")},
        "cpu_ms_per_request": best,
        "ratio_to_httpx": ratios,
    }


def main() -> None:
    """Start the server, measure, print, stop the server."""
    parser = argparse.ArgumentParser(description="Compare HTTP clients by CPU per request")
    parser.add_argument("--requests", type=int, default=1500, help="requests for each client, concurrency and round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best one counts")
    options = parser.parse_args()
    # The protocol is named: asyncio turns Nagle off only then, and each answer would wait 40 ms for the one before.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(listening,), daemon=True)
        server.start()
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            result = asyncio.run(_compare(url, options.requests, options.rounds))
        finally:
            server.terminate()
            server.join(10)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
