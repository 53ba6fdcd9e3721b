"""What people read of an assessment: the draft, its short form, and the explanation of every number."""

from __future__ import annotations

from robot.draft.applicants import ApplicantText, adults, applicant_texts, text_for
from robot.draft.texts import (
    LONGEST_RECOMMENDATION,
    MANUAL,
    URGENT,
    document,
    explain_json,
    explain_text,
    handed_over,
    outside,
    recommendation_text,
)
from robot.draft.view import flag_text

__all__ = [
    "LONGEST_RECOMMENDATION",
    "MANUAL",
    "URGENT",
    "ApplicantText",
    "adults",
    "applicant_texts",
    "document",
    "explain_json",
    "explain_text",
    "flag_text",
    "handed_over",
    "outside",
    "recommendation_text",
    "text_for",
]
