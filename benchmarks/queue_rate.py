"""How many cases a second one process can take through the queue: claimed, finished, delivered, ended.

A draft of about 10 kB and six writes with a receipt each, as for an ordinary case; nothing else is done with it. Prints one line of JSON.
Every commit waits for the disk, so the rate follows the disk's. The peer is plain sqlite3 with the same durability, the same rows in the
same transactions, without leases, encryption and audit.

`--on postgres` measures on a server of its own, durable as well, by one thread and by several; its peer is the same queue on a file in
the same run.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workqueue import AuditEvent, MasterKey, NewEffect, PulledCase, State, WorkQueue

BATCH = 16
CASES = 300
LEASE_S = 60.0
KINDS = ("under_review", "native_draft", "recommendation", "document", "warning", "awaiting_decision")
LINES = 28
THREADS = (1, 2, 4)


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


def fill(queue: WorkQueue, cases: int) -> None:
    """Pull that many cases."""
    deadline = datetime.now(UTC) + timedelta(days=1)
    pulled = [
        PulledCase("caremanagement", f"case-{number}", number=f"EB-{number}", version="v1", deadline=deadline, month="2026-12")
        for number in range(cases)
    ]
    for start in range(0, cases, 100):
        queue.add_many(pulled[start : start + 100])


def drain(queue: WorkQueue) -> int:
    """Take every case all the way, in batches; return how many."""
    done = 0
    while claimed := queue.claim("bench", BATCH, LEASE_S):
        for case in claimed:
            effects = [NewEffect(f"{case.case_id}:v1:{kind}:1", kind, {"text": "Underlag. " * 40}) for kind in KINDS]
            queue.finish(case, "ok", draft(case.case_id), effects, [AuditEvent("case.assessed", details={"outcome": "ok"})])
            for effect in queue.pending_effects(case):
                queue.receipt(case, effect.key, "reference")
            queue.end(case, State.DELIVERED, [AuditEvent("case.delivered")])
            done += 1
    return done


def plain_sqlite(path: Path, cases: int) -> tuple[float, float]:
    """Store as many drafts and writes by sqlite3 alone; return seconds of wall and of CPU."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE cases (id TEXT PRIMARY KEY, state TEXT, draft BLOB)")
    connection.execute("CREATE TABLE effects (key TEXT PRIMARY KEY, payload BLOB, done_at REAL)")
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(cases):
        case_id = f"case-{number}"
        keys = [f"{case_id}:{kind}" for kind in KINDS]
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO cases VALUES (?, 'delivering', ?)", (case_id, json.dumps(draft(case_id)).encode()))
        payload = json.dumps({"text": "Underlag. " * 40}).encode()
        connection.executemany("INSERT INTO effects VALUES (?, ?, NULL)", [(key, payload) for key in keys])
        connection.execute("COMMIT")
        for key in keys:
            connection.execute("UPDATE effects SET done_at = ? WHERE key = ?", (time.time(), key))
        connection.execute("UPDATE cases SET state = 'delivered' WHERE id = ?", (case_id,))
    spent = time.perf_counter() - began, time.process_time() - cpu
    connection.close()
    return spent


def on_postgres(cases: int) -> dict[str, Any]:
    """Return the figures on a server, beside those on a file."""
    # The tests' server: they have their helpers on the path, a benchmark has not.
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "support"))
    from postgres_server import postgres_server

    with tempfile.TemporaryDirectory() as folder, postgres_server({}) as server:
        key = MasterKey.load_or_create(Path(folder) / "master.key")
        rates: dict[int, float] = {}
        cpu_ms = 0.0
        for threads in THREADS:
            with server.connect() as admin:
                admin.execute(f"CREATE DATABASE with_{threads}")
            queue = WorkQueue.open(server.address(f"with_{threads}"), key=key, clock=MachineClock())
            fill(queue, cases)
            began, cpu = time.perf_counter(), time.process_time()
            with ThreadPoolExecutor(threads) as pool:
                done = sum(pool.map(lambda _, queue=queue: drain(queue), range(threads)))
            rates[threads] = round(done / (time.perf_counter() - began), 1)
            cpu_ms = cpu_ms or round((time.process_time() - cpu) / done * 1000, 2)
            queue.close()
    in_file = measure(cases)
    return {
        "benchmark": "queue_rate_postgres",
        "cases": cases,
        "effects_per_case": len(KINDS),
        "cases_per_s_by_threads": rates,
        "cpu_ms_per_case": cpu_ms,
        "sqlite_cases_per_s": in_file["cases_per_s"],
        "sqlite_cpu_ms_per_case": in_file["cpu_ms_per_case"],
    }


def measure(cases: int = CASES) -> dict[str, Any]:
    """Return the figures for that many cases."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "queue.db"
        queue = WorkQueue.open(path, key=MasterKey.load_or_create(Path(folder) / "master.key"), clock=MachineClock())
        started = time.perf_counter()
        fill(queue, cases)
        pulled = time.perf_counter()
        cpu = time.process_time()
        done = drain(queue)
        ended, cpu = time.perf_counter(), time.process_time() - cpu
        queue.close()
        size = path.stat().st_size
        plain_s, plain_cpu = plain_sqlite(Path(folder) / "plain.db", cases)
    return {
        "benchmark": "queue_rate",
        "cases": done,
        "draft_bytes": len(json.dumps(draft("case-1"))),
        "effects_per_case": len(KINDS),
        "pulled_per_s": round(cases / (pulled - started)),
        "cases_per_s": round(done / (ended - pulled), 1),
        "cpu_ms_per_case": round(cpu / done * 1000, 2),
        "database_kb_per_case": round(size / done / 1024, 1),
        "plain_sqlite_cases_per_s": round(cases / plain_s, 1),
        "plain_sqlite_cpu_ms_per_case": round(plain_cpu / cases * 1000, 2),
        "ratio_to_plain_sqlite": {"time": round((ended - pulled) / plain_s, 2), "cpu": round(cpu / plain_cpu, 2)},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--on", choices=("sqlite", "postgres"), default="sqlite")
    options = parser.parse_args()
    print(json.dumps((on_postgres if options.on == "postgres" else measure)(options.cases)))


if __name__ == "__main__":
    main()
