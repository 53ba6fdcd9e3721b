"""The database server is away when the robot starts, as after a power cut: the robot waits, tells whoever looks, and goes on by itself."""

from __future__ import annotations

import contextlib
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from alarm_hook import alarm_hook
from fault_checks import OF_A_DAEMON, codes, events, has_ended, not_pulled, nothing_lost_doubled_or_stuck
from harness import Town, change, town, wait_for
from postgres_server import PostgresServer
from proxies import wire

from tests.faults.conftest import QUICK, merged, new_database

pytestmark = pytest.mark.xdist_group("server-comes-late")

CASES = 12
ENDS_WITHIN_S = 60.0
TOLD_WITHIN_S = 40.0
AT_ONCE_S = 3.0
OTHER_TRIES_S = 3.0
Make = Callable[..., Town]


@pytest.fixture
def without_server(own_server: PostgresServer, tmp_path: Path) -> Iterator[Make]:
    """Return a maker of a town whose database server has been stopped."""
    with contextlib.ExitStack() as stack:

        def make(**changes: Any) -> Town:
            database = own_server.url(new_database(own_server))
            own_server.stop()
            return stack.enter_context(town(tmp_path, cases=CASES, database=database, changes=merged(QUICK, changes)))

        yield make


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def told(running: Town, times: int = 1) -> bool:
    return events(running)["database.unavailable"] == times


def goes_on_to_the_end(running: Town, process: subprocess.Popen[bytes]) -> None:
    wait_for(
        lambda: events(running)["daemon.started"] > 0 and has_ended(running) and not not_pulled(running),
        within_s=ENDS_WITHIN_S,
        what="every case at rest",
    )
    assert process.poll() is None, running.tail()
    process.terminate()
    assert process.wait(ENDS_WITHIN_S) == 0, running.tail()


def test_a_robot_that_was_up_before_the_server_waits_for_it_and_tells_whoever_looks(
    without_server: Make, own_server: PostgresServer, tmp_path: Path
) -> None:
    with alarm_hook() as (address, alarms), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        port = free_port()
        running = without_server(health={"listen": True, "port": port, "look_every_s": 0.2}, alarms={"webhook_url": address, "after_s": 0})
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        with running.program(environment=environment) as process, httpx.Client(base_url=f"http://127.0.0.1:{port}") as ops:
            wait_for(lambda: [one["state"] for one in alarms] == ["begun"], within_s=TOLD_WITHIN_S, what="an alarm")
            assert ops.get("/health/live").status_code == 200
            ready = ops.get("/health/ready")
            assert (ready.status_code, ready.json()["because"]) == (503, ["starting", "database"])
            assert [one["code"] for one in ready.json()["ill"]] == ["QUE-005"]
            assert "the database cannot be used" in ops.get("/").text
            heard = {systemd.recv(1000).decode() for _ in range(6)}
            assert {"READY=1", "WATCHDOG=1", "STATUS=database away"} <= heard
            time.sleep(OTHER_TRIES_S)
            assert process.poll() is None, running.tail()

            own_server.start()
            wait_for(lambda: ops.get("/health/ready").status_code == 200, within_s=TOLD_WITHIN_S, what="readiness")
            wait_for(lambda: [one["state"] for one in alarms] == ["begun", "over"], within_s=TOLD_WITHIN_S, what="word that it is over")
            goes_on_to_the_end(running, process)
    assert (events(running)["database.unavailable"], events(running)["database.back"]) == (1, 1)
    (back,) = [line for line in running.log() if line["event"] == "database.back"]
    assert OTHER_TRIES_S <= back["lost_s"] < ENDS_WITHIN_S
    assert [one["code"] for one in alarms] == ["QUE-005", "QUE-005"]
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)


def test_several_workers_wait_for_the_server_and_their_parent_with_them(without_server: Make, own_server: PostgresServer) -> None:
    running = without_server(work={"silent_s": 5})
    with running.program("--workers", "2") as process:
        wait_for(lambda: told(running, times=2), within_s=TOLD_WITHIN_S, what="a word of each worker")
        time.sleep(OTHER_TRIES_S)
        own_server.start()
        goes_on_to_the_end(running, process)
    seen = events(running)
    assert (seen["worker.died"], seen["daemon.started"], seen["database.back"], seen["daemon.stopped"]) == (0, 2, 2, 2)
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT])
def test_an_order_to_stop_ends_the_waiting_at_once(without_server: Make, order: signal.Signals) -> None:
    running = without_server()
    with running.program() as process:
        wait_for(lambda: told(running), within_s=TOLD_WITHIN_S, what="a word about it")
        process.send_signal(order)
        assert process.wait(AT_ONCE_S) == 0, running.tail()
    assert (events(running)["daemon.stopping"], events(running)["daemon.stopped"]) == (1, 1)


def test_it_ends_at_once_also_when_the_server_does_not_even_refuse(own_server: PostgresServer, tmp_path: Path) -> None:
    """A firewall that drops: each try takes its ten seconds."""
    with wire(own_server.folder / ".s.PGSQL.5432") as to_server:
        database = f"postgresql://postgres@127.0.0.1:{to_server.port}/{new_database(own_server)}"
        to_server.cut()
        with town(tmp_path, cases=2, database=database, changes=QUICK) as running, running.program() as process:
            wait_for(lambda: told(running), within_s=TOLD_WITHIN_S, what="a word about it")
            to_server.mend()
            to_server.silence()
            time.sleep(OTHER_TRIES_S)
            process.terminate()
            assert process.wait(AT_ONCE_S) == 0, running.tail()


def test_a_file_that_another_program_holds_at_the_start_is_waited_for_too(tmp_path: Path) -> None:
    with town(tmp_path, cases=2, changes=QUICK) as running:
        file = running.demo.settings().storage.database
        assert isinstance(file, Path)
        file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other, running.program() as process:
            file.chmod(0o600)
            other.execute("BEGIN EXCLUSIVE")
            wait_for(lambda: told(running), within_s=TOLD_WITHIN_S, what="a word about it")
            other.execute("ROLLBACK")
            goes_on_to_the_end(running, process)
        assert codes(running) == {"QUE-001"}
        assert events(running)["database.back"] == 1


def test_who_runs_it_once_is_told_and_nobody_waits(without_server: Make) -> None:
    running = without_server()
    for options in (["--once"], ["--once", "--workers", "2"], ["--only", "1"]):
        with running.program(*options) as process:
            assert process.wait(ENDS_WITHIN_S) == 1, running.tail()
    assert codes(running) == {"QUE-005"}
    assert events(running)["database.unavailable"] == 0


def test_what_waiting_does_not_mend_ends_the_robot_before_and_after(without_server: Make, own_server: PostgresServer) -> None:
    running = without_server()
    change(running.demo.config, {"storage": {"database": own_server.url("of_nobody")}})
    with running.program() as process:
        wait_for(lambda: told(running), within_s=TOLD_WITHIN_S, what="a word about it")
        own_server.start()
        assert process.wait(ENDS_WITHIN_S) == 1, running.tail()
    with running.program() as process:
        assert process.wait(ENDS_WITHIN_S) == 1, running.tail()
    assert [line["code"] for line in running.log() if line["event"] == "daemon.cannot_start"] == ["QUE-008", "QUE-008"]
    assert "QUE-008" in (running.demo.folder / "robot.err").read_text(encoding="utf-8")
