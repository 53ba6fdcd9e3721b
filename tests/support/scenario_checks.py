"""What an assessment gave against what its scenario expects, difference by difference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rules.assessment import Assessment, Line, Outcome
from rules.money import Ore, kronor, ore

_KEYS = {"lines", "sums", "span", "result", "flags", "shown"}
_SUMS = re.compile(r"(\S+) \+ (\S+) - (\S+) = (\S+)")
_NOTHING_COMPUTED = (Outcome.STOP, Outcome.URGENT)
_NOT_THERE = "none"


def sums(text: str) -> tuple[Ore, Ore, Ore, Ore]:
    """Read 'norm + costs - incomes = need'. Raises ValueError when it is not so written, or does not add up."""
    match = _SUMS.fullmatch(text)
    if match is None:
        raise ValueError(f"write: norm + costs - incomes = need, not {text!r}")
    norm, costs, incomes, need = (ore(part) for part in match.groups())
    if norm + costs - incomes != need:
        raise ValueError(f"does not add up: {text}")
    return norm, costs, incomes, need


def differences(expected: Mapping[str, Any], found: Assessment) -> list[str]:
    """Return one sentence for each thing that is not as expected. Lines not named must be in the sums, and must not be blank."""
    unknown = set(expected) - _KEYS
    if unknown:
        raise ValueError(f"unknown key in `expected`: {', '.join(sorted(unknown))}")
    wrong = _result(str(expected["result"]), found) + _flags(expected.get("flags", []), found)
    if found.outcome in _NOTHING_COMPUTED:
        computed = found.lines or found.shown or found.sums or found.span or found.checks or found.counted_incomes
        return [*wrong, *(["something was computed or said, where nothing may be"] if computed else [])]
    if "sums" not in expected:
        return [*wrong, "the scenario expects no sums, but sums there are"]
    wrong += _lines(expected.get("lines", {}), found) + _sums(expected["sums"], found) + _span(expected, found)
    return wrong + [f"shown: expected a sentence with {text!r}, found {found.shown}" for text in _unseen(expected, found)]


def _result(expected: str, found: Assessment) -> list[str]:
    got = str(found.outcome.value)
    if found.proposal is not None:
        got += f" {found.proposal.value}"
    if found.amount is not None:
        got += f" {kronor(found.amount)}"
    outcome, _, rest = expected.partition(" ")
    proposal, _, amount = rest.partition(" ")
    wanted = " ".join(part for part in (outcome, proposal, kronor(ore(amount)) if amount else "") if part)
    wrong = [] if wanted == got else [f"result: expected {wanted}, found {got}"]
    if (found.recommendation.value == "OK") != (outcome == "ok"):
        wrong.append(f"recommendation: found {found.recommendation.value} beside {expected}")
    return wrong


def _flags(expected: list[str], found: Assessment) -> list[str]:
    """Compare the exact set of codes; `code key` asks for that key too."""
    wanted = {text.partition(" ")[0] for text in expected}
    got = {flag.code for flag in found.flags}
    wrong = [f"flag missing: {code}" for code in sorted(wanted - got)] + [f"flag not expected: {code}" for code in sorted(got - wanted)]
    keys = {f"{flag.code} {flag.key}" for flag in found.flags}
    return wrong + [f"flag with another key: expected {text}" for text in expected if " " in text and text not in keys]


def _lines(expected: Mapping[str, str], found: Assessment) -> list[str]:
    by_name = {name: line for line in found.lines for name in (line.label, line.key)}
    wrong = []
    for name, wanted in expected.items():
        got = _said(by_name[name]) if name in by_name else _NOT_THERE
        if got != _canonical(wanted):
            wrong.append(f"line {name}: expected {wanted}, found {got}")
    named = [by_name[name].key for name in expected if name in by_name]
    wrong += [f"line {line.label}: blank and not expected: {_said(line)}" for line in found.lines if line.blank and line.key not in named]
    return wrong


def _said(line: Line) -> str:
    if line.blank is None:
        return kronor(Ore(line.amount or 0))
    high = "" if line.blank.high is None else kronor(line.blank.high)
    return f"blank {kronor(line.blank.low)}..{high} {line.blank.reason}"


def _canonical(wanted: str) -> str:
    if wanted == _NOT_THERE:
        return wanted
    if not wanted.startswith("blank "):
        return kronor(ore(wanted))
    _, between, reason = wanted.split(" ")
    low, high = _bounds(between)
    return f"blank {'' if low is None else kronor(low)}..{'' if high is None else kronor(high)} {reason}"


def _bounds(text: str) -> tuple[Ore | None, Ore | None]:
    low, dots, high = text.partition("..")
    if not dots:
        raise ValueError(f"write low..high, not {text!r}")
    return ore(low) if low else None, ore(high) if high else None


def _sums(expected: str, found: Assessment) -> list[str]:
    assert found.sums is not None
    got = (found.sums.norm, found.sums.costs, found.sums.incomes, found.sums.need)
    norm, costs, incomes, need = (kronor(amount) for amount in got)
    return [] if sums(expected) == got else [f"sums: expected {expected}, found {norm} + {costs} - {incomes} = {need}"]


def _span(expected: Mapping[str, Any], found: Assessment) -> list[str]:
    """Without a span of its own a scenario expects one that is the need alone."""
    assert found.span is not None
    need = sums(expected["sums"])[3]
    wanted = _bounds(expected["span"]) if "span" in expected else (need, need)
    got = (found.span.lowest, found.span.highest)
    return [] if wanted == got else [f"span: expected {_written(wanted)}, found {_written(got)}"]


def _written(bounds: tuple[Ore | None, Ore | None]) -> str:
    return "..".join("" if one is None else kronor(one) for one in bounds)


def _unseen(expected: Mapping[str, Any], found: Assessment) -> list[str]:
    return [text for text in expected.get("shown", []) if not any(text in sentence for sentence in found.shown)]
