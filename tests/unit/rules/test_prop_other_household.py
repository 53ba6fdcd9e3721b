"""The span holds whoever turns out to belong to the household: a partner outside the application, or one of two adults."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from typing import Any

import pytest
from made_cases import BOOK, Making, written

from rules import assess
from rules.assessment import Assessment, Line, Span
from rules.context import ALL_SOURCES
from rules.facts import CaseFile, Member, Payment, RegisterAnswer
from rules.money import ore

MADE = 500
HOUSEHOLD = "application/household"
PARTNER = Member.model_validate({"ref": "co_applicant", "role": "co_applicant", "personnummer": "199102022390"})


def within(inner: Span, outer: Span) -> bool:
    low = outer.lowest is None or (inner.lowest is not None and inner.lowest >= outer.lowest)
    return low and (outer.highest is None or (inner.highest is not None and inner.highest <= outer.highest))


def living(case: CaseFile, *, status: str | None, others: int | None, members: tuple[Member, ...]) -> CaseFile:
    household = case.application.household.model_copy(update={"civil_status": status, "others_in_home": others, "members": members})
    return case.model_copy(update={"application": case.application.model_copy(update={"household": household})})


def alone_in_the_application(case: CaseFile) -> CaseFile:
    """The applicant and the children, without a trace of a co-applicant."""
    refs = {"co_applicant"}
    incomes = tuple(one for one in case.application.incomes if one.recipient not in refs)
    plans = tuple(one for one in case.application.plans if one.person not in refs)
    members = tuple(one for one in case.application.household.members if one.ref not in refs)
    household = case.application.household.model_copy(update={"members": members})
    application = case.application.model_copy(update={"incomes": incomes, "plans": plans, "household": household})
    registers = tuple(one for one in case.registers if one.person not in refs)
    return case.model_copy(update={"application": application, "registers": registers})


def with_a_partner(case: CaseFile, status: str, others: int | None, income: int) -> CaseFile:
    """The same case with the partner as co-applicant, who has one benefit from Försäkringskassan."""
    month = case.application.month
    paid = {
        "benefit": "Sjukpenning",
        "net": written(income),
        "currency": "SEK",
        "other_deductions": "0.00",
        "paid_on": month.plus(-1).day(9),
    }
    at = datetime.combine(month.first, time(12), UTC)
    answers = [RegisterAnswer(person="co_applicant", source=source, status="nothing_held", fetched_at=at) for source in ALL_SOURCES]
    payments = (Payment.model_validate(paid),)
    answers[0] = answers[0].model_copy(update={"status": "answered", "payments": payments})
    answers[0] = answers[0].model_copy(update={"facts": answers[0].facts.model_copy(update={"protected": False})})
    members = (*case.application.household.members, PARTNER)
    return living(case, status=status, others=others, members=members).model_copy(update={"registers": (*case.registers, *answers)})


def a_partner_or_none(case: CaseFile) -> Iterator[tuple[str, CaseFile]]:
    """Who one adult, not said to be single, may turn out to live with."""
    household = case.application.household
    others, members = household.others_in_home, household.members
    yield "single", living(case, status="single", others=others, members=members)
    for income in (0, 1_200_000):
        yield f"a partner with {income}", with_a_partner(case, "cohabiting", others, income)
        if others:
            yield f"one of the others is the partner, with {income}", with_a_partner(case, "married", others - 1, income)
    if others is not None:
        yield "a friend in the home", living(case, status="single", others=others + 1, members=members)


def one_household_or_two(case: CaseFile) -> Iterator[tuple[str, CaseFile]]:
    """What two adults, not said to be together, may turn out to be."""
    household = case.application.household
    yield "cohabiting", living(case, status="cohabiting", others=household.others_in_home, members=household.members)
    one = alone_in_the_application(case)
    members, others = one.application.household.members, household.others_in_home
    yield "one lives elsewhere", living(one, status="single", others=others, members=members)
    if others is not None:
        yield "two households in one home", living(one, status="single", others=others + 1, members=members)


def one_adult(case: CaseFile, pick: random.Random) -> CaseFile:
    alone = alone_in_the_application(case)
    household = alone.application.household
    status = pick.choice(("cohabiting", "married", None, "unknown:X"))
    return living(alone, status=status, others=pick.choice((household.others_in_home, 0, 1, 3)), members=household.members)


def two_adults(case: CaseFile, pick: random.Random) -> CaseFile:
    household = case.application.household
    two = household.members if len(case.adults) == 2 else (*household.members, PARTNER)
    return living(case, status=pick.choice(("single", None)), others=pick.choice((household.others_in_home, 0, 2)), members=two)


@pytest.mark.parametrize(("make", "fillings"), [(one_adult, a_partner_or_none), (two_adults, one_household_or_two)])
def test_the_span_contains_the_need_whoever_belongs_to_the_household(
    make: Callable[[CaseFile, random.Random], CaseFile], fillings: Callable[[CaseFile], Iterator[tuple[str, CaseFile]]]
) -> None:
    tried: set[str] = set()
    for seed in range(MADE):
        case = make(Making(seed).case(), random.Random(seed))
        span = assess(case, BOOK, hand_over=True).span
        if span is None:
            continue
        for what, filled in fillings(case):
            found = assess(filled, BOOK, hand_over=True).span
            if found is not None:
                tried.add(what)
                assert within(found, span), f"{seed}, {what}: {found} is not within {span}"

    assert len(tried) >= 3


# By hand


def find(result: Assessment, key: str) -> Line:
    return next(line for line in result.lines if line.key == key)


def bounds(result: Assessment, key: str) -> tuple[str, int, int | None]:
    blank = find(result, key).blank
    assert blank is not None
    return blank.reason, blank.low, blank.high


def single(document: Callable[..., dict[str, Any]], **household: Any) -> dict[str, Any]:
    members = [one for one in document()["application"]["household"]["members"] if one["ref"] == "applicant"]
    return {f"{HOUSEHOLD}/members": members} | {f"{HOUSEHOLD}/{name}": value for name, value in household.items()}


@pytest.mark.parametrize(
    ("others", "low", "high"),
    [(0, ore(705), ore(1410)), (1, ore(597), ore(1410)), (2, ore(508), ore(1193))],  # 1 410 / 2; 1 790 / 3 and 1 410; 2 030 / 4 and 2 / 3
)
def test_common_costs_are_open_for_a_partner_who_may_be_one_of_the_others_or_one_more(
    others: int, low: int, high: int, assess_with: Callable[..., Assessment], document_with: Callable[..., dict[str, Any]]
) -> None:
    for status in ("cohabiting", None):
        result = assess_with(single(document_with, civil_status=status, others_in_home=others))
        assert bounds(result, "norm.common") == ("norm.members_unknown", low, high)


def test_common_costs_of_an_unknown_home_are_at_most_those_with_a_partner(
    assess_with: Callable[..., Assessment], document_with: Callable[..., dict[str, Any]]
) -> None:
    def most(status: str) -> tuple[str, int, int | None]:
        return bounds(assess_with(single(document_with, civil_status=status, others_in_home=None)), "norm.common")

    assert most("cohabiting") == ("case.others_in_home", 0, ore(1410))
    assert most("single") == ("case.others_in_home", 0, ore(1280))


def test_what_a_partner_has_is_not_known_and_leaves_the_span_open_downward(
    assess_with: Callable[..., Assessment], document_with: Callable[..., dict[str, Any]]
) -> None:
    spans = {status: assess_with(single(document_with, civil_status=status)).span for status in ("cohabiting", "married", None, "single")}

    assert [span is not None and span.lowest is None for span in spans.values()] == [True, True, True, False]
    assert all(span is not None and span.highest is not None for span in spans.values())


@pytest.mark.parametrize("rent", ["6400.00", "6901.00"])
def test_rent_that_has_changed_is_for_a_person_where_a_partner_or_another_household_may_share_it(
    rent: str, assess_with: Callable[..., Assessment], document_with: Callable[..., dict[str, Any]]
) -> None:
    changed = {"application/costs/rent/applied": rent, "history/previous_calculation/costs/rent/approved": "6500.00"}
    partner = assess_with(changed | single(document_with, civil_status="married"))
    apart = assess_with(changed | {f"{HOUSEHOLD}/civil_status": "single"})
    together = assess_with(changed)

    assert bounds(apart, "cost.rent") == ("cost.left_to_caseworker", 0, ore(int(rent.removesuffix(".00"))))
    assert bounds(partner, "cost.rent")[1:] == (0, ore(int(rent.removesuffix(".00"))))
    assert find(together, "cost.rent").amount == ore(int(rent.removesuffix(".00")))


def test_of_two_adults_apart_the_co_applicants_incomes_may_belong_to_another_household(assess_with: Callable[..., Assessment]) -> None:
    together, apart = assess_with(), assess_with({f"{HOUSEHOLD}/civil_status": None})
    theirs = [line.key for line in together.lines if line.section == "income" and line.person == "co_applicant"]

    assert theirs == ["income.Barnbidrag.co_applicant", "income.Arbetslöshetsersättning.co_applicant"]
    for key in theirs:
        assert bounds(apart, key) == ("case.civil_status_unknown", 0, find(together, key).amount)
    assert find(apart, "income.salary.applicant").amount == find(together, "income.salary.applicant").amount
    assert {one.person for one in apart.counted_incomes} == {"applicant"}
    assert [flag.key for flag in apart.flags if flag.code == "case.civil_status_unknown"] == ["norm.adults"]


def test_what_is_uncertain_of_an_adult_who_may_be_apart_keeps_its_reason_and_may_be_nothing(
    assess_with: Callable[..., Assessment],
) -> None:
    pay = {"type": "salary", "recipient": "co_applicant", "net": "1000.00", "paid_on": "2026-11-25"}
    changes = {f"{HOUSEHOLD}/civil_status": "single", "application/incomes/+": pay, "history/jobbstimulans": None}

    assert bounds(assess_with(changes), "income.salary.co_applicant") == ("income.jobbstimulans_unknown", 0, ore(1000))
