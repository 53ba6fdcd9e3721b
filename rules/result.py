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
    low = {section: sum(line.low for line in lines if line.section == section) for section in ("norm", "cost", "income")}
    need = low["norm"] + low["cost"] - low["income"]
    return Sums.model_construct(norm=Ore(low["norm"]), costs=Ore(low["cost"]), incomes=Ore(low["income"]), need=Ore(need))


def span_of(lines: Sequence[Line], *, month_open: bool) -> Span:
    """Return the lowest and highest need that the blanks leave open; None = no bound. An open month may still bring any income."""
    sums = sums_of(lines)
    needs = [line.high for line in lines if line.section != "income"]
    incomes = [line.high for line in lines if line.section == "income"]
    highest = None if None in needs else Ore(sum(high for high in needs if high is not None) - sums.incomes)
    if month_open or None in incomes:
        return Span.model_construct(lowest=None, highest=highest)
    return Span.model_construct(lowest=Ore(sums.norm + sums.costs - sum(high for high in incomes if high is not None)), highest=highest)


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
