"""Riksnormen: published amounts, age bands, lunch, part-months, shared homes, and months that have no amounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from rules.assessment import Assessment, Line
from rules.context import age_on
from rules.money import Ore, kronor, ore
from rules.norm import band_of

HOUSEHOLD = "application/household"
SINGLE = {"ref": "applicant", "role": "applicant", "personnummer": "199001012385"}
CO = {"ref": "co_applicant", "role": "co_applicant", "personnummer": "199102022390"}
JANUARY_2026 = {"application/month": "2026-01", "application/received_at": "2025-12-20T09:00:00+01:00"}
JUNE_2025 = {"application/month": "2025-06", "application/received_at": "2025-05-20T09:00:00+02:00"}
JULY_2025 = {"application/month": "2025-07", "application/received_at": "2025-06-20T09:00:00+02:00"}
JANUARY_2027 = {"application/month": "2027-01", "application/received_at": "2026-12-20T09:00:00+01:00"}


def child(born: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return {"ref": f"child-{number}", "role": "child", "birth_date": born, "days_in_home": 31} | more


def people(*members: dict[str, Any], status: str = "single", others: int | None = 0) -> dict[str, Any]:
    return {f"{HOUSEHOLD}/members": list(members), f"{HOUSEHOLD}/civil_status": status, f"{HOUSEHOLD}/others_in_home": others}


def norm_lines(result: Assessment) -> dict[str, Line]:
    return {line.key: line for line in result.lines if line.section == "norm"}


def amount(result: Assessment, key: str) -> str | None:
    found = norm_lines(result)[key].amount
    return None if found is None else kronor(found)


def span(result: Assessment, key: str) -> tuple[str, Ore, Ore | None]:
    found = norm_lines(result)[key].blank
    assert found is not None
    return found.reason, found.low, found.high


PUBLISHED = [
    ("2026: single 5 220", people(SINGLE), {}, "5220.00"),
    ("2026: sambo 8 510", people(SINGLE, CO, status="cohabiting"), {}, "8510.00"),
    ("2025: sambo 8 450", people(SINGLE, CO, status="cohabiting"), JULY_2025, "8450.00"),
    ("2025 under the old law: sambo 8 450", people(SINGLE, CO, status="married"), JUNE_2025, "8450.00"),
]


@pytest.mark.parametrize(("name", "who", "when", "norm"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_the_published_sums_come_out(
    name: str, who: dict[str, Any], when: dict[str, Any], norm: str, assess_with: Callable[..., Assessment]
) -> None:
    sums = assess_with(who | when).sums

    assert sums is not None
    assert kronor(sums.norm) == norm


def test_an_eighth_person_adds_what_the_seventh_did(assess_with: Callable[..., Assessment]) -> None:
    eight = people(SINGLE, CO, *(child("2016-05-05", number) for number in range(1, 7)), status="married")

    assert amount(assess_with(eight), "norm.common") == "3020.00"
    assert norm_lines(assess_with(eight))["norm.common"].label == "Gemensamma hushållskostnader, 8 personer"


BANDS = [
    # born, years on 1 December 2026, with lunch at home, with lunch elsewhere
    ("2026-12-01", 0, "2740.00", "2560.00"),
    ("2025-12-02", 0, "2740.00", "2560.00"),
    ("2025-12-01", 1, "3060.00", "2800.00"),
    ("2023-12-02", 2, "3060.00", "2800.00"),
    ("2023-12-01", 3, "2720.00", "2500.00"),
    ("2022-12-02", 3, "2720.00", "2500.00"),
    ("2022-12-01", 4, "3060.00", "2720.00"),
    ("2019-12-02", 6, "3060.00", "2720.00"),
    ("2019-12-01", 7, "3820.00", "3820.00"),
    ("2015-12-02", 10, "3820.00", "3820.00"),
    ("2015-12-01", 11, "4390.00", "4390.00"),
    ("2011-12-02", 14, "4390.00", "4390.00"),
    ("2011-12-01", 15, "4960.00", "4960.00"),
    ("2008-12-02", 17, "4960.00", "4960.00"),
]


@pytest.mark.parametrize(("born", "years", "at_home", "elsewhere"), BANDS)
def test_the_age_on_the_first_of_the_month_decides_the_band(
    born: str, years: int, at_home: str, elsewhere: str, assess_with: Callable[..., Assessment]
) -> None:
    both = [assess_with(people(SINGLE, child(born, lunch_elsewhere=lunch))) for lunch in (False, True)]

    assert [amount(result, "norm.child-1") for result in both] == [at_home, elsewhere]
    assert norm_lines(both[0])["norm.child-1"].label == f"Barn 1 ({years} år)"


@pytest.mark.parametrize(
    ("born", "school", "expected"),
    [
        ("2008-12-01", True, "4960.00"),
        ("2007-12-01", True, "5000.00"),
        ("2005-12-02", True, "5000.00"),
        ("2008-12-01", None, ("norm.youth_unknown", 0, 496000)),
        ("2008-12-01", False, ("norm.own_household", 0, 496000)),
        ("2005-12-01", True, ("norm.own_household", 0, 500000)),
        (None, None, ("norm.age_unknown", 0, 500000)),
        ("2026-12-02", None, ("norm.born_in_month", 0, 274000)),
        ("2026-12-31", None, ("norm.born_in_month", 0, 274000)),
        ("2027-01-01", None, ("norm.age_unknown", 0, 500000)),
    ],
)
def test_from_eighteen_only_a_school_youth_is_in_the_parents_calculation(
    born: str | None, school: bool | None, expected: str | tuple[str, int, int], assess_with: Callable[..., Assessment]
) -> None:
    youth = child("2000-01-01", school_youth=school) | {"birth_date": born}
    result = assess_with(people(SINGLE, youth))

    found: str | tuple[str, int, int | None] | None = amount(result, "norm.child-1") or span(result, "norm.child-1")
    assert found == expected


def test_whether_a_child_of_seven_or_more_eats_lunch_is_never_asked(assess_with: Callable[..., Assessment]) -> None:
    assert amount(assess_with(people(SINGLE, child("2019-12-01"))), "norm.child-1") == "3820.00"


LUNCH = [
    # what is known, born, norm
    ("nothing, at six", "2020-06-01", {}, ("norm.lunch_unknown", 272000, 306000)),
    ("nothing, before one", "2026-06-01", {}, ("norm.lunch_unknown", 256000, 274000)),
    ("the guidelines, at five", "2021-06-01", {}, "2720.00"),
    ("the guidelines, at one", "2025-06-01", {}, "2800.00"),
    ("last month's row: elsewhere", "2020-06-01", {"amount": "2720.00"}, "2720.00"),
    ("last month's row: at home", "2020-06-01", {"amount": "3060.00"}, "3060.00"),
    ("last month's row goes before the guidelines", "2021-06-01", {"amount": "3060.00"}, "3060.00"),
    ("last month's row in the band of that month", "2023-12-01", {"amount": "3060.00"}, "2720.00"),
    ("last month's row that fits neither amount", "2020-06-01", {"amount": "3000.00"}, ("norm.lunch_unknown", 272000, 306000)),
]


@pytest.mark.parametrize(("known", "born", "row", "expected"), LUNCH, ids=[row[0] for row in LUNCH])
def test_lunch_is_known_by_last_month_or_the_guidelines_or_not_at_all(
    known: str, born: str, row: dict[str, Any], expected: str | tuple[str, int, int], assess_with: Callable[..., Assessment]
) -> None:
    norms = {"history/previous_calculation/norms": [{"ref": "child-1"} | row]} if row else {}
    result = assess_with(people(SINGLE, child(born)) | norms)

    found: str | tuple[str, int, int | None] | None = amount(result, "norm.child-1") or span(result, "norm.child-1")
    assert found == expected


def test_the_guidelines_stand_in_the_trace_when_they_tell_about_lunch(assess_with: Callable[..., Assessment]) -> None:
    trace = norm_lines(assess_with(people(SINGLE, child("2021-06-01"))))["norm.child-1"].trace

    assert "guidelines.statements.lunch_elsewhere" in [used.name for used in trace.parameters]


@pytest.mark.parametrize(
    ("days", "residence", "expected"),
    [
        (31, None, "3820.00"),
        (None, "full_time", "3820.00"),
        (15, "half_time", "1848.00"),  # 3 820 x 15 / 31 = 1 848.39
        (16, None, "1972.00"),  # 1 971.61
        (None, "half_time", ("norm.days_unknown", 0, 382000)),
        (None, None, ("norm.days_unknown", 0, 382000)),
    ],
)
def test_part_of_a_month_is_paid_by_the_day(
    days: int | None, residence: str | None, expected: str | tuple[str, int, int], assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(people(SINGLE, child("2018-03-02", days_in_home=days, residence=residence)))

    found: str | tuple[str, int, int | None] | None = amount(result, "norm.child-1") or span(result, "norm.child-1")
    assert found == expected
    part = None if days is None and residence != "full_time" else "1410.00"
    assert amount(result, "norm.common") == part  # a child who is here part of the month is a whole member


DOUBTFUL = [
    # who may be outside, the child, the fillings-in that say both
    ("a youth whose school is unknown", {"birth_date": "2008-06-01"}, [{"school_youth": True}, {"school_youth": False}]),
    ("a household of its own", {"birth_date": "2008-06-01", "school_youth": False}, []),
    ("21 years, in school", {"birth_date": "2005-06-01", "school_youth": True}, []),
    ("of unknown age", {"birth_date": None}, [{"birth_date": "2018-03-02"}, {"birth_date": "2000-03-02"}]),
    ("born in the month", {"birth_date": "2026-12-05"}, []),
    ("no day at home", {"birth_date": "2018-03-02", "days_in_home": 0}, []),
    ("days unknown", {"birth_date": "2018-03-02", "days_in_home": None}, [{"days_in_home": 0}, {"days_in_home": 31}, {"days_in_home": 1}]),
]


@pytest.mark.parametrize(("who", "facts", "fillings"), DOUBTFUL, ids=[row[0] for row in DOUBTFUL])
def test_the_span_holds_whether_a_doubtful_member_is_in_the_calculation_or_not(
    who: str, facts: dict[str, Any], fillings: list[dict[str, Any]], assess_with: Callable[..., Assessment]
) -> None:
    youth = child("2000-01-01") | facts
    doubtful = assess_with(people(SINGLE, youth))
    outside, inside = assess_with(people(SINGLE, others=1)), assess_with(people(SINGLE, child("2018-03-02")))

    assert span(doubtful, "norm.common") == ("norm.members_unknown", ore(705), ore(1410))
    assert [amount(one, "norm.common") for one in (outside, inside)] == ["705.00", "1410.00"]
    assert doubtful.span is not None
    assert outside.sums is not None
    assert doubtful.span.lowest is not None
    assert doubtful.span.lowest <= outside.sums.need
    for filling in fillings:
        filled = assess_with(people(SINGLE, youth | filling)).span
        assert filled is not None
        assert filled.lowest is not None
        assert filled.highest is not None
        assert doubtful.span.lowest <= filled.lowest <= filled.highest <= (doubtful.span.highest or 0)


def test_several_doubtful_members_lower_the_common_costs_together(assess_with: Callable[..., Assessment]) -> None:
    adult = {"birth_date": "2000-01-01"}
    two = people(SINGLE, child("2018-03-02"), child("", 2) | adult, child("", 3) | adult, others=1)

    assert span(assess_with(two), "norm.common") == ("norm.members_unknown", ore(932), ore(1864))  # 2 330 x 2 / 5 and x 4 / 5
    assert span(assess_with(people(SINGLE, CO)), "norm.common") == ("norm.members_unknown", ore(705), ore(1410))


BOUNDS = [
    # what is known of a child of 3 (2 720 and 2 500 kr) or a youth of 18 (4 960 kr), reason, most
    ({"birth_date": "2023-06-01", "days_in_home": None, "lunch_elsewhere": True}, "norm.days_unknown", "2500.00"),
    ({"birth_date": "2023-06-01", "days_in_home": None, "lunch_elsewhere": False}, "norm.days_unknown", "2720.00"),
    ({"birth_date": "2008-06-01", "school_youth": False}, "norm.own_household", "4960.00"),
    ({"birth_date": "2008-06-01", "school_youth": False, "days_in_home": 15}, "norm.own_household", "2400.00"),
    ({"birth_date": "2008-06-01", "days_in_home": 15}, "norm.youth_unknown", "2400.00"),
    ({"birth_date": "2026-12-17", "days_in_home": 15, "lunch_elsewhere": True}, "norm.born_in_month", "2560.00"),
]


@pytest.mark.parametrize(("facts", "reason", "most"), BOUNDS)
def test_a_childs_blank_is_no_wider_than_what_is_known_of_it(
    facts: dict[str, Any], reason: str, most: str, assess_with: Callable[..., Assessment]
) -> None:
    assert span(assess_with(people(SINGLE, child("2000-01-01") | facts)), "norm.child-1") == (reason, 0, ore(most))


def test_a_child_born_in_the_month_is_said_to_be_so(assess_with: Callable[..., Assessment]) -> None:
    texts = {flag.code: flag.text for flag in assess_with(people(SINGLE, child("2026-12-05"))).flags}

    assert texts["norm.born_in_month"] == "Barn 1 (0 år): barnet är fött under månaden; handläggaren avgör från vilken dag"
    assert "norm.age_unknown" not in texts
    not_yet = {flag.code: flag.text for flag in assess_with(people(SINGLE, child("2027-01-01"))).flags}
    assert not_yet["norm.age_unknown"] == "Barn 1 (ålder okänd): åldern i månaden är inte känd"


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (people(SINGLE, others=1), "705.00"),  # 1 410 / 2
        (people(SINGLE, others=2), "597.00"),  # 1 790 / 3 = 596.67
        (people(SINGLE, CO, status="married", others=1), "1193.00"),  # 1 790 x 2 / 3 = 1 193.33
    ],
)
def test_who_shares_a_home_bears_a_share_of_its_common_costs(
    who: dict[str, Any], expected: str, assess_with: Callable[..., Assessment]
) -> None:
    assert amount(assess_with(who), "norm.common") == expected


def test_one_adult_who_is_cohabiting_is_the_caseworkers(assess_with: Callable[..., Assessment]) -> None:
    assert span(assess_with(people(SINGLE, status="cohabiting")), "norm.applicant") == ("case.no_co_applicant", 0, 710000)
    assert span(assess_with(people(SINGLE, status="unknown:X")), "norm.applicant") == ("case.civil_status_unknown", 0, 710000)
    assert span(assess_with(people(SINGLE, CO)), "norm.adults") == ("case.civil_status_unknown", 394000, 788000)


@pytest.mark.parametrize(
    "when",
    [
        JANUARY_2027,
        {"application/month": "2024-12", "application/received_at": "2024-11-20T09:00:00+01:00"},
        {"application/month": "2026-12", "application/received_at": "2027-01-01T09:00:00+01:00"},
    ],
    ids=["January 2027", "before the first table", "December 2026 received in 2027: the new law's rules"],
)
def test_a_month_without_amounts_is_left_blank_and_the_rest_is_prepared(
    when: dict[str, Any], assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(when)

    assert {line.blank and line.blank.reason for line in norm_lines(result).values()} == {"norm.no_amounts"}
    assert [flag.key for flag in result.flags if flag.code == "norm.no_amounts"] == [""]
    assert {line.section for line in result.lines} >= {"norm", "cost"}
    assert result.span is not None
    assert result.span.highest is None
    assert result.proposal is None


def test_a_year_has_its_own_amounts_and_its_own_law(assess_with: Callable[..., Assessment]) -> None:
    laws = {name: norm_lines(assess_with(when))["norm.adults"].trace for name, when in (("old", JUNE_2025), ("new", JULY_2025))}

    assert laws["old"].law == "SFS 2001:937 2 kap. 1 §"
    assert laws["new"].law == "SFS 2025:468 12 kap. 2 §"
    assert amount(assess_with(JANUARY_2026), "norm.adults") == "7100.00"
    assert amount(assess_with(JULY_2025), "norm.adults") == "7050.00"


def test_a_child_born_on_a_leap_day_is_a_year_older_on_the_first_of_march() -> None:
    born = date(2024, 2, 29)

    assert age_on(born, date(2025, 2, 28)) == 0
    assert age_on(born, date(2025, 3, 1)) == 1


def test_every_age_up_to_twenty_has_one_band_and_no_other_age_has_any() -> None:
    assert [band_of(age) for age in (-1, 21, 40)] == [None, None, None]
    assert all(band_of(age) is not None for age in range(21))


def test_amounts_of_the_norm_are_whole_kronor(assess_with: Callable[..., Assessment]) -> None:
    assert all(line.amount is not None and line.amount % ore(1) == 0 for line in norm_lines(assess_with()).values())
