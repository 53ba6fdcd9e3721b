"""Read a YAML file of the rulebook by its shape: nothing is guessed, and every mistake says file, line, key and what is allowed.

YAML's own typing is not used: `on` and `no` are never booleans, `1.5` is never a float, and a key is always text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from rules.money import Ore, ore
from rules.month import Month

MAX_FILE_BYTES = 1_000_000
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml, where PyYAML was built with it, reads a file in a tenth of the time. Only nodes are composed, no values made."""
UNDECIDED = "CHANGE ME"
"""Stands in a file that was made to be filled in; nothing is computed by a file that still has it."""
_TEXT_TAG = "tag:yaml.org,2002:str"


class RulebookError(ValueError):
    """A file of the rulebook cannot be used. The message says file, line, key, and what is allowed there."""

    def __init__(self, file: str, line: int | None, key: str, problem: str) -> None:
        self.file, self.line, self.key, self.problem = file, line, key, problem
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {key}: {problem}" if key else f"{place}: {problem}")


@dataclass(frozen=True, slots=True)
class Place:
    """One value in a file, with where it stands: `line` is that of its key, or of the value itself where it has none."""

    file: str
    key: str
    node: yaml.Node
    line: int

    def error(self, problem: str) -> RulebookError:
        """Return an error that points here."""
        return RulebookError(self.file, self.line, self.key, problem)

    def table(self) -> dict[str, Place]:
        """Return a mapping with any keys, as text. A key that stands twice is refused."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error("must be a mapping, `key: value`")
        found: dict[str, Place] = {}
        for key_node, value in self.node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.error("a key must be plain text")
            key = key_node.value
            place = Place(self.file, f"{self.key}.{key}" if self.key else key, value, _line(key_node))
            if key in found:
                raise place.error("the key stands twice")
            found[key] = place
        return found

    def fields(self, *, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Place]:
        """Return a mapping that has all required keys and no others than the optional ones."""
        found = self.table()
        allowed = [*required, *optional]
        for key, place in found.items():
            if key not in allowed:
                raise place.error(f"unknown key; allowed here: {', '.join(allowed)}")
        for key in required:
            if key not in found:
                raise self.error(f"`{key}` is missing; allowed here: {', '.join(allowed)}")
        return found

    def items(self) -> Iterator[Place]:
        """Yield the values of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error("must be a list")
        for number, node in enumerate(self.node.value):
            yield Place(self.file, f"{self.key}[{number}]", node, _line(node))

    def text(self) -> str:
        """Return text that is not empty. What YAML would read as something else (on, no, 1.5, null) must stand in quotes."""
        scalar = self._scalar("must be text")
        if not scalar.style and scalar.tag != _TEXT_TAG:
            raise self.error(f"`{scalar.value}` is not text; write text in quotes")
        if not str(scalar.value).strip():
            raise self.error("must not be empty")
        if scalar.value == UNDECIDED:
            raise self.error(f"is not decided yet: write it in place of {UNDECIDED}")
        return str(scalar.value)

    def integer(self, low: int, high: int) -> int:
        """Return a whole number within bounds. Floats are refused."""
        scalar = self._scalar("must be a whole number")
        if scalar.style or not _WHOLE.fullmatch(scalar.value):
            raise self.error(f"`{scalar.value}` is not a whole number; floats are not allowed")
        number = int(scalar.value)
        if not low <= number <= high:
            raise self.error(f"must be from {low} to {high}")
        return number

    def kronor(self) -> Ore:
        """Return whole kronor as öre."""
        return ore(self.integer(0, 1_000_000))

    def choice(self, allowed: Collection[str]) -> str:
        """Return one of some words, written without quotes or with."""
        scalar = self._scalar(f"must be one of: {', '.join(allowed)}")
        if scalar.value not in allowed:
            raise self.error(f"`{scalar.value}` is not allowed; one of: {', '.join(allowed)}")
        return str(scalar.value)

    def month(self) -> Month:
        """Return a month written YYYY-MM."""
        scalar = self._scalar("must be a month, YYYY-MM")
        try:
            return Month.parse(scalar.value)
        except ValueError as error:
            raise self.error(str(error)) from None

    def _scalar(self, problem: str) -> yaml.ScalarNode:
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.error(problem)
        return self.node


def _refuse_aliases(text: str, name: str) -> None:
    """A value must be seen where it stands."""
    for event in yaml.parse(text, Loader=_LOADER) if "*" in text else ():
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else None
            raise RulebookError(name, line, "", "is not YAML that can be used: an alias is not allowed: write the value out")


def read_file(path: Path, name: str) -> tuple[Place, bytes]:
    """Return the file's top value and its bytes with line ends made equal. `name` is what messages call the file.

    Raises RulebookError when the file is missing, too large, not UTF-8 or not YAML.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RulebookError(name, None, "", f"cannot be read ({error.strerror})") from None
    if len(raw) > MAX_FILE_BYTES:
        raise RulebookError(name, None, "", f"is larger than {MAX_FILE_BYTES} bytes")
    try:
        text = raw.decode("utf-8").replace("\r\n", "\n")
        _refuse_aliases(text, name)
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError:
        raise RulebookError(name, None, "", "is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise RulebookError(name, line, "", f"is not YAML that can be used: {error.problem}") from None
    except yaml.YAMLError:
        raise RulebookError(name, None, "", "is not YAML that can be used") from None
    if node is None:
        raise RulebookError(name, None, "", "is empty")
    return Place(name, "", node, _line(node)), text.encode()


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
