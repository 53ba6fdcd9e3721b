"""An idle robot is woken by another one's work, also after the line was lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from robot import waking
from robot.waking import Listening
from workqueue import Listener, PostgresAddress, RetriableQueueError

PLACE = PostgresAddress.parse("postgresql://robot@/queue?host=/nowhere")


class FakeListener(Listener):
    """Hears what is written into a pipe; `x` is the end of the line."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.closed = False

    def fileno(self) -> int:
        return self.reading

    def heard(self) -> bool:
        if os.read(self.reading, 1) == b"x":
            raise RetriableQueueError("QUE-005")
        return True

    def close(self) -> None:
        if not self.closed:
            os.close(self.reading)
            os.close(self.writing)
        self.closed = True


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  what is waited for is a plain list
            await asyncio.sleep(0.005)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[FakeListener | RetriableQueueError]:
    """What each try to connect finds; the last one stays."""
    found: list[FakeListener | RetriableQueueError] = []

    def listen(_place: PostgresAddress) -> Listener:
        one = found.pop(0)
        if isinstance(one, RetriableQueueError):
            raise one
        return one

    monkeypatch.setattr(waking, "listen", listen)
    monkeypatch.setattr(waking, "TRY_AGAIN_S", 0.01)
    return found


async def test_a_line_that_cannot_be_made_or_is_lost_is_made_again_and_then_looked_once(
    lines: list[FakeListener | RetriableQueueError], tmp_path: Path
) -> None:
    first, second = FakeListener(), FakeListener()
    lines += [RetriableQueueError("QUE-005"), first, second]
    woken: list[int] = []
    task = asyncio.create_task(Listening(PLACE, lambda: woken.append(1)).run())
    await until(lambda: len(woken) == 1)
    os.write(first.writing, b".")
    await until(lambda: len(woken) == 2)
    os.write(first.writing, b"x")
    await until(lambda: len(woken) == 3)
    assert first.closed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert second.closed
