"""A robot with nothing to do, and how soon one that starts has its first case; in a file and on a PostgreSQL server.

Prints one line of JSON for each store. Idle: the real daemon with a made-up municipality whose applications are all handled, with the
documented default's schedule. Start: from the start of the process until the first case is claimed, as the database has it; the
database and new cases in it are there already. The least of several, for other work on the machine only ever adds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import yaml

from robot.database import open_queue
from robot.demo import DemoWorld, daemon, default_config, world
from workqueue import State

TODAY = date(2026, 11, 30)
CASES = 20
STARTS = 5
_LIMIT_S = 60.0
_SETTLED_AFTER_S = 10.0
_MB = 1024 * 1024


@contextlib.contextmanager
def servers(kind: str) -> Iterator[str | None]:
    """Give the address of an empty database on a server of its own, None = a file."""
    if kind == "sqlite":
        yield None
        return
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "support"))
    from postgres_server import postgres_server

    with postgres_server({}) as server:
        with server.connect() as connection:
            connection.execute("CREATE DATABASE robot")
        yield server.url("robot")


@contextlib.contextmanager
def compiled(folder: str) -> Iterator[None]:
    """Let Python keep compiled files, as an installed program has them."""
    before = {name: os.environ.pop(name, None) for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")}
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
    try:
        yield
    finally:
        del os.environ["PYTHONPYCACHEPREFIX"]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def configure(running: DemoWorld, **changes: dict[str, Any]) -> None:
    """Change settings, by section."""
    data = yaml.safe_load(running.config.read_text(encoding="utf-8"))
    for section, values in changes.items():
        data[section] = data.get(section, {}) | values
    running.config.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def first_claim_s(running: DemoWorld) -> float:
    """Start the daemon, with a case or more to take, and return the seconds until the first one is claimed."""
    settings = running.settings()
    queue = open_queue(settings, settings.clock())
    before = queue.counts().get(State.READY, 0)
    assert before, "nothing to take"
    began = time.perf_counter()
    try:
        with daemon(running, once=False) as process:
            while queue.counts().get(State.READY, 0) == before:
                assert time.perf_counter() - began < _LIMIT_S, "no case was claimed"
                time.sleep(0.005)
            took = time.perf_counter() - began
            process.send_signal(signal.SIGTERM)
    finally:
        queue.close()
    return took


def idle(process: subprocess.Popen[bytes], seconds: float) -> dict[str, float]:
    """Return CPU, as a share of one core, and memory of a daemon that has nothing to do."""
    time.sleep(_SETTLED_AFTER_S)
    one = psutil.Process(process.pid)

    def used_s() -> float:
        times = one.cpu_times()
        return float(times.user + times.system)

    cpu, began, switches = used_s(), time.perf_counter(), one.num_ctx_switches().voluntary
    time.sleep(seconds)
    took = time.perf_counter() - began
    return {
        "idle_cpu_percent": round(100 * (used_s() - cpu) / took, 2),
        "idle_wakeups_per_s": round((one.num_ctx_switches().voluntary - switches) / took, 1),
        "idle_rss_mb": round(one.memory_info().rss / _MB, 1),
        "idle_own_mb": round(one.memory_full_info().uss / _MB, 1),
    }


def measure(kind: str = "sqlite", seconds: float = 60, starts: int = STARTS) -> dict[str, Any]:
    """Return the figures of one store."""
    default = yaml.safe_load(default_config().read_text(encoding="utf-8"))
    with (
        tempfile.TemporaryDirectory() as folder,
        compiled(folder),
        servers(kind) as database,
        world(Path(folder), cases=CASES, seed=7, today=TODAY, day_length_s=None) as running,
    ):
        configure(running, **({"storage": {"database": database}} if database else {}), schedule=default["schedule"])
        configure(running, work=default["work"] | {"cases_in_flight": 1})
        with daemon(running, once=True) as process:
            while not _some_are_ready(running):
                time.sleep(0.02)
            process.kill()
        took = [first_claim_s(running) for _ in range(starts)]
        configure(running, work={"cases_in_flight": default["work"]["cases_in_flight"]})
        with daemon(running, once=True) as process:
            process.wait()
        with daemon(running, once=False) as process:
            figures = idle(process, seconds)
    return {"benchmark": "idle", "store": kind, "start_to_claim_s": round(min(took), 2), "slowest_start_s": round(max(took), 2)} | figures


def _some_are_ready(running: DemoWorld) -> bool:
    settings = running.settings()
    if isinstance(settings.storage.database, Path) and not settings.storage.database.exists():
        return False
    queue = open_queue(settings, settings.clock())
    try:
        return queue.counts().get(State.READY, 0) > STARTS
    finally:
        queue.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("--on", choices=["sqlite", "postgres"], nargs="*", default=["sqlite", "postgres"])
    wanted = parser.parse_args()
    for kind in wanted.on:
        print(json.dumps(measure(kind, wanted.seconds, wanted.starts)), flush=True)


if __name__ == "__main__":
    main()
