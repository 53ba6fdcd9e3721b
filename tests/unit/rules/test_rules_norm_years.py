"""Riksnormen through the years: every amount that has been read, none that has not, and what is left blank for lack of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules import Rulebook
from rules.assessment import Assessment, Line
from rules.money import ZERO, Ore, kronor, ore
from rules.month import Month
from rules.norm import ChildFacts, NormTable, Quotients, common_costs, riksnorm_adults, riksnorm_child
from rules.riksnorm_files import NORM_NAMES

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "riksnorm.yaml"
KNOWN = (2014, 2015, 2017, 2019, 2020, 2021, 2023, 2025, 2026)
LUNCH = {f"riksnorm.child_without_lunch.{band}" for band in ("0", "1-2", "3", "4-6")}
NOT_READ = {2020: LUNCH | {"riksnorm.child.7-10"}, 2023: LUNCH | {"riksnorm.common.2"}}
TABLES = {"adult": "adults", "child": "children", "child_without_lunch": "children_without_lunch", "common": "common"}
SINGLE = {"ref": "applicant", "role": "applicant", "personnummer": "199001012385"}
CO = {"ref": "co_applicant", "role": "co_applicant", "personnummer": "199102022390"}
WHOLE_KRONOR = Quotients(31, "whole_krona", used=())


def norm(rulebook: Rulebook, year: int, month: int = 5) -> NormTable:
    amounts = rulebook.law.riksnorm_in(Month(year, month))
    assert amounts is not None
    return NormTable(amounts)


def line_of(result: Assessment, key: str) -> Line:
    return next(line for line in result.lines if line.key == key)


def blank(line: Line) -> tuple[str, Ore, Ore | None]:
    assert line.blank is not None
    return line.blank.reason, line.blank.low, line.blank.high


def case(year: int, *members: dict[str, Any], status: str = "single") -> dict[str, Any]:
    """A household's case for May of a year."""
    return {
        "application/month": f"{year}-05",
        "application/received_at": f"{year}-04-20T09:00:00+02:00",
        "application/household/members": list(members),
        "application/household/civil_status": status,
        "application/household/others_in_home": 0,
    }


def child(born: str, **more: Any) -> dict[str, Any]:
    return {"ref": "child-1", "role": "child", "birth_date": born, "days_in_home": 31} | more


@pytest.mark.parametrize("year", KNOWN)
def test_every_amount_is_the_one_that_was_read(year: int, rulebook: Rulebook) -> None:
    if not SHARED.is_file():
        pytest.skip("../shared/data/riksnorm.yaml is not here")
    read = yaml.safe_load(SHARED.read_text("utf-8"))["years"][year]
    sources = {f"riksnorm.{table}.{row}": ore(value) for table, name in TABLES.items() for row, value in read[name].items()}
    expected = {name: value for name, value in sources.items() if name not in NOT_READ.get(year, set())}

    for month in range(1, 13):
        found = norm(rulebook, year, month).amounts
        assert {name: one.value for name, one in found.items()} == expected
        assert {one.status for one in found.values()} == {read["status"].lower()}
    last = read["common"][7] - read["common"][6]
    assert last == read["common_extra_member"]


@pytest.mark.parametrize("year", [2013, 2016, 2018, 2022, 2024, 2027, 2028])
def test_a_year_that_was_not_read_has_no_amounts_though_its_neighbours_have(year: int, rulebook: Rulebook) -> None:
    assert [rulebook.law.riksnorm_in(Month(year, month)) for month in (1, 6, 12)] == [None, None, None]


@pytest.mark.parametrize("year", sorted(NOT_READ))
def test_an_amount_that_was_not_read_is_not_there_and_the_rest_of_the_year_is(year: int, rulebook: Rulebook) -> None:
    assert set(NORM_NAMES) - set(norm(rulebook, year).amounts) == NOT_READ[year]


def test_the_page_on_the_yearly_update_names_the_years_and_what_is_not_known(rulebook: Rulebook) -> None:
    table = re.findall(r"(?m)^\| (\d{4}) \| (\w+) \| (.*?) ?\|$", (ROOT / "docs" / "yearly-update.md").read_text("utf-8"))

    assert [int(year) for year, _, _ in table] == list(KNOWN)
    for year, status, unknown in table:
        named = re.findall(r"`([\w.-]+)`", unknown)
        assert {one.status for one in norm(rulebook, int(year)).amounts.values()} == {status}
        missing = {name.removeprefix("riksnorm.") for name in NOT_READ.get(int(year), set())}
        assert {name for name in missing if name.split(".")[0] not in named} == set(named) - {"child_without_lunch"}


def test_2025_has_two_ordinances_and_one_set_of_amounts(rulebook: Rulebook) -> None:
    before, after = norm(rulebook, 2025, 6), norm(rulebook, 2025, 7)

    assert {name: one.value for name, one in before.amounts.items()} == {name: one.value for name, one in after.amounts.items()}
    assert {one.source for one in before.amounts.values()} == {"SFS 2001:937 2 kap. 1 § (2024:1016)"}
    assert {one.source for one in after.amounts.values()} == {
        "SFS 2025:468 12 kap. 2 §; belopp lästa i SFS 2001:937 2 kap. 1 § (2024:1016)"
    }
    assert {str(one.since) for one in before.amounts.values()} == {"2025-01"}
    assert {str(one.since) for one in after.amounts.values()} == {"2025-07"}


def test_an_amount_stands_in_the_trace_with_name_value_first_month_source_and_status(assess_with: Callable[..., Assessment]) -> None:
    used = line_of(assess_with(case(2026, SINGLE)), "norm.applicant").trace.parameters

    assert [(one.name, one.value, one.valid_from, one.source, one.status) for one in used] == [
        ("riksnorm.adult.single", "3940.00", "2026-01", "SFS 2025:468 12 kap. 2 § (2025:1046)", "verified")
    ]


PUBLISHED = [
    # what was published, year, adults, others in the home, sum in kronor
    ("a single person 2026", 2026, 1, 0, 5220),
    ("sambor 2026", 2026, 2, 0, 8510),
    ("sambor 2025", 2025, 2, 0, 8450),
    ("an adult in a household of five 2014", 2014, 1, 4, 3292),
    ("an adult in a household of five 2015", 2015, 1, 4, 3292),
    ("an adult in a household of five 2017", 2017, 1, 4, 3328),
]


@pytest.mark.parametrize(("what", "year", "adults", "others", "published"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_a_published_sum_comes_out(*, what: str, year: int, adults: int, others: int, published: int, rulebook: Rulebook) -> None:
    table = norm(rulebook, year, 12)
    own = riksnorm_adults.versions[0].apply(adults, "single" if adults == 1 else "married", table)
    common = common_costs.versions[0].apply(adults, others, table, WHOLE_KRONOR)

    assert own.amount is not None
    assert common.amount is not None
    assert own.amount + common.amount == ore(published)


@pytest.mark.parametrize(("year", "more"), [(2026, 190), (2025, 190), (2023, 180), (2019, 170), (2014, 170)])
def test_each_member_above_seven_adds_what_the_seventh_did(year: int, more: int, rulebook: Rulebook) -> None:
    amounts = [norm(rulebook, year).common(size) for size in (7, 8, 9, 40)]

    assert None not in amounts
    assert [(amount or 0) - (amounts[0] or 0) for amount in amounts] == [0, ore(more), ore(2 * more), ore(33 * more)]


def test_a_single_adult_of_2023_is_computed_though_other_amounts_of_the_year_are_unknown(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(case(2023, SINGLE))

    assert line_of(result, "norm.applicant").amount == ore(3490)
    assert line_of(result, "norm.common").amount == ore(1130)
    assert {used.status for line in result.lines if line.section == "norm" for used in line.trace.parameters} == {"verified_2nd"}
    assert "norm.no_amounts" not in {flag.code for flag in result.flags}


BLANKS = [
    # what, case, line, reason, low, high, what is told with it
    ("lunch elsewhere", case(2020, SINGLE, child("2018-05-02", lunch_elsewhere=True)), "norm.child-1", 0, 2430, {"riksnorm.child.1-2"}),
    ("seven to ten years", case(2020, SINGLE, child("2012-01-01")), "norm.child-1", 0, None, set()),
    ("two persons", case(2023, SINGLE, CO, status="married"), "norm.common", 1130, 1580, set()),
]


@pytest.mark.parametrize(("what", "who", "key", "low", "high", "told"), BLANKS, ids=[row[0] for row in BLANKS])
def test_a_line_whose_amount_is_unknown_is_blank_and_the_others_are_not(
    *, what: str, who: dict[str, Any], key: str, low: int, high: int | None, told: set[str], assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(who)
    line = line_of(result, key)

    assert blank(line) == ("norm.no_amounts", ore(low), None if high is None else ore(high))
    assert {used.name for used in line.trace.parameters if used.name.startswith("riksnorm.")} == told
    assert [other.key for other in result.lines if other.section == "norm" and other.blank] == [key]
    assert [flag.key for flag in result.flags if flag.code == "norm.no_amounts"] == [""]
    assert result.proposal is None


def test_lunch_that_is_unknown_too_leaves_the_whole_amount_open(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(case(2023, SINGLE, child("2017-01-01")))

    assert blank(line_of(result, "norm.child-1")) == ("norm.lunch_unknown", ZERO, ore(2700))


def test_a_child_with_lunch_at_home_is_computed_in_a_year_without_the_other_table(assess_with: Callable[..., Assessment]) -> None:
    assert line_of(assess_with(case(2023, SINGLE, child("2021-05-02", lunch_elsewhere=False))), "norm.child-1").amount == ore(2700)


def test_last_months_row_tells_nothing_about_lunch_when_the_other_amount_is_unknown(assess_with: Callable[..., Assessment]) -> None:
    row = {"history/previous_calculation/norms": [{"ref": "child-1", "amount": "2700.00"}]}
    result = assess_with(case(2023, SINGLE, child("2017-01-01")) | row)

    assert blank(line_of(result, "norm.child-1")) == ("norm.lunch_unknown", ZERO, ore(2700))


def without(rulebook: Rulebook, *names: str) -> NormTable:
    return NormTable({name: one for name, one in norm(rulebook, 2026).amounts.items() if name.removeprefix("riksnorm.") not in names})


def facts(
    age: int | None, *, lunch: bool | None = False, school: bool | None = True, days: int | None = None, whole: bool = True
) -> ChildFacts:
    return ChildFacts(age, whole, days, lunch, school)


CHILDREN = [
    # what is missing, the child, reason, low, high
    ("child.4-6", facts(5, lunch=False), "norm.no_amounts", 2720, None),
    ("child.4-6", facts(5, lunch=None), "norm.lunch_unknown", 2720, None),
    ("child_without_lunch.4-6", facts(5, lunch=None), "norm.lunch_unknown", 0, 3060),
    ("child_without_lunch.4-6", facts(5, lunch=True), "norm.no_amounts", 0, 3060),
    ("child_without_lunch.4-6", facts(5, lunch=True, whole=False, days=15), "norm.no_amounts", 0, 1481),
    ("child.7-10", facts(8, whole=False, days=None), "norm.days_unknown", 0, None),
    ("child.19-20", facts(19, school=None), "norm.youth_unknown", 0, None),
    ("child.0", facts(None), "norm.age_unknown", 0, None),
    ("child_without_lunch.0", facts(None), "norm.age_unknown", 0, 5000),
    ("child.19-20", facts(19, school=False), "norm.own_household", 0, None),
    ("child.0", facts(19, school=False), "norm.own_household", 0, 5000),
]


@pytest.mark.parametrize(("missing", "who", "reason", "low", "high"), CHILDREN)
def test_a_childs_blank_is_as_wide_as_the_amounts_that_are_known(
    *, missing: str, who: ChildFacts, reason: str, low: int, high: int | None, rulebook: Rulebook
) -> None:
    found = riksnorm_child.versions[0].apply(who, without(rulebook, missing), WHOLE_KRONOR)

    assert (found.amount, found.reason, found.low, found.high) == (None, reason, ore(low), None if high is None else ore(high))


def test_a_child_who_eats_elsewhere_is_computed_without_the_amount_with_lunch(rulebook: Rulebook) -> None:
    assert riksnorm_child.versions[0].apply(facts(5, lunch=True), without(rulebook, "child.4-6"), WHOLE_KRONOR).amount == ore(2720)


ADULTS = [
    ("adult.sambo", 2, "married", "norm.no_amounts", 0, None),
    ("adult.single", 1, "single", "norm.no_amounts", 0, None),
    ("adult.single", 2, None, "case.civil_status_unknown", 0, None),
    ("adult.sambo", 2, None, "case.civil_status_unknown", 3940, 7880),
    ("adult.sambo", 1, "married", "case.no_co_applicant", 0, None),
    ("adult.single", 1, None, "case.civil_status_unknown", 0, 7100),
]


@pytest.mark.parametrize(("missing", "adults", "status", "reason", "low", "high"), ADULTS)
def test_an_adults_blank_is_as_wide_as_the_amounts_that_are_known(
    *, missing: str, adults: int, status: str | None, reason: str, low: int, high: int | None, rulebook: Rulebook
) -> None:
    found = riksnorm_adults.versions[0].apply(adults, status, without(rulebook, missing))

    assert (found.amount, found.reason, found.low, found.high) == (None, reason, ore(low), None if high is None else ore(high))


COMMON = [
    # what is missing, members, others in the home, low, high
    (("common.1",), 1, 0, "0.00", "1410.00"),
    (("common.4",), 4, 0, "1790.00", "2330.00"),
    (("common.4", "common.5"), 4, 0, "1790.00", "2640.00"),
    (("common.7",), 7, 0, "2640.00", None),
    (("common.7",), 9, 0, "2640.00", None),
    (("common.6",), 8, 0, "2830.00", None),
    (("common.4",), 1, 3, "448.00", "583.00"),  # 1 790 / 4 = 447.50; 2 330 / 4 = 582.50
    (("common.7",), 1, 6, "377.00", None),  # 2 640 / 7 = 377.14
]


@pytest.mark.parametrize(("missing", "members", "others", "low", "high"), COMMON)
def test_common_costs_that_are_unknown_lie_between_a_smaller_and_a_larger_households(
    *, missing: tuple[str, ...], members: int, others: int, low: str, high: str | None, rulebook: Rulebook
) -> None:
    found = common_costs.versions[0].apply(members, others, without(rulebook, *missing), WHOLE_KRONOR)

    assert found.reason == "norm.no_amounts"
    assert (kronor(found.low), None if found.high is None else kronor(found.high)) == (low, high)


@pytest.mark.parametrize(("missing", "high"), [("common.2", 1790), ("common.3", 1410)])
def test_unknown_others_leave_the_common_costs_below_a_larger_households(missing: str, high: int, rulebook: Rulebook) -> None:
    found = common_costs.versions[0].apply(2, None, without(rulebook, missing), WHOLE_KRONOR)

    assert (found.reason, found.low, found.high) == ("case.others_in_home", ZERO, Ore(ore(high)))


@pytest.mark.parametrize(("month", "percent"), [("2013-07", None), ("2013-08", 75), ("2024-12", 75), ("2025-07", 75), ("2026-12", 75)])
def test_jobbstimulans_has_its_share_from_the_first_pay_it_is_for(month: str, percent: int | None, rulebook: Rulebook) -> None:
    found = rulebook.law.jobbstimulans_percent.at(Month.parse(month))

    assert (found.value if found else None) == percent


def test_pay_of_december_2024_is_counted_in_the_first_month_of_2025(assess_with: Callable[..., Assessment]) -> None:
    changes = {
        "application/month": "2025-01",
        "application/received_at": "2024-12-20T09:00:00+01:00",
        "application/incomes/salary/paid_on": "2024-12-25",
        "history/jobbstimulans": [{"person": "applicant", "from": "2024-03", "to": "2026-02"}],
    }
    line = line_of(assess_with(changes), "income.salary.applicant")

    assert line.amount == ore(6375)
    assert "SoL 2001:453 4 kap. 1 b § (2013:421)" in [used.source for used in line.trace.parameters]


def test_every_year_since_2013_has_one_prisbasbelopp_and_no_year_a_neighbours(rulebook: Rulebook) -> None:
    series = rulebook.law.prisbasbelopp
    yearly = {year: {found.value for month in (1, 12) if (found := series.at(Month(year, month)))} for year in range(2012, 2029)}

    assert {year for year, values in yearly.items() if len(values) == 1} == set(range(2013, 2027))
    assert [values for year, values in yearly.items() if year not in range(2013, 2027)] == [set(), set(), set()]
    assert all(value.since.number == 1 and value.until == Month(value.since.year, 12) for value in series.values)
    assert [yearly[year] for year in (2017, 2022, 2025, 2026)] == [{ore(44800)}, {ore(48300)}, {ore(58800)}, {ore(59200)}]
