"""How an application in CareManagement becomes one in the case file: every value known, kept or flagged, none lost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.case_systems.caremanagement import tables
from connectors.case_systems.caremanagement.fields import amount_of
from rules.facts import Application
from tests.connectors.caremanagement_town import ALMA, BO, CIA, data, party, read

CONTRACT = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "caremanagement" / "openapi.yaml"


def mapped(**other: Any) -> Application:
    return read(data(**other)).application


def noted(found: Application) -> list[str]:
    return [note.path for note in found.unrecognised]


def test_a_standard_renewal_is_recognised_in_every_part() -> None:
    found = read(data())

    shown = found.application.model_dump(mode="json", by_alias=True)
    assert noted(found.application) == []
    assert (shown["type"], shown["month"], shown["received_at"]) == ("renewal", "2026-12", "2026-11-20T09:30:00+01:00")
    assert shown["signed"] == {"applicant": True, "co_applicant": None}
    assert shown["household"]["civil_status"] == "cohabiting"
    assert shown["household"]["others_in_home"] == 0
    assert [member["ref"] for member in shown["household"]["members"]] == ["applicant", "co_applicant", "child-1"]
    assert shown["household"]["members"][2]["days_in_home"] == 31
    assert shown["housing"] == {"form": "rental", "changed": False, "rooms": 3}
    assert [(cost["type"], cost["applied"], cost["proof"]) for cost in shown["costs"]] == [
        ("rent", "6900.00", None),
        ("electricity", "450.00", None),
    ]
    assert shown["incomes"] == [{"type": "salary", "recipient": "applicant", "net": "8500.00", "paid_on": "2026-11-25"}]
    assert [(plan["person"], plan["type"], plan["extent"]) for plan in shown["plans"]] == [
        ("applicant", "work", "part"),
        ("co_applicant", "job_seeking", None),
    ]
    assert {text["field"] for text in shown["free_text"]} == {"job_title", "employer"}
    assert (shown["interpreter"], shown["stays_in_municipality"], shown["other_norm"], shown["channel"]) == (False, True, False, None)
    assert dict(found.parties) == {"applicant": ALMA, "co_applicant": BO, "child-1": CIA}


def test_what_the_form_leaves_out_is_unknown_and_never_no() -> None:
    found = mapped(
        maritalStatus=None,
        housingForm=None,
        housingChanged=None,
        housingPersonCount=None,
        childrenResidenceChanged=None,
        staysInMunicipality=None,
        attestation=None,
        normType=[],
        persons=[{"role": "APPLICANT", "partyId": ALMA}],
        plannings=[],
        jobApplications=[],
        hasIncomes=None,
        incomes=[],
        hasAssets=None,
        hasPendingBenefits=None,
        hasChildrenUnder21=None,
        children=[],
    )

    assert found.household.civil_status is None
    assert found.household.others_in_home is None
    assert found.household.children_residence_changed is None
    assert (found.housing.form, found.housing.changed) == (None, None)
    assert (found.signed.applicant, found.stays_in_municipality, found.other_norm, found.interpreter) == (None, None, None, None)
    assert set(noted(found)) == {"data.hasIncomes", "data.hasAssets", "data.hasPendingBenefits", "data.hasChildrenUnder21"}


CHOICES = [
    ("RENTAL", "rental"), ("NO_HOUSING_OR_INSTITUTION", "none_or_institution"), ("SUBLET", "sublet"), ("LODGER", "lodger"),
    ("CONDOMINIUM", "condominium"), ("OWNED_HOUSE", "owned_house"), ("RENTED_HOUSE", "rented_house"),
    ("LIVING_WITH_PARENTS", "with_parents"), ("TENT", "unknown:TENT"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "means"), CHOICES)
def test_every_form_of_housing_has_its_name_and_a_new_one_is_kept(sent: str, means: str) -> None:
    assert mapped(housingForm=sent).housing.form == means


COSTS = [
    ("RENT", None, "rent"), ("ELECTRICITY", None, "electricity"), ("HOME_INSURANCE", None, "home_insurance"),
    ("INTERNET", None, "internet"), ("UNEMPLOYMENT_FUND", None, "unemployment_fund"), ("UNION_FEE", None, "union_fee"),
    ("TRAVEL_APPROVED", None, "travel_work"),
    ("TRAVEL_MEDICAL_TRANSPORT", None, "travel_medical"), ("MEDICAL_CARE", None, "medical_care"), ("MEDICINE", None, "medicine"),
    ("OTHER", "OTHER", "other"), ("OTHER", "MUNICIPAL_FEES", "municipal_fees"), ("OTHER", "ACUTE_DENTAL", "dental_acute"),
    ("OTHER", None, "other"), ("OTHER", "GLASSES", "unknown:GLASSES"), ("GYM", None, "unknown:GYM"), (None, None, "unknown:null"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "sub", "means"), COSTS)
def test_every_kind_of_cost_has_its_name_and_a_new_one_is_kept(kind: str | None, sub: str | None, means: str) -> None:
    (cost,) = mapped(costs=[{"costType": kind, "otherSubType": sub, "appliedAmount": 100}]).costs

    assert (cost.type, cost.applied) == (means, 10_000)


INCOMES = [
    ("OTHER_INCOME", "other"), ("FINANCIAL_AID_OTHER_MUNICIPALITY", "aid_other_municipality"), ("SALARY", "salary"),
    ("SWISH_DEPOSITS", "swish"), ("OCCUPATIONAL_PENSION_INSURANCE", "occupational_pension"), ("CHILD_SUPPORT", "maintenance"),
    ("RENT_SHARE_FROM_CHILD", "rent_share_from_child"), ("LOTTERY", "unknown:LOTTERY"), (None, "unknown:null"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "means"), INCOMES)
def test_every_kind_of_income_has_its_name_and_a_new_one_is_kept(sent: str | None, means: str) -> None:
    (income,) = mapped(incomes=[{"incomeType": sent, "amount": Decimal("10.50"), "recipient": "CO_APPLICANT"}]).incomes

    assert (income.type, income.recipient, income.net, income.paid_on) == (means, "co_applicant", 1050, None)


PLANS = [
    ("WORK", "work"),
    ("JOBSEEKING", "job_seeking"),
    ("SICK_LEAVE", "sick_leave"),
    ("SFI", "sfi"),
    ("OTHER", "other"),
    ("CIRCUS", "unknown:CIRCUS"),
]


@pytest.mark.parametrize(("sent", "means"), PLANS)
def test_every_plan_has_its_name_and_a_new_one_is_kept(sent: str, means: str) -> None:
    assert [plan.type for plan in mapped(plannings=[{"person": "APPLICANT", "planningType": sent}]).plans] == [means]


ASSETS = [
    ("BANK_SAVINGS", "bank_savings"),
    ("REAL_ESTATE", "real_estate"),
    ("COMPANY", "company"),
    ("VEHICLE", "vehicle"),
    ("OTHER", "other"),
    ("GOLD", "unknown:GOLD"),
]


@pytest.mark.parametrize(("sent", "means"), ASSETS)
def test_every_asset_has_its_name_and_a_new_one_is_kept(sent: str, means: str) -> None:
    assert [asset.type for asset in mapped(hasAssets=True, assets=[{"assetCategory": sent, "value": 5}]).assets] == [means]


@pytest.mark.parametrize(
    ("sent", "means"), [("FULL_TIME", "full_time"), ("HALF_TIME", "half_time"), ("OTHER", "other"), ("HOLIDAYS", "unknown:HOLIDAYS")]
)
def test_every_extent_of_residence_has_its_name_and_a_new_one_is_kept(sent: str, means: str) -> None:
    assert mapped(children=[{"partyId": CIA, "residenceExtent": sent}]).household.members[2].residence == means


@pytest.mark.parametrize(
    ("sent", "means"), [("NEW", "first"), ("RENEWAL", "renewal"), ("SUPPLEMENTARY", "supplementary"), ("EMERGENCY", "unknown:EMERGENCY")]
)
def test_every_type_of_application_has_its_name_and_a_new_one_is_kept(sent: str, means: str) -> None:
    found = mapped(applicationType=sent)

    assert found.type == means
    assert noted(found) == (["data.typeSlug"] if means in ("first", "supplementary") else [])


@pytest.mark.parametrize(("sent", "means"), [("SINGLE", "single"), ("COHABITING", "cohabiting"), ("COMPLICATED", "unknown:COMPLICATED")])
def test_every_civil_status_has_its_name_and_a_new_one_is_kept(sent: str, means: str) -> None:
    assert mapped(maritalStatus=sent).household.civil_status == means


def test_every_enum_value_of_the_contract_is_known_here() -> None:
    if not CONTRACT.exists():
        pytest.skip("the official contract is not here")
    schemas = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["components"]["schemas"]
    known = {
        ("FinancialAssistanceData", "applicationType"): tables.APPLICATION_TYPES,
        ("FinancialAssistanceData", "maritalStatus"): tables.CIVIL_STATUS,
        ("FinancialAssistanceData", "periodChoice"): tables.PERIOD_CHOICES,
        ("FinancialAssistanceData", "housingForm"): tables.HOUSING_FORMS,
        ("Child", "residenceExtent"): tables.RESIDENCE,
        ("Income", "incomeType"): tables.INCOME_TYPES,
        ("Income", "recipient"): tables.ROLES,
        ("Asset", "assetCategory"): tables.ASSET_TYPES,
        ("Asset", "propertyType"): tables.PROPERTY_TYPES,
        ("Asset", "vehicleType"): tables.VEHICLE_TYPES,
        ("Cost", "costType"): tables.COST_TYPES,
        ("Cost", "otherSubType"): tables.OTHER_COSTS,
        ("Person", "role"): tables.ROLES,
        ("Person", "paymentMethod"): tables.PAYMENT_METHODS,
        ("Planning", "person"): tables.ROLES,
        ("Planning", "planningType"): tables.PLAN_TYPES,
        ("Planning", "workExtent"): tables.WORK_EXTENTS,
        ("Planning", "sickLeaveLevel"): tables.SICK_LEAVE,
        ("Planning", "sfiStudyPath"): tables.SFI_PATHS,
        ("Planning", "sfiCourse"): tables.SFI_COURSES,
    }
    of_contract = {
        (schema, name): set(shape["enum"])
        for schema in ("FinancialAssistanceData", "Child", "Income", "Asset", "Cost", "Person", "Planning", "PendingBenefit")
        for name, shape in schemas[schema]["properties"].items()
        if "enum" in shape
    }

    assert {field: set(table) for field, table in known.items()} == of_contract
    assert set(tables.NORM_TYPES) == set(schemas["FinancialAssistanceData"]["properties"]["normType"]["items"]["enum"])
    assert set(tables.WARNING_OF_FLAG.values()) <= set(schemas["CreateWarningRequest"]["properties"]["type"]["enum"])
    assert tables.ELIGIBILITY_REASONS | {"ALL_TYPES_TEST"} == set(schemas["EligibilityResponse"]["properties"]["reasonCode"]["enum"])


def test_every_field_of_the_contract_is_taken() -> None:
    if not CONTRACT.exists():
        pytest.skip("the official contract is not here")
    schemas = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["components"]["schemas"]
    fitting: dict[str, Any] = {
        "role": "APPLICANT",
        "person": "APPLICANT",
        "recipient": "APPLICANT",
        "partyId": ALMA,
        "periodMonth": 12,
        "periodYear": 2026,
    }

    def example(name: str, shape: dict[str, Any]) -> Any:
        if name in fitting:
            return fitting[name]
        if "$ref" in shape.get("items", {}):
            return [whole(shape["items"]["$ref"].rpartition("/")[2])]
        if "items" in shape:
            return [shape["items"]["enum"][0]]
        if "enum" in shape:
            return shape["enum"][-1]
        return {"boolean": True, "integer": 1, "number": 1}.get(shape["type"], "2026-11-02" if "format" in shape else "ord")

    def whole(schema: str) -> dict[str, Any]:
        return {name: example(name, shape) for name, shape in schemas[schema]["properties"].items()}

    values = whole("FinancialAssistanceData") | {"children": [whole("Child") | {"partyId": CIA}], "housingPersonCount": 2}
    values |= {"applicationType": "RENEWAL", "costs": [whole("Cost") | {"costType": "OTHER"}]}

    assert noted(read(values).application) == []


def test_a_field_that_nobody_knows_is_kept_where_it_stood() -> None:
    found = mapped(newField={"a": 1}, costs=[{"costType": "RENT", "appliedAmount": 1, "reminderFee": True}])

    assert {(note.path, note.value) for note in found.unrecognised} == {
        ("data.newField", '{"a": 1}'),
        ("data.costs[0].reminderFee", "true"),
    }


def test_a_cost_or_income_whose_amount_cannot_be_read_is_still_there() -> None:
    unreadable: list[Any] = [None, "6900", Decimal("6900.005"), -5, True, Decimal("1E+20"), Decimal("1E-900"), [], {}]
    for amount in unreadable:
        found = mapped(
            costs=[{"costType": "RENT", "appliedAmount": amount}],
            incomes=[{"incomeType": "SALARY", "recipient": "APPLICANT", "amount": amount}],
        )
        assert [(cost.type, cost.applied) for cost in found.costs] == [("rent", None)]
        assert [(income.type, income.net) for income in found.incomes] == [("salary", None)]


@pytest.mark.parametrize("amount", [0, 1, Decimal("0.01"), Decimal("8500.00"), Decimal("999999999.99")])
def test_amounts_are_exact(amount: Decimal) -> None:
    assert amount_of(amount) == int(amount * 100)


@pytest.mark.parametrize(
    ("other", "path"),
    [
        ({"hasIncomes": True, "incomes": []}, "data.hasIncomes"),
        ({"hasIncomes": False}, "data.hasIncomes"),
        ({"hasPendingBenefits": True}, "data.hasPendingBenefits"),
        ({"hasChildrenUnder21": False}, "data.hasChildrenUnder21"),
        ({"hasChildrenUnder21": True, "children": [], "housingPersonCount": 2}, "data.hasChildrenUnder21"),
        ({"housingPersonCount": 2}, "data.housingPersonCount"),
        ({"children": [{"partyId": CIA, "residenceExtent": "FULL_TIME", "daysInHome": 12}]}, "data.children[0].daysInHome"),
        ({"children": [{"residenceExtent": "FULL_TIME"}]}, "data.children[0].partyId"),
        ({"incomes": [{"incomeType": "SALARY", "recipient": "CHILD", "amount": 1}]}, "data.incomes[0].recipient"),
        ({"periodChoice": "LAST_YEAR"}, "data.periodChoice"),
        ({"normType": ["NATIONAL_NORM", "LOCAL_NORM"]}, "data.normType"),
        ({"applicationType": "NEW"}, "data.typeSlug"),
        ({"costs": {"costType": "RENT", "appliedAmount": 1}}, "data.costs"),
    ],
)
def test_an_application_that_contradicts_itself_is_noted(other: dict[str, Any], path: str) -> None:
    assert noted(mapped(**other)) == [path]


def test_assets_that_are_said_to_be_there_and_not_named_are_still_an_asset() -> None:
    assert [asset.type for asset in mapped(hasAssets=True, assets=[]).assets] == ["other"]


def test_a_child_who_lives_here_full_time_is_here_the_whole_month() -> None:
    for days in (None, 28, 30, 31):
        assert (
            mapped(children=[{"partyId": CIA, "residenceExtent": "FULL_TIME", "daysInHome": days}]).household.members[2].days_in_home == 31
        )
    assert mapped(children=[{"partyId": CIA, "residenceExtent": "HALF_TIME"}]).household.members[2].days_in_home is None
    assert mapped(children=[{"partyId": CIA, "residenceExtent": "HALF_TIME", "daysInHome": 15}]).household.members[2].days_in_home == 15


def test_new_payment_details_are_a_text_for_a_person() -> None:
    for details in (
        {"paymentSameAsPrevious": False},
        {"paymentMethod": "OTHER"},
        {"otherPaymentDescription": "kort", "paymentSameAsPrevious": True},
    ):
        found = mapped(persons=[{"role": "APPLICANT", "partyId": ALMA} | details], plannings=[], jobApplications=[])
        assert "payment" in {text.field for text in found.free_text}
    assert "payment" not in {text.field for text in mapped().free_text}


def test_every_text_of_the_applicant_stands_under_its_field() -> None:
    found = mapped(
        livelihoodDescription="a",
        housingDescription="b",
        housingChangeDescription="c",
        childrenResidenceChangeDescription="d",
        stayDescription="e",
        otherBenefitDescription="f",
        costs=[{"costType": "RENT", "appliedAmount": 1, "specification": "g", "recipientOrPeriod": "h"}],
        plannings=[{"person": "APPLICANT", "planningType": "WORK", "workDescription": "i", "otherDescription": "j"}],
        plannedActivities=[{"person": "APPLICANT", "activity": "k", "periodFrom": "2026-12-01"}],
        hasAssets=True,
        assets=[{"assetCategory": "OTHER", "description": "l"}],
        children=[{"partyId": CIA, "schoolName": "m", "residenceExtent": "FULL_TIME"}],
        hasPendingBenefits=True,
        pendingBenefits=[{"benefitName": "n", "applicantName": "Någon Påhittad"}],
        jobApplications=[{"jobTitle": "o", "employerAndPlace": "p"}, {"jobTitle": "q"}],
    )

    assert {text.field: text.text for text in found.free_text} == {
        "livelihood": "a", "housing": "b", "housing_change": "c", "children_residence_change": "d", "stay": "e", "other_benefit": "f",
        "cost_specification": "g", "recipient": "h", "work": "i", "plan_other": "j", "planned_activity": "k", "asset": "l", "school": "m",
        "benefit_name": "n", "job_title": "o\nq", "employer": "p",
    }  # fmt: skip
    assert found.pending_benefits[0].benefit == "n"
    assert "Påhittad" not in found.model_dump_json()


def test_a_very_long_text_is_kept_whole() -> None:
    found = mapped(livelihoodDescription="x" * 45_000)

    assert "".join(text.text for text in found.free_text if text.field == "livelihood") == "x" * 45_000


def test_anybody_who_needs_an_interpreter_is_enough() -> None:
    persons: list[dict[str, Any]] = [
        {"role": "APPLICANT", "partyId": ALMA, "needsInterpreter": False},
        {"role": "CO_APPLICANT", "partyId": BO},
    ]

    assert mapped(persons=persons).interpreter is None
    assert mapped(persons=[persons[0], persons[1] | {"needsInterpreter": True}]).interpreter is True


def test_party_ids_are_the_only_thing_kept_of_a_person() -> None:
    found = mapped(
        persons=[
            {"role": "APPLICANT", "partyId": party("x"), "email": "x@example.invalid", "phone": "0700000000", "accountNumber": "12345"}
        ],
        children=[{"partyId": CIA, "firstName": "Cia", "lastName": "Testperson", "residenceExtent": "FULL_TIME"}],
    )

    kept = found.model_dump_json()
    assert not any(secret in kept for secret in ("example.invalid", "0700000000", "12345", "Testperson"))
