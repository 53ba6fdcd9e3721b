"""What a draft says for every kind of case: in plain words, about the check and never about the person."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from compare_cases import GUIDELINES, case, case_data

from robot.draft import document, recommendation_text, text_for
from rules import Rulebook, assess, load_rulebook
from rules.assessment import Assessment, Flag, Proposal, Severity
from rules.facts import CaseFile

BLAMING = re.compile(
    r"\b(fusk\w*|misstän\w*|misskö\w*|vägra\w*|slarv\w*|felaktig\w*|oriktig\w*|undanhåll\w*|dölj\w*|erkänn\w*|skyldig)\b", re.I
)
DEMANDING = re.compile(r"\b(du måste|du ska|du har inte|ni har inte|du borde|omedelbart)\b", re.I)


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(GUIDELINES)


def assessed(book: Rulebook, *, more: list[dict[str, Any]] | None = None, **described: Any) -> Assessment:
    """Assess a renewal, with more costs applied for than last month."""
    return _assess(case_data(1, **described), book, more or [])


def refused(book: Rulebook, *, more: list[dict[str, Any]] | None = None, **described: Any) -> Assessment:
    """Assess a renewal whose bostadsbidrag is, as last month, a little more than norm and costs."""
    data = case_data(1, **described)
    sums = _assess(data, book, []).sums
    assert sums is not None
    enough = f"{(sums.norm + sums.costs) // 100 + 500}.00"
    for answer in data["registers"]:
        for payment in answer.get("payments", []):
            payment |= {"net": enough, "gross": enough}
    paid = {"type": "Bostadsbidrag", "recipient": "applicant", "amount": enough, "counted": enough}
    data["history"]["previous_calculation"] |= {"incomes": [paid], "need": "0.00"}
    return _assess(data, book, more or [])


def _assess(data: dict[str, Any], book: Rulebook, more: list[dict[str, Any]]) -> Assessment:
    application = data["application"] | {"costs": data["application"]["costs"] + more}
    return assess(CaseFile.model_validate_json(json.dumps(data | {"application": application})), book, hand_over=True)


def said(assessment: Assessment, ref: str = "applicant") -> str:
    text = text_for(assessment, ref)
    return "\n".join((*text.reasons, *text.completions)).replace("\u00a0", " ")


def every_kind(book: Rulebook) -> list[Assessment]:
    medicine = {"type": "medicine", "applied": "200.00", "proof": False}
    travel = {"type": "travel_medical", "applied": "240.00"}
    return [
        assessed(book),
        assessed(book, couple=True, children=2),
        assessed(book, more=[travel]),
        assessed(book, more=[medicine]),
        refused(book, more=[travel]),
        assessed(book, rent="9900.00", rent_before="5000.00"),
    ]


def test_the_cases_looked_at_are_of_every_kind(book: Rulebook) -> None:
    assert {one.proposal for one in every_kind(book)} == {Proposal.BIFALL, Proposal.DELAVSLAG, Proposal.AVSLAG, None}


def test_no_text_blames_and_no_text_to_an_applicant_demands(book: Rulebook) -> None:
    for one in every_kind(book):
        whole = document(one, case_number="EB-1") + recommendation_text(one, control_sample=False)
        assert not BLAMING.search(whole)
        assert not DEMANDING.search(said(one))
        assert not DEMANDING.search(whole)


def test_every_flag_speaks_of_the_check_and_never_of_the_person(book: Rulebook) -> None:
    for code, spec in book.flags.specs.items():
        assert not BLAMING.search(spec.text), code
        assert not re.search(r"\b(du|sökanden har|personen|han|hon)\b", spec.text, re.I), code


def test_a_part_refusal_gives_each_ground_with_amounts_reason_and_law(book: Rulebook) -> None:
    part = assessed(book, more=[{"type": "travel_medical", "applied": "240.00"}])
    assert part.proposal is Proposal.DELAVSLAG

    assert "Ansökan avslås för Sjukresor: sökt 240, godkänt 0 kr. Skäl: Sjukresor ersätts av regionen" in said(part)
    assert "Du beviljas ekonomiskt bistånd med" in said(part)


def test_a_refusal_has_no_reasons_for_anybody_and_only_facts_for_the_caseworker(book: Rulebook) -> None:
    avslag = refused(book, couple=True)
    assert avslag.proposal is Proposal.AVSLAG
    text = document(avslag, case_number="EB-1").replace("\u00a0", " ")
    reasons = text.split("\nMOTIVERING\n")[1].split("\nTALA MED")[0]

    assert text_for(avslag, "applicant").reasons == text_for(avslag, "co_applicant").reasons == ()
    assert "Motiveringen skrivs av handläggaren." in reasons
    assert "Egna inkomster, sökande: Bostadsbidrag 14 010 kr" in reasons
    assert "Före beslutet: låt var och en få del av de registeruppgifter som gäller hen själv" in reasons
    assert "avslås" not in text


def test_a_completion_says_what_is_missing_when_where_to_turn_and_what_happens_otherwise(book: Rulebook) -> None:
    waiting = assessed(book, more=[{"type": "medicine", "applied": "200.00", "proof": False}])
    text = " ".join(document(waiting, case_number="EB-1").split())

    assert "Vi behöver det här för att kunna räkna klart ansökan för december 2026:" in text
    assert "Medicin: underlag, till exempel kvitto, räkning eller beslut, om du inte redan har skickat in det." in text
    assert "Skicka in det senast" in text
    assert "Hör av dig till socialtjänsten om du behöver hjälp eller mer tid." in text
    assert "Annars prövas ansökan med de uppgifter som finns." in text


@pytest.mark.parametrize(
    ("code", "severity", "asked"),
    [
        ("info.sublet_consent", Severity.INFO, "samtycke till andrahandsuthyrningen"),
        ("case.signature_missing", Severity.REVIEW, "Underskrift av var och en som söker, om någon underskrift saknas."),
    ],
)
def test_what_the_household_can_add_is_asked_of_the_applicant_alone(code: str, severity: Severity, asked: str, book: Rulebook) -> None:
    whole = assess(case(1, couple=True), book, hand_over=True)
    flagged = whole.model_copy(update={"flags": (*whole.flags, Flag(code=code, severity=severity, key="", text="x"))})

    assert asked in said(flagged)
    assert asked not in said(flagged, "co_applicant")


def test_nothing_is_asked_for_where_nothing_is_missing(book: Rulebook) -> None:
    assert text_for(assessed(book), "applicant").completions == ()
    assert "Komplettering\n" not in document(assessed(book), case_number="EB-1")


@pytest.mark.parametrize("children", [0, 1, 3])
def test_the_best_of_the_child_is_named_in_every_kind_of_draft_for_a_household_with_children(children: int, book: Rulebook) -> None:
    drafts = [
        assessed(book, children=children),
        assessed(book, children=children, more=[{"type": "travel_medical", "applied": "240.00"}]),
        refused(book, children=children),
        assessed(book, children=children, rent="9900.00", rent_before="5000.00"),
    ]

    assert {one.proposal for one in drafts} == {Proposal.BIFALL, Proposal.DELAVSLAG, Proposal.AVSLAG, None}
    assert ["Barnets bästa" in document(one, case_number="EB-1") for one in drafts] == [children > 0] * 4


def test_every_draft_says_how_to_reach_a_person_and_how_to_appeal(book: Rulebook) -> None:
    for one in every_kind(book):
        text = " ".join(document(one, case_number="EB-77").split())
        assert "Du kan alltid tala med en handläggare. Kontakta socialtjänsten i kommunen och uppge ärende EB-77." in text
        assert "Går beslutet dig emot kan du överklaga det." in text
        assert "inom tre veckor" in text
