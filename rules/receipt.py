"""The receipt: what is needed to compute the same again."""

from __future__ import annotations

from typing import Any

from rules.assessment import Receipt
from rules.canonical import digest_of_plain, in_canonical_order, plain
from rules.facts import CaseFile
from rules.rulebook import Rulebook


def receipt_of(file: CaseFile, book: Rulebook, *, digests: bool = True) -> Receipt:
    """Return the receipt for one case file under one rulebook. The order of register answers and of payments makes no difference.

    Without `digests` nothing is said of the facts, for who looks at the result only.
    """
    if not digests:
        return _receipt(file, book, "", {})
    facts = plain(file)
    answers = [(answer["fetched_at"], _digest(answer)) for answer in facts.pop("registers", ())]
    told = sorted(
        (f"{one.person}.{one.source}", f"{one.status} {at} {digest}") for one, (at, digest) in zip(file.registers, answers, strict=True)
    )
    registers: dict[str, str] = {}
    for name, text in told:
        registers[name] = f"{registers[name]}, {text}" if name in registers else text
    return _receipt(file, book, digest_of_plain([facts, sorted(digest for _, digest in answers)]), registers)


def _receipt(file: CaseFile, book: Rulebook, facts: str, registers: dict[str, str]) -> Receipt:
    return Receipt.model_construct(
        program=book.program,
        rulebook=book.hash,
        parameters=book.law.hash,
        guidelines=book.guidelines.hash,
        facts=facts,
        registers=registers,
        month=file.application.month,
        calculated_on=file.today,
    )


def _digest(answer: dict[str, Any]) -> str:
    """Return the digest of one register answer, its payments put in order first."""
    if "payments" in answer:
        answer["payments"] = in_canonical_order(answer["payments"])
    return digest_of_plain(answer)
