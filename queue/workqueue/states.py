"""The states of a case, and every edge between them. docs/states.md holds the same table; a test keeps the two equal.

No method can make another edge: each takes the states it may leave from this table, and a trigger in the database refuses the rest.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a case is with the robot."""

    READY = "ready"
    ASSESSING = "assessing"
    WAITING_FOR_INCOME = "waiting_for_income"
    WAITING_FOR_REGISTER = "waiting_for_register"
    TO_DELIVER = "to_deliver"
    DELIVERING = "delivering"
    PARKED = "parked"
    SHADOWED = "shadowed"
    DELIVERED = "delivered"
    HANDED_OVER = "handed_over"
    TAKEN_BY_PERSON = "taken_by_person"
    SUPERSEDED = "superseded"


CLAIMABLE = frozenset({State.READY, State.TO_DELIVER})
LEASED = frozenset({State.ASSESSING, State.DELIVERING})
RESTING = frozenset({State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER})
NOT_ENDED = CLAIMABLE | LEASED | RESTING
ENDED = frozenset(State) - NOT_ENDED
"""Nothing more happens by itself. A parked case has ended for the robot, and a person must look."""


class Outcome(StrEnum):
    """What came of an assessment, as far as anybody outside the encrypted draft may know.

    A stop and a control sample are both `handed_over`: nothing in clear tells them apart.
    """

    OK = "ok"
    REVIEW = "review"
    HANDED_OVER = "handed_over"
    URGENT = "urgent"
    TAKEN_BY_PERSON = "taken_by_person"


class Edge(NamedTuple):
    """One way between two states. `source` None = the case is new. `maker` = the method of the queue that makes it."""

    source: State | None
    target: State
    maker: str


EDGES: frozenset[Edge] = frozenset(
    {
        Edge(None, State.READY, "add"),
        Edge(State.READY, State.ASSESSING, "claim"),
        Edge(State.TO_DELIVER, State.DELIVERING, "claim"),
        Edge(State.ASSESSING, State.WAITING_FOR_INCOME, "rest"),
        Edge(State.ASSESSING, State.WAITING_FOR_REGISTER, "rest"),
        Edge(State.ASSESSING, State.DELIVERING, "finish"),
        Edge(State.ASSESSING, State.SHADOWED, "finish_in_shadow"),
        Edge(State.ASSESSING, State.READY, "try_later"),
        Edge(State.ASSESSING, State.READY, "release_expired"),
        Edge(State.ASSESSING, State.TAKEN_BY_PERSON, "end"),
        Edge(State.ASSESSING, State.PARKED, "park"),
        Edge(State.WAITING_FOR_INCOME, State.READY, "release_due"),
        Edge(State.WAITING_FOR_INCOME, State.READY, "requeue"),
        Edge(State.WAITING_FOR_REGISTER, State.READY, "release_due"),
        Edge(State.WAITING_FOR_REGISTER, State.READY, "requeue"),
        Edge(State.DELIVERING, State.DELIVERED, "end"),
        Edge(State.DELIVERING, State.HANDED_OVER, "end"),
        Edge(State.DELIVERING, State.TAKEN_BY_PERSON, "end"),
        Edge(State.DELIVERING, State.TO_DELIVER, "try_later"),
        Edge(State.DELIVERING, State.TO_DELIVER, "release_expired"),
        Edge(State.DELIVERING, State.PARKED, "park"),
        Edge(State.PARKED, State.READY, "requeue"),
        Edge(State.PARKED, State.TO_DELIVER, "requeue"),
        Edge(State.SHADOWED, State.READY, "requeue"),
        Edge(State.DELIVERED, State.READY, "requeue"),
        Edge(State.HANDED_OVER, State.READY, "requeue"),
        *(Edge(state, State.SUPERSEDED, "add") for state in (*NOT_ENDED, State.PARKED)),
        Edge(State.SUPERSEDED, State.READY, "add"),
        Edge(State.SHADOWED, State.READY, "add"),
        Edge(State.DELIVERED, State.READY, "add"),
        Edge(State.HANDED_OVER, State.READY, "add"),
        Edge(State.TAKEN_BY_PERSON, State.READY, "add"),
    }
)


def sources(target: State, maker: str) -> tuple[State, ...]:
    """Return the states that `maker` may leave for `target`, sorted."""
    return tuple(sorted(edge.source for edge in EDGES if edge.target is target and edge.maker == maker and edge.source is not None))


def targets(source: State, maker: str) -> tuple[State, ...]:
    """Return the states that `maker` may reach from `source`, sorted."""
    return tuple(sorted(edge.target for edge in EDGES if edge.source is source and edge.maker == maker))
