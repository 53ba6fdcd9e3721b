"""A clock that stands until it is moved."""

from __future__ import annotations


class StandingClock:
    """Seconds that only grow when a test says so; called as `time.monotonic` is."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now
