"""Texts for one applicant: complete for that person, and silent about the other's income."""

from __future__ import annotations

from pathlib import Path

import pytest

from robot.draft import adults, applicant_texts, document, text_for
from rules.assessment import Assessment, Flag, Proposal, Severity

GOLDEN = Path(__file__).parent / "golden"
BOTH = ("applicant", "co_applicant")


@pytest.fixture
def couple() -> Assessment:
    return Assessment.model_validate_json((GOLDEN / "assessment-complete.json").read_bytes())


def said(assessment: Assessment, ref: str) -> str:
    text = text_for(assessment, ref)
    return "\n".join((*text.reasons, *text.completions)).replace("\u00a0", " ")


def with_flags(assessment: Assessment, *flags: Flag) -> Assessment:
    return assessment.model_copy(update={"flags": (*assessment.flags, *flags)})


def missing(key: str, person: str | None = None, text: str = "Medicin: underlag kan begäras in som komplettering") -> Flag:
    return Flag(code="info.missing_document", severity=Severity.INFO, key=key, text=text, person=person)


def test_each_of_two_applicants_reads_of_their_own_income_alone(couple: Assessment) -> None:
    mine, theirs = said(couple, "applicant"), said(couple, "co_applicant")

    assert "Lön 6 375 kr; Bostadsbidrag 1 850 kr" in mine
    assert "Barnbidrag 1 250 kr; Arbetslöshetsersättning 6 240 kr" in theirs
    assert not any(word in mine for word in ("Barnbidrag", "Arbetslöshetsersättning", "1 250", "6 240"))
    assert not any(word in theirs for word in ("Lön", "Bostadsbidrag", "6 375", "8 500", "1 850"))


def test_with_two_applicants_no_sum_is_given_from_which_the_other_income_could_be_reckoned(couple: Assessment) -> None:
    for ref in BOTH:
        assert not any(total in said(couple, ref) for total in ("12 710", "7 350", "15 715"))
        assert "4 345 kr" in said(couple, ref)


def test_an_applicant_alone_is_given_the_whole_reckoning(couple: Assessment) -> None:
    own = [line for line in couple.lines if line.person != "co_applicant"]
    alone = couple.model_copy(
        update={
            "lines": tuple(own),
            "flags": (),
            "checks": tuple(check for check in couple.checks if check.person == "applicant"),
            "counted_incomes": tuple(income for income in couple.counted_incomes if income.person == "applicant"),
        }
    )

    assert adults(alone) == ("applicant",)
    assert "Riksnormen för hushållet är 12 710 kr" in said(alone, "applicant")
    assert said(alone, "applicant").startswith("Du beviljas")


def test_the_texts_stand_in_separate_blocks_of_the_document(couple: Assessment) -> None:
    text = document(couple, case_number="EB-1").replace("\u00a0", " ")
    mine = text.split("TEXT TILL SÖKANDE")[1].split("TEXT TILL MEDSÖKANDE")[0]

    assert "Lön 6 375 kr" in mine
    assert "Arbetslöshetsersättning" not in mine


def test_a_missing_document_for_a_common_cost_is_asked_of_the_applicant(couple: Assessment) -> None:
    asked = with_flags(couple, missing("cost.rent"))

    assert text_for(asked, "applicant").completions == (
        "Hyra: underlag, till exempel kvitto, räkning eller beslut, om du inte redan har skickat in det.",
    )
    assert text_for(asked, "co_applicant").completions == ()


def test_a_missing_document_for_an_income_is_asked_of_the_one_whose_income_it_is(couple: Assessment) -> None:
    asked = with_flags(couple, missing("income.Arbetslöshetsersättning.co_applicant", person="applicant"))

    assert text_for(asked, "applicant").completions == ()
    assert "Arbetslöshetsersättning" in said(asked, "co_applicant")


def test_a_missing_document_that_names_nobody_and_no_row_is_asked_of_neither_of_two(couple: Assessment) -> None:
    asked = with_flags(couple, missing("income.secret", text="Lön, medsökande: underlag kan begäras in som komplettering"))

    assert text_for(asked, "applicant").completions == text_for(asked, "co_applicant").completions == ()


def test_a_missing_certificate_is_asked_of_the_person_who_is_ill(couple: Assessment) -> None:
    flag = Flag(
        code="info.medical_certificate", severity=Severity.INFO, key="co_applicant", text="Läkarintyg finns inte", person="co_applicant"
    )
    asked = with_flags(couple, flag)

    assert "Läkarintyg" not in said(asked, "applicant")
    assert "Läkarintyg" in said(asked, "co_applicant")


def test_the_same_missing_document_is_asked_for_once(couple: Assessment) -> None:
    proof = Flag(code="cost.proof_needed", severity=Severity.REVIEW, key="cost.rent", text="Hyra: underlag behövs")

    assert len(text_for(with_flags(couple, proof, missing("cost.rent")), "applicant").completions) == 1


def test_without_a_proposal_there_is_no_text_but_what_is_missing(couple: Assessment) -> None:
    open_case = couple.model_copy(update={"proposal": None, "amount": None})

    assert applicant_texts(open_case) == ()
    assert [text.ref for text in applicant_texts(with_flags(open_case, missing("cost.rent")))] == ["applicant"]


def test_a_cost_refused_to_the_other_is_not_named_but_told_of(couple: Assessment) -> None:
    rent = next(line for line in couple.lines if line.key == "cost.rent")
    refused = rent.model_copy(
        update={"key": "cost.union_fee", "label": "Fackavgift", "amount": 0, "applied": 40000, "person": "co_applicant"}
    )
    part = couple.model_copy(update={"lines": (*couple.lines, refused), "proposal": Proposal.DELAVSLAG})

    assert "Fackavgift" not in said(part, "applicant")
    assert "en kostnad som den andra sökandens text tar upp" in said(part, "applicant")
    assert "Ansökan avslås för Fackavgift: sökt 400, godkänt 0 kr." in said(part, "co_applicant")
