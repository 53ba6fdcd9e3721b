"""The texts that people read about a case: the document, the recommendation, and the explanation of every number.

All are pure functions of the assessment: the same assessment gives the same text. A stop and a control sample give one and the
same sentence, whatever is behind it.
"""

from __future__ import annotations

from typing import Any

from robot.draft import applicants, view, words
from robot.draft.render import render
from rules.assessment import Assessment, Flag, Outcome, Proposal, Recommendation, Severity

MANUAL = "Ärendet handläggs manuellt"
URGENT = "Ärendet är brådskande"
LONGEST_RECOMMENDATION = 3900
"""UTF-16 units; the case system takes 4096 with the effect's key."""


def handed_over(assessment: Assessment, *, control_sample: bool) -> bool:
    """Say whether a person takes the case without anything from the robot: a stop, or a case picked as a control sample.

    Urgent comes first: it says nothing about protection and must be seen as what it is.
    """
    return assessment.outcome is not Outcome.URGENT and (assessment.outcome is Outcome.STOP or control_sample)


def document(assessment: Assessment, *, case_number: str) -> str:
    """Return the whole draft as plain text, at most 100 columns wide.

    A stop or urgent case has no draft: its text is that of its recommendation.
    """
    if assessment.outcome in (Outcome.STOP, Outcome.URGENT):
        return recommendation_text(assessment, control_sample=False) + "\n"
    return render("document.txt.j2", assessment, case_number=case_number)


def recommendation_text(assessment: Assessment, control_sample: bool) -> str:
    """Return the recommendation in a few lines: proposal and amount, or what is known so far, blank rows and what to review."""
    if assessment.outcome is Outcome.URGENT:
        return URGENT
    if handed_over(assessment, control_sample=control_sample):
        return MANUAL
    head = f"{view.headline(assessment)} Gäller {words.month(assessment.month)}. Handläggaren beslutar."
    blanks = [f"Tom rad: {view.blank_text(line)}" for line in assessment.lines if line.blank]
    told = {(line.blank.text, line.person) for line in assessment.lines if line.blank}
    review = [flag for flag in view.flags(assessment, Severity.REVIEW, Severity.RESULT) if flag.code != "sum.blank"]
    asks = [f"Bedöm: {view.flag_text(flag)}" for flag in review if (flag.text, flag.person) not in told]
    return _fitted(head, [*_grounds(assessment), *blanks, *dict.fromkeys(asks)])


def _grounds(assessment: Assessment) -> list[str]:
    """Name what a part refusal refuses, and why."""
    if assessment.proposal is not Proposal.DELAVSLAG:
        return []
    return [f"Grund: {applicants.refusal_text(line)}" for line in applicants.grounds(assessment)]


def _fitted(head: str, lines: list[str]) -> str:
    """Join as many lines as there is room for, and say how many more there are."""
    for kept in range(len(lines), -1, -1):
        more = [f"Och {len(lines) - kept} till, se beslutsunderlaget."] if kept < len(lines) else []
        text = "\n".join([head, *lines[:kept], *more])
        if len(text.encode("utf-16-le")) // 2 <= LONGEST_RECOMMENDATION:
            return text
    return head


def explain_text(assessment: Assessment, *, case_number: str, control_sample: bool = False) -> str:
    """Return the document followed by how each number came about: rule, law, parameters and facts with source and time.

    A case handed over gives its one sentence; an urgent one, that and what in the application made it urgent.
    """
    if assessment.outcome is Outcome.URGENT:
        reasons = dict.fromkeys(words.clean(flag.text) for flag in assessment.flagged(Severity.URGENT))
        return "\n".join([URGENT, *(f"- {reason}" for reason in reasons)]) + "\n"
    if handed_over(assessment, control_sample=control_sample):
        return MANUAL + "\n"
    return render("explain.txt.j2", assessment, document=document(assessment, case_number=case_number))


def explain_json(assessment: Assessment, *, case_number: str, control_sample: bool = False) -> dict[str, Any]:
    """Return the same for programs: document, recommendation and the whole assessment. A case handed over gives its sentence alone."""
    if assessment.outcome is not Outcome.URGENT and handed_over(assessment, control_sample=control_sample):
        return {"code": "handed_over", "text": MANUAL}
    return {
        "case_number": case_number,
        "recommendation": {
            "value": assessment.recommendation.value,
            "description": recommendation_text(assessment, control_sample=control_sample),
            "amount": assessment.model_dump(mode="json")["amount"],
        },
        "document": None if assessment.outcome is Outcome.URGENT else document(assessment, case_number=case_number),
        "assessment": outside(assessment).model_dump(mode="json"),
    }


def outside(assessment: Assessment) -> Assessment:
    """Return the assessment as it may be seen outside the encrypted store: every stop has the same one flag and says nothing else.

    Any other assessment comes back as it is, but for flags of a stop, which it never shows.
    """
    if assessment.outcome is not Outcome.STOP:
        shown = tuple(flag for flag in assessment.flags if flag.severity is not Severity.STOP)
        return assessment.model_copy(update={"flags": shown})
    nothing = {"registers": {}, "facts": ""}
    return assessment.model_copy(
        update={
            "recommendation": Recommendation.REVIEW_REQUIRED,
            "proposal": None,
            "amount": None,
            "lines": (),
            "shown": (),
            "sums": None,
            "span": None,
            "previous_need": None,
            "flags": (Flag(code="handed_over", severity=Severity.STOP, key="", text=MANUAL),),
            "checks": (),
            "counted_incomes": (),
            "children": False,
            "receipt": assessment.receipt.model_copy(update=nothing),
        }
    )
