"""How many cases a second the queue alone can take, with real payload, encryption and audit: on a file and on a PostgreSQL server.

Three ways (queue_load.py), each with a draft of about 9 kB and six writes of 0.4 kB for each case, sealed and padded, two lines of audit:
`in_batches` = claimed and finished, many in each transaction; `all_the_way` = claimed, finished, a receipt for each write, ended, by many
callers whose calls share transactions, as in the daemon; `one_by_one` = the same, each call a transaction of its own.

Every commit waits for the disk. Peers in the same run: plain sqlite3 with the same durability and the same rows in the same transactions
as `one_by_one`, without leases, encryption and audit; on the same server PgQueuer (batches of 10) and procrastinate, with a job that does
nothing and no payload. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.queue_load import BATCH, CALLERS, DRAFT, KINDS, PAYLOAD, WAYS, MachineClock, fill
from workqueue import MasterKey, WorkQueue

ROOT = Path(__file__).resolve().parents[1]
CASES = 6000
"""For `in_batches` and the peers; a quarter of it for `all_the_way`, and CASES_ALONE for `one_by_one`."""
CASES_ALONE = 300
PROCESSES = (1, 2)
PEERS = ("pgqueuer", "procrastinate")
PEER_PYTHON = ROOT / ".bench-venv" / "bin" / "python"
LIMIT_S = 300
_TICKS = os.sysconf("SC_CLK_TCK")


def together(commands: list[list[str]], server_pid: int | None = None) -> dict[str, float]:
    """Start programs, let them begin at the same moment when all are ready, and return what they did together."""
    running = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for command in commands]
    for one in running:
        assert one.stdout is not None
        if one.stdout.readline() != "ready\n":
            raise RuntimeError(f"{commands[0]} could not begin")
    server = server_cpu_s(server_pid)
    began = time.perf_counter()
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [json.loads(one.communicate(timeout=LIMIT_S)[0]) for one in running]
    wall = time.perf_counter() - began
    done = sum(one["done"] for one in said)
    return {
        "per_s": round(done / wall, 1),
        "cpu_ms": round(sum(one["cpu_s"] for one in said) / done * 1000, 3),
        "server_cpu_ms": round((server_cpu_s(server_pid) - server) / done * 1000, 3),
        "done": done,
    }


class _Place:
    """Where one measurement has its queue."""

    def __init__(self, folder: Path, server: Any = None, database: str = "") -> None:
        self.folder = folder
        self.pid: int | None = server.pid if server else None
        self.url: list[str] = [server.url(database)] if server else []
        self.place = server.address(database) if server else folder / "queue.db"
        if server:
            with server.connect() as admin:
                admin.execute(f"CREATE DATABASE {database}")


def ours(at: _Place, way: str, cases: int, processes: int) -> dict[str, float]:
    """Fill an empty queue and let so many processes take the cases."""
    queue = WorkQueue.open(at.place, key=MasterKey.load_or_create(at.folder / "master.key"), clock=MachineClock())
    fill(queue, cases)
    queue.close()
    command = [sys.executable, "-m", "benchmarks.queue_load", str(at.folder), way, *at.url]
    figures = together([command] * processes, at.pid)
    if figures.pop("done") != cases:
        raise RuntimeError("not every case was taken once")
    return figures


def on_file(cases: int) -> dict[str, Any]:
    """Return the figures on a file, by one process and by two."""
    found: dict[str, Any] = {}
    for way in WAYS:
        for processes in PROCESSES:
            with tempfile.TemporaryDirectory() as folder:
                found.setdefault(way, {})[processes] = ours(_Place(Path(folder)), way, _number(way, cases), processes)
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = plain_sqlite(Path(folder) / "plain.db", CASES_ALONE)
    found["plain_sqlite"] = {"per_s": round(CASES_ALONE / wall, 1), "cpu_ms": round(cpu / CASES_ALONE * 1000, 3)}
    return found


def on_server(cases: int) -> dict[str, Any]:
    """Return the figures on a server that waits for the disk, and its peers' on the same one."""
    # The tests' server: they have their helpers on the path, a benchmark has not.
    sys.path.append(str(ROOT / "tests" / "support"))
    from postgres_server import postgres_server

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, postgres_server({}) as server:
        peers = PEERS if PEER_PYTHON.exists() else ()
        # In turns, the peers right after what they are compared with: other work on the machine comes and goes.
        for processes in PROCESSES:
            for name in ("in_batches", *peers, "all_the_way", "one_by_one"):
                at = _Place(Path(folder), server, f"{name}_{processes}")
                if name in peers:
                    figures = _peer(name, [str(server.folder), f"{name}_{processes}"], cases, processes, server.pid)
                else:
                    figures = ours(at, name, _number(name, cases), processes)
                found.setdefault(name, {})[processes] = figures
    return found


def _peer(peer: str, database: list[str], jobs: int, processes: int, pid: int) -> dict[str, float]:
    command = [str(PEER_PYTHON), str(Path(__file__).with_name("queue_peers.py")), peer, *database]
    subprocess.run([*command, "add", str(jobs)], check=True, capture_output=True, timeout=LIMIT_S)
    return together([[*command, "work"]] * processes, pid)


def _number(way: str, cases: int) -> int:
    return {"in_batches": cases, "all_the_way": cases // 4, "one_by_one": min(cases, CASES_ALONE)}[way]


def server_cpu_s(pid: int | None) -> float:
    """Return the seconds of CPU that a server and its children have used so far, those that have ended too; 0 = there is no server."""
    if pid is None:
        return 0.0
    spent = 0
    for one in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            number, _, rest = one.read_text(encoding="utf-8", errors="replace").partition(" (")
            told = rest.rpartition(") ")[2].split()
            if pid in {int(number), int(told[1])}:
                spent += int(told[11]) + int(told[12]) + (int(told[13]) + int(told[14]) if int(number) == pid else 0)
    return spent / _TICKS


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
        connection.execute("INSERT INTO cases VALUES (?, 'delivering', ?)", (case_id, json.dumps(DRAFT).encode()))
        payload = json.dumps(PAYLOAD).encode()
        connection.executemany("INSERT INTO effects VALUES (?, ?, NULL)", [(key, payload) for key in keys])
        connection.execute("COMMIT")
        for key in keys:
            connection.execute("UPDATE effects SET done_at = ? WHERE key = ?", (time.time(), key))
        connection.execute("UPDATE cases SET state = 'delivered' WHERE id = ?", (case_id,))
    spent = time.perf_counter() - began, time.process_time() - cpu
    connection.close()
    return spent


def _ratios(file: dict[int, Any], server: dict[int, Any], peer: dict[int, Any]) -> dict[str, dict[str, float]]:
    """Return how many times a peer's best rate ours is, by two processes, and how many of its jobs a case of ours costs in CPU."""
    rate = max(one["per_s"] for one in peer.values())
    cost = min(one["cpu_ms"] + one["server_cpu_ms"] for one in peer.values())
    return {
        kind: {"rate": round(on[2]["per_s"] / rate, 1), "cpu": round((on[2]["cpu_ms"] + on[2]["server_cpu_ms"]) / cost, 2)}
        for kind, on in (("sqlite", file), ("postgres", server))
    }


def measure(cases: int = CASES) -> dict[str, Any]:
    """Return the figures."""
    file, server = on_file(cases), on_server(cases)
    found = {
        "benchmark": "queue_rate",
        "draft_bytes": len(json.dumps(DRAFT)),
        "effects_per_case": len(KINDS),
        "batch": BATCH,
        "callers": CALLERS,
        "sqlite": file,
        "postgres": server,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }
    if PEERS[0] in server:
        found["ratio_in_batches_to"] = {peer: _ratios(file["in_batches"], server["in_batches"], server[peer]) for peer in PEERS}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--on", choices=("sqlite", "postgres", "both"), default="both")
    options = parser.parse_args()
    chosen = {"sqlite": on_file, "postgres": on_server, "both": measure}[options.on]
    print(json.dumps(chosen(options.cases)))


if __name__ == "__main__":
    main()
