"""The answer to 'are you there?' from any neighbour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Handshake:
    """Whether a neighbour answers: `ok`, and a sentence for ops (English, no personal data)."""

    neighbour: str
    ok: bool
    message: str
