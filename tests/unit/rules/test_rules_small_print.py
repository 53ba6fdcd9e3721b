"""What stands behind a line, where it is seldom looked at: its sentence, the parameters used, the bounds of a rare blank."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules import Rulebook, RulebookError, assess
from rules.assessment import Assessment, Line
from rules.context import birth_date
from rules.costs import CostFacts, CostTerms, other_support
from rules.facts import CaseFile, Member
from rules.income_rules import Earned, child_earnings
from rules.labels import asset, cost, field, income, person, short, source, the_person
from rules.legal import CaseTime
from rules.money import ZERO, Ore
from rules.month import Month
from rules.norm import NormTable
from rules.strict_yaml import MAX_FILE_BYTES, Place, read_file
from rules.words import FILE as WORDS
from rules.words import read_words

MEMBERS = "application/household/members"
SWISH_IGNORED = "swish: {origin: application, unit: handling, values: {2025-01: {value: ignore,"
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


def test_a_text_from_outside_is_one_line_of_at_most_eighty_characters() -> None:
    assert short("  en \n rad\t") == "en rad"
    assert short("x" * 80) == "x" * 80
    assert short("x" * 81) == "x" * 79 + "…"
    assert short("x" * 78 + " y" * 9) == "x" * 78 + "…"


@pytest.mark.parametrize(
    ("number", "born"),
    [
        ("201512113396", date(2015, 12, 11)),
        ("201512313390", date(2015, 12, 31)),
        ("201512613398", date(2015, 12, 1)),
        ("201512713396", date(2015, 12, 11)),
        ("201512913390", date(2015, 12, 31)),
        ("201512323390", None),
        ("201512923390", None),
        ("201512603390", None),
        ("201513113390", None),
    ],
)
def test_the_date_of_birth_is_read_from_every_digit_of_the_number(number: str, born: date | None) -> None:
    assert birth_date(Member(ref="child-1", role="child", personnummer=number)) == born
    assert birth_date(Member(ref="child-1", role="child", personnummer=number, birth_date=date(2016, 1, 2))) == date(2016, 1, 2)


def test_a_number_that_cannot_be_right_is_named_with_its_person(assess_with: Callable[..., Assessment]) -> None:
    found = assess_with({f"{MEMBERS}/co_applicant/personnummer": "199102022391"}).flags
    flag = next(flag for flag in found if flag.code == "case.unrecognised")

    assert (flag.key, flag.person) == ("co_applicant.personnummer", "co_applicant")
    assert flag.text.endswith("personnummer, medsökande")


def test_two_rows_of_one_kind_last_month_are_one_sum(assess_with: Callable[..., Assessment]) -> None:
    rows = [{"type": "rent", "approved": "4000.00"}, {"type": "electricity", "approved": "450.00"}, {"type": "rent", "approved": "2900.00"}]
    found = line(assess_with({"history/previous_calculation/costs": rows}), "cost.rent")

    assert (found.amount, found.previous) == (690_000, 690_000)


def test_a_counted_income_keeps_the_time_it_covers(assess_with: Callable[..., Assessment]) -> None:
    counted = {one.line: one for one in assess_with().counted_incomes}
    housing = counted["income.Bostadsbidrag.applicant"]

    assert (housing.covers_from, housing.covers_to, housing.declared) == (date(2026, 11, 1), date(2026, 11, 30), False)
    assert (counted["income.salary.applicant"].covers_from, counted["income.salary.applicant"].covers_to) == (None, None)
    assert counted["income.salary.applicant"].declared


def test_what_was_not_asked_is_told_apart_from_what_was_asked_and_not_answered(
    case_with: Callable[..., CaseFile], load: Callable[[str, str], Rulebook]
) -> None:
    book = load("value: [FK, PM, SO, CSN, AF, SKV, TNS, MIV]", "value: [FK, PM, SO, CSN, AF, SKV]")
    case = case_with()
    without_pm = tuple(one for one in case.registers if one.source not in ("PM", "MIV"))
    checks = {(one.person, one.source): one for one in assess(case.model_copy(update={"registers": without_pm}), book).checks}

    assert [(checks["applicant", source].asked, checks["applicant", source].done) for source in ("FK", "PM", "TNS", "MIV")] == [
        (True, True),
        (True, False),
        (True, True),
        (False, False),
    ]
    assert checks["applicant", "PM"].at is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "made.yaml: is empty"),
        (b"# only this\n", "made.yaml: is empty"),
        (b"a: \xff\n", "made.yaml: is not UTF-8"),
        (b"a: 1\nb: [\n", "made.yaml:3: is not YAML that can be used: "),
        (b"a: &x 1\nb: *x\n", "made.yaml:2: is not YAML that can be used: an alias is not allowed: write the value out"),
        (b"a: \x01\n", "made.yaml: is not YAML that can be used"),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "made.yaml:4: b.c: the key stands twice"),
        (b"? [c]\n: 1\n", "made.yaml:1: a key must be plain text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_line_and_key(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)

    with pytest.raises(RulebookError) as refused:
        _everything(read_file(path, "made.yaml")[0])

    assert str(refused.value).startswith(message)
    assert message.endswith(": ") or str(refused.value) == message


def test_a_file_that_is_missing_or_too_large_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulebookError) as missing:
        read_file(tmp_path / "none.yaml", "made.yaml")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(RulebookError) as too_large:
        read_file(large, "made.yaml")
    large.write_bytes(b"a: 1 " + b"#" * (MAX_FILE_BYTES - 5))

    assert str(missing.value) == "made.yaml: cannot be read (No such file or directory)"
    assert (missing.value.file, missing.value.line, missing.value.key) == ("made.yaml", None, "")
    assert str(too_large.value) == f"made.yaml: is larger than {MAX_FILE_BYTES} bytes"
    assert list(read_file(large, "made.yaml")[0].table()) == ["a"]


def _everything(place: Place) -> None:
    for part in place.table().values():
        if isinstance(part.node, yaml.MappingNode):
            _everything(part)


def test_a_list_of_words_without_phrases_finds_its_words_only(tmp_path: Path) -> None:
    text = WORDS.read_text("utf-8")
    begins = text.index("case.debt:")
    block = text[begins:]
    only = 'case.debt:\n  source: "made up"\n  words: [skuld]\n  phrases: []\n  unless: []\n'
    rest = re.search(r"\n(?=[a-z_.]+:\n)", block)
    path = tmp_path / "words.yaml"
    path.write_text(text[:begins] + only + (block[rest.start() :] if rest else ""), "utf-8")
    words = read_words(path)

    assert words.flags_in(["Jag har en skuld."]) == ("case.debt",)
    assert words.flags_in(["Jag har en skuldsanering.", "Allt är bra.", " "]) == ()


def test_a_counted_income_keeps_its_part_and_type(assess_with: Callable[..., Assessment]) -> None:
    named = paid("Bostadsbidrag", "1850.00") | {"part": "Umgängesbidrag", "amount_type": "Periodisk"}
    counted = {one.line: one for one in assess_with({"registers/applicant.FK/payments": [named]}).counted_incomes}

    assert counted["income.Bostadsbidrag.applicant"].part == "Umgängesbidrag"
    assert counted["income.Bostadsbidrag.applicant"].amount_type == "Periodisk"
    assert (counted["income.salary.applicant"].part, counted["income.salary.applicant"].amount_type) == (None, None)


def test_an_income_that_is_declared_and_ignored_has_not_vanished(
    case_with: Callable[..., CaseFile], load: Callable[[str, str], Rulebook]
) -> None:
    book = load("swish: {origin: application, unit: handling, values: {2025-01: {value: count,", SWISH_IGNORED)
    last = {"type": "swish", "recipient": "applicant", "amount": "300.00"}
    facts = {"application/incomes/+": declared("swish", "300.00"), "history/previous_calculation/incomes/+": last}
    result, without = (assess(case_with(changes), book) for changes in (facts, {"history/previous_calculation/incomes/+": last}))

    assert ("income.vanished", "income.swish.applicant") not in {(flag.code, flag.key) for flag in result.flags}
    assert ("income.vanished", "income.swish.applicant") in {(flag.code, flag.key) for flag in without.flags}
    assert any("räknas inte enligt" in sentence for sentence in result.shown)
