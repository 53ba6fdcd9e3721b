"""What is written to the case system for an assessment: which effects, in which order, each with a key fixed before the first write.

The order is that of the case: a recommendation first, so that a person who opens the case early sees what it is about.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from connectors.case_systems.port import EffectKind
from robot.draft import adults, document, flag_text, handed_over, recommendation_text
from rules.assessment import Assessment, Flag, Outcome, Proposal, Recommendation, Severity
from rules.flagging import Catalogue, read_catalogue
from rules.money import kronor

DRAFT_DIFFERS = "case_system.draft_differs"
_DIFFERENCES = {
    "draft_missing": "beräkningen saknas",
    "month": "annan månad",
    "income_unreadable": "en inkomst kan inte läsas",
    "income_missing": "en inkomst saknas",
    "income_extra": "en inkomst till",
    "income_amount": "annat belopp på en inkomst",
    "expense_amount": "annat belopp på en utgift",
    "supplement_requested": "komplettering är begärd",
    "proposal": "ett annat förslag från roboten står redan i ärendet",
}
"""What a caseworker reads for the codes that connectors give; another code is shown as it is."""
_LONGEST_SOURCE_KEY = 255
_KEY_DIGITS = 24
"""Hexadecimal digits of an effect key: 96 bits."""


@dataclass(frozen=True, slots=True)
class CaseIdentity:
    """Which case, in which version, and which run of the robot over it."""

    case_system: str
    case_id: str
    version: str
    run: int


@dataclass(frozen=True, slots=True)
class PlannedEffect:
    """One write to come. `payload` is plain JSON data, as `connectors.case_systems.port.Effect` describes it."""

    key: str
    kind: EffectKind
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseTexts:
    """What people read of a case: written once, kept with the draft and sent to the case system."""

    recommendation: str
    document: str


def texts_of(assessment: Assessment, *, number: str, control_sample: bool) -> CaseTexts:
    """Write the texts of an assessment; `number` is the case's number for people."""
    return CaseTexts(recommendation_text(assessment, control_sample=control_sample), document(assessment, case_number=number))


def effect_key(identity: CaseIdentity, kind: EffectKind, detail: str = "") -> str:
    """Return the key of one effect: the same for the same case, version, kind, detail and run, and for no other.

    It can be found again in the case system's own texts, and tells nothing about the case.
    """
    parts = [identity.case_system, identity.case_id, identity.version, kind.value, detail, str(identity.run)]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return f"br-{digest[:_KEY_DIGITS]}"


def plan(
    assessment: Assessment,
    texts: CaseTexts,
    *,
    control_sample: bool,
    identity: CaseIdentity,
    warning_type: Callable[[str], str | None],
) -> list[PlannedEffect]:
    """Return the writes for an assessment, in order. A case that waits for incomes has none.

    `texts` are those of the same assessment. `warning_type` says which of the case system's warnings a flag's code fits, if any.
    A control sample, which the caller picks among OK cases alone, is written exactly as a stop.
    """
    if assessment.outcome is Outcome.WAITING_FOR_INCOME:
        return []
    if assessment.outcome is Outcome.URGENT:
        return [
            _recommendation(assessment, texts, identity, control_sample=control_sample),
            _plain(identity, EffectKind.PRIORITY),
            _plain(identity, EffectKind.MANUAL_REVIEW),
        ]
    if handed_over(assessment, control_sample=control_sample):
        return [_recommendation(assessment, texts, identity, control_sample=control_sample), _plain(identity, EffectKind.MANUAL_REVIEW)]
    if assessment.outcome is Outcome.OK:
        return [
            _plain(identity, EffectKind.UNDER_REVIEW),
            _recommendation(assessment, texts, identity),
            _native_draft(assessment, identity),
            _document(assessment, texts, identity),
            _plain(identity, EffectKind.AWAITING_DECISION),
        ]
    return [
        _recommendation(assessment, texts, identity),
        _document(assessment, texts, identity),
        *_warnings(assessment, identity, warning_type),
        _plain(identity, EffectKind.MANUAL_REVIEW),
    ]


def replan_after_difference(
    assessment: Assessment, differs: tuple[str, ...], *, identity: CaseIdentity, number: str, control_sample: bool = False
) -> tuple[Assessment, CaseTexts, list[PlannedEffect]]:
    """Return the assessment, its texts and the writes left, when the case system's own calculation has something else than the robot's.

    `differs` holds the connector's codes of what differs. The proposal is taken back: a new recommendation for review with that
    reason, the document in its light, and the case still awaits a decision. The keys are others than those of the first plan. A case
    that a person handles alone stays one: only its recommendation is written anew.
    """
    if assessment.outcome is Outcome.URGENT or handed_over(assessment, control_sample=control_sample):
        alone = texts_of(assessment, number=number, control_sample=control_sample)
        again = _recommendation(assessment, alone, identity, control_sample=control_sample, detail=DRAFT_DIFFERS)
        return assessment, alone, [again, _plain(identity, EffectKind.MANUAL_REVIEW, DRAFT_DIFFERS)]
    left_to_a_person = EffectKind.AWAITING_DECISION if assessment.outcome is Outcome.OK else EffectKind.MANUAL_REVIEW
    flag = _catalogue().flag(DRAFT_DIFFERS, label=", ".join(_DIFFERENCES.get(code, code) for code in differs))
    others = tuple(one for one in assessment.flags if one.code != DRAFT_DIFFERS)
    amended = assessment.model_copy(
        update={
            "outcome": Outcome.REVIEW,
            "recommendation": Recommendation.REVIEW_REQUIRED,
            "proposal": None,
            "amount": None,
            "flags": (flag, *others),
        }
    )
    texts = texts_of(amended, number=number, control_sample=False)
    return (
        amended,
        texts,
        [
            _recommendation(amended, texts, identity, detail=DRAFT_DIFFERS),
            _document(amended, texts, identity, detail=DRAFT_DIFFERS),
            _plain(identity, left_to_a_person, DRAFT_DIFFERS),
        ],
    )


@cache
def _catalogue() -> Catalogue:
    return read_catalogue()


def _plain(identity: CaseIdentity, kind: EffectKind, detail: str = "") -> PlannedEffect:
    return PlannedEffect(effect_key(identity, kind, detail), kind)


def _recommendation(
    assessment: Assessment, texts: CaseTexts, identity: CaseIdentity, *, control_sample: bool = False, detail: str = ""
) -> PlannedEffect:
    """Recommend in the robot's short words. What the payload says of a control sample is what it says of a stop."""
    key = effect_key(identity, EffectKind.RECOMMENDATION, detail)
    alone = assessment.outcome is Outcome.URGENT or handed_over(assessment, control_sample=control_sample)
    grants = not alone and assessment.proposal in (Proposal.BIFALL, Proposal.DELAVSLAG) and assessment.amount is not None
    value = Recommendation.REVIEW_REQUIRED if alone else assessment.recommendation
    payload = {
        "value": value.value,
        "description": f"{texts.recommendation} [{key}]",
        "amount": kronor(assessment.amount) if grants and assessment.amount is not None else None,
        "month": str(assessment.month),
    }
    return PlannedEffect(key, EffectKind.RECOMMENDATION, payload)


def _document(assessment: Assessment, texts: CaseTexts, identity: CaseIdentity, *, detail: str = "") -> PlannedEffect:
    key = effect_key(identity, EffectKind.DOCUMENT, detail)
    payload = {"heading": f"Beslutsunderlag {assessment.month} [{key}]", "text": texts.document}
    return PlannedEffect(key, EffectKind.DOCUMENT, payload)


def _native_draft(assessment: Assessment, identity: CaseIdentity) -> PlannedEffect:
    """Give every counted income to the case system's own calculation, before any jobbstimulans deduction: it deducts itself."""
    because = {line.key: line.trace.because for line in assessment.lines}
    incomes = [income.model_dump(mode="json") | {"rule": because.get(income.line, "")} for income in assessment.counted_incomes]
    both = adults(assessment)
    payload = {"applicant": both[0], "co_applicant": both[1] if len(both) > 1 else None, "month": str(assessment.month), "incomes": incomes}
    return PlannedEffect(effect_key(identity, EffectKind.NATIVE_DRAFT), EffectKind.NATIVE_DRAFT, payload)


def _warnings(assessment: Assessment, identity: CaseIdentity, warning_type: Callable[[str], str | None]) -> list[PlannedEffect]:
    """Warn of each flag that the case system has a warning for, once for each code and key."""
    found: dict[str, PlannedEffect] = {}
    for flag in assessment.flagged(Severity.REVIEW, Severity.RESULT, Severity.INFO):
        kind = warning_type(flag.code)
        source_key = _source_key(flag)
        if kind is not None and source_key not in found:
            payload = {"type": kind, "message": flag_text(flag), "source_key": source_key}
            found[source_key] = PlannedEffect(effect_key(identity, EffectKind.WARNING, source_key), EffectKind.WARNING, payload)
    return list(found.values())


def _source_key(flag: Flag) -> str:
    """Return what a warning is found by: stable over runs, so that one that a person has closed is not raised again."""
    whole = f"robot:{flag.code}:{flag.key}"
    if len(whole) <= _LONGEST_SOURCE_KEY:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_KEY_DIGITS]
    return f"{whole[: _LONGEST_SOURCE_KEY - _KEY_DIGITS - 1]}#{digest}"
