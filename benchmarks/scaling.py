"""The curves of docs/scaling.md, measured and drawn: workers, cases, rows, latency, robots, memory.

    python -m benchmarks.scaling --quick             # at most twelve minutes on two quiet cores
    python -m benchmarks.scaling --full              # all points, a country's month too; two hours or more
    python -m benchmarks.scaling --quick --only town # one section anew; the others' figures stay, each with its own date
    python -m benchmarks.scaling --page              # nothing measured: the page and its drawings from the figures that are there

Prints a line of JSON for each point, and keeps them in docs/scaling/figures.json after each section. A point for which the time is not
enough, by how long those before it took, is left out and named on the page.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import country, idle, latency, queue_rate, scaling_page, two_robots
from benchmarks.end_to_end import SEED
from benchmarks.scaling_points import STORES, Line, Town, by_lines, by_rows, machine

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "scaling" / "figures.json"
WORKERS = (1, 2, 4)
QUICK_LIMIT_S = 12 * 60.0
_RESERVE_S = 10.0
_TINY, _QUICK, _FULL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Step:
    """Something to measure: a section of the figures, what it is in words, about how long it takes, and how."""

    section: str
    what: str
    about_s: float
    lines: Callable[[], Iterable[Line]]


def steps(size: int) -> list[Step]:
    """Return what to measure, what matters most first."""
    town = Town()
    most = (40, 300, 1000)[size]
    small = [cases for cases in (40, 100, 1000) if cases <= most and (cases != 40 or size == _TINY)]
    found = [_town(town, store, workers, cases) for cases in small for store in STORES for workers in WORKERS]
    if size == _QUICK:
        found += [_town(town, store, workers, 1000) for store in STORES for workers in WORKERS]
    rows = [10**power for power in range(2, (4, 7, 7)[size])]
    found += [Step("queue", f"{store}, {rows[-1]} rows", rows[-1] / 45_000 + 3, partial(by_rows, store, rows)) for store in STORES]
    lines = [10**power for power in range(2, (4, 6, 7)[size])]
    found += [Step("audit", f"{store}, {lines[-1]} lines", lines[-1] / 9_000 + 3, partial(by_lines, store, lines)) for store in STORES]
    many = (0, 10_000, 10_000)[size]
    if many:
        found.append(_town(town, "sqlite", 1, many))
    seconds, starts = ((2.0, 1), (8.0, 2), (60.0, 5))[size]
    found += [Step("idle", store, seconds + 13 + 3 * starts, _one(idle.measure, store, seconds, starts)) for store in STORES]
    cases, in_flight = ((40, (16,)), (160, (16, 64)), (600, (16, 64, 160)))[size]
    found.append(Step("latency", "a second for each answer", cases / 6 + 30, _one(latency.measure, cases, in_flight)))
    found.append(Step("two_robots", "on one PostgreSQL", 42, _one(two_robots.measure, (40, 100, 150)[size])))
    found.append(Step("rate", "the queue alone, and its peers", (15, 60, 200)[size], _one(queue_rate.measure, (200, 1000, 6000)[size])))
    if size == _FULL:
        found += [_town(town, store, workers, many) for store in STORES for workers in WORKERS if (store, workers) != ("sqlite", 1)]
        found.append(Step("country", "80 000 applications", 3600, _one(country.measure, country.CASES, SEED)))
    return found


def _town(town: Town, store: str, workers: int, cases: int) -> Step:
    def line() -> list[Line]:
        return [town.line(store, workers, cases)]

    return Step("town", f"{store}, {workers} workers, {cases} cases", 5 + 1.5 * workers + cases / 65, line)


def _one(measure: Callable[..., Line], *arguments: Any) -> Callable[[], list[Line]]:
    return lambda: [measure(*arguments)]


def run(wanted: Sequence[Step], limit_s: float | None, figures: dict[str, Any], save: Callable[[dict[str, Any]], None]) -> list[str]:
    """Measure one after the other within the time, and keep what was found after each. Return what could not be measured, and why."""
    began, expected, spent = time.monotonic(), 0.0, 0.0
    found: dict[str, Any] = {}
    failed: list[str] = []
    on = machine()
    for step in wanted:
        section = found.setdefault(step.section, {"machine": on, "lines": [], "left_out": []})
        left_s = None if limit_s is None else limit_s - _RESERVE_S - (time.monotonic() - began)
        slower = spent / expected if expected else 1.0
        if left_s is not None and step.about_s * slower > left_s:
            section["left_out"].append(step.what)
        else:
            since = time.monotonic()
            try:
                for line in step.lines():
                    print(json.dumps({"section": step.section} | line), flush=True)
                    section["lines"].append(line)
            except (Exception, SystemExit) as error:  # what can be measured is: one figure's failure is told, and costs that figure
                failed.append(f"{step.section}, {step.what}: {type(error).__name__}: {error}")
                section["left_out"].append(step.what)
            spent, expected = spent + time.monotonic() - since, expected + step.about_s
        if section["lines"]:
            figures[step.section] = section
        save(figures)
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)
    return failed


def save(figures: dict[str, Any], file: Path = FIGURES) -> None:
    """Keep the figures, and make the page and its drawings of them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    scaling_page.write(load(file), file.parent)


def load(file: Path = FIGURES) -> dict[str, Any]:
    """Return the figures that are kept, none when nothing has been measured."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--tiny", dest="size", action="store_const", const=_TINY, help="to try it: the figures mean nothing")
    size.add_argument("--quick", dest="size", action="store_const", const=_QUICK)
    size.add_argument("--full", dest="size", action="store_const", const=_FULL)
    size.add_argument("--page", action="store_true")
    parser.add_argument("--only", nargs="*", choices=scaling_page.SECTIONS, default=scaling_page.SECTIONS)
    parser.add_argument("--figures", type=Path, default=FIGURES, help="kept there, the page beside their folder")
    wanted = parser.parse_args()
    figures, keep = load(wanted.figures), partial(save, file=wanted.figures)
    if wanted.page:
        keep(figures)
        return
    chosen = [step for step in steps(wanted.size) if step.section in wanted.only]
    failed = run(chosen, QUICK_LIMIT_S if wanted.size == _QUICK else None, figures, keep)
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
