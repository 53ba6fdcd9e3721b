"""Promises that hold for every case file that is one, not only for those we thought of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from made_cases import BOOK, MAYBE, Making, case_files

from rules import assess, canonical_json, triage
from rules.assessment import Assessment, Outcome, Proposal, Recommendation, Severity
from rules.facts import CaseFile

MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def computed(case: CaseFile) -> Assessment:
    """Assess a case that is neither stop nor urgent."""
    result = assess(case, BOOK, hand_over=True)
    assume(result.outcome not in (Outcome.STOP, Outcome.URGENT))
    return result


def test_the_cases_made_here_reach_every_outcome() -> None:
    reached = {assess(Making(seed).case(), BOOK).outcome for seed in range(300)}

    assert reached == set(Outcome)
    assert {assess(Making(seed).case(), BOOK).proposal for seed in range(300)} == {*Proposal, None}


@MANY
@given(case_files(), st.booleans())
def test_every_case_file_has_an_assessment_and_always_the_same(case: CaseFile, hand_over: bool) -> None:
    first, again = assess(case, BOOK, hand_over=hand_over), assess(case.model_copy(deep=True), BOOK, hand_over=hand_over)

    assert canonical_json(first) == canonical_json(again)
    assert Assessment.model_validate_json(first.model_dump_json()) == first


@MANY
@given(case_files())
def test_every_assessment_proposes_or_says_why_not(case: CaseFile) -> None:
    result = assess(case, BOOK)
    reasons = result.flagged(Severity.STOP, Severity.URGENT, Severity.REVIEW)

    assert (result.proposal is None) is bool(reasons or result.outcome is Outcome.WAITING_FOR_INCOME)
    assert all(flag.text.strip() for flag in reasons)
    assert result.outcome is not Outcome.WAITING_FOR_INCOME or not reasons
    assert (result.amount is not None) is (result.proposal in (Proposal.BIFALL, Proposal.DELAVSLAG))


@MANY
@given(case_files())
def test_every_blank_has_its_reason_among_the_flags_and_every_line_its_own_key(case: CaseFile) -> None:
    result = computed(case)
    raised = {flag.code for flag in result.flags}

    assert len({line.key for line in result.lines}) == len(result.lines)
    assert len({(flag.code, flag.key) for flag in result.flags}) == len(result.flags)
    assert {line.blank.reason for line in result.lines if line.blank} <= raised
    assert ("sum.blank" in raised) is any(line.blank for line in result.lines)


@MANY
@given(case_files())
def test_ok_is_only_what_nothing_speaks_against(case: CaseFile) -> None:
    result = assess(case, BOOK)
    ok = result.recommendation is Recommendation.OK

    assert ok is (result.outcome is Outcome.OK)
    if ok:
        assert result.proposal is Proposal.BIFALL
        assert all(flag.severity is Severity.INFO for flag in result.flags)
        assert not any(line.blank for line in result.lines)
        assert all(check.done for check in result.checks)


@MANY
@given(
    st.dates(date(2005, 1, 1), date(2027, 1, 1)),
    st.integers(2025, 2026),
    st.integers(1, 12),
    st.sampled_from(MAYBE),
    st.sampled_from(MAYBE),
)
def test_a_child_of_any_age_has_an_amount_or_a_blank(born: date, year: int, number: int, lunch: bool | None, school: bool | None) -> None:
    received = datetime(year, number, 1, 12, tzinfo=UTC) - timedelta(days=10)
    child = {"ref": "child-1", "role": "child", "birth_date": born, "days_in_home": 31, "lunch_elsewhere": lunch, "school_youth": school}
    case = CaseFile.model_validate(
        {
            "today": received.date(),
            "application": {
                "case_id": "EB-1",
                "type": "renewal",
                "received_at": received,
                "month": f"{year}-{number:02d}",
                "household": {
                    "civil_status": "single",
                    "others_in_home": 0,
                    "members": [{"ref": "applicant", "role": "applicant", "personnummer": "199001012385"}, child],
                },
            },
            "registers": [
                {"person": "applicant", "source": "FK", "status": "answered", "fetched_at": received, "facts": {"protected": False}}
            ],
            "history": {"known": False},
        }
    )
    line = next(line for line in assess(case, BOOK).lines if line.key == "norm.child-1")
    age = year - born.year - ((number, 1) < (born.month, born.day))

    if 0 <= age <= 17 and lunch is not None:
        assert line.amount is not None
        assert 248_000 <= line.amount <= 496_000
    else:
        assert line.blank is not None or (line.amount is not None and (age <= 5 or age >= 7))


@MANY
@given(case_files())
def test_triage_says_the_same_as_the_whole_assessment_when_it_says_anything(case: CaseFile) -> None:
    early = triage(case, BOOK)

    if early is not None:
        assert canonical_json(early) == canonical_json(assess(case, BOOK))
