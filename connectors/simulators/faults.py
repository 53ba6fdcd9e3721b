"""Faults on order, for any simulator: a middleware that makes answers fail, and the admin routes that order it.

    faults = Faults(day)
    app = Starlette(routes=[..., *faults.admin_routes()], middleware=[Middleware(FaultMiddleware, faults=faults)])

Nothing under /admin is ever disturbed or counted. No identity is kept: neither bodies nor query strings are looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any, Literal, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.simulators.day import WorldDay
from connectors.simulators.fault_answers import ANSWERS
from connectors.simulators.serve import TRANSPORT, ClientTransport

Kind = Literal[
    "error", "timeout", "slow", "http_400", "http_429", "http_500", "cut", "reset", "answer_lost", "hold",
    "login_page", "xml_bomb", "zip_bomb", "huge",
]  # fmt: skip
Source = Literal["FK", "PM", "SO", "CSN", "AF", "SKV", "TNS", "MIV"]
KINDS: frozenset[str] = frozenset(get_args(Kind))
SOURCES: frozenset[str] = frozenset(get_args(Source))
SOURCE_KINDS = frozenset({"error", "timeout", "slow"})
"""The kinds that one source alone can have."""

HOLD_LIMIT_S = 120.0
"""Longest time a request is kept waiting, whatever the fault asks for."""
DEFAULT_DELAY_S = 2.0
LOG_LENGTH = 10_000
MAX_FAULTS = 1_000
MAX_KEYS = 50_000
MAX_ROUTES = 500


class BadFault(ValueError):
    """The order makes no sense; the message says why."""


@dataclass(slots=True)
class Fault:
    """One order: which requests fail, and how.

    `share` picks by a hash of seed, key and how many times that key was seen, so it does not depend on what others ask in between.
    `skip` lets the first matching requests pass, `times` is how many then fail; None = all.
    """

    id: int
    kind: Kind
    source: Source | None = None
    method: str | None = None
    path_contains: str | None = None
    times: int | None = None
    share: float = 1.0
    seed: int = 0
    delay_s: float | None = None
    skip: int = 0
    matched: int = 0
    fired: int = 0
    seen: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def fires(self, key: str) -> bool:
        """Count one matching request, and say whether it fails. `key` names what is asked for (never shown or kept in clear)."""
        self.matched += 1
        if self.matched <= self.skip or (self.times is not None and self.fired >= self.times) or not self._picked(key):
            return False
        self.fired += 1
        return True

    def shown(self) -> dict[str, Any]:
        """Return the order and its counters, as the admin shows it."""
        return {name: value for name, value in asdict(self).items() if name != "seen"}

    def _picked(self, key: str) -> bool:
        if self.share >= 1.0:
            return True
        digest = hashlib.sha256(f"{self.seed}|{key}".encode()).hexdigest()
        times_seen = self.seen[digest] = self.seen.pop(digest, 0) + 1
        while len(self.seen) > MAX_KEYS:
            self.seen.popitem(last=False)
        draw = hashlib.sha256(f"{digest}|{times_seen}".encode()).digest()
        return int.from_bytes(draw[:8], "big") < self.share * 2**64


class Faults:
    """The orders in force, what happened, and the requests that are held; one object per simulator. `seed`: of orders without one."""

    def __init__(self, day: WorldDay, *, seed: int = 0) -> None:
        self._day = day
        self._seed = seed
        self._orders: list[Fault] = []
        self._next_id = 1
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
        self._requests: Counter[str] = Counter()
        self._gate = asyncio.Event()
        self.held = 0

    def order(self, wanted: Mapping[str, Any]) -> Fault:
        """Put a fault in force. Raises BadFault when the order is not understood."""
        if len(self._orders) >= MAX_FAULTS:
            raise BadFault(f"at most {MAX_FAULTS} faults at a time: DELETE /admin/faults first")
        fault = Fault(id=self._next_id, **{"seed": self._seed, **_understood(wanted)})
        self._next_id += 1
        self._orders.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> int:
        """Lift one fault, or all of them; return how many."""
        kept = [] if fault_id is None else [fault for fault in self._orders if fault.id != fault_id]
        lifted = len(self._orders) - len(kept)
        self._orders = kept
        return lifted

    def for_request(self, method: str, path: str) -> Fault | None:
        """Return the fault that this request meets, if any. Counts it."""
        for fault in self._orders:
            if fault.source is None and _matches(fault, method, path) and fault.fires(f"{method} {path}"):
                return fault
        return None

    def for_source(self, source: str, key: str) -> Fault | None:
        """Return the fault that this source has for the person named by `key`, if any. Counts it."""
        for fault in self._orders:
            if fault.source == source and fault.fires(key):
                return fault
        return None

    def note(self, what: str, **facts: Any) -> None:
        """Write something noteworthy into the simulator's log. Never an identity, a name or free text."""
        self._log.append({"at": self._day.now().isoformat(timespec="seconds"), "what": what, **facts})

    def count(self, method: str, route: str) -> None:
        """Count one request by method and route."""
        key = f"{method} {route}"
        if key not in self._requests and len(self._requests) >= MAX_ROUTES:
            key = "(other)"
        self._requests[key] += 1

    async def wait_for_release(self) -> None:
        """Keep a request waiting until the next release."""
        self.held += 1
        try:
            await self._gate.wait()
        finally:
            self.held -= 1

    def release(self) -> int:
        """Let every held request go; return how many there were."""
        gate, self._gate = self._gate, asyncio.Event()
        gate.set()
        return self.held

    def admin_routes(self) -> list[Route]:
        """Return the routes under /admin, the same in every simulator."""
        return [
            Route("/admin/faults", self._list, methods=["GET"]),
            Route("/admin/faults", self._order, methods=["POST"]),
            Route("/admin/faults", self._clear, methods=["DELETE"]),
            Route("/admin/faults/{fault_id:int}", self._clear, methods=["DELETE"]),
            Route("/admin/release", self._release, methods=["POST"]),
            Route("/admin/day", self._get_day, methods=["GET"]),
            Route("/admin/day", self._put_day, methods=["PUT"]),
            Route("/admin/log", self._get_log, methods=["GET"]),
            Route("/admin/stats", self._get_stats, methods=["GET"]),
        ]

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"faults": [fault.shown() for fault in self._orders], "held": self.held})

    async def _order(self, request: Request) -> Response:
        try:
            fault = self.order(await _json_object(request))
        except BadFault as reason:
            return JSONResponse({"error": str(reason)}, status_code=400)
        return JSONResponse(fault.shown(), status_code=201)

    async def _clear(self, request: Request) -> Response:
        return JSONResponse({"lifted": self.clear(request.path_params.get("fault_id"))})

    async def _release(self, _: Request) -> Response:
        return JSONResponse({"released": self.release()})

    async def _get_day(self, _: Request) -> Response:
        return JSONResponse({"today": self._day.today().isoformat(), "now": self._day.now().isoformat(timespec="seconds")})

    async def _put_day(self, request: Request) -> Response:
        try:
            self._day.set(date.fromisoformat(str((await _json_object(request)).get("today"))))
        except ValueError:
            return JSONResponse({"error": 'give the day as {"today": "YYYY-MM-DD"}'}, status_code=400)
        return await self._get_day(request)

    async def _get_log(self, _: Request) -> Response:
        return JSONResponse(list(self._log))

    async def _get_stats(self, _: Request) -> Response:
        return JSONResponse({"total": self._requests.total(), "requests": dict(sorted(self._requests.items()))})


def _matches(fault: Fault, method: str, path: str) -> bool:
    return (fault.method is None or fault.method == method) and (fault.path_contains is None or fault.path_contains in path)


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as reason:
        raise BadFault("the body is not JSON") from reason
    if not isinstance(body, dict):
        raise BadFault("the body must be a JSON object")
    return body


_CHECKS: dict[str, tuple[str, Any]] = {
    "kind": (f"one of {', '.join(sorted(KINDS))}", lambda v: v in KINDS),
    "source": (f"one of {', '.join(sorted(SOURCES))}", lambda v: v in SOURCES),
    "method": ("an HTTP method", lambda v: isinstance(v, str) and v.isalpha()),
    "path_contains": ("a text", lambda v: isinstance(v, str)),
    "times": ("a whole number of 1 or more", lambda v: type(v) is int and v >= 1),
    "share": ("a number from 0 to 1", lambda v: type(v) in (int, float) and 0 <= v <= 1),
    "seed": ("a whole number", lambda v: type(v) is int),
    "delay_s": (f"seconds, from 0 to {HOLD_LIMIT_S:.0f}", lambda v: type(v) in (int, float) and 0 <= v <= HOLD_LIMIT_S),
    "skip": ("a whole number of 0 or more", lambda v: type(v) is int and v >= 0),
}
_NEVER_NULL = {item.name for item in fields(Fault)} & {"kind", "share", "seed", "skip"}


def _understood(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the order's fields, checked. Raises BadFault."""
    for key, value in wanted.items():
        if key not in _CHECKS:
            raise BadFault(f"unknown key {key!r}: use {', '.join(_CHECKS)}")
        if not (value is None and key not in _NEVER_NULL) and not _CHECKS[key][1](value):
            raise BadFault(f"{key} must be {_CHECKS[key][0]}")
    if "kind" not in wanted:
        raise BadFault(f"kind is missing: {_CHECKS['kind'][0]}")
    if wanted.get("source") is not None:
        if wanted["kind"] not in SOURCE_KINDS:
            raise BadFault(f"one source can only have {', '.join(sorted(SOURCE_KINDS))}")
        if wanted.get("method") or wanted.get("path_contains"):
            raise BadFault("a fault of one source has no method or path_contains")
    return {**wanted, **({"method": wanted["method"].upper()} if wanted.get("method") else {})}


class AnswerCut(ConnectionError):
    """Raised in place of cutting the connection when the app is not served by `connectors.simulators.serve`."""


def problem_502() -> Response:
    """Return the plain answer to a fault of kind `error`: the service behind did not do its part."""
    body = {"type": "about:blank", "title": "Bad Gateway", "status": 502, "detail": "A service behind this one failed (ordered fault)"}
    return JSONResponse(body, status_code=502, media_type="application/problem+json")


class FaultMiddleware:
    """Carry out the faults in force on each request, and count it. `on_error` makes the answer to kind `error`."""

    def __init__(self, app: ASGIApp, faults: Faults, on_error: Callable[[], Response] = problem_502) -> None:
        self._app = app
        self._faults = faults
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/admin/"):
            await self._app(scope, receive, send)
            return
        fault = self._faults.for_request(scope["method"], scope["path"])
        try:
            if fault is None:
                await self._app(scope, receive, send)
            else:
                await self._fail(fault, scope, receive, send)
        finally:
            self._faults.count(scope["method"], _route_of(scope))

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.kind:
            case "error":
                await self._on_error()(scope, receive, send)
            case "http_400":
                await Response("Bad Request", status_code=400, media_type="text/plain")(scope, receive, send)
            case "http_500":
                await Response("Internal Server Error", status_code=500, media_type="text/plain")(scope, receive, send)
            case "slow":
                await asyncio.sleep(DEFAULT_DELAY_S if fault.delay_s is None else fault.delay_s)
                await self._app(scope, receive, send)
            case "timeout":
                await _client_gone(receive, HOLD_LIMIT_S if fault.delay_s is None else fault.delay_s)
                await _hang_up(scope, receive)
            case "cut":
                await _send_half(await self._answer(scope, receive), scope, receive, send)
            case "reset":
                await _hang_up(scope, receive)
            case "answer_lost":
                await self._answer(scope, receive)
                await _hang_up(scope, receive)
            case "hold":
                answer = await self._answer(scope, receive)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._faults.wait_for_release(), HOLD_LIMIT_S)
                for message in answer:
                    await send(message)
            case _:
                await ANSWERS[fault.kind]()(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> list[Message]:
        """Let the handler do all its work, and keep its answer."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        return messages


def _route_of(scope: Scope) -> str:
    """Return the route's pattern, so that no id stands in the statistics."""
    route = scope.get("route")
    return str(route.path) if isinstance(route, Route) else "(no route)"


async def _client_gone(receive: Receive, limit_s: float) -> None:
    """Wait until the client hangs up, at most `limit_s` seconds."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone(), limit_s)


async def _hang_up(scope: Scope, receive: Receive, *, flush: bool = False) -> None:
    """Close the TCP connection, without an answer or (`flush`) after what was sent of it."""
    transport: ClientTransport | None = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        raise AnswerCut("the connection would have been cut here")
    if flush:
        transport.close()
    else:
        transport.abort()
    await _client_gone(receive, 1.0)


async def _send_half(answer: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
    """Send status, headers (the whole length promised) and half of the body, then hang up."""
    body = b"".join(message.get("body", b"") for message in answer if message["type"] == "http.response.body")
    start = [message for message in answer if message["type"] == "http.response.start"]
    half = body[: len(body) // 2]
    if start and half:
        await send(start[0])
        await send({"type": "http.response.body", "body": half, "more_body": True})
    await _hang_up(scope, receive, flush=bool(half))
