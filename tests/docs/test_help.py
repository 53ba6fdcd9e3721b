"""Every command explains itself: what it does, an example that it takes, and what its exit codes mean."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from robot.cli import app
from robot.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "bistandsrobot"
EXAMPLE = re.compile(rf"^Example: (?:[^|;\n]+[|;] )?{PROGRAM} (.+?)(?: > (\S+))?$", re.MULTILINE)
EXITS = re.compile(r"Exit (\d)[: ]")
WIDEST = 140


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command and group with its place."""
    for name, inner in getattr(command, "commands", {}).items():
        yield (*path, name), inner
        yield from commands(inner, *path, name)


ALL = dict(commands(get_command(app)))
LEAVES = {path: command for path, command in ALL.items() if not hasattr(command, "commands")}
as_words = " ".join


def examples(command: Any) -> list[list[str]]:
    return [shlex.split(found[1]) for found in EXAMPLE.finditer(command.help or "")]


def parsed(words: list[str]) -> Any:
    """Return the context that a command line makes, without carrying it out; what is not understood raises."""
    command, path = get_command(app), []
    while hasattr(command, "commands"):
        path.append(words[0])
        command, words = command.commands[words[0]], words[1:]
    return command.make_context(as_words(path), list(words))


def test_the_walk_finds_every_command() -> None:
    assert {path[0] for path in ALL} == set(COMMANDS)
    assert ("queue", "requeue") in LEAVES
    assert len(LEAVES) > 30


@pytest.mark.parametrize("path", ALL, ids=as_words)
def test_it_says_what_it_does_in_a_sentence(path: tuple[str, ...]) -> None:
    first = (ALL[path].help or "").split("\n\n")[0]

    assert len(first) > 20
    assert first.endswith(".")


@pytest.mark.parametrize("path", LEAVES, ids=as_words)
def test_it_has_an_example_that_it_takes(path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = examples(LEAVES[path])

    assert found, "a line `Example: bistandsrobot ...`"
    assert (LEAVES[path].help or "").count("Example:") == len(found), "every example is a command line on a line of its own"
    for words in found:
        assert tuple(words[: len(path)]) == path
        parsed(words)


@pytest.mark.parametrize("path", LEAVES, ids=as_words)
def test_it_says_what_its_exit_codes_mean(path: tuple[str, ...]) -> None:
    text = LEAVES[path].help or ""

    assert "0" in EXITS.findall(text), "a line `Exit 0: ... 1: ...`"
    assert re.search(r"\b[12](:| when)| [12] (it|when) ", text), "what 1 or 2 means"


@pytest.mark.parametrize("path", LEAVES, ids=as_words)
def test_every_option_and_argument_is_explained(path: tuple[str, ...]) -> None:
    silent = [one.name for one in LEAVES[path].params if one.name != "help" and not getattr(one, "help", None)]

    assert silent == []


def test_a_command_line_that_is_not_taken_is_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed(["status", "--no-such-option"])


def command_lines(text: str) -> Iterator[list[str]]:
    """Yield the words of every command line in a page: in backticks, or on an indented line with perhaps a remark after it."""
    indented = (line[4:].split("  ")[0] for line in text.splitlines() if line.startswith("    ") and not line.startswith("     "))
    for line in [*re.findall(r"`([^`\n]+)`", text), *indented]:
        for part in re.split(r" && | \| | > ", line):
            if part.startswith(f"{PROGRAM} ") and "…" not in part:
                yield shlex.split(part)[1:]


@pytest.mark.parametrize("page", ["operations.md", "backup.md", "retention.md", "configuration.md", "../README.md"])
def test_command_lines_in_the_pages_for_ops_are_taken(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = list(command_lines((ROOT / "docs" / page).read_text(encoding="utf-8")))

    assert lines
    assert [problem for words in lines for problem in not_taken(words)] == []


def not_taken(words: list[str]) -> list[str]:
    """Return why a command line of a page is not taken; a page may name a command without all that it needs, as in `queue show`."""
    path = next((tuple(words[:length]) for length in (2, 1) if tuple(words[:length]) in ALL), None)
    if path is None:
        return [f"{as_words(words)}: no such command"]
    if path not in LEAVES or "--help" in words:
        return []
    try:
        parsed(words)
    except Exception as error:
        said = str(getattr(error, "message", "")) or type(error).__name__
        return [] if type(error).__name__ == "MissingParameter" else [f"{as_words(words)}: {said}"]
    return []
