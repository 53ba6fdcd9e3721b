"""Work for `queue_rate`: cases as large as real ones, and the ways to take them through the queue. Also a worker in its own process:

    python -m benchmarks.queue_load FOLDER WAY [ADDRESS]

It takes the cases of the queue in FOLDER, or of the server at ADDRESS, when a line comes on its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from robot.database import Database
from workqueue import AuditEvent, Claimed, Finished, MasterKey, NewEffect, PostgresAddress, PulledCase, State, WorkQueue

ADD = 500
BATCH = 300
"""Finished, and the next ones claimed, in one transaction by `in_batches`: more fill the memory that a file's writer has."""
CALLERS = 64
"""Cases in flight by `all_the_way`."""
LEASE_S = 60.0
KINDS = ("under_review", "native_draft", "recommendation", "document", "warning", "awaiting_decision")
LINES = 28


class MachineClock:
    """Both times are the machine's."""

    def now(self) -> datetime:
        """Return the time now."""
        return datetime.now(UTC)

    def machine_s(self) -> float:
        """Return seconds since 1970."""
        return time.time()


def draft(case_id: str) -> dict[str, Any]:
    """Return a draft as large as an ordinary case's: 28 lines with their traces, and a page of text."""
    lines = [
        {
            "key": f"cost.{number}.{case_id}",
            "section": "cost",
            "label": "Boendekostnad",
            "amount": f"{6900 + number}.00",
            "previous": f"{6800 + number}.00",
            "trace": {"rule": "cost.capped", "law": "SoL 2025:400 12 kap. 7 §", "because": "inom tak och tröskel", "facts": [case_id]},
        }
        for number in range(LINES)
    ]
    return {"assessment": {"case_id": case_id, "outcome": "ok", "lines": lines}, "document": "Underlag för beslut. " * 120}


DRAFT = draft("case-0")
"""Made once: what is measured is the queue."""
PAYLOAD = {"text": "Underlag. " * 40}


def fill(queue: WorkQueue, cases: int, prefix: str = "case") -> None:
    """Pull that many cases."""
    deadline = datetime.now(UTC) + timedelta(days=1)
    pulled = [
        PulledCase("caremanagement", f"{prefix}-{number}", number=f"EB-{number}", version="v1", deadline=deadline, month="2026-12")
        for number in range(cases)
    ]
    for start in range(0, cases, ADD):
        queue.add_many(pulled[start : start + ADD])


def _finished(case: Claimed) -> Finished:
    effects = [NewEffect(f"{case.case_id}:v1:{kind}:1", kind, PAYLOAD) for kind in KINDS]
    return Finished(case, "ok", DRAFT, effects, [AuditEvent("case.assessed", details={"outcome": "ok"})])


def _finish(queue: WorkQueue, case: Claimed) -> None:
    one = _finished(case)
    queue.finish(case, one.outcome, one.draft, one.effects, one.events)


def in_batches(queue: WorkQueue) -> int:
    """Finish many and claim the next ones: the draft, six writes and the audit of each."""
    done, name = 0, f"bench-{os.getpid()}"
    claimed = queue.claim(name, BATCH, LEASE_S)
    while claimed:
        done += len(claimed)
        with queue.group():
            refused = [one for one in queue.finish_many([_finished(case) for case in claimed]) if one is not None]
            claimed = queue.claim(name, BATCH, LEASE_S)
        if refused:
            raise refused[0]
    return done


def one_by_one(queue: WorkQueue) -> int:
    """Take every case all the way, each call by itself: claimed, finished, six receipts, ended."""
    done, name = 0, f"bench-{os.getpid()}"
    while claimed := queue.claim(name, 16, LEASE_S):
        for case in claimed:
            _finish(queue, case)
            for effect in queue.pending_effects(case):
                queue.receipt(case, effect.key, "reference")
            queue.end(case, State.DELIVERED, [AuditEvent("case.delivered")])
            done += 1
    return done


def all_the_way(queue: WorkQueue) -> int:
    """Take every case all the way as the daemon does: many callers on one event loop, whose calls share transactions."""
    return asyncio.run(_all_the_way(Database(queue)))


async def _all_the_way(database: Database) -> int:
    name = f"bench-{os.getpid()}"
    waiting: list[Claimed] = []
    claiming = asyncio.Lock()

    async def caller() -> int:
        done = 0
        while True:
            async with claiming:
                if not waiting:
                    waiting.extend(await database.call(lambda queue: queue.claim(name, CALLERS, LEASE_S)))
                if not waiting:
                    return done
                case = waiting.pop()
            await database.call(partial(_finish, case=case))
            for effect in await database.call(partial(WorkQueue.pending_effects, claimed=case)):
                await database.call(partial(WorkQueue.receipt, claimed=case, effect_key=effect.key, reference="reference"))
            await database.call(partial(WorkQueue.end, claimed=case, end_state=State.DELIVERED, events=[AuditEvent("case.delivered")]))
            done += 1

    return sum(await asyncio.gather(*(caller() for _ in range(CALLERS))))


WAYS: dict[str, Callable[[WorkQueue], int]] = {"in_batches": in_batches, "all_the_way": all_the_way, "one_by_one": one_by_one}


def main() -> None:
    """Take cases until none is left; print what was done as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("way", choices=sorted(WAYS))
    parser.add_argument("address", nargs="?")
    options = parser.parse_args()
    place = PostgresAddress.parse(options.address) if options.address else options.folder / "queue.db"
    queue = WorkQueue.open(place, key=MasterKey.load(options.folder / "master.key"), clock=MachineClock())
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    done = WAYS[options.way](queue)
    print(json.dumps({"done": done, "cpu_s": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
