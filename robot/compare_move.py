"""Move a case to another month applied for: the same household with the same circumstances, only earlier or later.

Everything in the case that has a date moves along by as many months: the day of the application and of the register answers, every
payment with the month whose incomes count, last month's calculation, the window for jobbstimulans, permits. The last day of a month
becomes the last day of the other. Persons are born when they were born, so children get older or younger and may change age band, and
a child not yet born then is left to the rules. Amounts are not touched, with one exception: last month's norm row for a child is
replaced by what the same child had then, by that month's norm, since the rules read lunch and days from it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache

from rules import Rulebook, triage
from rules.context import SWEDEN, Case, make_case
from rules.facts import Application, CaseFile, History, Member, Payment, PreviousCalculation, RegisterAnswer, RegisterFacts
from rules.legal import CaseTime
from rules.money import Ore
from rules.month import Month
from rules.norm import riksnorm_child
from rules.norm_lines import child_facts, norm_table, previous_norm, quotients_of


def moved(case: CaseFile, month: Month, rulebook: Rulebook) -> CaseFile:
    """Return the case as it had been, had it been for that month. A case that stops before it is computed is not moved."""
    here = case.application.month
    months = (month.year - here.year) * 12 + month.number - here.number
    if months == 0 or triage(case, rulebook, digests=False) is not None:
        return case
    before = make_case(case, rulebook)
    members = tuple(_member(before, member, month) for member in case.application.household.members)
    shifted = case.model_copy(
        update={
            "today": _day(case.today, months),
            "application": _application(case.application, month, months, members),
            "registers": tuple(_answer(answer, months) for answer in case.registers),
            "history": _history(case.history, months),
        }
    )
    return _with_norm_rows(before, shifted, rulebook)


@lru_cache(maxsize=10_000)
def _day(day: date, months: int) -> date:
    """Move a day; one that would fall outside the calendar stays."""
    here = Month.of(day)
    try:
        there = here.plus(months)
    except ValueError:
        return day
    return there.last if day == here.last else there.day(day.day)


def _maybe(day: date | None, months: int) -> date | None:
    return None if day is None else _day(day, months)


def _time(when: datetime, months: int) -> datetime:
    """Move a time by the day it is in Sweden; the clock on the wall shows the same, summer or winter."""
    try:
        local = when.astimezone(SWEDEN)
        return datetime.combine(_day(local.date(), months), local.timetz())
    except OverflowError:
        return when


def _member(case: Case, member: Member, month: Month) -> Member:
    if member.role != "child":
        return member
    update: dict[str, object] = {}
    known = child_facts(case, member, case.month)
    if known.lunch_elsewhere is not None and not known.lunch:
        update["lunch_elsewhere"] = known.lunch_elsewhere
    if member.days_in_home is not None:
        whole = member.days_in_home >= case.month.days
        update["days_in_home"] = month.days if whole else min(member.days_in_home, month.days - 1)
    return member.model_copy(update=update)


def _application(application: Application, month: Month, months: int, members: tuple[Member, ...]) -> Application:
    return application.model_copy(
        update={
            "month": month,
            "received_at": _time(application.received_at, months),
            "household": application.household.model_copy(update={"members": members}),
            "incomes": tuple(one.model_copy(update={"paid_on": _maybe(one.paid_on, months)}) for one in application.incomes),
        }
    )


def _answer(answer: RegisterAnswer, months: int) -> RegisterAnswer:
    return answer.model_copy(
        update={
            "fetched_at": _time(answer.fetched_at, months),
            "facts": _facts(answer.facts, months),
            "payments": tuple(_payment(one, months) for one in answer.payments),
        }
    )


def _facts(facts: RegisterFacts, months: int) -> RegisterFacts:
    if facts.registered is None and not facts.permits:
        return facts
    permits = tuple(
        one.model_copy(update={"from_day": _maybe(one.from_day, months), "to_day": _maybe(one.to_day, months)}) for one in facts.permits
    )
    return facts.model_copy(update={"registered": _maybe(facts.registered, months), "permits": permits})


def _payment(payment: Payment, months: int) -> Payment:
    return payment.model_copy(update={name: _maybe(getattr(payment, name), months) for name in ("paid_on", "covers_from", "covers_to")})


def _history(history: History, months: int) -> History:
    previous, windows = history.previous_calculation, history.jobbstimulans
    return history.model_copy(
        update={
            "closed_on": _maybe(history.closed_on, months),
            "previous_calculation": previous.model_copy(update={"month": _month(previous.month, months)}) if previous else None,
            "jobbstimulans": windows
            and tuple(
                one.model_copy(update={"from_month": _month(one.from_month, months), "to_month": _month(one.to_month, months)})
                for one in windows
            ),
        }
    )


def _month(month: Month, months: int) -> Month:
    try:
        return month.plus(months)
    except ValueError:
        return month


def _with_norm_rows(before: Case, shifted: CaseFile, rulebook: Rulebook) -> CaseFile:
    """Put the other month's amounts in the norm rows of last month's calculation that the rules of this month explain."""
    previous = shifted.history.previous_calculation
    if before.previous is None or previous is None or not previous.norms:
        return shifted
    after = make_case(shifted, rulebook)
    amounts = {child.ref: _norm_row(before, child, after) for child in before.children}
    rows = tuple(row if (amount := amounts.get(row.ref)) is None else row.model_copy(update={"amount": amount}) for row in previous.norms)
    calculation: PreviousCalculation = previous.model_copy(update={"norms": rows})
    return shifted.model_copy(update={"history": shifted.history.model_copy(update={"previous_calculation": calculation})})


def _norm_row(before: Case, child: Member, after: Case) -> Ore | None:
    """Return a child's norm row in the other month; None = it is not what the rules give here, so it stays as a person wrote it."""
    amount = previous_norm(before, child.ref)
    there = after.file.person(child.ref)
    if amount is None or there is None:
        return None
    lunch = next((lunch for lunch in (True, False) if _amount_then(before, child, lunch=lunch) == amount), None)
    return None if lunch is None else _amount_then(after, there, lunch=lunch)


def _amount_then(case: Case, child: Member, *, lunch: bool) -> Ore | None:
    """Return what the rules give a child for the month before, living here as many days."""
    last = case.month.plus(-1)
    version, table = riksnorm_child.at(CaseTime(last, last.first)), norm_table(case, last)
    if version is None or table is None:
        return None
    whole = child_facts(case, child, case.month).whole_month or (child.days_in_home or 0) >= last.days
    then = replace(child_facts(case, child, last), whole_month=whole, lunch_elsewhere=lunch)
    return version.apply(then, table, quotients_of(case, last)).amount
