"""What `scaling` measures, one point of a curve at a time: the whole town by workers and cases, the queue by rows, the audit by lines."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import country
from benchmarks.claim_among_many import put_in
from benchmarks.end_to_end import SEED, TODAY, requests
from benchmarks.http_client import transport_ms
from benchmarks.idle import compiled, configure, servers
from benchmarks.latency import finished, rate
from benchmarks.queue_load import DRAFT, KINDS, LEASE_S, PAYLOAD, MachineClock, fill
from robot.demo import world
from workqueue import AuditEvent, Claimed, MasterKey, NewEffect, PostgresAddress, WorkQueue
from workqueue.database import Place

STORES = ("sqlite", "postgres")
Line = dict[str, Any]
_MB = 1024 * 1024
_LIMIT_S, _LEAST_RATE = 120.0, 10.0
"""A run that is slower than so many cases a second, beside its start, ends unfinished: it would tell nothing."""
_LISTED = 50
_MANY = 16
_TIMES = 40
_STARTS = 3
_EVENTS_AT_ONCE = 500
_EVENTS_OF_A_CASE = 10
_BUSY_LOOK_S = 2.0


def machine() -> Line:
    """Return what the figures were measured on, and how busy it was already."""
    busy = psutil.cpu_percent(_BUSY_LOOK_S)
    return {
        "on": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(psutil.virtual_memory().total / _MB / 1024),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "busy_percent_before": round(busy),
    }


class Town:
    """The whole made-up town at one size after another. The peer is the bare HTTP work, measured once in the same run."""

    def __init__(self) -> None:
        self._bare_ms: float | None = None
        self._one_worker: dict[tuple[str, int], float] = {}

    def line(self, store: str, workers: int, cases: int) -> Line:
        """Return one point: cases a second, and what each costs."""
        self._bare_ms = self._bare_ms or transport_ms()
        found = town(store, workers, cases)
        bare_s = found["requests_per_case"] * cases * self._bare_ms / 1000
        found["ratio_to_bare_http"] = round(found["robot_cpu_ms_per_case"] * cases / 1000 / bare_s, 2)
        if workers == 1:
            self._one_worker[store, cases] = found["cases_per_s"]
        if one := self._one_worker.get((store, cases)):
            found["ratio_to_one_worker"] = round(found["cases_per_s"] / one, 2)
        return found


def town(store: str, workers: int, cases: int) -> Line:
    """Let so many workers handle so many applications, all neighbours on this machine."""
    before = {child.pid for child in psutil.Process().children()}
    with (
        tempfile.TemporaryDirectory() as folder,
        compiled(folder),
        servers(store) as database,
        world(Path(folder), cases=cases, seed=SEED, today=TODAY, day_length_s=None) as running,
    ):
        neighbours = [country.Measured(child) for child in psutil.Process().children() if child.pid not in before and _is_neighbour(child)]
        country.as_in_use(running)
        configure(
            running,
            work={"workers": workers, "once_limit_s": _LIMIT_S + cases / _LEAST_RATE},
            **({"storage": {"database": database}} if database else {}),
        )
        for one in neighbours:
            one.look()
        began_s = sum(one.cpu_s for one in neighbours)
        tenths = country.run(running, cases, neighbours)
        last, times = tenths[-1], finished(running.log)
        if last["exit"] != 0 or len(times) < 2:
            raise SystemExit(f"the robot ended with {last['exit']}; its log: {running.log}")
        return {
            "store": store,
            "workers": workers,
            "cases": cases,
            "cases_per_s": round(rate(times), 1),
            "wall_s": last["wall_s"],
            "robot_cpu_ms_per_case": round(1000 * last["cpu_s"] / cases, 2),
            "neighbours_cpu_ms_per_case": round(1000 * (sum(one.cpu_s for one in neighbours) - began_s) / cases, 2),
            "requests_per_case": round(requests(running) / cases, 1),
            "rss_mb_at_tenths": [tenth["rss_mb"] for tenth in tenths],
            "peak_mb": last["peak_mb"],
            "database_mb": round(_server_mb(database) if database else last["database_mb"], 2),
        }


def _is_neighbour(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return "connectors.simulators" in process.cmdline()
    return False


def _server_mb(url: str) -> float:
    """Return what a database on a server takes, its tables and indexes."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return float(row[0]) / _MB if row else 0.0


@contextlib.contextmanager
def empty(store: str) -> Iterator[tuple[Place, MasterKey]]:
    """Give an empty place for a queue, that waits for the disk, and a key."""
    with tempfile.TemporaryDirectory() as folder, servers(store) as url:
        place = PostgresAddress.parse(url) if url else Path(folder) / "queue.db"
        yield place, MasterKey.load_or_create(Path(folder) / "master.key")


def _ms(action: Callable[[], object], times: int) -> float:
    """Return the median of so many calls, in milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        took.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(took), 2)


def by_rows(store: str, sizes: Sequence[int]) -> Iterator[Line]:
    """Yield, for each number of ended cases in the queue, what its calls take: the median, in milliseconds."""
    first = None
    for size in sizes:
        with empty(store) as (place, key):
            queue = WorkQueue.open(place, key=key, clock=MachineClock())
            began = time.perf_counter()
            put_in(queue, size)
            fill_s = time.perf_counter() - began
            found = _calls(queue)
            queue.close()
            found["open_ms"] = _ms(partial(_open_and_close, place, key), _STARTS)
        first = first or found["claim_1_ms"]
        ratio = round(found["claim_1_ms"] / first, 2)
        yield {"store": store, "rows": size, "fill_s": round(fill_s, 1), **found, "claim_ratio_to_fewest": ratio}


def _calls(queue: WorkQueue) -> Line:
    fill(queue, 2 * _TIMES + _MANY * _TIMES)
    one = _ms(lambda: queue.claim("bench", 1, LEASE_S), _TIMES)
    many = _ms(lambda: queue.claim("bench", _MANY, LEASE_S), _TIMES)
    held = queue.claim("bench", _TIMES, LEASE_S)
    return {
        "claim_1_ms": one,
        f"claim_{_MANY}_ms": many,
        "finish_ms": _ms(lambda: _finish(queue, held.pop()), _TIMES),
        "list_ms": _ms(lambda: queue.items(limit=_LISTED), _STARTS),
        "counts_ms": _ms(queue.counts, _STARTS),
    }


def _finish(queue: WorkQueue, case: Claimed) -> None:
    effects = [NewEffect(f"{case.case_id}:v1:{kind}:1", kind, PAYLOAD) for kind in KINDS]
    queue.finish(case, "ok", DRAFT, effects, [AuditEvent("case.assessed", details={"outcome": "ok"})])


def _open_and_close(place: Place, key: MasterKey) -> None:
    WorkQueue.open(place, key=key, clock=MachineClock()).close()


def by_lines(store: str, sizes: Sequence[int]) -> Iterator[Line]:
    """Yield, for each number of lines in the audit, the seconds that `audit verify` reads and checks them."""
    with empty(store) as (place, key):
        queue = WorkQueue.open(place, key=key, clock=MachineClock())
        lines = 0
        for size in sizes:
            _write_lines(queue, lines, size)
            lines = size
            began, cpu = time.perf_counter(), time.process_time()
            verified = queue.verify_audit()
            took = time.perf_counter() - began
            if verified.problems or verified.events != size:
                raise SystemExit(f"the audit does not verify: {verified.problems[:1]}")
            used = time.process_time() - cpu
            yield {"store": store, "lines": size, "verify_s": round(took, 3), "lines_per_s": round(size / took), "cpu_s": round(used, 3)}
        queue.close()


def _write_lines(queue: WorkQueue, first: int, last: int) -> None:
    event = AuditEvent("case.assessed", details={"outcome": "ok"})
    for start in range(first, last, _EVENTS_AT_ONCE):
        numbers = range(start, min(last, start + _EVENTS_AT_ONCE))
        with queue._db.write() as tx:
            queue._remember_all(tx, [(f"b{number // _EVENTS_OF_A_CASE}", event) for number in numbers])
