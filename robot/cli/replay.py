"""`bistandsrobot replay CASE|FILE`: is a stored case still what its facts and rulebook give?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

import rules
from robot.cli.assess import BrokenCaseFile, read_bytes, read_case_file
from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption, JsonOption, queue_of, settings_from
from robot.cli.output import fail, say, say_json
from robot.draft.words import clean
from robot.replay import MOST_COUNTED, NOTHING, CannotReplay, Replay, recompute
from rules.facts import CaseFile

_DEMO_GUIDELINES = Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml"
_LONGEST_VALUE = 300
_PARTS = ("case_file", "assessment")

WhatArgument = Annotated[
    str,
    typer.Argument(metavar="CASE|FILE", help="A case reference, the case system's id, a JSON file, or - for standard input."),
]
GuidelinesOption = Annotated[
    Path | None,
    typer.Option(
        "--guidelines",
        show_default=False,
        help="Compute with these, such as an older file. Default: a CASE, the configuration's; a FILE, the made-up demo municipality's.",
    ),
]


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is kept of a case: its facts, and what was made of them."""

    case_file: CaseFile
    assessment: Mapping[str, Any]
    control_sample: bool
    guidelines: Path


def replay(
    what: WhatArgument,
    guidelines: GuidelinesOption = None,
    config: ConfigOption = Path("config.yaml"),
    as_json: JsonOption = False,
) -> None:
    """Compute a stored case again, by the rules of its month, and say "identical" or show the first difference.

    CASE is looked up in the queue. FILE is one JSON object with two keys: "case_file", what `assess` read, and "assessment", what
    `assess --json` printed. When the receipt is of another rulebook than the present one, the parts that changed are named first.

    Exit 0: identical. 1: different. 2: it cannot be done: no such case, no draft, handed over to a person, or a broken file.

    Example: bistandsrobot replay 3f9c2a11

    Example: bistandsrobot replay stored-case.json --guidelines guidelines-2026.yaml
    """
    stored = _from_file(Path(what), guidelines) if _is_file(what) else _from_queue(what, config, guidelines)
    try:
        book = rules.load_rulebook(stored.guidelines)
    except rules.RulebookError as error:
        _cannot(f"the guidelines cannot be used: {error}")
    try:
        result = recompute(stored.case_file, stored.assessment, book, control_sample=stored.control_sample)
    except CannotReplay as reason:
        _cannot(str(reason))
    except Exception as bug:
        _cannot(f"BUG-001 the case could not be computed again ({type(bug).__name__}): an error in the program, please report it")
    if as_json:
        say_json(_plain(result))
    else:
        say(_text(result))
    if not result.identical:
        raise typer.Exit(EXIT_FAILED)


def _is_file(what: str) -> bool:
    try:
        return what == "-" or what.endswith(".json") or Path(what).is_file()
    except OSError:
        return False


def _from_queue(case: str, config: Path, guidelines: Path | None) -> _Stored:
    settings = settings_from(config)
    try:
        with queue_of(settings) as opened:
            item = opened.item(case)
            draft = opened.draft(item.case_ref) if item else None
    except typer.Exit:
        # Why has been said already; 1 would mean that the case came out different.
        raise typer.Exit(EXIT_NOT_ALLOWED) from None
    if item is None:
        _cannot("CLI-002 no such case in the queue; `bistandsrobot queue list` shows them")
    if draft is None:
        _cannot(f"CLI-003 the case is {item.state.value} and has no draft yet; `bistandsrobot queue show` tells more")
    try:
        case_file = CaseFile.model_validate(draft["case_file"])
    except ValidationError:
        _cannot("the stored facts are of a shape that this program does not read: use the program that the receipt names")
    used = guidelines or settings.municipality.guidelines
    return _Stored(case_file, draft["assessment"], bool(draft["control_sample"]), used)


def _from_file(file: Path, guidelines: Path | None) -> _Stored:
    name = "standard input" if str(file) == "-" else str(file)
    try:
        parts = _parts(read_bytes(file))
        case_file = _case_file(parts["case_file"])
    except BrokenCaseFile as broken:
        _cannot(f"{name} cannot be computed again:\n  " + "\n  ".join(broken.mistakes))
    return _Stored(case_file, parts["assessment"], control_sample=False, guidelines=guidelines or _DEMO_GUIDELINES)


def _parts(content: bytes) -> dict[str, Any]:
    """Return the two parts of a file. Raises BrokenCaseFile, which quotes no value."""
    try:
        document = json.loads(content, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError):
        raise BrokenCaseFile("it is not JSON that can be read, or has a key twice") from None
    if not isinstance(document, dict) or set(document) != set(_PARTS):
        raise BrokenCaseFile('it must be one JSON object with the keys "case_file" and "assessment"')
    if not isinstance(document["assessment"], dict):
        raise BrokenCaseFile("assessment: it must be what `bistandsrobot assess --json` printed")
    return document


def _case_file(document: Any) -> CaseFile:
    try:
        return read_case_file(json.dumps(document).encode())
    except BrokenCaseFile as broken:
        raise BrokenCaseFile(*(f"case_file: {mistake}" for mistake in broken.mistakes)) from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _text(result: Replay) -> str:
    lines = []
    if result.changed:
        lines.append(f"The receipt is of another rulebook. Changed since: {clean('; '.join(result.changed))}.")
    if result.first is None:
        return "\n".join([*lines, "identical"])
    if not result.changed:
        lines.append("The rulebook is the one of the receipt: either what is stored or the program itself has been altered.")
    if result.first.path == "receipt.facts":
        lines.append("The case file is not the one that was assessed.")
    many = f"{result.count} values or more" if result.count >= MOST_COUNTED else f"{result.count} values"
    return "\n".join(
        [
            *lines,
            "different in one value" if result.count == 1 else f"different in {many}, the first of them",
            f"  where  {_short(result.first.path)}",
            f"  then   {_short(_shown(result.first.then))}",
            f"  now    {_short(_shown(result.first.now))}",
        ]
    )


def _plain(result: Replay) -> dict[str, Any]:
    first = result.first
    return {
        "identical": result.identical,
        "changed": list(result.changed),
        "differences": result.count,
        "first": None if first is None else {"path": first.path, "then": _or_null(first.then), "now": _or_null(first.now)},
    }


def _shown(value: Any) -> str:
    return "(not there)" if value is NOTHING else json.dumps(value, ensure_ascii=False)


def _or_null(value: Any) -> Any:
    return None if value is NOTHING else value


def _short(text: str) -> str:
    tidy = clean(text)
    return tidy if len(tidy) <= _LONGEST_VALUE else f"{tidy[:_LONGEST_VALUE]} …"


def _cannot(why: str) -> NoReturn:
    fail(why, EXIT_NOT_ALLOWED)
