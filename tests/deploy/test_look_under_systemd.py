"""The units that look at the robot from outside, under a real systemd: one that does not run is told of, one that was stopped is not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alarm_hook import alarm_hook
from harness import Changes, town, wait_for
from systemd_service import SERVICE, Service

LOOK, TIMER = "bistandsrobot-look.service", "bistandsrobot-look.timer"
UNITS = "/etc/systemd/system"
OFTEN = 3
WITHIN_S = 90.0
pytestmark = pytest.mark.xdist_group("install")


@contextmanager
def looked_at(installed: Service) -> Iterator[None]:
    """Put the units in place as docs/operations.md says, but look every two seconds."""
    on = installed.on
    try:
        for unit in (LOOK, TIMER):
            on.done("install", "-m", "0644", f"/etc/bistandsrobot/{unit}", UNITS)
        folder = on.at(f"{UNITS}/{TIMER}.d")
        folder.mkdir()
        (folder / "tests.conf").write_text("[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nAccuracySec=100ms\n", encoding="utf-8")
        on.done("systemctl", "daemon-reload")
        on.done("systemctl", "enable", "--now", TIMER)
        yield
    finally:
        on.ran("systemctl", "disable", "--now", TIMER)
        on.ran("rm", "-rf", f"{UNITS}/{LOOK}", f"{UNITS}/{TIMER}", f"{UNITS}/{TIMER}.d", "/run/bistandsrobot-look")
        on.done("systemctl", "daemon-reload")


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def states(alarms: list[dict[str, Any]]) -> list[str]:
    return [f"{one['code']} {one['state']}" for one in alarms]


def test_a_robot_that_starts_again_and_again_is_told_of_until_it_runs_and_one_that_was_stopped_is_not(
    installed: Service, tmp_path: Path
) -> None:
    on = installed.on
    with alarm_hook() as (address, got), town(tmp_path, cases=2) as running:
        changes: Changes = {"health": {"listen": True, "port": free_port()}, "alarms": {"webhook_url": address, "after_s": 1}}
        with installed.configured(running, changes=changes), looked_at(installed):
            installed.drop_in("RestartSec=100ms\nExecStart=\nExecStart=/bin/false")
            on.ran("systemctl", "start", SERVICE)
            wait_for(lambda: states(got) == ["CLI-062 begun"], within_s=WITHIN_S, what="an alarm")
            assert int(on.shows(SERVICE, "NRestarts")) > OFTEN, "each start of the robot has started the timer anew"

            on.done("systemctl", "stop", SERVICE)
            installed.drop_in("RestartSec=100ms")
            on.done("systemctl", "start", SERVICE)
            assert on.shows(TIMER, "ActiveState") == "active", "it begins with the robot"
            wait_for(lambda: states(got) == ["CLI-062 begun", "CLI-062 over"], within_s=WITHIN_S, what="word that it is over")

            on.done("systemctl", "stop", SERVICE)
            assert on.shows(TIMER, "ActiveState") == "inactive"
            assert len(got) == 2
