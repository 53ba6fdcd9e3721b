"""Calls from the event loop: in one transaction when they wait together, answered when it is on disk, each failing alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from robot import database
from robot.database import Database
from workqueue import RetriableQueueError, StaleLease

GO_ON_S = 60


class Ledger:
    """Stands in for a queue: what was done counts when its group has ended, and the end of a group can be held or refused."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.groups: list[list[str]] = []
        self.noted = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.refuse: Exception | None = None
        self._now: list[str] = []

    def group(self) -> AbstractContextManager[None]:
        """Store together what is noted meanwhile."""
        return self._group()

    @contextmanager
    def _group(self) -> Iterator[None]:
        self._now = []
        yield
        assert self.go_on.wait(GO_ON_S)
        if self.refuse is not None:
            raise self.refuse
        self.groups.append(self._now)
        self.stored += self._now

    def note(self, what: str) -> str:
        """Do something."""
        self._now.append(what)
        self.noted.set()
        return f"{what} done"

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def ledger() -> Ledger:
    """What stands in for a queue."""
    return Ledger()


@pytest.fixture
def calls(ledger: Ledger) -> Iterator[Database]:
    """The thread in front of it."""
    opened = Database(ledger)  # type: ignore[arg-type]  # what it needs of a queue
    yield opened
    ledger.go_on.set()
    opened.close()


def noting(what: str) -> Callable[[Any], str]:
    """Return a call that notes something."""
    return lambda ledger: str(ledger.note(what))


async def _busy(ledger: Ledger, calls: Database) -> asyncio.Task[str]:
    """Let the thread stand before the end of a group, with one call in it."""
    ledger.go_on.clear()
    first = asyncio.create_task(calls.call(noting("first")))
    assert await asyncio.to_thread(ledger.noted.wait, GO_ON_S)
    return first


async def test_calls_that_wait_together_share_one_transaction_in_their_order(ledger: Ledger, calls: Database) -> None:
    first = await _busy(ledger, calls)
    others = [asyncio.create_task(calls.call(noting(f"call {number}"))) for number in range(20)]
    await asyncio.sleep(0)
    ledger.go_on.set()
    assert await asyncio.gather(first, *others) == ["first done", *(f"call {number} done" for number in range(20))]
    assert ledger.groups == [["first"], [f"call {number}" for number in range(20)]]


async def test_nobody_is_answered_before_all_is_on_disk(ledger: Ledger, calls: Database) -> None:
    first = await _busy(ledger, calls)
    await asyncio.sleep(0.05)
    assert not first.done()
    ledger.go_on.set()
    assert await first == "first done"
    assert ledger.stored == ["first"]


async def test_a_call_that_fails_fails_alone(ledger: Ledger, calls: Database) -> None:
    def stale(_: object) -> None:
        raise StaleLease("abc")

    first = await _busy(ledger, calls)
    mixed = [calls.call(action) for action in (noting("before"), stale, noting("after"))]
    gathered = asyncio.gather(*mixed, return_exceptions=True)
    await asyncio.sleep(0)
    ledger.go_on.set()
    before, refused, after = await gathered
    assert (before, after) == ("before done", "after done")
    assert isinstance(refused, StaleLease)
    assert ledger.groups == [["first"], ["before", "after"]]
    await first


async def test_when_the_transaction_cannot_be_stored_every_caller_is_told_so(ledger: Ledger, calls: Database) -> None:
    def stale(_: object) -> None:
        raise StaleLease("seen in what was never stored")

    first = await _busy(ledger, calls)
    gathered = asyncio.gather(*(calls.call(action) for action in (noting("a"), stale, noting("b"))), return_exceptions=True)
    await asyncio.sleep(0)
    ledger.refuse = RetriableQueueError("QUE-002")
    ledger.go_on.set()
    told = [*await gathered, *await asyncio.gather(first, return_exceptions=True)]
    assert [getattr(one, "code", one) for one in told] == ["QUE-002"] * 4
    assert ledger.stored == []
    ledger.refuse = None
    assert await calls.call(noting("later")) == "later done"


async def test_a_slow_call_does_not_keep_those_behind_it_out_for_ever(
    ledger: Ledger, calls: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "GROUP_S", 0.01)
    slow_ends = threading.Event()

    def slow(ledger: Ledger) -> str:
        slow_ends.wait(GO_ON_S)
        return ledger.note("slow")

    tasks = [asyncio.create_task(calls.call(slow))]  # type: ignore[arg-type]  # what it needs of a queue
    tasks += [asyncio.create_task(calls.call(noting(f"call {number}"))) for number in range(5)]
    await asyncio.sleep(0.05)
    slow_ends.set()
    await asyncio.gather(*tasks)
    assert ledger.groups[0] == ["slow"], "what was done by then is stored, before more is taken in"
    assert [what for group in ledger.groups for what in group] == ["slow", *(f"call {number}" for number in range(5))]


async def test_a_transaction_takes_in_only_so_many_calls(ledger: Ledger, calls: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "GROUP_CALLS", 4)
    first = await _busy(ledger, calls)
    others = [asyncio.create_task(calls.call(noting(str(number)))) for number in range(10)]
    await asyncio.sleep(0)
    ledger.go_on.set()
    await asyncio.gather(first, *others)
    assert max(len(group) for group in ledger.groups) == 4


async def test_a_call_whose_caller_has_gone_before_it_began_is_not_made(ledger: Ledger, calls: Database) -> None:
    first = await _busy(ledger, calls)
    gone, stays = asyncio.create_task(calls.call(noting("gone"))), asyncio.create_task(calls.call(noting("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    ledger.go_on.set()
    await asyncio.gather(first, stays)
    assert ledger.stored == ["first", "stays"]


async def test_a_call_that_has_begun_is_finished_although_its_caller_has_gone(ledger: Ledger, calls: Database) -> None:
    first = await _busy(ledger, calls)
    first.cancel()
    await asyncio.sleep(0)
    ledger.go_on.set()
    assert await calls.call(noting("next")) == "next done"
    assert ledger.stored == ["first", "next"]


async def test_what_is_called_before_the_end_is_done_before_it_is_closed(ledger: Ledger, calls: Database) -> None:
    first = await _busy(ledger, calls)
    waiting = [asyncio.create_task(calls.call(noting(str(number)))) for number in range(3)]
    await asyncio.sleep(0)
    ledger.go_on.set()
    await asyncio.to_thread(calls.close)
    await asyncio.gather(first, *waiting)
    assert ledger.stored == ["first", "0", "1", "2"]
    with pytest.raises(RuntimeError):
        await calls.call(noting("too late"))
