"""A small machine with a real systemd as its first process, in namespaces: for tests that want a unit file carried out, not read.

It starts in a second or two and leaves nothing behind. It takes root, namespaces, overlayfs and a cgroup 2 hierarchy; where one of them is
not to be had `NotPermitted` says which. The network is this machine's own, so that neighbours on loopback are reached.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BOOT = Path(__file__).with_name("systemd_machine.sh")
SYSTEMD = Path("/lib/systemd/systemd")
PYTHON = "/opt/python"
"""Where the machine finds the Python of these tests, when it is a place that a service does not see."""
_HIDDEN = ("/root", "/home", "/run/user", "/tmp", "/var/tmp")
_BOOT_LIMIT_S = 30.0
_GONE_LIMIT_S = 10.0
_COMMAND_LIMIT_S = 120.0
_NEEDED = ("unshare", "nsenter", "setpriv", "systemctl")


class NotPermitted(Exception):
    """There can be no such machine here; the text says why."""


@dataclass(frozen=True)
class Machine:
    """A running machine; `process` = its first process, as seen from here."""

    process: int

    @property
    def root(self) -> Path:
        """Its files, as seen from here."""
        return Path(f"/proc/{self.process}/root")

    def at(self, place: str | Path) -> Path:
        """Return where one of its files is, as seen from here."""
        return self.root / str(place).lstrip("/")

    def ran(
        self, *words: str | Path, env: Mapping[str, str] | None = None, cwd: str = "/", limit_s: float = _COMMAND_LIMIT_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on it as root, and return what came of it."""
        given = {"HOME": "/root", "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **(env or {})}
        entered = ["nsenter", "-t", str(self.process), "--mount", "--pid", "--uts", "--ipc", "--cgroup", f"--wd={self.at(cwd)}"]
        return subprocess.run(
            [*entered, "env", "-i", *(f"{name}={value}" for name, value in given.items()), *map(str, words)],
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def done(self, *words: str | Path, env: Mapping[str, str] | None = None, cwd: str = "/", limit_s: float = _COMMAND_LIMIT_S) -> str:
        """Run a command that must end with 0, and return what it said."""
        answer = self.ran(*words, env=env, cwd=cwd, limit_s=limit_s)
        assert answer.returncode == 0, f"{' '.join(map(str, words))}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
        return answer.stdout

    def shows(self, unit: str, name: str) -> str:
        """Return a property of a unit, as systemd has it."""
        return self.done("systemctl", "show", "--value", "-p", name, unit).strip()


@contextlib.contextmanager
def machine(binds: Mapping[Path, str] | None = None) -> Iterator[Machine]:
    """Run a machine while the block runs; `binds` = folders of ours, and where it may read them. Raises NotPermitted."""
    _look_for_what_is_needed()
    folder = Path(tempfile.mkdtemp(prefix="machine-"))
    group = _cgroup() / f"bistandsrobot-tests-{os.getpid()}-{time.monotonic_ns()}"
    pairs = [f"{ours}={theirs}" for ours, theirs in {**_python(), **(binds or {})}.items()]
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--cgroup"]
    command += ["--propagation", "private", "sh", str(BOOT), str(folder), *pairs]
    said = folder.with_suffix(".log")
    try:
        with _made(group), said.open("wb") as log:
            joined = ["sh", "-ec", f'echo $$ > "{group}/cgroup.procs"; exec "$@"', "sh", *command]
            holder = subprocess.Popen(joined, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            try:
                running = Machine(first_process(holder, said))
                _wait_until_up(running, holder, said)
                _prepare(running)
                yield running
            finally:
                holder.send_signal(signal.SIGKILL)
                holder.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        said.unlink(missing_ok=True)


def _look_for_what_is_needed() -> None:
    if os.geteuid() != 0:
        raise NotPermitted("a systemd of its own takes root")
    if not SYSTEMD.exists():
        raise NotPermitted("systemd is not on this machine: `make deploy-tools` installs it")
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        raise NotPermitted(f"{', '.join(missing)} not on this machine")


def _cgroup() -> Path:
    """Return the group that this process is in, in the second kind of hierarchy."""
    place = next((line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup2"), None)
    mine = next((line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")), None)
    if place is None or mine is None:
        raise NotPermitted("no cgroup 2 hierarchy is mounted here")
    return Path(place) / mine.lstrip("/")


@contextlib.contextmanager
def _made(group: Path) -> Iterator[None]:
    """Make a group, and take it and all within it away when its processes are gone."""
    try:
        group.mkdir()
    except OSError as error:
        raise NotPermitted(f"no cgroup can be made here: {error.strerror}") from None
    try:
        yield
    finally:
        limit = time.monotonic() + _GONE_LIMIT_S
        while group.exists() and time.monotonic() < limit:
            for one in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                with contextlib.suppress(OSError):
                    one.rmdir()
            with contextlib.suppress(OSError):
                group.rmdir()
            time.sleep(0.05)


def first_process(holder: subprocess.Popen[bytes], said: Path) -> int:
    """Return the process that `unshare` has started: the machine's first."""
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
    limit = time.monotonic() + _BOOT_LIMIT_S
    while holder.poll() is None and time.monotonic() < limit:
        with contextlib.suppress(OSError):
            if found := children.read_text().split():
                return int(found[0])
        time.sleep(0.02)
    raise NotPermitted(f"no namespaces here: {said.read_text(errors='replace').strip()[-300:]}")


def _wait_until_up(running: Machine, holder: subprocess.Popen[bytes], said: Path) -> None:
    limit = time.monotonic() + _BOOT_LIMIT_S
    while holder.poll() is None and time.monotonic() < limit:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            is_systemd = Path(f"/proc/{running.process}/comm").read_text().strip() == "systemd"
            if is_systemd and running.ran("systemctl", "is-active", "machine.target").returncode == 0:
                return
        time.sleep(0.1)
    raise NotPermitted(f"systemd does not come up here: {said.read_text(errors='replace').strip()[-300:]}")


def _python() -> dict[Path, str]:
    """Return this Python's folder, when a service would not see it where it is."""
    base = Path(sys.base_prefix)
    return {base: PYTHON} if str(base).startswith(_HIDDEN) else {}


def python() -> Path:
    """Return where the machine has the Python of these tests."""
    base = Path(PYTHON if _python() else sys.base_prefix)
    return base / "bin" / Path(sys.executable).resolve().name


def _prepare(running: Machine) -> None:
    """Let `python3` on it be the Python of these tests."""
    # A link would do, but for `python3 -m venv`, which looks for the rest of Python beside the link.
    running.done("rm", "-f", "/usr/local/bin/python3")
    script = running.at("/usr/local/bin/python3")
    script.write_text(f'#!/bin/sh\nexec {python()} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    if _python():
        running.at("/etc/ld.so.conf.d/python-of-tests.conf").write_text(f"{PYTHON}/lib\n", encoding="utf-8")
        running.done("ldconfig")
