"""A town's year in two hours: the real daemon on a file, faults on throughout, killed now and then, old cases deleted; is everything flat?

    python -m benchmarks.soak                                  # 9 000 applications (a town of about 100 000 people), 363 days, two hours
    python -m benchmarks.soak --minutes 2 --cases 150          # to try it: 60 days
    python -m benchmarks.soak --out FOLDER                     # keeps samples.csv, result.json, the robot's log and its database

Prints one line of JSON; progress goes to stderr once a minute. SIGTERM or Ctrl-C ends it early with what there is. The daemon is killed
(SIGKILL and SIGTERM in turn) once a world month in the first quarter; from then on one process lives to the end, so that its memory can be
judged.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from benchmarks.end_to_end import SEED
from benchmarks.idle import configure
from benchmarks.soak_faults import FaultyNeighbours
from benchmarks.soak_figures import FLAT, STORE, calendar, drift_percent, fates, longest_life, of_store, tenths
from benchmarks.soak_watch import Watch, rows
from robot.demo import DemoWorld, daemon, world

MINUTES = 120.0
CASES = 9_000
KEEP_MONTHS = 2
LAST_DAY = date(2026, 11, 30)
"""The run ends on this morning: there are no norm amounts for the year after."""
MOST_DAYS = 363
LEAST_DAY_S = 2.0
"""A world day is never shorter: a case takes some tenths of a second."""
QUIET_DAYS = 2
"""No applications on the last days, and no faults on the very last ones, so that what has come can end."""
KILLS_UNTIL = 0.25
KILLS_EVERY_DAYS = 30
EVERY_S = 10.0
TELL_EVERY_S = 60.0
LOOK_EVERY_S = 3.0
"""How soon somebody lets the robot go on when it has paused itself."""
_TICK_S = 0.25
_ADMIN_LIMIT_S = 60.0
_STOP_LIMIT_S = 45.0
_MOST_AT_ONCE = 1_000
_MOST_DEATHS = 20
"""A daemon that has ended by itself so often is not started any more."""


@dataclass
class Soak:
    """One run: what has been let in, who was killed, and the samples."""

    running: DemoWorld
    comes: dict[date, int]
    faults: FaultyNeighbours
    watch: Watch
    ends_at: datetime
    kills_at: list[datetime]
    stop: threading.Event
    let_in: int
    let_in_until: date
    restarts: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    kills: int = 0
    deaths: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Run until the last day's morning, or until told to stop."""
        clock = self.running.settings().clock()
        while not self.stop.is_set() and clock.now() < self.ends_at and self.deaths < _MOST_DEATHS:
            with daemon(self.running, once=False) as process:
                self.watch.born(process.pid)
                self._live(process)
                if process.poll() is None and (self.stop.is_set() or clock.now() >= self.ends_at):
                    self._sample()
                    process.send_signal(signal.SIGTERM)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self.restarts[f"ended with {process.wait(_STOP_LIMIT_S)}"] += 1
        self.watch.said.look()

    def _live(self, process: subprocess.Popen[bytes]) -> None:
        """Go on until this process is gone, or the run is over."""
        clock = self.running.settings().clock()
        next_sample = next_word = next_look = time.monotonic() + 2.0
        while not self.stop.wait(_TICK_S):
            now = clock.now()
            if now >= self.ends_at:
                return
            if process.poll() is not None:
                self.restarts[f"died with {process.returncode}"] += 1
                self.deaths += 1
                self.stop.wait(self.deaths)
                return
            self._world_goes_on(now)
            if time.monotonic() >= next_sample:
                next_sample += EVERY_S
                self._sample()
            if time.monotonic() >= next_look:
                next_look += LOOK_EVERY_S
                self._resume()
            if time.monotonic() >= next_word:
                next_word += TELL_EVERY_S
                self._tell(now)
            if self.kills_at and now >= self.kills_at[0]:
                self._kill(process)
                return

    def _world_goes_on(self, now: datetime) -> None:
        """Let tomorrow's applications in, and close or open a neighbour. A neighbour too busy to answer is told again the next time."""
        try:
            while self.let_in_until <= now.date() and self.let_in_until < max(self.comes):
                day = self.let_in_until + timedelta(days=1)
                self._arrive(self.comes.get(day, 0), day)
                self.let_in_until = day
            if now < self.ends_at - timedelta(days=QUIET_DAYS):
                self.faults.tick(now)
            else:
                self.faults.end()
        except httpx.HTTPError as error:
            print(f"soak: the simulators' admin: {type(error).__name__}", file=sys.stderr, flush=True)

    def _arrive(self, count: int, day: date) -> None:
        """Let applications in on a day, as `DemoWorld.arrive`, without having every case summed up to know their number."""
        for first in range(self.let_in, self.let_in + count, _MOST_AT_ONCE):
            order = {"count": min(_MOST_AT_ONCE, self.let_in + count - first), "day": day.isoformat(), "first": first}
            for url in (self.running.registers_url, self.running.case_system_url):
                httpx.post(f"{url}/admin/arrive", json=order, timeout=_ADMIN_LIMIT_S).raise_for_status()
        self.let_in += count

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        self.kills_at.pop(0)
        how = signal.SIGKILL if self.kills % 2 == 0 else signal.SIGTERM
        self.kills += 1
        self.watch.note_cpu()
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_LIMIT_S)
        self.restarts[how.name] += 1

    def _sample(self) -> None:
        now = self.running.settings().clock().now()
        head = {"at_s": round(time.monotonic() - self._began, 1), "world": now.isoformat(timespec="minutes"), "let_in": self.let_in}
        self.samples.append(head | self.watch.look())

    def _resume(self) -> None:
        """Let the robot go on when it has paused itself, as a person who has looked would."""
        if self.watch.is_paused():
            command = [sys.executable, "-m", "robot", "resume", "--reason", "soak", "-c", str(self.running.config)]
            self.resumed += subprocess.run(command, capture_output=True, check=False, timeout=_STOP_LIMIT_S).returncode == 0

    def _tell(self, now: datetime) -> None:
        last = self.samples[-1] if self.samples else {}
        told = {
            name: last.get(name)
            for name in ("at_s", "life", "rss_mb", "files", "threads", "database_mb", "finished", "forgotten", "parked")
        }
        print(f"soak: {now:%Y-%m-%d} in={self.let_in} " + " ".join(f"{k}={v}" for k, v in told.items()), file=sys.stderr, flush=True)


def set_up(running: DemoWorld, first: date, day_length_s: float, keep_months: int) -> int:
    """Start the world's three clocks at the same moment, and give the daemon settings that go with so short a day. Return its port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    default = yaml.safe_load(running.config.read_text(encoding="utf-8"))
    # What the machine's time is for is as much shorter as the day is; a neighbour that is left alone is probed after a second.
    hasty = {"breaker_open_s": 1, "retry_after_max_s": 2, "total_timeout_s": 15, "backoff_first_s": 0.2, "backoff_max_s": 2}
    case_system, registers = default["case_system"], default["registers"]["ssbtek"]
    for neighbour in (case_system, registers):
        neighbour["transport"] = {**neighbour.get("transport", {}), **hasty}
    decision = {
        "since": first.isoformat(),
        "keep_months": keep_months,
        "reference": "Socialnämndens beslut (påhittat)",
        "research": "forget",
    }
    configure(
        running,
        case_system=case_system,
        registers=default["registers"] | {"ssbtek": registers},
        work={"try_again_first_s": 300, "try_again_last_s": 7200},
        health={"listen": True, "port": port, "look_every_s": 5},
        audit={"head_file": "audit.head", "head_every_s": 60},
        retention={"policy": "decided", "decisions": [decision], "from_hour": 0, "until_hour": 24, "look_every_s": day_length_s},
    )
    for url in (running.registers_url, running.case_system_url):
        httpx.put(f"{url}/admin/day", json={"today": first.isoformat()}, timeout=_ADMIN_LIMIT_S).raise_for_status()
    configure(running, world={"epoch": time.time()})
    return port


@contextlib.contextmanager
def soaking(root: Path, wanted: argparse.Namespace, stop: threading.Event) -> Iterator[Soak]:
    """Start the town and give the run; all that was started is ended."""
    day_length_s = max(LEAST_DAY_S, wanted.minutes * 60 / MOST_DAYS)
    days = max(QUIET_DAYS + 1, int(wanted.minutes * 60 / day_length_s))
    first = LAST_DAY - timedelta(days=days)
    comes = calendar(first, LAST_DAY - timedelta(days=QUIET_DAYS), wanted.cases)
    at_once = max(1, comes[first])
    with world(root, cases=at_once, seed=wanted.seed, today=first, day_length_s=day_length_s) as running:
        port = set_up(running, first, day_length_s, wanted.keep_months)
        began = running.settings().clock().now()
        ends_at = began + timedelta(days=days)
        faults = FaultyNeighbours(running.case_system_url, running.registers_url, began + timedelta(days=5))
        faults.begin()
        kills = max(1, int(days * KILLS_UNTIL / KILLS_EVERY_DAYS)) if wanted.kills is None else wanted.kills
        kills_at = [began + timedelta(days=days * KILLS_UNTIL * (number + 1) / kills) for number in range(kills)]
        watch = Watch(running, port)
        try:
            yield Soak(running, comes, faults, watch, ends_at, kills_at, stop, let_in=at_once, let_in_until=first)
        finally:
            watch.close()


def result(soak: Soak, wanted: argparse.Namespace) -> dict[str, Any]:
    """Return the figures, with what the case system and the store say at the end."""
    said, watch, samples = soak.watch.said, soak.watch, soak.samples
    life, store = longest_life(samples), of_store(samples)
    place = soak.running.settings().storage.database
    assert isinstance(place, Path)
    queue = watch.queue()
    verified = None if queue is None else queue.verify_audit()
    errands = httpx.get(f"{soak.running.case_system_url}/admin/summary", timeout=_ADMIN_LIMIT_S).raise_for_status().json()["errands"]
    ends = fates(errands, watch.waiting(), early=soak.stop.is_set())
    return {
        "benchmark": "soak",
        "minutes": wanted.minutes,
        "world_days": (soak.ends_at.date() - min(soak.comes)).days,
        "let_in": soak.let_in,
        "arrived": len(errands),
        "fates": dict(sorted(ends.items())),
        "wrong": ends["lost"] + ends["doubled"] + ends["against_rules"],
        "outcomes_in_log": dict(said.outcomes),
        "rested": said.rested,
        "forgotten": said.forgotten,
        "states": {name: count for name, count in watch.look().items() if name in _STATES and count},
        "drift_percent_longest_life": drift_percent(life, FLAT) | {"minutes": _minutes(life)},
        "drift_percent_store": drift_percent(store, STORE) | {"minutes": _minutes(store)},
        "at_tenths": tenths(samples, (*FLAT, *STORE, "log_mb", "finished")),
        "lives": _lives(samples),
        "robot_cpu_ms_per_case": round(1000 * watch.cpu_s / max(said.finished, 1), 1),
        "own_cpu_s": round(sum(psutil.Process().cpu_times()[:2]), 1),
        "restarts": dict(soak.restarts),
        "paused_itself": soak.resumed,
        "closed": dict(soak.faults.closed),
        "faults_fired": dict(sorted(soak.faults.fired().items())),
        "codes_in_log": dict(said.codes.most_common()),
        "unreadable_lines": said.unreadable,
        "metrics_failed": watch.metrics_failed,
        "audit_problems": None if verified is None else len(verified.problems),
        "audit_events": None if verified is None else verified.events,
        "store_problems": None if queue is None else len(queue.integrity()),
        "tables": rows(place),
    }


_STATES = frozenset(
    {"ready", "assessing", "waiting_for_income", "waiting_for_register", "to_deliver", "delivering"}
    | {"parked", "delivered", "handed_over", "taken_by_person", "superseded", "shadowed"}
)


def _minutes(samples: list[Any]) -> float:
    return round((samples[-1]["at_s"] - samples[0]["at_s"]) / 60, 1) if samples else 0.0


def _lives(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each process's length and memory, first and last."""
    found = []
    for life in sorted({one["life"] for one in samples}):
        own = [one for one in samples if one["life"] == life and one["rss_mb"] is not None]
        if own:
            found.append(
                {"minutes": _minutes(own), "rss_mb": [own[0]["rss_mb"], own[-1]["rss_mb"]], "most_mb": max(one["rss_mb"] for one in own)}
            )
    return found


def main() -> None:
    """Run, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long it takes, start and end not counted")
    parser.add_argument("--cases", type=int, default=CASES, help="applications in all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep-months", type=int, default=KEEP_MONTHS, help="world months after which ended cases are deleted")
    parser.add_argument("--kills", type=int, help="how often the daemon is killed in the first quarter; by default once a world month")
    parser.add_argument("--out", type=Path, help="folder to keep samples, result, log and database in")
    wanted = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        root = wanted.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        soak = stack.enter_context(soaking(root, wanted, stop))
        began = datetime.now(UTC)
        soak.run()
        keep_samples(soak, root)
        figures = result(soak, wanted) | {"wall_minutes": round((datetime.now(UTC) - began).total_seconds() / 60, 1)}
        (root / "result.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(figures), flush=True)


def keep_samples(soak: Soak, folder: Path) -> None:
    """Write every sample as a line of CSV."""
    with (folder / "samples.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(soak.samples[0]) if soak.samples else [])
        writer.writeheader()
        writer.writerows(soak.samples)


if __name__ == "__main__":
    main()
