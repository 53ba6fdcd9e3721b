"""The daemon's own page, health and metrics while it works, and what systemd hears of it; over real HTTP and a real socket."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from harness import Town, town, wait_for
from prometheus_client.parser import text_string_to_metric_families

CASES = 16
pytestmark = pytest.mark.xdist_group("health")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def value(text: str, name: str, **labels: str) -> float | None:
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return next((one.value for one in samples if one.name == f"bistandsrobot_{name}" and labels.items() <= one.labels.items()), None)


def finished(text: str) -> float:
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(one.value for one in samples if one.name == "bistandsrobot_cases_total")


def log_events(running: Town) -> list[str]:
    return [line["event"] for line in running.log()]


def test_page_health_and_metrics_follow_a_day_with_a_register_that_is_gone(tmp_path: Path) -> None:
    port = free_port()
    changes: dict[str, dict[str, Any]] = {
        "health": {"listen": True, "port": port, "look_every_s": 0.2},
        "registers": {"ask_again_s": 30, "ssbtek": {"transport": {"breaker_failures": 2}}},
    }
    with town(tmp_path, cases=CASES, changes=changes) as running, httpx.Client(base_url=f"http://127.0.0.1:{port}") as ops:
        running.registers("POST", "/admin/faults", json={"kind": "http_500", "times": 1000})
        with running.running() as process:
            wait_for(lambda: "daemon.started" in log_events(running) and bool(running.log()), what="the start")
            wait_for(lambda: "neighbour.lost" in log_events(running), what="the loss of the registers")
            ready = ops.get("/health/ready")
            page = ops.get("/").text
            metrics = ops.get("/metrics").text
            assert process.poll() is None, running.tail()
            assert (ready.status_code, ready.json()["ready"]) == (200, True), "a lost neighbour is an illness, and the robot works"
            assert any("does not answer" in one["what"] for one in ready.json()["ill"])
            assert "does not answer and is left alone" in page
            assert value(metrics, "neighbour_lost") == 1
            assert (value(metrics, "neighbour_errors_total", neighbour="ssbtek", code="NET-007") or 0) >= 2
            assert (value(metrics, "neighbour_breaker", neighbour="ssbtek") or 0) > 0
            assert value(metrics, "neighbour_breaker", neighbour="caremanagement") == 0
            for name in ("caremanagement", "party", "ssbtek"):
                assert (value(metrics, "neighbour_seconds_count", neighbour=name) or 0) > 0
            assert "How are the neighbours?" in page
            assert ops.get("/health/live").json() == {"live": True}
            assert ops.get("/nothing").status_code == 404

            wait_for(
                lambda: (value(ops.get("/metrics").text, "queue_cases", state="waiting_for_register") or 0) > 0, what="cases that wait"
            )
            for one in running.population.applications:
                for text in (page, metrics):
                    assert one.errand_number not in text
                    assert one.errand_id not in text


def test_systemd_hears_ready_alive_and_stopping_in_order(tmp_path: Path) -> None:
    with town(tmp_path, cases=2) as running, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(240)
        told: list[str] = []
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        command = [sys.executable, "-m", "robot", "run", "-c", str(running.demo.config)]
        with running.demo.log.open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process:
            while "READY=1" not in told or told.count("WATCHDOG=1") < 3:
                told.append(manager.recv(4096).decode())
            process.terminate()
            while "STOPPING=1" not in told:
                told.append(manager.recv(4096).decode())
            assert process.wait(240) == 0

    assert told[0] == "READY=1"
    assert any(line.startswith("STATUS=") for line in told)


def test_an_address_that_is_taken_stops_no_case(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        changes = {"health": {"listen": True, "port": taken.getsockname()[1]}}
        with town(tmp_path, cases=4, changes=changes) as running:
            running.run_once()
            assert "health.not_served" in log_events(running)
            assert "case.finished" in log_events(running)


def test_status_tells_what_the_daemon_says_of_itself_and_that_it_is_gone(tmp_path: Path) -> None:
    changes = {"health": {"listen": True, "port": free_port(), "look_every_s": 0.2}}
    with town(tmp_path, cases=4, changes=changes) as running:

        def said(*options: str) -> str:
            command = [sys.executable, "-m", "robot", "status", "-c", str(running.demo.config), *options]
            return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout

        with running.running():
            wait_for(lambda: "case.finished" in log_events(running), what="a finished case")
            assert "\nrunning\n" in said()
            watched = subprocess.Popen(
                [sys.executable, "-m", "robot", "status", "--watch", "-c", str(running.demo.config)], stdout=subprocess.PIPE, text=True
            )
            time.sleep(4)
            watched.send_signal(signal.SIGINT)
            out, _ = watched.communicate(timeout=240)
            assert watched.returncode == 0
            assert "Cases by state" in out
        assert "does not answer: it is not running, or stands still" in said()


def test_what_is_shown_is_what_runs_and_not_what_is_set(tmp_path: Path) -> None:
    port = free_port()
    changes: dict[str, dict[str, Any]] = {"health": {"listen": True, "port": port, "look_every_s": 0.2}, "work": {"workers": 1}}
    with town(tmp_path, cases=4, changes=changes) as running, contextlib.ExitStack() as stack:

        def asked(command: str) -> subprocess.CompletedProcess[str]:
            whole = [sys.executable, "-m", "robot", command, "-c", str(running.demo.config)]
            return subprocess.run(whole, capture_output=True, text=True, timeout=240, check=False)

        log = stack.enter_context(running.demo.log.open("ab"))
        whole = [sys.executable, "-m", "robot", "run", "-c", str(running.demo.config), "--workers", "2"]
        parent = stack.enter_context(subprocess.Popen(whole, stdout=log, stderr=log))
        stack.callback(parent.terminate)
        wait_for(lambda: log_events(running).count("daemon.started") == 2, what="both workers")
        ready = [httpx.get(f"http://127.0.0.1:{port + number}/health/ready", timeout=240).json() for number in (0, 1)]
        assert [(one["worker"], one["workers"]) for one in ready] == [(1, 2), (2, 2)]
        assert "worker 1: running\nworker 2: running\n" in asked("status").stdout
        assert asked("health").returncode == 0
        page = httpx.get(f"http://127.0.0.1:{port}/", timeout=240).text
        assert "This is worker 1 of 2." in page
        assert "2 running." in page

        second = next(one for one in psutil.Process(parent.pid).children() if "2" in one.cmdline()[-1])
        second.suspend()
        stack.callback(second.resume)
        assert "worker 1: running\nworker 2: does not answer: it is not running, or stands still\n" in asked("status").stdout
        assert "CLI-062" in asked("health").stderr
        page = httpx.get(f"http://127.0.0.1:{port}/", timeout=240).text
        assert "<strong>2 does not answer" in page
        assert "<title>Ill" in page
