"""No new case is missed, though the list changes while it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.case_systems.caremanagement import CareManagement
from connectors.errors import RetriableError
from tests.connectors.caremanagement_scripted import Scripted, connected_to
from tests.connectors.caremanagement_town import NOW


@pytest.fixture
def server() -> Scripted:
    return Scripted()


@pytest.fixture
async def scripted(server: Scripted) -> AsyncIterator[CareManagement]:
    async with connected_to(server) as system:
        yield system


def listing(created: list[datetime]) -> Callable[[Request], Response]:
    """Answer as a list of cases that shrinks: after every page the first case in it is begun by somebody."""
    held = [(f"case-{number}", moment) for number, moment in enumerate(created)]

    def answer(request: Request) -> Response:
        condition = request.query_params["filter"]
        bound = datetime.fromisoformat(condition.rpartition("created>'")[2].rstrip("'")) if "created>" in condition else None
        page, size = int(request.query_params["page"]), int(request.query_params["size"])
        found = [case for case in held if bound is None or case[1] > bound]
        shown = found[page * size : (page + 1) * size]
        if shown:
            held.remove(shown[0])
        rows = [{"id": one, "status": "RECEIVED", "typeSlug": "financial-assistance-new", "created": at.isoformat()} for one, at in shown]
        return JSONResponse({"errands": rows, "_meta": {"limit": size, "totalRecords": len(found)}})

    return answer


@pytest.mark.parametrize(
    "moments",
    [
        [NOW + timedelta(minutes=number) for number in range(20)],
        [NOW] * 12,
        [NOW] * 7 + [NOW + timedelta(seconds=1)] * 7 + [NOW + timedelta(hours=1)],
    ],
    ids=["one by one", "all at once", "in heaps"],
)
async def test_no_case_is_missed_though_the_list_shrinks_while_it_is_read(
    server: Scripted, scripted: CareManagement, moments: list[datetime]
) -> None:
    server.script["/errands"] = listing(moments)

    listed = [case.case_id async for case in scripted.find_new(None)]

    assert sorted(listed) == sorted(f"case-{number}" for number in range(len(moments)))


async def test_a_server_that_gives_fewer_at_a_time_than_asked_for_is_read_to_the_end(server: Scripted, scripted: CareManagement) -> None:
    moments = [NOW + timedelta(minutes=number) for number in range(6)]

    def answer(request: Request) -> Response:
        bound = (
            datetime.fromisoformat(request.query_params["filter"].rpartition("created>'")[2].rstrip("'"))
            if "created>" in request.query_params["filter"]
            else NOW - timedelta(1)
        )
        page = int(request.query_params["page"])
        found = [moment for moment in moments if moment > bound][page * 2 : page * 2 + 2]
        rows = [{"id": str(at), "status": "RECEIVED", "typeSlug": "financial-assistance-new", "created": at.isoformat()} for at in found]
        return JSONResponse({"errands": rows, "_meta": {"limit": 2}})

    server.script["/errands"] = answer

    assert [case.created_at async for case in scripted.find_new(None)] == moments


async def test_a_list_without_end_is_left_and_told(server: Scripted, scripted: CareManagement) -> None:
    numbers = iter(range(1_000))

    def answer(_: Request) -> Response:
        rows = [
            {"id": f"case-{next(numbers)}", "status": "RECEIVED", "typeSlug": "financial-assistance-new", "created": NOW.isoformat()}
            for _ in range(3)
        ]
        return JSONResponse({"errands": rows})

    server.script["/errands"] = answer
    found: list[str] = []

    async def read() -> None:
        async for case in scripted.find_new(None):
            found.append(case.case_id)  # noqa: PERF401  # extend would lose what came before the error

    with pytest.raises(RetriableError, match="CM-002"):
        await read()
    assert len(found) == 90


async def test_the_filter_asks_for_the_three_types_in_status_received(server: Scripted, scripted: CareManagement) -> None:
    server.script["/errands"] = {"errands": [], "_meta": {}}

    assert [case async for case in scripted.find_new(datetime(2026, 11, 30, 8, tzinfo=UTC))] == []

    assert server.requests[0].query_params["filter"] == (
        "status:'RECEIVED' and typeSlug in ['financial-assistance-new','financial-assistance-renewal','financial-assistance-supplementary']"
        " and created>'2026-11-30T08:00:00.000Z'"
    )
    assert server.requests[0].query_params["sort"] == "created,asc"
