"""What Lifecare's calculations and decisions, Party and the eligibility check become in the history of a case."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.case_systems.caremanagement import application, eligibility, history, people
from connectors.case_systems.caremanagement.settings import LifecareNames
from rules.facts import History, Member, Unrecognised
from tests.connectors.caremanagement_town import ALMA, BO, CIA, NAMES, calculation, data

ELIGIBLE = {"suggestions": [{"typeSlug": "financial-assistance-renewal"}], "reasonCode": "EXISTING_CASE", "maritalStatusMatches": True}
PARTIES = {"applicant": ALMA, "co_applicant": BO, "child-1": CIA}
NUMBERS = {ALMA: "199001012385", BO: "199102622397", CIA: "20180302-2381"}
APPLICATION = application.read(
    {"id": "case-1", "typeSlug": "financial-assistance-renewal", "created": "2026-11-20T09:30:00+01:00", "data": data()},
    municipality_id="2281",
    namespace="DRAKEL",
).application
MEMBERS, _ = people.identify(APPLICATION.household.members, PARTIES, NUMBERS)


def known(
    *calculations: Any,
    decisions: list[Any] | None = None,
    checked: dict[str, Any] | None = None,
    names: LifecareNames = NAMES,
    kind: str = "renewal",
) -> tuple[History, list[Unrecognised]]:
    sources = history.Sources(
        calculations=[list(calculations), list(calculations)],
        decisions=[decisions or [], []],
        eligibility=eligibility.read(checked or ELIGIBLE),
    )
    return history.read(sources, APPLICATION.model_copy(update={"type": kind}), MEMBERS, names)


def test_last_months_final_calculation_is_known_by_canonical_names() -> None:
    found, notes = known(calculation())

    last = found.previous_calculation
    assert found.known
    assert notes == []
    assert last is not None
    assert (str(last.month), last.norm, last.need, found.surplus) == ("2026-11", 1_271_000, 448_500, 0)
    assert [(cost.type, cost.approved, cost.applied) for cost in last.costs] == [
        ("rent", 690_000, 690_000),
        ("electricity", 45_000, 45_000),
    ]
    assert [(income.type, income.recipient, income.amount, income.counted) for income in last.incomes] == [
        ("salary", "applicant", 850_000, None),
        ("Arbetslöshetsersättning", "co_applicant", 610_000, None),
    ]
    assert last.members == ("applicant", "co_applicant", "child-1")
    assert [(norm.ref, norm.amount) for norm in last.norms] == [("applicant", 355_000), ("co_applicant", 355_000), ("child-1", 382_000)]
    assert last.unrecognised == ()


def test_nothing_of_what_the_case_system_cannot_tell_is_claimed() -> None:
    found, _ = known(calculation())

    assert (found.months_in_a_row, found.jobbstimulans, found.individual_plan) == (None, None, None)


def test_no_calculation_is_something_else_than_one_that_could_not_be_read() -> None:
    none, _ = known()
    unread, _ = known(calculation(normSum=None))

    assert (none.known, none.previous_calculation, none.surplus) == (True, None, None)
    assert (unread.known, unread.previous_calculation, unread.surplus) == (False, None, None)


@pytest.mark.parametrize(
    "second",
    [
        calculation(id=7002, totalSum=4000),
        calculation(id=7002, normSum="many"),
        calculation(id=7002, totalSum=Decimal("0.001")),
        calculation(id=7002, isFinal=None),
        calculation(id=7002, fromDate="2026-10-15"),
        calculation(id=7002, fromDate=None),
        calculation(id=7002, persons=["Alma"]),
        calculation(id=7002, incomes=[{"type": "Lön", "amountApplicant": "8500"}]),
        calculation(id=7002, expenses=[{"type": "Hyra", "approvedAmount": None}]),
        "nonsense",
        None,
    ],
)
def test_two_calculations_that_differ_or_one_that_cannot_be_read_leave_the_history_unknown(second: Any) -> None:
    found, _ = known(calculation(), second)

    assert not found.known
    assert found.previous_calculation is None


@pytest.mark.parametrize(
    "second",
    [
        calculation(id=7002),
        calculation(id=7002, isFinal=False, totalSum=1),
        calculation(id=7002, fromDate="2026-10-01", toDate="2026-10-31", totalSum=1),
    ],
)
def test_the_same_calculation_twice_a_draft_and_an_older_one_do_not_disturb(second: dict[str, Any]) -> None:
    found, _ = known(calculation(), second)

    assert found.known
    assert found.previous_calculation is not None
    assert found.previous_calculation.need == 448_500


def test_names_that_the_guidelines_do_not_map_are_told_and_their_rows_are_no_others() -> None:
    rows = {
        "incomes": [
            {"type": "Lotterivinst", "amountApplicant": 100},
            {"type": " lön ", "amountApplicant": 200},
            {"type": None, "amountApplicant": 1},
        ],
        "specialExpenses": [{"type": "Glasögon", "approvedAmount": 50, "appliedAmount": 50}],
    }
    last = known(calculation(**rows))[0].previous_calculation

    assert last is not None
    assert last.unrecognised == ("Glasögon", "Lotterivinst", "namnlös rad")
    assert [(income.type, income.amount) for income in last.incomes] == [("salary", 20_000)]


def test_rows_of_the_same_kind_are_one_cost() -> None:
    rows = {
        "expenses": [
            {"type": "Hyra", "approvedAmount": 5000, "appliedAmount": 5000},
            {"type": "Hyra", "approvedAmount": 0, "appliedAmount": 700},
        ]
    }
    last = known(calculation(**rows))[0].previous_calculation

    assert last is not None
    assert [(cost.type, cost.approved, cost.applied) for cost in last.costs] == [("rent", 500_000, 570_000)]


def test_who_was_in_the_household_and_is_no_longer_is_a_former_member() -> None:
    persons = [{"personId": "19900101-2385", "amount": 3940}, {"personId": "201001012380", "amount": 4000}, {"personId": None, "amount": 1}]
    last = known(calculation(persons=persons))[0].previous_calculation

    assert last is not None
    assert last.members == ("applicant", "former-1", "former-2")


def test_a_negative_total_is_last_months_surplus() -> None:
    found, _ = known(calculation(totalSum=Decimal("-250.50")))

    assert found.surplus == 25_050
    assert found.previous_calculation is not None
    assert found.previous_calculation.need == -25_050


def test_a_decision_for_the_month_means_that_a_person_has_decided() -> None:
    covering = {"id": 1, "type": "Avslag", "fromDate": "2026-12-01", "toDate": "2026-12-31"}

    assert known()[0].decided_by_person is False
    assert known(decisions=[covering])[0].decided_by_person is True
    assert known(decisions=[covering | {"fromDate": "2026-11-01"}])[0].decided_by_person is True
    assert known(decisions=[covering | {"fromDate": "2026-11-01", "toDate": "2026-11-30"}]) == known()


def test_a_decision_for_the_month_is_what_a_supplementary_application_adds_to() -> None:
    covering = {"id": 1, "type": "Bifall", "fromDate": "2026-12-01", "toDate": "2026-12-31"}

    assert known(decisions=[covering], kind="supplementary")[0].decided_by_person is False


@pytest.mark.parametrize(
    "row",
    [
        {"fromDate": "2026-12-10", "toDate": "2026-12-31"},
        {"fromDate": "2026-11-15", "toDate": "2026-12-14"},
        {"fromDate": "2026-12-01"},
        "nonsense",
    ],
)
def test_a_decision_for_part_of_the_month_is_for_a_person_to_look_at(row: Any) -> None:
    found, notes = known(decisions=[row])

    assert found.decided_by_person is False
    assert [note.path for note in notes] == ["decisions"]


def test_a_part_that_could_not_be_read_leaves_the_history_unknown() -> None:
    checked = eligibility.read(ELIGIBLE)
    for calculations, decisions, eligible in ([[None, []], [[], []], checked], [[[], []], [[], None], checked], [[[], []], [[], []], None]):
        sources = history.Sources(calculations=calculations, decisions=decisions, eligibility=eligible)  # type: ignore[arg-type]
        found, _ = history.read(sources, APPLICATION, MEMBERS, NAMES)
        assert not found.known


def test_a_case_closed_lately_is_known_by_its_swedish_day() -> None:
    answer = ELIGIBLE | {"reasonCode": "RECENTLY_CLOSED", "closedAt": "2026-11-10T23:30:00Z"}

    assert str(eligibility.read(answer).closed_on) == "2026-11-11"
    assert eligibility.read(ELIGIBLE | {"closedAt": "2026-11-10T23:30:00Z"}).closed_on is None


@pytest.mark.parametrize(
    ("answer", "changed"),
    [
        ({"maritalStatusMatches": True}, False),
        ({"maritalStatusMatches": False}, True),
        ({"maritalStatusMatches": None}, None),
        ({"reasonCode": "MARITAL_STATUS_CHANGED", "maritalStatusMatches": None}, True),
    ],
)
def test_a_changed_civil_status_is_told(answer: dict[str, Any], changed: bool | None) -> None:
    assert eligibility.read(ELIGIBLE | answer).civil_status_changed is changed


@pytest.mark.parametrize("reason", ["ALL_TYPES_TEST", "SOMETHING_NEW", None])
def test_a_reason_that_is_not_known_is_for_a_person_to_look_at(reason: str | None) -> None:
    assert [note.path for note in eligibility.read(ELIGIBLE | {"reasonCode": reason}).unrecognised] == ["eligibility.reasonCode"]


@pytest.mark.parametrize("answer", [{"suggestions": []}, {"suggestions": None}, {}, {"suggestions": [], "reasonCode": "EXISTING_CASE"}])
def test_no_suggestions_at_all_is_how_protection_shows(answer: dict[str, Any]) -> None:
    assert eligibility.read(answer).protected


@pytest.mark.parametrize(
    ("number", "born"),
    [
        ("199001012385", "1990-01-01"),
        ("199102622397", "1991-02-02"),
        ("201803022381", "2018-03-02"),
        ("199013012385", "None"),
        ("199000612385", "None"),
    ],
)
def test_the_day_of_birth_stands_in_the_number(number: str, born: str) -> None:
    assert str(people.born(number)) == born


def test_a_person_that_party_does_not_know_has_no_number() -> None:
    members = tuple(Member(ref=ref, role="child") for ref in ("child-1", "child-2", "child-3"))
    parties = {"child-1": ALMA, "child-2": BO}

    found, notes = people.identify(members, parties, {ALMA.upper(): "199001012385", BO: "165560000000x"})

    assert [member.personnummer for member in found] == ["199001012385", None, None]
    assert [(note.path, note.value) for note in notes] == [("party.child-2", "not a personal identity number")]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.just("2026-11-15"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(calculation())), JSON, max_size=5), JSON, JSON)
def test_whatever_lifecare_answers_the_history_is_known_or_unknown_and_never_a_crash(
    other: dict[str, Any], decision: Any, checked: Any
) -> None:
    answer = checked if isinstance(checked, dict) else ELIGIBLE
    found, _ = known(calculation(**other), decisions=[decision], checked=answer)

    assert History.model_validate_json(found.model_dump_json(by_alias=True)) == found


def test_identities_are_in_no_text_about_the_history() -> None:
    found, notes = known(calculation())

    assert not any(
        number.replace("-", "") in found.model_dump_json() + json.dumps([note.value for note in notes]) for number in NUMBERS.values()
    )
