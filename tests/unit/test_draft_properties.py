"""Whatever an assessment holds: the texts never fail, never tell one applicant of the other's income, never tell a stop from a sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from robot.draft import (
    LONGEST_RECOMMENDATION,
    adults,
    document,
    explain_json,
    explain_text,
    outside,
    recommendation_text,
    text_for,
)
from robot.draft.layout import WIDTH
from robot.effects import CaseIdentity, plan, replan_after_difference, texts_of
from rules.assessment import Assessment

GOLDEN = Path(__file__).parent / "golden"
BASE: dict[str, Any] = json.loads((GOLDEN / "assessment-blanks.json").read_bytes())
IDENTITY = CaseIdentity("caremanagement", "3f9c2a11", "v1", 1)

texts = st.text(max_size=60)
kronor = st.decimals(min_value=-999_999_999, max_value=999_999_999, places=2).map(lambda value: f"{value:.2f}")
not_negative = st.decimals(min_value=0, max_value=999_999_999, places=2).map(lambda value: f"{value:.2f}")
persons = st.sampled_from(["applicant", "co_applicant", "child-1", "former-1", None])
times = st.none() | st.sampled_from(["2026-11-30T06:00:00+01:00", "2026-11-30", ""]) | texts
facts = st.fixed_dictionaries({"path": texts, "source": texts, "value": texts, "at": times})
parameters = st.fixed_dictionaries({"name": texts, "value": texts, "valid_from": texts, "source": texts, "status": texts})
traces = st.fixed_dictionaries(
    {"rule": texts, "law": texts, "because": texts, "facts": st.lists(facts, max_size=3), "parameters": st.lists(parameters, max_size=2)}
)
blanks = st.fixed_dictionaries({"reason": texts, "text": texts, "low": not_negative, "high": st.none() | not_negative})


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    value = draw(st.sampled_from(["amount", "blank"]))
    return {
        "key": draw(texts),
        "section": draw(st.sampled_from(["norm", "cost", "income"])),
        "label": draw(texts),
        "person": draw(persons),
        "type": draw(texts),
        "amount": draw(not_negative) if value == "amount" else None,
        "blank": draw(blanks) if value == "blank" else None,
        "applied": draw(st.none() | not_negative),
        "previous": draw(st.none() | kronor),
        "trace": draw(traces),
    }


flags = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["info.missing_document", "cost.proof_needed", "info.medical_certificate", "sum.blank"]) | texts,
        "severity": st.sampled_from(["review", "result", "info"]),
        "key": texts,
        "text": texts,
        "person": persons,
    }
)
checks = st.fixed_dictionaries(
    {
        "person": st.sampled_from(["applicant", "co_applicant"]) | texts,
        "source": texts,
        "asked": st.booleans(),
        "done": st.booleans(),
        "at": times,
    }
)


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    sums = st.none() | st.fixed_dictionaries(dict.fromkeys(("norm", "costs", "incomes", "need"), kronor))
    span = st.none() | st.fixed_dictionaries({"lowest": st.none() | kronor, "highest": st.none() | kronor})
    return Assessment.model_validate(
        BASE
        | {
            "outcome": draw(st.sampled_from(["ok", "review", "waiting_for_income"])),
            "recommendation": draw(st.sampled_from(["OK", "REVIEW_REQUIRED"])),
            "proposal": draw(st.sampled_from(["BIFALL", "DELAVSLAG", "AVSLAG", None])),
            "amount": draw(st.none() | not_negative),
            "lines": draw(st.lists(lines(), max_size=6)),
            "shown": draw(st.lists(texts, max_size=2)),
            "sums": draw(sums),
            "span": draw(span),
            "previous_need": draw(st.none() | kronor),
            "flags": draw(st.lists(flags, max_size=5)),
            "checks": draw(st.lists(checks, max_size=4)),
            "children": draw(st.booleans()),
        }
    )


@settings(deadline=None, max_examples=150)
@given(assessments(), texts)
def test_no_assessment_makes_the_texts_fail(assessment: Assessment, number: str) -> None:
    text = explain_text(assessment, case_number=number)

    assert text.startswith(document(assessment, case_number=number).rstrip("\n"))
    assert all(len(line) <= WIDTH for line in text.split("\n"))
    assert len(recommendation_text(assessment, control_sample=False).encode("utf-16-le")) // 2 <= LONGEST_RECOMMENDATION
    assert json.loads(json.dumps(explain_json(assessment, case_number=number)))["document"] == document(assessment, case_number=number)
    replan_after_difference(assessment, ("income.1",), identity=IDENTITY, number=number)


@settings(deadline=None, max_examples=50)
@given(assessments())
def test_the_same_assessment_gives_the_same_texts(assessment: Assessment) -> None:
    again = Assessment.model_validate_json(assessment.model_dump_json())

    assert explain_text(again, case_number="EB-1") == explain_text(assessment, case_number="EB-1")


@st.composite
def couples(draw: st.DrawFn) -> tuple[Assessment, str, list[str]]:
    """Return a couple's assessment, one of them, and everything that is told of the other's incomes: labels and amounts."""
    mine, other = draw(st.permutations(["applicant", "co_applicant"]))
    secrets: list[str] = []
    theirs = []
    for number in range(draw(st.integers(1, 3))):
        whole = draw(st.integers(100_000, 999_999))
        blank = draw(st.booleans())
        label, amount = f"Hemlig inkomst {number}", f"{whole}.17"
        secrets += [label, f"{whole // 1000}\u00a0{whole % 1000:03d},17"]
        key = f"income.secret-{number}.{other}"
        line = draw(lines()) | {
            "key": key,
            "section": "income",
            "label": label,
            "person": other,
            "applied": amount,
            "amount": amount,
            "blank": None,
        }
        if blank:
            line |= {"amount": None, "blank": {"reason": "income.off_list", "text": f"{label}: saknas", "low": amount, "high": amount}}
        theirs.append(line)
    keys = st.sampled_from([line["key"] for line in theirs])
    asking = flags.flatmap(lambda flag: keys.map(lambda key: flag | {"key": key}))
    assessment = draw(assessments())
    everything = assessment.model_dump(mode="json") | {
        "lines": [line.model_dump(mode="json") for line in assessment.lines] + theirs,
        "flags": draw(st.lists(asking, max_size=3)),
    }
    return Assessment.model_validate(everything), mine, secrets


@settings(deadline=None, max_examples=150)
@given(couples())
def test_no_text_for_one_applicant_holds_the_other_applicants_income(drawn: tuple[Assessment, str, list[str]]) -> None:
    assessment, mine, secrets = drawn
    text = text_for(assessment, mine)
    said = "\n".join((*text.reasons, *text.completions))

    assert adults(assessment) == ("applicant", "co_applicant")
    assert not [secret for secret in secrets if secret in said]


@settings(deadline=None, max_examples=50)
@given(assessments())
def test_a_stop_and_a_control_sample_are_the_same_in_every_byte(assessment: Assessment) -> None:
    stop = Assessment.model_validate(assessment.model_dump(mode="json") | {"outcome": "stop"})
    plans = [
        plan(
            one,
            texts_of(one, number="EB-1", control_sample=sample),
            control_sample=sample,
            identity=IDENTITY,
            warning_type=lambda _: "UNHANDLED_INCOME",
        )
        for one, sample in ((stop, False), (assessment, True))
        if one.outcome.value != "waiting_for_income"
    ]

    assert all(one == plans[0] for one in plans)
    assert recommendation_text(stop, control_sample=False) == recommendation_text(assessment, control_sample=True)
    assert explain_text(stop, case_number="EB-1") == explain_text(assessment, case_number="EB-1", control_sample=True)
    assert explain_json(stop, case_number="EB-1") == explain_json(assessment, case_number="EB-1", control_sample=True)
    assert outside(stop).lines == ()
