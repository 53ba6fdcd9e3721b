"""The same income from the application and from a register counts once; what may be the same is left to a person."""

from __future__ import annotations

from dataclasses import replace

from rules import labels
from rules.context import INCOME_SOURCES, Case
from rules.findings import Findings
from rules.income_items import Bucket, Collected
from rules.money import ZERO, Ore


def count_once(case: Case, out: Findings, found: Collected) -> set[tuple[str, str]]:
    """Join what was declared with the same income in a register; return what was joined, as declared."""
    table = case.book.guidelines.same_income.at(case.month)
    merged: set[tuple[str, str]] = set()
    for (kind, person), declared in found.declared.items():
        benefit = (table.value.get(kind) if table else None) or kind
        register = found.now.get((benefit, person))
        if register is None or register.declared:
            _not_in_its_register(case, found, declared, benefit)
            found.now[kind, person] = declared
        else:
            merged.add((kind, person))
            _join(case, out, declared, register)
    return merged


def _join(case: Case, out: Findings, declared: Bucket, register: Bucket) -> None:
    register.declared_too.append((declared.benefit, declared.certain))
    sure = not declared.uncertain and not register.uncertain
    if sure and abs(declared.certain - register.registered) <= tolerance(case):
        amount = labels.kr(declared.certain)
        out.shown.append(f"{declared.label}: {amount} i ansökan är samma inkomst som {register.label} i registret, räknas en gång")
    else:
        register.differs = True
        register.items += declared.items


def _not_in_its_register(case: Case, found: Collected, declared: Bucket, benefit: str) -> None:
    """Make uncertain what a register shows for another person, and a benefit that its register does not show or could not be asked about.

    Maintenance is the child's and the register's support the parent's: whoever it is declared for, it may be the same money.
    """
    origin = case.book.guidelines.origin(declared.benefit)
    if any(name == benefit and person != declared.person and not bucket.declared for (name, person), bucket in found.now.items()):
        make_uncertain(declared, "income.perhaps_same")
    elif any(origin == source and (declared.person, source) in case.answers for source in INCOME_SOURCES):
        make_uncertain(declared, "income.differs")


def make_uncertain(declared: Bucket, reason: str) -> None:
    """Let nothing of what was declared count by itself any more."""
    declared.items = [item if item.reason is not None else replace(item, reason=reason, most=item.net) for item in declared.items]


def other_names(case: Case, kind: str) -> list[str]:
    """Return the other names of an income: as its register has it, or as applicants declare it."""
    table = case.book.guidelines.same_income.at(case.month)
    pairs = table.value.items() if table else ()
    return [benefit for declared, benefit in pairs if declared == kind] + [declared for declared, benefit in pairs if benefit == kind]


def tolerance(case: Case) -> Ore:
    """Return by how much two amounts of the same income may differ."""
    allowed = case.book.guidelines.same_income_tolerance.at(case.month)
    return allowed.value if allowed else ZERO
