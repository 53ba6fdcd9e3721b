"""Applicant and co-applicant have secrecy towards each other: no text to one of a couple tells the other's income, whatever the case."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from compare_cases import GUIDELINES, case_data
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.draft import text_for, words
from rules import assess, labels, load_rulebook
from rules.assessment import Assessment
from rules.facts import SOURCES, CaseFile
from rules.money import Ore, kronor

BOTH = ("applicant", "co_applicant")
ON_THE_LIST = {"Sjukpenning": "FK", "Föräldrapenning": "FK", "Aktivitetsstöd": "FK", "Ålderspension": "PM", "Arbetslöshetsersättning": "SO"}
BENEFITS = ON_THE_LIST | {"Rymdbidrag": "FK", "Omvårdnadsbidrag": "FK", "Studiemedel": "CSN"}
DECLARED = ("salary", "swish", "maintenance", "other")
COSTS = (("travel_medical", None), ("medicine", False), ("union_fee", True), ("dental_acute", None))
PAID, FETCHED = "2026-11-20", "2026-11-30T06:00:00+01:00"
AMOUNT = re.compile(r"\d{1,3}(?:\u00a0\d{3})*(?:,\d{2})?(?=\u00a0kr|\s|[;.,]|$)")
BOOK = load_rulebook(GUIDELINES)
Incomes = dict[str, dict[str, int]]
"""What each of the two has: name of the income and its amount in öre."""


@st.composite
def plain_couples(draw: st.DrawFn) -> tuple[dict[str, Any], Incomes]:
    """Return a couple whose case is as last month and ends in a proposal: incomes on the list, now as then, and perhaps a refused cost."""
    amounts = iter(draw(st.lists(st.integers(200, 2_000).map(lambda whole: whole * 100 + 13), min_size=4, max_size=4, unique=True)))
    benefits = draw(st.permutations(sorted(ON_THE_LIST)))
    has = {ref: {name: next(amounts) for name in benefits[at : at + draw(st.integers(1, 2))]} for ref, at in zip(BOTH, (0, 2), strict=True)}
    data = _couple(has, children=draw(st.integers(0, 2)))
    if draw(st.booleans()):
        data["application"]["costs"].append({"type": "travel_medical", "applied": "199.00"})
    return data, has


@st.composite
def couples(draw: st.DrawFn) -> tuple[dict[str, Any], Incomes]:
    """Return a couple of any kind: incomes on the list and off it, declared and registered, silent registers, costs without proof."""
    amounts = iter(draw(st.lists(st.integers(200, 39_999).map(lambda whole: whole * 100 + 13), min_size=10, max_size=10, unique=True)))
    benefits, declared = draw(st.permutations(sorted(BENEFITS))), draw(st.permutations(DECLARED))
    has = {
        ref: {name: next(amounts) for name in (*benefits[at : at + draw(st.integers(1, 3))], *declared[at : at + draw(st.integers(0, 2))])}
        for ref, at in zip(BOTH, (0, 3), strict=True)
    }
    data = _couple(
        has, children=draw(st.integers(0, 2)), silent=draw(st.sets(st.tuples(st.sampled_from(BOTH), st.sampled_from(SOURCES)), max_size=2))
    )
    data["application"]["costs"] += [
        {"type": kind, "applied": "199.00", "proof": proof}
        for kind, proof in draw(st.lists(st.sampled_from(COSTS), max_size=3, unique=True))
    ]
    data["application"]["plans"] = [{"person": ref, "type": draw(st.sampled_from(["work", "sick_leave"]))} for ref in BOTH]
    if draw(st.booleans()):
        data["history"]["previous_calculation"]["incomes"] = []
    return data, has


def _couple(has: Incomes, *, children: int, silent: Collection[tuple[str, str]] = ()) -> dict[str, Any]:
    data = case_data(1, couple=True, children=children)
    incomes = [(ref, name, kronor(Ore(amount))) for ref in BOTH for name, amount in has[ref].items()]
    data["application"]["incomes"] = [
        {"type": name, "recipient": ref, "net": amount, "paid_on": PAID} for ref, name, amount in incomes if name in DECLARED
    ]
    data["registers"] = [_answer(ref, source, has[ref], silent=(ref, source) in silent) for ref in BOTH for source in SOURCES]
    data["history"]["previous_calculation"]["incomes"] = [
        {"type": name, "recipient": ref, "amount": amount, "counted": amount} for ref, name, amount in incomes
    ]
    return data


def _answer(ref: str, source: str, has: dict[str, int], *, silent: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"person": ref, "source": source, "fetched_at": FETCHED}
    if silent:
        return answer | {"status": "unavailable"}
    payments = [
        {"benefit": name, "net": kronor(Ore(amount)), "other_deductions": "0.00", "currency": "SEK", "paid_on": PAID}
        for name, amount in has.items()
        if BENEFITS.get(name) == source
    ]
    return answer | {"status": "answered", "payments": payments, "facts": {"protected": False}}


def judged(data: dict[str, Any]) -> Assessment:
    """Assess a case whose need last month was what it is now, so that as many as may be get a proposal and thereby reasons."""
    first = assess(CaseFile.model_validate_json(json.dumps(data)), BOOK, hand_over=True)
    if first.sums is not None:
        data["history"]["previous_calculation"]["need"] = kronor(max(first.sums.need, Ore(0)))
    return assess(CaseFile.model_validate_json(json.dumps(data)), BOOK, hand_over=True)


def amounts_in(text: str) -> set[int]:
    """Return every amount of money in a text, in öre."""
    found = (one.group().replace("\u00a0", "").partition(",") for one in AMOUNT.finditer(text))
    return {int(whole) * 100 + int(ore or 0) for whole, _, ore in found}


def test_the_amounts_of_a_text_are_found_as_they_are_written() -> None:
    assert amounts_in("Lön 6\u00a0375\u00a0kr; Swish 1\u00a0234,13\u00a0kr; sökt 199, godkänt 0\u00a0kr.") == {637_500, 123_413, 19_900, 0}


def said_to(result: Assessment, ref: str) -> str:
    text = text_for(result, ref)
    return "\n".join((*text.reasons, *text.completions))


def told_of_the_other(said: str, result: Assessment, has: Incomes, mine: str, other: str) -> list[object]:
    """Return what a text to one of them says of the other's incomes: names, amounts and sums, and any source at all."""
    own, theirs = ([line.low for line in result.lines if line.section == "income" and line.person == ref] for ref in (mine, other))
    secret = {*has[other].values(), *theirs, sum(has[other].values()), sum(theirs)} - {0, result.amount, *own, *has[mine].values()}
    names = {labels.income(name) for name in has[other]} - {labels.income(name) for name in has[mine]}
    sources = {name for source in SOURCES for name in (labels.source(source), words.source(source))}
    return [*(name for name in names | sources if name.casefold() in said.casefold()), *(secret & amounts_in(said))]


@settings(deadline=None, max_examples=60)
@given(plain_couples())
def test_reasons_to_one_applicant_tell_nothing_of_the_others_income(drawn: tuple[dict[str, Any], Incomes]) -> None:
    data, has = drawn
    result = judged(data)

    for mine, other in (BOTH, BOTH[::-1]):
        assert text_for(result, mine).reasons
        assert told_of_the_other(said_to(result, mine), result, has, mine, other) == []
        assert set(has[mine].values()) <= amounts_in(said_to(result, mine))


@settings(deadline=None, max_examples=60)
@given(couples())
def test_no_text_to_one_applicant_tells_amounts_benefits_or_sources_of_the_other(drawn: tuple[dict[str, Any], Incomes]) -> None:
    data, has = drawn
    result = judged(data)

    for mine, other in (BOTH, BOTH[::-1]):
        assert told_of_the_other(said_to(result, mine), result, has, mine, other) == []


def test_a_text_that_did_tell_would_be_found() -> None:
    has = {"applicant": {"Sjukpenning": 500_013}, "co_applicant": {"Ålderspension": 700_013}}
    result = judged(_couple(has, children=0))
    swapped = tuple(
        line.model_copy(update={"person": {"applicant": "co_applicant", "co_applicant": "applicant"}.get(line.person or "")})
        for line in result.lines
    )

    leaking = said_to(result.model_copy(update={"lines": swapped}), "applicant")

    assert told_of_the_other(said_to(result, "applicant"), result, has, *BOTH) == []
    assert set(told_of_the_other(leaking, result, has, *BOTH)) >= {"Ålderspension", 700_013}
