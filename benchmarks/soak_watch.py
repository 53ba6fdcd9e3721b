"""A soak's daemon, looked at from outside: its process, its files, its store, what it says and what it serves."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from robot.database import open_queue
from robot.demo import DemoWorld
from workqueue import NOT_ENDED, State, WorkQueue

_MB = 1024 * 1024
_PAUSED = re.compile(rb'^bistandsrobot_paused\{what="([^"]*)"\} 1\.0$', re.MULTILINE)
_METRICS_LIMIT_S = 5.0
_READ_BYTES = 16 * _MB
_WORTH_READING = (b'"code":', b'"event":"case.finished"', b'"event":"retention.carried_out"', b'"event":"case.resting"')


@dataclass
class Said:
    """What the log has told so far, read on from where it was read last."""

    log: Path
    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    rested: int = 0
    forgotten: int = 0
    unreadable: int = 0
    _read: int = 0
    _rest: bytes = b""

    def look(self) -> None:
        """Read what is new. A process that was killed may leave a line without its end."""
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as log:
            log.seek(self._read)
            while new := log.read(_READ_BYTES):
                self._read += len(new)
                lines = (self._rest + new).split(b"\n")
                self._rest = lines.pop()
                for line in lines:
                    if any(mark in line for mark in _WORTH_READING):
                        self._take(line)

    @property
    def finished(self) -> int:
        """Return how many cases have been ended, one that was taken up again counted each time."""
        return self.outcomes.total()

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            self.unreadable += 1
            return
        match event.get("event"):
            case "case.finished":
                self.outcomes[str(event.get("outcome"))] += 1
            case "case.resting":
                self.rested += 1
            case "retention.carried_out":
                self.forgotten += int(event.get("forgotten", 0))
        if event.get("code"):
            self.codes[str(event["code"])] += 1


class Watch:
    """Takes a sample of everything; the process is exchanged when the daemon is started anew."""

    def __init__(self, running: DemoWorld, port: int) -> None:
        self._running = running
        self._metrics = f"http://127.0.0.1:{port}/metrics"
        self._client = httpx.Client(timeout=_METRICS_LIMIT_S, trust_env=False)
        self._settings = running.settings()
        self._queue: WorkQueue | None = None
        self._process: psutil.Process | None = None
        self._cpu_before_s = self._cpu_s = 0.0
        self.said = Said(running.log)
        self.life = 0
        self.metrics_failed = 0

    def close(self) -> None:
        """Let go of the store."""
        self._client.close()
        if self._queue is not None:
            self._queue.close()

    def born(self, pid: int) -> None:
        """Look at another process from now on."""
        self._cpu_before_s += self._cpu_s
        self._cpu_s = 0.0
        self._process = psutil.Process(pid)
        self.life += 1

    def look(self) -> dict[str, Any]:
        """Return what there is now."""
        self.said.look()
        return {
            "life": self.life,
            **self._of_process(),
            **self._of_files(),
            **self._of_metrics(),
            "finished": self.said.finished,
            "forgotten": self.said.forgotten,
            **self._states(),
        }

    @property
    def cpu_s(self) -> float:
        """Return the CPU that all lives have used, as far as was seen."""
        return self._cpu_before_s + self._cpu_s

    def note_cpu(self) -> None:
        """Note the process's CPU: right before it is killed."""
        with contextlib.suppress(psutil.Error):
            if self._process is not None:
                times = self._process.cpu_times()
                self._cpu_s = max(self._cpu_s, times.user + times.system)

    def queue(self) -> WorkQueue | None:
        """Return the robot's own store, opened beside it; None before the robot has made it."""
        place = self._settings.storage.database
        if self._queue is None and isinstance(place, Path) and place.exists():
            with contextlib.suppress(Exception):  # the robot is making it just now: the next sample has it
                self._queue = open_queue(self._settings, self._settings.clock())
        return self._queue

    def is_paused(self) -> bool:
        """Say whether the robot has paused itself; not known while the store is locked."""
        queue = self.queue()
        with contextlib.suppress(Exception):
            return queue is not None and bool(queue.pauses())
        return False

    def waiting(self) -> dict[str, str]:
        """Return the state of every case that has not ended, or that is parked, by case id."""
        queue = self.queue()
        states = (*NOT_ENDED, State.PARKED)
        return (
            {}
            if queue is None
            else {item.case_id: item.state.value for state in states for item in queue.items(state=state, limit=100_000)}
        )

    def _of_process(self) -> dict[str, Any]:
        self.note_cpu()
        with contextlib.suppress(psutil.Error):
            if self._process is not None:
                memory = self._process.memory_full_info()
                figures = {"rss_mb": round(memory.rss / _MB, 2), "uss_mb": round(memory.uss / _MB, 2)}
                counts = {"files": self._process.num_fds(), "threads": self._process.num_threads()}
                return figures | counts | {"cpu_s": round(self.cpu_s, 2)}
        return {"rss_mb": None, "uss_mb": None, "files": None, "threads": None, "cpu_s": round(self.cpu_s, 2)}

    def _of_files(self) -> dict[str, Any]:
        place = self._settings.storage.database
        assert isinstance(place, Path)
        return {
            "database_mb": _mb(place),
            "wal_mb": _mb(place.with_name(place.name + "-wal")),
            "used_mb": _used_mb(place),
            "log_mb": _mb(self._running.log),
        }

    def _of_metrics(self) -> dict[str, Any]:
        try:
            text = self._client.get(self._metrics).raise_for_status().content
        except httpx.HTTPError:
            self.metrics_failed += 1
            return {"paused": None}
        return {"paused": len(_PAUSED.findall(text))}

    def _states(self) -> dict[str, Any]:
        queue = self.queue()
        counts: dict[State, int] = {}
        with contextlib.suppress(Exception):  # locked for a moment: the figure is left out of this sample
            counts = {} if queue is None else queue.counts()
        return {state.value: counts.get(state) for state in State}


def rows(place: Path) -> dict[str, dict[str, float]]:
    """Return rows and megabytes of each table at the end, megabytes only where SQLite was built to tell."""
    found: dict[str, dict[str, float]] = {}
    with contextlib.closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        for name in tables:
            found[name] = {"rows": store.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]}
        with contextlib.suppress(sqlite3.OperationalError):
            for name, size in store.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall():
                if name in found:
                    found[name]["mb"] = round(size / _MB, 2)
    return found


def _used_mb(place: Path) -> float | None:
    """Return what the pages in use take: pages that were emptied stay in the file, and are used again."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=2)) as store:
        pages, free, size = (store.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
        return round(float((pages - free) * size) / _MB, 2)
    return None


def _mb(file: Path) -> float | None:
    with contextlib.suppress(FileNotFoundError):
        return round(file.stat().st_size / _MB, 2)
    return None
