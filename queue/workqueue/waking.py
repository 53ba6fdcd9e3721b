"""Being told that there is work, instead of only looking for it: LISTEN on a PostgreSQL server.

What lets a case be claimed (`add`, `requeue`, `resume` and their like) tells it in its own transaction: it is heard when the change is
there, and never when it was rolled back. What is told is only that there is something: nothing about a case. A file tells nobody, and
nobody relies on being told: who misses it finds the work at the next look.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from workqueue.address import PostgresAddress

CHANNEL = "bistandsrobot_work"


class Listener(ABC):
    """A connection of its own that hears of new work. Used by one thread at a time."""

    @abstractmethod
    def fileno(self) -> int:
        """Return the descriptor that can be read when there may be something to hear."""

    @abstractmethod
    def heard(self) -> bool:
        """Say whether work was told of since the last time; never waits. Raises RetriableQueueError when the connection is gone."""

    @abstractmethod
    def close(self) -> None:
        """Give the connection up."""


def listen(place: PostgresAddress) -> Listener:
    """Connect and listen; blocks. What was told before is not heard. Raises QueueError when the server cannot be reached."""
    # Loaded here alone: who keeps a file pays nothing for the server's driver.
    from workqueue.postgres_waking import PostgresListener

    return PostgresListener(place)
