"""A simulator as a process of its own: where it listens, and how it ends."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from connectors.simulators.faults import HOLD_LIMIT_S
from connectors.simulators.serve import GRACE_S, TRANSPORT, serving

PROGRAM = """
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from connectors.simulators.day import WorldDay
from connectors.simulators.faults import FaultMiddleware, Faults
from connectors.simulators.serve import serve

faults = Faults(WorldDay())
async def hello(_): return PlainTextResponse("hello")
app = Starlette(routes=[Route("/hello", hello), *faults.admin_routes()], middleware=[Middleware(FaultMiddleware, faults=faults)])
serve(app, port=0)
"""
LIMIT_S = 120.0
MOST_BYTES = 200_000_000


@pytest.fixture
def program() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[bytes]) -> str:
    """Return the first line that the program says, within a limit."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], LIMIT_S)
    assert ready, "the program said nothing"
    return process.stdout.readline().decode()


def test_it_says_in_one_line_where_it_listens_on_loopback(program: subprocess.Popen[bytes]) -> None:
    line = first_line(program)

    assert line.startswith("listening on http://127.0.0.1:")
    assert httpx.get(line.split()[-1] + "/hello").text == "hello"


def test_an_answer_without_end_is_sent_at_the_pace_that_it_is_read(program: subprocess.Popen[bytes]) -> None:
    """It was gathered first, two gigabytes of it, and nobody else was answered meanwhile."""
    url = first_line(program).split()[-1]
    httpx.post(url + "/admin/faults", json={"kind": "huge", "times": 1})
    with httpx.stream("GET", url + "/hello") as answer:
        assert len(next(answer.iter_raw(1_000_000))) == 1_000_000
        assert psutil.Process(program.pid).memory_info().rss < MOST_BYTES
        assert httpx.get(url + "/hello").text == "hello"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_with_0_within_two_seconds_even_while_it_holds_a_request(
    program: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    url = first_line(program).split()[-1]
    for kind in ("cut", "answer_lost"):
        httpx.post(url + "/admin/faults", json={"kind": kind, "times": 1})
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(url + "/hello")
    httpx.post(url + "/admin/faults", json={"kind": "timeout"})
    with httpx.Client(timeout=httpx.Timeout(LIMIT_S, read=0.2)) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.get(url + "/hello")
    httpx.delete(url + "/admin/faults")
    httpx.post(url + "/admin/faults", json={"kind": "hold"})
    with subprocess.Popen([sys.executable, "-c", f"import httpx; httpx.get('{url}/hello', timeout=30)"], stderr=subprocess.DEVNULL) as held:
        until = time.monotonic() + LIMIT_S
        while httpx.get(url + "/admin/faults").json()["held"] != 1:
            assert time.monotonic() < until
            time.sleep(0.02)

        told = time.monotonic()
        os.kill(program.pid, number)
        code = program.wait(LIMIT_S)
        took_s = time.monotonic() - told
        held.wait(LIMIT_S)

    assert code == 0
    assert GRACE_S < 2, "so long it waits for what it holds"
    assert took_s < HOLD_LIMIT_S / 2, "it did not wait until what it holds is over"
    assert program.stderr is not None
    assert program.stderr.read() == b"", "an ordered fault is no error of the program's own"


def test_a_bug_in_a_simulator_is_told_on_stderr() -> None:
    broken = PROGRAM.replace('return PlainTextResponse("hello")', 'raise RuntimeError("a bug")')
    with subprocess.Popen([sys.executable, "-c", broken], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert httpx.get(first_line(process).split()[-1] + "/hello").status_code == 500
        process.terminate()
        _, said = process.communicate(timeout=LIMIT_S)

    assert b"a bug" in said


def test_answers_are_sent_at_once_and_not_held_back_for_more() -> None:
    async def no_delay(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            connection = scope["extensions"][TRANSPORT].get_extra_info("socket")
            await PlainTextResponse(str(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))(scope, receive, send)

    with serving(no_delay) as url:
        assert httpx.get(url).text == "1"
