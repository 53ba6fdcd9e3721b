"""The simulated world's clock: the only place in the simulators that reads the machine's own."""

from __future__ import annotations

import time as machine
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")
DEFAULT_START = date(2026, 11, 30)
DEFAULT_TIME_OF_DAY = time(8, 0)
_DAY_S = 86_400.0


class WorldDay:
    """What day and time it is in the simulated municipality.

    Starts on `start` at `at`, Swedish time. `day_length_s` = how many real seconds a day of the world takes; None = real speed.
    """

    def __init__(
        self,
        start: date = DEFAULT_START,
        *,
        at: time = DEFAULT_TIME_OF_DAY,
        day_length_s: float | None = None,
        clock: Callable[[], float] = machine.monotonic,
    ) -> None:
        if day_length_s is not None and day_length_s <= 0:
            raise ValueError("day_length_s must be more than 0 seconds, or None for real speed")
        self._clock = clock
        self._at = at
        self._speed = 1.0 if day_length_s is None else _DAY_S / day_length_s
        self._begin(start, at)

    def now(self) -> datetime:
        """Return the world's time, aware, in Europe/Stockholm."""
        elapsed = timedelta(seconds=(self._clock() - self._set_at) * self._speed)
        return (self._origin + elapsed).astimezone(SWEDEN)

    def today(self) -> date:
        """Return the world's day."""
        return self.now().date()

    def set(self, day: date, *, at: time | None = None) -> None:
        """Move the world to `day`, at `at` (default: the time of day it was started at). It goes on from there at its own speed."""
        self._begin(day, self._at if at is None else at)

    def _begin(self, day: date, at: time) -> None:
        self._set_at = self._clock()
        self._origin = datetime.combine(day, at, tzinfo=SWEDEN).astimezone(UTC)
