"""`bistandsrobot assess FILE|-`: the draft of one case, computed on this machine and sent nowhere."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

import rules
from robot.cli.output import fail, say, say_json
from robot.draft import document, outside
from rules.facts import CaseFile

LARGEST_FILE_BYTES = 5_000_000
_EXIT_FAILED, _EXIT_BROKEN_INPUT = 1, 2
_MOST_MISTAKES_SHOWN = 20
_DEMO_GUIDELINES = Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml"
_PLAIN_KEY = re.compile(r"[A-Za-z_]{1,40}")

FileArgument = Annotated[Path, typer.Argument(metavar="FILE|-", help="The case file (JSON), or - for standard input.")]
GuidelinesOption = Annotated[
    Path, typer.Option("--guidelines", show_default=False, help="The municipality's guidelines. Default: the made-up demo municipality's.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the assessment as JSON for programs.")]


class BrokenCaseFile(Exception):
    """The input is no case file; `mistakes` has one sentence for each, with its place in the document and no value from it."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def assess(file: FileArgument, guidelines: GuidelinesOption = _DEMO_GUIDELINES, as_json: JsonOption = False) -> None:
    """Print the draft for one case file, as a caseworker would read it.

    Nothing is asked, stored or sent. `bistandsrobot schema case-file` shows what a case file holds, and
    `bistandsrobot schema draft` what --json prints.

    Exit 0 when there is a draft, 2 when the case file or the guidelines cannot be used.

    Example: bistandsrobot assess case.json

    Example: cat case.json | bistandsrobot assess - --json
    """
    name = "standard input" if str(file) == "-" else str(file)
    try:
        case = read_case_file(read_bytes(file))
    except BrokenCaseFile as broken:
        fail(f"{name} is no case file that can be assessed:\n  " + "\n  ".join(broken.mistakes), _EXIT_BROKEN_INPUT)
    rulebook = _rulebook(guidelines)
    try:
        result = rules.assess(case, rulebook)
    except Exception as bug:
        fail(f"BUG-001 {name} could not be assessed ({type(bug).__name__}): an error in the program, please report it", _EXIT_FAILED)
    if as_json:
        say_json(outside(result).model_dump(mode="json"))
    else:
        say(document(result, case_number=case.application.case_id))


def _rulebook(guidelines: Path) -> rules.Rulebook:
    try:
        return rules.load_rulebook(guidelines)
    except rules.RulebookError as error:
        fail(f"the guidelines cannot be used: {error}", _EXIT_BROKEN_INPUT)


def read_bytes(file: Path) -> bytes:
    """Return what a file, or standard input for '-', holds. Raises BrokenCaseFile when it cannot be read or is too large."""
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(LARGEST_FILE_BYTES + 1)
        else:
            with file.open("rb") as opened:
                content = opened.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise BrokenCaseFile(f"it cannot be read: {error.strerror or type(error).__name__}") from None
    if len(content) > LARGEST_FILE_BYTES:
        raise BrokenCaseFile(f"it is larger than {LARGEST_FILE_BYTES} bytes")
    return content


def read_case_file(content: bytes) -> CaseFile:
    """Return the case file that the bytes hold. Raises BrokenCaseFile, which quotes no value."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenCaseFile(f"it is not UTF-8: byte {error.start} cannot be read") from None
    try:
        json.loads(text, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BrokenCaseFile(f"it is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise BrokenCaseFile("it is not JSON that can be read: too many levels") from None
    except ValueError:
        raise BrokenCaseFile("it is not JSON that can be read: a number is too long") from None
    try:
        return CaseFile.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise BrokenCaseFile(*_sentences(error)) from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise BrokenCaseFile(f"{_key(twice)}: the key stands twice in the same object")
    return found


def _no_constant(name: str) -> None:
    raise BrokenCaseFile(f"it is not JSON: {name} is no value there")


def _sentences(error: ValidationError) -> list[str]:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    told = list(dict.fromkeys(f"{_place(problem['loc'])}: {_reason(problem['type'], problem['msg'])}" for problem in problems))
    more = len(told) - _MOST_MISTAKES_SHOWN
    return told[:_MOST_MISTAKES_SHOWN] + ([f"and {more} more"] if more > 0 else [])


def _place(loc: tuple[int | str, ...]) -> str:
    """Write a place in the document as people do: application.costs[1].applied."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{_key(part)}"
    return path.lstrip(".") or "the document"


def _key(key: str) -> str:
    """Return a key of the document, but for one that could be a value put in the wrong place."""
    return key if _PLAIN_KEY.fullmatch(key) else "(a key that is not shown)"


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "no such key in a case file; `bistandsrobot schema case-file` shows those there are"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")
