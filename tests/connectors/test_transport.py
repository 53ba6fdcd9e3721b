"""What the shared transport promises, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import ConnectorError, PermanentError, RetriableError
from connectors.transport import Answer, Transport, TransportSettings
from tests.connectors.transport_server import RawServer, Step, answer, close, drip, free_port, raw, reset, silent

QUICK: dict[str, Any] = {"backoff_first_s": 0, "backoff_max_s": 0, "total_timeout_s": 60}
SECRET = "199001012385"  # Skatteverket test number


@asynccontextmanager
async def neighbour(*steps: Step, **settings: Any) -> AsyncIterator[tuple[RawServer, Transport]]:
    """A misbehaving server and a transport to it."""
    async with RawServer(*steps).running() as server:
        transport = Transport(server.url, TransportSettings(**(QUICK | settings)), neighbour="registers")
        try:
            yield server, transport
        finally:
            await transport.aclose()


async def read(transport: Transport, **more: Any) -> Answer:
    return await transport.request("GET", "/x", repeatable=True, **more)


async def write(transport: Transport, method: str = "POST", **more: Any) -> Answer:
    return await transport.request(method, "/x", json={"who": SECRET}, repeatable=False, **more)


async def test_an_expected_answer_comes_back_whole_with_decimals_kept_exact() -> None:
    async with neighbour(answer(201, b'{"a": 6345.50}', "x-thing: 1")) as (_, transport):
        got = await read(transport, expected=(200, 201))
    assert (got.status, got.headers["X-Thing"], got.json()) == (201, "1", {"a": Decimal("6345.50")})


async def test_a_body_that_is_no_json_is_a_coded_error() -> None:
    async with neighbour(answer(200, b"{oops"), answer(200, b'{"a": NaN}')) as (_, transport):
        for _ in range(2):
            with pytest.raises(RetriableError, match="NET-015"):
                (await read(transport)).json()
        with pytest.raises(RetriableError) as caught:
            (await write(transport)).json()
    assert caught.value.unknown_outcome


async def test_a_decimal_amount_is_written_as_the_number_it_is() -> None:
    async with neighbour(answer()) as (server, transport):
        await transport.request("POST", "/x", json={"sum": Decimal("4345.50"), "whole": Decimal("12.00")}, repeatable=False)
    assert server.requests[0].endswith(b'{"sum":4345.5,"whole":12}')


@pytest.mark.parametrize("failing", [close, reset, raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")])
async def test_a_read_that_is_cut_is_asked_again(failing: Step) -> None:
    async with neighbour(failing, answer()) as (server, transport):
        assert (await read(transport)).status == 200
    assert len(server.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "failing",
    [close, reset, raw(b"HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\nhalf"), raw(b"SMTP ready\r\n\r\n"), answer(502), answer(200)],
)
async def test_a_write_with_an_unknown_outcome_is_never_sent_twice_by_anything(failing: Step, method: str) -> None:
    # The first answer leaves a connection in the pool: aiohttp resends PUT and DELETE when such a one turns out to be cut.
    async with neighbour(answer(201), failing, answer(201)) as (server, transport):
        await write(transport, method, expected=(201,))
        with pytest.raises(RetriableError) as caught:
            await write(transport, method, expected=(201,))
    assert caught.value.unknown_outcome
    assert len(server.requests) == 2


async def test_a_read_on_a_cut_connection_is_counted_by_us_and_not_resent_in_secret() -> None:
    async with neighbour(answer(), close, answer(), attempts=1) as (server, transport):
        await read(transport)
        with pytest.raises(RetriableError, match="NET-003"):
            await read(transport)
    assert len(server.requests) == 2


async def test_what_comes_when_nobody_asked_is_never_taken_for_the_next_answer() -> None:
    async def answer_twice(writer: asyncio.StreamWriter) -> bool:
        await answer(200, b'{"of": "the first"}')(writer)
        await asyncio.sleep(0.05)
        return await answer(200, b'{"of": "nobody"}')(writer)

    async with neighbour(answer_twice, answer(200, b'{"of": "the second"}'), pool_size=1) as (server, transport):
        assert (await read(transport)).json() == {"of": "the first"}
        await asyncio.sleep(0.15)
        assert (await read(transport)).json() == {"of": "the second"}
    assert len(server.requests) == 2


async def test_what_is_said_before_the_answer_is_passed_over() -> None:
    first = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    async with neighbour(raw(first)) as (_, transport):
        assert (await write(transport)).json() == {}


async def test_a_neighbour_that_wants_to_speak_something_else_is_refused() -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nwhatever"
    async with neighbour(raw(switching), attempts=1) as (_, transport):
        with pytest.raises(PermanentError, match="NET-009"):
            await read(transport)


async def test_a_header_with_a_line_break_is_never_written() -> None:
    async with neighbour(answer()) as (server, transport):
        with pytest.raises(ValueError, match="line break"):
            await read(transport, headers={"x-thing": "1\r\nx-other: 2"})
    with pytest.raises(ValueError, match="line break"):
        Transport("http://registers.example", TransportSettings(), neighbour="registers", headers={"x-thing": "1\n"})
    assert not server.requests


async def test_a_write_that_never_left_us_has_a_known_outcome() -> None:
    transport = Transport(f"http://127.0.0.1:{free_port()}", TransportSettings(**QUICK), neighbour="registers")
    with pytest.raises(RetriableError, match="NET-001") as caught:
        await write(transport)
    await transport.aclose()
    assert not caught.value.unknown_outcome


async def test_an_unknown_host_is_a_neighbour_that_could_not_be_reached() -> None:
    transport = Transport("http://nowhere.invalid", TransportSettings(**QUICK), neighbour="registers")
    with pytest.raises(RetriableError, match="NET-001"):
        await read(transport)
    await transport.aclose()


@pytest.mark.parametrize("slow", [silent, drip])
async def test_the_total_time_ends_a_silent_and_a_dripping_answer(slow: Step) -> None:
    async with neighbour(slow, total_timeout_s=0.3) as (_, transport):
        started = asyncio.get_running_loop().time()
        with pytest.raises(RetriableError, match="NET-004") as caught:
            await write(transport)
        assert asyncio.get_running_loop().time() - started < 2
    assert caught.value.unknown_outcome


async def test_a_body_over_the_limit_is_refused_while_it_streams() -> None:
    endless = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n"
    )
    async with neighbour(raw(endless + b"400\r\n" + b"x" * 1024 + b"\r\n"), answer(), body_limit_bytes=1500) as (_, transport):
        with pytest.raises(PermanentError, match="NET-011"):
            await read(transport)
        assert (await read(transport)).status == 200


async def test_a_compressed_answer_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    async with neighbour(answer(200, bomb, "content-encoding: gzip")) as (server, transport):
        with pytest.raises(PermanentError, match="NET-012"):
            await read(transport)
    assert b"accept-encoding: identity" in server.requests[0].lower()


async def test_retry_after_is_waited_out_by_a_read() -> None:
    async with neighbour(answer(429, b"", "retry-after: 1"), answer()) as (_, transport):
        started = asyncio.get_running_loop().time()
        assert (await read(transport)).status == 200
        assert asyncio.get_running_loop().time() - started >= 1


async def test_a_long_retry_after_is_handed_on_at_once_and_capped() -> None:
    async with neighbour(answer(503, b"", "retry-after: 86400"), retry_after_max_s=60) as (server, transport):
        with pytest.raises(RetriableError, match="NET-007") as caught:
            await read(transport)
    assert (caught.value.retry_after_s, len(server.requests)) == (60, 1)


async def test_retry_after_as_a_date_is_measured_by_the_neighbours_own_clock() -> None:
    headers = ("date: Mon, 30 Nov 2026 08:00:00 GMT", "retry-after: Mon, 30 Nov 2026 08:00:40 GMT")
    async with neighbour(answer(429, b"", *headers), answer(429, b"", "retry-after: soon"), attempts=1) as (_, transport):
        for expected in (40, None):
            with pytest.raises(RetriableError, match="NET-006") as caught:
                await write(transport)
            assert caught.value.retry_after_s == expected
            assert not caught.value.unknown_outcome


async def test_a_redirect_is_never_followed() -> None:
    async with neighbour(answer(302, b"", "location: /elsewhere")) as (server, transport):
        with pytest.raises(PermanentError, match="NET-010"):
            await read(transport)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "code"), [(400, "NET-009"), (401, "NET-008"), (403, "NET-008"), (404, "NET-009"), (409, "NET-009")])
async def test_a_refusal_is_not_asked_again(status: int, code: str) -> None:
    async with neighbour(answer(status)) as (server, transport):
        with pytest.raises(PermanentError, match=code):
            await read(transport)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "garbage",
    [b"220 mail.example ESMTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 20_000 + b"\r\ncontent-length: 0\r\n\r\n"],
)
async def test_what_is_not_http_is_a_coded_error_and_no_crash(garbage: bytes) -> None:
    async with neighbour(raw(garbage)) as (_, transport):
        with pytest.raises(RetriableError, match="NET-013"):
            await read(transport)


async def test_a_login_page_with_status_200_is_an_error() -> None:
    async with neighbour(answer(200, b"<html>Log in</html>", content_type="text/html; charset=utf-8"), attempts=1) as (_, transport):
        with pytest.raises(RetriableError, match="NET-014"):
            await read(transport)


async def test_an_expected_fault_in_the_wrong_kind_of_content_is_a_server_error() -> None:
    async with neighbour(answer(500, b"<f/>", content_type="text/xml"), answer(500, b"boom", content_type="text/plain")) as (_, transport):
        assert (await read(transport, expected=(200, 500), content_types=("text/xml",))).status == 500
        with pytest.raises(RetriableError, match="NET-007"):
            await read(transport, expected=(200, 500), content_types=("text/xml",))


async def test_a_cookie_is_never_sent_back() -> None:
    async with neighbour(answer(200, b"{}", "set-cookie: session=abc; Path=/")) as (server, transport):
        await read(transport)
        await read(transport)
    assert len(server.requests) == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_no_more_connections_are_open_than_the_pool_allows() -> None:
    async def slow(writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.02)
        return await answer()(writer)

    async with neighbour(slow, pool_size=2) as (server, transport):
        await asyncio.gather(*(read(transport) for _ in range(10)))
    assert (len(server.requests), server.most_open) == (10, 2)


async def test_waiting_for_a_free_connection_ends_with_the_total_time_and_is_known_not_to_be_sent() -> None:
    async with neighbour(silent, pool_size=1, total_timeout_s=0.3) as (server, transport):
        first = asyncio.create_task(write(transport, total_timeout_s=2.0))
        await server.has_read(1)
        with pytest.raises(RetriableError, match="NET-016") as caught:
            await write(transport)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert not caught.value.unknown_outcome


async def test_the_pool_is_whole_after_cancelled_questions() -> None:
    async with neighbour(silent, silent, answer(), pool_size=2) as (server, transport):
        tasks = [asyncio.create_task(read(transport)) for _ in range(2)]
        await server.has_read(2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [(await read(transport)).status for _ in range(4)] == [200] * 4


async def test_after_the_end_a_question_is_a_coded_error() -> None:
    async with neighbour(answer()) as (_, transport):
        await transport.aclose()
        with pytest.raises(RetriableError, match="NET-017"):
            await read(transport)


@pytest.mark.parametrize("path", [f"/person/{SECRET}", "/person/900101-2385", "/person/900101%2B2385/x"])
async def test_an_identity_number_is_never_put_in_an_address(path: str) -> None:
    async with neighbour(answer()) as (server, transport):
        with pytest.raises(PermanentError, match="NET-018"):
            await transport.request("GET", path, repeatable=True)
        with pytest.raises(PermanentError, match="NET-018"):
            await transport.request("GET", "/x", params={"who": SECRET}, repeatable=True)
        await transport.request("GET", "/errands/cb20c51f-fcf3-42c0-b613-199001012385", repeatable=True)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failing", [answer(400, SECRET.encode()), answer(500, SECRET.encode()), answer(302, b"", f"location: /{SECRET}"), raw(SECRET.encode())]
)
async def test_no_error_text_holds_what_was_asked_or_answered(failing: Step) -> None:
    async with neighbour(failing) as (server, transport):
        with pytest.raises(ConnectorError) as caught:
            await transport.request("POST", "/case-1", params={"token": "hush"}, json={"who": SECRET}, repeatable=True)
    text = repr(caught.value) + str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert not any(word in text for word in (SECRET, "case-1", "hush", server.url))


@pytest.mark.parametrize("address", ["ftp://x", "registers.example", "https://", "https://x/?q=1", "https://user:secret@x"])
def test_an_address_that_cannot_be_meant_is_refused_at_start(address: str) -> None:
    with pytest.raises(ValueError, match="the address"):
        Transport(address, TransportSettings(), neighbour="registers")
