"""What more of something may do to the amounts, for every case file that is one: more income, higher caps, fewer answers."""

from __future__ import annotations

import random
from dataclasses import replace
from types import MappingProxyType

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from made_cases import BOOK, case_files

from rules import Rulebook, assess
from rules.assessment import Assessment, Line, Outcome
from rules.facts import CaseFile, Payment, RegisterAnswer
from rules.money import Ore, kronor, ore

MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def computed(case: CaseFile, book: Rulebook = BOOK) -> Assessment:
    """Assess a case that is neither stop nor urgent."""
    result = assess(case, book, hand_over=True)
    assume(result.outcome not in (Outcome.STOP, Outcome.URGENT))
    return result


def need(result: Assessment) -> Ore:
    """The need that is known so far."""
    assert result.sums is not None
    return result.sums.need


def by_key(result: Assessment) -> dict[str, Line]:
    """The lines by their keys."""
    return {line.key: line for line in result.lines}


def with_payments(case: CaseFile, place: int, payments: list[Payment]) -> CaseFile:
    """Return the case with other payments in one answer."""
    answers = list(case.registers)
    answers[place] = answers[place].model_copy(update={"payments": tuple(payments)})
    return case.model_copy(update={"registers": tuple(answers)})


def with_answer(case: CaseFile, place: int, answer: RegisterAnswer | None) -> CaseFile:
    """Return the case with another answer at a place, or none."""
    answers = list(case.registers)
    answers[place : place + 1] = [] if answer is None else [answer]
    return case.model_copy(update={"registers": tuple(answers)})


def never_more_need(before: Assessment, after: Assessment, key: str) -> None:
    """An income line that has an amount both times has as much or more, and the need is no higher."""
    then, now = by_key(before).get(key), by_key(after).get(key)
    assume(then is not None and now is not None)
    assert then is not None
    assert now is not None
    assume(then.amount is not None and now.amount is not None)
    assert now.amount is not None
    assert then.amount is not None
    assert now.amount >= then.amount
    assert need(after) <= need(before)


@MANY
@given(case_files(), st.integers(0, 1000), st.integers(1, 500_000))
def test_more_counted_income_in_a_register_never_raises_the_need(case: CaseFile, pick: int, more: int) -> None:
    before = computed(case)
    counted = [one for one in before.counted_incomes if not one.declared]
    assume(counted)
    chosen = counted[pick % len(counted)]
    place, number = next(
        (place, number)
        for place, answer in enumerate(case.registers)
        for number, payment in enumerate(answer.payments)
        if (answer.person, payment.benefit, payment.net, payment.paid_on) == (chosen.person, chosen.benefit, chosen.net, chosen.paid_on)
    )
    paid = list(case.registers[place].payments)
    gross = paid[number].gross
    paid[number] = paid[number].model_copy(update={"net": Ore(chosen.net + more), "gross": None if gross is None else Ore(gross + more)})

    never_more_need(before, computed(with_payments(case, place, paid)), chosen.line)


@MANY
@given(case_files(), st.integers(0, 1000), st.integers(1, 500_000))
def test_more_counted_income_in_the_application_never_raises_the_need(case: CaseFile, pick: int, more: int) -> None:
    before = computed(case)
    incomes = list(case.application.incomes)
    numbers = [number for number, one in enumerate(incomes) if one.net is not None and one.net >= 0]
    assume(numbers)
    number = numbers[pick % len(numbers)]
    incomes[number] = incomes[number].model_copy(update={"net": Ore((incomes[number].net or 0) + more)})
    changed = case.model_copy(update={"application": case.application.model_copy(update={"incomes": tuple(incomes)})})

    never_more_need(before, computed(changed), f"income.{incomes[number].type}.{incomes[number].recipient}")


def with_higher_caps(book: Rulebook, kinds: set[str], more: int) -> Rulebook:
    """Return the rulebook with the caps of some costs that many öre higher."""
    costs = dict(book.guidelines.costs)
    for kind in kinds & set(costs):
        values = tuple(
            replace(one, value=replace(one.value, caps=tuple(Ore(cap + more) for cap in one.value.caps))) for one in costs[kind].values
        )
        costs[kind] = replace(costs[kind], values=values)
    return replace(book, guidelines=replace(book.guidelines, costs=MappingProxyType(costs)))


@MANY
@given(case_files(), st.sets(st.sampled_from(sorted(BOOK.guidelines.costs)), min_size=1), st.integers(1, 1_000_000))
def test_a_higher_cap_never_lowers_the_need_or_what_is_approved(case: CaseFile, kinds: set[str], more: int) -> None:
    before, after = computed(case), computed(case, with_higher_caps(BOOK, kinds, more))

    assert need(after) >= need(before)
    for key, line in by_key(before).items():
        now = by_key(after)[key]
        assert now.low >= line.low
        assert line.amount is None or now.amount == line.amount
    assert before.proposal is None or after.proposal == before.proposal


def no_other_number(before: Assessment, after: Assessment) -> None:
    """A line that has an amount both times has the same one."""
    then = by_key(before)
    for line in after.lines:
        if line.amount is not None and line.key in then and then[line.key].amount is not None:
            assert line.amount == then[line.key].amount, line.key


@MANY
@given(case_files(), st.integers(0, 1000))
def test_a_register_that_falls_silent_changes_no_computed_line_to_another_number(case: CaseFile, pick: int) -> None:
    before = computed(case)
    chosen = pick % len(case.registers)
    silent = case.registers[chosen].model_copy(update={"status": "unavailable", "payments": ()})
    after = computed(with_answer(case, chosen, silent))

    no_other_number(before, after)
    assert after.proposal is None


@MANY
@given(case_files(), st.integers(0, 1000))
def test_an_answer_that_is_missing_is_as_one_that_was_unavailable(case: CaseFile, pick: int) -> None:
    chosen = pick % len(case.registers)
    one = case.registers[chosen]
    assume(one.person in ("applicant", "co_applicant"))
    silent = one.model_copy(update={"status": "unavailable", "payments": ()})
    missing, unavailable = computed(with_answer(case, chosen, None)), computed(with_answer(case, chosen, silent))

    assert missing.sums == unavailable.sums
    assert missing.span == unavailable.span
    assert {flag.code for flag in missing.flags} == {flag.code for flag in unavailable.flags}


@MANY
@given(case_files(), st.integers(0, 1000))
def test_a_second_answer_that_says_unavailable_makes_the_source_one_that_could_not_be_checked(case: CaseFile, pick: int) -> None:
    before = computed(case)
    chosen = case.registers[pick % len(case.registers)]
    second = chosen.model_copy(update={"status": "unavailable", "payments": ()})
    after = computed(case.model_copy(update={"registers": (*case.registers, second)}))

    no_other_number(before, after)
    assert after.proposal is None


@MANY
@given(case_files(), st.integers(0, 1000))
def test_a_register_that_answers_in_part_changes_no_computed_line_to_another_number(case: CaseFile, pick: int) -> None:
    before = computed(case)
    chosen = pick % len(case.registers)
    part = case.registers[chosen].model_copy(update={"deviations": (*case.registers[chosen].deviations, "a-kassa.Y")})

    no_other_number(before, computed(with_answer(case, chosen, part)))


@MANY
@given(case_files())
def test_need_and_counted_incomes_are_exactly_norm_and_approved_costs_in_ore(case: CaseFile) -> None:
    result = computed(case)
    outside = result.model_dump(mode="json")

    assert result.sums is not None
    assert result.sums.need + result.sums.incomes == result.sums.norm + result.sums.costs
    assert ore(outside["sums"]["need"]) + ore(outside["sums"]["incomes"]) == ore(outside["sums"]["norm"]) + ore(outside["sums"]["costs"])
    for section, total in (("norm", result.sums.norm), ("cost", result.sums.costs), ("income", result.sums.incomes)):
        assert total == sum(line.low for line in result.lines if line.section == section)
    assert result.amount is None or kronor(result.amount) == outside["sums"]["need"]


@MANY
@given(case_files(), st.integers(0, 2**32))
def test_a_counted_income_is_never_more_than_what_was_paid_or_declared(case: CaseFile, seed: int) -> None:
    result = computed(case)
    one = random.Random(seed).choice(result.counted_incomes) if result.counted_incomes else None
    assume(one is not None)
    assert one is not None
    line = by_key(result)[one.line]

    assert line.low <= sum(each.net for each in result.counted_incomes if each.line == one.line)
