"""Alarms reach a person over a real web server and a real mail server, once when something has lasted and once when it is over."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope
from structlog.testing import capture_logs

from robot.alarms import Alarming
from robot.condition import Condition
from robot.figures import Figures
from robot.settings_watching import Alarms, Mail

START = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
TOWN = "Exempelkommun (påhittad)"


@dataclass
class Hooked:
    """A web server that keeps what it gets."""

    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200


@pytest.fixture
def hook() -> Iterator[Hooked]:
    """A real web server on loopback."""
    hooked = Hooked()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if hooked.status == 200:
                hooked.got.append(json.loads(body))
            self.send_response(hooked.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    hooked.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield hooked
    server.shutdown()
    server.server_close()
    thread.join()


class Letters:
    """What a mail server got."""

    def __init__(self) -> None:
        self.got: list[Message] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        self.got.append(message_from_bytes(envelope.original_content or b""))
        return "250 OK"


@pytest_asyncio.fixture
async def letters() -> AsyncIterator[tuple[Letters, Mail]]:
    """A real mail server on loopback, and how to reach it."""
    kept = Letters()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(kept), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield kept, Mail(host="127.0.0.1", port=port, security="none", sender="robot@exempel.se", to=("drift@exempel.se", "jour@exempel.se"))
    server.close()
    await server.wait_closed()


class World:
    """A condition and a clock moved by hand, and who is told of it."""

    def __init__(self, settings: Alarms) -> None:
        self.time = START
        self.condition = Condition(started_at=START, now=lambda: self.time)
        self.condition.take(Figures(at=START, database_up=True))
        self.alarming = Alarming(settings, TOWN, self.condition, lambda: self.time)

    def happens(self, event: str, **more: Any) -> None:
        self.condition.seen(None, "info", {"event": event} | more)

    async def after(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)
        await self.alarming.look()


async def test_what_lasts_is_told_once_and_once_when_it_is_over(hook: Hooked) -> None:
    world = World(Alarms(webhook_url=hook.url, after_s=300))
    world.happens("neighbour.lost", neighbour="ssbtek", code="NET-001")
    await world.after(4)
    assert hook.got == []

    await world.after(1)
    await world.after(60)
    assert [(one["state"], one["code"], one["what"]) for one in hook.got] == [
        ("begun", "NET-001", "ssbtek does not answer and is left alone for a while")
    ]
    assert hook.got[0]["since"] == START.isoformat()
    assert hook.got[0]["what_to_do"]

    world.happens("neighbour.back", neighbour="ssbtek")
    await world.after(1)
    await world.after(1)
    assert [one["state"] for one in hook.got] == ["begun", "over"]


async def test_what_is_over_before_it_has_lasted_reaches_nobody(hook: Hooked) -> None:
    world = World(Alarms(webhook_url=hook.url, after_s=300))
    world.happens("neighbour.lost", neighbour="ssbtek", code="NET-001")
    await world.after(2)
    world.happens("neighbour.back", neighbour="ssbtek")
    await world.after(60)

    assert hook.got == []


async def test_a_number_that_changes_is_no_new_alarm(hook: Hooked) -> None:
    world = World(Alarms(webhook_url=hook.url, after_s=0))
    for parked in (2, 3, 11):
        world.condition.take(Figures(at=START, database_up=True, counts={"parked": parked}))
        await world.after(1)

    assert [one["what"] for one in hook.got] == ["2 cases are parked"]


async def test_mail_says_in_words_what_since_when_and_what_to_do(letters: tuple[Letters, Mail]) -> None:
    kept, mail = letters
    world = World(Alarms(mail=mail, after_s=0))
    world.happens("database.unavailable", code="QUE-002")
    await world.after(1)

    (letter,) = kept.got
    assert letter["To"] == "drift@exempel.se, jour@exempel.se"
    assert letter["Auto-Submitted"] == "auto-generated"
    body = str(letter.get_payload()).replace("\r\n", "\n")
    assert body.startswith("the database cannot be used (QUE-002)\nSince: 2026-11-30 08:00:00 UTC\nWhat to do: free disk space")
    assert TOWN in body


async def test_never_more_messages_than_may_be_in_an_hour_and_the_rest_later(hook: Hooked) -> None:
    world = World(Alarms(webhook_url=hook.url, after_s=0, most_per_hour=3))
    for number in range(5):
        world.happens("neighbour.lost", neighbour=f"neighbour {'abcde'[number]}", code="NET-001")
    await world.after(1)
    await world.after(50)
    assert len(hook.got) == 3

    await world.after(10)
    assert len(hook.got) == 5


async def test_a_message_that_could_not_be_sent_is_sent_later_and_that_is_said_once(hook: Hooked) -> None:
    world = World(Alarms(webhook_url=hook.url, after_s=0))
    hook.status = 503
    with capture_logs() as said:
        world.happens("neighbour.lost", neighbour="ssbtek", code="NET-001")
        await world.after(1)
        await world.after(1)
        hook.status = 200
        await world.after(1)

    assert [one["event"] for one in said] == ["alarm.not_sent", "alarm.sent_again"]
    assert [one["state"] for one in hook.got] == ["begun"]


async def test_one_way_that_fails_does_not_stop_the_other(hook: Hooked, letters: tuple[Letters, Mail]) -> None:
    kept, mail = letters
    world = World(Alarms(webhook_url=hook.url, mail=mail.model_copy(update={"port": 1}), after_s=0))
    world.happens("audit.head_not_kept", code="BOT-003")
    await world.after(1)

    assert len(hook.got) == 1
    assert kept.got == []


async def test_a_mail_server_without_the_wanted_encryption_gets_nothing(letters: tuple[Letters, Mail]) -> None:
    kept, mail = letters
    world = World(Alarms(mail=mail.model_copy(update={"security": "starttls"}), after_s=0))
    world.happens("audit.head_not_kept", code="BOT-003")
    with capture_logs() as said:
        await world.after(1)

    assert kept.got == []
    assert [one["event"] for one in said] == ["alarm.not_sent"]


async def test_nobody_is_told_when_there_is_nobody() -> None:
    world = World(Alarms())
    world.happens("audit.head_not_kept", code="BOT-003")
    await world.after(10)

    assert not world.alarming.is_on


async def test_what_all_workers_see_is_told_by_the_first_of_them_alone(hook: Hooked) -> None:
    world = World(Alarms(webhook_url=hook.url, after_s=300))
    world.alarming = Alarming(Alarms(webhook_url=hook.url, after_s=300), TOWN, world.condition, lambda: world.time, is_first=False)
    world.happens("neighbour.lost", neighbour="ssbtek", code="NET-001")
    world.happens("case.failed", case_ref="a", code="BUG-001")

    await world.after(6)
    assert [one["code"] for one in hook.got] == ["BUG-001"]
