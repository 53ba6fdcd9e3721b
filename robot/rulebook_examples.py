"""The rule book's worked examples: made-up households, computed by the very rules that the page describes.

No example states a result: it is computed for the month of the page, so that a new amount can never leave an old example behind.
"""

from __future__ import annotations

from typing import Any

from robot.draft import flag_text, words
from robot.rulebook_texts import ExampleCase, ExampleText
from rules import Rulebook, assess
from rules.assessment import Assessment, Line
from rules.facts import SOURCES, CaseFile
from rules.money import ZERO, Ore, kronor
from rules.month import Month

_DAY_APPLIED = 18
_DAY_PAID = 20
_WINDOW_BEGAN = -6
_WINDOW_MONTHS = 23
_NOT_THIS_MONTH = "Exemplet ger inget för den här månaden."
JsonObject = dict[str, Any]


def worked(example: ExampleText, month: Month, book: Rulebook) -> str:
    """Return what an example gives in a month, in a sentence or two."""
    result = _result(example.case, month, book)
    kind, _, name = example.shows.partition(":")
    if kind == "proposal":
        return _proposal(result)
    if kind == "flag":
        return next((f"Flagga: {flag_text(flag)}." for flag in result.flags if flag.code == name), _NOT_THIS_MONTH)
    if kind == "shown":
        return next((f"{words.sentence(one)}." for one in result.shown if name in one), _NOT_THIS_MONTH)
    return next((_line(line) for line in result.lines if line.key == name), _NOT_THIS_MONTH)


def _result(case: ExampleCase, month: Month, book: Rulebook) -> Assessment:
    """Assess an example whose need last month was what it is now, so that only what the example is about stands out."""
    first = assess(case_file(case, month, book, ZERO), book, hand_over=True)
    need = first.sums.need if first.sums else ZERO
    return assess(case_file(case, month, book, need), book, hand_over=True)


def case_file(case: ExampleCase, month: Month, book: Rulebook, last_need: Ore) -> CaseFile:
    """Build the case file of an example: a renewal applied for in the month before, with every register answering but the silent one."""
    before = month.plus(-1)
    adults = ["applicant", "co_applicant"][: case.adults]
    members = [_adult(ref, month) for ref in adults]
    members += [_child(number, age, case.days, month) for number, age in enumerate(case.ages, start=1)]
    document: JsonObject = {
        "today": before.last.isoformat(),
        "application": {
            "case_id": "exempel",
            "type": "renewal",
            "channel": "e-service",
            "received_at": f"{before.day(_DAY_APPLIED).isoformat()}T09:00:00+01:00",
            "month": str(month),
            "signed": {"applicant": True, "co_applicant": True},
            "household": {
                "civil_status": case.civil_status or ("single" if case.adults == 1 else "cohabiting"),
                "others_in_home": case.others,
                "members": members,
            },
            "housing": {"form": case.housing, "changed": False},
            "costs": [{"type": kind, "applied": _text(amount)} for kind, amount in (case.costs or {}).items()],
            "incomes": _declared(case, before),
            "plans": [{"person": ref, "type": case.plan} for ref in adults],
            "interpreter": False,
            "other_norm": case.other_norm,
            "protected": False,
        },
        "registers": [_with_permit(case, answer, month) for answer in _answers(case, book, adults, before)],
        "history": _history(case, [str(member["ref"]) for member in members], before) | {"surplus": "0.00"},
    }
    document["history"]["previous_calculation"]["need"] = kronor(last_need)
    return CaseFile.model_validate(document)


def _adult(ref: str, month: Month) -> JsonObject:
    return {"ref": ref, "role": ref, "birth_date": f"{month.year - 38}-05-14"}


def _child(number: int, age: int, days: int | None, month: Month) -> JsonObject:
    """A child who was that old half a year before the month."""
    birthday = month.plus(-6)
    return {
        "ref": f"child-{number}",
        "role": "child",
        "birth_date": f"{birthday.year - age}-{birthday.number:02d}-10",
        "days_in_home": month.days if days is None else days,
        "residence": "full_time" if days is None else "half_time",
        "lunch_elsewhere": False,
        "school_youth": True,
    }


def _declared(case: ExampleCase, before: Month) -> list[JsonObject]:
    pay = {"applicant": case.pay, "child-1": case.child_pay}
    paid_on = before.day(_DAY_PAID).isoformat()
    return [
        {"type": "salary", "recipient": person, "net": _text(amount), "paid_on": paid_on}
        for person, amount in pay.items()
        if amount is not None
    ]


def _answers(case: ExampleCase, book: Rulebook, adults: list[str], before: Month) -> list[JsonObject]:
    """Every source about every adult, and about the first child the sources that pay it something."""
    paid = [("applicant", _origin(benefit, book), benefit, amount) for benefit, amount in (case.benefits or {}).items()]
    paid += [("child-1", _origin(benefit, book), benefit, amount) for benefit, amount in (case.child_benefits or {}).items()]
    asked = [(person, source) for person in adults for source in SOURCES]
    asked += sorted({(person, source) for person, source, _, _ in paid} - set(asked))
    return [
        _answer(person, source, before, [], silent=True)
        if (person, source) == ("applicant", case.silent)
        else _answer(person, source, before, [(benefit, amount) for *of, benefit, amount in paid if of == [person, source]])
        for person, source in asked
    ]


def _answer(person: str, source: str, before: Month, paid: list[tuple[str, int]], *, silent: bool = False) -> JsonObject:
    answer: JsonObject = {"person": person, "source": source, "fetched_at": f"{before.last.isoformat()}T06:00:00+01:00"}
    if silent:
        return answer | {"status": "unavailable"}
    paid_on = before.day(_DAY_PAID).isoformat()
    payments = [
        {"benefit": benefit, "net": _text(amount), "other_deductions": "0.00", "currency": "SEK", "paid_on": paid_on}
        for benefit, amount in paid
    ]
    facts: JsonObject = {"protected": False} if source in ("FK", "AF", "CSN") else {}
    if source == "AF":
        facts["job_seeker"] = True
    return answer | {"status": "answered", "payments": payments, "facts": facts}


def _with_permit(case: ExampleCase, answer: JsonObject, month: Month) -> JsonObject:
    """Add the applicant's residence permit to what Migrationsverket answers."""
    if case.permit_ends is None or (answer["person"], answer["source"]) != ("applicant", "MIV"):
        return answer
    permit = {"kind": "UT", "permanent": False, "to_day": month.day(case.permit_ends).isoformat()}
    return answer | {"facts": {"permits": [permit]}}


def _origin(benefit: str, book: Rulebook) -> str:
    return next(iter(book.guidelines.origins(benefit)), "FK")


def _history(case: ExampleCase, members: list[str], before: Month) -> JsonObject:
    """Last month's calculation, with the same costs and incomes unless the example says otherwise."""
    approved = case.approved if case.approved is not None else case.costs or {}
    incomes = [("applicant", kind, amount) for kind, amount in (case.benefits or {}).items()]
    incomes += [("child-1", kind, amount) for kind, amount in (case.child_benefits or {}).items()]
    incomes += [("applicant", "salary", case.pay)] if case.pay is not None else []
    first = before.plus(_WINDOW_BEGAN)
    window = {"person": "applicant", "from": str(first), "to": str(first.plus(_WINDOW_MONTHS))}
    return {
        "known": True,
        "previous_calculation": {
            "month": str(before),
            "norm": "0.00",
            "costs": [{"type": kind, "approved": _text(amount)} for kind, amount in approved.items()],
            "incomes": [{"type": kind, "recipient": person, "amount": _text(amount)} for person, kind, amount in incomes],
            "members": members,
        },
        "months_in_a_row": case.months_in_a_row,
        "jobbstimulans": {"runs": [window], "none": [], "unknown": None}[case.jobbstimulans],
        "decided_by_person": False,
    }


def _text(whole_kronor: int) -> str:
    return f"{whole_kronor}.00"


def _line(line: Line) -> str:
    label = words.with_person(line.label, line.person)
    if line.blank:
        why = words.sentence(line.blank.text.removeprefix(f"{line.label}: "))
        return f"{label}: lämnas tom ({words.open_size(line.blank)}). {why}."
    return f"{label}: {words.kr(Ore(line.amount or 0))}. {words.sentence(line.trace.because)}."


def _proposal(result: Assessment) -> str:
    if result.sums is None:
        return _NOT_THIS_MONTH
    sums = result.sums
    counted = f"{words.kr(sums.norm)} + {words.kr(sums.costs)} − {words.kr(sums.incomes)} = {words.kr(sums.need)}"
    if result.proposal is None:
        return f"Norm + kostnader − inkomster: {counted}, känt hittills. Inget förslag: handläggaren avgör."
    amount = f" med {words.kr(result.amount)}" if result.amount is not None else ""
    return f"Norm + kostnader − inkomster: {counted}. Förslag: {words.proposal(result.proposal)}{amount}."
