"""A made-up municipality with the real daemon, for tests: each part in its own process, over real HTTP."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import yaml

from connectors.simulators.population import build
from connectors.simulators.world import ApplicationRecord, World
from robot.daemon import CONTROL_SAMPLE, open_queue
from robot.database import key_place
from robot.demo import DemoWorld, daemon, world
from rules import is_control_sample, load_rulebook
from rules.assessment import Assessment
from rules.month import Month
from workqueue import Item, WorkQueue

TODAY = date(2026, 11, 30)
_TLS = ssl.create_default_context()
"""Unused on loopback, but httpx makes one for every call when it is given none, which takes longer than the call."""
MOST = 10_000
ADMIN_LIMIT_S = 90
"""A simulator that sends gigabytes, on a busy machine, may take its time to answer us."""
LIMIT_S = 240.0
"""What is waited for comes within seconds; a machine that does other things too may take this long, and it is no promise of the robot's."""
Changes = Mapping[str, Mapping[str, Any]]


@dataclass
class Town:
    """A running municipality and the robot's files."""

    demo: DemoWorld
    population: World

    def application(self, case_id: str) -> ApplicationRecord:
        """Return the population's own record of a case."""
        return next(one for one in self.population.applications if one.errand_id == case_id)

    def of_group(self, start: str) -> list[ApplicationRecord]:
        """Return the applications whose group begins so."""
        return [one for one in self.population.applications if one.group.startswith(start)]

    def is_control_sample(self, case_id: str) -> bool:
        """Say whether the robot's key picks a case as a control sample, should it be OK."""
        settings = self.demo.settings()
        share = load_rulebook(settings.municipality.guidelines).guidelines.control_sample_percent(Month.of(TODAY).plus(1))
        with self.queue() as opened:
            return is_control_sample(case_id, opened.derived_key(CONTROL_SAMPLE), share)

    def run_once(self, *, expect: int | None = 0, timeout_s: float = 2 * LIMIT_S) -> int:
        """Run the daemon until nothing is left to do now; return its exit code."""
        with daemon(self.demo, once=True) as process:
            code = process.wait(timeout_s)
        assert expect is None or code == expect, self.tail()
        return code

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the daemon while the block runs."""
        with daemon(self.demo, once=False) as process:
            yield process

    @contextlib.contextmanager
    def program(self, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Run `bistandsrobot run` with these options, its log where the daemon's is; kill what is left of it at the end."""
        command = [sys.executable, "-m", "robot", "run", "-c", str(self.demo.config), *options]
        with self.demo.log.open("ab") as log, (self.demo.folder / "robot.err").open("ab") as errors:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | dict(environment or {}),
            )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @contextlib.contextmanager
    def queue(self) -> Iterator[WorkQueue]:
        """Open the robot's queue beside it."""
        settings = self.demo.settings()
        opened = open_queue(settings, settings.clock())
        try:
            yield opened
        finally:
            opened.close()

    def items(self) -> list[Item]:
        """Return every work item."""
        with self.queue() as opened:
            return list(opened.items(state=None, limit=MOST))

    def drafts(self) -> dict[str, dict[str, Any]]:
        """Return what the robot keeps of every case, by case id."""
        with self.queue() as opened:
            kept = {item.case_id: opened.draft(item.case_id) for item in opened.items(state=None, limit=MOST)}
        return {case_id: draft for case_id, draft in kept.items() if draft is not None}

    def assessments(self) -> dict[str, Assessment]:
        """Return the robot's assessment of every case that has one, by case id."""
        return {case_id: Assessment.model_validate(draft["assessment"]) for case_id, draft in self.drafts().items()}

    def case_system(self, method: str, path: str, **options: Any) -> Any:
        """Call the simulated case system's admin side; return the JSON answer."""
        return _call(self.demo.case_system_url, method, path, **options)

    def registers(self, method: str, path: str, **options: Any) -> Any:
        """Call the simulated registers' admin side; return the JSON answer."""
        return _call(self.demo.registers_url, method, path, **options)

    def state(self, case_id: str) -> dict[str, Any]:
        """Return all that the case system holds on a case."""
        held = self.case_system("GET", "/admin/state", params={"errandId": case_id})
        assert isinstance(held, dict)
        return held | {"status": held["errand"]["status"], "priority": held["errand"].get("priority")}

    def log(self) -> list[dict[str, Any]]:
        """Return the robot's log, a dictionary a line; a line that is no JSON fails."""
        return [json.loads(line) for line in self.demo.log.read_text(encoding="utf-8").splitlines()]

    def tail(self) -> str:
        """Return the end of what the robot said, for a failing test."""
        texts = [path.read_text(encoding="utf-8")[-3000:] for path in (self.demo.log, self.demo.folder / "robot.err") if path.exists()]
        return "\n--\n".join(texts)


def _call(base: str, method: str, path: str, **options: Any) -> Any:
    answer = httpx.request(method, base + path, timeout=ADMIN_LIMIT_S, verify=_TLS, trust_env=False, **options)
    answer.raise_for_status()
    return answer.json() if answer.content else None


@contextlib.contextmanager
def town(
    root: Path,
    *,
    cases: int,
    seed: int = 7,
    today: date = TODAY,
    database: str | None = None,
    changes: Changes | None = None,
    day_length_s: float | None = None,
) -> Iterator[Town]:
    """Start a municipality with that many applications; the robot is not started.

    `database` = the address of a database on a server, instead of a file. `changes` = settings to change, by section.
    `day_length_s` = real seconds that a day takes in the world; None = as long as ours.
    """
    with world(root, cases=cases, seed=seed, today=today, day_length_s=day_length_s) as running:
        change(running.config, {"storage": {"database": database}} if database else {})
        change(running.config, changes or {})
        key = key_place(running.settings())
        key.write_bytes(base64.b64encode(hashlib.sha256(b"a key for tests, the same each time").digest()))
        key.chmod(0o600)
        yield Town(running, build(seed, cases, today))


def change(config: Path, changes: Changes) -> None:
    """Change settings in a file; what is not named stays."""
    if changes:
        data = yaml.safe_load(config.read_text(encoding="utf-8"))
        config.write_text(yaml.safe_dump(_changed(data, changes), allow_unicode=True, sort_keys=False), encoding="utf-8")


def _changed(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    deep = {name: _changed(data.get(name) or {}, value) if isinstance(value, Mapping) else value for name, value in changes.items()}
    return {**data, **deep}


def wait_for(condition: Callable[[], bool], *, within_s: float = LIMIT_S, what: str = "the condition") -> None:
    """Look until a condition holds; fail with what was waited for when it takes too long."""
    limit = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError(f"{what} did not come within {within_s} s")
        time.sleep(0.05)


def keys_written(state: dict[str, Any]) -> Counter[str]:
    """Return how often each effect key stands among a case's recommendations, documents and warnings in the case system."""
    texts = [str(one.get("description") or "") for one in state["decisions"] if one.get("createdBy") == "bistandsrobot"]
    texts += [str(one.get("heading") or "") for one in state["documents"]]
    keys = [text.rsplit("[", 1)[1].rstrip("]") for text in texts if text.endswith("]")]
    return Counter(keys + [str(one["sourceKey"]) for one in state["warnings"] if str(one.get("sourceKey", "")).startswith("robot:")])
