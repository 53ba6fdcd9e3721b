"""Neither the order of facts nor one payment paid as two makes a difference, for every case file that is one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from made_cases import BOOK, case_files

from rules import assess, canonical_json
from rules.assessment import Assessment, Flag
from rules.facts import CaseFile, DeclaredIncome, Payment
from rules.money import Ore

MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
T = TypeVar("T")


def essence(result: Assessment) -> dict[str, Any]:
    """All that an assessment says, without the order it is said in, the traces, and the hash of the facts."""
    return {
        "end": (result.outcome, result.recommendation, result.proposal, result.amount),
        "sums": (result.sums, result.span, result.previous_need, result.children),
        "lines": {line.key: line.model_copy(update={"trace": None}) for line in result.lines},
        "flags": {_flag(flag) for flag in result.flags},
        "shown": Counter(result.shown),
        "checks": set(result.checks),
        "counted": Counter(result.counted_incomes),
    }


def _flag(flag: Flag) -> tuple[str, str, str | None, tuple[str, ...]]:
    # The place of something in the application is no part of what is said of it; nor is the order of several things in one sentence.
    key = "" if flag.code == "register.benefit_pending" else flag.key
    return flag.code, key, flag.person, tuple(sorted(flag.text.replace(",", " ").split()))


def shuffled(case: CaseFile, seed: int) -> CaseFile:
    """Return the same facts in another order. Members keep the names they are spoken of by."""
    shuffle = random.Random(seed)

    def mixed(items: Sequence[T]) -> tuple[T, ...]:
        return tuple(shuffle.sample(items, len(items)))

    def with_mixed(model: Any, *names: str) -> Any:
        return model.model_copy(update={name: mixed(getattr(model, name)) for name in names if getattr(model, name)})

    application = with_mixed(case.application, "costs", "incomes", "assets", "plans", "pending_benefits", "free_text")
    application = application.model_copy(update={"household": with_mixed(application.household, "members")})
    history = with_mixed(case.history, "jobbstimulans")
    if history.previous_calculation is not None:
        previous = with_mixed(history.previous_calculation, "costs", "incomes", "members", "norms", "unrecognised")
        history = history.model_copy(update={"previous_calculation": previous})
    answers = tuple(with_mixed(answer, "payments", "deviations") for answer in mixed(case.registers))
    return case.model_copy(update={"application": application, "history": history, "registers": answers})


@MANY
@given(case_files(), st.integers(0, 2**32), st.booleans())
def test_the_order_of_the_facts_makes_no_difference(case: CaseFile, seed: int, hand_over: bool) -> None:
    before, after = assess(case, BOOK, hand_over=hand_over), assess(shuffled(case, seed), BOOK, hand_over=hand_over)

    assert essence(after) == essence(before)


@MANY
@given(case_files(), st.integers(0, 2**32))
def test_the_order_of_answers_and_payments_makes_no_difference_in_a_single_byte(case: CaseFile, seed: int) -> None:
    shuffle = random.Random(seed)
    answers = [one.model_copy(update={"payments": tuple(shuffle.sample(one.payments, len(one.payments)))}) for one in case.registers]
    shuffle.shuffle(answers)

    assert canonical_json(assess(case, BOOK)) == canonical_json(assess(case.model_copy(update={"registers": tuple(answers)}), BOOK))


def in_two(payment: Payment, share: int) -> tuple[Payment, Payment]:
    """Return a payment as two of the same day: that many thousandths of it, and the rest; its deductions are the first one's."""
    assert payment.net is not None
    first = Ore(payment.net * share // 1000)
    tax = None if payment.tax is None else Ore(payment.tax * share // 1000)
    gross = None if payment.gross is None or tax is None else Ore(first + tax)
    one = payment.model_copy(update={"net": first, "tax": tax, "gross": gross})
    rest = {"net": Ore(payment.net - first)}
    if tax is not None and gross is not None:
        assert payment.tax is not None
        assert payment.gross is not None
        rest |= {"tax": Ore(payment.tax - tax), "gross": Ore(payment.gross - gross)}
    if payment.other_deductions is not None:
        rest["other_deductions"] = Ore(0)
    return one, payment.model_copy(update=rest)


def can_be_two(payment: Payment) -> bool:
    """Say whether a payment's figures agree with each other, so that two parts of it can as well."""
    agrees = payment.gross is None or payment.tax is None or payment.gross - payment.tax == payment.net
    return payment.net is not None and payment.net != 0 and agrees and (payment.gross is None) == (payment.tax is None)


def same_result(before: Assessment, after: Assessment) -> None:
    """Everything is as it was, but for the two sentences and rows in the place of one."""
    then, now = essence(before), essence(after)
    for part in ("end", "sums", "lines", "flags", "checks"):
        assert now[part] == then[part], part
    assert _sums(after) == _sums(before)


def _sums(result: Assessment) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for one in result.counted_incomes:
        counted[one.line, one.paid_on.isoformat()] += one.net
    return counted


@MANY
@given(case_files(), st.integers(0, 1000), st.integers(1, 999))
def test_a_payment_split_in_two_of_the_same_day_is_the_same_income(case: CaseFile, pick: int, share: int) -> None:
    places = [(place, number) for place, one in enumerate(case.registers) for number, paid in enumerate(one.payments) if can_be_two(paid)]
    assume(places)
    place, number = places[pick % len(places)]
    answers = list(case.registers)
    paid = list(answers[place].payments)
    paid[number : number + 1] = in_two(paid[number], share)
    answers[place] = answers[place].model_copy(update={"payments": tuple(paid)})

    same_result(assess(case, BOOK, hand_over=True), assess(case.model_copy(update={"registers": tuple(answers)}), BOOK, hand_over=True))


@MANY
@given(case_files(), st.integers(0, 1000), st.integers(1, 999))
def test_a_declared_income_split_in_two_of_the_same_day_is_the_same_income(case: CaseFile, pick: int, share: int) -> None:
    incomes: list[DeclaredIncome] = list(case.application.incomes)
    numbers = [number for number, one in enumerate(incomes) if one.net]
    assume(numbers)
    number = numbers[pick % len(numbers)]
    net = incomes[number].net or 0
    first = Ore(net * share // 1000)
    incomes[number : number + 1] = [
        incomes[number].model_copy(update={"net": first}),
        incomes[number].model_copy(update={"net": Ore(net - first)}),
    ]
    changed = case.model_copy(update={"application": case.application.model_copy(update={"incomes": tuple(incomes)})})

    same_result(assess(case, BOOK, hand_over=True), assess(changed, BOOK, hand_over=True))
