"""The robot's own cost of a case: the whole municipality on one machine, 300 applications, the daemon measured from outside.

Prints one line of JSON. CPU is the daemon's alone (user and system), from its start to its end; `start_cpu_s` is the share of a start with
nothing to do, the least of several. What the neighbours use stands beside it. The peer is the bare HTTP work: the same client asking a
local server as often.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.http_client import transport_ms
from robot.demo import DemoWorld, daemon, world

TODAY = date(2026, 11, 30)
CASES = 300
SEED = 7
STARTS = 2


def handled_once(running: DemoWorld) -> dict[str, float]:
    """Run the daemon until nothing is left; return seconds of wall and CPU, and the peak memory in MB."""
    began = time.perf_counter()
    with daemon(running, once=True) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"the daemon ended with {process.returncode}; its log: {running.log}")
    return {"wall_s": time.perf_counter() - began, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}


def requests(running: DemoWorld) -> int:
    """Return how many requests both neighbours have served."""
    return sum(int(httpx.get(f"{url}/admin/stats").json()["total"]) for url in (running.case_system_url, running.registers_url))


def neighbours_cpu_s() -> dict[str, float]:
    """Return the CPU that each neighbour has used since its start, in seconds, by its name on the command line."""
    used = {}
    for child in psutil.Process().children():
        line = child.cmdline()
        if "connectors.simulators" in line:
            times = child.cpu_times()
            used[line[line.index("connectors.simulators") + 1]] = float(times.user + times.system)
    return used


def measure(cases: int = CASES, seed: int = SEED) -> dict[str, Any]:
    """Return the figures of one run."""
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), cases=cases, seed=seed, today=TODAY, day_length_s=None) as running:
        at_start = neighbours_cpu_s()
        full = handled_once(running)
        beside = {name: used - at_start[name] for name, used in neighbours_cpu_s().items()}
        asked = requests(running)
        starts = [handled_once(running) for _ in range(STARTS)]
    idle = {figure: min(start[figure] for start in starts) for figure in ("wall_s", "cpu_s")}
    work_s = full["cpu_s"] - idle["cpu_s"]
    bare_s = asked * transport_ms() / 1000
    return {
        "benchmark": "end_to_end",
        "cases": cases,
        "requests": asked,
        "requests_per_case": round(asked / cases, 1),
        "cases_per_s": round(cases / full["wall_s"], 1),
        "cases_per_s_after_start": round(cases / (full["wall_s"] - idle["wall_s"]), 1),
        "robot_cpu_ms_per_case": round(1000 * work_s / cases, 2),
        "bare_http_cpu_ms_per_case": round(1000 * bare_s / cases, 2),
        "ratio_to_bare_http": round(work_s / bare_s, 2),
        "neighbours_cpu_ms_per_case": {name: round(1000 * used / cases, 2) for name, used in sorted(beside.items())},
        "robot_cpu_ms_per_request": round(1000 * work_s / asked, 3),
        "start_cpu_s": round(idle["cpu_s"], 2),
        "peak_mb": round(full["peak_mb"], 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--seed", type=int, default=SEED)
    wanted = parser.parse_args()
    print(json.dumps(measure(wanted.cases, wanted.seed)))


if __name__ == "__main__":
    main()
