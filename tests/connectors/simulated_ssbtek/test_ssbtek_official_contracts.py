"""The simulated answers against the official contract files, where these are beside the project."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from lxml import etree

from connectors.simulators.population import build

RICH, EMPTY, PROTECTED, MOVED, COORDINATION = "199001012385", "198505052387", "197001012391", "196001012393", "199001612384"
UNKNOWN = "191212121212"
EVERYBODY = (RICH, EMPTY, PROTECTED, MOVED, UNKNOWN)
SAMBRUK = "http://www.sambruk.se/SBNyttomeddelanden"
MISSING_IMPORT = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{SAMBRUK}">
<xs:complexType name="SBNUppgEkBistandBegar"><xs:sequence>
<xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/></xs:sequence></xs:complexType></xs:schema>"""


@pytest.fixture(scope="session")
def csn_schema(contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """CSN's schema, with a stand-in for the file that it imports and that was never published."""
    copy = tmp_path_factory.mktemp("csn") / "se"
    for source in (contracts / "se" / "csn").rglob("*.xsd"):
        target = copy / "csn" / source.relative_to(contracts / "se" / "csn")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    stub = copy / "sambruk/sbnyttomeddelanden/SBNUppgEkBistandBegar_v1_0.xsd"
    stub.parent.mkdir(parents=True)
    stub.write_text(MISSING_IMPORT, encoding="utf-8")
    return etree.XMLSchema(etree.parse(str(copy / "csn/schema/v4_0/kommunfraga/kommunfraga.xsd")))


@pytest.fixture(scope="session")
def lefi_contract(contracts: Path) -> dict[str, Any]:
    """The LEFI v9 OpenAPI file."""
    (path,) = (contracts / "se/forsakringskassan/schema/lefi").glob("*.yaml")
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


def unknown_keys(value: Any, schema: dict[str, Any], schemas: dict[str, Any], path: str = "") -> list[str]:
    """Every key in the JSON that the contract does not name: it allows any, so validating does not find them."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[-1]]
    if isinstance(value, list):
        return [found for item in value for found in unknown_keys(item, schema.get("items", {}), schemas, path + "[]")]
    if not isinstance(value, dict):
        return []
    known = schema.get("properties", {})
    return [
        found
        for name, inner in value.items()
        for found in ([f"{path}.{name}"] if name not in known else unknown_keys(inner, known[name], schemas, f"{path}.{name}"))
    ]


@pytest.mark.parametrize("number", [*EVERYBODY, COORDINATION])
async def test_the_whole_answer_is_valid(ssbtek: Any, official: etree.XMLSchema, number: str) -> None:
    answer = await ssbtek.fetch(number, edit=lambda text: text.replace(">false<", ">true<"))

    assert official.validate(answer.response), official.error_log


@pytest.mark.parametrize("kind", ["error", "timeout"])
async def test_an_answer_of_errors_alone_is_valid(ssbtek: Any, official: etree.XMLSchema, kind: str) -> None:
    for source in ("AF", "CSN", "FK", "SKV", "SO", "TNS", "MIV"):
        await ssbtek.order(kind=kind, source=source, delay_s=0)

    answer = await ssbtek.fetch()

    assert len(answer.response.findall(".//{*}error")) == 7
    assert official.validate(answer.response), official.error_log


async def test_an_answer_to_a_question_that_asks_nobody_is_valid(ssbtek: Any, official: etree.XMLSchema) -> None:
    answer = await ssbtek.fetch(edit=lambda text: text.replace('inkludera="true"', 'inkludera="false"'))

    assert len(answer.response.find("{*}svarsdata")) == 0
    assert official.validate(answer.response), official.error_log


@pytest.mark.parametrize("number", EVERYBODY)
async def test_csns_document_is_valid(ssbtek: Any, csn_schema: etree.XMLSchema, number: str) -> None:
    document = (await ssbtek.fetch(number)).csn

    assert csn_schema.validate(document), csn_schema.error_log


@pytest.mark.parametrize("number", [*EVERYBODY, COORDINATION])
async def test_lefis_json_is_valid_and_has_no_key_of_its_own(ssbtek: Any, lefi_contract: dict[str, Any], number: str) -> None:
    lefi = (await ssbtek.fetch(number)).lefi

    root = {"$ref": "#/components/schemas/LefiExternFormansinformationSvar"}
    jsonschema.Draft4Validator({**root, "components": lefi_contract["components"]}).validate(lefi)
    assert unknown_keys(lefi, root, lefi_contract["components"]["schemas"]) == []


@pytest.mark.parametrize("how", ["felande", "otillganglig", "avvikelse"])
async def test_lefis_json_is_valid_when_both_sources_fail_inside_it(
    simulate: Any, person_with: Any, lefi_contract: dict[str, Any], how: str
) -> None:
    lefi = (await (await simulate(person_with(failing={"FK": how, "PM": how}, gepi=False))).fetch()).lefi

    root = {"$ref": "#/components/schemas/LefiExternFormansinformationSvar"}
    jsonschema.Draft4Validator({**root, "components": lefi_contract["components"]}).validate(lefi)
    assert unknown_keys(lefi, root, lefi_contract["components"]["schemas"]) == []


async def test_cases_applied_for_and_decided_are_valid_in_every_group(
    simulate: Any, person_with: Any, pay: Any, lefi_contract: dict[str, Any]
) -> None:
    schemas = lefi_contract["components"]["schemas"]
    groups = [code.removeprefix("FK:") for code in schemas["LefiFkFormanGruppKod"]["enum"]]
    payments = tuple(pay(group, "Påhittad förmån", date(2026, 11, 20), "100.00") for group in groups)
    ssbtek = await simulate(person_with(fk=payments, pending=tuple((group, date(2026, 11, 1)) for group in groups)))

    lefi = (await ssbtek.fetch(lefi={"formansinformation": [f"FK:{group}" for group in groups]})).lefi

    root = {"$ref": "#/components/schemas/LefiExternFormansinformationSvar"}
    jsonschema.Draft4Validator({**root, "components": lefi_contract["components"]}).validate(lefi)
    assert unknown_keys(lefi, root, schemas) == []
    assert sum(len(cases) == 2 for cases in lefi["formansinformation"].values()) >= 20


async def test_every_group_that_the_contract_names_may_be_asked_for_and_no_other(ssbtek: Any, lefi_contract: dict[str, Any]) -> None:
    schemas = lefi_contract["components"]["schemas"]
    asked = {
        name: schemas[definition["items"]["$ref"].rsplit("/", 1)[-1]]["enum"]
        for name, definition in schemas["LefiExternFormansinformationFraga"]["properties"].items()
        if "items" in definition
    }

    answer = await ssbtek.fetch(lefi=asked)

    assert answer.error("FK") is None
    assert unknown_keys(answer.lefi, {"$ref": "#/components/schemas/LefiExternFormansinformationSvar"}, schemas) == []
    assert set(asked) == {"formansinformation", "ansprak", "beslut", "preliminaraUtbetalningar", "utbetalningar", "ovrigInformation"}


async def test_the_answer_about_everybody_of_the_population_is_valid(simulate: Any, official: etree.XMLSchema) -> None:
    people = build(seed=7, cases=60, today=date(2026, 11, 30)).people()
    ssbtek = await simulate(*people.values())

    invalid = [number for number in people if not official.validate((await ssbtek.fetch(number)).response)]

    assert len(people) > 60
    assert invalid == []
