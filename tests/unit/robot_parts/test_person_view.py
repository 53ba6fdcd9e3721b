"""What one adult may have of a case shared with another: everything but what tells of the other, in figures and papers as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from golden_cases import golden

import rules
from robot.cli.person import _view
from robot.effects import texts_of
from robot.person_view import View
from robot.worker import draft_record
from rules import Rulebook, assess, load_rulebook

BOOK: Rulebook = load_rulebook(Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml")
APPLICANT, OTHER, CHILD = "198907142386", "199608072398", "201104219926"
"""Test numbers of Skatteverket, and a made-up one."""
OWN, OTHERS, BEFORE = "4321.00", "7653.00", "6543.00"


def content(*, adults: int) -> dict[str, Any]:
    """Return a draft as the robot keeps it: each adult has a benefit of its own, and there is a child."""
    paid = (("applicant", "FK", "Sjukpenning", OWN), ("co_applicant", "FK", "Aktivitetsstöd", OTHERS))[:adults]
    counted = (("Sjukpenning", "applicant", OWN), ("Aktivitetsstöd", "co_applicant", BEFORE))[:adults]
    file = golden("2026-12", adults=adults, ages=(15,), paid=paid, counted=counted).case_file
    born = {"applicant": APPLICANT, "co_applicant": OTHER, "child-1": CHILD}
    members = tuple(
        one.model_copy(update={"personnummer": born[one.ref], "birth_date": None}) for one in file.application.household.members
    )
    household = file.application.household.model_copy(update={"members": members})
    file = file.model_copy(update={"application": file.application.model_copy(update={"household": household})})
    result = assess(file, BOOK)
    assert result.lines, "the case is computed"
    number = "EB-26110001"
    texts = texts_of(result, number=number, control_sample=False)
    kept = draft_record(result, file, texts, number=number, control_sample=False)
    return json.loads(json.dumps(kept))  # type: ignore[no-any-return]  # a dictionary went in


def said(view: View, kept: dict[str, Any]) -> str:
    return json.dumps([view.draft(kept), view.writes({"payload": {"text": kept["document"]}})], ensure_ascii=False)


def ways_to_write(amount: str) -> tuple[str, ...]:
    whole = amount.partition(".")[0]
    return whole, f"{whole[:-3]} {whole[-3:]}", f"{whole[:-3]}\N{NO-BREAK SPACE}{whole[-3:]}"


@pytest.mark.parametrize(("number", "own", "others"), [(APPLICANT, OWN, (OTHERS, BEFORE)), (OTHER, OTHERS, (OWN,))])
def test_what_registers_said_of_the_other_adult_stands_nowhere(number: str, own: str, others: tuple[str, ...]) -> None:
    kept = content(adults=2)
    view = _view(kept, number)
    text = said(view, kept)
    assert own in text
    for amount in others:
        assert any(written in json.dumps(kept, ensure_ascii=False) for written in ways_to_write(amount)), "it is there to be hidden"
        for written in ways_to_write(amount):
            assert written not in text
    assert "registeruppgifter om annan person" in view.left_out
    assert any("underlag" in one for one in view.left_out)


@pytest.mark.parametrize("adults", [1, 2])
def test_nobodys_elses_birth_date_stands_behind_a_line(adults: int) -> None:
    kept = content(adults=adults)
    text = said(_view(kept, APPLICANT), kept)
    assert "2011-04-21" in json.dumps(kept)
    for hidden in ("2011-04-21", "20110421", "1996-08-07", "19960807"):
        assert hidden not in text
    assert "norm.child-1" in text, "the line itself stays: it is the household's"


def test_who_is_the_only_adult_gets_the_papers_as_they_are() -> None:
    kept = content(adults=1)
    view = _view(kept, APPLICANT)
    assert view.draft(kept)["document"] == kept["document"]
    assert view.writes({"payload": {"text": kept["document"]}}) == {"payload": {"text": kept["document"]}}
