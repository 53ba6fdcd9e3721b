"""Sums, span, proposal and recommendation: the end of the calculation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rules.assessment import Flag, Line, Outcome, Proposal, Recommendation, Severity, Span, Sums
from rules.legal import before, rule, since
from rules.money import Ore

_PROPOSAL_STANDS_BESIDE = (Severity.RESULT, Severity.INFO)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Where the case goes, and what is proposed."""

    outcome: Outcome
    recommendation: Recommendation
    proposal: Proposal | None
    amount: Ore | None


def sums_of(lines: Sequence[Line]) -> Sums:
    """Add up what is known so far: the certain part of every line. Need = norm + costs - incomes."""
    low = {"norm": 0, "cost": 0, "income": 0}
    for line in lines:
        low[line.section] += line.low
    need = low["norm"] + low["cost"] - low["income"]
    return Sums.model_construct(norm=Ore(low["norm"]), costs=Ore(low["cost"]), incomes=Ore(low["income"]), need=Ore(need))


def span_of(lines: Sequence[Line], *, incomes_open: bool) -> Span:
    """Return the lowest and highest need that the blanks leave open; None = no bound. `incomes_open` = some may have no line."""
    lowest: int | None = None if incomes_open else 0
    highest: int | None = 0
    for line in lines:
        most, least = (line.high, line.low) if line.section != "income" else (-line.low, None if line.high is None else -line.high)
        lowest = None if lowest is None or least is None else lowest + least
        highest = None if highest is None or most is None else highest + most
    return Span.model_construct(
        lowest=None if lowest is None else Ore(lowest),
        highest=None if highest is None else Ore(highest),
    )


@rule("SoL 2025:400 12 kap. 1, 7 §§", in_force=since(2025, 7, 1))
@rule("SoL 2001:453 4 kap. 1, 3 §§", in_force=before(2025, 7, 1))
def propose(need: Ore, *, refused: bool) -> Proposal:
    """BIFALL of the need, DELAVSLAG of it when a cost was not approved, AVSLAG when incomes cover it all."""
    if need <= 0:
        return Proposal.AVSLAG
    return Proposal.DELAVSLAG if refused else Proposal.BIFALL


def is_for_a_person(flags: Sequence[Flag]) -> bool:
    """Say whether any flag takes the proposal away."""
    return any(flag.severity not in _PROPOSAL_STANDS_BESIDE for flag in flags)


def conclude(proposal: Proposal | None, need: Ore, flags: Sequence[Flag], *, as_last_month: bool, waiting: bool) -> Conclusion:
    """OK = BIFALL of a standard renewal with no flag but info. Everything else ends with the caseworker."""
    review = Recommendation.REVIEW_REQUIRED
    if waiting:
        return Conclusion(Outcome.WAITING_FOR_INCOME, review, None, None)
    if proposal is None:
        return Conclusion(Outcome.REVIEW, review, None, None)
    amount = None if proposal is Proposal.AVSLAG else need
    standard = proposal is Proposal.BIFALL and as_last_month and all(flag.severity is Severity.INFO for flag in flags)
    if standard:
        return Conclusion(Outcome.OK, Recommendation.OK, proposal, amount)
    return Conclusion(Outcome.REVIEW, review, proposal, amount)
