"""One case as the rules see it: the case file put in order, with the parameters of its month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rules import labels
from rules.assessment import FactUsed
from rules.facts import CaseFile, Member, Payment, PreviousCalculation, RegisterAnswer, Source
from rules.legal import CaseTime
from rules.money import kronor
from rules.month import Month
from rules.rulebook import Rulebook

if TYPE_CHECKING:
    from rules.norm import ChildFacts

SWEDEN = ZoneInfo("Europe/Stockholm")
ALL_SOURCES: tuple[Source, ...] = ("FK", "PM", "SO", "CSN", "AF", "SKV", "TNS", "MIV")
INCOME_SOURCES: tuple[Source, ...] = ("FK", "PM", "SO", "CSN")
_AGE_OF_COORDINATION_DAY = 60


@dataclass(frozen=True, slots=True)
class Case:
    """The case file in order. `answers` has one answer per person and source, those asked and missing included as unavailable."""

    file: CaseFile
    book: Rulebook
    time: CaseTime
    month: Month
    """The month applied for."""
    paid_in: Month
    month_before: Month
    adults: tuple[Member, ...]
    children: tuple[Member, ...]
    asked: tuple[Source, ...]
    answers: Mapping[tuple[str, Source], RegisterAnswer]
    previous: PreviousCalculation | None
    received: str
    """When the application was received, as it stands in the trace."""
    child_facts: dict[tuple[str, Month, date | None], ChildFacts] = field(default_factory=dict, compare=False, repr=False)
    """What `norm_lines.child_facts` has found of each child: many rules ask."""

    def is_now(self, day: date | None) -> bool:
        """Say whether a day lies in the month whose payments count."""
        return day is not None and day in self.paid_in

    def answered(self, person: str, source: Source) -> bool:
        """Say whether a source could be checked for a person."""
        answer = self.answers.get((person, source))
        return answer is not None and answer.status != "unavailable"

    def said(self, path: str, value: object) -> FactUsed:
        """Return a fact of the application, for a trace."""
        return FactUsed.model_construct(path=f"application.{path}", source="ansökan", value=str(value), at=self.received)

    def recorded(self, path: str, value: object) -> FactUsed:
        """Return a fact of the history, for a trace."""
        return FactUsed.model_construct(path=f"history.{path}", source="förra månadens beräkning", value=str(value))

    def paid(self, answer: RegisterAnswer, payment: Payment) -> FactUsed:
        """Return a payment in a register, for a trace."""
        when = payment.paid_on.isoformat() if payment.paid_on else "?"
        return FactUsed.model_construct(
            path=f"registers[{answer.person}.{answer.source}].payments[{payment.benefit} {when}].net",
            source=labels.source(answer.source),
            value=kronor(payment.net) if payment.net is not None else "?",
            at=answer.fetched_at.isoformat(),
        )


def local_day(when: datetime) -> date:
    """Return the day in Sweden; a time at the very ends of the calendar gives the day as it is written."""
    try:
        return when.astimezone(SWEDEN).date()
    except OverflowError:
        return when.date()


def make_case(file: CaseFile, book: Rulebook) -> Case:
    """Put a case file in order. The order of register answers and of payments in the file makes no difference afterwards."""
    application = file.application
    month = application.month
    asked = book.guidelines.sources_asked.at(month)
    sources = asked.value if asked else ALL_SOURCES
    adults = tuple(sorted(file.adults, key=lambda member: member.role))
    previous = file.history.previous_calculation if file.history.known else None
    if previous is not None and previous.month != month.plus(-1):
        previous = None
    return Case(
        file=file,
        book=book,
        time=CaseTime(month, local_day(application.received_at)),
        month=month,
        paid_in=month.plus(-1),
        month_before=month.plus(-2),
        adults=adults,
        children=file.children,
        asked=sources,
        answers=MappingProxyType(_answers(file, adults, sources)),
        previous=previous,
        received=application.received_at.isoformat(),
    )


def _answers(file: CaseFile, adults: tuple[Member, ...], asked: tuple[Source, ...]) -> dict[tuple[str, Source], RegisterAnswer]:
    given: dict[tuple[str, Source], list[RegisterAnswer]] = {}
    for answer in file.registers:
        given.setdefault((answer.person, answer.source), []).append(answer)
    order = [member.ref for member in file.application.household.members]
    first = [(member.ref, source) for member in adults for source in asked]
    rest = sorted(given.keys() - set(first), key=lambda key: (order.index(key[0]) if key[0] in order else len(order), key))
    return {key: _one(given.get(key, ()), key, file.application.received_at) for key in (*first, *rest)}


def _one(answers: Sequence[RegisterAnswer], key: tuple[str, Source], at: datetime) -> RegisterAnswer:
    """Return the one answer.

    None, several that nobody can tell apart, or one that contradicts itself means that the source could not be checked.
    """
    if len(answers) == 1 and not _contradicts_itself(answers[0]):
        answer = answers[0]
        if len(answer.payments) < 2:
            return answer
        ordered = _in_order(answer.payments)
        return answer if ordered == answer.payments else answer.model_copy(update={"payments": ordered})
    fetched = max((answer.fetched_at for answer in answers), default=at)
    return RegisterAnswer(person=key[0], source=key[1], status="unavailable", fetched_at=fetched)


def _contradicts_itself(answer: RegisterAnswer) -> bool:
    """Say whether an answer holds payments and says that it holds nothing, or gives an error and says that it was given."""
    if answer.status == "nothing_held" and answer.payments:
        return True
    return answer.error is not None and answer.status != "unavailable"


def _in_order(payments: tuple[Payment, ...]) -> tuple[Payment, ...]:
    """Sort by day and benefit, and by everything that can differ where some are alike in both."""
    alike = len({_day_and_benefit(payment) for payment in payments}) < len(payments)
    return tuple(sorted(payments, key=_everything if alike else _day_and_benefit))


def _day_and_benefit(payment: Payment) -> tuple[date, str]:
    return payment.paid_on or date.min, payment.benefit


def _everything(payment: Payment) -> tuple[date, str, str]:
    return payment.paid_on or date.min, payment.benefit, repr(payment)


def birth_date(member: Member) -> date | None:
    """Return the date of birth, by itself or from the personnummer (a coordination number has 60 added to the day)."""
    if member.birth_date is not None or member.personnummer is None:
        return member.birth_date
    text = member.personnummer
    day = int(text[6:8])
    try:
        return date(int(text[:4]), int(text[4:6]), day - _AGE_OF_COORDINATION_DAY if day > _AGE_OF_COORDINATION_DAY else day)
    except ValueError:
        return None


def is_right_number(member: Member) -> bool:
    """Say whether a personnummer or coordination number, where there is one, has its right check digit."""
    if member.personnummer is None:
        return True
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(member.personnummer[2:])]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def age_on(born: date, day: date) -> int:
    """Return whole years on a day; negative before birth. Born on 29 February: a year older on 1 March when there is no leap day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
