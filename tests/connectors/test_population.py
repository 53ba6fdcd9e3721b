"""The made-up population: the same for the same seed, consistent with itself, and honest about what it expects."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.simulators.population import arrivals, build
from connectors.simulators.population.build import GROUPS, TODAY
from connectors.simulators.population.case import SFI, Case
from connectors.simulators.population.identity import MOST_APPLICATIONS, check_digit
from connectors.simulators.population.tables import KINDS, NORMS
from connectors.simulators.world import ApplicationRecord, PersonRecord

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
OTHER_DAYS = (date(2025, 12, 31), date(2026, 2, 28), date(2026, 10, 29))
TEST_BIRTH_NUMBERS = {238, 239, *range(980, 1000)}


def canonical(value: Any) -> str:
    """Return records as JSON that says everything about them."""
    return json.dumps(dataclasses.asdict(value), sort_keys=True, default=str, ensure_ascii=False)


def digest(seed: int, cases: int) -> str:
    return hashlib.sha256(canonical(build(seed, cases)).encode()).hexdigest()


@pytest.fixture(scope="module")
def applications() -> tuple[ApplicationRecord, ...]:
    return build(7, 300).applications


def test_the_same_seed_gives_the_same_world_byte_for_byte() -> None:
    assert digest(7, 300) == digest(7, 300)
    assert digest(7, 60) != digest(8, 60)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_builds_the_same_world_whatever_its_hash_seed(hash_seed: str) -> None:
    program = (
        "import dataclasses, hashlib, json\nfrom connectors.simulators.population import build\n"
        "text = json.dumps(dataclasses.asdict(build(7, 60)), sort_keys=True, default=str, ensure_ascii=False)\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )
    assert run.stdout.strip() == digest(7, 60)


def test_a_larger_world_begins_with_the_smaller_one(applications: tuple[ApplicationRecord, ...]) -> None:
    assert build(7, 60).applications == applications[:60]


def test_more_applications_than_people_are_the_same_households_in_cases_and_under_party_ids_of_their_own() -> None:
    first, many = build(7, 1440).applications, build(7, 3000).applications
    assert len(many) == 3000
    assert len({application.errand_id for application in many}) == len({application.errand_number for application in many}) == 3000
    assert {application.errand_id for application in first} <= {application.errand_id for application in many}
    assert [application.arrives for application in many] == sorted(application.arrives for application in many)
    parties = [person.party_id for application in many for person in application.people]
    assert len(parties) == len(set(parties))
    assert {person.personnummer for application in many for person in application.people} == {
        person.personnummer for application in first for person in application.people
    }
    named = [row["partyId"] for application in many for row in application.data.get("persons") or () if "partyId" in row]
    assert len(named) == len(set(named))


def test_about_a_third_are_standard_renewals_in_any_world_of_sixty_or_more(applications: tuple[ApplicationRecord, ...]) -> None:
    for cases in range(60, 301):
        ok = sum(application.expected.outcome == "ok" for application in applications[:cases])
        assert 34 <= 100 * ok / cases <= 38, cases


def test_every_group_is_there_in_three_hundred_and_most_kinds_in_sixty(applications: tuple[ApplicationRecord, ...]) -> None:
    assert {application.group for application in applications} == {group.slug for group in GROUPS}
    kinds = {application.group.partition(".")[0] for application in applications}
    assert {application.group.partition(".")[0] for application in applications[:60]} == kinds
    assert {application.expected.outcome for application in applications[:60]} == {
        "ok",
        "review",
        "stop",
        "urgent",
        "waiting_for_income",
        "taken_by_person",
    }


@pytest.mark.parametrize("today", [TODAY, *OTHER_DAYS])
def test_every_standard_renewal_comes_out_ok_whatever_seed_and_month(today: date) -> None:
    for seed in range(6):
        for application in build(seed, 120, today).applications:
            expected = application.expected
            if application.group.startswith("standard."):
                assert (expected.outcome, expected.proposal, expected.flags) == ("ok", "BIFALL", ()), (seed, application.group)
                assert expected.amount is not None
                assert 0 < Decimal(expected.amount) <= 20_000
            else:
                assert expected.outcome != "ok"


def test_a_group_has_the_same_flags_whatever_the_seed() -> None:
    expectations = defaultdict(set)
    for seed in range(6):
        for application in build(seed, 300).applications:
            expectations[application.group].add((application.expected.outcome, application.expected.proposal, application.expected.flags))
    assert {group: found for group, found in expectations.items() if len(found) > 1} == {}


def test_every_expected_flag_is_in_the_catalogue_and_weighs_what_the_outcome_says(applications: tuple[ApplicationRecord, ...]) -> None:
    catalogue = yaml.safe_load((ROOT / "rules" / "flags.yaml").read_text(encoding="utf-8"))
    for application in applications:
        expected = application.expected
        severities = {catalogue[code]["severity"] for code in expected.flags}
        allowed = {"stop": {"stop"}, "urgent": {"urgent"}, "review": {"review", "result"}}.get(expected.outcome, set())
        assert severities <= allowed, application.group
        assert expected.flags == tuple(sorted(set(expected.flags)))
        assert not (expected.proposal and "review" in severities)


def test_identity_numbers_have_valid_check_digits_and_test_birth_numbers(applications: tuple[ApplicationRecord, ...]) -> None:
    coordination = 0
    for person in everybody(applications):
        assert len(person.personnummer) == 12
        assert int(person.personnummer[-1]) == check_digit(person.personnummer[2:11])
        assert int(person.personnummer[8:11]) in TEST_BIRTH_NUMBERS
        birth_date(person)
        coordination += int(person.personnummer[6:8]) > 60
    assert coordination >= 2


@pytest.mark.parametrize(("number", "digit"), [("900101238", 5), ("910202239", 0), ("811218987", 6)])
def test_the_check_digit_is_luhns(number: str, digit: int) -> None:
    assert check_digit(number) == digit


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_nobody_shares_a_number_an_id_or_a_name(seed: int) -> None:
    world = build(seed, MOST_APPLICATIONS - 200)
    later = [arrivals(seed, MOST_APPLICATIONS - 200 + 50 * week, 50, TODAY + timedelta(days=1 + 7 * week)) for week in range(4)]
    everything = [*world.applications, *(application for batch in later for application in batch)]
    people = everybody(everything)
    for values in (
        [person.personnummer for person in people],
        [person.party_id for person in people],
        [(person.first_name, person.last_name) for person in people],
        [application.errand_id for application in everything],
        [application.errand_number for application in everything],
    ):
        assert [value for value, times in Counter(values).items() if times > 1] == []


def test_applications_arrive_in_order_from_the_tenth_and_before_this_morning() -> None:
    for today in (TODAY, *OTHER_DAYS, date(2026, 11, 1), date(2026, 11, 10)):
        came = [application.arrives for application in build(7, 300, today).applications]
        assert came == sorted(set(came))
        assert came[0].date() >= today.replace(day=10 if today.day > 10 else 1)
        assert (came[-1].date(), came[-1].hour) < (today, 6)


def test_two_processes_build_the_same_later_applications_from_the_seed_alone() -> None:
    first = arrivals(7, 60, 5, date(2026, 12, 1))
    assert first == arrivals(7, 60, 5, date(2026, 12, 1))
    assert arrivals(7, 60, 3, date(2026, 12, 1))[0].errand_id == first[0].errand_id
    assert {application.arrives.date() for application in first} == {date(2026, 12, 1)}
    assert {(application.data["periodYear"], application.data["periodMonth"]) for application in first} <= {
        (2027, 1),
        (2027, 2),
        (2026, 12),
    }


def test_a_month_without_norm_amounts_is_expected_to_go_to_a_person() -> None:
    for application in arrivals(7, 0, 100, date(2026, 12, 29)):
        if application.group.startswith("standard.") and application.data["periodYear"] == 2027:
            assert application.expected.outcome == "review"
            assert "norm.no_amounts" in application.expected.flags


def test_last_months_calculation_adds_up(applications: tuple[ApplicationRecord, ...]) -> None:
    for application in applications:
        for row in application.calculations:
            counted: Decimal | int = sum(
                Decimal(income["amountApplicant"]) + Decimal(income.get("amountCoApplicant", 0)) for income in row["incomes"]
            )
            pay = [income for income in row["incomes"] if income["type"] == "Lön"]
            counted -= sum(Decimal(income["amountApplicant"]) / 4 for income in pay)
            assert row["incomeSum"] == counted
            assert row["expenseSum"] == sum(Decimal(cost["approvedAmount"]) for cost in row["expenses"])
            assert row["specialExpenseSum"] == sum(Decimal(cost["approvedAmount"]) for cost in row["specialExpenses"])
            if all("amount" in person for person in row["persons"]):
                assert row["familyCost"] == sum(Decimal(person["amount"]) for person in row["persons"])
            assert row["normSum"] == Decimal(row["familyCost"]) + Decimal(row["commonHouseholdCost"])
            need = Decimal(row["normSum"]) + Decimal(row["expenseSum"]) + Decimal(row["specialExpenseSum"]) - Decimal(row["incomeSum"])
            assert row["totalSum"] == row["balance"] == need


def test_last_month_counted_what_the_registers_paid_the_month_before_it(applications: tuple[ApplicationRecord, ...]) -> None:
    for application in applications:
        if not application.group.startswith("standard."):
            continue
        last = application.calculations[0]
        paid: Counter[tuple[str, int]] = Counter()
        month_before = shift_text(last["fromDate"])
        adults = [person for person in application.people if birth_date(person).year < 2008]
        for place, person in enumerate(adults):
            held = person.registers
            for payment in (*held.fk, *held.pm, *held.csn, *(one for fund in held.a_kassor for one in fund.payments)):
                if payment.paid_on.isoformat().startswith(month_before) and payment.benefit != "Merkostnadsersättning":
                    paid[KINDS[payment.benefit].lifecare, place] += int(Decimal(payment.net) * 100)
        declared = {kind.lifecare for kind in KINDS.values() if kind.source == "APPLICATION"}
        counted: Counter[tuple[str, int]] = Counter()
        for row in last["incomes"]:
            if row["type"] not in declared:
                counted[row["type"], 0] += int(Decimal(row["amountApplicant"]) * 100)
                counted[row["type"], 1] += int(Decimal(row.get("amountCoApplicant", 0)) * 100)
        assert +counted == +paid, application.group


def test_household_and_number_in_the_home_agree(applications: tuple[ApplicationRecord, ...]) -> None:
    for application in applications:
        if application.group in ("stop.unreadable", "case.others_in_home"):
            continue
        data = application.data
        assert data["housingPersonCount"] == len(data["persons"]) + len(data["children"])
        ids = {person.party_id for person in application.people}
        assert {person["partyId"] for person in [*data["persons"], *data["children"]]} <= ids
        assert application.people[0].party_id == data["persons"][0]["partyId"]


def test_the_need_is_norm_and_costs_less_incomes() -> None:
    """Single 3 940, common costs for one 1 280, rent 6 000, electricity 300, housing allowance 1 500."""
    case = Case(seed=1, index=0, day=TODAY)
    case.adult(SFI)
    case.cost("rent", 6_000)
    case.cost("electricity", 300)
    case.income("Bostadsbidrag", 1_500)
    record = case.finish("by hand", build(1, 1).applications[0].arrives)
    assert (record.expected.outcome, record.expected.proposal, record.expected.amount) == ("ok", "BIFALL", "10020.00")
    assert record.calculations[0]["totalSum"] == 10_020


def test_a_child_for_part_of_the_month_counts_for_its_days_half_up_to_whole_kronor() -> None:
    """3 820 x 15 / 31 = 1 848.39 in December, 3 820 x 15 / 30 = 1 910 in November; the child is a whole member of two."""
    case = Case(seed=1, index=0, day=TODAY)
    case.adult(SFI, 35)
    case.household.child(8, days=15, last_days=15)
    assert case.household.norm() == (3_940 + 1_848 + 1_410) * 100
    rows, common = case.household.last_norm()
    assert [amount for _, amount in rows] == [394_000, 191_000]
    assert common == 141_000


def test_the_norm_amounts_are_the_published_ones() -> None:
    source = SHARED / "data" / "riksnorm.yaml"
    if not source.is_file():
        pytest.skip("../shared/data/riksnorm.yaml is not here")
    years = yaml.safe_load(source.read_text(encoding="utf-8"))["years"]
    for year, norm in NORMS.items():
        assert (norm.single, norm.sambo) == (years[year]["adults"]["single"], years[year]["adults"]["sambo"])
        assert norm.children == years[year]["children"]
        assert norm.without_lunch == years[year]["children_without_lunch"]
        assert norm.common == tuple(years[year]["common"].values())


def everybody(applications: Any) -> list[PersonRecord]:
    return [person for application in applications for person in application.people]


def birth_date(person: PersonRecord) -> date:
    number = person.personnummer
    return date(int(number[:4]), int(number[4:6]), int(number[6:8]) % 60)


def shift_text(first_day: str) -> str:
    return (date.fromisoformat(first_day) - timedelta(days=1)).isoformat()[:7]


def test_when_a_seed_has_no_more_people_the_first_apply_again_with_their_new_months_payments() -> None:
    (first,) = arrivals(7, 3, 1, date(2026, 1, 20))
    (again,) = arrivals(7, 3 + MOST_APPLICATIONS, 1, date(2026, 3, 20))
    assert first.errand_id != again.errand_id
    assert first.errand_number != again.errand_number
    assert not {person.party_id for person in first.people} & {person.party_id for person in again.people}
    assert {row["partyId"] for row in again.data["persons"]} <= {person.party_id for person in again.people}
    paid = [payment.paid_on for person in again.people for payment in (*person.registers.fk, *person.registers.csn)]
    assert all(date(2026, 1, 1) <= day <= date(2026, 4, 30) for day in paid)
