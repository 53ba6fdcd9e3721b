"""Finding, reading and changing errands in the simulated case system."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from connectors.simulators.caremanagement import create_app
from connectors.simulators.day import WorldDay
from connectors.simulators.world import World

from .conftest import BASE, DECIDED, LATER, PERSON, PROTECTED, RENEWAL, SINGLE, WORLD_DAY, made_up_person, record


async def found(client: httpx.AsyncClient, **query: str | int) -> list[str]:
    answer = await client.get(f"{BASE}/errands", params={"size": 50, "sort": "created,asc", **query})
    assert answer.status_code == 200, answer.text
    return [errand["id"] for errand in answer.json()["errands"]]


async def test_an_application_is_seen_only_once_it_has_arrived(client: httpx.AsyncClient, day: WorldDay) -> None:
    assert await found(client) == [RENEWAL, SINGLE, PROTECTED, DECIDED]
    assert (await client.get(f"{BASE}/errands/{LATER}")).status_code == 404

    day.set(WORLD_DAY.replace(month=12, day=1))

    assert await found(client) == [RENEWAL, SINGLE, PROTECTED, DECIDED, LATER]
    assert (await client.get(f"{BASE}/errands/{LATER}")).json()["created"] == "2026-11-30T12:00:00.000+01:00"


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("status:'RECEIVED'", [RENEWAL, SINGLE, PROTECTED, DECIDED]),
        ("status:'UNDER_REVIEW'", []),
        ("status:'RECEIVED' and typeSlug in ['financial-assistance-new','financial-assistance-supplementary']", [SINGLE]),
        ("typeSlug in ('financial-assistance-new')", [SINGLE]),
        ("typeSlug not in ['financial-assistance-new']", [RENEWAL, PROTECTED, DECIDED]),
        ("created>'2026-11-29T09:00:00.000Z'", [PROTECTED, DECIDED]),
        ("created>:'2026-11-29T10:00:00Z' and created<'2026-11-29T12:00:00+01:00'", [PROTECTED]),
        (f"id!'{RENEWAL}'", [SINGLE, PROTECTED, DECIDED]),
        (f"(id:'{RENEWAL}' or id:'{SINGLE}') and not typeSlug:'financial-assistance-new'", [RENEWAL]),
        (f"id:'{RENEWAL}' or status:'RECEIVED' and typeSlug:'financial-assistance-new'", [RENEWAL, SINGLE]),
        ("typeSlug~'*NEW'", [SINGLE]),
        ("modified is null and assignedUserId is null", [RENEWAL, SINGLE, PROTECTED, DECIDED]),
        ("modified is not null", []),
        ("modified>'2020-01-01T00:00:00Z'", []),
        ("  ", [RENEWAL, SINGLE, PROTECTED, DECIDED]),
    ],
)
async def test_the_filter_finds_what_it_says(client: httpx.AsyncClient, filter_: str, expected: list[str]) -> None:
    assert await found(client, filter=filter_) == expected
    assert (await client.get(f"{BASE}/errands/count", params={"filter": filter_})).json() == {"count": len(expected)}


@pytest.mark.parametrize(
    "filter_",
    [
        "status",
        "status:RECEIVED",
        "status:'RECEIVED",
        "status = 'RECEIVED'",
        "status:'RECEIVED' and",
        "status:'RECEIVED' 'x'",
        "unknown:'x'",
        "created>'yesterday'",
        "created>'2026-11-29T09:00:00'",
        "created~'2026*'",
        "typeSlug in []",
        "typeSlug in ['a'",
        "typeSlug in ('a']",
        "not",
        "status is 'RECEIVED'",
        "status not 'RECEIVED'",
        "(" * 50 + "status:'a'" + ")" * 50,
        "status:'" + "a" * 5000 + "'",
    ],
)
async def test_a_filter_that_is_not_understood_is_refused_and_not_repeated(client: httpx.AsyncClient, filter_: str) -> None:
    for path in ("errands", "errands/count"):
        answer = await client.get(f"{BASE}/{path}", params={"filter": filter_})
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert filter_ not in answer.text or len(filter_) < 8


async def test_the_pages_together_hold_every_errand_once(client: httpx.AsyncClient) -> None:
    pages = [(await client.get(f"{BASE}/errands", params={"page": n, "size": 3, "sort": "created,asc"})).json() for n in range(3)]

    assert [[errand["id"] for errand in page["errands"]] for page in pages] == [[RENEWAL, SINGLE, PROTECTED], [DECIDED], []]
    assert pages[1]["_meta"] == {
        "page": 1,
        "limit": 3,
        "count": 1,
        "totalRecords": 4,
        "totalPages": 2,
        "sortBy": ["created"],
        "sortDirection": "ASC",
    }


async def test_without_paging_the_ten_last_touched_come_first(day: WorldDay) -> None:
    many = tuple(
        record(f"00000000-0000-4000-8000-{n:012}", datetime(2026, 11, 1, n, tzinfo=UTC), made_up_person(n, "Många")) for n in range(12)
    )
    app = create_app(World(seed=1, today=WORLD_DAY, applications=many), day=day)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://simulated") as client:
        answer = (await client.get(f"{BASE}/errands")).json()

    assert [errand["touched"][11:13] for errand in answer["errands"]] == [f"{hour:02}" for hour in range(11, 1, -1)]
    assert answer["_meta"]["totalRecords"] == 12
    assert answer["_meta"]["sortDirection"] == "DESC"


@pytest.mark.parametrize("query", [{"page": "-1"}, {"size": "0"}, {"size": "ten"}, {"sort": "shoeSize,asc"}, {"sort": "asc"}])
async def test_a_page_that_cannot_be_is_refused(client: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert (await client.get(f"{BASE}/errands", params=query)).status_code == 400


async def test_sorting_by_several_properties_sorts_by_the_first_and_then_the_next(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{BASE}/errands", params=[("sort", "typeSlug,desc"), ("sort", "created,desc")])

    assert [errand["id"] for errand in answer.json()["errands"]] == [DECIDED, PROTECTED, RENEWAL, SINGLE]


@pytest.mark.parametrize("base", ["/2282/DRAKEL", "/2281/ANNAN"])
async def test_another_tenant_sees_nothing(client: httpx.AsyncClient, base: str) -> None:
    assert (await client.get(f"{base}/errands")).json()["_meta"]["totalRecords"] == 0
    assert (await client.get(f"{base}/errands/count")).json() == {"count": 0}
    for path in (RENEWAL, f"financial-assistance/{RENEWAL}", f"{RENEWAL}/decisions", f"{RENEWAL}/documents"):
        assert (await client.get(f"{base}/errands/{path}")).status_code == 404


async def test_what_is_not_there_is_answered_by_a_problem(client: httpx.AsyncClient) -> None:
    nobody = "00000000-0000-4000-8000-0000000000ff"
    for path, status in (
        (f"{BASE}/errands/{nobody}", 404),
        (f"{BASE}/errands/not-an-id", 400),
        (f"/hello/DRAKEL/errands/{RENEWAL}", 400),
        (f"{BASE}/errands/financial-assistance/{RENEWAL}/form-snapshot", 404),
        (f"{BASE}/errands/financial-assistance/{RENEWAL}/calculation/draft", 404),
        (f"{BASE}/errands/{RENEWAL}/decisions/{nobody}", 404),
        (f"{BASE}/somewhere/else", 404),
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
        assert answer.json()["status"] == status
    wrong_method = await client.delete(f"{BASE}/errands/{RENEWAL}/decisions")
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "GET, POST")


async def test_the_view_holds_the_application_with_its_amounts_digit_by_digit(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{BASE}/errands/financial-assistance/{RENEWAL}")

    assert answer.json()["data"]["periodYear"] == 2026
    assert '"appliedAmount":6900.00' in answer.text
    assert "recommendation" not in answer.json()
    assert answer.json()["sectionApprovals"]["decision"] == {"section": "DECISION", "approved": False}


async def test_a_patch_changes_what_it_names_and_nothing_else(client: httpx.AsyncClient) -> None:
    before = (await client.get(f"{BASE}/errands/{RENEWAL}")).json()

    answer = await client.patch(f"{BASE}/errands/{RENEWAL}", json={"priority": "HIGH", "shoeSize": 44})

    after = (await client.get(f"{BASE}/errands/{RENEWAL}")).json()
    assert (answer.status_code, answer.content) == (204, b"")
    assert {name for name in after if after[name] != before.get(name)} == {"priority", "modified", "touched"}
    assert after["touched"] > before["touched"]


async def test_every_change_of_status_stands_in_the_history_with_its_actor(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{BASE}/errands/{RENEWAL}/status-history")).json() == []

    await client.patch(f"{BASE}/errands/{RENEWAL}", json={"status": "UNDER_REVIEW"})
    await client.patch(f"{BASE}/errands/{RENEWAL}", json={"status": "UNDER_REVIEW"})
    await client.patch(f"{BASE}/errands/{RENEWAL}", json={"status": "AWAITING_DECISION"}, headers=PERSON)
    await client.patch(f"{BASE}/errands/{RENEWAL}", json={"status": "SUPPLEMENT_REQUESTED"}, headers={"X-Sent-By": "nobody"})

    history = (await client.get(f"{BASE}/errands/{RENEWAL}/status-history")).json()
    assert [(entry["fromStatus"], entry["toStatus"], entry.get("changedBy")) for entry in history] == [
        ("AWAITING_DECISION", "SUPPLEMENT_REQUESTED", None),
        ("UNDER_REVIEW", "AWAITING_DECISION", "joe01doe"),
        ("RECEIVED", "UNDER_REVIEW", "bistandsrobot"),
    ]
    assert [entry["changedAt"] for entry in history] == sorted((entry["changedAt"] for entry in history), reverse=True)
    assert await found(client, filter="status:'SUPPLEMENT_REQUESTED'") == [RENEWAL]


async def test_an_illegal_change_of_status_is_accepted_and_shown_in_the_log(client: httpx.AsyncClient) -> None:
    answer = await client.patch(f"{BASE}/errands/{RENEWAL}", json={"status": "PAID"})

    assert answer.status_code == 204
    assert (await client.get(f"{BASE}/errands/{RENEWAL}")).json()["status"] == "PAID"
    (entry,) = [entry for entry in (await client.get("/admin/log")).json() if entry["what"] == "illegal_transition"]
    assert {name: entry[name] for name in ("errand", "from", "to", "actor")} == {
        "errand": RENEWAL,
        "from": "RECEIVED",
        "to": "PAID",
        "actor": "bistandsrobot",
    }


@pytest.mark.parametrize(
    ("content", "type_", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"status": 5}', "application/json", 400),
        (b'{"priority": "EXTREMELY IMPORTANT"}', "application/json", 400),
        (b'{"priority": NaN}', "application/json", 400),
        (b'{"priority": 1e999999}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"priority": "HIGH"}', "text/plain", 415),
        (b'"' + b"a" * 5_000_000 + b'"', "application/json", 413),
    ],
)
async def test_a_body_that_is_wrong_changes_nothing(client: httpx.AsyncClient, content: bytes, type_: str, status: int) -> None:
    answer = await client.patch(f"{BASE}/errands/{RENEWAL}", content=content, headers={"content-type": type_})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "modified" not in (await client.get(f"{BASE}/errands/{RENEWAL}")).json()


async def test_a_broken_rule_names_its_field(client: httpx.AsyncClient) -> None:
    answer = await client.patch(f"{BASE}/errands/{RENEWAL}", json={"priority": "x" * 17, "title": "x" * 256})

    assert answer.json()["title"] == "Constraint Violation"
    assert {violation["field"] for violation in answer.json()["violations"]} == {"priority", "title"}


async def test_attachments_are_listed_by_kind_and_can_be_fetched(client: httpx.AsyncClient) -> None:
    folder = f"{BASE}/errands/{RENEWAL}/attachments"
    (letter,) = (await client.get(folder, params={"documentType": "APPLICATION", "senderRole": "CLIENT"})).json()

    assert (await client.get(folder, params={"documentType": "DECISION"})).json() == []
    assert (await client.get(folder, params={"documentType": "LETTER"})).status_code == 400
    assert (await client.get(f"{folder}/{letter['id']}")).json() == letter
    file = await client.get(f"{folder}/{letter['id']}/file")
    assert (file.headers["content-type"], file.content[:5]) == ("application/pdf", b"%PDF-")
