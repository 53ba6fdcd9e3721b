"""How long a claim takes among a million cases that have ended: on a file, and on a PostgreSQL server. Prints one line of JSON.

The ended cases are put in by SQL, past the queue. Then cases are pulled, and claimed one at a time and 16 at a time, each claim a
transaction that waits for the disk; so does a heartbeat of 16.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from benchmarks.queue_load import LEASE_S, MachineClock, fill
from benchmarks.queue_rate import server_cpu_s
from workqueue import MasterKey, State, WorkQueue
from workqueue.database import Place

ENDED = 1_000_000
TO_CLAIM = 500
CLAIMS = 200
MANY = 16
BEATS = 50
CLAIM_LIMIT_MS = 5.0
"""What a claim may take."""
_COLUMNS = """case_ref, case_system, case_id, version, is_current, number, assigned_to, month, run, state, priority, not_before, deadline,
    first_pulled_at, attempts, rescues, lease, outcome, ended_at"""
_ENDED = {
    "sqlite": f"""WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :ended)
    INSERT INTO items ({_COLUMNS}) SELECT 'b' || n, 'caremanagement', 'ended-' || n, 'v1', 1, zeroblob(161), zeroblob(161), '2026-11', 1,
    'delivered', 1, '2026-11-01 08:00:00.000000', '2026-11-02 08:00:00.000000', '2026-11-01 08:00:00.000000', 0, 0, 1, 'ok',
    '2026-11-01 09:00:00.000000' FROM numbers""",
    "postgresql": f"""INSERT INTO items ({_COLUMNS}) SELECT 'b' || n, 'caremanagement', 'ended-' || n, 'v1', true,
    decode(repeat('00', 161), 'hex'), decode(repeat('00', 161), 'hex'), '2026-11', 1, 'delivered', 1,
    '2026-11-01 08:00Z', '2026-11-02 08:00Z', '2026-11-01 08:00Z', 0, 0, 1,
    'ok', '2026-11-01 09:00Z' FROM generate_series(1, :ended) AS numbers(n)""",
}
_GUARD = text("SELECT sql FROM sqlite_master WHERE name = 'items_start'")


def put_in(queue: WorkQueue, ended: int) -> None:
    """Put in cases that have ended. The guard that lets a case begin only as ready is out of the way meanwhile."""
    with queue._db.write() as tx, _unguarded(tx):
        if tx.dialect.name == "postgresql":
            tx.execute(text("SET LOCAL statement_timeout = 0"))
        tx.execute(text(_ENDED[tx.dialect.name]), {"ended": ended})
    with queue._db.write() as tx:
        tx.execute(text("ANALYZE"))


@contextmanager
def _unguarded(tx: Connection) -> Iterator[None]:
    if tx.dialect.name == "postgresql":
        tx.execute(text("SET LOCAL session_replication_role = replica"))
        yield
        return
    guard = tx.execute(_GUARD).scalar_one()
    tx.execute(text("DROP TRIGGER items_start"))
    yield
    tx.execute(text(guard))


def _times(action: Callable[[], object], times: int, server: int | None) -> dict[str, float]:
    """Return the median and the slowest but one in a hundred, in milliseconds, and the CPU of each, the server's too."""
    spent = []
    cpu = time.process_time() + server_cpu_s(server)
    for _ in range(times):
        began = time.perf_counter()
        action()
        spent.append((time.perf_counter() - began) * 1000)
    cpu = time.process_time() + server_cpu_s(server) - cpu
    slowest = statistics.quantiles(spent, n=100)[98]
    return {"median_ms": round(statistics.median(spent), 2), "p99_ms": round(slowest, 2), "cpu_ms": round(cpu / times * 1000, 2)}


def at(place: Place, key: MasterKey, ended: int, server: int | None = None) -> dict[str, Any]:
    """Return the figures for one kind of store."""
    queue = WorkQueue.open(place, key=key, clock=MachineClock())
    found: dict[str, Any] = {}
    for name, number in (("empty", 0), ("among_many", ended)):
        if number:
            put_in(queue, number)
        fill(queue, CLAIMS + TO_CLAIM + MANY, prefix=name)
        one = _times(lambda: queue.claim("bench", 1, LEASE_S), CLAIMS, server)
        many = _times(lambda: queue.claim("bench", MANY, LEASE_S), TO_CLAIM // MANY, server)
        held = queue.claim("bench", MANY, LEASE_S)
        beat = _times(partial(queue.heartbeat, held, LEASE_S), BEATS, server)
        found[name] = {"claim_1": one, f"claim_{MANY}": many, f"heartbeat_{MANY}": beat}
        for case in held:
            queue.end(case, State.TAKEN_BY_PERSON)
    found["is_within_limit"] = found["among_many"]["claim_1"]["median_ms"] < CLAIM_LIMIT_MS
    queue.close()
    return found


def measure(ended: int = ENDED) -> dict[str, Any]:
    """Return the figures of both kinds."""
    # The tests' server: they have their helpers on the path, a benchmark has not.
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "support"))
    from postgres_server import postgres_server

    with tempfile.TemporaryDirectory() as folder, postgres_server({}) as server:
        key = MasterKey.load_or_create(Path(folder) / "master.key")
        sqlite, postgres = at(Path(folder) / "queue.db", key, ended), at(server.address(), key, ended, server.pid)
    return {"benchmark": "claim_among_many", "ended": ended, "sqlite": sqlite, "postgres": postgres}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ended", type=int, default=ENDED)
    print(json.dumps(measure(parser.parse_args().ended)))


if __name__ == "__main__":
    main()
