"""Canonical JSON and its hash: the same facts give the same bytes, in any order they were given in, years later."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from pydantic import BaseModel


def canonical_json(value: Any) -> bytes:
    """Return UTF-8 JSON with sorted keys and no spaces. Models are written with their outside names, without what is at its default.

    A field that is added later with a default does not change the bytes of older facts. Raises TypeError for a float.
    """
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, float):
        raise TypeError("a float has no canonical form")
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
