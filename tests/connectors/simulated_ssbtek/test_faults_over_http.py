"""Faults, over real HTTP: what a client sees, and what the server has done meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.simulators.day import WorldDay
from connectors.simulators.faults import FaultMiddleware, Faults
from connectors.simulators.serve import serving

LIMIT_S = 60


class Diary:
    """A little server that remembers what was written, behind the fault middleware."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.faults = Faults(WorldDay(date(2026, 11, 30)))
        self.app = Starlette(
            routes=[
                Route("/notes/{note_id}", self._write, methods=["POST"]),
                Route("/notes", self._read, methods=["GET"]),
                *self.faults.admin_routes(),
            ],
            middleware=[Middleware(FaultMiddleware, faults=self.faults)],
        )

    async def _write(self, request: Request) -> Response:
        self.written.append((await request.body()).decode())
        return JSONResponse({"written": len(self.written)}, status_code=201)

    async def _read(self, _: Request) -> Response:
        return JSONResponse({"notes": ["x" * 2000]})


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def client(diary: Diary) -> Iterator[httpx.Client]:
    with serving(diary.app) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as http:
        yield http


def order(client: httpx.Client, **fault: Any) -> dict[str, Any]:
    """Order a fault as a test of the robot would."""
    answer = client.post("/admin/faults", json=fault)
    assert answer.status_code == 201, answer.text
    ordered: dict[str, Any] = answer.json()
    return ordered


def test_a_lost_answer_means_the_work_is_done_and_nothing_comes_back(client: httpx.Client, diary: Diary) -> None:
    order(client, kind="answer_lost", method="POST", times=1)

    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/notes/1", content="first")

    assert diary.written == ["first"]
    assert client.post("/notes/2", content="second").json() == {"written": 2}


def test_an_answer_cut_in_the_middle_has_its_status_and_less_than_it_promised(client: httpx.Client) -> None:
    order(client, kind="cut", path_contains="/notes")
    address = urlsplit(str(client.base_url))

    with socket.create_connection((address.hostname, address.port), timeout=LIMIT_S) as raw:
        raw.sendall(b"GET /notes HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b"".join(iter(lambda: raw.recv(65536), b""))

    head, body = received.split(b"\r\n\r\n", 1)
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200")
    assert len(body) == promised // 2
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/notes")


def test_a_timeout_lasts_until_the_client_gives_up_and_does_no_work(client: httpx.Client, diary: Diary) -> None:
    order(client, kind="timeout", times=1)

    with pytest.raises(httpx.ReadTimeout):
        client.post("/notes/1", content="never", timeout=httpx.Timeout(LIMIT_S, read=0.2))

    assert diary.written == []


def test_a_timeout_ends_by_itself_at_its_limit(client: httpx.Client) -> None:
    order(client, kind="timeout", delay_s=0.1, times=1)

    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/notes")


def test_a_held_answer_comes_when_it_is_released_and_the_work_was_done_before(client: httpx.Client, diary: Diary) -> None:
    order(client, kind="hold", times=1)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.post, "/notes/1", content="kept")
        until = time.monotonic() + LIMIT_S
        while client.get("/admin/faults").json()["held"] != 1:
            assert time.monotonic() < until

        assert diary.written == ["kept"]
        assert not held.done()
        assert client.post("/admin/release").json() == {"released": 1}
        assert held.result(LIMIT_S).json() == {"written": 1}
    assert client.get("/admin/faults").json()["held"] == 0


def test_an_error_answers_without_doing_the_work(client: httpx.Client, diary: Diary) -> None:
    order(client, kind="http_500", times=1)
    order(client, kind="error", times=1)
    order(client, kind="http_400", times=1)

    first, second, third, fourth = (client.post("/notes/1", content="x") for _ in range(4))

    assert (first.status_code, second.status_code, third.status_code, fourth.status_code) == (500, 502, 400, 201)
    assert second.headers["content-type"] == "application/problem+json"
    assert diary.written == ["x"]


def test_a_slow_answer_is_late_and_right(client: httpx.Client) -> None:
    order(client, kind="slow", delay_s=0.3)

    assert client.get("/notes").elapsed.total_seconds() >= 0.3


def test_the_first_requests_may_be_let_through_and_only_some_then_fail(client: httpx.Client) -> None:
    order(client, kind="http_500", skip=2, times=1)

    assert [client.get("/notes").status_code for _ in range(5)] == [200, 200, 500, 200, 200]


def test_method_and_path_say_which_requests_fail(client: httpx.Client) -> None:
    order(client, kind="http_500", method="post", path_contains="/notes/7")

    assert client.get("/notes").status_code == 200
    assert client.post("/notes/6").status_code == 201
    assert client.post("/notes/7").status_code == 500


def test_a_share_fails_the_same_requests_for_the_same_seed_and_about_so_many(client: httpx.Client) -> None:
    def run(seed: int) -> list[int]:
        client.delete("/admin/faults")
        order(client, kind="http_500", share=0.3, seed=seed)
        return [client.post(f"/notes/{number}").status_code for number in range(100)]

    first = run(1)

    assert run(1) == first
    assert run(2) != first
    assert 15 <= first.count(500) <= 45


def test_a_request_that_fails_by_share_gets_through_some_other_time(client: httpx.Client) -> None:
    order(client, kind="http_500", share=0.5, seed=3)

    assert {client.post("/notes/1").status_code for _ in range(30)} == {201, 500}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({}, "kind is missing"),
        ({"kind": "explode"}, "kind must be one of"),
        ({"kind": "error", "source": "XYZ"}, "source must be one of"),
        ({"kind": "cut", "source": "FK"}, "one source can only have"),
        ({"kind": "error", "source": "FK", "method": "POST"}, "no method"),
        ({"kind": "error", "share": 2}, "share must be"),
        ({"kind": "error", "seed": None}, "seed must be"),
        ({"kind": "error", "delay_s": 1e9}, "delay_s must be"),
        ({"kind": "error", "times": True}, "times must be"),
        ({"kind": "error", "tmies": 1}, "unknown key"),
    ],
)
def test_an_order_that_is_not_understood_is_refused(client: httpx.Client, fault: dict[str, Any], said: str) -> None:
    answer = client.post("/admin/faults", json=fault)

    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert client.get("/admin/faults").json()["faults"] == []


def test_faults_are_listed_with_their_counts_and_lifted_one_by_one_or_all(client: httpx.Client) -> None:
    first = order(client, kind="http_500", times=1)
    second = order(client, kind="slow", delay_s=0)
    client.get("/notes")

    listed = {fault["id"]: fault for fault in client.get("/admin/faults").json()["faults"]}
    assert (listed[first["id"]]["matched"], listed[first["id"]]["fired"]) == (1, 1)
    assert client.delete(f"/admin/faults/{first['id']}").json() == {"lifted": 1}
    assert [fault["id"] for fault in client.get("/admin/faults").json()["faults"]] == [second["id"]]
    assert client.delete("/admin/faults").json() == {"lifted": 1}


def test_requests_are_counted_by_route_without_ids_and_the_admin_is_not_counted(client: httpx.Client) -> None:
    client.post("/notes/4711")
    client.post("/notes/4712")
    client.get("/nowhere")

    assert client.get("/admin/stats").json() == {"total": 3, "requests": {"GET (no route)": 1, "POST /notes/{note_id}": 2}}


def test_the_day_is_set_and_shown(client: httpx.Client) -> None:
    assert client.put("/admin/day", json={"today": "2026-12-24"}).json()["today"] == "2026-12-24"
    assert client.get("/admin/day").json()["now"].startswith("2026-12-24T08:0")
    assert client.put("/admin/day", json={"today": "julafton"}).status_code == 400


def test_what_is_noted_stands_in_the_log_with_the_worlds_time(client: httpx.Client, diary: Diary) -> None:
    diary.faults.note("status.illegal", errand="1")

    (entry,) = client.get("/admin/log").json()
    assert entry["at"].startswith("2026-11-30T08:00")
    assert (entry["what"], entry["errand"]) == ("status.illegal", "1")
