"""The one place that reads the machine's clock. Everything else is given a `Clock`.

The world's time (`now`, `today`) is what deadlines, months and texts go by; it can be set, so that the demo and the tests live on
their own day. The machine's time (`machine_s`) is what leases go by.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")
_DAY_S = 86_400


class Clock(Protocol):
    """What the robot knows of time."""

    def now(self) -> datetime:
        """Return the world's time, aware, in Swedish local time."""
        ...

    def today(self) -> date:
        """Return the world's day in Sweden."""
        ...

    def machine_s(self) -> float:
        """Return the machine's time in seconds; only differences mean anything."""
        ...


class SystemClock:
    """The world's time is the machine's."""

    def now(self) -> datetime:
        """Return the time now in Sweden."""
        return datetime.now(STOCKHOLM)

    def today(self) -> date:
        """Return today in Sweden."""
        return self.now().date()

    def machine_s(self) -> float:
        """Return seconds since 1970."""
        return time.time()


class WorldClock:
    """A world of its own: it begins at `start`, and a day there takes `day_length_s` real seconds (None = as long as ours).

    `epoch` = the machine's time (seconds since 1970) at which the world began; processes that share it agree on the time.
    """

    def __init__(self, start: datetime, *, day_length_s: float | None = None, epoch: float | None = None) -> None:
        # In UTC, where every day has 24 hours: local time has one of 23 and one of 25 each year.
        self._start = start.astimezone(UTC)
        self._speed = _DAY_S / day_length_s if day_length_s else 1.0
        self._epoch = time.time() if epoch is None else epoch

    def now(self) -> datetime:
        """Return the world's time."""
        return (self._start + timedelta(seconds=(time.time() - self._epoch) * self._speed)).astimezone(STOCKHOLM)

    def today(self) -> date:
        """Return the world's day."""
        return self.now().date()

    def machine_s(self) -> float:
        """Return seconds since 1970: the machine's own, never the world's."""
        return time.time()
