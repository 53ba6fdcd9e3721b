"""Where a case's CPU goes: the daemon in this process, sampled, its neighbours as processes of their own.

Prints one line of JSON: milliseconds a case by part, and with `--functions` the dearest functions of ours and of the libraries.
After each millisecond of CPU the main thread looks where every thread stands and what each has used since; that is put on where it stands.
It is right on the whole and rough in the single: take 150 cases or more.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from benchmarks.end_to_end import CASES, SEED, TODAY
from robot import logs
from robot.daemon import Daemon
from robot.database import open_queue
from robot.demo import world

_EVERY_S = 0.001
_FUNCTIONS = 40
_ANYWHERE = (
    ("connectors/transport/", "HTTP"),
    ("/aiohttp/", "HTTP"),
    ("/yarl/", "HTTP"),
    ("/structlog/", "log"),
    ("/logging/", "log"),
    ("robot/draft/", "texts that people read"),
)
"""A part that it counts as wherever it stands in the stack."""
_OUTERMOST = (
    ("rules/", "rules"),
    ("connectors/registers/ssbtek/", "SSBTEK: question and answer"),
    ("connectors/case_systems/", "CareManagement: reading and checks"),
    ("robot/effects", "effects planned"),
    ("workqueue/", "database: queue"),
    ("robot/database", "database: hand-over"),
    ("robot/worker", "worker"),
    ("robot/", "rest of the robot"),
)
"""Else the part of ours that called all the others."""
_REST = "event loop and sockets"


class Sampler:
    """Where the threads of this process use their CPU, in seconds, by part and by function."""

    def __init__(self) -> None:
        self.parts: defaultdict[str, float] = defaultdict(float)
        self.functions: defaultdict[str, float] = defaultdict(float)
        self._used: dict[int, float] = {}

    @contextlib.contextmanager
    def sampling(self) -> Iterator[None]:
        """Sample while the block runs, in the main thread."""
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, _number: int, here: FrameType | None) -> None:
        main = threading.get_ident()
        for ident, frame in sys._current_frames().items():
            self._note(ident, here if ident == main else frame)

    def _note(self, ident: int, frame: FrameType | None) -> None:
        try:
            used = time.clock_gettime(time.pthread_getcpuclockid(ident))
        except OSError:
            return
        spent = used - self._used.get(ident, used)
        self._used[ident] = used
        stack = _stack(frame)
        if spent > 0 and stack:
            self.parts[_part(stack)] += spent
            self.functions[_place(stack[0])] += spent


def _most(spent: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(spent.items(), key=lambda one: -one[1])


def _stack(frame: FrameType | None) -> list[FrameType]:
    """Return the frames, innermost first."""
    found = []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def _part(stack: list[FrameType]) -> str:
    files = [frame.f_code.co_filename for frame in stack]
    for marker, part in _ANYWHERE:
        if any(marker in file for file in files):
            return part
    for file in reversed(files):
        for marker, part in _OUTERMOST:
            if marker in file and "site-packages" not in file and "robot/daemon" not in file and "robot/cli" not in file:
                if part not in ("worker", "rest of the robot", "database: hand-over") or file == _innermost_of_ours(files):
                    return part
                break
    return _REST


def _innermost_of_ours(files: list[str]) -> str | None:
    ours = [marker for marker, _ in _OUTERMOST]
    return next((file for file in files if "site-packages" not in file and any(marker in file for marker in ours)), None)


def _place(frame: FrameType) -> str:
    name = frame.f_code.co_filename
    return f"{'/'.join(name.split('/')[-2:])} {frame.f_code.co_name}"


def measure(cases: int, seed: int, *, functions: bool) -> dict[str, object]:
    """Return the figures of one run."""
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), cases=cases, seed=seed, today=TODAY, day_length_s=None) as running:
        settings = running.settings()
        with _logged_to(running.folder / "robot.log"):
            logs.set_up(settings.logs.level, "json")
            open_queue(settings, settings.clock()).close()
            daemon = Daemon(settings, once=True)
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, *gc.get_threshold()[1:])
            sampler, began = Sampler(), time.process_time()
            with sampler.sampling():
                asyncio.run(daemon.run())
            used = time.process_time() - began
    ms = {part: round(1000 * spent / cases, 2) for part, spent in _most(sampler.parts)}
    found: dict[str, object] = {
        "benchmark": "where", "cases": cases, "cpu_ms_per_case_with_sampling": round(1000 * used / cases, 2),
        "ms_per_case": ms, "sum": round(sum(ms.values()), 2),
    }  # fmt: skip
    if functions:
        found["functions"] = {place: round(1000 * spent / cases, 3) for place, spent in _most(sampler.functions)[:_FUNCTIONS]}
    return found


@contextlib.contextmanager
def _logged_to(file: Path) -> Iterator[None]:
    """Send standard output to a file meanwhile: the log costs what it costs, and does not stand among the figures."""
    sys.stdout.flush()
    kept, log = os.dup(1), os.open(file, os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(log)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--functions", action="store_true", help="also the dearest functions")
    wanted = parser.parse_args()
    print(json.dumps(measure(wanted.cases, wanted.seed, functions=wanted.functions), indent=1 if wanted.functions else None))


if __name__ == "__main__":
    main()
