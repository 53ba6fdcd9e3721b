"""What the law leaves open about part-months, quotients and ages, and the guidelines leave to the caseworker.

The line is worked out for each way it could be done. Where all ways give the same, nothing was left to anybody; else it is blank between
the lowest and the highest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rules.dated import Dated
from rules.found import Counted, blank
from rules.guideline_values import CASEWORKER
from rules.norm import ChildFacts, Quotients

_LEFT = "norm.left_to_caseworker"


def is_left(choice: Dated[str] | None) -> bool:
    """Say whether the guidelines leave a term to the caseworker; where they say nothing, the documented default holds."""
    return choice is not None and choice.value == CASEWORKER


def ways_to_round(quotients: Quotients, rounding: Dated[str] | None) -> tuple[Quotients, ...]:
    """Return the quotients, and with the rounding left open also those that round down and up to whole kronor."""
    if not is_left(rounding):
        return (quotients,)
    return tuple(replace(quotients, rounding=one) for one in ("whole_krona", "krona_down", "krona_up"))


def ways_to_divide(facts: ChildFacts, divisor: Dated[str] | None) -> tuple[ChildFacts, ...]:
    """Return the facts, and with the divisor left open also those of a child who is here no day and every day."""
    if not is_left(divisor) or facts.whole_month or not facts.days:
        return (facts,)
    return (facts, replace(facts, days=0), replace(facts, whole_month=True))


def one_of(found: Sequence[Counted]) -> Counted:
    """Return what all ways give, or a blank that holds all of them."""
    first = found[0]
    if all((one.amount, one.reason, one.low, one.high) == (first.amount, first.reason, first.low, first.high) for one in found):
        return first
    low = min(one.low if one.amount is None else one.amount for one in found)
    highs = [one.high if one.amount is None else one.amount for one in found]
    known = [high for high in highs if high is not None]
    return blank(
        next((one.reason for one in found if one.reason is not None), _LEFT),
        f"{first.because}; riktlinjerna lämnar beräkningen till handläggaren",
        low=low,
        high=max(known) if len(known) == len(highs) else None,
        parameters=tuple(dict.fromkeys(used for one in found for used in one.parameters)),
    )
