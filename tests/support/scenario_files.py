"""Scenario files: cases in a short form that a caseworker can read, and what the rules must give for them.

Every value in the files is read as the text that stands there: `no` is a word and `6500.50` an amount in kronor, never a float.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "scenarios"
_REMOVED = "none"
_FILE_KEYS = {"group", "source", "scenarios"}
_SCENARIO_KEYS = {"id", "situation", "rule", "source", "base", "change", "guidelines", "expected", "just_not"}


class _Text(yaml.BaseLoader):
    """Texts, lists and mappings only; a key that stands twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"{self.name} line {node.start_mark.line + 1}: the same key twice: {', '.join(sorted(twice))}")
        return super().construct_mapping(node, deep)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One case: the situation and the rule in words, the facts in short form, and what must come out."""

    id: str
    group: str
    file: str
    situation: str
    rule: str
    source: str
    facts: Mapping[str, Any]
    guidelines: str | None
    expected: Mapping[str, Any]
    just_not: tuple[str, ...]


def read(path: Path) -> Any:
    """Return a file's content. Raises ValueError for a key that stands twice."""
    with path.open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader=_Text)


@cache
def base(name: str) -> Mapping[str, Any]:
    """Return the facts of a base case, in short form."""
    facts: Mapping[str, Any] = read(FOLDER / "bases" / f"{name}.yaml")["facts"]
    return facts


@cache
def guideline_variants() -> Mapping[str, Mapping[str, str]]:
    """Return what the named variants of the guidelines have in place of what."""
    found: Mapping[str, Mapping[str, str]] = read(FOLDER / "bases" / "guideline_variants.yaml")
    return found


def merge(facts: Any, change: Any) -> Any:
    """Return facts with a change laid over them: mappings are merged, everything else is replaced, and `none` takes away."""
    if not isinstance(facts, Mapping) or not isinstance(change, Mapping):
        return change
    merged = {**facts, **{key: merge(facts.get(key), value) for key, value in change.items()}}
    return {key: value for key, value in merged.items() if value != _REMOVED}


@cache
def scenarios() -> tuple[Scenario, ...]:
    """Return every scenario of the folder, file by file."""
    return tuple(one for path in sorted(FOLDER.glob("*.yaml")) for one in _of_file(path))


def _of_file(path: Path) -> list[Scenario]:
    content = read(path)
    _only(content, _FILE_KEYS, path.name)
    return [_scenario(path, content, raw) for raw in content["scenarios"]]


def _scenario(path: Path, content: Mapping[str, Any], raw: Mapping[str, Any]) -> Scenario:
    _only(raw, _SCENARIO_KEYS, f"{path.name}: {raw.get('id')}")
    return Scenario(
        id=raw["id"],
        group=content["group"],
        file=path.name,
        situation=raw["situation"],
        rule=raw["rule"],
        source=raw.get("source", content["source"]),
        facts=merge(base(raw["base"]), raw.get("change", {})),
        guidelines=raw.get("guidelines"),
        expected=raw["expected"],
        just_not=tuple(raw.get("just_not", ())),
    )


def _only(found: Mapping[str, Any], allowed: set[str], where: str) -> None:
    if not set(found) <= allowed:
        raise ValueError(f"{where}: unknown key: {', '.join(sorted(set(found) - allowed))}")
