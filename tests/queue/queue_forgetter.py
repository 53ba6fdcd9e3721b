"""Forgets by a list and dies on the way, again and again. Run: python -m tests.queue.queue_forgetter FOLDER LIST CASES [ADDRESS]

A forked process carries the list out, one case a batch, and kills itself with SIGKILL after its Nth statement, N = 1, 2, ... until one
comes through. After each the queue is looked at; a line of JSON says how that one ended and what is wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from tests.queue.queue_worker import RealClock
from workqueue import MasterKey, PostgresAddress, WorkQueue

MOST_STATEMENTS = 400


def opened(folder: Path) -> WorkQueue:
    """Open the queue: on the server whose address was given, else in the folder."""
    place = PostgresAddress.parse(sys.argv[4]) if len(sys.argv) > 4 else folder / "queue.db"
    return WorkQueue.open(place, key=MasterKey.load(folder / "master.key"), clock=RealClock())


def forget(folder: Path, list_ref: str, die_after: int) -> None:
    """Carry the list out, and die after that many statements."""
    queue = opened(folder)
    done = 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == die_after:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "after_cursor_execute", count)
    event.listen(Engine, "commit", count)
    while queue.forget_some(list_ref, 1).left:
        continue
    queue.erase_traces()
    queue.close()


def problems(folder: Path, cases: list[str]) -> list[str]:
    """Return what is wrong: a case must be there in full or gone in full, and the audit must be whole."""
    queue = opened(folder)
    found = list(queue.verify_audit().problems) + queue.integrity()
    for ref in cases:
        item, left, told = queue.item(ref), queue.forgotten(ref), queue.events(ref)
        details = any(event.details for event in told if event.what != "forgotten")
        there = [item is not None, queue.draft(ref) is not None, bool(queue.full_writes(ref)), left is None, details]
        said = [event.what for event in told].count("forgotten")
        if len(set(there)) != 1 or said != (0 if item else 1):
            found.append(f"half forgotten: {there}, said {said} times")
    queue.close()
    return found


def main() -> None:
    """Kill at every point in turn."""
    folder, list_ref, cases = Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
    for die_after in range(1, MOST_STATEMENTS):
        pid = os.fork()
        if not pid:
            forget(folder, list_ref, die_after)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(json.dumps({"code": code, "problems": problems(folder, cases)}) + "\n")
        if code == 0:
            return


if __name__ == "__main__":
    main()
