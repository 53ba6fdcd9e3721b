"""The span always contains the need that any filling-in of the blanks gives, for every case file that is one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from made_cases import BOOK, Making, case_files, written

from rules import assess
from rules.assessment import Assessment, Outcome, Span
from rules.context import INCOME_SOURCES
from rules.facts import CaseFile, Jobbstimulans, Payment, PreviousCalculation, RegisterAnswer
from rules.money import Ore
from rules.month import Month

MANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
Filled = tuple[str, CaseFile]
PAID = ("Barnbidrag", "Sjukpenning", "Bostadsbidrag")
"""Benefits of FK, one of which an applicant may declare by its name; none that is declared by another name (see the last test)."""


def computed(case: CaseFile) -> Assessment:
    """Assess a case that is neither stop nor urgent."""
    result = assess(case, BOOK, hand_over=True)
    assume(result.outcome not in (Outcome.STOP, Outcome.URGENT))
    return result


def within(inner: Span, outer: Span) -> bool:
    """Say whether every need of one span is in the other."""
    low = outer.lowest is None or (inner.lowest is not None and inner.lowest >= outer.lowest)
    return low and (outer.highest is None or (inner.highest is not None and inner.highest <= outer.highest))


@MANY
@given(case_files(), st.integers(0, 2**32))
def test_the_span_contains_the_need_whatever_is_written_in_the_blank_lines(case: CaseFile, seed: int) -> None:
    result = computed(case)
    pick = random.Random(seed)
    assert result.span is not None
    need = 0
    for line in result.lines:
        high = line.low + 5_000_000 if line.high is None else line.high
        amount = pick.choice((line.low, high, pick.randint(line.low, high)))
        need += -amount if line.section == "income" else amount

    assert result.span.lowest is None or need >= result.span.lowest
    assert result.span.highest is None or need <= result.span.highest


@MANY
@given(case_files())
def test_the_span_contains_what_is_known_and_every_blank_contains_itself(case: CaseFile) -> None:
    result = computed(case)

    assert result.sums is not None
    assert result.span is not None
    assert result.span.lowest is None or result.span.lowest <= result.sums.need
    assert result.span.highest is None or result.span.highest >= result.sums.need
    for line in result.lines:
        assert (line.amount is None) is (line.blank is not None)
        assert line.low >= 0
        assert line.high is None or line.high >= line.low
    if not any(line.blank for line in result.lines) and "sum.month_open" not in {flag.code for flag in result.flags}:
        assert result.span.lowest == result.span.highest == result.sums.need


@MANY
@given(case_files(), st.integers(0, 2**32))
def test_the_span_contains_the_need_that_any_answer_to_what_is_unknown_gives(case: CaseFile, seed: int) -> None:
    """One unknown after another is answered; each answer may leave less open, never something that was shut."""
    pick = random.Random(seed)
    result = computed(case)
    for _ in range(4):
        answers = list(fillings(case, result, pick))
        if not answers:
            break
        what, case = pick.choice(answers)
        filled = computed(case)
        assert result.span is not None
        assert filled.span is not None
        assert within(filled.span, result.span), f"{what}: {filled.span} is not within {result.span}"
        result = filled


def test_the_cases_made_here_have_every_kind_of_unknown_that_is_answered() -> None:
    found: set[str] = set()
    for seed in range(900):
        case = Making(seed).case()
        result = assess(case, BOOK, hand_over=True)
        if result.sums is not None:
            found |= {what.partition(" ")[0] for what, _ in fillings(case, result, random.Random(seed))}

    assert found >= {
        "lunch",
        "days",
        "born",
        "school",
        "others",
        "status",
        "register",
        "window",
        "history",
        "applied",
        "proof",
        "unreadable",
    }


def test_a_benefit_declared_by_its_name_is_no_more_certain_while_its_register_is_silent(case_with: Callable[..., CaseFile]) -> None:
    declared = {"type": "Sjukpenning", "recipient": "applicant", "net": "900.00", "paid_on": "2026-11-20"}
    nothing_shown = {"application/incomes/+": declared, "registers/applicant.FK/payments": []}
    silent = case_with(nothing_shown | {"registers/applicant.FK/status": "unavailable"})
    answered = case_with(nothing_shown)
    then, now = assess(silent, BOOK, hand_over=True).span, assess(answered, BOOK, hand_over=True).span
    assert then is not None
    assert now is not None

    assert within(now, then)


def test_an_income_declared_under_another_name_is_no_more_certain_while_its_register_is_silent(case_with: Callable[..., CaseFile]) -> None:
    declared = {"type": "maintenance", "recipient": "applicant", "net": "900.00", "paid_on": "2026-11-20"}
    paid = {"benefit": "Underhållsstöd", "net": "500.00", "currency": "SEK", "other_deductions": "0.00", "paid_on": "2026-11-20"}
    silent = case_with(
        {"application/incomes/+": declared, "registers/applicant.FK/status": "unavailable", "registers/applicant.FK/payments": []}
    )
    answered = case_with({"application/incomes/+": declared, "registers/applicant.FK/payments": [paid]})
    then, now = assess(silent, BOOK, hand_over=True).span, assess(answered, BOOK, hand_over=True).span
    assert then is not None
    assert now is not None

    assert within(now, then)


def fillings(case: CaseFile, result: Assessment, pick: random.Random) -> Iterator[Filled]:
    """Yield answers to what is unknown in a case: a word for what it is, and the case with it."""
    reasons = {line.key: line.blank.reason for line in result.lines if line.blank}
    yield from _children(case, reasons, pick)
    yield from _household(case, reasons, pick)
    yield from _registers(case, reasons, pick)
    yield from _payments(case, pick)
    yield from _costs(case, reasons, pick)
    yield from _history(case, reasons, pick)


def _children(case: CaseFile, reasons: dict[str, str], pick: random.Random) -> Iterator[Filled]:
    for number, child in enumerate(case.application.household.members):
        reason = reasons.get(f"norm.{child.ref}")
        choices: dict[str, tuple[str, Any]] = {
            "norm.lunch_unknown": ("lunch_elsewhere", pick.choice((True, False))),
            "norm.days_unknown": ("days_in_home", pick.randint(0, 31)),
            "norm.age_unknown": ("birth_date", case.application.month.first - timedelta(days=pick.randint(0, 365 * 24))),
            "norm.youth_unknown": ("school_youth", pick.choice((True, False))),
        }
        if reason in choices and child.role == "child":
            name, value = choices[reason]
            if reason == "norm.days_unknown" and child.days_in_home is not None:
                continue
            if reason == "norm.age_unknown" and child.birth_date is not None:
                continue
            members = list(case.application.household.members)
            members[number] = child.model_copy(update={name: value})
            word = {"lunch_elsewhere": "lunch", "days_in_home": "days", "birth_date": "born", "school_youth": "school"}[name]
            yield f"{word} {child.ref} {value}", _with_household(case, members=tuple(members))


def _household(case: CaseFile, reasons: dict[str, str], pick: random.Random) -> Iterator[Filled]:
    if reasons.get("norm.common") == "case.others_in_home":
        others = pick.randint(0, 9)
        yield f"others {others}", _with_household(case, others_in_home=others)
    adults = len(case.adults)
    if "case.civil_status_unknown" in (reasons.get("norm.applicant"), reasons.get("norm.adults")):
        status = "single" if adults == 1 else pick.choice(("cohabiting", "married"))
        yield f"status {status}", _with_household(case, civil_status=status)


def _registers(case: CaseFile, reasons: dict[str, str], pick: random.Random) -> Iterator[Filled]:
    """Let a source that was silent, or answered in part, answer: with nothing, or with one more payment."""
    for place, answer in enumerate(case.registers):
        if answer.source not in INCOME_SOURCES or f"income.{answer.source}.{answer.person}" not in reasons:
            continue
        if any(answer.source in BOOK.guidelines.origins(one.type) for one in case.application.incomes):
            continue  # see the test of a benefit that is declared by its name, at the end
        if sum((one.person, one.source) == (answer.person, answer.source) for one in case.registers) > 1:
            continue
        benefit = pick.choice([name for name in PAID if name not in {one.benefit for one in answer.payments}] or PAID)
        day = case.application.month.plus(-1).day(pick.randint(1, 28))
        net = written(pick.randint(1, 900_000))
        paid = Payment.model_validate({"benefit": benefit, "net": net, "currency": "SEK", "other_deductions": "0.00", "paid_on": day})
        payments = answer.payments if answer.status == "answered" else ()
        payments = (*payments, paid) if answer.source == "FK" and pick.random() < 0.7 else payments
        update: dict[str, Any] = {
            "status": "answered" if payments else "nothing_held",
            "payments": payments,
            "deviations": (),
            "error": None,
        }
        update["fetched_at"] = max(answer.fetched_at, datetime.combine(case.application.month.first, time(12), UTC))
        yield f"register {answer.person} {answer.source}", _with_answer(case, place, answer.model_copy(update=update))


def _payments(case: CaseFile, pick: random.Random) -> Iterator[Filled]:
    """Let an amount that could not be read be read."""
    for place, answer in enumerate(case.registers):
        for number, paid in enumerate(answer.payments):
            if paid.net is not None or paid.preliminary or answer.status != "answered":
                continue
            payments = list(answer.payments)
            payments[number] = paid.model_copy(update={"net": Ore(pick.randint(-300_000, 900_000)), "gross": None, "tax": None})
            yield f"unreadable {paid.benefit}", _with_answer(case, place, answer.model_copy(update={"payments": tuple(payments)}))
    for number, income in enumerate(case.application.incomes):
        if income.net is None:
            incomes = list(case.application.incomes)
            incomes[number] = income.model_copy(update={"net": Ore(pick.randint(0, 900_000))})
            yield f"unreadable declared {income.type}", _with_application(case, incomes=tuple(incomes))


def _costs(case: CaseFile, reasons: dict[str, str], pick: random.Random) -> Iterator[Filled]:
    for number, cost in enumerate(case.application.costs):
        costs = list(case.application.costs)
        reason = reasons.get(f"cost.{cost.type}")
        if reason == "cost.unreadable" and cost.applied is None:
            costs[number] = cost.model_copy(update={"applied": Ore(pick.randint(0, 900_000))})
            yield f"applied {cost.type}", _with_application(case, costs=tuple(costs))
        if reason == "cost.proof_needed":
            costs[number] = cost.model_copy(update={"proof": pick.choice((True, False))})
            yield f"proof {cost.type}", _with_application(case, costs=tuple(costs))


def _history(case: CaseFile, reasons: dict[str, str], pick: random.Random) -> Iterator[Filled]:
    history, month = case.history, case.application.month
    if "income.jobbstimulans_unknown" in reasons.values():
        windows = [one for one in history.jobbstimulans or () if one.from_month <= one.to_month]
        for person in {one.recipient for one in case.application.incomes} & {adult.ref for adult in case.adults}:
            if reasons.get(f"income.salary.{person}") == "income.jobbstimulans_unknown":
                first = month.plus(pick.randint(-30, 2))
                window = Jobbstimulans(person=person, from_month=first, to_month=first.plus(23))
                known = history.model_copy(update={"known": True, "jobbstimulans": (*windows, window)})
                yield f"window {person} {first}", case.model_copy(update={"history": known})
    if "cost.history_unknown" in reasons.values():
        known = history.model_copy(update={"known": True, "previous_calculation": _last_month(case, month.plus(-1), pick)})
        yield "history", case.model_copy(update={"history": known})


def _last_month(case: CaseFile, before: Month, pick: random.Random) -> PreviousCalculation:
    """Make a calculation of last month with some of the costs applied for, and without incomes or norms of its own."""
    costs = [
        {"type": one.type, "approved": written(max(0, (one.applied or 0) + pick.choice((0, 0, 100, -100, 90_000))))}
        for one in case.application.costs
        if pick.random() < 0.8
    ]
    return PreviousCalculation.model_validate({"month": before, "norm": "0.00", "need": "0.00", "costs": costs})


def _with_application(case: CaseFile, **update: Any) -> CaseFile:
    return case.model_copy(update={"application": case.application.model_copy(update=update)})


def _with_household(case: CaseFile, **update: Any) -> CaseFile:
    return _with_application(case, household=case.application.household.model_copy(update=update))


def _with_answer(case: CaseFile, place: int, answer: RegisterAnswer) -> CaseFile:
    answers = list(case.registers)
    answers[place] = answer
    return case.model_copy(update={"registers": tuple(answers)})
