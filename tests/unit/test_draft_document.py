"""The document a caseworker reads. The golden texts are checked by hand against the two examples' own tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from robot.draft import MANUAL, URGENT, document, explain_json, explain_text, outside, recommendation_text
from rules.assessment import Assessment, Flag, Line, Outcome, Proposal, Recommendation, Severity
from rules.money import ore

GOLDEN = Path(__file__).parent / "golden"


def example(name: str) -> Assessment:
    return Assessment.model_validate_json((GOLDEN / f"assessment-{name}.json").read_bytes())


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def written(assessment: Assessment) -> str:
    """The document with ordinary spaces, so that a test can be read."""
    return document(assessment, case_number="EB-26110123").replace("\u00a0", " ")


def refused_travel(assessment: Assessment) -> Assessment:
    """Give the example a cost that the guidelines do not grant."""
    rent = next(line for line in assessment.lines if line.key == "cost.rent")
    trace = rent.trace.model_copy(update={"because": "beviljas inte: Sjukresor ersätts av regionen", "law": "SoL 2025:400 12 kap. 1 §"})
    travel = Line(
        key="cost.travel_medical",
        section="cost",
        label="Sjukresor",
        type="travel_medical",
        amount="0.00",
        applied="350.00",
        trace=trace,
    )
    flag = Flag(code="result.delavslag", severity=Severity.RESULT, key="", text="Förslaget är delavslag: Sjukresor")
    return assessment.model_copy(
        update={
            "lines": (*assessment.lines, travel),
            "proposal": Proposal.DELAVSLAG,
            "outcome": Outcome.REVIEW,
            "recommendation": Recommendation.REVIEW_REQUIRED,
            "flags": (*assessment.flags, flag),
        }
    )


def refusal(assessment: Assessment) -> Assessment:
    assert assessment.sums is not None
    sums = assessment.sums.model_copy(update={"incomes": ore(25000), "need": ore(-4940)})
    changed = {"proposal": Proposal.AVSLAG, "amount": None, "sums": sums, "span": None}
    return assessment.model_copy(update={**changed, "outcome": Outcome.REVIEW, "recommendation": Recommendation.REVIEW_REQUIRED})


@pytest.mark.parametrize("name", ["complete", "blanks"])
def test_the_document_of_an_example_is_the_one_checked_by_hand(name: str) -> None:
    assessment = example(name)

    assert document(assessment, case_number=assessment.case_id) == golden(f"document-{name}")


@pytest.mark.parametrize("name", ["complete", "blanks"])
def test_the_recommendation_of_an_example_is_the_one_checked_by_hand(name: str) -> None:
    assert recommendation_text(example(name), control_sample=False) + "\n" == golden(f"recommendation-{name}")


def test_the_explanation_is_the_document_followed_by_how_each_number_came_about() -> None:
    assessment = example("complete")
    text = explain_text(assessment, case_number=assessment.case_id)

    assert text == golden("explain-complete")
    assert text.startswith(golden("document-complete"))


def test_a_span_without_lower_bound_is_written_with_a_dash() -> None:
    text = written(example("blanks"))

    assert "Känt hittills: 10 135 kr. Spann: – … 10 785 kr." in text


def test_the_sections_stand_in_the_order_that_applicants_know() -> None:
    text = written(example("complete"))
    places = [text.index(f"\n{heading}") for heading in ("INKOMSTER", "UTGIFTER", "BELOPP ENLIGT NORM", "REDUCERING", "SUMMA")]

    assert places == sorted(places)


def test_the_jobbstimulans_part_is_shown_as_reducering() -> None:
    reducering = written(example("complete")).split("\nREDUCERING")[1].split("\nSUMMA")[0]

    assert "−2 125" in reducering
    assert "8 500 − 2 125 = 6 375 kr räknas" in reducering


def test_an_unknown_jobbstimulans_window_leaves_the_reduction_between_bounds() -> None:
    complete = example("complete")
    salary = next(line for line in complete.lines if line.key == "income.salary.applicant")
    blank = {
        "reason": "income.jobbstimulans_unknown",
        "text": "Lön: det framgår inte om jobbstimulans gäller",
        "low": "6375.00",
        "high": "8500.00",
    }
    unknown = Line.model_validate(salary.model_dump() | {"amount": None, "applied": "8500.00", "previous": "6375.00", "blank": blank})
    lines = tuple(unknown if line.key == salary.key else line for line in complete.lines)
    text = written(complete.model_copy(update={"lines": lines}))

    assert "0 … 2 125 kr" in text.split("\nREDUCERING")[1].split("\nSUMMA")[0]
    assert "Möjligt värde: 6 375 … 8 500 kr" in text


def test_a_refusal_is_never_given_reasons_but_facts_and_a_reminder() -> None:
    text = written(refusal(example("complete")))
    reasons = text.split("\nMOTIVERING")[1]

    assert "Motiveringen skrivs av handläggaren" in reasons
    assert "inkomster som räknas 25 000 kr" in reasons
    assert "förvaltningslagen (2017:900) 25 §" in reasons
    assert "TEXT TILL" not in text
    assert "beviljas" not in text
    assert "avslås" not in text


def test_a_refusal_names_costs_not_approved_as_facts_too() -> None:
    text = " ".join(written(refusal(refused_travel(example("complete")))).split())

    assert "Inte godkänt: Sjukresor, sökt 350 kr, godkänt 0 kr: Sjukresor ersätts av regionen (SoL 2025:400 12 kap. 1 §)." in text
    assert "Skillnad −4 940 kr." in text


def test_the_recommendation_of_a_part_refusal_names_its_grounds() -> None:
    text = recommendation_text(refused_travel(example("complete")), control_sample=False).replace("\u00a0", " ")

    assert "Grund: Sjukresor, sökt 350 kr, godkänt 0 kr: Sjukresor ersätts av regionen (SoL 2025:400 12 kap. 1 §)" in text.splitlines()
    assert "Grund:" not in recommendation_text(refusal(refused_travel(example("complete"))), control_sample=False)


def test_a_part_refusal_names_its_grounds() -> None:
    text = written(refused_travel(example("complete")))

    assert "Ansökan avslås för Sjukresor: sökt 350, godkänt 0 kr." in text
    assert "Skäl: Sjukresor ersätts av regionen" in text
    assert "förvaltningslagen (2017:900) 25 §" in text


def test_how_to_appeal_stands_in_every_draft_since_the_caseworker_may_decide_otherwise() -> None:
    complete = example("complete")

    for draft in (complete, example("blanks"), refused_travel(complete), refusal(complete)):
        text = " ".join(written(draft).split())
        assert "Går beslutet dig emot kan du överklaga det. Förvaltningsrätten prövar överklagandet (SoL 2025:400 35 kap. 1 §)" in text
        assert "inom tre veckor från den dag då du fick del av beslutet (förvaltningslagen (2017:900) 43 och 44 §§)" in text


def test_a_case_judged_by_the_older_law_is_appealed_by_it_too() -> None:
    complete = refused_travel(example("complete"))
    old = tuple(
        line.model_copy(update={"trace": line.trace.model_copy(update={"law": "SoL 2001:453 4 kap. 3 §"})}) for line in complete.lines
    )
    text = " ".join(written(complete.model_copy(update={"lines": old})).split())

    assert "SoL 2001:453 16 kap. 3 §" in text
    assert "SoL 2001:453 4 kap. 1 §" in text
    assert "35 kap." not in text


def test_the_best_of_the_child_is_named_when_there_are_children_and_not_otherwise() -> None:
    complete = example("complete")

    assert "Barnets bästa" in written(complete)
    assert "Barnets bästa" not in written(complete.model_copy(update={"children": False}))


def test_every_draft_says_who_decides_and_how_to_reach_a_person() -> None:
    for name in ("complete", "blanks"):
        text = written(example(name))
        assert "Utkast skapat av bistandsrobot" in text
        assert "Handläggaren, som prövar underlaget och skriver under" in text
        assert "kan alltid tala med en handläggare" in text


def test_checks_that_could_not_be_made_and_checks_not_made_stand_apart() -> None:
    blanks = example("blanks")
    checks = tuple(check.model_copy(update={"asked": False, "done": False}) if check.source == "TNS" else check for check in blanks.checks)
    text = written(blanks.model_copy(update={"checks": checks}))
    done, failed, not_made = (
        text.split(heading)[1] for heading in ("\nGjorda\n", "\nKunde inte göras\n", "\nInte gjorda (tillfrågas inte)\n")
    )

    assert "Transportstyrelsen" not in done.split("\nKunde inte göras")[0]
    assert "CSN" in failed.split("\nInte gjorda")[0]
    assert "Transportstyrelsen" in not_made.split("\nMOTIVERING")[0]


@pytest.mark.parametrize("outcome", [Outcome.STOP, Outcome.URGENT])
def test_a_case_without_draft_has_its_one_sentence_for_document(outcome: Outcome) -> None:
    sentence = {Outcome.STOP: MANUAL, Outcome.URGENT: URGENT}[outcome]

    assert document(example("complete").model_copy(update={"outcome": outcome}), case_number="EB-1") == sentence + "\n"


def test_an_urgent_case_is_explained_by_what_made_it_urgent_and_never_by_a_stop() -> None:
    flags = (
        Flag(code="urgent.no_food", severity=Severity.URGENT, key="", text="Ansökan kan gälla brist på mat"),
        Flag(code="stop.protected_identity", severity=Severity.STOP, key="applicant", text=MANUAL),
    )
    urgent = example("complete").model_copy(update={"outcome": Outcome.URGENT, "flags": flags})

    assert explain_text(urgent, case_number="EB-1", control_sample=True) == f"{URGENT}\n- Ansökan kan gälla brist på mat\n"
    assert "protected" not in str(explain_json(urgent, case_number="EB-1"))


def test_a_stop_seen_from_outside_says_nothing_but_that_it_is_one() -> None:
    stop = example("complete").model_copy(
        update={
            "outcome": Outcome.STOP,
            "flags": (Flag(code="stop.protected_identity", severity=Severity.STOP, key="applicant", text=MANUAL, person="applicant"),),
        }
    )
    other = example("blanks").model_copy(
        update={
            "case_id": stop.case_id,
            "outcome": Outcome.STOP,
            "flags": (Flag(code="stop.unreadable", severity=Severity.STOP, key="", text=MANUAL),),
        }
    )

    assert outside(stop) == outside(other)
    assert [flag.code for flag in outside(stop).flags] == ["handed_over"]


def test_the_explanation_for_programs_holds_what_the_case_system_got() -> None:
    blanks = example("blanks")
    explained = explain_json(blanks, case_number=blanks.case_id)

    assert explained["document"] == golden("document-blanks")
    assert explained["recommendation"]["description"] + "\n" == golden("recommendation-blanks")
    assert explained["recommendation"]["amount"] is None
    assert Assessment.model_validate(explained["assessment"]) == blanks


def test_a_recommendation_too_long_for_the_case_system_says_how_much_is_left_out() -> None:
    blanks = example("blanks")
    many = tuple(
        Flag(
            code="case.unrecognised",
            severity=Severity.REVIEW,
            key=str(number),
            text=f"En uppgift i ansökan känns inte igen: fält {number} 🙂",
        )
        for number in range(200)
    )
    text = recommendation_text(blanks.model_copy(update={"flags": many}), control_sample=False)

    assert len(text.encode("utf-16-le")) // 2 <= 3900
    assert text.splitlines()[0].startswith("Inget förslag: handläggaren avgör.")
    shown = sum("fält" in line for line in text.splitlines())
    assert f"Och {200 - shown} till, se beslutsunderlaget." in text
