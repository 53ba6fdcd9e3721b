"""Where a setting stands, in config.yaml or in the environment, so that a mistake can be told by file, line and key."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rules.strict_yaml import UNDECIDED

PREFIX = "BISTANDSROBOT_"
_NESTED = "__"
_NAMES = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")
_SCHEMA = "`bistandsrobot schema config` lists them"
Place = tuple[str, ...]


class SettingsError(Exception):
    """The configuration cannot be used; `problems` has one sentence for each mistake: file, line, key, what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("CFG-001 " + "; ".join(problems))
        self.problems = problems


class NotAnswered(SettingsError):
    """The configuration was made to be filled in, and is not yet."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What a file says, and on which line each key stands."""

    path: Path
    data: dict[str, Any]
    lines: dict[Place, int]

    def sentence(self, loc: Sequence[str | int], kind: str, allowed: str) -> str:
        """Return a mistake in one sentence: where it stands, which key, what is allowed."""
        place = tuple(str(part) for part in loc)
        if kind == "extra_forbidden":
            allowed = f"no such setting; {_SCHEMA}"
        variable = _variable(place)
        if variable is not None:
            return f"environment variable {variable}: {'.'.join(place)}: {allowed}"
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        return f"{self.path}:{self.lines.get(known, 1)}: {'.'.join(place)}: {allowed}"

    def not_answered(self) -> list[str]:
        """Return a sentence for each value that still waits to be filled in, and that no environment variable gives."""
        allowed = f"not answered yet: write the value in place of {UNDECIDED}"
        return [self.sentence(place, "undecided", allowed) for place in _undecided(self.data, ()) if _variable(place) is None]

    def rights(self, *, may_be_read: bool) -> list[str]:
        """Return a sentence when others than its owner and group may write the file; `may_be_read` = they may read it."""
        try:
            mode = self.path.stat().st_mode
        except OSError:
            return []
        if mode & stat.S_IWOTH or (mode & stat.S_IROTH and not may_be_read):
            done = "written" if mode & stat.S_IWOTH else "read"
            return [f"{self.path}: may be {done} by everybody on this machine; run `chmod 640` on it"]
        return []


def read(path: Path) -> ConfigFile:
    """Return a file's keys and lines. Raises SettingsError when it is missing, no YAML mapping, or has a key twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read ({type(error).__name__}); give the file with -c"]) from None
    lines: dict[Place, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            raise SettingsError([f"{path}:1: a mapping of sections is expected; see the documented config.yaml"])
        twice = [f"{path}:{line}: {key}: the key stands twice" for key, line in _index(node, (), lines)]
        if twice:
            raise SettingsError(twice)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError([f"{path}:{line}: not valid YAML: {error.problem}"]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SettingsError([f"{path}:{line}: not valid YAML: a character that is not allowed"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(
            [f"{path}:1: not valid YAML: a date or number that is none, or an alias to itself ({type(error).__name__})"]
        ) from None
    odd = [f"{path}:{key.start_mark.line + 1}: {key.value}: no such setting; {_SCHEMA}" for key, _ in node.value if key.tag not in _NAMES]
    if odd:
        raise SettingsError(odd)
    return ConfigFile(path, data, lines)


def unknown_in_environment(sections: frozenset[str]) -> list[str]:
    """Return a sentence for each variable that names a section which there is not: a slip of the pen is never passed over."""
    named = {name: name[len(PREFIX) :].partition(_NESTED) for name in sorted(os.environ) if name.upper().startswith(PREFIX)}
    return [
        f"environment variable {name}: no such section; use one of {', '.join(sorted(sections))}"
        for name, (section, nested, _) in named.items()
        if nested and section.lower() not in sections
    ]


def unreadable_in_environment(refusal: str) -> str:
    """Return in our words what pydantic says of a variable that should hold JSON."""
    found = re.search(r'field "(\w+)"', refusal)
    section = PREFIX + found[1].upper() if found else PREFIX
    names = [name for name in sorted(os.environ) if name.upper() == section or name.upper().startswith(section + _NESTED)]
    return f'environment variable {" or ".join(names) or section}: a list or a section is written as JSON, for example ["FK", "PM"]'


def _variable(place: Place) -> str | None:
    """Return the environment variable that gave the value at a place; None = it stands in the file, or nowhere."""
    variables = {name.upper(): (name, value) for name, value in os.environ.items()}
    for length in range(len(place), 0, -1):
        found = variables.get(PREFIX + _NESTED.join(place[:length]).upper())
        if found is not None and _holds(found[1], place[length:]):
            return found[0]
    return None


def _holds(value: str, rest: Place) -> bool:
    """Say whether a variable's JSON has something at the rest of a place."""
    if not rest:
        return True
    try:
        inner: Any = json.loads(value)
        for part in rest:
            inner = inner[int(part)] if isinstance(inner, list) else inner[part]
    except (ValueError, LookupError, TypeError):
        return False
    return True


def _undecided(value: object, at: Place) -> Iterator[Place]:
    """Yield the places of values that wait to be filled in."""
    if value == UNDECIDED:
        yield at
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _undecided(inner, (*at, str(key)))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _undecided(inner, (*at, str(number)))


def _index(node: yaml.Node, at: Place, lines: dict[Place, int]) -> list[tuple[str, int]]:
    """Note the line of every key; return the keys that stand twice."""
    twice: list[tuple[str, int]] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*at, str(key.value))
            if place in lines:
                twice.append((".".join(place), key.start_mark.line + 1))
            lines[place] = key.start_mark.line + 1
            twice += _index(value, place, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines[*at, str(number)] = value.start_mark.line + 1
            twice += _index(value, (*at, str(number)), lines)
    return twice
