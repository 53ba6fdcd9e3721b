"""A sick neighbour is left alone, probed by one question at a time, and reported once each way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from standing_clock import StandingClock
from structlog.testing import capture_logs

from connectors.errors import PermanentError, RetriableError
from connectors.transport import Transport, TransportSettings
from connectors.transport.breaker import Breaker, Position
from tests.connectors.transport_server import RawServer, answer, silent

QUICK: dict[str, Any] = {"backoff_first_s": 0, "backoff_max_s": 0, "total_timeout_s": 60, "attempts": 1, "breaker_open_s": 0.2}


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def breaker(clock: StandingClock) -> Breaker:
    return Breaker("registers", failures_to_open=3, open_s=30, monotonic=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(breaker.enter(), "NET-007")


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


def test_it_opens_after_failures_in_a_row_only(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded(breaker.enter())
    fail(breaker, 2)
    assert not breaker.enter().probe
    fail(breaker, 1)
    assert breaker.position is Position.OPEN
    with pytest.raises(RetriableError, match="NET-005") as caught:
        breaker.enter()
    assert caught.value.retry_after_s == 30


def test_one_probe_at_a_time(breaker: Breaker, clock: StandingClock) -> None:
    fail(breaker, 3)
    clock.now = 30
    probe = breaker.enter()
    with pytest.raises(RetriableError, match="NET-005"):
        breaker.enter()
    breaker.succeeded(probe)
    assert breaker.position is Position.CLOSED


def test_a_probe_that_fails_leaves_the_neighbour_alone_again_without_a_second_report(
    breaker: Breaker, clock: StandingClock, logged: list[Any]
) -> None:
    fail(breaker, 3)
    clock.now = 30
    breaker.failed(breaker.enter(), "NET-001")
    assert breaker.position is Position.OPEN
    clock.now = 61
    breaker.succeeded(breaker.enter())
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [("neighbour.lost", "warning"), ("neighbour.back", "info")]
    assert (logged[0]["code"], logged[0]["failures"], logged[1]["away_s"]) == ("NET-007", 3, 61)


def test_a_probe_that_we_give_up_lets_another_one_out(breaker: Breaker, clock: StandingClock) -> None:
    fail(breaker, 3)
    clock.now = 30
    breaker.abandoned(breaker.enter())
    assert breaker.enter().probe


def test_an_old_question_that_ends_late_neither_closes_nor_prolongs(breaker: Breaker, clock: StandingClock) -> None:
    slow, slower = breaker.enter(), breaker.enter()
    fail(breaker, 3)
    clock.now = 29
    breaker.succeeded(slow)
    breaker.failed(slower, "NET-003")
    with pytest.raises(RetriableError, match="NET-005"):
        breaker.enter()
    clock.now = 30
    assert breaker.position is Position.HALF_OPEN


async def test_a_sick_neighbour_is_not_asked_and_recovers_with_one_probe(logged: list[Any]) -> None:
    async with RawServer(answer(500), answer(500), answer()).running() as server:
        transport = Transport(server.url, TransportSettings(**QUICK, breaker_failures=2), neighbour="registers")
        for code in ("NET-007", "NET-007", "NET-005", "NET-005"):
            with pytest.raises(RetriableError, match=code):
                await transport.request("GET", "/x", repeatable=True)
        assert len(server.requests) == 2
        await asyncio.sleep(0.25)
        results = await asyncio.gather(*(transport.request("GET", "/x", repeatable=True) for _ in range(5)), return_exceptions=True)
        await transport.aclose()
    assert len(server.requests) == 3
    assert sum(isinstance(result, RetriableError) for result in results) == 4
    assert [entry["event"] for entry in logged] == ["neighbour.lost", "neighbour.back"]


async def test_a_read_stops_trying_when_the_breaker_opens_and_tells_the_real_reason() -> None:
    async with RawServer(answer(500)).running() as server:
        transport = Transport(server.url, TransportSettings(**(QUICK | {"attempts": 5}), breaker_failures=2), neighbour="registers")
        with pytest.raises(RetriableError, match="NET-007"):
            await transport.request("GET", "/x", repeatable=True)
        await transport.aclose()
    assert len(server.requests) == 2


async def test_silence_opens_the_breaker_and_our_own_cancelling_does_not() -> None:
    async with RawServer(silent).running() as server:
        transport = Transport(server.url, TransportSettings(**QUICK, breaker_failures=1), neighbour="registers")
        task = asyncio.create_task(transport.request("GET", "/x", repeatable=True))
        await server.has_read(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for code in ("NET-004", "NET-005"):
            with pytest.raises(RetriableError, match=code):
                await transport.request("GET", "/x", repeatable=True, total_timeout_s=0.1)
        await transport.aclose()


async def test_a_refusal_shows_a_living_neighbour() -> None:
    async with RawServer(answer(404)).running() as server:
        transport = Transport(server.url, TransportSettings(**QUICK, breaker_failures=1), neighbour="registers")
        for _ in range(3):
            with pytest.raises(PermanentError):
                await transport.request("GET", "/x", repeatable=True)
        await transport.aclose()
