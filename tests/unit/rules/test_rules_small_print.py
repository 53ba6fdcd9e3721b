"""What stands behind a line, where it is seldom looked at: its sentence, the parameters used, the bounds of a rare blank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rules import Rulebook
from rules.assessment import Assessment, Line
from rules.costs import CostFacts, CostTerms, other_support
from rules.income_rules import Earned, child_earnings
from rules.labels import asset, cost, field, income, person, source, the_person
from rules.legal import CaseTime
from rules.money import ZERO, Ore
from rules.month import Month
from rules.norm import NormTable

MEMBERS = "application/household/members"
JANUARY_2027, DECEMBER_2026 = Month(2027, 1), Month(2026, 12)


def line(result: Assessment, key: str) -> Line:
    """The line with that key."""
    return next(one for one in result.lines if one.key == key)


def asked(kind: str, applied: int) -> CostFacts:
    """A cost that was the same last month."""
    return CostFacts(kind=kind, applied=Ore(applied), rows=1, proof=None, size=1, previous=Ore(applied), history=True)


@pytest.mark.parametrize("applied", [0, 1, 29_900])
def test_internet_is_in_the_norm_from_2027_whatever_it_costs(applied: int, rulebook: Rulebook) -> None:
    version = other_support.at(CaseTime(JANUARY_2027, JANUARY_2027.first))
    assert version is not None
    row = rulebook.guidelines.costs["municipal_fees"].at(JANUARY_2027)
    terms = CostTerms(row, rulebook.guidelines.change_threshold.at(JANUARY_2027))
    found, other = version.apply(asked("internet", applied), terms), version.apply(asked("municipal_fees", applied), terms)

    assert (found.reason, found.low, found.high) == ("cost.left_to_caseworker", ZERO, applied)
    assert found.because == "internet och telefoni ingår i riksnormen från 2027"
    assert (other.reason, other.amount) == (None, applied)


@pytest.mark.parametrize(
    ("all_year", "at_home", "amount", "low"), [(True, True, 100_000, 0), (False, True, None, 100_000), (True, False, None, 0)]
)
def test_a_childs_pay_is_measured_by_prisbasbeloppet_and_says_so(
    *, all_year: bool, at_home: bool, amount: int | None, low: int, rulebook: Rulebook
) -> None:
    version = child_earnings.at(CaseTime(DECEMBER_2026, DECEMBER_2026.first))
    base = rulebook.law.prisbasbelopp.at(DECEMBER_2026)
    assert version is not None
    assert base is not None
    found = version.apply(Earned(Ore(base.value + 100_000), all_year, at_home), base)

    assert (found.amount, found.low, found.parameters) == (amount, low, (base.used(),))
    assert "ett prisbasbelopp per år" in found.because or "tjänat hittills i år, räknas inte upp till" in found.because
    assert version.apply(Earned(Ore(1), all_year, at_home), None).parameters == ()


def with_common(rulebook: Rulebook, *missing: int) -> NormTable:
    """The table of 2026 without the amounts of some sizes."""
    amounts = rulebook.law.riksnorm_in(DECEMBER_2026)
    assert amounts is not None
    return NormTable({name: one for name, one in amounts.items() if name not in {f"riksnorm.common.{size}" for size in missing}})


def test_a_household_whose_amount_is_missing_lies_between_its_neighbours(rulebook: Rulebook) -> None:
    whole = with_common(rulebook)
    sizes = {size: whole.common(size) for size in range(1, 9)}

    assert with_common(rulebook, 3).common_between(3) == (sizes[2], sizes[4])
    assert with_common(rulebook, 2, 3).common_between(3) == (sizes[1], sizes[4])
    assert with_common(rulebook, 3, 4).common_between(3) == (sizes[2], sizes[5])
    assert with_common(rulebook, 1).common_between(1) == (ZERO, sizes[2])
    assert with_common(rulebook, 7).common_between(7) == (sizes[6], None)
    assert with_common(rulebook, 7).common_between(8) == (sizes[6], None)
    assert whole.common_between(4) == (sizes[3], sizes[5])


def test_a_setting_that_is_not_dated_for_a_month_is_the_newest(rulebook: Rulebook) -> None:
    guidelines = rulebook.guidelines
    day, share = guidelines.income_month_complete, guidelines.control_sample
    older = replace(day.values[0], value=20, since=Month(2024, 1), until=Month(2024, 6))
    both = replace(guidelines, income_month_complete=replace(day, values=(older, *day.values)))

    assert [both.income_month_complete_day(month) for month in (Month(2024, 6), Month(2024, 7), Month(2026, 12))] == [20, 28, 28]
    assert guidelines.control_sample_percent(Month(1999, 1)) == share.latest == 5


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (asset("company"), "företag"),
        (asset("unknown:BOAT"), "okänd tillgång (BOAT)"),
        (asset("unknown:"), "okänd tillgång"),
        (cost("rent"), "Hyra"),
        (cost("unknown:YACHT"), "Okänd kostnad (YACHT)"),
        (cost("unknown:"), "Okänd kostnad"),
        (income("salary"), "Lön"),
        (income("unknown:LOTTERY"), "Okänd inkomst (LOTTERY)"),
        (income("unknown:"), "Okänd inkomst"),
        (income("Bostadsbidrag"), "Bostadsbidrag"),
        (field("livelihood"), "försörjning"),
        (field("unknown:HOBBY"), "HOBBY"),
        (source("FK"), "Försäkringskassan"),
        (source("XX"), "XX"),
        (person("applicant"), "sökande"),
        (person("co_applicant"), "medsökande"),
        (person("child-2"), "barn 2"),
        (person("former-1"), "tidigare medlem 1"),
        (person("child"), "barn"),
        (person("neighbour-1"), "okänd person"),
        (the_person("applicant"), "sökanden"),
        (the_person("co_applicant"), "medsökanden"),
        (the_person("child-1"), "barn 1"),
    ],
)
def test_what_stands_in_code_is_called_by_its_swedish_name(said: str, expected: str) -> None:
    assert said == expected


def paid(benefit: str, net: str | None, day: str = "2026-11-20") -> dict[str, Any]:
    """A payment in kronor."""
    return {"benefit": benefit, "net": net, "currency": "SEK", "other_deductions": "0.00", "paid_on": day}


def declared(kind: str, net: str) -> dict[str, Any]:
    """An income in the application."""
    return {"type": kind, "recipient": "applicant", "net": net, "paid_on": "2026-11-20"}


def test_what_differs_says_both_amounts_and_a_doubtful_one_may_be_nothing(assess_with: Callable[..., Assessment]) -> None:
    both = {"application/incomes/0": declared("maintenance", "900.00"), "application/incomes/+": declared("Underhållsstöd", "800.00")}
    sure = line(
        assess_with(both | {"registers/applicant.FK/payments": [paid("Underhållsstöd", "1200.00")]}), "income.Underhållsstöd.applicant"
    )
    doubtful = line(
        assess_with(both | {"registers/applicant.FK/payments": [paid("Underhållsstöd", "1200.00"), paid("Underhållsstöd", None)]}),
        "income.Underhållsstöd.applicant",
    )
    assert sure.blank is not None
    assert doubtful.blank is not None

    assert (sure.blank.low, sure.blank.high) == (80_000, 290_000)
    assert sure.trace.because == "ansökan visar 800 kr och 900 kr, registret 1\u00a0200 kr"
    assert (doubtful.blank.low, doubtful.blank.high) == (0, None)
    assert doubtful.trace.because == sure.trace.because
