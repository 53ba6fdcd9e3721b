"""The robot's own page, health and metrics, over HTTP on loopback: no login and no personal data, so that they may be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from math import isfinite
from typing import NamedTuple

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from connectors.transport import BOUNDS_S
from connectors.transport.breaker import Position
from robot.asking import NoAnswer, NotReady, ask
from robot.condition import Condition
from robot.metrics import Metrics
from robot.neighbours import Lately
from robot.settings_watching import Health

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ANSWER_LIMIT_S = 1.0
"""For each of the other workers, when the page is looked at."""
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_ORDER = ("ready", "assessing", "waiting_for_income", "waiting_for_register", "to_deliver", "delivering", "parked")
_PAGES = Environment(loader=PackageLoader("robot"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


class OtherWorker(NamedTuple):
    """What is known of a worker beside this one."""

    number: int
    how: str
    well: bool


class HealthServer:
    """Answers /, /health/live, /health/ready and /metrics. `number` = the worker's, whose port is so many after the first one's.

    `workers` = how many run.
    """

    def __init__(self, settings: Health, condition: Condition, metrics: Metrics, *, number: int = 1, workers: int = 1) -> None:
        self._settings, self._number, self._workers = settings, number, workers
        self._host, self._port = settings.host, settings.port + number - 1
        self._condition = condition
        self._metrics = metrics
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._figures)
        app.on_response_prepare.append(_protect)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None)

    async def start(self) -> None:
        """Begin to listen. Raises OSError when the address is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _live(self, _request: web.Request) -> web.Response:
        """That this answers shows that the event loop turns."""
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        why = self._condition.readiness()
        ill = [{"what": one.what, "code": one.code, "since": one.since.isoformat()} for one in self._condition.illnesses()]
        which = {"worker": self._number, "workers": self._workers}
        return web.json_response({"ready": not why, "because": why, "ill": ill} | which, status=503 if why else 200)

    async def _figures(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": _PROMETHEUS})

    async def _page(self, _request: web.Request) -> web.Response:
        others = [number for number in range(1, self._workers + 1) if number != self._number]
        workers = await asyncio.gather(*(asyncio.to_thread(_how, self._settings, number) for number in others))
        page = status_page(self._condition, datetime.now(UTC), number=self._number, others=workers)
        return web.Response(text=page, content_type="text/html")


def _how(settings: Health, number: int) -> OtherWorker:
    try:
        said = ask(settings, number, _ANSWER_LIMIT_S)
    except (NoAnswer, NotReady):
        return OtherWorker(number, "does not answer: it is being started, or stands still", well=False)
    if not said.ready:
        return OtherWorker(number, f"not working: {', '.join(said.because)}", well=False)
    return OtherWorker(number, "ill, see its own page" if said.ill else "running", well=not said.ill)


def status_page(condition: Condition, now: datetime, *, number: int = 1, others: Sequence[OtherWorker] = ()) -> str:
    """Return the page: is it running, what waits, what is ill, since when, what to do. `number` = the worker whose page it is."""
    figures = condition.figures
    rows = [(state, figures.counts[state], ago(figures.oldest_s.get(state))) for state in _ORDER if figures.counts.get(state)]
    return _PAGES.get_template("status.html.j2").render(
        version=version("bistandsrobot"),
        now=now,
        number=number,
        others=others,
        up=ago((now - condition.started_at).total_seconds()),
        not_ready=condition.readiness(),
        ill=[(one, ago((now - one.since).total_seconds())) for one in condition.illnesses()],
        rows=rows,
        looked=ago((now - figures.at).total_seconds()),
        known=figures.database_up,
        margin=None if figures.deadline_margin_s is None else ago(abs(figures.deadline_margin_s)),
        late=figures.deadline_margin_s is not None and figures.deadline_margin_s < 0,
        neighbours=[(one, _within(one), one.position is not Position.CLOSED) for one in figures.neighbours],
    )


def _within(neighbour: Lately) -> str:
    """Return how long nearly all of its answers took."""
    if neighbour.within_s is None:
        return "-"
    return f"{neighbour.within_s:g} s" if isfinite(neighbour.within_s) else f"over {BOUNDS_S[-1]:g} s"


def ago(seconds: float | None) -> str:
    """Return a length of time in words, its two largest units."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    parts = [(whole // 86_400, "d"), (whole % 86_400 // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s")]
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number or first == len(parts) - 1)


async def _protect(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
