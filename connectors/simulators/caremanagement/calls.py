"""One request on its way to its handler: tenant, errand, actor and body found once, problems answered in one place, hooks run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.simulators.caremanagement.hooks import Hooks
from connectors.simulators.caremanagement.problems import Refused, violation
from connectors.simulators.caremanagement.store import Errand, Store
from connectors.simulators.caremanagement.wire import read_json

PERSON = "adAccount"
"""The type of X-Sent-By that a person has; anything else is a program."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who X-Sent-By says is calling, `bistandsrobot; type=custom`: `name` is what stands before the semicolon."""

    name: str | None
    kind: str | None

    @classmethod
    def of(cls, header: str | None) -> Actor:
        """Read the header; what does not have its form says nothing."""
        name, _, kind = (header or "").partition(";")
        key, _, value = kind.strip().partition("=")
        if not name.strip() or key.strip() != "type" or not value.strip():
            return cls(None, None)
        return cls(name.strip(), value.strip())

    @property
    def is_person(self) -> bool:
        """Say whether a person is calling."""
        return self.kind == PERSON


@dataclass(slots=True)
class Call:
    """What a handler needs to know of its request."""

    store: Store
    path: Mapping[str, str]
    query: QueryParams
    actor: Actor
    body: Any = None
    found: Errand | None = None

    @property
    def errand(self) -> Errand:
        """Return the errand that the request is about."""
        if self.found is None:
            raise LookupError("this request has no errand")
        return self.found

    @property
    def base(self) -> str:
        """Return the start of every address of this tenant."""
        return f"/{self.path['municipalityId']}/{self.path['namespace']}"

    def forbidden_use(self, what: str) -> None:
        """Note that a program has used what only a person may use. It is answered all the same."""
        if self.actor.is_person:
            return
        if self.found is not None:
            self.found.forbidden_uses += 1
        self.store.note("FORBIDDEN_USE", endpoint=what, errand=None if self.found is None else self.found.id, actor=self.actor.name)


Handler = Callable[[Call], Response]
_WITH_BODY = frozenset({"POST", "PATCH", "PUT"})


class Resource:
    """One path of the case system: its handlers by method. `errand` says where the errand's id stands: path, body or nowhere.

    A method in `bodiless` takes no body.
    """

    def __init__(
        self,
        store: Store,
        hooks: Hooks,
        handlers: Mapping[str, Handler],
        *,
        errand: str | None = "path",
        bodiless: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._hooks = hooks
        self._handlers = handlers
        self._errand = errand
        self._bodiless = bodiless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refused as problem:
            response = problem.response({"allow": ", ".join(self._handlers)} if problem.status == 405 else None)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        handler = self._handlers.get(request.method)
        if handler is None:
            raise Refused(405, f"Method '{request.method}' is not supported")
        path = request.path_params
        _valid_municipality(path.get("municipalityId"))
        body = await read_json(request) if request.method in _WITH_BODY - self._bodiless else None
        call = Call(self._store, path, request.query_params, Actor.of(request.headers.get("x-sent-by")), body)
        call.found = self._find(path, body)
        if not self._hooks:
            return handler(call)
        due = self._hooks.matching(request.method, request.url.path, call.found)
        self._hooks.run(due, "before", call.found)
        try:
            return handler(call)
        finally:
            self._hooks.run(due, "after", call.found)

    def _find(self, path: Mapping[str, str], body: Any) -> Errand | None:
        if self._errand == "path":
            return self._store.find(path["municipalityId"], path["namespace"], path["errandId"])
        if self._errand == "body" and isinstance(body, dict) and isinstance(body.get("errandId"), str):
            return self._store.find(path["municipalityId"], path["namespace"], body["errandId"])
        return None


def _valid_municipality(municipality_id: str | None) -> None:
    if municipality_id is not None and not (len(municipality_id) == 4 and municipality_id.isascii() and municipality_id.isdigit()):
        raise violation("municipalityId", "not a valid municipality ID")
