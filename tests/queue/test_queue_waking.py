"""Promises about being told of new work: at once, only when it is there, and without a word about a case."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from postgres_server import PostgresServer

from tests.queue.queue_bench import LEASE_S, Bench, FakeClock, pulled
from tests.queue.queue_stores import PostgresStore
from workqueue import Listener, RetriableQueueError, State, listen
from workqueue.waking import CHANNEL

WITHIN_S = 60.0
SOON_S = 0.2


@pytest.fixture
def told(postgres: PostgresStore) -> Iterator[Bench]:
    clock = FakeClock()
    bench = Bench(postgres.open(clock), clock, postgres)
    yield bench
    bench.close()


@pytest.fixture
def listener(postgres: PostgresStore) -> Iterator[Listener]:
    one = listen(postgres.place)
    yield one
    one.close()


def hears(listener: Listener, within_s: float = WITHIN_S) -> bool:
    return bool(select.select([listener.fileno()], [], [], within_s)[0]) and listener.heard()


def test_who_listens_hears_of_a_new_case_and_of_nothing_else_about_it(told: Bench, listener: Listener, postgres: PostgresStore) -> None:
    with postgres.raw() as raw:
        driver = raw.connection.driver_connection
        assert driver is not None
        driver.execute(f"LISTEN {CHANNEL}")
        told.queue.add(pulled("a"))
        (note,) = driver.notifies(timeout=WITHIN_S, stop_after=1)
        driver.execute(f"UNLISTEN {CHANNEL}")
    assert note.payload == ""
    assert hears(listener)
    assert not hears(listener, SOON_S), "it is heard once"


def test_a_case_that_is_there_already_wakes_nobody(told: Bench, listener: Listener) -> None:
    told.queue.add(pulled("a"))
    assert hears(listener)
    told.queue.add(pulled("a"))
    assert not hears(listener, SOON_S)


def test_rescued_woken_and_requeued_cases_are_told_of(told: Bench, listener: Listener) -> None:
    told.queue.rest(told.assessing("a"), State.WAITING_FOR_INCOME, told.in_hours(1), "income_month_open")
    assert hears(listener)
    told.queue.release_due()
    assert not hears(listener, SOON_S), "nothing was due"
    told.clock.advance(hours=2)
    told.queue.release_due()
    assert hears(listener)
    told.queue.claim("worker", 1, LEASE_S)
    told.clock.advance(hours=1)
    told.queue.release_expired()
    assert hears(listener)
    told.queue.requeue("a", "the applicant called", "ops")
    assert hears(listener)


def test_a_connection_that_is_lost_says_so(listener: Listener, server: PostgresServer, told: Bench) -> None:
    with server.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    assert select.select([listener.fileno()], [], [], WITHIN_S)[0]
    with pytest.raises(RetriableQueueError):
        _hear_all(listener)


def _hear_all(listener: Listener) -> None:
    """The server's last words come before the end of the line."""
    for _ in range(3):
        hears(listener)
