"""Canonical JSON and its hash: the same facts give the same bytes, in any order they were given in, years later."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from pydantic import BaseModel


def canonical_json(value: Any) -> bytes:
    """Return UTF-8 JSON with sorted keys and no spaces. Models are written as `plain` gives them. Raises TypeError for a float."""
    return _json(plain(value))


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON, in hexadecimal. Raises TypeError for a float."""
    return digest_of_plain(plain(value))


def plain(value: Any) -> Any:
    """Return what canonical JSON is made of. Models have their outside names, without what is at its default.

    A field that is added later with a default does not change the bytes of older facts. Raises TypeError for a float.
    """
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, float):
        raise TypeError("a float has no canonical form")
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def in_canonical_order(parts: list[Any]) -> list[Any]:
    """Return parts, already plain, in an order that does not depend on the one they came in."""
    return sorted(parts, key=_json) if len(parts) > 1 else parts


def digest_of_plain(value: Any) -> str:
    """Return the digest of what `plain` has given."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
