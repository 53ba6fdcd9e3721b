"""What the case system answers when it does not do as asked: the contract's Problem and ConstraintViolationProblem."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import orjson
from starlette.responses import Response

Violation = tuple[str, str]
"""Field and message."""


class Refused(Exception):
    """The request is answered by a problem. With `violations` it is the one that names the fields."""

    def __init__(self, status: int, detail: str, *, violations: Sequence[Violation] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.violations = tuple(violations)

    def response(self, headers: dict[str, str] | None = None) -> Response:
        """Return the answer."""
        body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        if self.violations:
            body["title"] = "Constraint Violation"
            body["violations"] = [{"field": field, "message": message} for field, message in self.violations]
        else:
            body["detail"] = self.detail
        return Response(orjson.dumps(body), status_code=self.status, media_type="application/problem+json", headers=headers)


def bad_request(detail: str) -> Refused:
    """Return the problem for a request that can't be understood."""
    return Refused(400, detail)


def violation(field: str, message: str) -> Refused:
    """Return the problem for one field that breaks its rule."""
    return Refused(400, "Constraint Violation", violations=[(field, message)])
