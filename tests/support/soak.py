"""How much a fault test does: a share in every run of the tests, and all of it in `make soak`."""

from __future__ import annotations

import os
from typing import overload

SOAKING = os.environ.get("SOAK") == "1"


@overload
def much(name: str, share: int, whole: int) -> int: ...
@overload
def much(name: str, share: float, whole: float) -> float: ...
def much(name: str, share: float, whole: float) -> float:
    """Return how much: the share, with SOAK=1 the whole, and in any case what the environment says as SOAK_<NAME>."""
    told = os.environ.get(f"SOAK_{name}")
    return type(share)(told) if told else (whole if SOAKING else share)
