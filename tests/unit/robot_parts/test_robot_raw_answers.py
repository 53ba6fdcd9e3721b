"""What a register answered is never kept as it came: of it only the facts that the rules know."""

from __future__ import annotations

import base64
import json
import re

import pytest

from connectors.registers.ssbtek.answers import read_answers
from robot.effects import texts_of
from robot.worker import draft_record
from rules import Rulebook, assess
from rules.facts import CaseFile, RegisterAnswer
from tests.connectors.ssbtek_answers import NOW, envelope, everything, fixture, lefi, query, settings

STREET = "Påhittade gränd 17"
"""Made up: something that a register tells and nobody needs."""
STRETCH = 60
"""So many characters in a row of an answer are no coincidence."""


@pytest.fixture(scope="module")
def answered() -> dict[str, str]:
    """Every agency's answer as it came; FK tells where the person lives, too."""
    document = json.loads(fixture("lefi.json"))
    document["formansinformation"]["generellPersoninformation"][0]["adress"][0]["gata"] = STREET
    return everything() | {"FK": lefi(json.dumps(document, ensure_ascii=False))}


@pytest.fixture(scope="module")
def stored(answered: dict[str, str], rulebook: Rulebook, standard: CaseFile) -> dict[str, object]:
    """What is kept of a case whose registers have answered."""
    asked = settings("http://registers.example")
    answers = read_answers(envelope(answered), query(), asked, correlation="id-1", fetched_at=NOW, neighbour="ssbtek")
    known = standard.model_copy(update={"registers": tuple(answers)})
    result = assess(known, rulebook)
    return draft_record(result, known, texts_of(result, number="EB-1", control_sample=False), number="EB-1", control_sample=False)


def _as_they_came(answered: dict[str, str]) -> list[str]:
    """Return the answers as they stood on the line, and as what is packed into them."""
    packed = [base64.b64decode(one).decode() for one in re.findall(r"[A-Za-z0-9+/=]{200,}", "".join(answered.values()))]
    return [envelope(answered).decode(), *answered.values(), *packed, fixture("csn.xml"), fixture("skv.xml")]


def test_of_the_registers_answers_only_the_facts_used_are_kept(answered: dict[str, str], stored: dict[str, object]) -> None:
    kept = json.dumps(stored, ensure_ascii=False)
    assert "Sjukpenning" in kept, "the facts are kept"
    assert STREET in "".join(_as_they_came(answered)), "or nothing is looked for"
    assert STREET not in kept
    for text in _as_they_came(answered):
        stretches = [text[start : start + STRETCH] for start in range(0, len(text) - STRETCH, STRETCH // 2)]
        assert not [stretch for stretch in stretches if stretch in kept or json.dumps(stretch, ensure_ascii=False)[1:-1] in kept]
    for word in ("Envelope", "svarsdata", "lefiJsonSvar", "generellPersoninformation", "folkbokford", "<?xml"):
        assert word not in kept


def test_what_is_kept_of_a_register_has_the_facts_fields_and_no_other(stored: dict[str, object]) -> None:
    case_file = stored["case_file"]
    assert isinstance(case_file, dict)
    assert case_file["registers"], "or nothing is looked at"
    for answer in case_file["registers"]:
        assert set(answer) == set(RegisterAnswer.model_fields)
        assert all(len(one["value"]) <= 200 for one in answer["unrecognised"])
