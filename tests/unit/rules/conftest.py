"""The two example case files, and a way to change a few facts in one and assess it again."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rules import Rulebook, assess, load_rulebook
from rules.assessment import Assessment
from rules.facts import CaseFile

ROOT = Path(__file__).parents[3]
GUIDELINES = ROOT / "rules" / "guidelines" / "exempelkommun.yaml"
Changes = dict[str, Any]


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    """The rulebook with the made-up municipality's guidelines."""
    return load_rulebook(GUIDELINES)


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str, str], Rulebook]:
    """Load the guidelines with one piece of text replaced by another."""

    def changed(old: str, new: str) -> Rulebook:
        text = GUIDELINES.read_text("utf-8")
        assert old in text
        path = tmp_path / "riktlinjer.yaml"
        path.write_text(text.replace(old, new, 1), "utf-8")
        return load_rulebook(path)

    return changed


@pytest.fixture
def example() -> Callable[[str], dict[str, Any]]:
    """Return an example case file as plain data: 'complete' or 'blanks'."""

    def read(name: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((ROOT / "docs" / "examples" / f"case-{name}.json").read_text("utf-8"))
        return data

    return read


@pytest.fixture
def document_with(example: Callable[[str], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return an example as plain data with changes: {'application/costs/electricity/applied': '650.00'}.

    A step into a list is a number, or a ref, type or person.SOURCE that one element has; `+` at the end appends.
    """

    def make(changes: Changes | None = None, base: str = "complete") -> dict[str, Any]:
        data = example(base)
        for path, value in (changes or {}).items():
            _put(data, path.split("/"), copy.deepcopy(value))
        return data

    return make


@pytest.fixture
def case_with(document_with: Callable[..., dict[str, Any]]) -> Callable[..., CaseFile]:
    """Make a case file of the complete example with changes, as `document_with` takes them."""

    def make(changes: Changes | None = None, base: str = "complete") -> CaseFile:
        return CaseFile.model_validate_json(json.dumps(document_with(changes, base)))

    return make


@pytest.fixture
def assess_with(case_with: Callable[..., CaseFile], rulebook: Rulebook) -> Callable[..., Assessment]:
    """Assess the complete example with changes."""

    def make(changes: Changes | None = None, base: str = "complete", *, hand_over: bool = False) -> Assessment:
        return assess(case_with(changes, base), rulebook, hand_over=hand_over)

    return make


def _put(data: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        data = _into(data, step)
    last = steps[-1]
    if isinstance(data, list) and last == "+":
        data.append(value)
    elif isinstance(data, list):
        data[data.index(_into(data, last))] = value
    else:
        data[last] = value


def _into(data: Any, step: str) -> Any:
    if isinstance(data, dict):
        return data.setdefault(step, {})
    if step.lstrip("-").isdigit():
        return data[int(step)]
    for one in data:
        if step in (one.get("ref"), one.get("type"), f"{one.get('person')}.{one.get('source')}"):
            return one
    raise KeyError(step)
