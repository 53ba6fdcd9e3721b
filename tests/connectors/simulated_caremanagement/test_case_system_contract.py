"""Every answer of the simulated case system against the official contract, where that is present."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from starlette.applications import Starlette

from connectors.simulators import population
from connectors.simulators.caremanagement import create_app
from connectors.simulators.day import WorldDay

from .conftest import ALONE, APPLICANT, BASE, HIDDEN, PERSON, RENEWAL, ROBOT, SINGLE

CONTRACTS = Path(__file__).parents[4] / "shared" / "contracts"
FOLDER = f"{BASE}/errands/financial-assistance"
VIEW = f"{FOLDER}/{RENEWAL}"
ERRAND = f"{BASE}/errands/{RENEWAL}"


FORMATS = FormatChecker()
Body = Callable[..., dict[str, Any]]


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_and_time(value: object) -> bool:
    return not isinstance(value, str) or (datetime.fromisoformat(value).tzinfo is not None and "T" in value)


class Contract:
    """An OpenAPI file, with every object closed: a field that it does not name is an error too."""

    def __init__(self, file: Path, prefix: str = "") -> None:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        schemas = _absolute(document["components"]["schemas"])
        for schema in schemas.values():
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)
        resource = DRAFT202012.create_resource({"components": {"schemas": schemas}})
        self._registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
        self._operations = [
            (method.upper(), re.compile(prefix + re.sub(r"\{[^/]+\}", "[^/]+", path)), operation)
            for path, operations in sorted(document["paths"].items(), key=lambda item: item[0].count("{"))
            for method, operation in operations.items()
        ]

    def check(self, answer: httpx.Response) -> None:
        """Fail unless status, headers, content type and body are the contract's for this request."""
        method, path = answer.request.method, answer.request.url.path
        operation = next(found for verb, pattern, found in self._operations if verb == method and pattern.fullmatch(path))
        described = operation["responses"][str(answer.status_code)]
        assert described.get("headers", {}).keys() <= {name.title() for name in answer.headers}
        if "content" not in described:
            assert answer.content == b"" or path.endswith("/file")
            return
        schema = _absolute(described["content"][answer.headers["content-type"]]["schema"])
        if "oneOf" in schema:
            schema = {"anyOf": schema["oneOf"]}  # the two kinds of problem overlap: a plain one is both
        Draft202012Validator(schema, registry=self._registry, format_checker=FORMATS).validate(answer.json())


def _absolute(schema: Any) -> Any:
    """Return the schema without examples, each reference pointing into the contract."""
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if key not in ("example", "examples")}
        return {key: "urn:contract" + value if key == "$ref" else _absolute(value) for key, value in kept.items()}
    return [_absolute(item) for item in schema] if isinstance(schema, list) else schema


def official(*parts: str) -> Path:
    file = CONTRACTS.joinpath(*parts)
    if not file.is_file():
        pytest.skip("the official contract is not here (../shared/contracts)")
    return file


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract(official("caremanagement", "openapi.yaml"))


@pytest.fixture
async def checked(app: Starlette, contract: Contract) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every answer from the case system is held against the contract."""

    async def check(answer: httpx.Response) -> None:
        await answer.aread()
        if not answer.request.url.path.startswith("/admin"):
            contract.check(answer)

    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://simulated", headers=ROBOT)
    client.event_hooks = {"response": [check]}
    async with client:
        yield client


async def test_what_the_robot_reads_follows_the_contract(checked: httpx.AsyncClient) -> None:
    await checked.get(f"{BASE}/errands", params={"filter": "status:'RECEIVED'", "size": 2})
    await checked.get(f"{BASE}/errands/count")
    await checked.get(ERRAND)
    await checked.get(VIEW)
    await checked.get(f"{ERRAND}/attachments")
    letter = (await checked.get(f"{ERRAND}/attachments")).json()[0]["id"]
    await checked.get(f"{ERRAND}/attachments/{letter}")
    await checked.get(f"{ERRAND}/attachments/{letter}/file")
    for name in ("calculations", "decisions"):
        assert (await checked.get(f"{FOLDER}/{name}", params={"partyId": APPLICANT.party_id})).json()
    for party_id in (APPLICANT.party_id, ALONE.party_id, HIDDEN.party_id, RENEWAL):
        await checked.post(f"{FOLDER}/eligibility", json={"applicant": party_id})
    await checked.get(f"{BASE}/errands/documents/metadata")
    await checked.get(f"{BASE}/errands/journal-entries/metadata")


async def test_what_the_robot_writes_is_answered_by_the_contract(checked: httpx.AsyncClient, prepare_body: Body) -> None:
    await checked.patch(ERRAND, json={"status": "UNDER_REVIEW"})
    await checked.get(f"{ERRAND}/status-history")
    recommendation = {"decisionType": "RECOMMENDATION", "value": "OK", "amount": 4345.00, "periodFrom": "2026-12-01"}
    created = await checked.post(f"{ERRAND}/decisions", json=recommendation)
    await checked.get(created.headers["location"])
    await checked.get(f"{ERRAND}/decisions")
    await checked.post(f"{FOLDER}/calculation/prepare", json=prepare_body(("Bostadsbidrag", "1850.00", "APPLICANT")))
    assert (await checked.get(f"{VIEW}/calculation/draft")).json()["incomes"]
    paper = {"type": "Brev", "heading": "x", "documentDateTime": "2026-11-30T08:00:00Z", "entryDateTime": "2026-11-30T08:00:00Z"}
    for folder in ("documents", "journal-entries"):
        location = (await checked.post(f"{ERRAND}/{folder}", json=paper)).headers["location"]
        await checked.patch(location, json=paper)
        await checked.post(f"{location}/lock", json={"lockedBy": "joe01doe"})
        await checked.get(location)
        await checked.get(f"{ERRAND}/{folder}")
    warning = (await checked.post(f"{VIEW}/warnings", json={"type": "NEW_INCOME", "message": "x"})).json()
    await checked.patch(f"{VIEW}/warnings/{warning['id']}", params={"status": "CLOSED"})
    await checked.get(f"{VIEW}/warnings")
    await checked.get(f"{VIEW}/warnings/count")
    assert (await checked.get(VIEW)).json()["recommendation"]["amount"] == 4345


async def test_what_people_do_is_answered_by_the_contract(checked: httpx.AsyncClient, prepare_body: Body) -> None:
    body = prepare_body(("Bostadsbidrag", "1850.00", "APPLICANT"))
    await checked.post(f"{FOLDER}/calculation/prepare", json=body)
    await checked.patch(f"{VIEW}/calculation/draft/header", json={"householdSize": 3}, headers=PERSON)
    for section, row in (("persons", {"role": "CHILD"}), ("incomes", {"typeId": 1}), ("expenses", {"costType": "Hyra"})):
        added = (await checked.post(f"{VIEW}/calculation/draft/{section}", json=row, headers=PERSON)).json()["id"]
        await checked.patch(f"{VIEW}/calculation/draft/{section}/{added}", json={"note": "x"}, headers=PERSON)
        await checked.delete(f"{VIEW}/calculation/draft/{section}/{added}", headers=PERSON)
        await checked.post(f"{VIEW}/calculation/draft/{section}/{added}/restore", headers=PERSON)
    await checked.post(f"{FOLDER}/calculation/commit", json=body)
    await checked.post(f"{FOLDER}/calculation/from-application", json=body)
    await checked.post("/admin/caseworker", json={"errandId": SINGLE, "action": "decide"})
    assert (await checked.get(f"{BASE}/errands/{SINGLE}/decisions")).json()


async def test_problems_follow_the_contract(checked: httpx.AsyncClient) -> None:
    nobody = "00000000-0000-4000-8000-0000000000ff"
    assert (await checked.get(f"{BASE}/errands/{nobody}")).status_code == 404
    assert (await checked.get(f"{BASE}/errands", params={"filter": "?"})).status_code == 400
    assert (await checked.post(f"{ERRAND}/documents", json={})).status_code == 400
    assert (await checked.get(f"{VIEW}/form-snapshot")).status_code == 404
    assert (await checked.get(f"{VIEW}/calculation/draft")).status_code == 404


async def test_what_is_held_on_the_population_follows_the_contract(contract: Contract) -> None:
    world = population.build(seed=7, cases=60)
    standard = [record for record in world.applications if record.expected.outcome == "ok"]
    transport = httpx.ASGITransport(create_app(world, day=WorldDay(world.today)))
    async with httpx.AsyncClient(transport=transport, base_url="http://simulated") as client:
        for record in standard:
            contract.check(await client.get(f"{FOLDER}/{record.errand_id}"))
            history = await client.get(f"{FOLDER}/calculations", params={"partyId": record.people[0].party_id})
            contract.check(history)
            assert history.json()

    assert standard


async def test_the_contract_check_can_fail(app: Starlette, contract: Contract) -> None:
    request = httpx.Request("GET", f"http://simulated{ERRAND}")
    with pytest.raises(Exception, match="shoeSize"):
        contract.check(httpx.Response(200, json={"shoeSize": 44}, request=request))


async def test_party_follows_the_contract(client: httpx.AsyncClient) -> None:
    party = Contract(official("party", "openapi.yaml"), prefix="/party")

    party.check(await client.post("/party/2281/PRIVATE/legalIds", json=[APPLICANT.party_id]))
    party.check(await client.post("/party/2281/PRIVATE/legalIds", json={}))
