"""Payments still to come: until when the month that counts is open, and what was planned for a day that has passed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rules import labels
from rules.context import INCOME_SOURCES, Case, local_day
from rules.facts import Payment, RegisterAnswer
from rules.findings import Findings
from rules.income_list import ignored_by, listed


def is_planned(payment: Payment, fetched: date) -> bool:
    """Say whether a payment is preliminary or planned: by its mark, or dated after the day of the answer, whatever its mark."""
    return payment.preliminary or (payment.paid_on is not None and payment.paid_on > fetched)


def month_is_open(case: Case) -> bool:
    """Say whether more may be paid in the month that counts than what the answers show.

    Until the guideline day nothing held means nothing *yet*; a preliminary payment dated in the month, not before the day of the answer,
    keeps the month open, and so does any payment dated after it.
    """
    day = case.book.guidelines.income_month_complete.at(case.month)
    complete = case.paid_in.day(day.value) if day else case.paid_in.last
    if case.file.today < complete:
        return True
    for (_, source), answer in case.answers.items():
        if source not in INCOME_SOURCES or answer.status == "unavailable":
            continue
        fetched = local_day(answer.fetched_at)
        if fetched < complete or any(_may_come(case, payment, fetched) for payment in answer.payments):
            return True
    return False


def _may_come(case: Case, payment: Payment, fetched: date) -> bool:
    day = payment.paid_on
    return day is not None and day >= fetched and case.is_now(day) and is_planned(payment, fetched)


def flag_not_yet_paid(case: Case, out: Findings) -> None:
    """Flag what was planned for a day of the month that had passed when the source answered, and has not been paid then or later."""
    for (person, _), answer in case.answers.items():
        if answer.status != "answered" or case.file.person(person) is None:
            continue
        for benefit in _overdue(case, answer):
            label = f"{labels.income(benefit)}, {labels.person(person)}"
            out.flag("income.not_yet_paid", f"income.{benefit}.{person}", person=person, label=label)


def _overdue(case: Case, answer: RegisterAnswer) -> Iterator[str]:
    """Yield the benefits of preliminary payments whose day has passed, ignored ones left out."""
    for payment in answer.payments:
        day = payment.paid_on
        if not payment.preliminary or day is None or not case.is_now(day):
            continue
        fetched = local_day(answer.fetched_at)
        if day >= fetched or ignored_by(case, payment.benefit, listed(case, answer, payment)):
            continue
        paid = (one.paid_on for one in answer.payments if one.benefit == payment.benefit and not is_planned(one, fetched))
        if not any(one is not None and case.is_now(one) and one >= day for one in paid):
            yield payment.benefit
