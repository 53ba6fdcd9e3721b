"""systemd is told what it asks for, over a real socket."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from robot.service_manager import ServiceManager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end of the line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        yield listener


def told(manager: socket.socket) -> str:
    return manager.recv(4096).decode()


def of(manager: socket.socket, **more: str) -> ServiceManager:
    return ServiceManager.of({"NOTIFY_SOCKET": manager.getsockname()} | more)


def test_ready_status_and_stopping_are_told_in_order(manager: socket.socket) -> None:
    service = of(manager)
    service.ready()
    service.status("12 i kön\n0 parkerade")
    service.stopping()

    assert [told(manager) for _ in range(3)] == ["READY=1", "STATUS=12 i kön 0 parkerade", "STOPPING=1"]


def test_a_name_outside_the_file_system_is_reached() -> None:
    name = f"bistandsrobot-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(60)
        ServiceManager.of({"NOTIFY_SOCKET": "@" + name}).ready()
        assert told(listener) == "READY=1"


async def test_a_loop_that_turns_is_heard_of_three_times_within_the_limit(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def at_once(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", at_once)
    service = of(manager, WATCHDOG_USEC="60000000")
    beats = asyncio.create_task(service.keep_alive())
    while len(waits) < 3:
        await sleep(0)
    beats.cancel()

    assert service.watchdog_s == 60
    assert set(waits) == {20}
    assert [told(manager) for _ in range(3)] == ["WATCHDOG=1"] * 3


def stand_still() -> None:
    time.sleep(0.3)


async def test_a_loop_that_stands_still_is_not_heard_of(manager: socket.socket) -> None:
    """Then systemd ends the robot and starts it anew."""
    manager.setblocking(False)
    beats = asyncio.create_task(of(manager, WATCHDOG_USEC="60000").keep_alive())
    assert await asyncio.get_running_loop().sock_recv(manager, 100) == b"WATCHDOG=1"
    stand_still()
    with pytest.raises(BlockingIOError):
        manager.recv(4096)
    beats.cancel()


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "60000", "WATCHDOG_PID": "1"}],
)
async def test_nobody_is_told_who_did_not_ask(manager: socket.socket, environment: dict[str, str]) -> None:
    await of(manager, **environment).keep_alive()

    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(4096)


def test_without_a_service_manager_nothing_happens() -> None:
    service = ServiceManager.of({"WATCHDOG_USEC": "60000"})
    service.ready()

    assert service.watchdog_s is None


def test_a_service_manager_that_is_gone_is_said_once_and_holds_nothing_up(tmp_path: Path) -> None:
    service = ServiceManager.of({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    with capture_logs() as said:
        service.ready()
        service.stopping()

    assert [one["event"] for one in said] == ["service_manager.not_told"]


async def test_a_service_manager_that_did_not_listen_for_a_moment_hears_the_next_beat(tmp_path: Path) -> None:
    """Else it would kill a robot that lives."""
    service = ServiceManager.of({"NOTIFY_SOCKET": str(tmp_path / "late"), "WATCHDOG_USEC": "60000"})
    beats = asyncio.create_task(service.keep_alive())
    await asyncio.sleep(0.03)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "late"))
        listener.setblocking(False)
        async with asyncio.timeout(5):
            heard = await asyncio.get_running_loop().sock_recv(listener, 100)
    beats.cancel()

    assert heard == b"WATCHDOG=1"
