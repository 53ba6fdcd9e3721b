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

from robot.asking import ask_all
from robot.cli.health import health
from robot.demo import default_config
from robot.settings_watching import Health

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(health)
Answering = Callable[[int, bytes], int]


def answers(body: bytes, status: int = 200) -> type[BaseHTTPRequestHandler]:
    """Return what answers every question about readiness so."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Page


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Start a page that always gives one answer; the result is its port."""
    servers: list[HTTPServer] = []

    def start(status: int, body: bytes) -> int:
        servers.append(HTTPServer(("127.0.0.1", 0), answers(body, status)))
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


def test_how_many_must_answer_is_what_the_robot_says_that_runs_and_not_what_is_set(answering: Answering) -> None:
    alone = answering(200, b'{"ready": true, "worker": 1, "workers": 1}')
    several = answering(200, b'{"ready": true, "worker": 1, "workers": 2}')

    assert asked(alone, BISTANDSROBOT_WORK__WORKERS="2").exit_code == 0
    assert "CLI-062" in asked(several).stderr


def test_another_worker_at_the_firsts_address_is_not_taken_for_it(answering: Answering) -> None:
    assert "CLI-063" in asked(answering(200, b'{"ready": true, "worker": 3, "workers": 3}')).stderr


def test_a_first_worker_that_is_gone_hides_no_other() -> None:
    with socket.socket() as gone, HTTPServer(("127.0.0.1", 0), answers(b'{"ready": true, "worker": 2, "workers": 2}')) as second:
        port = second.server_address[1] - 1
        try:
            gone.bind(("127.0.0.1", port))
        except OSError:
            pytest.skip("the port before it is somebody else's")
        threading.Thread(target=second.serve_forever, args=(0.02,), daemon=True).start()
        found = ask_all(Health(port=port), 1, 0.5)
        second.shutdown()

    assert [said and said.number for said in found] == [None, 2]


def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = asked(port)
    assert answer.exit_code == 1
    assert f"CLI-062 no answer from 127.0.0.1:{port}" in answer.stderr
