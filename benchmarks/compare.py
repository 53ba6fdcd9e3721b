"""`bistandsrobot compare` over many cases: other guidelines, and another month. Prints one line of JSON.

The cases are those of the simulated population, repeated under case ids of their own. `seconds_for_100_000` is reckoned from the cases
that were run; `--cases 100000` runs them all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.case_files import case_files, write_many
from benchmarks.rules import GUIDELINES

CASES = 20_000
POPULATION = 300
SEED = 7
MONTH = "2025-12"
GOAL_CASES = 100_000
THRESHOLD, OTHER_THRESHOLD = "value: 12,", "value: 15,"


def run(arguments: list[str]) -> dict[str, float]:
    """Run the command; return seconds of wall and of CPU, all its processes together, and the largest one's memory in MB."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "robot", "compare", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"compare ended with {process.returncode}")
    return {"wall_s": time.perf_counter() - began, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}


def figures(found: dict[str, float], cases: int) -> dict[str, float]:
    """Return what is told of a run."""
    return {
        "seconds_for_100_000": round(found["wall_s"] * GOAL_CASES / cases, 1),
        "cpu_ms_per_case": round(1000 * found["cpu_s"] / cases, 3),
        "peak_mb": round(found["peak_mb"]),
    }


def measure(cases: int = CASES, seed: int = SEED) -> dict[str, Any]:
    """Return the figures of one run of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        lines, other = Path(folder) / "cases.jsonl", Path(folder) / "other.yaml"
        write_many(case_files(POPULATION, seed), lines, cases)
        other.write_text(GUIDELINES.read_text("utf-8").replace(THRESHOLD, OTHER_THRESHOLD, 1), "utf-8")
        guidelines = run(["--with", str(other), str(lines)])
        month = run(["--month", MONTH, str(lines)])
    return {
        "benchmark": "compare",
        "cases": cases,
        "cores": os.cpu_count(),
        "other_guidelines": figures(guidelines, cases),
        "other_month": figures(month, cases),
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
