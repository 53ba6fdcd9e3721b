"""Exchanges the master key and dies on the way. Run: python -m tests.queue.queue_rotator FOLDER PLACE BATCHES|each

PLACE is an address, or a file. After so many batches the process kills itself with SIGKILL, 0 = before the first, -1 = never. `each` = a
forked process kills itself at its Nth statement, N = 1, 2, ... until one comes through; a line of JSON says how each of them ended and
what is wrong then.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from tests.queue.queue_worker import RealClock
from workqueue import MasterKey, MasterKeys, PostgresAddress, WorkQueue, limits, rotating

BATCH = 10
SMALL_BATCH = 2
MOST_STATEMENTS = 200


class Dying(WorkQueue):
    """Dies before a batch."""

    batches = -1

    def _wrap_batch(self, master: MasterKey, after: str) -> tuple[str, int, list[str]] | None:
        if self.batches == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.batches -= 1
        return super()._wrap_batch(master, after)


def opened(folder: Path, place: str) -> Dying:
    """Open the queue with the keys that are in the file."""
    at = PostgresAddress.parse(place) if "://" in place else Path(place)
    queue = Dying.open(at, key=MasterKeys.load(folder / "master.key"), clock=RealClock())
    assert isinstance(queue, Dying)
    return queue


def die_at(statement: int) -> None:
    """Let this process die before or after one of its statements, or when it commits."""
    done = 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    for what in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(Engine, what, count)


def problems(folder: Path, place: str) -> list[str]:
    """Return what is wrong: every value must open, and the audit must be whole."""
    queue = opened(folder, place)
    found = list(queue.verify_audit().problems) + queue.integrity()
    found += [f"{item.case_id} does not open" for item in queue.items() if queue.draft(item.case_id) != {"of": item.case_id}]
    queue.close()
    return found


def each(folder: Path, place: str) -> None:
    """Kill at every point in turn."""
    limits.ROTATE_BATCH = SMALL_BATCH
    for statement in range(1, MOST_STATEMENTS):
        pid = os.fork()
        if not pid:
            die_at(statement)
            opened(folder, place).rotate_keys("tester")
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(json.dumps({"code": code, "problems": problems(folder, place)}) + "\n")
        if code == 0:
            return


def main() -> None:
    """Exchange the key, or die on the way."""
    folder, place, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    rotating.PAUSE_S = 0.001
    if how == "each":
        each(folder, place)
        return
    limits.ROTATE_BATCH = BATCH
    queue = opened(folder, place)
    queue.batches = int(how)
    queue.rotate_keys("tester")
    queue.close()


if __name__ == "__main__":
    main()
