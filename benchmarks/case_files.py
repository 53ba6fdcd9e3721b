"""Case files as the robot makes them: the simulators' made-up population, fetched by the real daemon from both neighbours."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from robot.daemon import open_queue
from robot.demo import DemoWorld, daemon, world

TODAY = date(2026, 11, 30)
TIMEOUT_S = 300


def case_files(cases: int, seed: int) -> list[dict[str, Any]]:
    """Return the facts of every case that the daemon has handled, as it keeps them: all outcomes, the stops and the urgent ones too."""
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), cases=cases, seed=seed, today=TODAY, day_length_s=None) as running:
        with daemon(running, once=True) as process:
            if process.wait(TIMEOUT_S) != 0:
                raise SystemExit(f"the daemon ended with {process.returncode}; its log: {running.log}")
        return _kept(running, cases)


def _kept(running: DemoWorld, cases: int) -> list[dict[str, Any]]:
    settings = running.settings()
    queue = open_queue(settings, settings.clock())
    try:
        drafts = [queue.draft(item.case_id) for item in queue.items(state=None, limit=cases)]
    finally:
        queue.close()
    return [draft["case_file"] for draft in drafts if draft is not None]


def write_many(known: list[dict[str, Any]], path: Path, cases: int) -> None:
    """Write that many case files, one a line: the known ones again and again, each under a case id of its own."""
    with path.open("w", encoding="utf-8") as out:
        for number in range(cases):
            case = known[number % len(known)]
            application = case["application"] | {"case_id": f"BENCH-{number}"}
            out.write(json.dumps(case | {"application": application}, ensure_ascii=False, separators=(",", ":")) + "\n")
