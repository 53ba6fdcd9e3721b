"""What is no application at all says why; whatever else comes is never a crash and never a lost cost or income."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.case_systems.caremanagement.fields import Unreadable
from rules.facts import Application
from tests.connectors.caremanagement_town import ALMA, BO, CIA, data, read


def refused(values: Any, **other: Any) -> str:
    with pytest.raises(Unreadable) as error:
        read(values, **other)
    return error.value.code


@pytest.mark.parametrize(
    ("code", "values", "other"),
    [
        ("no_data", None, {}),
        ("no_data", {}, {}),
        ("no_data", ["nonsense"], {}),
        ("other_tenancy", data(), {"municipalityId": "2260"}),
        ("other_tenancy", data(), {"namespace": "OTHER"}),
        ("no_received_time", data(), {"created": None}),
        ("no_period", data(periodMonth=13), {}),
        ("no_period", data(periodYear=None), {}),
        ("no_applicant", data(persons=[]), {}),
        ("no_applicant", data(persons=[{"role": "CO_APPLICANT", "partyId": BO}]), {}),
        ("no_identity", data(persons=[{"role": "APPLICANT"}]), {}),
        ("no_identity", data(persons=[{"role": "APPLICANT", "partyId": "199001012385"}]), {}),
        ("unknown_role", data(persons=[{"role": "APPLICANT", "partyId": ALMA}, {"role": "GUARDIAN", "partyId": BO}]), {}),
        ("unknown_role", data(persons=["Alma"]), {}),
        ("same_role_twice", data(persons=[{"role": "APPLICANT", "partyId": ALMA}, {"role": "APPLICANT", "partyId": BO}]), {}),
        ("same_person", data(persons=[{"role": "APPLICANT", "partyId": ALMA}, {"role": "CO_APPLICANT", "partyId": ALMA.upper()}]), {}),
        ("same_person", data(children=[{"partyId": CIA}, {"partyId": CIA}]), {}),
        ("too_large", data(costs=[{"costType": "RENT", "appliedAmount": 1}] * 101), {}),
        ("too_large", data(**{f"new{number}": 1 for number in range(201)}), {}),
    ],
)
def test_what_is_no_application_says_why(code: str, values: Any, other: dict[str, Any]) -> None:
    assert refused(values, **other) == code


def test_nonsense_nested_without_end_is_refused() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]

    assert refused(data() | {"costs": deep}) == "nonsense"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters())
    | st.just("RENT"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
ROWS = st.lists(
    JSON
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("costType", "appliedAmount", "amount", "incomeType", "recipient", "incomeDate"), JSON)
    ),
    max_size=6,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(data())), JSON, max_size=6), ROWS, ROWS)
def test_whatever_comes_it_never_crashes_and_never_loses_a_cost_or_an_income(other: dict[str, Any], costs: Any, incomes: Any) -> None:
    values = data(**other) | {"costs": costs, "incomes": incomes}
    try:
        found = read(values).application
    except Unreadable as error:
        code = error.code
    else:
        code = ""
    assert code != "nonsense"
    if code:
        return
    assert len(found.costs) == len(costs)
    assert len(found.incomes) == len(incomes)
    assert Application.model_validate_json(found.model_dump_json(by_alias=True)) == found
