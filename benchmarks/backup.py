"""How long a copy of the database takes, and its way back: `python -m benchmarks.backup`. Prints a line of JSON for each kind.

The cases are as large as real ones (queue_load.py): a draft of 9 kB, six writes, two lines of audit, sealed and padded. `beside_ms` is the
longest that a robot waited for a commit while the copy was made, on the same machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.queue_load import MachineClock, fill, in_batches
from workqueue import MasterKey, PostgresAddress, WorkQueue, back_up, restore

ROOT = Path(__file__).resolve().parents[1]
CASES = 10_000


def _copy(place: Path | PostgresAddress, key_file: Path, to: Path) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    made = back_up(place, to, key=MasterKey.load(key_file), clock=MachineClock())
    if made.problems:
        raise RuntimeError(made.problems[0])
    return _told("copy", began, cpu) | {"mb": round(made.size_bytes / 1e6, 1), "cases": made.cases, "events": made.last_seq}


def _back(copy: Path, key_file: Path, place: Path | PostgresAddress) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    restore(copy, place, key=MasterKey.load(key_file), clock=MachineClock(), actor="ops", details={})
    return _told("restore", began, cpu)


def _told(what: str, began: float, cpu: float) -> dict[str, Any]:
    return {
        f"{what}_s": round(time.perf_counter() - began, 2),
        f"{what}_cpu_s": round(time.process_time() - cpu, 2),
        f"{what}_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _elsewhere(work: Any, *arguments: Any) -> dict[str, Any]:
    """Do it in a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found: dict[str, Any] = pool.submit(work, *arguments).result()
    return found


def _measure(kind: str, place: Path | PostgresAddress, target: Path | PostgresAddress, folder: Path, cases: int) -> dict[str, Any]:
    key_file = folder / f"{kind}.key"
    queue = WorkQueue.open(place, key=MasterKey.load_or_create(key_file), clock=MachineClock())
    fill(queue, cases)
    in_batches(queue)
    longest, stop = [0.0], threading.Event()

    def beside() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            queue.set_last_pull("bench", MachineClock().now())
            longest[0] = max(longest[0], time.perf_counter() - began)
            time.sleep(0.01)

    robot = threading.Thread(target=beside)
    robot.start()
    try:
        told = _elsewhere(_copy, place, key_file, folder / f"{kind}.backup")
    finally:
        stop.set()
        robot.join()
        queue.close()
    told |= {"kind": kind, "beside_ms": round(longest[0] * 1000)}
    return told | _elsewhere(_back, folder / f"{kind}.backup", key_file, target)


def main() -> None:
    """Measure a file, and a server when the tests' server is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    cases: int = parser.parse_args().cases
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from postgres_server import postgres_server

    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        print(json.dumps(_measure("file", folder / "queue.db", folder / "restored.db", folder, cases)), flush=True)
        server = stack.enter_context(postgres_server())
        for database in ("bench", "restored"):
            with server.connect() as connection:
                connection.execute(f"CREATE DATABASE {database}")
        print(json.dumps(_measure("server", server.address("bench"), server.address("restored"), folder, cases)), flush=True)


if __name__ == "__main__":
    main()
