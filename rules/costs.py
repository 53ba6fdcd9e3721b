"""Costs: approved within the guidelines' cap and last month's amount, not approved by a guideline, else left to the caseworker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rules import labels
from rules.assessment import ParameterUsed
from rules.context import Case
from rules.dated import Dated
from rules.facts import Cost
from rules.findings import Findings
from rules.found import Counted, blank, counted
from rules.guideline_values import CostRule
from rules.legal import Rule, before, rule, since
from rules.money import ZERO, Ore
from rules.norm_lines import are_perhaps_two_households, child_facts, doubtful_members, perhaps_a_partner

_FORSORJNINGSSTOD = ("rent", "electricity", "home_insurance", "travel_work", "union_fee", "unemployment_fund")
_RENT = "rent"
_GROWN_UP = 18
_IN_THE_NORM_FROM_2027 = ("internet",)
_2025 = since(2025, 7, 1)
_2026 = _2025.until(2026, 12, 31)
_OLD = before(2025, 7, 1)


@dataclass(frozen=True, slots=True)
class CostFacts:
    """One kind of cost, all rows of the application together. `applied` None = missing or unreadable.

    `previous` = last month's approved amount, None = there was none, `asked_before` = what was applied for then; `history` False = last
    month's calculation is not known. `proof_days` = how old the proof was when the application came, None = unknown. `shared` = others
    may have to bear a share: the rent of a home where others live too, or may do so. `doubtful` of `size` may be outside the calculation.
    """

    kind: str
    applied: Ore | None
    rows: int
    proof: bool | None
    size: int
    previous: Ore | None
    history: bool
    asked_before: Ore | None = None
    proof_days: int | None = None
    shared: bool = False
    doubtful: int = 0


@dataclass(frozen=True, slots=True)
class CostTerms:
    """What the guidelines say in the month: None = nothing."""

    row: Dated[CostRule] | None
    threshold: Dated[int] | None


def changed_by_more_than(percent: int, old: Ore, new: Ore) -> bool:
    """Compare exactly, in whole öre: 12 % of 450.00 is 54.00, and 54.00 is not more."""
    return 100 * abs(new - old) > percent * abs(old)


@rule("SoL 2025:400 12 kap. 7 § 2", in_force=_2025)
@rule("SoL 2001:453 4 kap. 3 § 2", in_force=_OLD)
def reasonable_cost(cost: CostFacts, terms: CostTerms) -> Counted:
    """Approve a cost of försörjningsstöd that the guidelines and last month's calculation both vouch for."""
    return _judge(cost, terms)


@rule("SoL 2025:400 12 kap. 1 §", in_force=_2026)
@rule("SoL 2001:453 4 kap. 1 §", in_force=_OLD)
def other_support(cost: CostFacts, terms: CostTerms) -> Counted:
    """Approve a cost of livsföring i övrigt where the guidelines have a row for it; else it is the caseworker's."""
    return _judge(cost, terms)


@other_support.version("SoL 2025:400 12 kap. 1 § och 7 § 1 (2026:897)", in_force=since(2027, 1, 1))
def other_support_2027(cost: CostFacts, terms: CostTerms) -> Counted:
    """From 2027 internet is an item of the norm, whatever the guidelines say of it, and not a cost beside it."""
    if cost.kind in _IN_THE_NORM_FROM_2027 and cost.applied is not None and cost.applied >= 0:
        return blank("cost.left_to_caseworker", "internet och telefoni ingår i riksnormen från 2027", high=cost.applied)
    return _judge(cost, terms)


def _judge(cost: CostFacts, terms: CostTerms) -> Counted:
    applied = cost.applied
    if applied is None or applied < 0:
        return blank("cost.unreadable", "beloppet saknas eller kan inte läsas")
    if terms.row is None:
        return blank("cost.left_to_caseworker", "riktlinjerna säger inget om kostnaden", high=applied)
    row, used = terms.row.value, (terms.row.used(_said(terms.row.value, cost.size)),)
    if row.handling == "not_granted":
        return counted(ZERO, f"beviljas inte: {row.ground}", used)
    if row.handling == "caseworker":
        return blank("cost.left_to_caseworker", "riktlinjerna lämnar kostnaden till handläggaren", high=applied, parameters=used)
    if cost.rows > 1:
        return blank("cost.duplicate", "samma kostnad är sökt mer än en gång", high=applied, parameters=used)
    return _within(cost, applied, row, terms.threshold, used)


def _within(cost: CostFacts, applied: Ore, row: CostRule, threshold: Dated[int] | None, used: tuple[ParameterUsed, ...]) -> Counted:
    over, certain = applied > row.cap(cost.size), row.cap(cost.size - cost.doubtful)
    reason = ""
    if over and cost.previous != applied:
        reason, because = "cost.over_cap", f"över {labels.kr(row.cap(cost.size))}"
    elif applied > certain and cost.previous != applied:
        reason, because = "cost.left_to_caseworker", f"över {labels.kr(certain)}, som gäller om inte alla ingår i beräkningen"
    elif row.proof_needed and cost.proof is not True:
        reason, because = "cost.proof_needed", "underlag behövs"
    elif row.proof_needed and not _is_recent(cost, row):
        age = "hur gammalt det är framgår inte" if cost.proof_days is None else f"det är {cost.proof_days} dagar"
        reason, because = "cost.proof_needed", f"underlaget ska vara högst {row.proof_within_days} dagar gammalt, {age}"
    elif cost.shared and cost.previous != applied:
        reason, because = "cost.left_to_caseworker", "fler bor eller kan bo i hemmet; deras del av hyran är handläggarens (HFD 2020:40)"
    elif not cost.history:
        reason, because = "cost.history_unknown", "förra månadens belopp är inte känt"
    elif cost.previous is None:
        reason, because = "cost.new", "fanns inte i förra månadens beräkning"
    elif cost.previous != applied:
        return _changed(cost.previous, applied, threshold, used)
    else:
        because = "över riktlinjens belopp, men godkänd med samma belopp förra månaden" if over else "inom beloppet, som förra månaden"
    return blank(reason, because, high=applied, parameters=used) if reason else counted(applied, because, used)


def _is_recent(cost: CostFacts, row: CostRule) -> bool:
    """Say whether the proof is known to be as recent as the guidelines ask; without such a limit it always is."""
    return row.proof_within_days is None or (cost.proof_days is not None and cost.proof_days <= row.proof_within_days)


def _changed(old: Ore, applied: Ore, threshold: Dated[int] | None, used: tuple[ParameterUsed, ...]) -> Counted:
    if threshold is None:
        return blank("sum.parameter_missing", "riktlinjen för ändrade belopp saknas", high=applied, parameters=used)
    used = (*used, threshold.used())
    if changed_by_more_than(threshold.value, old, applied):
        because = f"ändrad med mer än {threshold.value} %, förra månaden {labels.kr(old)}"
        return blank("cost.changed", because, high=applied, parameters=used)
    return counted(applied, f"inom beloppet, ändrad med högst {threshold.value} %, förra månaden {labels.kr(old)}", used)


def _said(row: CostRule, size: int) -> str:
    if row.handling == "cap":
        recent = f", högst {row.proof_within_days} dagar gammalt" if row.proof_within_days is not None else ""
        proof = f"underlag behövs{recent}" if row.proof_needed else "underlag behövs inte"
        return f"högst {labels.kr(row.cap(size))}, {proof}"
    return "bedöms av handläggaren" if row.handling == "caseworker" else f"beviljas inte: {row.ground}"


def add_cost_lines(case: Case, out: Findings) -> None:
    """Add one line for each kind of cost applied for, in the order of the application."""
    by_kind: dict[str, list[Cost]] = defaultdict(list)
    for cost in case.file.application.costs:
        by_kind[cost.type].append(cost)
    for kind, rows in by_kind.items():
        _cost_line(case, out, kind, rows)
    for kind, amount in _previous_costs(case).items():
        if kind not in by_kind and amount > 0:
            out.dropped.append(labels.cost(kind))


def _cost_line(case: Case, out: Findings, kind: str, rows: Sequence[Cost]) -> None:
    facts = _facts(case, kind, rows)
    terms = _terms(case, kind)
    chosen: Rule[[CostFacts, CostTerms], Counted] = reasonable_cost if kind in _FORSORJNINGSSTOD else other_support
    version = chosen.at(case.time)
    assert version is not None
    found = version.apply(facts, terms)
    label = labels.cost(kind)
    percent = str(terms.threshold.value) if terms.threshold else ""
    out.line(
        version,
        found,
        key=f"cost.{kind}",
        section="cost",
        label=label,
        kind=kind,
        applied=facts.applied,
        previous=facts.previous,
        facts=(
            case.said(f"costs[{kind}].applied", "?" if facts.applied is None else labels.kr(facts.applied)),
            *(
                (case.recorded(f"previous_calculation.costs[{kind}].approved", labels.kr(facts.previous)),)
                if facts.previous is not None
                else ()
            ),
        ),
        percent=percent,
    )
    _cost_flags(out, kind, facts, terms, found)


def _cost_flags(out: Findings, kind: str, facts: CostFacts, terms: CostTerms, found: Counted) -> None:
    """Note a refusal, and tell the caseworker what the line itself does not."""
    label, key = labels.cost(kind), f"cost.{kind}"
    row = terms.row.value if terms.row else None
    if row is not None and row.handling == "not_granted":
        if facts.applied and found.amount is not None:
            out.refused.append(label)
        return
    if facts.previous is not None and facts.asked_before is not None and facts.asked_before != facts.previous:
        asked, approved = (labels.kr(amount).removesuffix(" kr") for amount in (facts.asked_before, facts.previous))
        out.flag("info.changed_before", key, label=label, previous=asked, amount=approved)
    if row is None or row.handling == "caseworker":
        return
    if found.amount is not None and found.amount > row.cap(facts.size):
        out.flag("info.approved_over_cap", key, label=label)
    elif found.reason == "cost.proof_needed" and (facts.proof is False or facts.proof_days is not None):
        out.flag("info.missing_document", key, label=label)


def _facts(case: Case, kind: str, rows: Sequence[Cost]) -> CostFacts:
    amounts = [row.applied for row in rows if row.applied is not None and row.applied >= 0]
    proofs = {row.proof for row in rows}
    before = [row for row in (case.previous.costs if case.previous else ()) if row.type == kind]
    asked = [row.applied for row in before if row.applied is not None]
    return CostFacts(
        kind=kind,
        applied=Ore(sum(amounts)) if len(amounts) == len(rows) else None,
        rows=len(rows),
        proof=proofs.pop() if len(proofs) == 1 else None,
        size=len(case.file.application.household.members),
        previous=Ore(sum(row.approved for row in before)) if before else None,
        history=case.previous is not None,
        asked_before=Ore(sum(asked)) if before and len(asked) == len(before) else None,
        proof_days=_proof_days(case, rows),
        shared=kind == _RENT and _others_at_home(case),
        doubtful=doubtful_members(case),
    )


def _proof_days(case: Case, rows: Sequence[Cost]) -> int | None:
    """Return how old the oldest proof was on the day the application came; None = not known for all, or dated in time to come."""
    dates = [row.proof_date for row in rows if row.proof_date is not None and row.proof_date <= case.file.today]
    return max(0, (case.time.received - min(dates)).days) if dates and len(dates) == len(rows) else None


def _others_at_home(case: Case) -> bool:
    """Say whether somebody grown up may live in the home without being in the calculation, and so have a share of the rent to bear."""
    if case.file.application.household.others_in_home != 0 or perhaps_a_partner(case) or are_perhaps_two_households(case):
        return True
    children = (child_facts(case, child, case.month) for child in case.children)
    return any(facts.age is not None and facts.age >= _GROWN_UP and facts.in_household is not True for facts in children)


def _terms(case: Case, kind: str) -> CostTerms:
    guidelines = case.book.guidelines
    series = guidelines.costs.get(kind)
    return CostTerms(series.at(case.month) if series else None, guidelines.change_threshold.at(case.month))


def _previous_costs(case: Case) -> dict[str, Ore]:
    found: dict[str, Ore] = {}
    for row in case.previous.costs if case.previous else ():
        found[row.type] = Ore(found.get(row.type, ZERO) + row.approved)
    return found
