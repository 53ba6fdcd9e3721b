"""Every scenario comes out as its file says, every flag has one scenario where it is raised and one where it nearly is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from scenario_books import GUIDELINES, changed, outcome
from scenario_checks import sums
from scenario_files import FOLDER, Scenario, guideline_variants, scenarios

from rules import Rulebook, load_rulebook
from rules.flagging import read_catalogue

BY_ID = {one.id: one for one in scenarios()}
RAISED_ELSEWHERE = {
    "case_system.draft_differs",  # the worker compares the case system's own calculation with the robot's
}
AT_LEAST = 200
LONGEST_FILE = 400
Books = Callable[[str | None], Rulebook]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Return the rulebook of the made-up municipality, or of a named variant of its guidelines."""
    folder = tmp_path_factory.mktemp("variants")

    @cache
    def book(variant: str | None) -> Rulebook:
        if variant is None:
            return load_rulebook(GUIDELINES)
        change = guideline_variants()[variant]
        return load_rulebook(changed(GUIDELINES, folder / f"{variant}.yaml", change["old"], change["new"]))

    return book


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_the_scenario_comes_out_as_it_says(scenario: Scenario, books: Books) -> None:
    wrong = outcome(scenario, books(scenario.guidelines))

    if wrong:
        words = [f"{scenario.id} ({scenario.file})", scenario.situation, scenario.rule, f"Källa: {scenario.source}"]
        pytest.fail("\n".join((*words, *wrong)), pytrace=False)


def test_there_are_enough_scenarios_and_each_has_a_name_of_its_own() -> None:
    assert len(scenarios()) >= AT_LEAST
    assert len(BY_ID) == len(scenarios())


def test_every_file_can_be_read_at_one_sitting() -> None:
    for path in sorted(FOLDER.rglob("*.yaml")):
        assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE, path.name


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_the_scenario_says_in_words_what_and_why_and_adds_up(scenario: Scenario) -> None:
    for text in (scenario.situation, scenario.rule):
        assert text[0].isupper() or text[0].isdigit(), text
        assert text.endswith("."), text
    assert scenario.source
    if "sums" in scenario.expected:
        sums(scenario.expected["sums"])


def raised(scenario: Scenario) -> set[str]:
    return {flag.partition(" ")[0] for flag in scenario.expected.get("flags", ())}


def test_every_flag_has_a_scenario_that_raises_it() -> None:
    never = set(read_catalogue().specs) - RAISED_ELSEWHERE - {code for one in scenarios() for code in raised(one)}

    assert not never


def test_every_flag_has_a_scenario_that_just_does_not_raise_it() -> None:
    always = set(read_catalogue().specs) - RAISED_ELSEWHERE - {code for one in scenarios() for code in one.just_not}

    assert not always


def test_a_scenario_names_only_flags_that_there_are_and_never_says_both() -> None:
    known = set(read_catalogue().specs)
    for one in scenarios():
        assert raised(one) | set(one.just_not) <= known, one.id
        assert not raised(one) & set(one.just_not), one.id


def test_no_flag_that_the_rules_cannot_raise_is_excused_twice() -> None:
    assert set(read_catalogue().specs) >= RAISED_ELSEWHERE
    assert not RAISED_ELSEWHERE & {code for one in scenarios() for code in raised(one)}


def test_every_reason_for_a_blank_line_has_a_scenario_that_leaves_it_blank_and_one_that_does_not() -> None:
    blank = {
        str(line).split(" ")[-1] for one in scenarios() for line in one.expected.get("lines", {}).values() if line.startswith("blank ")
    }
    not_blank = {code for one in scenarios() for code in one.just_not}

    assert blank == BLANK_REASONS
    assert blank <= not_blank


BLANK_REASONS = {
    "norm.left_to_caseworker",
    "case.civil_status_unknown",
    "case.no_co_applicant",
    "case.others_in_home",
    "case.unrecognised",
    "cost.changed",
    "cost.duplicate",
    "cost.history_unknown",
    "cost.left_to_caseworker",
    "cost.new",
    "cost.over_cap",
    "cost.proof_needed",
    "cost.unreadable",
    "income.child",
    "income.contradiction",
    "income.correction",
    "income.currency",
    "income.differs",
    "income.jobbstimulans_unknown",
    "income.left_to_caseworker",
    "income.mixed_rows",
    "income.month_before",
    "income.no_currency",
    "income.off_list",
    "income.perhaps_same",
    "income.unreadable",
    "income.wrong_month",
    "norm.age_unknown",
    "norm.born_in_month",
    "norm.days_unknown",
    "norm.lunch_unknown",
    "norm.members_unknown",
    "norm.no_amounts",
    "norm.own_household",
    "norm.youth_unknown",
    "register.incomplete",
    "register.unavailable",
    "sum.parameter_missing",
}
