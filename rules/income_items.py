"""Every payment and declared income of a case, put under benefit and person, each either counting or uncertain with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from rules import labels
from rules.assessment import CountedIncome, FactUsed, ParameterUsed
from rules.context import INCOME_SOURCES, Case, local_day
from rules.dated import Dated
from rules.facts import SOURCES, DeclaredIncome, Payment, RegisterAnswer, Source
from rules.findings import Findings
from rules.guideline_values import Handling
from rules.income_list import doubt, has_parts, ignored_by, listed
from rules.income_month import is_planned
from rules.money import ZERO, Ore, kronor

_SWEDISH = "SEK"
_NO_CURRENCY_FIELD = ("SO", "CSN")
_TELLS_DEDUCTIONS = ("FK", "PM", "SO")
_APPLICATION = "application"
_IDENTITY_GROUP = "GEPI"


@dataclass(frozen=True, slots=True)
class Item:
    """One payment or declared income. `reason` None = it counts; else `most` = the most it can be, None = no bound."""

    net: Ore | None
    reason: str | None
    most: Ore | None
    fact: FactUsed
    paid_on: date | None
    payment: Payment | None = None
    listed: Dated[Handling] | None = None

    @property
    def may_lower(self) -> bool:
        """Say whether this is a correction, or a payment that may be one, which takes away from what else was paid."""
        return self.net < 0 if self.net is not None else self.payment is not None


@dataclass(slots=True)
class Bucket:
    """What one person got of one benefit, or declared of one kind."""

    benefit: str
    person: str
    source: str
    items: list[Item] = field(default_factory=list)
    month_before: bool = False
    declared_too: list[tuple[str, Ore]] = field(default_factory=list)
    """The same income as declared, and its sum, where the register has it as well."""
    differs: bool = False

    @property
    def declared(self) -> bool:
        """Say whether the applicant is the source."""
        return self.source == _APPLICATION

    @property
    def key(self) -> str:
        """The line's key; a benefit that is named as a source is told apart from the source's own line."""
        name = f"benefit:{self.benefit}" if self.benefit in SOURCES else self.benefit
        return f"income.{name}.{self.person}"

    @property
    def label(self) -> str:
        """The line's label."""
        return f"{labels.income(self.benefit)}, {labels.person(self.person)}"

    @property
    def certain(self) -> Ore:
        """The sum of what counts."""
        return Ore(sum(item.net or 0 for item in self.items if item.reason is None))

    @property
    def registered(self) -> Ore:
        """The sum of what counts and a register has paid."""
        return Ore(sum(item.net or 0 for item in self.items if item.reason is None and item.payment is not None))

    @property
    def deductions_unclear(self) -> bool:
        """Say whether more than tax was taken from a payment, or its source, which should tell, does not."""
        said = [item.payment.other_deductions for item in self.items if item.payment is not None]
        return any(one != 0 if one is not None else self.source in _TELLS_DEDUCTIONS for one in said)

    @property
    def uncertain(self) -> tuple[tuple[str, Ore | None], ...]:
        """Reason and most of everything else."""
        return tuple((item.reason, item.most) for item in self.items if item.reason is not None)

    def listed(self) -> tuple[ParameterUsed, ...]:
        """The rows of the guidelines' list that were used, once each."""
        return tuple({item.listed.name: item.listed.used() for item in self.items if item.listed}.values())

    def as_counted(self) -> list[CountedIncome]:
        """Return the counting items as the case system's own calculation wants them."""
        return [
            CountedIncome.model_construct(
                line=self.key,
                benefit=self.benefit,
                part=item.payment.part if item.payment else None,
                amount_type=item.payment.amount_type if item.payment else None,
                person=self.person,
                net=item.net,
                paid_on=item.paid_on,
                covers_from=item.payment.covers_from if item.payment else None,
                covers_to=item.payment.covers_to if item.payment else None,
                declared=self.declared,
            )
            for item in self.items
            if item.reason is None and item.net is not None and item.paid_on is not None
        ]


Buckets = dict[tuple[str, str], Bucket]


@dataclass(slots=True)
class Collected:
    """All items of a case. `now` = paid in the month before the one applied for; `earlier` = the month before that.

    `seen` = benefit and person of everything declared or paid now, ignored ones included.
    """

    declared: Buckets = field(default_factory=dict)
    now: Buckets = field(default_factory=dict)
    earlier: Buckets = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)


def collect(case: Case, out: Findings) -> Collected:
    """Go through the application's and the registers' incomes; those that are only shown are written to `out.shown`."""
    found = Collected()
    for number, declared in sorted(enumerate(case.file.application.incomes), key=_by_day_and_amount):
        _declared(case, out, found, number, declared)
    members = {member.ref for member in case.file.application.household.members}
    for (person, _), answer in case.answers.items():
        if person in members and answer.status == "answered" and answer.payments:
            fetched = local_day(answer.fetched_at)
            for payment in answer.payments:
                _payment(case, out, found, answer, payment, planned=is_planned(payment, fetched))
    return found


def _by_day_and_amount(row: tuple[int, DeclaredIncome]) -> tuple[date, bool, Ore]:
    """Return what declared incomes are sorted by, so that the order of the application's rows makes no difference."""
    _, income = row
    return income.paid_on or date.min, income.net is not None, income.net or ZERO


def in_line_order(case: Case, buckets: Buckets) -> list[Bucket]:
    """Return the buckets by person, declared before registered, by source and name; what was paid the month before comes last.

    So no later answer, and no register that falls silent, moves what a child's income of the month itself is measured by.
    """
    people = [member.ref for member in (*case.adults, *case.children)]
    sources = (_APPLICATION, *SOURCES)

    def place(bucket: Bucket) -> tuple[int, bool, int, str]:
        person = people.index(bucket.person) if bucket.person in people else len(people)
        return person, bucket.month_before, sources.index(bucket.source), bucket.benefit

    return sorted(buckets.values(), key=place)


def _declared(case: Case, out: Findings, found: Collected, number: int, income: DeclaredIncome) -> None:
    known = case.file.person(income.recipient) is not None
    person = income.recipient if known else "unknown"
    row = case.book.guidelines.income_at(income.type, case.month)
    fact = case.said(f"incomes[{number}].net", kronor(income.net) if income.net is not None else "?")
    label = f"{labels.income(income.type)}, {labels.person(person)}"
    ignored = ignored_by(case, income.type, row)
    if ignored:
        found.seen.add((income.type, person))
        out.shown.append(f"{label}: {_amount(income.net)} räknas inte enligt {ignored}")
        return
    reason, most = doubt(income.net, row)
    if income.net is not None and income.net < 0:
        # A register pays corrections; what an applicant means by less than nothing nobody can tell.
        most = None
    if reason is None and income.paid_on is None:
        reason, most = "income.unreadable", income.net
    elif reason is None and not case.is_now(income.paid_on):
        reason, most = "income.wrong_month", income.net
    if reason is None and not known:
        reason, most = "case.unrecognised", income.net
    item = Item(income.net, reason, most, fact, income.paid_on, listed=row)
    found.declared.setdefault((income.type, person), Bucket(income.type, person, _APPLICATION)).items.append(item)
    found.seen.add((income.type, person))


def _payment(case: Case, out: Findings, found: Collected, answer: RegisterAnswer, payment: Payment, *, planned: bool) -> None:
    row = listed(case, answer, payment)
    label = f"{labels.income(payment.benefit)}, {labels.person(answer.person)}"
    ignored = ignored_by(case, payment.benefit, row)
    now = payment.paid_on is None or case.is_now(payment.paid_on)
    key = (payment.benefit, answer.person)
    if planned:
        if payment.paid_on is None or payment.paid_on >= case.paid_in.first:
            out.shown.append(f"{label}: {_amount(payment.net)}{_on(payment.paid_on)} är preliminär eller planerad och räknas inte")
        if payment.paid_on is not None or ignored:
            return
    if payment.paid_on is not None and not now and payment.paid_on not in case.month_before:
        return
    mixed = payment.mixed_rows and has_parts(case, payment.benefit)
    if ignored and not mixed:
        if now:
            found.seen.add(key)
            out.shown.append(f"{label}: {_amount(payment.net)}{_on(payment.paid_on)} räknas inte enligt {ignored}")
        return
    reason, most = _doubt_of(answer, payment, row, mixed=mixed)
    buckets = found.now if now else found.earlier
    item = Item(payment.net, reason, most, case.paid(answer, payment), payment.paid_on, payment, row)
    buckets.setdefault(key, Bucket(payment.benefit, answer.person, answer.source)).items.append(item)
    if now:
        found.seen.add(key)


def _doubt_of(answer: RegisterAnswer, payment: Payment, row: Dated[Handling] | None, *, mixed: bool) -> tuple[str | None, Ore | None]:
    """Return why a payment cannot simply count, and the most it can be. What cannot be told of currency or day goes before the rest."""
    reason, most = doubt(payment.net, row)
    if reason is None and mixed:
        reason = "income.mixed_rows"
    if reason is None and payment.gross is not None and payment.tax is not None and payment.gross - payment.tax != payment.net:
        reason, most = "income.contradiction", max(payment.net or ZERO, Ore(payment.gross - payment.tax))
    if payment.currency is None and answer.source not in _NO_CURRENCY_FIELD:
        reason, most = "income.no_currency", None
    elif payment.currency not in (None, _SWEDISH):
        reason, most = "income.currency", None
    if payment.paid_on is None:
        reason = "income.unreadable"
    return reason, most


def fully_answered(case: Case, person: str, source: str) -> bool:
    """Say whether a source of incomes could be checked for a person, in every part that may hold one."""
    known: Source | None = next((one for one in INCOME_SOURCES if one == source), None)
    return known is not None and case.answered(person, known) and not missing_parts(case.answers[person, known])


def missing_parts(answer: RegisterAnswer) -> list[str]:
    """Return the parts of an answer that may lack an income; what the register could not say of the person's identity is none."""
    return [one for one in answer.deviations if _IDENTITY_GROUP not in one.upper()]


def _amount(net: Ore | None) -> str:
    return labels.kr(net) if net is not None else "oläsligt belopp"


def _on(day: date | None) -> str:
    return f" den {labels.day(day)}" if day else ""
