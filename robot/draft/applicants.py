"""Texts meant for ONE applicant: draft reasons and draft komplettering.

Applicant and co-applicant have secrecy towards each other. Each text therefore holds that person's own incomes and nothing from
which the other's could be read or reckoned: with two adults it gives no sums of norm, costs or incomes, only the household's amount.
"""

from __future__ import annotations

from dataclasses import dataclass

from robot.draft import words
from rules.assessment import Assessment, Flag, Line, Proposal

APPLICANT, CO_APPLICANT = "applicant", "co_applicant"
_DOCUMENT_MISSING = ("info.missing_document", "cost.proof_needed")
_NOT_GRANTED = "beviljas inte: "
_CERTIFICATE_MISSING = "info.medical_certificate"
_CONSENT_MISSING = "info.sublet_consent"
_SIGNATURE_MISSING = "case.signature_missing"
_ASKED_OF_THE_APPLICANT = {
    _CONSENT_MISSING: "Hyresvärdens samtycke till andrahandsuthyrningen, eller tillståndet till den, om du inte redan har skickat in det.",
    _SIGNATURE_MISSING: "Underskrift av var och en som söker, om någon underskrift saknas.",
}
"""What only the household as a whole can add. It is asked of the applicant."""


@dataclass(frozen=True)
class ApplicantText:
    """What may be said to one applicant. `reasons` is empty when the caseworker writes them, `completions` when nothing is missing."""

    ref: str
    name: str
    reasons: tuple[str, ...]
    completions: tuple[str, ...]


def adults(assessment: Assessment) -> tuple[str, ...]:
    """Return the refs of the adults that the assessment speaks of: the applicant always, the co-applicant where there is one."""
    spoken_of = {line.person for line in assessment.lines} | {flag.person for flag in assessment.flags}
    spoken_of |= {flag.key for flag in assessment.flags}
    spoken_of |= {check.person for check in assessment.checks} | {income.person for income in assessment.counted_incomes}
    return (APPLICANT, CO_APPLICANT) if CO_APPLICANT in spoken_of else (APPLICANT,)


def applicant_texts(assessment: Assessment) -> tuple[ApplicantText, ...]:
    """Return a text for each adult for whom there is something to say."""
    found = tuple(text_for(assessment, ref) for ref in adults(assessment))
    return tuple(text for text in found if text.reasons or text.completions)


def text_for(assessment: Assessment, ref: str) -> ApplicantText:
    """Return what may be said to one adult. A refusal is never given reasons here: the caseworker writes those."""
    return ApplicantText(ref, words.person(ref), _reasons(assessment, ref), _completions(assessment, ref))


def own_incomes(assessment: Assessment, ref: str) -> tuple[Line, ...]:
    """Return the income lines that are this adult's own; an adult alone has the household's other ones too."""
    incomes = [line for line in assessment.lines if line.section == "income" and line.blank is None]
    alone = len(adults(assessment)) == 1
    return tuple(line for line in incomes if alone or line.person == ref)


def grounds(assessment: Assessment) -> tuple[Line, ...]:
    """Return the costs that were not approved, wholly or partly: the grounds of a DELAVSLAG."""
    costs = [line for line in assessment.lines if line.section == "cost" and line.amount is not None and line.applied is not None]
    return tuple(line for line in costs if (line.amount or 0) < (line.applied or 0))


def refusal_text(line: Line) -> str:
    """Return a ground of a DELAVSLAG as a fact: 'Sjukresor, sökt 240 kr, godkänt 0 kr: ersätts av regionen (law)'."""
    applied = words.kr(line.applied) if line.applied is not None else words.NONE
    label = words.with_person(line.label, line.person)
    return f"{label}, sökt {applied}, godkänt {words.kr(line.low)}: {_because(line)} ({words.clean(line.trace.law)})"


def _because(line: Line) -> str:
    return words.clean(line.trace.because).removeprefix(_NOT_GRANTED)


def _reasons(assessment: Assessment, ref: str) -> tuple[str, ...]:
    if assessment.proposal not in (Proposal.BIFALL, Proposal.DELAVSLAG) or assessment.amount is None:
        return ()
    two = len(adults(assessment)) > 1
    law = words.laws(assessment.lines, assessment.month).assistance
    who, amount, month = ("Ni" if two else "Du"), words.kr(assessment.amount), words.month(assessment.month)
    found = [f"{who} beviljas ekonomiskt bistånd med {amount} för {month} ({law})."]
    found.append(_reckoning(assessment) if not two else "I beräkningen ingår hushållets norm, godkända kostnader och inkomster.")
    found.append(_incomes(own_incomes(assessment, ref)))
    if assessment.proposal is Proposal.DELAVSLAG:
        found += _refused(assessment, ref)
    return tuple(text for text in found if text)


def _reckoning(assessment: Assessment) -> str:
    if assessment.sums is None:
        return ""
    sums = assessment.sums
    return (
        f"Riksnormen för hushållet är {words.kr(sums.norm)} och godkända kostnader {words.kr(sums.costs)}. "
        f"Inkomster som räknas är {words.kr(sums.incomes)}. Skillnaden är {words.kr(sums.need)}."
    )


def _incomes(lines: tuple[Line, ...]) -> str:
    if not lines:
        return "Inga inkomster räknas för dig."
    return (
        "Dina inkomster som räknas: "
        + "; ".join(f"{words.without_person(line.label, line.person)} {words.kr(line.low)}" for line in lines)
        + "."
    )


def _refused(assessment: Assessment, ref: str) -> list[str]:
    mine = [line for line in grounds(assessment) if line.person in (None, ref) or line.person not in adults(assessment)]
    found = [_refusal(line) for line in mine]
    if len(mine) < len(grounds(assessment)):
        found.append("Ansökan avslås även för en kostnad som den andra sökandens text tar upp.")
    return found


def _refusal(line: Line) -> str:
    label = words.without_person(line.label, line.person)
    return (
        f"Ansökan avslås för {label}: sökt {words.amount(line.applied)}, godkänt {words.kr(line.low)}. "
        f"Skäl: {_because(line)} ({words.clean(line.trace.law)})."
    )


def _completions(assessment: Assessment, ref: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_completion(assessment, flag) for flag in assessment.flags if _receiver(assessment, flag) == ref))


def _receiver(assessment: Assessment, flag: Flag) -> str | None:
    """Return who can add what a flag misses; None or somebody else = it stands in no text for an adult.

    A line says itself whose it is. A cost that is nobody's own goes to the applicant; an income that is nobody's own, to neither of two.
    """
    if flag.code in _ASKED_OF_THE_APPLICANT:
        return APPLICANT
    if flag.code not in (*_DOCUMENT_MISSING, _CERTIFICATE_MISSING):
        return None
    line, there = _line(assessment, flag), adults(assessment)
    if line is None:
        named = flag.person or flag.key
        return named if named in there or len(there) > 1 else APPLICANT
    if line.section == "income":
        return line.person if len(there) > 1 else APPLICANT
    owner = line.person or flag.person
    return owner if owner in there else APPLICANT


def _completion(assessment: Assessment, flag: Flag) -> str:
    if flag.code in _ASKED_OF_THE_APPLICANT:
        return _ASKED_OF_THE_APPLICANT[flag.code]
    if flag.code == _CERTIFICATE_MISSING:
        return "Läkarintyg, om du är eller har varit sjuk mer än sju dagar i rad."
    line = _line(assessment, flag)
    what = words.without_person(line.label, line.person) if line else words.clean(flag.text)
    return f"{what}: underlag, till exempel kvitto, räkning eller beslut, om du inte redan har skickat in det."


def _line(assessment: Assessment, flag: Flag) -> Line | None:
    return next((line for line in assessment.lines if line.key == flag.key), None)
