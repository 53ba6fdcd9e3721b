"""Which text of the law a case is judged by, which numbers go with it, and what the text of 2027 says where it has no amounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from rules import Rulebook, assess
from rules.aktivitetskrav import aktivitetskrav, aktivitetskrav_hours
from rules.assessment import Assessment
from rules.case_checks import deviation_from_norm, lawful_stay, many_children, student
from rules.costs import CostFacts, CostTerms, other_support, reasonable_cost
from rules.dated import Series
from rules.facts import CaseFile, Permit
from rules.income_rules import child_earnings, child_income, counted_income, fritidskort, jobbstimulans
from rules.information import medical_certificate, rehabilitation, sublet_consent
from rules.legal import CaseTime, Rule
from rules.money import ore
from rules.month import Month
from rules.norm import ChildFacts, common_costs, riksnorm_adults, riksnorm_child

JANUARY_2027 = date(2027, 1, 1)
OLD = CaseTime(Month(2025, 6), date(2025, 6, 30))
TO_2026 = CaseTime(Month(2026, 12), date(2026, 12, 31))
OF_2027 = (CaseTime(Month(2026, 12), JANUARY_2027), CaseTime(Month(2027, 1), date(2026, 12, 20)))
SUBLET = {"application/housing/form": "sublet"}


def law(rule: Rule[..., Any], time: CaseTime) -> str | None:
    version = rule.at(time)
    return version.law if version else None


def texts(result: Assessment, code: str) -> list[str]:
    return [flag.text for flag in result.flags if flag.code == code]


LAWS: list[tuple[Rule[..., Any], str | None, str | None, str | None]] = [
    # the rule; its law before July 2025, to 2026, from 2027
    (riksnorm_adults, "SFS 2001:937 2 kap. 1 §", "SFS 2025:468 12 kap. 2 §", "SoL 2025:400 12 kap. 7 § (2026:897)"),
    (riksnorm_child, "SFS 2001:937 2 kap. 1 §", "SFS 2025:468 12 kap. 2 §", "SoL 2025:400 12 kap. 7 § (2026:897)"),
    (common_costs, "SFS 2001:937 2 kap. 1 §", "SFS 2025:468 12 kap. 2-3 §§", "SoL 2025:400 12 kap. 7 § (2026:897)"),
    (reasonable_cost, "SoL 2001:453 4 kap. 3 § 2", "SoL 2025:400 12 kap. 7 § 2", "SoL 2025:400 12 kap. 7 § 2"),
    (other_support, "SoL 2001:453 4 kap. 1 §", "SoL 2025:400 12 kap. 1 §", "SoL 2025:400 12 kap. 1 § och 7 § 1 (2026:897)"),
    (counted_income, "SoL 2001:453 4 kap. 1 §", "SoL 2025:400 12 kap. 1 §", "SoL 2025:400 12 kap. 1 §"),
    (jobbstimulans, "SoL 2001:453 4 kap. 1 b §", "SoL 2025:400 12 kap. 8 §", "SoL 2025:400 12 kap. 8 §"),
    (child_earnings, "SoL 2001:453 4 kap. 1 a §", "SoL 2025:400 12 kap. 9 §", "SoL 2025:400 12 kap. 9 §"),
    (child_income, "SoL 2001:453 4 kap. 1 §", "SoL 2025:400 12 kap. 1 §", "SoL 2025:400 12 kap. 1 §"),
    (fritidskort, None, "SoL 2025:400 12 kap. 7 a § (2025:762)", "SoL 2025:400 12 kap. 7 c § (2026:897)"),
    (student, "SoL 2001:453 4 kap. 1 §", "SoL 2025:400 12 kap. 1 och 3 §§", "SoL 2025:400 12 kap. 1 och 3 §§"),
    (
        deviation_from_norm,
        "SoL 2001:453 4 kap. 3 § tredje stycket",
        "SoL 2025:400 12 kap. 7 § tredje stycket",
        "SoL 2025:400 12 kap. 7 b § (2026:897)",
    ),
    (many_children, None, None, "SoL 2025:400 12 kap. 7 a § (2026:897)"),
    (lawful_stay, None, None, "SoL 2025:400 12 kap. 2 a § (2026:897)"),
    (rehabilitation, None, None, "SoL 2025:400 12 kap. 4 g § (2026:897)"),
    (sublet_consent, None, None, "SoL 2025:400 12 kap. 7 d § (2026:897)"),
    (medical_certificate, None, "SoL 2025:400 12 kap. 3 a §", "SoL 2025:400 12 kap. 3 a §"),
]


@pytest.mark.parametrize(("rule", "old", "to_2026", "of_2027"), LAWS, ids=[row[0].name for row in LAWS])
def test_each_rule_names_the_law_of_its_time(rule: Rule[..., Any], old: str | None, to_2026: str | None, of_2027: str | None) -> None:
    assert law(rule, OLD) == old
    assert law(rule, TO_2026) == to_2026
    assert [law(rule, time) for time in OF_2027] == [of_2027, of_2027]
    assert law(rule, CaseTime(Month(2025, 6), date(2025, 7, 1))) == law(rule, CaseTime(Month(2025, 7), date(2025, 6, 1)))


def test_medical_certificates_are_asked_for_by_the_day_received_and_the_month() -> None:
    both_before = CaseTime(Month(2026, 6), date(2026, 6, 30))
    received_after, month_after = CaseTime(Month(2026, 6), date(2026, 7, 1)), CaseTime(Month(2026, 7), date(2026, 6, 1))

    assert [law(medical_certificate, time) for time in (both_before, received_after, month_after)] == [
        None,
        "SoL 2025:400 12 kap. 3 a §",
        "SoL 2025:400 12 kap. 3 a §",
    ]


def test_a_number_of_the_law_is_read_at_the_time_that_chose_the_rule() -> None:
    by_day, by_month = many_children.at(OF_2027[0]), aktivitetskrav.at(CaseTime(Month(2026, 12), JANUARY_2027))

    assert by_day is not None
    assert by_month is not None
    assert by_day.month_of(OF_2027[0]) == Month(2027, 1)
    assert by_day.month_of(CaseTime(Month(2027, 3), JANUARY_2027)) == Month(2027, 3)
    assert by_month.month_of(CaseTime(Month(2026, 12), JANUARY_2027)) == Month(2026, 12)


def test_what_the_law_asks_by_month_has_its_numbers_from_its_first_month(rulebook: Rulebook) -> None:
    first = CaseTime(Month(2026, 10), date(2026, 9, 1))
    version = aktivitetskrav_hours.at(first)

    assert version is not None
    assert rulebook.law.aktivitetskrav_hours.at(version.month_of(first)) is not None
    assert rulebook.law.aktivitetskrav_fewer_hours.at(version.month_of(first)) is not None
    assert rulebook.law.pension_age.at(first.month) is not None


@pytest.mark.parametrize(
    ("age", "school", "inside"),
    [
        (None, True, None),
        (-1, None, None),
        (0, None, True),
        (17, False, True),
        (18, True, True),
        (18, None, None),
        (18, False, False),
        (20, True, True),
        (21, True, False),
    ],
)
def test_who_is_of_the_parents_household(age: int | None, school: bool | None, inside: bool | None) -> None:
    facts = ChildFacts(age, whole_month=True, days=None, lunch_elsewhere=None, school_youth=school)

    assert facts.in_household is inside


def permit(first: str | None, last: str | None) -> Permit:
    days = [date.fromisoformat(day) if day else None for day in (first, last)]
    return Permit(kind="UT", from_day=days[0], to_day=days[1])


@pytest.mark.parametrize(
    ("permits", "look"),
    [
        ((), False),
        ((permit(None, None),), False),
        ((permit("2027-01-01", "2027-01-31"),), False),
        ((permit("2027-01-02", None),), True),
        ((permit(None, "2027-01-30"),), True),
        ((permit(None, "2026-12-31"), permit(None, "2027-02-01")), False),
    ],
)
def test_lawful_stay_is_looked_at_when_no_permit_on_record_holds_all_month(permits: tuple[Permit, ...], look: bool) -> None:
    version = lawful_stay.at(OF_2027[1])

    assert version is not None
    assert version.apply(permits, Month(2027, 1)) is look


def test_lawful_stay_is_not_spoken_of_before_2027_and_goes_to_a_person_from_then(assess_with: Callable[..., Assessment]) -> None:
    ended = {
        "registers/applicant.MIV/status": "answered",
        "registers/applicant.MIV/facts/permits": [{"kind": "UT", "permanent": True, "to_day": "2026-12-30"}],
    }
    received = {"application/received_at": "2027-01-01T00:00:00+01:00"}

    assert "case.lawful_stay" not in {flag.code for flag in assess_with(ended).flags}
    assert ("case.lawful_stay", "applicant") in {(flag.code, flag.key) for flag in assess_with(ended | received).flags}
    assert assess_with(ended | received).proposal is None


def test_rehabilitation_is_told_of_from_2027_to_whom_it_concerns(assess_with: Callable[..., Assessment]) -> None:
    sick = {"application/plans/0/type": "sick_leave"}
    january = {"application/month": "2027-01", "application/received_at": "2026-12-20T09:00:00+01:00"}

    assert texts(assess_with(sick), "info.rehabilitation") == []
    assert texts(assess_with(sick | january), "info.rehabilitation") == [
        "Sökande: arbetslivsinriktad rehabilitering kan begäras vid sjukdom"
    ]


def test_from_2027_the_norm_is_said_to_be_a_ceiling(assess_with: Callable[..., Assessment]) -> None:
    other = {"application/other_norm": True}
    january = {"application/month": "2027-01", "application/received_at": "2026-12-20T09:00:00+01:00"}

    assert texts(assess_with(other), "case.other_norm") == [
        "Annat än riksnormen är angivet (högre eller lägre belopp kräver särskilda skäl i det enskilda fallet)"
    ]
    assert texts(assess_with(other | january), "case.other_norm") == [
        "Annat än riksnormen är angivet (riksnormen är ett tak: högre belopp kräver särskilda skäl för barn och skolungdomar under 21 år "
        "och synnerliga skäl för andra; lägre belopp kräver särskilda skäl)"
    ]


def test_a_sublet_is_spoken_of_from_2027_by_the_day_received_too(assess_with: Callable[..., Assessment]) -> None:
    received = {"application/received_at": "2027-01-01T00:00:00+01:00"}

    assert texts(assess_with(SUBLET), "info.sublet_consent") == []
    assert len(texts(assess_with(SUBLET | received), "info.sublet_consent")) == 1


def test_internet_that_cannot_be_read_is_unreadable_in_2027_too() -> None:
    version = other_support.at(OF_2027[1])
    assert version is not None
    facts = CostFacts("internet", None, 1, None, 1, None, history=True)

    assert version.apply(facts, CostTerms(None, None)).reason == "cost.unreadable"


def test_a_share_that_is_not_known_leaves_all_pay_open() -> None:
    version = jobbstimulans.at(TO_2026)
    assert version is not None
    found = version.apply(ore(8500), (), Month(2012, 4), None)

    assert (found.reason, found.low, found.high) == ("sum.parameter_missing", 0, ore(8500))


def test_hours_that_are_not_known_are_not_spoken_of(case_with: Callable[..., CaseFile], rulebook: Rulebook) -> None:
    child = "application/household/members/child-1"
    small = case_with({f"{child}/birth_date": "2022-05-05", f"{child}/personnummer": None})
    nothing: Series[int] = Series("aktivitetskrav.hours", ())
    without = replace(rulebook, law=replace(rulebook.law, aktivitetskrav_hours=nothing))

    assert "timmar" in texts(assess(small, rulebook), "info.aktivitetskrav")[0]
    assert "timmar" not in texts(assess(small, without), "info.aktivitetskrav")[0]
