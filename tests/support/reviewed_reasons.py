"""Every sentence that the rules give with a line, a flag or a payment shown, over all scenarios, without the figures in it.

Run this file to write them anew, and read the difference: it is what a caseworker will see.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from scenario_books import GUIDELINES, assessed, changed
from scenario_files import guideline_variants, scenarios

from rules import Rulebook, load_rulebook
from rules.assessment import Assessment, Flag, Line

FILE = Path(__file__).resolve().parents[1] / "scenarios" / "reviewed_reasons.txt"
_MONTHS = ["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"]
_FIGURE = re.compile(r"\d[\d\u00a0,.:+T-]*")
_MONTH = re.compile(rf"\b(?:{'|'.join(_MONTHS)})\b")


def books(folder: Path) -> Mapping[str | None, Rulebook]:
    """Return the rulebooks of the scenarios by the names of their guidelines. `folder` = where the variants may be written."""
    found: dict[str | None, Rulebook] = {None: load_rulebook(GUIDELINES)}
    for name, change in guideline_variants().items():
        found[name] = load_rulebook(changed(GUIDELINES, folder / f"{name}.yaml", change["old"], change["new"]))
    return found


def said(rulebooks: Mapping[str | None, Rulebook]) -> Iterator[tuple[str, set[str]]]:
    """Yield the sentences of one scenario after another, with its id."""
    for one in scenarios():
        yield one.id, set(_of(assessed(one, rulebooks[one.guidelines])))


def _of(result: Assessment) -> list[str]:
    return [*map(_line, result.lines), *map(_flag, result.flags), *(f"shown: {_plain(sentence)}" for sentence in result.shown)]


def _line(line: Line) -> str:
    trace = line.trace
    facts = "; ".join(f"{_plain(one.path)} = {_plain(one.value)} ({one.source}{'' if one.at is None else ', tid'})" for one in trace.facts)
    parameters = "; ".join(f"{_plain(one.name)} = {_plain(one.value)}" for one in trace.parameters)
    became = "amount" if line.blank is None else f"blank {line.blank.reason}{' without bound' if line.blank.high is None else ''}"
    given = "".join(f", {name}" for name, value in (("applied", line.applied), ("previous", line.previous)) if value is not None)
    who = f"{line.type}, {_plain(line.person or '-')}"
    return f"line {_plain(line.label)} ({who}) {trace.rule}: {became}{given}: {_plain(trace.because)} | {facts} | {parameters}"


def _flag(flag: Flag) -> str:
    return f"flag {flag.code} {_plain(flag.key)} ({_plain(flag.person or '-')}): {_plain(flag.text)}"


def _plain(text: str) -> str:
    return _MONTH.sub("<month>", _FIGURE.sub("#", text))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        lines = sorted(set().union(*(sentences for _, sentences in said(books(Path(scratch))))))
    FILE.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    sys.stdout.write(f"{len(lines)} sentences in {FILE.name}\n")
