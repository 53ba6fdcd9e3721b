"""The admin of the simulated case system: act as a person, see everything held, sum it up, let more applications in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.simulators.caremanagement import draft, errands
from connectors.simulators.caremanagement.caseworker import Caseworker
from connectors.simulators.caremanagement.hooks import Hooks
from connectors.simulators.caremanagement.problems import Refused, bad_request
from connectors.simulators.caremanagement.store import Errand, Store
from connectors.simulators.caremanagement.wire import answer, read_json, written
from connectors.simulators.world import ApplicationRecord

MAX_ARRIVALS = 1_000
"""How many applications one POST /admin/arrive may let in."""

Arrivals = Callable[[int, int, date], Sequence[ApplicationRecord]]
"""Makes new applications: the number of the first, how many, and the day they arrive."""
_KEY = re.compile(r"\[([^\[\]]+)\]\s*\Z")
_Work = Callable[[Request], Awaitable[Response]]


class Admin:
    """The routes under /admin that only this simulator has."""

    def __init__(self, store: Store, caseworker: Caseworker, hooks: Hooks, arrivals: Arrivals) -> None:
        self._store = store
        self._caseworker = caseworker
        self._hooks = hooks
        self._arrivals = arrivals

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/admin/caseworker", _answering(self._act), methods=["POST"]),
            Route("/admin/state", _answering(self._state), methods=["GET"]),
            Route("/admin/summary", _answering(self._summary), methods=["GET"]),
            Route("/admin/arrive", _answering(self._arrive), methods=["POST"]),
            Route("/admin/hooks", _answering(self._list_hooks), methods=["GET"]),
            Route("/admin/hooks", _answering(self._order_hook), methods=["POST"]),
            Route("/admin/hooks", _answering(self._clear_hooks), methods=["DELETE"]),
            Route("/admin/hooks/{hook_id:int}", _answering(self._clear_hooks), methods=["DELETE"]),
        ]

    async def _act(self, request: Request) -> Response:
        order = await read_json(request)
        if not isinstance(order, dict):
            raise bad_request("the body must be a JSON object")
        return answer(self._caseworker.act(self._errand(order.get("errandId")), order))

    async def _state(self, request: Request) -> Response:
        errand = self._errand(request.query_params.get("errandId"))
        return answer(
            {
                "errand": errands.envelope(errand),
                "data": errand.data,
                "expected": asdict(errand.record.expected),
                "group": errand.record.group,
                "decisions": errand.decisions,
                "documents": errand.documents,
                "journalEntries": errand.journal,
                "warnings": errand.warnings,
                "statusHistory": errand.history,
                "draft": None if errand.draft is None else draft.shown(errand),
                "illegalTransitions": errand.illegal_transitions,
                "forbiddenUses": errand.forbidden_uses,
            }
        )

    async def _summary(self, _: Request) -> Response:
        visible = self._store.visible()
        return answer(
            {
                "now": written(self._store.day.now()),
                "total": len(self._store),
                "arrived": len(visible),
                "errands": [summed_up(errand) for errand in visible],
            }
        )

    async def _arrive(self, request: Request) -> Response:
        """Let applications in. `first` = the number of the first one, by default as many as there are: so a repeated order can be told."""
        wanted = await read_json(request)
        if not isinstance(wanted, dict) or wanted.keys() - {"count", "day", "first"}:
            raise bad_request("arrivals have count, day and first")
        count, first = wanted.get("count", 1), wanted.get("first", len(self._store))
        if type(count) is not int or type(first) is not int or not 1 <= count <= MAX_ARRIVALS or first < 0:
            raise bad_request(f"count is a whole number from 1 to {MAX_ARRIVALS}, and first one of 0 or more")
        try:
            day = date.fromisoformat(wanted["day"]) if "day" in wanted else self._store.day.today()
        except (TypeError, ValueError):
            raise bad_request("day is YYYY-MM-DD") from None
        records = self._arrivals(first, count, day)
        return answer({"added": self._store.add(records), "first": first, "errandIds": [record.errand_id for record in records]})

    async def _list_hooks(self, _: Request) -> Response:
        return answer({"hooks": self._hooks.shown()})

    async def _order_hook(self, request: Request) -> Response:
        return answer(self._hooks.order(await read_json(request)), 201)

    async def _clear_hooks(self, request: Request) -> Response:
        return answer({"lifted": self._hooks.clear(request.path_params.get("hook_id"))})

    def _errand(self, errand_id: Any) -> Errand:
        errand = self._store.held(errand_id) if isinstance(errand_id, str) else None
        if errand is None:
            raise Refused(404, "no errand with this errandId")
        return errand


def summed_up(errand: Errand) -> dict[str, Any]:
    """Return what stands on an errand, counted by effect key: what is more than once under a key was written twice."""
    recommendations = [decision for decision in errand.decisions if decision.get("decisionType") == "RECOMMENDATION"]
    by_robot = [decision for decision in recommendations if _key(decision.get("description"))]
    return {
        "errandId": errand.id,
        "errandNumber": errand.number,
        "typeSlug": errand.type_slug,
        "group": errand.record.group,
        "expected": asdict(errand.record.expected),
        "status": errand.status,
        "priority": errand.priority,
        "assignedUserId": errand.assigned_user_id,
        "decided": any(decision.get("decisionType") == "PAYMENT" for decision in errand.decisions),
        "recommendations": _counted(_key(decision.get("description")) for decision in recommendations),
        "documents": _counted(_key(document.get("heading")) for document in errand.documents),
        "warnings": _counted(warning["sourceKey"] for warning in errand.warnings),
        "openWarnings": sum(warning["status"] == "OPEN" for warning in errand.warnings),
        "latest": None if not by_robot else {name: by_robot[-1].get(name) for name in ("value", "amount", "description", "createdBy")},
        "latestRecommendation": None if not recommendations else recommendations[-1].get("value"),
        "incomeRows": [] if errand.draft is None else [draft.shown_row("incomes", row) for row in errand.draft.incomes],
        "illegalTransitions": errand.illegal_transitions,
        "forbiddenUses": errand.forbidden_uses,
    }


def _key(text: str | None) -> str:
    """Return the effect key that stands in brackets at the end of a text; empty when there is none."""
    found = _KEY.search(text or "")
    return found.group(1) if found else ""


def _counted(keys: Iterable[str]) -> dict[str, int]:
    return dict(Counter(keys))


def _answering(work: _Work) -> _Work:
    async def answered(request: Request) -> Response:
        try:
            return await work(request)
        except Refused as problem:
            return problem.response()

    return answered
