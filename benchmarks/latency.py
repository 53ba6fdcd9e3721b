"""What slow registers cost: the rate with a second for each answer, as a share of the rate with none, by how many cases are in flight.

Prints one line of JSON. The real daemon handles all applications of a made-up municipality, anew for each figure; the time is from its
first finished case to its last. Simulators and daemon share the machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.idle import TODAY, compiled, configure
from robot.demo import DemoWorld, daemon, world

CASES = 300
IN_FLIGHT = (16, 64, 160)
LATENCY_S = 1.0
LIMIT_S = 600


def slow_down(running: DemoWorld, seconds: float) -> None:
    """Let the registers take so long for each answer."""
    if seconds:
        order = {"kind": "slow", "path_contains": "/ssbtek", "delay_s": seconds}
        httpx.post(f"{running.registers_url}/admin/faults", json=order).raise_for_status()


def finished(log: Path) -> list[float]:
    """Return when each case was finished, in seconds since 1970, in order."""
    lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return sorted(datetime.fromisoformat(line["at"]).timestamp() for line in lines if line["event"] == "case.finished")


def rate(times: Sequence[float]) -> float:
    """Return cases a second between the first and the last."""
    return (len(times) - 1) / (times[-1] - times[0])


def one(cases: int, in_flight: int, latency_s: float) -> float:
    """Return cases a second of one robot with so many cases in flight."""
    with (
        tempfile.TemporaryDirectory() as folder,
        compiled(folder),
        world(Path(folder), cases=cases, seed=7, today=TODAY, day_length_s=None) as running,
    ):
        settings = running.settings().registers.ssbtek.model_dump(mode="json", exclude_unset=True)
        transport = settings.get("transport", {}) | {"pool_size": 2 * in_flight}
        configure(running, work={"cases_in_flight": in_flight}, registers={"ssbtek": settings | {"transport": transport}})
        slow_down(running, latency_s)
        with daemon(running, once=True) as process:
            if process.wait(LIMIT_S) != 0:
                raise SystemExit(f"the daemon ended with {process.returncode}; its log: {running.log}")
        return rate(finished(running.log))


def measure(cases: int = CASES, in_flight: Sequence[int] = IN_FLIGHT, latency_s: float = LATENCY_S) -> dict[str, Any]:
    """Return the rates without and with latency."""
    without = max(one(cases, 16, 0), one(cases, 16, 0))
    rates = {number: one(cases, number, latency_s) for number in in_flight}
    return {
        "benchmark": "latency",
        "cases": cases,
        "latency_s": latency_s,
        "cases_per_s_without": round(without, 1),
        "cases_per_s_by_in_flight": {str(number): round(found, 1) for number, found in rates.items()},
        "share_by_in_flight": {str(number): round(found / without, 2) for number, found in rates.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--latency-s", type=float, default=LATENCY_S)
    parser.add_argument("--in-flight", type=int, nargs="*", default=IN_FLIGHT)
    wanted = parser.parse_args()
    print(json.dumps(measure(wanted.cases, wanted.in_flight, wanted.latency_s)))


if __name__ == "__main__":
    main()
