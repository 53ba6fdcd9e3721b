"""The same cases under two rulebooks: who gets what difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compare_cases import GUIDELINES, SKEWED, case, case_data, town

import rules
from robot.compare import Change, Comparison, Difference, Figures, Left, Row, Shared, compare, compare_case
from robot.compare_groups import Dimension, groups_of
from robot.compare_small import Hidden
from robot.compare_view import as_data
from rules.facts import CaseFile
from rules.money import Ore


@pytest.fixture(scope="module")
def skewed() -> Change:
    return Change(rules.load_rulebook(GUIDELINES), rules.load_rulebook(SKEWED))


def parsed(data: dict[str, Any]) -> CaseFile:
    return CaseFile.model_validate_json(json.dumps(data))


def compared(change: Change, cases: list[CaseFile], *, small_groups: bool = True) -> Comparison:
    return compare([compare_case(one, change) for one in cases], change, small_groups=small_groups)


def figures(result: Comparison, dimension: Dimension, code: str) -> Figures:
    found = next(group.figures for group in result.of(dimension) if group.code == code)
    assert isinstance(found, Figures)
    return found


def difference(found: Figures | Hidden) -> Difference:
    assert isinstance(found, Figures)
    assert isinstance(found.difference, Difference)
    return found.difference


def test_a_rent_cap_that_hits_large_households_shows_in_their_row_and_in_no_other(skewed: Change) -> None:
    result = compared(skewed, [parsed(data) for data in town()], small_groups=False)

    hit = figures(result, Dimension.HOUSEHOLD, "couple_with_children")
    assert (hit.proposals_before["BIFALL"], hit.proposals_after["BIFALL"], hit.proposals_after["none"]) == (6, 0, 6)
    assert (hit.changed_blanks, hit.compared, hit.difference) == (6, 0, None)
    assert hit.left_after == Left(6, Ore(6 * 900_000))
    assert figures(result, Dimension.CHILDREN, "3").proposals_after["none"] == 6
    for spared in ("single", "couple"):
        assert figures(result, Dimension.HOUSEHOLD, spared).changed == 0


def test_a_cost_no_longer_granted_shows_in_kronor_for_those_who_had_it(skewed: Change) -> None:
    result = compared(skewed, [parsed(data) for data in town()], small_groups=False)

    lost = difference(figures(result, Dimension.HOUSEHOLD, "single_with_children"))
    assert (lost.mean, lost.median, lost.lowest, lost.highest, lost.total) == (-25_000, -25_000, -25_000, -25_000, -150_000)
    assert (lost.more, lost.less, lost.same) == (0, 6, 0)
    assert difference(figures(result, Dimension.HOUSEHOLD, "single")).total == 0


def test_every_number_is_what_the_rules_give_each_side(skewed: Change) -> None:
    one = case(1, children=1, internet="250.00")

    row = compare_case(one, skewed)

    assert (row.before.known, row.before.proposal) == (rules.assess(one, skewed.before).amount, "BIFALL")
    assert (row.after.known, row.after.proposal) == (rules.assess(one, skewed.after).amount, "DELAVSLAG")


def test_the_same_rulebook_twice_changes_nothing(skewed: Change) -> None:
    same = Change(skewed.before, skewed.before)

    result = compared(same, [parsed(data) for data in town()])

    assert isinstance(result.whole, Figures)
    assert result.whole.changed == 0
    assert (difference(result.whole).total, difference(result.whole).same) == (0, 24)


def test_mean_and_median_are_whole_ore_and_round_away_from_zero(skewed: Change) -> None:
    cases = [case(1, internet="250.00"), case(2, internet="250.01"), case(3), case(4, internet="0.03")]

    found = difference(compared(skewed, cases).whole)

    assert found.total == -50_004
    assert (found.mean, found.median) == (-12_501, -12_502)
    assert (found.lowest, found.highest) == (-25_001, 0)


def test_a_surplus_gives_nothing_and_takes_nothing(skewed: Change) -> None:
    data = case_data(1, internet="250.00")
    payments = next(answer for answer in data["registers"] if answer.get("payments"))["payments"]
    for payment in payments:
        payment["net"] = payment["gross"] = "20000.00"
    data["history"]["previous_calculation"]["incomes"][0] |= {"amount": "20000.00", "counted": "20000.00"}

    row = compare_case(parsed(data), skewed)

    assert (row.before.known, row.after.known) == (0, 0)


def test_a_case_without_a_known_need_is_listed_by_its_reason_and_counted(skewed: Change) -> None:
    blank = case(1, rent="6000.00", rent_before="5000.00")
    written = case_data(2)
    written["application"]["free_text"] = [{"field": "livelihood", "text": "Jag har ingen mat."}]
    hidden_person = case_data(3)
    hidden_person["application"]["protected"] = True
    unreadable = case_data(4)
    unreadable["application"]["unreadable"] = ["form"]
    early = case_data(5)
    early["today"] = "2026-11-20"

    result = compared(skewed, [blank, parsed(written), parsed(hidden_person), parsed(unreadable), parsed(early)])

    assert isinstance(result.whole, Figures)
    assert (result.whole.cases, result.whole.compared) == (5, 0)
    assert {reason.text: (reason.before, reason.after) for reason in result.reasons} == {
        "Ärendet handläggs manuellt": (2, 2),
        "Brådskande: lämnat till handläggaren utan beräkning": (1, 1),
        "Hyra: ändrad med mer än 12 % sedan förra månaden": (1, 1),
        "Inkomstmånaden är inte komplett: fler utbetalningar kan komma": (1, 1),
    }


def test_a_case_has_a_reason_exactly_when_its_need_is_not_known(skewed: Change) -> None:
    kinds: list[dict[str, Any]] = [{}, {"rent": "9000.00"}, {"children": 2, "rent_before": "100.00"}, {"internet": "250.00"}]
    for number, described in enumerate(kinds):
        row = compare_case(case(number, **described), skewed)
        for side in (row.before, row.after):
            assert (side.known is None) == bool(side.reasons)


def test_no_text_of_a_case_reaches_the_result(skewed: Change) -> None:
    data = case_data(1)
    secret = "Hemlig Hemligsson"
    data["application"] |= {"channel": secret, "free_text": [{"field": "housing", "text": secret}]}
    data["application"]["costs"].append({"type": f"unknown:{secret}", "applied": "100.00"})
    data["application"]["incomes"].append({"type": f"unknown:{secret}", "recipient": "applicant", "net": "100.00", "paid_on": "2026-11-25"})
    for answer in data["registers"]:
        for payment in answer.get("payments", []):
            payment["benefit"] = secret
    number = data["application"]["household"]["members"][0]["personnummer"]

    told = json.dumps(as_data(compared(skewed, [parsed(data)])), ensure_ascii=False)

    assert "Kostnad utanför riktlinjerna" in told
    assert "Inkomst utanför listan" in told
    for private in (secret, number, data["application"]["case_id"]):
        assert private not in told


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({}, ("single", "0", "25-39", "woman", "e-service")),
        ({"woman": False, "channel": "paper", "born": "20030101"}, ("single", "0", "under_25", "man", "paper")),
        ({"children": 3, "channel": None}, ("single_with_children", "3", "25-39", "woman", "unknown")),
        ({"couple": True, "children": 5, "channel": "fax"}, ("couple_with_children", "4_or_more", "25-39", "woman", "other")),
        ({"couple": True, "born": "19611201"}, ("couple", "0", "65_and_over", "woman", "e-service")),
        ({"couple": True, "born": "19611202"}, ("couple", "0", "55-64", "woman", "e-service")),
    ],
)
def test_a_case_stands_in_one_group_of_each_kind(described: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert tuple(code for _, code in groups_of(case(1, **described))) == expected


def test_what_a_case_does_not_say_is_unknown() -> None:
    data = case_data(1)
    data["application"]["household"]["members"][0] |= {"personnummer": None}

    assert dict(groups_of(parsed(data))) == {
        Dimension.HOUSEHOLD: "single",
        Dimension.CHILDREN: "0",
        Dimension.AGE: "unknown",
        Dimension.SEX: "unknown",
        Dimension.CHANNEL: "e-service",
    }


def test_a_group_of_four_is_hidden_whole_and_a_group_of_five_is_not(skewed: Change) -> None:
    fours = [case(number) for number in range(4)]
    fives = [case(10 + number, couple=True) for number in range(5)]
    sixes = [case(20 + number, children=1) for number in range(6)]

    result = compared(skewed, fours + fives + sixes, small_groups=False)

    found = {group.code: group.figures for group in result.of(Dimension.HOUSEHOLD)}
    assert found["single"] is Hidden.FEW
    assert found["couple"] is Hidden.PROTECTS, "shown, it would give the four away: all cases less the others"
    assert isinstance(found["single_with_children"], Figures)


def test_money_of_fewer_than_five_cases_is_hidden_in_a_larger_group(skewed: Change) -> None:
    known = [case(number, internet="250.00") for number in range(4)]
    blank = [case(10 + number, rent="6000.00", rent_before="5000.00") for number in range(6)]

    result = compared(skewed, known + blank, small_groups=False)

    assert isinstance(result.whole, Figures)
    assert (result.whole.cases, result.whole.compared, result.whole.difference) == (10, 4, Hidden.FEW)
    assert result.whole.left_before == Left(6, Ore(3_600_000))


def test_fewer_than_five_cases_in_all_show_nothing(skewed: Change) -> None:
    data = as_data(compared(skewed, [case(number, rent="6000.00", rent_before="5000.00") for number in range(4)], small_groups=False))

    assert data["all"] == {"hidden": "färre än 5"}
    assert all(group.keys() == {"group", "label", "hidden"} for groups in data["groups"].values() for group in groups)
    assert data["need_not_known"] == [
        {
            "reason": "Hyra: ändrad med mer än 12 % sedan förra månaden",
            "before": {"hidden": "färre än 5"},
            "after": {"hidden": "färre än 5"},
        }
    ]


def test_the_json_has_no_float_and_amounts_as_decimal_strings(skewed: Change) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"a float: {text}")

    text = json.dumps(as_data(compared(skewed, [parsed(data) for data in town()])))
    data = json.loads(text, parse_float=refuse)

    assert data["all"]["difference"]["total"] == "-1500.00"
    assert data["all"]["left_to_caseworker"] == {"before": {"cases": 0, "amount": "0.00"}, "after": {"cases": 6, "amount": "54000.00"}}
    assert data["after"]["municipality"] == "Snålby (påhittad)"


def test_the_order_of_the_cases_makes_no_difference(skewed: Change) -> None:
    rows: list[Row] = [compare_case(parsed(data), skewed) for data in town()]

    assert as_data(compare(rows, skewed)) == as_data(compare(rows[::-1], skewed))


def test_the_example_town_in_the_docs_is_the_one_described_here() -> None:
    lines = (Path(__file__).parents[2] / "docs" / "examples" / "compare-cases.jsonl").read_text("utf-8").splitlines()

    assert [json.loads(line) for line in lines] == town()


def test_a_row_kept_in_little_memory_is_the_same_row(skewed: Change) -> None:
    shared = Shared()
    rows = [compare_case(parsed(case_data(number)), skewed) for number in (1, 3)]
    kept = [shared.row(row) for row in rows]

    assert kept == rows
    assert kept[0].groups is kept[1].groups
