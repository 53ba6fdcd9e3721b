"""The demo: a small municipality in its own processes, and the real daemon preparing its applications."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import yaml

import rules
from robot.settings import Settings, load, world_start

_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 40.0
_ANNOUNCED = "listening on "
_ADMIN_LIMIT_S = 60.0
_KEEP = 5
DEMO_GUIDELINES = Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml"


class DemoError(Exception):
    """A part of the demo did not start; the text says which and where its log is."""


@dataclass(frozen=True)
class DemoWorld:
    """What the demo has going: where it lives, and its neighbours' addresses."""

    folder: Path
    config: Path
    log: Path
    case_system_url: str
    registers_url: str

    def settings(self) -> Settings:
        """Return the settings that the demo's daemon runs with."""
        return load(self.config)

    def day(self) -> str:
        """Return the day it is in the world, as the case system has it."""
        return str(httpx.get(f"{self.case_system_url}/admin/day", timeout=_ADMIN_LIMIT_S).raise_for_status().json()["today"])

    def arrive(self, count: int) -> None:
        """Let new applications arrive: their people are known to the registers first, then they stand in the case system."""
        first = httpx.get(f"{self.case_system_url}/admin/summary", timeout=_ADMIN_LIMIT_S).raise_for_status().json()["total"]
        for url in (self.registers_url, self.case_system_url):
            order = {"count": count, "day": self.day(), "first": first}
            httpx.post(f"{url}/admin/arrive", json=order, timeout=_ADMIN_LIMIT_S).raise_for_status()


@contextlib.contextmanager
def world(root: Path, *, cases: int, seed: int, today: date, day_length_s: float | None) -> Iterator[DemoWorld]:
    """Start registers and case system as processes of their own, with a configuration for the daemon; stop them at the end."""
    folder = _fresh_folder(root)
    with contextlib.ExitStack() as stack:
        common = ["--seed", str(seed), "--cases", str(cases), "--today", today.isoformat(), "--port", "0"]
        if day_length_s:
            common += ["--day-length-s", str(day_length_s)]
        started = {
            name: stack.enter_context(_process("connectors.simulators", [name, *common], folder / f"{name}.log")) for name in NEIGHBOURS
        }
        urls = [_address(process, name, folder) for name, process in started.items()]
        config = _write_config(folder, registers=urls[0], case_system=urls[1], today=today, day_length_s=day_length_s)
        yield DemoWorld(folder, config, folder / "robot.log", case_system_url=urls[1], registers_url=urls[0])


NEIGHBOURS = ("registers", "case-system")


@contextlib.contextmanager
def daemon(demo: DemoWorld, *, once: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Run the real daemon as a process of its own, its log in the demo's folder."""
    arguments = ["run", "-c", str(demo.config), *(["--once"] if once else [])]
    with _process("robot", arguments, demo.folder / "robot.err", stdout=demo.log) as process:
        yield process


def _fresh_folder(root: Path) -> Path:
    """Return a new folder for this run; the oldest runs make room."""
    root.mkdir(parents=True, exist_ok=True)
    earlier = sorted(path for path in root.glob("run-*") if path.is_dir())
    for path in earlier[: max(0, len(earlier) - _KEEP + 1)]:
        shutil.rmtree(path, ignore_errors=True)
    number = 1 + max((int(path.name.removeprefix("run-")) for path in earlier if path.name.removeprefix("run-").isdigit()), default=0)
    folder = root / f"run-{number:04d}"
    folder.mkdir(mode=0o700)
    return folder


@contextlib.contextmanager
def _process(module: str, arguments: list[str], errors: Path, *, stdout: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Start a module of this program; end it with SIGTERM, and with SIGKILL when it does not listen."""
    with errors.open("ab") as stderr, contextlib.ExitStack() as files:
        out = files.enter_context(stdout.open("ab")) if stdout else subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdout=out, stderr=stderr, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()


def _address(process: subprocess.Popen[bytes], name: str, folder: Path) -> str:
    """Return the address that a neighbour announces on its first line."""
    assert process.stdout is not None
    limit = time.monotonic() + _START_LIMIT_S
    seen = b""
    while time.monotonic() < limit and process.poll() is None:
        if select.select([process.stdout], [], [], 0.2)[0]:
            seen += os.read(process.stdout.fileno(), 4096)
            line, newline, _ = seen.partition(b"\n")
            if newline and line.decode().startswith(_ANNOUNCED):
                return line.decode().removeprefix(_ANNOUNCED).strip()
    raise DemoError(f"DEMO-001 the simulated {name} did not start; its log is {folder / f'{name}.log'}")


def _write_config(folder: Path, *, registers: str, case_system: str, today: date, day_length_s: float | None) -> Path:
    """Write the demo's config.yaml: the documented default, with this run's addresses, folder and day."""
    data = yaml.safe_load(default_config().read_text(encoding="utf-8"))
    data["municipality"]["guidelines"] = str(DEMO_GUIDELINES)
    data["storage"] = {"database": "bistandsrobot.db", "key_file": "master.key"}
    data["case_system"] |= {"base_url": case_system, "party_url": f"{case_system}/party"}
    data["registers"]["ssbtek"]["url"] = f"{registers}/ssbtek"
    data["world"] = {"start": world_start(today.isoformat()).isoformat(), "epoch": time.time(), "day_length_s": day_length_s}
    data["logs"] = {"level": "info", "style": "json"}
    data["health"] = {"listen": False}  # several demos may run on one machine
    data["schedule"] = {**data.get("schedule", {}), "pull_every_s": 2, "relist_every_s": 10, "maintain_every_s": 1, "pull_lease_s": 4}
    data["registers"]["ask_again_s"] = 7200
    data["work"]["lease_s"] = 10
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def default_config() -> Path:
    """Return the documented default configuration: in the installed package, or at the root of a checkout."""
    installed = Path(__file__).resolve().parent / "config.yaml"
    return installed if installed.exists() else installed.parent.parent / "config.yaml"
