"""docs/guidelines.md lists exactly the keys and values that the loader accepts; each open term can be left to the caseworker."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rules import Rulebook, RulebookError, guideline_file
from rules.facts import SOURCES
from rules.guideline_values import CASEWORKER

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "guidelines.md").read_text("utf-8")
GUIDELINES = (ROOT / "rules" / "guidelines" / "exempelkommun.yaml").read_text("utf-8")
LEFT_OPEN_BY_LAW = ("part_month_divisor", "quotient_rounding", "age_on", "part_month_child_in_common_costs")


def rows(heading: str) -> dict[str, list[str]]:
    """Return the table under a heading: first cell -> the others."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def old_value(key: str) -> str:
    found = re.search(rf"(?m)^  {key}:.*\n(?:    .*\n)*?    values: (\{{2025-01: \{{value: (?:\[.*?\]|\w+))", GUIDELINES)
    assert found is not None, key
    return f"  {key}:{GUIDELINES[found.start() : found.end(1)].split(f'{key}:', 1)[1]}"


def refused(load: Callable[[str, str], Rulebook], key: str, value: str) -> str:
    old = old_value(key)
    with pytest.raises(RulebookError) as caught:
        load(old, old[: old.rindex("{value: ")] + "{value: " + value)
    return caught.value.problem


def test_the_page_lists_every_setting_and_no_other() -> None:
    required = {key for key, cells in rows("Settings").items() if "optional" not in cells[0]}

    assert required == set(guideline_file.SETTINGS)
    assert set(rows("Settings")) - required == set(guideline_file.OPTIONAL_SETTINGS)


def test_the_page_lists_every_statement_and_no_other() -> None:
    assert set(rows("Statements")) == set(guideline_file.STATEMENTS)
    assert all("optional" in cells[0] for cells in rows("Statements").values())


@pytest.mark.parametrize("key", [key for key, cells in rows("Settings").items() if not cells[0].startswith("list")])
def test_the_page_gives_the_values_that_the_loader_allows(key: str, load: Callable[[str, str], Rulebook]) -> None:
    allowed = rows("Settings")[key][0]

    if allowed.startswith("`"):
        assert refused(load, key, "nonsense").endswith("one of: " + allowed.replace("`", ""))
    else:
        assert refused(load, key, "1000001") == f"must be from {allowed}"


def test_the_page_names_every_source_that_may_be_asked(load: Callable[[str, str], Rulebook]) -> None:
    assert tuple(re.findall(r"`(\w+)`", rows("Settings")["registers_asked"][0])) == SOURCES
    assert "`NAV` is not allowed" in refused(load, "registers_asked", "[NAV]")


@pytest.mark.parametrize("key", LEFT_OPEN_BY_LAW)
def test_a_term_that_the_law_leaves_open_can_be_left_to_the_caseworker(key: str, load: Callable[[str, str], Rulebook]) -> None:
    old = old_value(key)
    book = load(old, old[: old.rindex("{value: ")] + f"{{value: {CASEWORKER}")

    assert getattr(book.guidelines, key).latest == CASEWORKER


def test_every_handling_of_a_cost_stands_on_the_page_with_what_it_needs(load: Callable[[str, str], Rulebook]) -> None:
    handlings = rows("Costs")
    old = "{handling: caseworker}, source"

    with pytest.raises(RulebookError) as caught:
        load(old, "{handling: nonsense}, source")
    assert caught.value.problem.endswith("one of: " + ", ".join(handlings))
    for handling, (needed, _) in handlings.items():
        with pytest.raises(RulebookError) as caught:
            load(old, f"{{handling: {handling}, unheard: of}}, source")
        assert all(key in caught.value.problem for key in re.findall(r"`(\w+)`", needed))


@pytest.mark.parametrize("name", ["signatures_required", "lunch_elsewhere"])
def test_a_statement_that_cannot_be_made_is_left_out(name: str, tmp_path: Path) -> None:
    text = re.sub(rf"(?m)^  {name}:.*\n(?:    .*\n)+", "", GUIDELINES)
    assert f"  {name}:" not in text
    (tmp_path / "riktlinjer.yaml").write_text(text, "utf-8")

    guidelines = guideline_file.read_guidelines(tmp_path / "riktlinjer.yaml")

    assert getattr(guidelines, name).values == ()


def test_every_cost_that_an_application_may_have_stands_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.split("One row for each kind of cost:")[1].split("**")[0]))

    assert named == set(re.findall(r"(?m)^  (\w+):", GUIDELINES.split("\ncosts:\n")[1].split("\nincomes:")[0]))
