"""What a neighbour answered: status, headers and the whole body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.errors import ConnectorError
from connectors.transport import failures
from connectors.transport.tally import Tally


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer with an expected status. Header names are found in any case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    neighbour: str = "neighbour"
    repeatable: bool = True
    tally: Tally | None = field(default=None, repr=False, compare=False)

    def json(self) -> Any:
        """Return the body read as JSON; numbers with decimals are `Decimal`.

        Raises RetriableError when it is no JSON (with `unknown_outcome` when the question was a write).
        """
        try:
            return _READER.decode(self.body.decode(json.detect_encoding(self.body), "surrogatepass"))
        except (ValueError, RecursionError):
            raise self.blame(failures.error(failures.NOT_JSON, self.neighbour, unknown_outcome=not self.repeatable)) from None

    def blame(self, error: ConnectorError) -> ConnectorError:
        """Count an error that was found in the answer itself; return it, to be raised."""
        if self.tally is not None:
            self.tally.failed(error.code)
        return error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_READER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse)
"""Made once: `json.loads` makes one for each text that is not to be read in the usual way."""


def to_json(value: object) -> bytes:
    """Return the value as JSON. A `Decimal` becomes the number it is; one that JSON readers would change raises ValueError."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_number).encode()


def _number(value: object) -> object:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    if value == value.to_integral_value():
        return int(value)
    written = float(value)
    if Decimal(repr(written)) != value:
        raise ValueError("a decimal number has more digits than JSON readers keep")
    return written
