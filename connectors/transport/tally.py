"""How the questions to one neighbour go: plain counts, cheap to keep, which whoever made the tally reads when it likes.

This is the port by which others see the transport: it knows nobody, and tells of nothing but neighbour, time, code and number.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from connectors.transport.breaker import Breaker, Position

BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper limits of the classes that times are counted in; one more class holds what took longer."""
_WORST_FIRST = (Position.OPEN, Position.HALF_OPEN)


class Tally:
    """Counts of one neighbour since the process began; none is ever set back. All its transports share one, in one event loop.

    A question counts for each time that it is sent, when its whole answer has come, it has failed or we have given it up.
    `classes` = how many took how long, by `BOUNDS_S`; `seconds` = all their time; `repeats` = how many were a read sent again;
    `errors` = errors by code, those of questions that were not sent (`failures.NOT_SENT`) too.
    """

    __slots__ = ("_breakers", "classes", "errors", "neighbour", "repeats", "seconds")

    def __init__(self, neighbour: str) -> None:
        self.neighbour = neighbour
        self.classes = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0
        self.repeats = 0
        self.errors: dict[str, int] = {}
        self._breakers: list[Breaker] = []

    @property
    def position(self) -> Position:
        """The breaker's position; of several the worst."""
        positions = {breaker.position for breaker in self._breakers}
        return next((one for one in _WORST_FIRST if one in positions), Position.CLOSED)

    def took(self, seconds: float) -> None:
        """Count a question that was sent."""
        self.classes[bisect_left(BOUNDS_S, seconds)] += 1
        self.seconds += seconds

    def failed(self, code: str) -> None:
        """Count an error. Codes are those of docs/errors.md: there is an end to them."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def follow(self, breaker: Breaker) -> None:
        """Tell of this breaker too, until it is let go."""
        self._breakers.append(breaker)

    def let_go(self, breaker: Breaker) -> None:
        """Tell of this breaker no more."""
        if breaker in self._breakers:
            self._breakers.remove(breaker)


Tallies = Callable[[str], Tally]
"""Gives the tally of a neighbour by its name: the same one each time."""
