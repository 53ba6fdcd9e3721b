"""The population speaks the words of the official contracts, except where a group is about a word they do not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from connectors.simulators.population import build
from connectors.simulators.world import ApplicationRecord

CONTRACTS = Path(__file__).parents[2].parent / "shared" / "contracts"
UNKNOWN_VALUES = {"case.unknown_housing", "case.unknown_type", "case.unknown_plan"}


@pytest.fixture(scope="module")
def applications() -> tuple[ApplicationRecord, ...]:
    return build(7, 300).applications


@pytest.fixture(scope="module")
def components() -> dict[str, Any]:
    """The contract's schemas, closed: a name that the contract does not have is an error too."""
    contract = CONTRACTS / "caremanagement" / "openapi.yaml"
    if not contract.is_file():
        pytest.skip("../shared/contracts/caremanagement is not here")
    found: dict[str, Any] = yaml.safe_load(contract.read_text(encoding="utf-8"))["components"]
    for schema in found["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return found


def validator(components: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def errors(validator: Draft202012Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def test_applications_follow_the_contract(applications: tuple[ApplicationRecord, ...], components: dict[str, Any]) -> None:
    check = validator(components, "FinancialAssistanceData")
    for application in applications:
        assert bool(errors(check, application.data)) == (application.group in UNKNOWN_VALUES), application.group


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("calculations", "LifecareCalculation"),
        ("decisions", "LifecareDecision"),
        ("attachments", "Attachment"),
        ("eligibility", "EligibilityResponse"),
        ("payment_decision", "Decision"),
    ],
)
def test_history_follows_the_contract(
    applications: tuple[ApplicationRecord, ...], components: dict[str, Any], field: str, name: str
) -> None:
    check = validator(components, name)
    checked = 0
    for application in applications:
        held = getattr(application, field)
        for value in held if isinstance(held, tuple) else [held] if held is not None else []:
            assert errors(check, value) == [], application.group
            checked += 1
    assert checked > 0


def test_benefits_of_fk_and_pm_stand_in_groups_that_lefi_knows(applications: tuple[ApplicationRecord, ...]) -> None:
    contract = CONTRACTS / "ssbtek-v10/se/forsakringskassan/schema/lefi/lefi-formansinformation-v9.openapi.yaml"
    if not contract.is_file():
        pytest.skip("../shared/contracts/ssbtek-v10 is not here")
    schemas = yaml.safe_load(contract.read_text(encoding="utf-8"))["components"]["schemas"]
    for source, schema in (("FK", "LefiFkFormanGruppKod"), ("PM", "LefiPmFormanGruppKod")):
        used = {
            f"{source}:{payment.group}"
            for application in applications
            if application.group != "income.unknown_benefit"
            for person in application.people
            for payment in getattr(person.registers, source.lower())
        }
        assert used
        assert used <= set(schemas[schema]["enum"])
