"""What in a file that was made by `init` waits to be decided."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from rules import RulebookError
from rules.strict_yaml import UNDECIDED, read_file

_SERIES_DEPTH = 2
"""A setting, cost or income is named by its section and its own name."""


def undecided(file: Path) -> dict[str, int]:
    """Return what is not decided in a guidelines file, by name, with the line where it stands; none when the file cannot be read."""
    try:
        top, _ = read_file(file, file.name)
    except RulebookError:
        return {}
    found: dict[str, int] = {}
    for place, line in _walk(top.node, ()):
        found.setdefault(".".join(place[:_SERIES_DEPTH]), line)
    return found


def _walk(node: yaml.Node, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _walk(value, (*at, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _walk(value, at)
    elif isinstance(node, yaml.ScalarNode) and node.value == UNDECIDED:
        yield at, node.start_mark.line + 1
