"""A worker of a parent with nothing to do: `stand_in_worker.py FOLDER SILENT_S HOW NUMBER`. The first one does as HOW says."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from robot.lifeline import ToParent

FOR_EVER_S = 600
PERSON = "191212121212"


def sleep(of: str) -> None:
    """Stand still and use no processor, with something in hand."""
    time.sleep(FOR_EVER_S + len(of))


def spin(of: str) -> None:
    """Stand still and use all of one."""
    until = time.monotonic() + FOR_EVER_S + len(of)
    while time.monotonic() < until:
        """Nothing is let in between."""


def start() -> None:
    """Never come as far as to a loop."""
    time.sleep(FOR_EVER_S)


async def work(folder: Path, tie: ToParent, how: str) -> None:
    """Turn until told to stop; one that is not well stands still soon."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    holding = asyncio.create_task(tie.hold(stopping.set))
    await asyncio.sleep(0)
    with (folder / "started").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    if how == "sleep":
        sleep(PERSON)
    if how == "spin":
        spin(PERSON)
    await stopping.wait()
    holding.cancel()


def main() -> None:
    """Be the worker."""
    folder, how = Path(sys.argv[1]), sys.argv[3]
    tie = ToParent(float(sys.argv[2]))
    first = folder / f"{sys.argv[4]}.first"
    if first.exists():
        how = "well"
    first.touch()
    if how == "start":
        start()
    if how == "slow":
        time.sleep(3 * float(sys.argv[2]))
    asyncio.run(work(folder, tie, how))


if __name__ == "__main__":
    main()
