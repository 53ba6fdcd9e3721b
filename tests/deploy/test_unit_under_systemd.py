"""The unit file is carried out by a real systemd: the robot works under it with the locked packages, and what it refuses is refused.

Systemd is the first process of a small machine in namespaces (tests/support/systemd_machine.py). Where that cannot be they are skipped.
"""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path
from typing import Any

import pytest
from fault_checks import OF_A_DAEMON, events, nothing_lost_doubled_or_stuck
from harness import Changes, town, wait_for
from postgres_server import postgres_server
from proxies import wire
from systemd_service import SERVICE, STATE, Service
from unit_attempts import NEEDED, REFUSED

CASES = 6
OFTEN = 20
"""More starts than systemd allows in ten seconds when nothing is said."""
AT_REST = {state.value for state in OF_A_DAEMON}
pytestmark = pytest.mark.xdist_group("install")


def free_ports(count: int) -> int:
    """Return the first of so many ports that nobody listens on, below those that the kernel gives to whoever asks for any."""
    for first in random.Random().sample(range(20_000, 32_000), 100):
        with contextlib.ExitStack() as opened, contextlib.suppress(OSError):
            for port in range(first, first + count):
                opened.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise AssertionError("no free ports")


def settings(**work: Any) -> Changes:
    return {"health": {"listen": True, "port": free_ports(2)}, "work": work}


def test_a_town_is_prepared_under_the_unit_and_what_is_kept_is_the_robots_own(installed: Service, tmp_path: Path) -> None:
    on = installed.on
    with town(tmp_path, cases=CASES) as running, installed.configured(running, changes=settings()):
        assert installed.robot("check").returncode == 0
        on.done("systemctl", "enable", "--now", SERVICE)
        assert on.shows(SERVICE, "ActiveState") == "active", "it has said that it is ready"
        installed.waited(CASES, AT_REST)
        assert installed.robot("health").stdout == "ready\n", installed.said()[-5000:]
        kept = on.done("stat", "--format=%U %a", STATE, f"{STATE}/bistandsrobot.db", "/etc/bistandsrobot/master.key").splitlines()
        assert kept == ["bistandsrobot 700", "bistandsrobot 600", "root 600"], "the key reaches it as a credential"

        on.done("systemctl", "stop", SERVICE)
        assert on.shows(SERVICE, "Result") == "success"
        assert on.shows(SERVICE, "NRestarts") == "0"
        installed.brought_home(running)
        assert events(running)["daemon.stopped"] == 1
        nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)


def test_several_workers_share_a_database_server_that_comes_up_after_them(installed: Service, tmp_path: Path) -> None:
    on = installed.on
    with postgres_server() as server, wire(server.folder / ".s.PGSQL.5432") as way:
        way.cut()
        address = f"postgresql://postgres@127.0.0.1:{way.port}/postgres"
        with (
            town(tmp_path, cases=CASES, database=address) as running,
            installed.configured(running, database=address, changes=settings(workers=2)),
        ):
            on.done("install", "-d", "-m", "0700", "-o", "bistandsrobot", STATE)
            on.at(f"{STATE}/robot.py").write_text("raise SystemExit('what the robot may write is no part of it')", encoding="utf-8")
            on.ran("systemctl", "start", SERVICE)
            wait_for(lambda: '"code":"QUE-' in installed.said(), what="a word about the server")
            way.mend()
            installed.waited(CASES, AT_REST)
            assert installed.processes() == 3
            wait_for(lambda: installed.robot("health").stdout == "ready\n", what="both at work")
            on.done("systemctl", "stop", SERVICE)
            assert on.shows(SERVICE, "Result") == "success"
            installed.brought_home(running)
            nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)


def test_a_robot_that_stands_still_is_ended_and_started_anew(installed: Service, tmp_path: Path) -> None:
    """Its tables are made by root, by hand: that leaves nothing behind that the service may not write."""
    on = installed.on
    with town(tmp_path, cases=CASES) as running, installed.configured(running, changes=settings()):
        assert installed.robot("db", "upgrade").returncode == 0
        installed.drop_in("RestartSec=100ms\nWatchdogSec=4")
        on.done("systemctl", "start", SERVICE)
        first = on.shows(SERVICE, "MainPID")
        on.done("kill", "-STOP", first)
        wait_for(lambda: on.shows(SERVICE, "NRestarts") != "0", what="a new start")
        assert "Watchdog timeout" in installed.said()
        installed.waited(CASES, AT_REST)
        wait_for(lambda: on.shows(SERVICE, "MainPID") not in {"0", first}, what="the new one")
        on.done("systemctl", "stop", SERVICE)
        installed.brought_home(running)
        nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)


def test_a_configuration_that_cannot_be_used_is_not_tried_again_and_again(installed: Service) -> None:
    with installed.configured(changes={"work": {"misspelt": 1}}):
        assert installed.on.ran("systemctl", "start", SERVICE).returncode != 0
        assert installed.on.shows(SERVICE, "ActiveState") == "failed"
        assert installed.said().count("CFG-001") == 1


def test_a_robot_that_cannot_start_for_another_reason_is_started_for_ever(installed: Service) -> None:
    on = installed.on
    with installed.configured():
        installed.drop_in("RestartSec=1ms\nExecStart=\nExecStart=/bin/false")
        on.ran("systemctl", "start", SERVICE)
        wait_for(lambda: int(on.shows(SERVICE, "NRestarts")) > OFTEN, what=f"start number {OFTEN}")


@pytest.fixture(scope="module")
def attempts(installed: Service) -> dict[bool, dict[str, Any]]:
    """What came of each attempt: hardened, and not."""
    on = installed.on
    on.done("install", "-d", "-m", "1777", "/srv/of-everybody")
    on.done("install", "-d", "-m", "0755", "/home/somebody", "/etc/bistandsrobot")
    on.done("tee", "/home/somebody/file", "/tmp/of-others", "/etc/bistandsrobot/master.key")
    on.done("chmod", "0600", "/etc/bistandsrobot/master.key")
    on.done("mknod", "-m", "0666", "/dev/made-for-tests", "c", "1", "3")
    try:
        return {hardened: installed.attempts(hardened=hardened) for hardened in (True, False)}
    finally:
        on.done("rm", "-rf", "/etc/bistandsrobot", STATE, "/var/log/bistandsrobot")


@pytest.mark.parametrize("what", REFUSED)
def test_the_unit_refuses(attempts: dict[bool, dict[str, Any]], what: str) -> None:
    if attempts[False]["refused"][what] != "done":
        pytest.skip(f"this machine's kernel refuses it anyway: {attempts[False]['refused'][what]}")
    assert attempts[True]["refused"][what] != "done"


@pytest.mark.parametrize("what", NEEDED)
def test_the_unit_lets_the_robot_do(attempts: dict[bool, dict[str, Any]], what: str) -> None:
    assert attempts[True]["needed"][what] == "done"


def test_the_process_has_no_rights_to_give_up_and_leaves_no_dump(attempts: dict[bool, dict[str, Any]]) -> None:
    facts = attempts[True]["facts"]
    assert facts["user"] != 0
    assert facts["capabilities"] == [0, 0, 0, 0]
    assert facts["no_new_privileges"] == "1"
    assert facts["seccomp"] == "2"
    assert facts["mode_of_a_new_file"] == "600"
    assert facts["core"] == [0, 0]
    assert facts["files"] == 4096
    assert facts["users_mapped"] <= 2, "root and itself"
