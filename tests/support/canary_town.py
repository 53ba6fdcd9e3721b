"""A municipality stuffed with canaries: neighbours that put them into everything they say, and now and then into nonsense."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from canaries import Canaries, Search, stuffed
from harness import TODAY, Town, town
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.simulators import caremanagement, ssbtek
from connectors.simulators.day import WorldDay
from connectors.simulators.population import build
from connectors.simulators.serve import serving

CASES = 60
SEED = 7
ILL_EVERY = 11
"""Every so many answers are replaced by something ill."""


@dataclass
class Talkative:
    """Gives every answer headers with canaries, and replaces some answers by errors and nonsense that are full of them."""

    app: ASGIApp
    canaries: Canaries
    sent: list[bytes] = field(default_factory=list)
    """All that was said, to see that every canary was."""
    _number: Iterator[int] = field(default_factory=count, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = next(self._number)
        if number % ILL_EVERY == ILL_EVERY - 1:
            await self._ill(number // ILL_EVERY)(scope, receive, self._noting(send))
        else:
            await self.app(scope, receive, self._noting(send))

    def _ill(self, number: int) -> Response:
        text = " ".join(self.canaries.text() for _ in range(12))
        kinds = (
            Response(f'{{"title": "{text}", "status": 500, "detail": "{text}"}}', 500, media_type="application/problem+json"),
            Response(f"<html><title>{text}</title></html>", 400, media_type="text/html"),
            Response(text, 302, headers={"Location": f"https://127.0.0.1:9/{self.canaries.tokens[0]}/{self.canaries.numbers[0]}"}),
            Response(f'{{"{text}": [{{', 200, media_type="application/json"),
            Response(f"<Envelope><{text}>", 200, media_type="text/xml"),
            Response(text, 401, headers={"WWW-Authenticate": f'Bearer error="{self.canaries.tokens[1]}"'}),
            Response(text, 404, media_type="text/plain"),
            Response(text, 503, headers={"Retry-After": self.canaries.numbers[2]}),
            Response(f"[{text!r}]", 200, headers={"Content-Type": f"application/json; charset={self.canaries.tokens[3]}"}),
            Response(text, 200, headers={"Content-Encoding": self.canaries.tokens[4]}),
        )
        return kinds[number % len(kinds)]

    def _noting(self, send: Send) -> Send:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = self.canaries.text().encode("latin-1", "replace")
                own = [(b"x-trace", said), (b"set-cookie", b"session=" + self.canaries.tokens[5].encode()), (b"server", said)]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
                with self._lock:
                    self.sent.extend(value for _, value in message["headers"])
            elif message.get("body"):
                with self._lock:
                    self.sent.append(message["body"])
            await send(message)

        return noting


@dataclass
class CanaryTown:
    """The municipality, what its neighbours have said, and what the robot has told the alarm's address."""

    town: Town
    canaries: Canaries
    search: Search
    neighbours: Talkative
    alarms: list[bytes]


@contextlib.contextmanager
def canary_town(root: Path, *, changes: dict[str, dict[str, Any]], today: date = TODAY) -> Iterator[CanaryTown]:
    """Start it; the robot is not started. Registers, case system and the alarm's address are threads of this process."""
    canaries = Canaries.made()
    world = stuffed(build(SEED, CASES, today), canaries)
    day, alarms = WorldDay(today), list[bytes]()

    async def alarm(request: Request) -> Response:
        alarms.append(await request.body())
        return Response("ok")

    neighbours = Talkative(
        Starlette(
            routes=[
                Mount("/registers", ssbtek.create_app(world, day=day, seed=SEED)),
                Mount("/cases", caremanagement.create_app(world, day=day)),
            ]
        ),
        canaries,
    )
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(serving(neighbours))
        hook = stack.enter_context(serving(Starlette(routes=[Route("/alarm", alarm, methods=["POST"])])))
        own: dict[str, dict[str, Any]] = {
            "case_system": {"base_url": f"{base}/cases", "party_url": f"{base}/cases/party"},
            "registers": {"ssbtek": {"url": f"{base}/registers/ssbtek"}},
            "alarms": {"webhook_url": f"{hook}/alarm", "after_s": 0},
        }
        running = stack.enter_context(town(root, cases=1, today=today, changes=own))
        from harness import change

        change(running.demo.config, changes)
        search = Search([*canaries.numbers, *world.people()])
        yield CanaryTown(running, canaries, search, neighbours, alarms)
