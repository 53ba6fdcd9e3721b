"""A country's month in one run: the real daemon on 80 000 simulated applications, its speed and its memory at each tenth.

    python -m benchmarks.country                     # 80 000 cases; sixteen minutes on two quiet cores
    python -m benchmarks.country --cases 3000        # to try it

Prints one line of JSON. The daemon is measured from outside, twice a second: how many cases it has ended (from its log), resident memory,
CPU, and what the database takes on disk. The neighbours' memory and CPU stand beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.end_to_end import SEED, TODAY, requests
from robot.demo import DemoWorld, daemon, world

CASES = 80_000
EVERY_S = 0.5
_MB = 1024 * 1024
_TENTHS = 10
_BEGAN = {"handled": 0, "wall_s": 0.0}
_ONCE_LIMIT_S = 24 * 3600.0
_PAGE = 1000
_HANDLED = (b'"event":"case.finished"', b'"event":"case.resting"', b'"event":"case.parked"')
"""One of these lines ends a case for this run."""


@dataclass
class Progress:
    """Lines of the log counted so far, read on from where they were read last."""

    log: Path
    handled: int = 0
    _read: int = 0
    _rest: bytes = b""

    def look(self) -> int:
        """Return how many cases have been ended."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        lines = (self._rest + new).split(b"\n")
        self._rest = lines.pop()
        self.handled += sum(any(mark in line for mark in _HANDLED) for line in lines)
        return self.handled


@dataclass
class Measured:
    """One process and those it has started: memory now, the most that one of them has had, and CPU since the first look."""

    process: psutil.Process
    now_mb: float = 0.0
    most_mb: float = 0.0
    cpu_s: float = 0.0
    _seen: dict[int, float] = field(default_factory=dict)

    def look(self) -> None:
        """Note how much the largest process has, and what all have used; what has ended keeps its last figures."""
        found = [mb for one in self._all() if (mb := self._one(one)) is not None]
        self.now_mb = max(found, default=self.now_mb)
        self.cpu_s, self.most_mb = sum(self._seen.values()), max(self.most_mb, self.now_mb)

    def _one(self, process: psutil.Process) -> float | None:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            memory, times = process.memory_info(), process.cpu_times()
            self._seen[process.pid] = times.user + times.system
            return float(memory.rss) / _MB or None  # one that has just ended has none
        return None

    def _all(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self.process, *self.process.children(recursive=True)]
        return []


def as_in_use(running: DemoWorld) -> None:
    """Give the daemon the timetable of config.yaml: the demo's pulls every other second. A run may take a day, and lists long pages.

    What it prepares is not watched for jumps: the same household's copies come one after the other, and would be one.
    """
    config = yaml.safe_load(running.config.read_text(encoding="utf-8"))
    del config["schedule"]
    config["work"] = {**config.get("work", {}), "once_limit_s": _ONCE_LIMIT_S, "lease_s": 60, "band": {"watch": False}}
    config["case_system"]["page_size"] = _PAGE
    running.config.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")


def measure(cases: int, seed: int) -> dict[str, Any]:
    """Return the figures of one run."""
    before = {child.pid for child in psutil.Process().children()}
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), cases=cases, seed=seed, today=TODAY, day_length_s=None) as running:
        neighbours = [Measured(child) for child in psutil.Process().children() if child.pid not in before]
        for neighbour in neighbours:
            neighbour.look()
        began_s = [neighbour.cpu_s for neighbour in neighbours]
        as_in_use(running)
        tenths = run(running, cases, neighbours)
        asked = requests(running)
    first, last = tenths[0], tenths[-1]
    steady = [tenth["rss_mb"] for tenth in tenths]
    return {
        "benchmark": "country",
        "cases": cases,
        "handled": last["handled"],
        "exit": last["exit"],
        "wall_s": last["wall_s"],
        "cases_per_s": round(last["handled"] / last["wall_s"], 1),
        "cases_per_s_after_first_tenth": _rate(first, last),
        "robot_cpu_ms_per_case": round(1000 * last["cpu_s"] / max(last["handled"], 1), 2),
        "requests_per_case": round(asked / cases, 1),
        "rss_mb_at_tenths": steady,
        "drift_percent": round(100 * (max(steady[1:], default=steady[0]) / steady[0] - 1), 1),
        "peak_mb": last["peak_mb"],
        "database_mb": last["database_mb"],
        "cases_per_s_at_tenths": [_rate(before, now) for before, now in pairwise([_BEGAN, *tenths])],
        "neighbours": [
            {"peak_mb": round(one.most_mb, 1), "cpu_ms_per_case": round(1000 * (one.cpu_s - start) / cases, 2)}
            for one, start in zip(neighbours, began_s, strict=True)
        ],
    }


def run(running: DemoWorld, cases: int, neighbours: list[Measured]) -> list[dict[str, Any]]:
    """Run the daemon to its end; return what was seen at each tenth of the cases, the last when it ended."""
    tenths: list[dict[str, Any]] = []
    since, progress = time.perf_counter(), Progress(running.log)
    with daemon(running, once=True) as process:
        robot = Measured(psutil.Process(process.pid))
        while process.poll() is None:
            time.sleep(EVERY_S)
            for one in (robot, *neighbours):
                one.look()
            if progress.look() >= cases * (len(tenths) + 1) / 10 and len(tenths) < _TENTHS - 1:
                tenths.append(_seen(running, progress.handled, robot, time.perf_counter() - since))
        tenths.append(_seen(running, progress.look(), robot, time.perf_counter() - since) | {"exit": process.returncode})
    return tenths


def _seen(running: DemoWorld, handled: int, robot: Measured, wall_s: float) -> dict[str, Any]:
    """Return the state of the run."""
    return {
        "handled": handled,
        "wall_s": round(wall_s, 1),
        "cpu_s": round(robot.cpu_s, 1),
        "rss_mb": round(robot.now_mb, 1),
        "peak_mb": round(robot.most_mb, 1),
        "database_mb": round(sum(file.stat().st_size for file in running.folder.glob("bistandsrobot.db*")) / _MB, 1),
    }


def _rate(first: dict[str, Any], last: dict[str, Any]) -> float:
    seconds = max(float(last["wall_s"]) - float(first["wall_s"]), EVERY_S)
    return round((int(last["handled"]) - int(first["handled"])) / seconds, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--seed", type=int, default=SEED)
    wanted = parser.parse_args()
    print(json.dumps(measure(wanted.cases, wanted.seed)))


if __name__ == "__main__":
    main()
