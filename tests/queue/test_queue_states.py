"""The states of a case: code, database and docs/states.md agree, and nothing makes an edge that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from tests.queue.queue_bench import LEASE_S, START, Bench, pulled
from tests.queue.queue_stores import StoreUnderTest
from workqueue import EDGES, ENDED, LEASED, NOT_ENDED, Claimed, Edge, NotAllowed, StaleLease, State, WorkQueue
from workqueue.tables import items

PAGE = Path(__file__).resolve().parents[2] / "docs" / "states.md"


def _rows(heading: str) -> Iterator[list[str]]:
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in ("from", "state"):
            yield cells


DOCUMENTED = [Edge(None if source == "(new)" else State(source), State(target), maker) for source, target, maker, _when in _rows("Edges")]
PAIRS = sorted({(edge.source, edge.target) for edge in EDGES if edge.source})
ILLEGAL = [(source, target) for source in State for target in State if source is not target and (source, target) not in PAIRS]


def test_the_page_lists_every_state() -> None:
    assert [row[0] for row in _rows("States")] == [
        "ready",
        "assessing",
        "waiting_for_income",
        "waiting_for_register",
        "to_deliver",
        "delivering",
        "parked",
        "shadowed",
        "delivered",
        "handed_over",
        "taken_by_person",
        "superseded",
    ]
    assert {row[0] for row in _rows("States")} == set(State)


def test_the_page_and_the_code_have_the_same_edges() -> None:
    assert len(DOCUMENTED) == len(set(DOCUMENTED))
    assert set(DOCUMENTED) == EDGES


def test_every_state_can_be_reached_and_every_state_but_an_end_can_be_left_for_an_end() -> None:
    assert {edge.target for edge in EDGES} == set(State)
    for start in NOT_ENDED:
        reached = {start}
        while more := {edge.target for edge in EDGES if edge.source in reached and edge.maker != "add"} - reached:
            reached |= more
        assert reached & {State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON}, f"{start} is a dead end"


def test_only_pull_and_ops_bring_a_case_back_from_an_end() -> None:
    assert {edge.maker for edge in EDGES if edge.source in ENDED} == {"add", "requeue"}


@pytest.fixture
def store(new_store: Callable[[], StoreUnderTest]) -> StoreUnderTest:
    """An empty store."""
    return new_store()


@pytest.fixture
def raw(store: StoreUnderTest) -> Iterator[Connection]:
    """The database itself, past the queue's methods."""
    with store.raw() as connection:
        yield connection


def _row(number: int, state: State) -> dict[str, Any]:
    return {
        "id": number,
        "case_ref": f"ref{number}",
        "case_system": "s",
        "case_id": f"c{number}",
        "version": "v",
        "is_current": True,
        "number": b"0",
        "assigned_to": b"0",
        "run": 1,
        "state": state,
        "priority": 1,
        "not_before": START,
        "deadline": START,
        "first_pulled_at": START,
        "attempts": 0,
        "rescues": 0,
        "lease": 0,
        "lease_until": 1.0 if state in LEASED else None,
    }


def _put(store: StoreUnderTest, raw: Connection, state: State) -> None:
    """Put a case in a state, past the guards."""
    with store.unguarded(raw):
        raw.execute(insert(items).values(_row(1, state)))


def _move(raw: Connection, target: State) -> None:
    raw.execute(update(items).values(state=target, lease_until=1.0 if target in LEASED else None))


@pytest.mark.parametrize(("source", "target"), ILLEGAL, ids=str)
def test_the_database_refuses_an_illegal_edge(store: StoreUnderTest, raw: Connection, source: State, target: State) -> None:
    _put(store, raw, source)
    with pytest.raises(IntegrityError, match="no such edge"):
        _move(raw, target)
    assert raw.execute(select(items.c.state)).scalar_one() == source


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=str)
def test_the_database_lets_a_legal_edge_through(store: StoreUnderTest, raw: Connection, source: State, target: State) -> None:
    _put(store, raw, source)
    _move(raw, target)
    assert raw.execute(select(items.c.state)).scalar_one() == target


@pytest.mark.parametrize("state", [state for state in State if state is not State.READY])
def test_a_case_begins_as_ready_only(raw: Connection, state: State) -> None:
    with pytest.raises(IntegrityError, match="begins as ready"):
        raw.execute(insert(items).values(_row(1, state)))
    raw.execute(insert(items).values(_row(1, State.READY)))


METHODS: dict[str, Callable[[Bench, Claimed], object]] = {
    "add": lambda bench, _: bench.queue.add(pulled(version="v1")),
    "add newer": lambda bench, _: bench.queue.add(pulled(version="newer")),
    "claim": lambda bench, _: bench.queue.claim("other", 10, LEASE_S),
    "rest for income": lambda bench, held: bench.queue.rest(held, State.WAITING_FOR_INCOME, bench.in_hours(1), "code"),
    "rest for register": lambda bench, held: bench.queue.rest(held, State.WAITING_FOR_REGISTER, bench.in_hours(1), "code"),
    "finish": lambda bench, held: bench.finish(held),
    "finish_in_shadow": lambda bench, held: bench.queue.finish_in_shadow(held, "ok", {}),
    "try_later": lambda bench, held: bench.queue.try_later(held, bench.in_hours(1), "code"),
    "park": lambda bench, held: bench.queue.park(held, "code"),
    "end delivered": lambda bench, held: bench.queue.end(held, State.DELIVERED),
    "end handed_over": lambda bench, held: bench.queue.end(held, State.HANDED_OVER),
    "end delivered with receipts": lambda bench, held: _end_with_receipts(bench, held, State.DELIVERED),
    "end handed_over with receipts": lambda bench, held: _end_with_receipts(bench, held, State.HANDED_OVER),
    "end taken_by_person": lambda bench, held: bench.queue.end(held, State.TAKEN_BY_PERSON),
    "amend": lambda bench, held: bench.queue.amend(held, "review", {}, []),
    "heartbeat": lambda bench, held: bench.queue.heartbeat([held], LEASE_S),
    "release_expired too early": lambda bench, _: bench.queue.release_expired(),
    "release_expired": lambda bench, _: _later(bench).release_expired(),
    "release_due too early": lambda bench, _: bench.queue.release_due(),
    "release_due": lambda bench, _: _later(bench).release_due(),
    "requeue": lambda bench, _: bench.queue.requeue(bench.first_ref, "why", "ops"),
    "requeue anew": lambda bench, _: bench.queue.requeue(bench.first_ref, "why", "ops", anew=True),
}


IN_TWO_STEPS: dict[Edge, Callable[[Bench], object]] = {
    Edge(State.PARKED, State.TO_DELIVER, "requeue"): lambda bench: bench.queue.park(bench.delivering(), "code"),
    **{
        Edge(source, State.READY, "add"): lambda bench: bench.queue.add(pulled(version="newer"))
        for source in (State.SHADOWED, State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON)
    },
}
"""What must be done first for the edges that need more than the state."""


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("method", METHODS)
def test_whatever_is_called_in_whatever_state_only_an_edge_of_the_table_is_made(bench: Bench, state: State, method: str) -> None:
    bench.into(state)
    held = bench.holder()
    try:
        METHODS[method](bench, held)
    except (NotAllowed, StaleLease):
        refused = True
    else:
        refused = False

    after = bench.item(bench.first_ref).state
    assert after is state or (not refused and Edge(state, after, _maker(method)) in EDGES)


@pytest.mark.parametrize(
    "edge", sorted(edge for edge in EDGES if edge.source), ids=lambda edge: f"{edge.source}>{edge.target} {edge.maker}"
)
def test_every_edge_of_the_table_is_made_by_its_method(benches: Callable[[], Bench], edge: Edge) -> None:
    assert edge.source is not None
    made = set()
    for method in (method for method in METHODS if _maker(method) == edge.maker):
        bench = benches()
        if edge.source is not State.PARKED or edge not in IN_TWO_STEPS:
            bench.into(edge.source)
        if edge in IN_TWO_STEPS:
            IN_TWO_STEPS[edge](bench)
        assert bench.item(bench.first_ref).state is edge.source
        with suppress(NotAllowed, StaleLease):
            METHODS[method](bench, bench.holder())
        made.add(bench.item(bench.first_ref).state)
    assert edge.target in made


def _later(bench: Bench) -> WorkQueue:
    bench.clock.advance(hours=2)
    return bench.queue


def _end_with_receipts(bench: Bench, held: Claimed, end: State) -> None:
    bench.deliver(held)
    bench.queue.end(held, end)


def _maker(method: str) -> str:
    return method.split(maxsplit=1)[0]
