"""`bistandsrobot health`: what a container's health check is told, for each worker, and never a hang."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import typer
from typer.testing import CliRunner, Result

from robot.cli.health import health
from robot.demo import default_config

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(health)
Answering = Callable[[int, bytes], int]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Start a page that always gives one answer; the result is its port."""
    servers: list[HTTPServer] = []

    def start(status: int, body: bytes) -> int:
        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/health/ready" else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        servers.append(HTTPServer(("127.0.0.1", 0), Page))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return int(servers[-1].server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def asked(port: int, **more: str) -> Result:
    variables = {"BISTANDSROBOT_HEALTH__PORT": str(port)} | more
    return CliRunner().invoke(app, ["-c", str(default_config()), "--timeout-s", "0.5"], env=variables)


def test_a_robot_that_is_ready_ends_it_with_0(answering: Answering) -> None:
    answer = asked(answering(200, json.dumps({"ready": True, "because": [], "ill": []}).encode()))
    assert (answer.exit_code, answer.stdout) == (0, "ready\n")


def test_one_that_is_not_ready_ends_it_with_1_and_says_why(answering: Answering) -> None:
    answer = asked(answering(503, json.dumps({"ready": False, "because": ["starting", "database"]}).encode()))
    assert answer.exit_code == 1
    assert "CLI-063" in answer.stderr
    assert "starting, database" in answer.stderr


@pytest.mark.parametrize(("status", "body"), [(404, b"no"), (200, b"[1]"), (200, b'{"ready": "true"}'), (302, b"")])
def test_somebody_elses_page_is_not_taken_for_the_robots(answering: Answering, status: int, body: bytes) -> None:
    answer = asked(answering(status, body))
    assert answer.exit_code == 1
    assert "CLI-063" in answer.stderr


@pytest.mark.parametrize("body", [b"<html>", b'{"ready": true' + b" " * 200_000 + b"}"])
def test_an_answer_that_cannot_be_read_is_no_answer(answering: Answering, body: bytes) -> None:
    assert "CLI-062" in asked(answering(200, body)).stderr


def test_of_several_workers_each_must_answer(answering: Answering) -> None:
    answer = asked(answering(200, b'{"ready": true}'), BISTANDSROBOT_WORK__WORKERS="2")
    assert answer.exit_code == 1
    assert "ready\n" not in answer.stdout


def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = asked(port)
    assert answer.exit_code == 1
    assert f"CLI-062 no answer from 127.0.0.1:{port}" in answer.stderr
