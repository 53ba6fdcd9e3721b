"""Every payment and declared income of a case, put under benefit and person, each either counting or uncertain with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from rules import labels
from rules.assessment import CountedIncome, FactUsed, ParameterUsed
from rules.context import INCOME_SOURCES, Case, local_day
from rules.dated import Dated
from rules.facts import SOURCES, DeclaredIncome, Payment, RegisterAnswer
from rules.findings import Findings
from rules.guideline_values import Handling
from rules.income_rules import fritidskort
from rules.money import ZERO, Ore, kronor

_SWEDISH = "SEK"
_NO_CURRENCY_FIELD = ("SO", "CSN")
_TELLS_DEDUCTIONS = ("FK", "PM", "SO")
_APPLICATION = "application"


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
        """Say whether this is a correction that may take away from what else was paid."""
        return self.net is not None and self.net < 0


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

    `seen` = benefit and person of everything declared or paid now, ignored ones included. `overdue` = benefit and person of what was
    preliminary or planned for a day now that has passed, and has not been paid then or later.
    """

    declared: Buckets = field(default_factory=dict)
    now: Buckets = field(default_factory=dict)
    earlier: Buckets = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    overdue: list[tuple[str, str]] = field(default_factory=list)


def collect(case: Case, out: Findings) -> Collected:
    """Go through the application's and the registers' incomes; those that are only shown are written to `out.shown`."""
    found = Collected()
    for number, declared in sorted(enumerate(case.file.application.incomes), key=_by_day_and_amount):
        _declared(case, out, found, number, declared)
    members = {member.ref for member in case.file.application.household.members}
    for (person, _), answer in case.answers.items():
        if person in members and answer.status == "answered":
            for payment in answer.payments:
                _payment(case, out, found, answer, payment)
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
    listed = case.book.guidelines.income_at(income.type, case.month)
    fact = case.said(f"incomes[{number}].net", kronor(income.net) if income.net is not None else "?")
    label = f"{labels.income(income.type)}, {labels.person(person)}"
    ignored = _ignored_by(case, income.type, listed)
    if ignored:
        found.seen.add((income.type, person))
        out.shown.append(f"{label}: {_amount(income.net)} räknas inte enligt {ignored}")
        return
    reason, most = _doubt(income.net, listed)
    if reason is None and income.paid_on is None:
        reason, most = "income.unreadable", income.net
    elif reason is None and not case.is_now(income.paid_on):
        reason, most = "income.wrong_month", income.net
    if reason is None and not known:
        reason, most = "case.unrecognised", income.net
    item = Item(income.net, reason, most, fact, income.paid_on, listed=listed)
    found.declared.setdefault((income.type, person), Bucket(income.type, person, _APPLICATION)).items.append(item)
    found.seen.add((income.type, person))


def _payment(case: Case, out: Findings, found: Collected, answer: RegisterAnswer, payment: Payment) -> None:
    listed = _listed(case, payment)
    label = f"{labels.income(payment.benefit)}, {labels.person(answer.person)}"
    ignored = _ignored_by(case, payment.benefit, listed)
    now = payment.paid_on is None or case.is_now(payment.paid_on)
    key = (payment.benefit, answer.person)
    if payment.preliminary:
        if payment.paid_on is None or payment.paid_on >= case.paid_in.first:
            out.shown.append(f"{label}: {_amount(payment.net)}{_on(payment.paid_on)} är preliminär eller planerad och räknas inte")
        if not ignored and _is_overdue(case, answer, payment):
            found.overdue.append(key)
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
    reason, most = _doubt(payment.net, listed)
    if mixed:
        reason, most = reason or "income.mixed_rows", most if reason else payment.net
    if reason is None and payment.gross is not None and payment.tax is not None and payment.gross - payment.tax != payment.net:
        reason, most = "income.contradiction", max(payment.net or ZERO, Ore(payment.gross - payment.tax))
    if payment.currency != _SWEDISH and not (payment.currency is None and answer.source in _NO_CURRENCY_FIELD):
        reason, most = "income.currency", None
    if payment.paid_on is None:
        reason, most = "income.unreadable", most if reason else payment.net
    buckets = found.now if now else found.earlier
    item = Item(payment.net, reason, most, case.paid(answer, payment), payment.paid_on, payment, listed)
    buckets.setdefault(key, Bucket(payment.benefit, answer.person, answer.source)).items.append(item)
    if now:
        found.seen.add(key)


def _is_overdue(case: Case, answer: RegisterAnswer, payment: Payment) -> bool:
    """Say whether a preliminary payment's day had passed when the source answered, with nothing of the benefit paid then or later."""
    day = payment.paid_on
    if day is None or not case.is_now(day) or day >= local_day(answer.fetched_at):
        return False
    paid = [one.paid_on for one in answer.payments if one.benefit == payment.benefit and not one.preliminary]
    return not any(one is not None and case.is_now(one) and one >= day for one in paid)


def _listed(case: Case, payment: Payment) -> Dated[Handling] | None:
    """Return what the list says about a payment. A kind of income that only applicants declare is no benefit of a register."""
    guidelines = case.book.guidelines
    if guidelines.origin(payment.benefit) == _APPLICATION:
        return None
    return guidelines.income_at(payment.benefit, case.month, payment.part, payment.amount_type)


def _ignored_by(case: Case, name: str, listed: Dated[Handling] | None) -> str:
    """Return what says that an income does not count: the law, whatever the list says, or the list; nothing when it may count."""
    by_law = fritidskort.at(case.time)
    if by_law is not None and by_law.apply(name):
        return by_law.law
    return "riktlinjerna" if listed is not None and listed.value == "ignore" else ""


def _doubt(net: Ore | None, listed: Dated[Handling] | None) -> tuple[str | None, Ore | None]:
    """Return why an amount cannot simply count, and the most it can be."""
    if net is None:
        return "income.unreadable", None
    if net < 0:
        return "income.unreadable", ZERO
    if listed is None:
        return "income.off_list", net
    if listed.value == "caseworker":
        return "income.left_to_caseworker", net
    return None, net


def has_parts(case: Case, benefit: str) -> bool:
    """Say whether the list tells parts of a benefit apart; if not, all rows of a payment have the same answer."""
    rule = case.book.guidelines.incomes.get(benefit)
    return rule is not None and bool(rule.parts)


def month_is_open(case: Case) -> bool:
    """Say whether more may be paid in the month that counts than what the answers show.

    Until the guideline day nothing held means nothing *yet*; a preliminary payment dated in the month, not before the day of the answer,
    keeps the month open.
    """
    day = case.book.guidelines.income_month_complete.at(case.month)
    complete = case.paid_in.day(day.value) if day else case.paid_in.last
    if case.file.today < complete:
        return True
    for (_, source), answer in case.answers.items():
        if source not in INCOME_SOURCES or answer.status == "unavailable":
            continue
        fetched = local_day(answer.fetched_at)
        if fetched < complete:
            return True
        for payment in answer.payments:
            if payment.preliminary and payment.paid_on is not None and case.is_now(payment.paid_on) and payment.paid_on >= fetched:
                return True
    return False


def _amount(net: Ore | None) -> str:
    return labels.kr(net) if net is not None else "oläsligt belopp"


def _on(day: date | None) -> str:
    return f" den {labels.day(day)}" if day else ""
