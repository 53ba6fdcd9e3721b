"""What comes of each question is counted, by neighbour and code alone, and nothing that was asked is in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.errors import ConnectorError
from connectors.transport import Tally, Transport, TransportSettings
from connectors.transport.breaker import Position
from connectors.transport.failures import FAILURES, NOT_SENT
from tests.connectors.transport_server import RawServer, answer, close, silent

QUICK: dict[str, Any] = {"backoff_first_s": 0, "backoff_max_s": 0, "total_timeout_s": 5, "attempts": 3}


class Counted:
    """A transport to a server that misbehaves as told, and what it counts."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.tally = Tally("registers")
        self.transport = Transport(url, TransportSettings(**(QUICK | settings)), neighbour="registers", tallies=lambda _: self.tally)

    async def ask(self, **more: Any) -> str:
        """Ask once; return the code of the error, '' = none."""
        try:
            await self.transport.request("GET", "/x", **({"repeatable": True} | more))
        except ConnectorError as error:
            return error.code
        return ""


async def test_an_answer_counts_once_with_its_time() -> None:
    async with RawServer(answer()).running() as server:
        counted = Counted(server.url)
        assert await counted.ask() == ""
        await counted.transport.aclose()

    assert sum(counted.tally.classes) == 1
    assert 0 < counted.tally.seconds < 5
    assert (counted.tally.errors, counted.tally.repeats) == ({}, 0)


async def test_a_read_that_is_sent_again_counts_each_time_with_each_error() -> None:
    async with RawServer(answer(500), close, answer()).running() as server:
        counted = Counted(server.url)
        assert await counted.ask() == ""
        await counted.transport.aclose()

    assert sum(counted.tally.classes) == 3
    assert (counted.tally.errors, counted.tally.repeats) == ({"NET-007": 1, "NET-003": 1}, 2)


async def test_questions_that_are_not_sent_count_as_that_alone() -> None:
    async with RawServer(answer(500)).running() as server:
        counted = Counted(server.url, breaker_failures=1, attempts=1)
        assert [await counted.ask() for _ in range(3)] == ["NET-007", "NET-005", "NET-005"]
        positions = [counted.tally.position]
        await counted.transport.aclose()
        positions.append(counted.tally.position)
        assert await counted.ask() == "NET-017"

    assert positions == [Position.OPEN, Position.CLOSED], "a transport that is closed tells no more of the neighbour"
    assert sum(counted.tally.classes) == 1
    assert counted.tally.errors == {"NET-007": 1, "NET-005": 2, "NET-017": 1}
    assert set(counted.tally.errors) - NOT_SENT == {"NET-007"}


async def test_silence_counts_with_the_time_until_we_give_up_and_who_waits_behind_it_was_not_sent() -> None:
    async with RawServer(silent).running() as server:
        counted = Counted(server.url, pool_size=1)
        codes = await asyncio.gather(counted.ask(total_timeout_s=0.3), counted.ask(total_timeout_s=0.2))
        await counted.transport.aclose()

    assert list(codes) == ["NET-004", "NET-016"]
    assert counted.tally.errors == {"NET-004": 1, "NET-016": 1}
    assert sum(counted.tally.classes) == 1
    assert counted.tally.seconds >= 0.3


async def test_a_question_that_others_give_up_counts_with_its_time_and_is_no_error() -> None:
    async with RawServer(silent).running() as server:
        counted = Counted(server.url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await counted.ask()
        await counted.transport.aclose()

    assert counted.tally.seconds >= 0.2
    assert counted.tally.errors == {}


async def test_what_is_wrong_with_a_whole_answer_counts_too() -> None:
    async with RawServer(answer(200, b"{")).running() as server:
        counted = Counted(server.url)
        found = await counted.transport.request("GET", "/x", repeatable=True)
        with pytest.raises(ConnectorError, match="NET-015"):
            found.json()
        await counted.transport.aclose()

    assert counted.tally.errors == {"NET-015": 1}


async def test_there_is_an_end_to_what_is_counted_whatever_is_asked() -> None:
    async with RawServer(answer(404)).running() as server:
        counted = Counted(server.url)
        for number in range(50):
            with pytest.raises(ConnectorError):
                await counted.transport.request("GET", f"/cases/{number}", repeatable=True)
        await counted.transport.aclose()

    assert counted.tally.errors == {"NET-009": 50}
    assert set(counted.tally.errors) <= set(FAILURES)
