"""Assessments per second and core, trace and receipt included, beside two rule engines that do a small part of the same.

The cases are those of the simulated population, as the robot keeps them. The peers, OpenFisca-Core and zen-engine, work out the
simplified norm calculation (adults + children + common costs + rent - incomes) of the same households, with their traces on. They
live in an environment of their own: `make .bench-venv/.ready`. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import rules
from benchmarks.case_files import case_files
from rules import Rulebook, assess, load_rulebook
from rules.assessment import Assessment
from rules.context import age_on, birth_date
from rules.facts import CaseFile
from rules.money import Ore, kronor
from rules.month import Month
from rules.riksnorm_files import CHILD_BANDS

GUIDELINES = Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml"
PEERS_PYTHON = Path(".bench-venv") / "bin" / "python"
PEERS = Path(__file__).parent / "rules_peers.py"
MONTH = Month(2026, 12)
CASES = 300
SEED = 7
ROUNDS = 15
STARTS = 7
LARGEST_HOUSEHOLD = 7
PEERS_TIMEOUT_S = 300
T = TypeVar("T")
START = """
import time; wall, cpu = time.perf_counter(), time.process_time()
import sys; from pathlib import Path; from rules import load_rulebook
load_rulebook(Path(sys.argv[1]))
print(time.process_time() - cpu, time.perf_counter() - wall)
"""


def best_us(work: Callable[[T], object], given: Sequence[T], rounds: int) -> float:
    """Return microseconds of CPU for one, in the best of some rounds."""
    spent = []
    for _ in range(rounds):
        began = time.process_time()
        for one in given:
            work(one)
        spent.append(time.process_time() - began)
    return 1_000_000 * min(spent) / len(given)


def start_s() -> tuple[float, float]:
    """Return seconds of CPU and of wall for import and load in a new process that may use compiled files, the best of some."""
    may_compile = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found = []
    for _ in range(STARTS):
        done = subprocess.run([sys.executable, "-c", START, str(GUIDELINES)], env=may_compile, capture_output=True, text=True, check=True)
        found.append(tuple(float(figure) for figure in done.stdout.split()))
    return min(cpu for cpu, _ in found), min(wall for _, wall in found)


def households(cases: Sequence[CaseFile], results: Sequence[Assessment]) -> list[dict[str, Any]]:
    """Return the simplified facts of the households that the peers' calculation can be asked about, with the need it must give."""
    amounts = {name: dated.value for name, dated in (load_rulebook(GUIDELINES).law.riksnorm_in(MONTH) or {}).items()}
    found = []
    for case, result in zip(cases, results, strict=True):
        ages = [_age(case, number) for number in range(len(case.children))]
        size = len(case.application.household.members)
        if result.sums is None or size > LARGEST_HOUSEHOLD or not all(0 <= age <= 20 for age in ages):
            continue
        rent = sum(cost.applied or 0 for cost in case.application.costs if cost.type == "rent")
        norm = amounts["riksnorm.adult.sambo" if len(case.adults) == 2 else "riksnorm.adult.single"] + amounts[f"riksnorm.common.{size}"]
        norm = Ore(norm + sum(amounts[f"riksnorm.child.{_band(age)}"] for age in ages))
        found.append(
            {
                "adults": len(case.adults),
                "ages": ages,
                "rent": float(kronor(Ore(rent))),
                "income": float(kronor(result.sums.incomes)),
                "expected_ore": norm + rent - result.sums.incomes,
            }
        )
    return found


def _age(case: CaseFile, number: int) -> int:
    born = birth_date(case.children[number])
    return age_on(born, MONTH.first) if born is not None else -1


def _band(age: int) -> str:
    return next(band for band in reversed(CHILD_BANDS) if _from(band) <= age)


def _from(band: str) -> int:
    return int(band.split("-", maxsplit=1)[0])


def norm_table(book: Rulebook) -> dict[str, Any]:
    """Return riksnormens amounts of the month in whole kronor, as the peers are given them."""
    amounts = {name.removeprefix("riksnorm."): dated.value // 100 for name, dated in (book.law.riksnorm_in(MONTH) or {}).items()}
    return {
        "single": amounts["adult.single"],
        "sambo": amounts["adult.sambo"],
        "child_from_age": [_from(band) for band in CHILD_BANDS],
        "child": [amounts[f"child.{band}"] for band in CHILD_BANDS],
        "common": [amounts[f"common.{size}"] for size in range(1, LARGEST_HOUSEHOLD + 1)],
    }


def peers(table: dict[str, Any], asked: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the peers' figures; None when their environment is not there."""
    if not PEERS_PYTHON.exists():
        return None
    given = json.dumps({"table": table, "households": asked})
    done = subprocess.run([PEERS_PYTHON, PEERS], input=given, capture_output=True, text=True, check=True, timeout=PEERS_TIMEOUT_S)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def measure(cases: int = CASES, seed: int = SEED) -> dict[str, Any]:
    """Return the figures of one run."""
    book = load_rulebook(GUIDELINES)
    texts = [json.dumps(case, ensure_ascii=False) for case in case_files(cases, seed)]
    known = [CaseFile.model_validate_json(text) for text in texts]
    results = [assess(case, book) for case in known]
    asked = households(known, results)
    assess_us = best_us(lambda case: assess(case, book), known, ROUNDS)
    start_cpu_s, start_wall_s = start_s()
    beside = peers(norm_table(book), asked)
    return {
        "benchmark": "rules",
        "cases": len(known),
        "lines_per_case": round(sum(len(result.lines) for result in results) / len(results), 1),
        "register_answers_per_case": round(sum(len(case.registers) for case in known) / len(known), 1),
        "assessments_per_s_core": round(1_000_000 / assess_us),
        "assess_us": round(assess_us),
        "assess_without_digests_us": round(best_us(lambda case: assess(case, book, digests=False), known, ROUNDS)),
        "read_us": round(best_us(CaseFile.model_validate_json, texts, ROUNDS)),
        "write_us": round(best_us(lambda result: result.model_dump_json(), results, ROUNDS)),
        "start_cpu_s": round(start_cpu_s, 3),
        "start_wall_s": round(start_wall_s, 3),
        "peer_households": len(asked),
        "peers": beside and {name: one | {"per_s": round(one["per_s"])} for name, one in beside.items()},
        "ratio_to_peers": beside and {name: round(1_000_000 / assess_us / one["per_s"], 2) for name, one in beside.items()},
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
