"""The receipt: what is needed to compute the same again."""

from __future__ import annotations

from rules.assessment import Receipt
from rules.canonical import digest
from rules.context import payment_order
from rules.facts import CaseFile, RegisterAnswer
from rules.rulebook import Rulebook


def receipt_of(file: CaseFile, book: Rulebook) -> Receipt:
    """Return the receipt for one case file under one rulebook. The order of register answers and of payments makes no difference."""
    return Receipt(
        program=book.program,
        rulebook=book.hash,
        parameters=book.law.hash,
        guidelines=book.guidelines.hash,
        facts=facts_hash(file),
        registers=dict(sorted((f"{one.person}.{one.source}", f"{one.status} {one.fetched_at.isoformat()}") for one in file.registers)),
        month=file.application.month,
        calculated_on=file.today,
    )


def facts_hash(file: CaseFile) -> str:
    """Return the hash of the facts, with answers and payments put in order first."""
    answers = sorted(digest(_in_order(answer)) for answer in file.registers)
    return digest([file.today.isoformat(), digest(file.application), digest(file.history), answers])


def _in_order(answer: RegisterAnswer) -> RegisterAnswer:
    if len(answer.payments) < 2:
        return answer
    return answer.model_copy(update={"payments": tuple(sorted(answer.payments, key=payment_order))})
