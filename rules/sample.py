"""The control sample: which OK cases a person calculates without the robot's amounts."""

from __future__ import annotations

import hashlib
import hmac

_HUNDRED_PERCENT = 100
_DRAWS = 1 << 64


def is_control_sample(case_id: str, key: bytes, share_percent: int) -> bool:
    """Say whether a case is picked. The same case id and key always give the same answer, so that the draw can be replayed."""
    drawn = int.from_bytes(hmac.new(key, case_id.encode(), hashlib.sha256).digest()[:8])
    return drawn * _HUNDRED_PERCENT < share_percent * _DRAWS
