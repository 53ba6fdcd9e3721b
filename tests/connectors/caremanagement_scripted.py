"""A case system that answers by script, for what the simulator never does; and the simulated one, for all else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.case_systems.caremanagement import CareManagement
from connectors.simulators.serve import serving
from tests.connectors.caremanagement_town import connected, data, record

ONE = record(1)
CASE = ONE.errand_id
ERRAND = {
    "id": CASE,
    "errandNumber": "EB-26110001",
    "municipalityId": "2281",
    "namespace": "DRAKEL",
    "typeSlug": "financial-assistance-renewal",
    "status": "UNDER_REVIEW",
    "created": "2026-11-25T08:00:00.000+01:00",
    "data": data(),
}
BY_US = {"fromStatus": "RECEIVED", "toStatus": "UNDER_REVIEW", "changedBy": "bistandsrobot", "changedAt": "2026-11-30T08:00:00.000+01:00"}
Answer = Callable[[Request], Response] | Any


class Scripted:
    """A server that answers by the end of the path; what has no script is an empty list. Remembers every request."""

    def __init__(self) -> None:
        self.script: dict[str, Answer] = {CASE: ERRAND}
        self.requests: list[Request] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PATCH"])])

    async def _answer(self, request: Request) -> Response:
        await request.body()
        self.requests.append(request)
        answer: Any = next((answer for end, answer in self.script.items() if request.url.path.endswith(end)), [])
        if callable(answer) and not isinstance(answer, Response):
            answer = answer(request)
        return answer if isinstance(answer, Response) else JSONResponse(answer)


@contextlib.asynccontextmanager
async def connected_to(server: Scripted) -> AsyncIterator[CareManagement]:
    """Serve the script while the block runs; give a connector to it."""
    with serving(server.app) as url:
        async with connected(url, page_size=3, max_pages=30, history_lag_tries=3) as system:
            yield system
