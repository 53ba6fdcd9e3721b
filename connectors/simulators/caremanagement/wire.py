"""JSON in and out: bodies read with a limit and checked against the contract's field rules, amounts exact in both directions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from connectors.simulators.caremanagement.problems import Refused, Violation, bad_request

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A document's text may be 1 MiB characters, so up to 4 MiB in UTF-8."""

MAX_DIGITS = 30
"""How far from the decimal point a number may reach."""
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the contract says of one field of a body. `blank` False = must hold something else than spaces."""

    kind: Literal["text", "uuid", "number", "whole", "flag", "date", "datetime", "texts"] = "text"
    required: bool = False
    blank: bool = True
    max_length: int | None = None
    choices: frozenset[str] | None = None
    pattern: re.Pattern[str] | None = None


def dumps(payload: Any) -> bytes:
    """Return JSON bytes; a Decimal becomes a number with its own digits."""
    return orjson.dumps(payload, default=_number)


def answer(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(dumps(payload), status_code=status, media_type=JSON, headers=headers)


def created(location: str, payload: Any = None) -> Response:
    """Return 201 with Location, with a body only where the contract has one."""
    headers = {"location": location}
    return Response(status_code=201, headers=headers) if payload is None else answer(payload, 201, headers)


def no_content() -> Response:
    """Return 204."""
    return Response(status_code=204)


def present(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value: the case system leaves the others out."""
    return {name: value for name, value in fields.items() if value is not None}


async def read_json(request: Request) -> Any:
    """Return the body as JSON, numbers with a point as Decimal. Raises Refused: 415, 413 or 400."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Refused(415, f"Content-Type must be {JSON}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, f"The body is larger than {MAX_BODY_BYTES} bytes")
    try:
        return loads(bytes(body))
    except (ValueError, RecursionError):
        raise bad_request("Failed to read request: the body is not JSON") from None


def loads(text: bytes | str) -> Any:
    """Read JSON without losing a digit. Raises ValueError."""
    return json.loads(text, parse_float=exact, parse_constant=_not_json)


def exact(text: str | int | Decimal) -> Decimal:
    """Return the number with all its digits. Raises ValueError when it is none, or so large or small that it is no amount."""
    try:
        number = Decimal(text)
    except (InvalidOperation, TypeError):
        raise ValueError("not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        raise ValueError("not an amount")
    return number


def checked(body: Any, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Return the body's known fields that have a value. Unknown fields are ignored, as the real server does.

    Raises Refused: a wrong type is a body that can't be read, a broken rule is a violation that names its field.
    """
    if not isinstance(body, dict):
        raise bad_request("Failed to read request: the body must be a JSON object")
    known: dict[str, Any] = {}
    broken: list[Violation] = []
    for name, rule in rules.items():
        value = body.get(name)
        if value is None:
            if rule.required:
                broken.append((name, "must not be null" if rule.blank else "must not be blank"))
            continue
        known[name] = _typed(name, value, rule)
        broken += [(name, message) for message in _broken(value, rule)]
    if broken:
        raise Refused(400, "Constraint Violation", violations=broken)
    return known


def is_uuid(text: str) -> bool:
    """Say whether the text is a UUID written out in full."""
    if len(text) != 36:
        return False
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def moment(text: str) -> datetime:
    """Read a date and time with its offset. Raises ValueError, also when the offset is missing."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None or "T" not in text:
        raise ValueError("a date and time needs an offset")
    return read


def written(when: datetime) -> str:
    """Return a date and time as the case system writes it: milliseconds and offset."""
    return when.isoformat(timespec="milliseconds")


def _typed(name: str, value: Any, rule: Rule) -> Any:
    wanted: tuple[type, ...]
    match rule.kind:
        case "number":
            wanted = (int, Decimal)
        case "whole":
            wanted = (int,)
        case "flag":
            wanted = (bool,)
        case "texts":
            wanted = (list,)
        case _:
            wanted = (str,)
    if type(value) not in wanted:
        raise bad_request(f"Failed to read request: {name} has the wrong type")
    try:
        if rule.kind == "date":
            date.fromisoformat(value)
        elif rule.kind == "datetime":
            moment(value)
    except ValueError:
        raise bad_request(f"Failed to read request: {name} is not a {rule.kind}") from None
    if rule.kind == "texts" and not all(isinstance(item, str) for item in value):
        raise bad_request(f"Failed to read request: {name} must hold texts")
    return value


def _broken(value: Any, rule: Rule) -> list[str]:
    if not isinstance(value, str):
        return []
    messages = []
    if not rule.blank and not value.strip():
        messages.append("must not be blank")
    if rule.max_length is not None and len(value) > rule.max_length:
        messages.append(f"size must be between 0 and {rule.max_length}")
    if rule.choices is not None and value not in rule.choices:
        messages.append(f"must be one of: {', '.join(sorted(rule.choices))}")
    if rule.pattern is not None and not rule.pattern.fullmatch(value):
        messages.append(f'must match "{rule.pattern.pattern}"')
    if rule.kind == "uuid" and not is_uuid(value):
        messages.append("not a valid UUID")
    return messages


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def _not_json(_: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")
