"""The circuit breaker: leave a sick neighbour alone, let one question at a time probe it, and say so once each way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from connectors.transport import failures

log = structlog.get_logger()


class Position(StrEnum):
    """Closed lets everything through, open nothing, half-open one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Passage:
    """Leave to ask once."""

    probe: bool


_ORDINARY = Passage(probe=False)


class Breaker:
    """Counts failures in a row for one neighbour. Every passage ends in exactly one of `succeeded`, `failed`, `abandoned`."""

    def __init__(self, neighbour: str, *, failures_to_open: int, open_s: float, monotonic: Callable[[], float]) -> None:
        self._neighbour = neighbour
        self._failures_to_open = failures_to_open
        self._open_s = open_s
        self._monotonic = monotonic
        self._failures = 0
        self._lost_at: float | None = None
        self._probe_from = 0.0
        self._probing = False

    @property
    def position(self) -> Position:
        """Where the breaker stands now."""
        if self._lost_at is None:
            return Position.CLOSED
        return Position.OPEN if self._monotonic() < self._probe_from else Position.HALF_OPEN

    def enter(self) -> Passage:
        """Return leave to ask. Raises RetriableError (NET-005) while the neighbour is left alone, or another probe is out."""
        position = self.position
        if position is Position.CLOSED:
            return _ORDINARY
        if position is Position.OPEN or self._probing:
            wait_s = self._open_s if self._probing else self._probe_from - self._monotonic()
            raise failures.error(failures.LEFT_ALONE, self._neighbour, retry_after_s=round(wait_s, 1))
        self._probing = True
        return Passage(probe=True)

    def succeeded(self, passage: Passage) -> None:
        """The neighbour answered as a living one, whatever it said."""
        if self._lost_at is None:
            self._failures = 0
        elif passage.probe:
            away_s = self._monotonic() - self._lost_at
            self._failures, self._lost_at, self._probing = 0, None, False
            log.info("neighbour.back", neighbour=self._neighbour, away_s=round(away_s, 1))

    def failed(self, passage: Passage, code: str) -> None:
        """The neighbour did not answer, or answered as a sick one."""
        now = self._monotonic()
        if passage.probe:
            self._probing, self._probe_from = False, now + self._open_s
        elif self._lost_at is None:
            self._failures += 1
            if self._failures >= self._failures_to_open:
                self._lost_at, self._probe_from = now, now + self._open_s
                log.warning("neighbour.lost", neighbour=self._neighbour, code=code, failures=self._failures, next_try_s=self._open_s)

    def abandoned(self, passage: Passage) -> None:
        """The question was given up by us: it says nothing about the neighbour."""
        if passage.probe:
            self._probing = False
