"""Rulebooks for scenarios: the made-up municipality's, and copies of it with one value changed."""

from __future__ import annotations

from pathlib import Path

from scenario_cases import case_file
from scenario_checks import differences
from scenario_files import Scenario

import rules
from rules import Rulebook, assess
from rules.assessment import Assessment

GUIDELINES = Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml"


def changed(source: Path, target: Path, old: str, new: str) -> Path:
    """Write a copy of a file with one piece of text, which must be there exactly once, replaced."""
    text = source.read_text("utf-8")
    assert text.count(old) == 1, f"{source.name} does not have this exactly once: {old}"
    target.write_text(text.replace(old, new), "utf-8")
    return target


def assessed(scenario: Scenario, book: Rulebook) -> Assessment:
    """Return what the rules give for a scenario's facts."""
    file, hand_over = case_file(scenario.facts)
    return assess(file, book, hand_over=hand_over)


def outcome(scenario: Scenario, book: Rulebook) -> list[str]:
    """Return what does not come out as the scenario says."""
    return differences(scenario.expected, assessed(scenario, book))
