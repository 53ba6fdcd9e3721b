"""The rulebook's files and rules: read strictly, with file, line, key and what is allowed in every message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from rules import Rulebook, RulebookError, load_rulebook
from rules.dated import Series, read_series
from rules.flagging import read_catalogue
from rules.legal import CaseTime, Rule, RuleConflictError, all_versions, before, for_months_since, rule, since
from rules.month import Month
from rules.strict_yaml import MAX_FILE_BYTES, Place, read_file

GUIDELINES = Path(__file__).parents[3] / "rules" / "guidelines" / "exempelkommun.yaml"


def line_of(text: str) -> int:
    return GUIDELINES.read_text("utf-8").split(text)[0].count("\n") + 1


THRESHOLD = '{value: 12, source: "Påhittade riktlinjer 2.1"}'
AT = "settings.change_threshold.values.2025-01"
CAPS = "cap: {1: 6500, 2: 7500, 3: 8200, 4: 9200, 5: 10200, 6: 11000, 7: 11800}"
ROW = 'unit: handling, values: {2025-01: {value: count, source: "x"}}'
BENEFIT = "  Bostadsbidrag: {origin: FK, unit"
VACATION = "value: [6, 7, 8]"


def parts(content: str) -> str:
    """Give the benefit rows for its parts; ROW stands for a row's unit and values."""
    return f"  Bostadsbidrag: {{origin: FK, parts: [{content.replace('ROW', ROW)}], unit"


MISTAKES = [
    # what, old, new, key, problem
    ("an unknown key", "need_limit:", "need_limits:", "settings.need_limits", "unknown key; allowed here: change_threshold"),
    ("a key twice", "  need_limit:", "  change_threshold:", "settings.change_threshold", "the key stands twice"),
    ("a float", THRESHOLD, '{value: 12.5, source: "x"}', f"{AT}.value", "`12.5` is not a whole number; floats are not allowed"),
    ("a value without source", THRESHOLD, "{value: 12}", AT, "`source` is missing"),
    ("a number too large", "{value: 12, source", "{value: 101, source", f"{AT}.value", "must be from 0 to 100"),
    ("a text for a number", "{value: 12, source", '{value: "12", source', f"{AT}.value", "`12` is not a whole number"),
    ("on for text", "unit: percent", "unit: on", "settings.change_threshold.unit", "`on` is not text; write text in quotes"),
    (
        "no for a choice",
        "proof: not_needed",
        "proof: no",
        "costs.rent.values.2025-01.value.proof",
        "`no` is not allowed; one of: needed, not_needed",
    ),
    (
        "an unknown handling",
        "value: count",
        "value: maybe",
        "incomes.Bostadsbidrag.values.2025-01.value",
        "one of: count, ignore, caseworker",
    ),
    (
        "an unknown source in a list",
        "origin: FK",
        "origin: [FK, NAV]",
        "incomes.Bostadsbidrag.origin[1]",
        "one of: FK, PM, SO, CSN, application",
    ),
    ("a source twice", "origin: FK", "origin: [FK, FK]", "incomes.Bostadsbidrag.origin", "several that stand once each"),
    ("no source", "origin: FK", "origin: []", "incomes.Bostadsbidrag.origin", "must be one source"),
    ("an unknown source of payments", "origin: FK", "origin: NAV", "incomes.Bostadsbidrag.origin", "one of: FK, PM, SO, CSN, application"),
    ("an unknown register", "[FK, PM, SO", "[FK, NAV, SO", "settings.registers_asked.values.2025-01.value[1]", "`NAV` is not allowed"),
    ("a register twice", "[FK, PM, SO", "[FK, FK, SO", "settings.registers_asked.values.2025-01.value", "a source stands twice"),
    (
        "a gap in the sizes",
        "{1: 6500, 2: 7500",
        "{1: 6500, 22: 7500",
        "costs.rent.values.2025-01.value.cap",
        "must be one amount, or amounts for households of 1, 2, 3",
    ),
    (
        "a cap without proof",
        "cap: 250, proof: not_needed",
        "cap: 250",
        "costs.home_insurance.values.2025-01.value",
        "with `handling: cap` there must be: cap, proof",
    ),
    (
        "a month that is none",
        "values: {2025-01: {value: 12",
        "values: {2025-13: {value: 12",
        "settings.change_threshold.values.2025-13",
        "a month is written YYYY-MM",
    ),
    (
        "until before since",
        'until: 2026-12, source: "Påhittade riktlinjer 5.7"',
        'until: 2024-12, source: "x"',
        "costs.internet.values.2025-01.until",
        "is before the value's own first month, 2025-01",
    ),
    ("an alias", "values: {2025-01: {value: [1, 5]", "values: {2025-01: &one {value: *one", "", "an alias is not allowed"),
    ("ages the wrong way about", "[1, 5]", "[5, 1]", "statements.lunch_elsewhere.values.2025-01.value", "must be two ages, first and last"),
    (
        "no value at all",
        'values: {2025-01: {value: 12, source: "Påhittade riktlinjer 2.1"}}',
        "values: {}",
        "settings.change_threshold.values",
        "at least one value is needed",
    ),
    (
        "a list for a mapping",
        'municipality: {name: "Exempelkommun (påhittad)", status: made_up}',
        "municipality: []",
        "municipality",
        "must be a mapping",
    ),
    ("three ages", "[1, 5]", "[1, 3, 5]", "statements.lunch_elsewhere.values.2025-01.value", "must be two ages, first and last"),
    ("an age above twenty", "[1, 5]", "[1, 21]", "statements.lunch_elsewhere.values.2025-01.value[1]", "must be from 0 to 20"),
    ("no list of sources", "[FK, PM, SO, CSN, AF, SKV, TNS, MIV]", "FK", "settings.registers_asked.values.2025-01.value", "must be a list"),
    ("a ground without refusal", "{handling: caseworker}", "{handling: caseworker, ground: x}", "costs.dental_acute", "nothing else"),
    ("a refusal without ground", ', ground: "Sjukresor ersätts av regionen"', "", "costs.travel_medical", "there must be: ground"),
    ("a cap in kronor and öre", "cap: 250", "cap: 250.50", "costs.home_insurance.values.2025-01.value.cap", "floats are not allowed"),
    ("a cap below nothing", "cap: 250", "cap: -250", "costs.home_insurance.values.2025-01.value.cap", "must be from 0 to 1000000"),
    ("no cap for any size", CAPS, "cap: {}", "costs.rent.values.2025-01.value.cap", "must be one amount, or amounts for households"),
    (
        "age of proof without proof",
        "cap: 250, proof: not_needed",
        "cap: 250, proof: not_needed, proof_within_days: 90",
        "costs.home_insurance.values.2025-01.value.proof_within_days",
        "has a meaning only with `proof: needed`",
    ),
    ("a part of no kind", BENEFIT, parts("{ROW}"), "incomes.Bostadsbidrag.parts[0]", "`part` or `amount_type` is needed"),
    (
        "a part twice",
        BENEFIT,
        parts("{part: Retro, ROW}, {part: Retro, ROW}"),
        "incomes.Bostadsbidrag.parts[1]",
        "the same part and amount type stand twice",
    ),
    ("parts that are no list", BENEFIT, parts("").replace("[]", "Retro"), "incomes.Bostadsbidrag.parts", "must be a list"),
    ("a month twice", VACATION, "value: [6, 6]", "settings.student_vacation_months.values.2025-01.value", "a month stands twice"),
    ("a thirteenth month", VACATION, "value: [13]", "settings.student_vacation_months.values.2025-01.value[0]", "must be from 1 to 12"),
    (
        "a name that is no text",
        "{maintenance: Underhållsstöd,",
        "{maintenance: [],",
        "same_income.values.2025-01.value.maintenance",
        "must be text",
    ),
    ("a mapping for a choice", "proof: not_needed}", "proof: {}}", "costs.rent.values.2025-01.value.proof", "must be one of: needed"),
    ("a list for a number", "{value: 12, source", "{value: [12], source", f"{AT}.value", "must be a whole number"),
    ("a list for a month", "until: 2026-12,", "until: [2026-12],", "costs.internet.values.2025-01.until", "must be a month, YYYY-MM"),
    (
        "a number of months that is none",
        "until: 2026-12,",
        "until: 2026-00,",
        "costs.internet.values.2025-01.until",
        "a month is written YYYY-MM",
    ),
    ("nobody's guidelines", 'name: "Exempelkommun (påhittad)", ', "", "municipality", "`name` is missing"),
    ("guidelines neither adopted nor made up", "status: made_up", "status: draft", "municipality.status", "one of: made_up, adopted"),
    ("a part of the file missing", "\nsame_income:", "\nsame_incomes:", "same_incomes", "unknown key; allowed here: municipality"),
    ("an empty source", THRESHOLD, '{value: 12, source: " "}', f"{AT}.source", "must not be empty"),
    ("a source that waits to be decided", THRESHOLD, "{value: 12, source: CHANGE ME}", f"{AT}.source", "is not decided yet"),
    ("a status that is not this file's", "{value: 12, source", "{value: 12, status: adopted, source", f"{AT}.status", "one of: made_up"),
]


@pytest.mark.parametrize(("what", "old", "new", "key", "problem"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_gives_file_line_key_and_what_is_allowed(
    *, what: str, old: str, new: str, key: str, problem: str, load: Callable[[str, str], Rulebook]
) -> None:
    with pytest.raises(RulebookError) as caught:
        load(old, new)

    message = str(caught.value)
    assert message.startswith("riktlinjer.yaml:")
    assert caught.value.line is not None
    assert key in message
    assert problem in message


def test_the_line_is_the_line_of_the_mistake(load: Callable[[str, str], Rulebook]) -> None:
    with pytest.raises(RulebookError) as caught:
        load("proof: not_needed", "proof: no")

    assert caught.value.line == line_of("proof: not_needed}")


def test_two_values_for_one_month_are_an_overlap(load: Callable[[str, str], Rulebook]) -> None:
    old = 'values: {2025-01: {value: 12, source: "Påhittade riktlinjer 2.1"}}'
    first = '2025-01: {value: 12, until: 2026-06, source: "x"}'

    with pytest.raises(RulebookError, match="overlaps the value from 2025-01, which holds until 2026-06"):
        load(old, f'values: {{{first}, 2026-06: {{value: 15, source: "y"}}}}')
    changed = load(old, f'values: {{{first}, 2026-08: {{value: 15, source: "y"}}}}').guidelines.change_threshold
    assert [month and month.value for month in (changed.at(Month(2026, 6)), changed.at(Month(2026, 7)), changed.at(Month(2026, 8)))] == [
        12,
        None,
        15,
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"a: [", "is not YAML that can be used"),
        (b"a: \xff", "is not UTF-8"),
        (b"a: b\n" * MAX_FILE_BYTES, "is larger than"),
        (b"- a", "must be a mapping"),
        (b"a: \x00", "is not YAML that can be used"),
        (b"a: *gone", "an alias is not allowed"),
        (b"? [a]\n: b", "a key must be plain text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_rulebook_is_refused_in_words(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)

    with pytest.raises(RulebookError, match=problem):
        load_rulebook(path)


def test_a_file_that_is_missing_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match=r"gone\.yaml: cannot be read \(No such file or directory\)"):
        load_rulebook(tmp_path / "gone.yaml")


def test_words_that_yaml_would_turn_into_something_else_are_keys_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("on: a\nno: b\n1.5: c\n", "utf-8")

    assert list(read_file(path, "x")[0].table()) == ["on", "no", "1.5"]


def test_the_guidelines_are_marked_as_made_up_in_every_trace(rulebook: Rulebook) -> None:
    assert rulebook.guidelines.status == "made_up"
    assert "påhittad" in rulebook.guidelines.municipality
    threshold = rulebook.guidelines.change_threshold.at(Month(2026, 12))
    assert threshold is not None
    assert threshold.used().status == "made_up"


def test_what_others_need_of_the_guidelines_is_there(rulebook: Rulebook) -> None:
    guidelines = rulebook.guidelines

    assert guidelines.control_sample_percent(Month(2026, 12)) == 5
    assert guidelines.income_month_complete_day(Month(2026, 12)) == 28
    assert guidelines.registers_asked == ("FK", "PM", "SO", "CSN", "AF", "SKV", "TNS", "MIV")
    assert guidelines.lifecare_income_names["A-kassa"] == "Arbetslöshetsersättning"
    assert guidelines.lifecare_cost_names["Hyra"] == "rent"
    assert set(guidelines.lifecare_income_names.values()) <= set(guidelines.incomes)
    assert set(guidelines.lifecare_cost_names.values()) == set(guidelines.costs)


def test_a_row_for_part_of_a_benefit_goes_before_the_benefits_own(load: Callable[[str, str], Rulebook]) -> None:
    old = "  Sjukpenning: {origin: FK, unit: handling, values:"
    parts = """parts: [
      {part: Retro, unit: handling, values: {2025-01: {value: caseworker, source: "x"}}},
      {part: Retro, amount_type: Skatt, unit: handling, values: {2025-01: {value: ignore, source: "x"}}}], values:"""
    guidelines = load(old, old.replace("values:", parts)).guidelines

    def handling(part: str | None, amount_type: str | None) -> str | None:
        found = guidelines.income_at("Sjukpenning", Month(2026, 12), part, amount_type)
        return found.value if found else None

    assert [handling(None, None), handling("Månad", None), handling("Retro", "Netto"), handling("Retro", "Skatt")] == [
        "count",
        "count",
        "caseworker",
        "ignore",
    ]


def test_a_change_anywhere_in_the_rulebook_changes_its_hash(load: Callable[[str, str], Rulebook], rulebook: Rulebook) -> None:
    same = load("need_limit:", "need_limit:")
    other = load("value: 20000", "value: 20001")

    assert same.hash == rulebook.hash
    assert other.hash != rulebook.hash
    assert other.law.hash == rulebook.law.hash


def test_a_flag_text_may_only_be_filled_in_with_what_rules_give(tmp_path: Path) -> None:
    path = tmp_path / "flags.yaml"
    path.write_text('a.b: {severity: info, group: info, text: "{name}"}', "utf-8")

    with pytest.raises(RulebookError, match="only these may be filled in: amount, label, month, percent, previous, source"):
        read_catalogue(path)


def test_every_stop_has_one_and_the_same_text(rulebook: Rulebook) -> None:
    assert {spec.text for spec in rulebook.flags.specs.values() if spec.severity == "stop"} == {"Ärendet handläggs manuellt"}


def test_the_version_follows_the_month_and_the_day_received() -> None:
    made: Rule[[], str] = Rule("example")
    made.add("old", before(2027, 1, 1), lambda: "old")
    made.add("new", since(2027, 1, 1), lambda: "new")

    def law(month: Month, received: date) -> str | None:
        found = made.at(CaseTime(month, received))
        return found.law if found else None

    assert law(Month(2026, 12), date(2026, 12, 31)) == "old"
    assert law(Month(2026, 12), date(2027, 1, 1)) == "new"
    assert law(Month(2027, 1), date(2026, 12, 20)) == "new"


def test_a_version_by_month_does_not_look_at_the_day_received() -> None:
    made: Rule[[], str] = Rule("example")
    made.add("law", for_months_since(2026, 10), lambda: "")

    assert made.at(CaseTime(Month(2026, 9), date(2026, 10, 2))) is None
    assert made.at(CaseTime(Month(2026, 10), date(2026, 9, 2))) is not None


def test_two_versions_that_would_judge_the_same_case_are_an_error_at_load() -> None:
    made: Rule[[], str] = Rule("example")
    made.add("first", since(2025, 7, 1).until(2026, 12, 31), lambda: "")

    with pytest.raises(RuleConflictError, match="second and first would judge the same case"):
        made.add("second", since(2026, 12, 31), lambda: "")
    with pytest.raises(RuleConflictError):
        made.add("by month", for_months_since(2030, 1), lambda: "")
    made.add("third", since(2027, 1, 1), lambda: "")


def test_two_rules_of_one_name_are_an_error_at_load() -> None:
    with pytest.raises(RuleConflictError, match="two rules named jobbstimulans"):

        @rule("law", in_force=since(2025, 7, 1))
        def jobbstimulans() -> None:
            """Nothing."""


def test_rules_that_make_lines_judge_every_case() -> None:
    always = {"riksnorm_adults", "riksnorm_child", "common_costs", "reasonable_cost", "other_support", "counted_income", "jobbstimulans"}
    always |= {"child_earnings", "child_income", "checked_register", "propose"}
    periods: dict[str, list[tuple[str, str]]] = {}
    for name, _, first, last in all_versions():
        periods.setdefault(name, []).append((first, last))

    for name in always:
        found = sorted(periods[name])
        assert found[0][0] == date.min.isoformat()
        assert found[-1][1] == date.max.isoformat()
        for (_, last), (first, _) in pairwise(found):
            assert date.fromisoformat(first).toordinal() == date.fromisoformat(last).toordinal() + 1


def test_a_series_never_lends_a_neighbours_value(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text('unit: kr\nvalues: {2026-01: {value: 5, until: 2026-12, source: "s"}}', "utf-8")
    series: Series[int] = read_series("x", read_file(path, "x")[0], Place.kronor, statuses=("verified",))

    assert [series.at(month) is None for month in (Month(2025, 12), Month(2026, 1), Month(2026, 12), Month(2027, 1))] == [
        True,
        False,
        False,
        True,
    ]
