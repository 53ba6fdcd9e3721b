"""The rule book's examples and words: every rule in force has an example, and proof says how recent it must be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from robot import rulebook_words as say
from robot.rulebook_examples import worked
from robot.rulebook_page import page_of
from robot.rulebook_texts import ExampleCase, ExampleText, read_texts
from rules import Rulebook, load_rulebook
from rules.guideline_values import CostRule
from rules.money import Ore
from rules.month import Month

DECEMBER, JANUARY_2027 = Month(2026, 12), Month(2027, 1)


@pytest.fixture(scope="module")
def book() -> Rulebook:
    """The rulebook with the made-up municipality's guidelines."""
    return load_rulebook(Path(__file__).resolve().parents[2] / "rules" / "guidelines" / "exempelkommun.yaml")


@pytest.mark.parametrize("month", [DECEMBER, JANUARY_2027], ids=str)
def test_every_rule_in_force_has_an_example(month: Month, book: Rulebook) -> None:
    assert not [rule.name for group in page_of(month, book).groups for rule in group.rules if not rule.examples]


@pytest.mark.parametrize(
    ("rule", "month", "words"),
    [
        ("fritidskort", DECEMBER, "550 kr den 20 november 2026 räknas inte"),
        ("student", DECEMBER, "Studier ska bedömas av handläggaren"),
        ("lawful_stay", JANUARY_2027, "Laglig vistelse i Sverige hela månaden ska kontrolleras"),
        ("deviation_from_norm", DECEMBER, "särskilda skäl i det enskilda fallet"),
        ("deviation_from_norm", JANUARY_2027, "riksnormen är ett tak"),
    ],
)
def test_an_example_shows_what_its_rule_is_about(rule: str, month: Month, words: str, book: Rulebook) -> None:
    results = [worked(example, month, book) for example in read_texts().rules[rule].examples]

    assert any(words in result.replace("\u00a0", " ") for result in results), results


def test_an_example_without_a_permit_shows_nothing_of_lawful_stay(book: Rulebook) -> None:
    without = ExampleText("Inget tillstånd är känt.", ExampleCase(), "flag:case.lawful_stay")

    assert worked(without, JANUARY_2027, book) == "Exemplet ger inget för den här månaden."


def test_how_recent_proof_must_be_is_said() -> None:
    rule = CostRule("cap", caps=(Ore(30_000),), proof_needed=True, proof_within_days=90)

    assert say.proof(rule) == "behövs, högst 90 dagar gammalt"
    assert say.proof(replace(rule, proof_within_days=None)) == "behövs"
    assert say.proof(replace(rule, proof_needed=False, proof_within_days=None)) == "behövs inte"
    assert say.proof(CostRule("caseworker")) == "–"
