"""`bistandsrobot alarm`: a test shows which way works and which not, and a look from outside tells once that the robot is down."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from typer.testing import CliRunner, Result

from robot.cli.alarm import alarm
from robot.demo import default_config

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(alarm, name="alarm")
PASSWORD = "right-horse-battery"


@dataclass
class Served:
    """A web server: what it got, and what it answers."""

    port: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """Run a web server on loopback: a webhook, and the robot's page for who asks whether it is ready."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            served.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(json.dumps({"ready": served.status == 200, "because": ["database"], "ill": [], "worker": 1}).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(served.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", served.port), Handler)
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hook() -> Iterator[Served]:
    with serving(Served()) as served:
        yield served


class Letters:
    """A mail server that takes one password, and no letters for `gone@`."""

    def __init__(self) -> None:
        self.subjects: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if address.startswith("gone@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        text = (envelope.original_content or b"").decode()
        self.subjects += [line for line in text.splitlines() if line.startswith("Subject:")]
        return "250 OK"


@pytest.fixture
def letters() -> Iterator[tuple[Letters, int]]:
    """A real mail server on loopback that wants a password, and its port."""
    kept = Letters()

    def log_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
        return AuthResult(success=said.password == PASSWORD.encode(), handled=False)

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    controller = Controller(kept, hostname="127.0.0.1", port=port, authenticator=log_in, auth_require_tls=False, ready_timeout=30)
    controller.start()
    yield kept, port
    controller.stop()


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of a configuration with changed sections."""

    def make(**sections: Any) -> Path:
        data = yaml.safe_load(default_config().read_text(encoding="utf-8"))
        for name, section in sections.items():
            data[name] = {**(data.get(name) or {}), **section}
        path = tmp_path / "config.yaml"
        path.touch(0o600)
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        return path

    return make


def mail(port: int, folder: Path, password: str, *to: str) -> dict[str, Any]:
    secret = folder / "mail-password"
    secret.touch(0o600)
    secret.write_text(password, encoding="utf-8")
    return {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "robot@exempel.se",
        "to": list(to) or ["drift@exempel.se"],
        "user": "robot",
        "password_file": str(secret),
    }


def called(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["alarm", *map(str, words)])


def test_a_test_goes_by_every_way_and_says_that_it_is_one(
    hook: Served, letters: tuple[Letters, int], configured: Callable[..., Path], tmp_path: Path
) -> None:
    kept, port = letters
    config = configured(alarms={"webhook_url": f"http://127.0.0.1:{hook.port}/", "mail": mail(port, tmp_path, PASSWORD)})

    said = called("test", "-c", config)

    assert (said.exit_code, said.output) == (0, "webhook: taken\nmail: taken\n")
    assert [(one["state"], one["what"]) for one in hook.got] == [("test", "this is a test of the alarms, and nothing is wrong")]
    assert len(kept.subjects) == 1
    assert "TEST" in hook.got[0]["text"]


def test_a_wrong_mail_password_is_told_and_the_other_way_with_it(
    hook: Served, letters: tuple[Letters, int], configured: Callable[..., Path], tmp_path: Path
) -> None:
    kept, port = letters
    config = configured(alarms={"webhook_url": f"http://127.0.0.1:{hook.port}/", "mail": mail(port, tmp_path, "wrong")})

    said = called("test", "-c", config)

    assert (said.exit_code, said.output) == (1, "webhook: taken\nmail: NOT TAKEN: it refuses user or password (535)\n")
    assert kept.subjects == []


def test_an_address_that_the_mail_server_refuses_is_told(
    letters: tuple[Letters, int], configured: Callable[..., Path], tmp_path: Path
) -> None:
    _, port = letters
    to = ["drift@exempel.se", "gone@exempel.se"]
    some = called("test", "-c", configured(alarms={"mail": mail(port, tmp_path, PASSWORD, *to)}))
    none = called("test", "-c", configured(alarms={"mail": mail(port, tmp_path, PASSWORD, *to[1:])}))

    assert (some.exit_code, some.output) == (1, "mail: NOT TAKEN: it refuses 1 of 2 addresses\n")
    assert (none.exit_code, none.output) == (1, "mail: NOT TAKEN: it refuses every address\n")


@pytest.mark.parametrize(("status", "why"), [(404, "it answers 404"), (None, "it cannot be reached (ConnectError)")])
def test_a_webhook_that_does_not_take_it_is_told(hook: Served, configured: Callable[..., Path], status: int | None, why: str) -> None:
    hook.status = status or 200
    port = 1 if status is None else hook.port

    said = called("test", "-c", configured(alarms={"webhook_url": f"http://127.0.0.1:{port}/"}))

    assert (said.exit_code, said.output) == (1, f"webhook: NOT TAKEN: {why}\n")


def test_a_test_without_anybody_to_tell_is_refused(configured: Callable[..., Path]) -> None:
    said = called("test", "-c", configured())

    assert said.exit_code == 2
    assert "CLI-065" in said.output


def test_a_robot_that_does_not_answer_is_told_of_once_and_once_when_it_does(
    hook: Served, configured: Callable[..., Path], tmp_path: Path
) -> None:
    robot = Served()
    with serving(robot):
        pass
    config = configured(health={"listen": True, "port": robot.port}, alarms={"webhook_url": f"http://127.0.0.1:{hook.port}/", "after_s": 0})
    look = ("look", "-c", config, "--kept", tmp_path / "silent.json")

    assert called(*look).output == "the robot does not answer; somebody was told now\n"
    assert called(*look).output == "the robot does not answer; somebody was told before\n"
    with serving(robot):
        assert called(*look).output == "the robot answers again; somebody was told now\n"
        assert called(*look).output == "the robot answers\n"
    assert [one["state"] for one in hook.got] == ["begun", "over"]
    assert "does not answer" in hook.got[0]["what"]
    assert hook.got[0]["since"] == hook.got[1]["since"]


def test_a_robot_that_is_back_before_it_has_lasted_is_told_of_to_nobody(
    hook: Served, configured: Callable[..., Path], tmp_path: Path
) -> None:
    robot = Served()
    with serving(robot):
        pass
    config = configured(
        health={"listen": True, "port": robot.port}, alarms={"webhook_url": f"http://127.0.0.1:{hook.port}/", "after_s": 300}
    )
    look = ("look", "-c", config, "--kept", tmp_path / "silent.json")

    assert "when that has lasted" in called(*look).output
    robot.status = 503
    with serving(robot):
        assert called(*look).output == "the robot answers\n", "not ready, it tells why by itself"
    assert not (tmp_path / "silent.json").exists()
    assert hook.got == []


def test_a_look_that_could_tell_nobody_fails_and_the_next_one_tells(hook: Served, configured: Callable[..., Path], tmp_path: Path) -> None:
    config = configured(health={"listen": True, "port": 1}, alarms={"webhook_url": f"http://127.0.0.1:{hook.port}/", "after_s": 0})
    look = ("look", "-c", config, "--kept", tmp_path / "silent.json")
    hook.status = 500

    failed = called(*look)
    hook.status = 200

    assert failed.exit_code == 1
    assert "CLI-067" in failed.output
    assert "webhook: it answers 500" in failed.output
    assert "somebody was told now" in called(*look).output


def test_a_robot_that_ended_because_its_configuration_cannot_be_used_is_told_of(
    hook: Served, configured: Callable[..., Path], tmp_path: Path
) -> None:
    config = configured(
        health={"listen": True, "port": 1},
        alarms={"webhook_url": f"http://127.0.0.1:{hook.port}/", "after_s": 0},
        work={"misspelt": 1},
    )

    said = called("look", "-c", config, "--kept", tmp_path / "silent.json")

    assert (said.exit_code, said.output) == (0, "the robot does not answer; somebody was told now\n")
    assert [one["state"] for one in hook.got] == ["begun"]


def test_alarms_that_cannot_be_used_themselves_are_refused(configured: Callable[..., Path], tmp_path: Path) -> None:
    config = configured(health={"listen": True, "port": 1}, alarms={"webhook_url": "larm"}, work={"misspelt": 1})

    said = called("look", "-c", config, "--kept", tmp_path / "silent.json")

    assert said.exit_code == 2
    assert "CFG-001" in said.output


@pytest.mark.parametrize("sections", [{}, {"health": {"listen": True}}, {"alarms": {"webhook_url": "http://127.0.0.1:1/"}}])
def test_a_look_with_nobody_to_ask_or_to_tell_is_refused(sections: dict[str, Any], configured: Callable[..., Path], tmp_path: Path) -> None:
    defaults = {"health": {"listen": False}}
    said = called("look", "-c", configured(**{**defaults, **sections}), "--kept", tmp_path / "silent.json")

    assert said.exit_code == 2
    assert "CLI-066" in said.output


def test_a_file_that_cannot_be_written_is_told(hook: Served, configured: Callable[..., Path], tmp_path: Path) -> None:
    config = configured(health={"listen": True, "port": 1}, alarms={"webhook_url": f"http://127.0.0.1:{hook.port}/"})

    said = called("look", "-c", config, "--kept", tmp_path / "nowhere" / "silent.json")

    assert said.exit_code == 1
    assert "CLI-068" in said.output


@pytest.mark.parametrize("text", ["", "{", "[]", '{"since": "x", "told": true}', '{"since": 1, "told": true}', '{"told": true}'])
def test_a_file_that_says_nothing_is_as_none(hook: Served, configured: Callable[..., Path], tmp_path: Path, text: str) -> None:
    config = configured(health={"listen": True, "port": 1}, alarms={"webhook_url": f"http://127.0.0.1:{hook.port}/", "after_s": 0})
    kept = tmp_path / "silent.json"
    kept.write_text(text, encoding="utf-8")

    assert "somebody was told now" in called("look", "-c", config, "--kept", kept).output
    assert json.loads(kept.read_text(encoding="utf-8"))["told"] is True
