"""The same income from the application and from a register counts once; what may be the same is left to a person."""

from __future__ import annotations

from dataclasses import replace

from rules import labels
from rules.context import INCOME_SOURCES, Case
from rules.costs import changed_by_more_than
from rules.findings import Findings
from rules.income_items import Bucket, Collected, fully_answered
from rules.income_last_month import previous_counted
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
        elif _two_last_month(case, declared, register):
            found.now[kind, person] = declared
        else:
            merged.add((kind, person))
            _join(case, out, declared, register)
    return merged


def _two_last_month(case: Case, declared: Bucket, register: Bucket) -> bool:
    """Say whether last month's calculation, which a person made, counted both, each with about the amount it has now: two incomes."""
    threshold = case.book.guidelines.change_threshold.at(case.month)
    if threshold is None or declared.benefit == register.benefit or declared.uncertain or register.uncertain:
        return False
    counted = [(previous_counted(case, one.benefit, one.person), one.certain) for one in (declared, register)]
    return all(old is not None and not changed_by_more_than(threshold.value, old, now) for old, now in counted)


def _join(case: Case, out: Findings, declared: Bucket, register: Bucket) -> None:
    """Count once what agrees; what does not, or what a calculation that could not be read may have had as two, is open."""
    register.declared_too.append((declared.benefit, declared.certain))
    sure = not declared.uncertain and not register.uncertain
    one = declared.benefit == register.benefit or case.file.history.known
    if sure and one and _agree(case, declared.certain, register.registered):
        amount = labels.kr(declared.certain)
        out.shown.append(f"{declared.label}: {amount} i ansökan är samma inkomst som {register.label} i registret, räknas en gång")
    else:
        register.differs = True
        register.items += declared.items


def _not_in_its_register(case: Case, found: Collected, declared: Bucket, benefit: str) -> None:
    """Make uncertain what a register shows for another person, and a benefit that its register does not show or could not tell about.

    Maintenance is the child's and the register's support the parent's: whoever it is declared for, the same amount may be the same money.
    Other amounts for two persons are two incomes.
    """
    origins = case.book.guidelines.origins(declared.benefit)
    if any(_perhaps_same(case, declared, one) for (name, _), one in found.now.items() if name == benefit):
        make_uncertain(declared, "income.perhaps_same")
    elif any(source in origins and (declared.person, source) in case.answers for source in INCOME_SOURCES) or _is_silent(
        case, declared.person, benefit
    ):
        make_uncertain(declared, "income.differs")


def _is_silent(case: Case, person: str, benefit: str) -> bool:
    """Say whether a register that may pay the same income under its own name was asked about the person and could not tell all."""
    origins = case.book.guidelines.origins(benefit)
    asked = [source for source in INCOME_SOURCES if source in origins and (person, source) in case.answers]
    return any(not fully_answered(case, person, source) for source in asked)


def _perhaps_same(case: Case, declared: Bucket, other: Bucket) -> bool:
    """Say whether what was declared may be what a register shows for another person: an amount that is not sure may be any."""
    if other.declared or other.person == declared.person:
        return False
    return bool(declared.uncertain or other.uncertain) or _agree(case, declared.certain, other.certain)


def _agree(case: Case, declared: Ore, registered: Ore) -> bool:
    return abs(declared - registered) <= tolerance(case)


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
