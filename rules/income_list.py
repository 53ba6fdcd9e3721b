"""What the guidelines' list says of an income: it counts, is ignored by list or law, or is for a person to judge."""

from __future__ import annotations

from rules.context import Case
from rules.dated import Dated
from rules.facts import Payment, RegisterAnswer
from rules.guideline_values import Handling
from rules.income_rules import fritidskort
from rules.labels import is_unknown
from rules.money import ZERO, Ore


def listed(case: Case, answer: RegisterAnswer, payment: Payment) -> Dated[Handling] | None:
    """Return what the list says about a payment; None = off the list.

    The list holds for the sources it names: the same name from another one, such as what only applicants declare, is not on it. Nor is
    what a payer, part or amount type that nobody knows has paid.
    """
    guidelines = case.book.guidelines
    if answer.source not in guidelines.origins(payment.benefit) or is_unknown(payment.organisation):
        return None
    return guidelines.income_at(payment.benefit, case.month, payment.part, payment.amount_type)


def ignored_by(case: Case, name: str, row: Dated[Handling] | None) -> str:
    """Return what says that an income does not count: the law, whatever the list says, or the list; nothing when it may count."""
    by_law = fritidskort.at(case.time)
    if by_law is not None and by_law.apply(name):
        return by_law.law
    return "riktlinjerna" if row is not None and row.value == "ignore" else ""


def doubt(net: Ore | None, row: Dated[Handling] | None) -> tuple[str | None, Ore | None]:
    """Return why an amount cannot simply count, and the most it can be."""
    if net is None:
        return "income.unreadable", None
    if net < 0:
        return "income.correction", ZERO
    if row is None:
        return "income.off_list", net
    if row.value == "caseworker":
        return "income.left_to_caseworker", net
    return None, net


def has_parts(case: Case, benefit: str) -> bool:
    """Say whether the list tells parts of a benefit apart; if not, all rows of a payment have the same answer."""
    rule = case.book.guidelines.incomes.get(benefit)
    return rule is not None and bool(rule.parts)
