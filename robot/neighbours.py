"""How each neighbour is: its counts for Prometheus since the start, and for people how it has been lately. No personal data."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.transport import BOUNDS_S, Tally
from connectors.transport.breaker import Position
from connectors.transport.failures import NOT_SENT

LATELY_S = 1800.0
_APART_S = 15.0
"""Counts are kept no closer than this, so that there is an end to them however often it is looked."""
_MOST = 95
_BREAKER = {Position.CLOSED: 0, Position.HALF_OPEN: 1, Position.OPEN: 2}


@dataclass(frozen=True, slots=True)
class Lately:
    """One neighbour in the last `LATELY_S`. `within_s` = 95 of 100 answers took no longer (a class's limit; inf = longer than all)."""

    name: str
    position: Position
    asked: int
    errors: int
    within_s: float | None


@dataclass(frozen=True, slots=True)
class _Counts:
    classes: tuple[int, ...]
    errors: int


class Neighbours(Collector):
    """Gives each neighbour's tally to its transports, and reads them. `monotonic` = seconds that only grow."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._tallies: dict[str, Tally] = {}
        self._kept: deque[tuple[float, dict[str, _Counts]]] = deque()

    def tally(self, neighbour: str) -> Tally:
        """Return the neighbour's tally, the same one each time."""
        return self._tallies.setdefault(neighbour, Tally(neighbour))

    def lately(self) -> tuple[Lately, ...]:
        """Return how each neighbour has been since the counts that are `LATELY_S` old, or since the start."""
        now = self._monotonic()
        counts = {name: _counts(tally) for name, tally in self._tallies.items()}
        while len(self._kept) > 1 and self._kept[1][0] <= now - LATELY_S:
            self._kept.popleft()
        before = self._kept[0][1] if self._kept and self._kept[0][0] <= now - LATELY_S else {}
        if not self._kept or now - self._kept[-1][0] >= _APART_S:
            self._kept.append((now, counts))
        return tuple(_lately(tally, counts[name], before.get(name)) for name, tally in self._tallies.items())

    def collect(self) -> Iterator[Metric]:
        """Yield the figures for Prometheus."""
        seconds = HistogramMetricFamily(
            "bistandsrobot_neighbour_seconds",
            "Time of a question to a neighbour, each time it is sent, answered or not.",
            labels=["neighbour"],
        )
        errors = CounterMetricFamily(
            "bistandsrobot_neighbour_errors",
            "Errors of a neighbour by code. NET-005, NET-016 and NET-017 are questions that were not sent.",
            labels=["neighbour", "code"],
        )
        repeats = CounterMetricFamily("bistandsrobot_neighbour_repeats", "Reads sent again at once after an error.", labels=["neighbour"])
        breaker = GaugeMetricFamily(
            "bistandsrobot_neighbour_breaker",
            "0 = closed: it is asked; 2 = open: it is left alone; 1 = one question may try.",
            labels=["neighbour"],
        )
        for name, tally in self._tallies.items():
            seconds.add_metric([name], _buckets(tally), tally.seconds)
            for code, number in tally.errors.items():
                errors.add_metric([name, code], number)
            repeats.add_metric([name], tally.repeats)
            breaker.add_metric([name], _BREAKER[tally.position])
        yield from (seconds, errors, repeats, breaker)


def _buckets(tally: Tally) -> list[tuple[str, float]]:
    """Return how many took at most so long, as Prometheus wants it."""
    so_far, buckets = 0, []
    for bound, number in zip((*map(str, BOUNDS_S), "+Inf"), tally.classes, strict=True):
        so_far += number
        buckets.append((bound, float(so_far)))
    return buckets


def _counts(tally: Tally) -> _Counts:
    return _Counts(tuple(tally.classes), sum(number for code, number in tally.errors.items() if code not in NOT_SENT))


def _lately(tally: Tally, now: _Counts, before: _Counts | None) -> Lately:
    classes = now.classes if before is None else tuple(a - b for a, b in zip(now.classes, before.classes, strict=True))
    asked, so_far, within_s = sum(classes), 0, None
    for bound, number in zip((*BOUNDS_S, float("inf")), classes, strict=True):
        so_far += number
        if asked and so_far * 100 >= asked * _MOST:
            within_s = bound
            break
    return Lately(tally.neighbour, tally.position, asked, now.errors - (0 if before is None else before.errors), within_s)
