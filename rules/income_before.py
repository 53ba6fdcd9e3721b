"""The month before the one that counts: what was paid then beside what last month's calculation counted."""

from __future__ import annotations

from rules import labels
from rules.context import Case
from rules.findings import Findings
from rules.income_items import Bucket, Collected, fully_answered
from rules.income_last_month import previous_amount
from rules.income_same import make_uncertain, other_names, tolerance
from rules.money import Ore

_CANNOT_BE_ADDED = ("income.unreadable", "income.currency", "income.no_currency")


def take_in_the_month_before(case: Case, found: Collected) -> None:
    """Take in what was paid only the month before, when its source answered and last month's calculation did not have it."""
    for (benefit, person), bucket in found.earlier.items():
        if (benefit, person) in found.seen or previous_amount(case, benefit, person) is not None:
            continue
        if rows := _counted_as_declared(case, bucket):
            # The register had it the month before and has it no longer: what is declared again may be paid or not.
            for row in rows:
                if row in found.now:
                    make_uncertain(found.now[row], "income.differs")
            continue
        if fully_answered(case, person, bucket.source):
            bucket.month_before = True
            found.now[benefit, person] = bucket


def _counted_as_declared(case: Case, bucket: Bucket) -> list[tuple[str, str]]:
    """Return name and person of what last month's calculation has as declared, of the same income and with the same amount."""
    within = tolerance(case)
    return [row for row, amount in _under_other_names(case, bucket.benefit).items() if abs(amount - bucket.certain) <= within]


def _under_other_names(case: Case, benefit: str) -> dict[tuple[str, str], Ore]:
    """Return what last month's calculation has of a benefit under its other names, for whomever it was declared."""
    names = other_names(case, benefit)
    found: dict[tuple[str, str], Ore] = {}
    for row in case.previous.incomes if case.previous else ():
        if row.type in names:
            found[row.type, row.recipient] = Ore(found.get((row.type, row.recipient), 0) + row.amount)
    return found


def flag_what_may_be_missed(case: Case, out: Findings, found: Collected) -> None:
    """Flag what the registers paid the month before and last month's calculation may lack: nothing of it is counted here.

    Last month's answers were asked for before the month was over, so what was paid in its last days can be in neither calculation.
    """
    for (benefit, person), bucket in found.earlier.items():
        counted = _counted_last_month(case, bucket)
        if bucket.month_before or (counted is None and (benefit, person) not in found.seen):
            continue
        month = labels.month(case.month_before)
        if any(item.reason in _CANNOT_BE_ADDED for item in bucket.items):
            out.flag("income.before_unclear", bucket.key, person=person, label=bucket.label, month=month)
        paid = Ore(sum(item.net or 0 for item in bucket.items if item.reason not in _CANNOT_BE_ADDED))
        # What the list leaves to a person, and a person counted nothing of, was seen and judged then.
        judged = not counted and not bucket.certain
        if case.previous is not None and not judged and paid - (counted or 0) > tolerance(case):
            amount, previous = (labels.kr(one).removesuffix(" kr") for one in (paid, counted or Ore(0)))
            out.flag("income.paid_late", bucket.key, person=person, label=bucket.label, month=month, amount=amount, previous=previous)


def _counted_last_month(case: Case, bucket: Bucket) -> Ore | None:
    """Return what last month's calculation has of a benefit: under its own name, else under the names that applicants declare it by."""
    own = previous_amount(case, bucket.benefit, bucket.person)
    others = _under_other_names(case, bucket.benefit)
    return own if own or not others else Ore(sum(others.values()))
