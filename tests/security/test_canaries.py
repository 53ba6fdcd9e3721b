"""A thousand made-up identities, names, addresses and tokens go through the robot; none is seen where no personal data may stand."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import canary_robot
import httpx
import pytest
from canaries import MARK, Canaries, Search
from canary_town import CASES, CanaryTown, canary_town
from harness import Town

from workqueue import State

pytestmark = pytest.mark.xdist_group("canaries")

LOOK_FOR_S = 25
MAY_HOLD = {"config.yaml"}
"""Files of the town that the robot does not write."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lives:
    """A run of the daemon that ended by a kill, and what was seen of it meanwhile."""

    def __init__(self, of: CanaryTown, port: int, temporary: Path) -> None:
        self.of = of
        self.port = port
        self.temporary = temporary
        self.seen: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}

    def run(self) -> None:
        """Run a daemon with bugs until its cases have come and gone, looking at it all the time, then kill it without warning."""
        demo = self.of.town.demo
        program = [sys.executable, str(Path(canary_robot.__file__)), "run", "-c", str(demo.config)]
        errors = demo.folder / "robot.err"
        with demo.log.open("ab") as out, errors.open("ab") as err:
            process = subprocess.Popen(program, stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                limit = time.monotonic() + LOOK_FOR_S
                while time.monotonic() < limit and not self._is_enough():
                    assert process.poll() is None, self.of.town.tail()
                    self._look(process.pid)
                    time.sleep(0.5)
                self._commands("backup", str(demo.folder / "copy.db"))
                self._commands("incident", str(demo.folder / "incident.zip"), "--log", str(demo.log))
            finally:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        # Before anybody opens the database: then its log of the last changes would be worked in.
        self.files = files_of(self.of.town) | {str(path): path.read_bytes() for path in self.temporary.rglob("*") if path.is_file()}

    def _is_enough(self) -> bool:
        """Every case has come, and few are left that can be done now."""
        with contextlib.suppress(Exception), self.of.town.queue() as opened:
            counts = {state.value: number for state, number in opened.counts().items()}
            left = sum(counts.get(state, 0) for state in ("ready", "assessing", "to_deliver", "delivering"))
            return sum(counts.values()) >= CASES * 0.9 and left <= CASES // 20 and b"".join(self.of.alarms) != b""
        return False

    def _look(self, pid: int) -> None:
        for name in ("cmdline", "environ", "limits"):
            with contextlib.suppress(OSError):
                self.seen[f"process {name}"] = Path(f"/proc/{pid}/{name}").read_bytes()
        for path in ("/", "/health/live", "/health/ready", "/metrics", "/nothing"):
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5, trust_env=False)
                self.seen[f"page {path}"] = answer.content + repr(answer.headers.raw).encode()

    def _commands(self, *arguments: str) -> None:
        """Run a command beside the daemon and keep what it says."""
        program = [sys.executable, "-m", "robot", *arguments, "-c", str(self.of.town.demo.config)]
        answer = subprocess.run(program, capture_output=True, timeout=240, check=False)
        self.seen[f"command {arguments[0]}"] = answer.stdout + answer.stderr
        assert answer.returncode in (0, 1), answer.stderr


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    root, temporary, port = tmp_path_factory.mktemp("canaries"), tmp_path_factory.mktemp("temporary"), free_port()
    changes: dict[str, dict[str, Any]] = {
        "logs": {"level": "debug"},
        "health": {"listen": True, "port": port, "look_every_s": 1},
        "audit": {"head_file": "audit.head", "head_every_s": 1},
        "case_system": {"transport": {"backoff_first_s": 0.05, "backoff_max_s": 0.1, "breaker_open_s": 0.5, "retry_after_max_s": 0.5}},
        "registers": {
            "ask_again_s": 1,
            "give_up_after_s": 6,
            "ssbtek": {"transport": {"backoff_first_s": 0.05, "backoff_max_s": 0.1, "breaker_open_s": 0.5, "retry_after_max_s": 0.5}},
        },
        "work": {"try_again_first_s": 0.2, "try_again_last_s": 1},
    }
    with pytest.MonkeyPatch.context() as patch, canary_town(root, changes=changes) as running:
        patch.setenv("TMPDIR", str(temporary))
        patch.setenv("SQLITE_TMPDIR", str(temporary))
        lives = Lives(running, port, temporary)
        lives.run()
        yield lives


def nothing_in(search: Search, places: dict[str, bytes]) -> None:
    """Fail with each place where something was found."""
    wrong = {name: found[:3] for name, data in places.items() if (found := search.found(data))}
    assert not wrong, wrong


def files_of(town: Town) -> dict[str, bytes]:
    """Return all files of the town that the robot writes."""
    return {str(path): path.read_bytes() for path in town.demo.folder.rglob("*") if path.is_file() and path.name not in MAY_HOLD}


def test_the_search_finds_what_it_should() -> None:
    canaries = Canaries.made()
    search, number = Search(canaries.numbers), canaries.numbers[7]
    assert len(set(canaries.all())) == 1000
    forms = (number, number[2:], f"{number[:8]}-{number[8:]}", f"{number[2:8]}+{number[8:]}", f"999{number}999")
    for text in (*forms, canaries.names[3], canaries.addresses[3].upper(), canaries.tokens[3]):
        for coding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
            assert search.found(b"\xff\x01" + text.encode(coding) + b"\x02")
    assert not search.found(b"19900101-2386 Kanar iefagel 1234567890")


def test_every_canary_went_to_the_robot_and_into_its_drafts(lived: Lives) -> None:
    said = b"\n".join(lived.of.neighbours.sent)
    digits = said.replace(b"-", b"").replace(b"+", b"")
    canaries = lived.of.canaries
    unsaid = [one for one in (*canaries.names, *canaries.tokens) if one.encode() not in said and one.encode("latin-1") not in said]
    unsaid += [one for one in canaries.numbers if one[2:].encode() not in digits]
    unsaid += [one for one in canaries.addresses if one.split(",")[0].encode() not in said]
    assert not unsaid
    with lived.of.town.queue() as opened:
        drafts = [opened.draft(item.case_id) for item in opened.items(state=None, limit=CASES)]
        counts = opened.counts()
    assert sum(MARK in repr(draft).lower().encode() for draft in drafts) > CASES / 2
    assert counts[State.DELIVERED] >= 5, "cases went the whole way, too"


def test_the_bugs_and_the_ill_answers_were_met(lived: Lives) -> None:
    log = lived.of.town.demo.log.read_text(encoding="utf-8")
    for event in ("case.failed", "library.message", "job.failed", "debug"):
        assert event in log
    assert "BUG-005" in (lived.of.town.demo.folder / "robot.err").read_text(encoding="utf-8"), "a thread's bug is told of"


def test_no_canary_stands_in_any_file(lived: Lives) -> None:
    names = {Path(name).name for name in lived.files}
    assert {"robot.log", "robot.err", "bistandsrobot.db", "bistandsrobot.db-wal", "audit.head", "copy.db"} <= names
    for places in (lived.files, files_of(lived.of.town)):
        nothing_in(lived.of.search, places)
        nothing_in(lived.of.search, {name: name.encode() for name in places})


def test_no_canary_stands_on_the_page_in_the_metrics_in_the_process_or_in_an_alarm(lived: Lives) -> None:
    assert {"page /", "page /metrics", "page /health/ready", "process cmdline", "command backup"} <= set(lived.seen)
    nothing_in(lived.of.search, lived.seen | {f"alarm {number}": body for number, body in enumerate(lived.of.alarms)})


def test_the_bundle_for_the_supplier_holds_none(lived: Lives) -> None:
    with zipfile.ZipFile(lived.of.town.demo.folder / "incident.zip") as bundle:
        inside = {name: bundle.read(name) for name in bundle.namelist()}
    assert {"summary.json", "config.yaml", "problems.jsonl", "packages.txt"} <= set(inside)
    nothing_in(lived.of.search, inside)


def test_no_core_dump_is_ever_written(lived: Lives) -> None:
    (line,) = [line for line in lived.seen["process limits"].decode().splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]
    asked = "from robot.hardening import leave_no_dumps as d; d(); import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=240, check=True)
    assert answer.stdout.strip() == "0"
