"""What the draft shows, picked out of an assessment and put into words; where it stands on the page is the templates' to say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from robot.draft import words
from rules.assessment import Assessment, Check, Flag, Line, Outcome, Proposal, Severity
from rules.money import Ore

EMPTY = "tom"


@dataclass(frozen=True)
class Row:
    """One row: what it is called, three amounts, and lines of detail (name, text) below."""

    key: str
    label: str
    value: str
    applied: str
    previous: str
    details: tuple[tuple[str, str], ...]


def rows(assessment: Assessment, section: Literal["norm", "cost", "income"]) -> list[Row]:
    """Return the rows of one section in the order they were computed."""
    return [_row(line) for line in assessment.lines if line.section == section]


def _row(line: Line) -> Row:
    details = [("Källa", sources(line)), ("Regel", words.sentence(line.trace.because)), ("Lag", law(line))]
    if line.blank:
        details.insert(0, ("Lämnas tom", f"{words.clean(line.blank.text)}. Möjligt värde: {words.open_size(line.blank)}."))
    return Row(
        key=line.key,
        label=words.with_person(line.label, line.person),
        value=EMPTY if line.blank else words.amount(line.amount),
        applied=words.amount(line.applied),
        previous=words.amount(line.previous),
        details=tuple(details),
    )


def sources(line: Line) -> str:
    """Return where a line's facts and amounts come from, each source once, with its time."""
    facts = [f"{words.source(fact.source)} {words.time(fact.at)}".rstrip() for fact in line.trace.facts]
    parameters = [words.clean(parameter.source) for parameter in line.trace.parameters]
    return "; ".join(dict.fromkeys([*facts, *parameters]))


def law(line: Line) -> str:
    """Return the law a line goes by, with the rule's name in the rule book."""
    return f"{words.clean(line.trace.law)} (regel: {words.clean(line.trace.rule)})"


def reductions(assessment: Assessment) -> list[Row]:
    """Return what is not counted of each income: the jobbstimulans part, between bounds where the line is blank."""
    found = []
    for line in assessment.lines:
        if line.section != "income":
            continue
        label = words.with_person(line.label, line.person)
        paid = Ore(sum(income.net for income in assessment.counted_incomes if income.line == line.key))
        if line.amount is not None and paid > line.amount:
            counted = f"{words.amount(paid)} − {words.amount(Ore(paid - line.amount))} = {words.kr(line.amount)} räknas"
            found.append(
                Row(line.key, label, words.amount(Ore(line.amount - paid)), words.amount(paid), words.NONE, (("Räkning", counted),))
            )
        elif line.blank and "jobbstimulans" in line.blank.reason and line.blank.high is not None:
            size = f"0\u00a0…\u00a0{words.kr(Ore(line.blank.high - line.blank.low))}"
            found.append(Row(line.key, label, EMPTY, words.amount(line.applied), words.NONE, (("Möjligt värde", size),)))
    return found


def has_blank(assessment: Assessment, section: str | None = None) -> bool:
    """Say whether a line is blank, in one section or at all."""
    return any(line.blank for line in assessment.lines if section in (None, line.section))


def headline(assessment: Assessment) -> str:
    """Return the proposal in a sentence, or that there is none, with what is known so far."""
    if assessment.outcome is Outcome.WAITING_FOR_INCOME:
        return "Inget förslag ännu: ärendet väntar på månadens inkomster." + known_so_far(assessment)
    if assessment.proposal is None:
        return "Inget förslag: handläggaren avgör." + known_so_far(assessment)
    word = words.proposal(assessment.proposal).capitalize()
    if assessment.amount is None or assessment.proposal is Proposal.AVSLAG:
        return f"Förslag: {word.lower()}."
    return f"Förslag: {word.lower()} med {words.kr(assessment.amount)}."


def known_so_far(assessment: Assessment) -> str:
    """Return the need, or what is known of it so far and the span that is left open, as one more sentence."""
    if assessment.sums is None:
        return ""
    need, span = assessment.sums.need, assessment.span
    if span is None or (span.lowest == span.highest == need):
        return f" Beräknat behov: {words.kr(need)}."
    return f" Känt hittills: {words.kr(need)}. Spann: {words.bounds(span)} kr."


def flags(assessment: Assessment, *severities: Severity) -> list[Flag]:
    """Return the flags of those severities; a stop is never among what the draft shows."""
    return [flag for flag in assessment.flagged(*severities) if flag.severity is not Severity.STOP]


def flag_text(flag: Flag) -> str:
    """Return a flag's text, with who it is about."""
    return words.about(flag.text, flag.person)


def blank_text(line: Line) -> str:
    """Return why a line is blank and what it may be, in one line of text."""
    assert line.blank is not None
    label, reason = words.without_person(line.label, line.person), words.clean(line.blank.text)
    named = reason if reason.startswith(re.split(r"[,:(]", label)[0].strip()) else f"{label}: {reason}"
    return f"{words.about(named, line.person)}: {words.open_size(line.blank)}"


def checks(assessment: Assessment, kind: Literal["done", "failed", "not_asked"]) -> list[tuple[str, str]]:
    """Return, for each person, the sources that were checked, could not be checked, or were not asked."""
    chosen = [check for check in assessment.checks if _kind(check) == kind]
    persons = dict.fromkeys(check.person for check in chosen)
    return [(words.person(ref).capitalize(), _listed(check for check in chosen if check.person == ref)) for ref in persons]


def _kind(check: Check) -> str:
    if not check.asked:
        return "not_asked"
    return "done" if check.done else "failed"


def _listed(some: Iterable[Check]) -> str:
    """Name the sources, those of the same time together."""
    by_time: dict[str, list[str]] = {}
    for check in some:
        by_time.setdefault(words.time(check.at), []).append(words.source(check.source))
    return "; ".join(", ".join(names) + (f" ({at})" if at else "") for at, names in by_time.items())


def blank_value(line: Line) -> str:
    """Return what stands for a blank line's amount: that it is blank, and what it may be."""
    assert line.blank is not None
    return f"{EMPTY}, {words.open_size(line.blank)}"


def listed(lines: Iterable[Line]) -> str:
    """Return lines with their amounts, in one line of text."""
    return "; ".join(f"{words.without_person(line.label, line.person)} {words.kr(line.low)}" for line in lines) or "inga"
