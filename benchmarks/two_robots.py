"""Two robots on one PostgreSQL server against one, when what takes time is waiting for the registers.

Prints one line of JSON. Each has few cases in flight and each answer takes half a second, so that neither the cores of this machine nor the
database is what holds them up. The rate is taken over the middle of the run, when every robot has work.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.idle import TODAY, compiled, configure, servers
from benchmarks.latency import LIMIT_S, finished, slow_down
from robot.demo import DemoWorld, daemon, world

CASES = 150
IN_FLIGHT = 4
LATENCY_S = 0.5
_LEFT_OUT = 0.2


def middle_rate(times: list[float]) -> float:
    """Return cases a second, the first and the last fifth left out: start and end are not shared evenly."""
    cut = int(len(times) * _LEFT_OUT)
    kept = times[cut : len(times) - cut]
    return (len(kept) - 1) / (kept[-1] - kept[0])


def one(robots: int, cases: int, in_flight: int, latency_s: float) -> float:
    """Return cases a second of so many robots together."""
    with (
        tempfile.TemporaryDirectory() as folder,
        compiled(folder),
        servers("postgres") as database,
        world(Path(folder), cases=cases, seed=7, today=TODAY, day_length_s=None) as running,
    ):
        configure(running, storage={"database": database}, work={"cases_in_flight": in_flight})
        slow_down(running, latency_s)
        with contextlib.ExitStack() as stack:
            for _ in range(robots):
                stack.enter_context(daemon(running, once=False))
            wait_for_cases(running, int(cases * 0.85))
        return middle_rate(finished(running.log))


def wait_for_cases(running: DemoWorld, wanted: int) -> None:
    """Wait until so many cases are finished."""
    limit = time.monotonic() + LIMIT_S
    while not running.log.exists() or len(finished(running.log)) < wanted:
        if time.monotonic() > limit:
            raise SystemExit(f"the cases were not finished; the log: {running.log}")
        time.sleep(0.5)


def measure(cases: int = CASES, in_flight: int = IN_FLIGHT, latency_s: float = LATENCY_S) -> dict[str, Any]:
    """Return the rates of one robot and of two."""
    rates = [one(robots, cases, in_flight, latency_s) for robots in (1, 2)]
    return {
        "benchmark": "two_robots",
        "cases": cases,
        "cases_in_flight": in_flight,
        "latency_s": latency_s,
        "cases_per_s": [round(found, 2) for found in rates],
        "ratio": round(rates[1] / rates[0], 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT)
    parser.add_argument("--latency-s", type=float, default=LATENCY_S)
    wanted = parser.parse_args()
    print(json.dumps(measure(wanted.cases, wanted.in_flight, wanted.latency_s)))


if __name__ == "__main__":
    main()
