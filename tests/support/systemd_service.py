"""The robot installed as a service on a machine with a real systemd, by the steps of docs/operations.md and with the locked packages."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml
from harness import Changes, Town, change
from systemd_machine import Machine, NotPermitted, machine, python

ROOT = Path(__file__).resolve().parents[2]
SERVICE = "bistandsrobot.service"
UNIT = Path("/etc/systemd/system") / SERVICE
NOBODY = "http://127.0.0.1:9"
CONFIG = "/etc/bistandsrobot/config.yaml"
STATE = "/var/lib/bistandsrobot"
VERSION = "/opt/bistandsrobot-0.1.0"
_MEDIUM = "/media/robot"
_ACCOUNT = "bistandsrobot"
_MASTER = base64.b64encode(hashlib.sha256(b"a key for tests of the service").digest())
_LIMIT_S = 240.0
_REST_LIMIT_S = 180.0
_LOOK_EVERY_S = 2.0
"""A command by hand takes a second of a processor, which the robot wants too."""
_OF_THE_INDEX = ("UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class Service:
    """The robot as a service of a machine: installed, not yet configured."""

    def __init__(self, on: Machine, medium: Path) -> None:
        self.on = on
        self._medium = medium
        self._cursor = ""

    @contextlib.contextmanager
    def configured(self, running: Town | None = None, *, database: str | None = None, changes: Changes | None = None) -> Iterator[None]:
        """Give it first files by `init` and its unit, its neighbours those of a town; take all away again at the end."""
        demo = running.demo if running else None
        case_system, registers = (demo.case_system_url, demo.registers_url) if demo else (NOBODY, NOBODY)
        answers = {
            "--name": "Exempelkommun (påhittad)",
            "--code": "2281",
            "--namespace": "DRAKEL",
            "--organisation-number": "162120000001",
            "--case-system-url": case_system,
            "--party-url": f"{case_system}/party",
            "--ssbtek-url": f"{registers}/ssbtek",
            "--actor-id": "exempelkommun",
            **({"--database": database} if database else {}),
        }
        self._cursor = self.on.done("journalctl", "-n", "0", "--show-cursor").partition("cursor: ")[2].strip()
        try:
            self.on.done("bistandsrobot", "init", *(word for pair in answers.items() for word in pair), "--yes")
            folder = self.on.at(CONFIG).parent
            (folder / "guidelines.yaml").write_bytes((ROOT / "rules/guidelines/exempelkommun.yaml").read_bytes())
            (folder / "master.key").write_bytes(_MASTER)
            if demo:
                # It lives in the town's time, and hurries as everybody there.
                theirs = yaml.safe_load(demo.config.read_text(encoding="utf-8"))
                change(folder / "config.yaml", {name: theirs[name] for name in ("world", "schedule", "work")})
            change(folder / "config.yaml", changes or {})
            self.on.done("install", "-m", "0644", f"/etc/bistandsrobot/{SERVICE}", "/etc/systemd/system/")
            self.on.done("systemctl", "daemon-reload")
            yield
        finally:
            self.on.ran("systemctl", "kill", "--signal=KILL", SERVICE)
            self.on.ran("systemctl", "stop", SERVICE)
            self.on.ran("rm", "-rf", "/etc/bistandsrobot", STATE, "/var/log/bistandsrobot", UNIT, f"{UNIT}.d")
            self.on.done("systemctl", "daemon-reload")

    def said(self) -> str:
        """Return what the service, and systemd about it, have said since it was configured."""
        return self.on.done("journalctl", f"--after-cursor={self._cursor}", "-u", SERVICE, "-o", "cat", "--no-pager")

    def waited(self, cases: int, states: Collection[str]) -> None:
        """Wait until so many cases stand in these states, and none in others; fail with what the service has said."""
        limit = time.monotonic() + _REST_LIMIT_S
        while not (sum((counts := self.counts()).values()) == cases == sum(counts[state] for state in states if state in counts)):
            if time.monotonic() > limit:
                raise AssertionError(f"{counts}\n{self.said()[-5000:]}")
            time.sleep(_LOOK_EVERY_S)

    def drop_in(self, text: str) -> None:
        """Add to the unit what a machine's owner would in a file of his own."""
        folder = self.on.at(f"{UNIT}.d")
        folder.mkdir(exist_ok=True)
        (folder / "tests.conf").write_text(f"[Service]\n{text}\n", encoding="utf-8")
        self.on.done("systemctl", "daemon-reload")

    def robot(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the robot by hand, as root, where there is no configuration: the service's is meant."""
        return self.on.ran("bistandsrobot", *words)

    def counts(self) -> dict[str, int]:
        """Return how many cases stand in each state; none before there is a database."""
        answer = self.robot("status", "--json")
        return dict(json.loads(answer.stdout)["counts"]) if answer.returncode == 0 else {}

    def processes(self) -> int:
        """Return how many processes the service has."""
        group = self.on.shows(SERVICE, "ControlGroup")
        return len(self.on.done("cat", f"/sys/fs/cgroup{group}/cgroup.procs").split())

    def brought_home(self, running: Town) -> None:
        """Copy what the robot has kept and said to the town's folder, where the town looks for it: when the service stands still."""
        folder = running.demo.folder
        for kept in self.on.at(STATE).iterdir():
            shutil.copyfile(kept, folder / kept.name)
        key = folder / "master.key"
        key.write_bytes(_MASTER)
        key.chmod(0o600)
        lines = [line for line in self.said().splitlines() if line.startswith("{")]
        running.demo.log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def attempts(self, *, hardened: bool) -> dict[str, Any]:
        """Return what came of each attempt of unit_attempts.py: under the robot's unit, or as the same user without its directives."""
        name = "hardened" if hardened else "bare"
        shutil.copyfile(Path(__file__).with_name("unit_attempts.py"), self._medium / "unit_attempts.py")
        words = f"{VERSION}/bin/python -I {_MEDIUM}/unit_attempts.py"
        if hardened:
            shipped = (ROOT / "deploy" / SERVICE).read_text(encoding="utf-8").splitlines()
            kept = [line for line in shipped if not line.startswith(("ExecStart=", "Type=", "Restart", "WatchdogSec="))]
            text = "\n".join(kept).replace("[Service]", f"[Service]\nType=oneshot\nExecStart={words}")
        else:
            text = f"[Service]\nType=oneshot\nExecStart={words}\nUser={_ACCOUNT}\nStateDirectory=bistandsrobot\n"
            text += f"LogsDirectory=bistandsrobot\nWorkingDirectory={STATE}\n"
        self.on.at(f"/etc/systemd/system/{name}.service").write_text(text, encoding="utf-8")
        self.on.done("systemctl", "daemon-reload")
        self.on.done("systemctl", "start", f"{name}.service")
        said = [
            line
            for line in self.on.done("journalctl", "-u", f"{name}.service", "-o", "cat", "--no-pager").splitlines()
            if line.startswith("{")
        ]
        found = json.loads(said[-1])
        assert isinstance(found, dict)
        return found


@contextlib.contextmanager
def service(medium: Path) -> Iterator[Service]:
    """Run a machine with the robot installed while the block runs; `medium` = an empty folder, for what it gets. Raises NotPermitted."""
    uv = _uv()
    medium.chmod(0o755)
    made = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(medium)]
    subprocess.run(made, cwd=ROOT, check=True, capture_output=True, timeout=_LIMIT_S)
    (wheel,) = medium.glob("*.whl")
    shutil.copyfile(ROOT / "requirements" / "run.txt", medium / "run.txt")
    shutil.copy2(uv, medium / "uv")
    with machine({medium: _MEDIUM}) as on:
        on.done("useradd", "--system", "--home-dir", STATE, "--shell", "/usr/sbin/nologin", _ACCOUNT)
        given = {name: value for name, value in os.environ.items() if name.upper().startswith(_OF_THE_INDEX)}
        # What has been fetched once is there under the machine's layer, and not fetched again.
        given |= {"UV_CACHE_DIR": _said(uv, "cache", "dir"), "UV_LINK_MODE": "copy", "UV_COMPILE_BYTECODE": "1"}
        on.done(f"{_MEDIUM}/uv", "venv", "--no-python-downloads", "--python", python(), VERSION, env=given)
        into = [f"{_MEDIUM}/uv", "pip", "install", "--python", VERSION]
        locked = on.ran(*into, "--require-hashes", "-r", f"{_MEDIUM}/run.txt", env=given, limit_s=_LIMIT_S)
        if locked.returncode:
            raise NotPermitted(f"the package index does not answer: {locked.stderr[-300:]}")
        on.done(*into, "--no-deps", f"{_MEDIUM}/{wheel.name}", env=given)
        on.done("ln", "-sfn", VERSION, "/opt/bistandsrobot")
        on.done("ln", "-sfn", "/opt/bistandsrobot/bin/bistandsrobot", "/usr/local/bin/bistandsrobot")
        yield Service(on, medium)


def _said(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def _uv() -> str:
    beside = ROOT / ".tools" / "bin" / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise NotPermitted("uv is not on this machine")
    return found
