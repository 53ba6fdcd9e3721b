"""`assess`: facts in, assessment out. Pure and total: it reads no clock, file or network, and never raises for a valid case file."""

from __future__ import annotations

from rules import labels
from rules.assessment import Assessment, Outcome, Span, Sums
from rules.case_checks import add_case_flags
from rules.context import Case, make_case
from rules.costs import add_cost_lines
from rules.facts import CaseFile
from rules.findings import Findings
from rules.flagging import in_order
from rules.income_lines import add_income_lines
from rules.income_month import flag_not_yet_paid, month_is_open
from rules.information import add_information
from rules.norm_lines import add_norm_lines, perhaps_a_partner
from rules.receipt import receipt_of
from rules.register_checks import add_register_flags, checks_of
from rules.result import conclude, is_for_a_person, propose, span_of, sums_of
from rules.rulebook import Rulebook
from rules.triage import protection_flags, triage, without_amounts


def assess(case_file: CaseFile, rulebook: Rulebook, *, hand_over: bool = False, digests: bool = True) -> Assessment:
    """Return the whole assessment of a case.

    `hand_over` = the case cannot wait any longer: what would rest for the month's incomes goes to a person with the flag
    `sum.month_open`. A case where no source could say whether an adult is protected is a stop either way; while there is time the
    caller asks again before it acts on that. Without `digests` the receipt says nothing of the facts: for comparisons, never to be stored.
    """
    at_once = triage(case_file, rulebook, digests=digests)
    if at_once is not None:
        return at_once
    case = make_case(case_file, rulebook)
    stops = protection_flags(case)
    if stops:
        return without_amounts(case_file, rulebook, stops, Outcome.STOP, digests=digests)
    return _compute(case, hand_over=hand_over, digests=digests)


def _compute(case: Case, *, hand_over: bool, digests: bool) -> Assessment:
    month_open = month_is_open(case)
    out = Findings(case)
    add_norm_lines(case, out)
    add_cost_lines(case, out)
    add_income_lines(case, out, month_open=month_open)
    add_case_flags(case, out)
    add_register_flags(case, out)
    add_information(case, out)
    sums = sums_of(out.lines)
    # More may be paid in an open month, and nobody has asked what a partner outside the application has.
    span = span_of(out.lines, incomes_open=month_open or perhaps_a_partner(case))
    if any(line.blank for line in out.lines):
        out.flag("sum.blank")
    waiting = month_open and not hand_over and not is_for_a_person(out.flags)
    if not waiting:
        _need_flags(case, out, sums, month_open=month_open)
        if month_open:
            out.flag("sum.month_open")
            flag_not_yet_paid(case, out)
    return _conclude(case, out, sums, span, waiting=waiting, digests=digests)


def _need_flags(case: Case, out: Findings, sums: Sums, *, month_open: bool) -> None:
    """Flag a need, known so far, unlike last month's, and limits that are not known. A case that only waits for incomes has no need yet."""
    may_differ = case.book.guidelines.need_may_differ.at(case.month)
    if may_differ is None:
        out.flag("sum.parameter_missing", "need_may_differ", label="ändrat behov")
    elif case.previous is not None and _differs(out, sums.need - case.previous.need, may_differ.value, month_open=month_open):
        out.flag("sum.need_differs", amount=labels.kr(may_differ.value).removesuffix(" kr"), previous=labels.kr(case.previous.need))
    if case.book.guidelines.need_limit.at(case.month) is None:
        out.flag("sum.parameter_missing", "need_limit", label="gräns för behovet")


def _differs(out: Findings, risen: int, allowed: int, *, month_open: bool) -> bool:
    """Say whether the need differs by more than is allowed: not while the norm is missing, or incomes to come may close the difference."""
    still_to_come = month_open and risen > 0
    return abs(risen) > allowed and not still_to_come and all(flag.code != "norm.no_amounts" for flag in out.flags)


def _conclude(case: Case, out: Findings, sums: Sums, span: Span, *, waiting: bool, digests: bool) -> Assessment:
    proposal = None
    version = propose.at(case.time)
    if version is not None and not waiting and not is_for_a_person(out.flags):
        proposal = version.apply(sums.need, refused=bool(out.refused))
        _result_flags(case, out, sums, proposal.value)
    flags = in_order(out.flags)
    end = conclude(proposal, sums.need, flags, as_last_month=not out.dropped, waiting=waiting)
    return Assessment.model_construct(
        case_id=case.file.application.case_id,
        month=case.month,
        outcome=end.outcome,
        recommendation=end.recommendation,
        proposal=end.proposal,
        amount=end.amount,
        lines=tuple(out.lines),
        shown=tuple(out.shown),
        sums=sums,
        span=span,
        previous_need=case.previous.need if case.previous else None,
        flags=flags,
        checks=checks_of(case),
        counted_incomes=tuple(out.counted),
        children=bool(case.children),
        receipt=receipt_of(case.file, case.book, digests=digests),
    )


def _result_flags(case: Case, out: Findings, sums: Sums, proposal: str) -> None:
    if proposal == "AVSLAG":
        out.flag("result.avslag")
    if proposal == "DELAVSLAG":
        out.flag("result.delavslag", label=", ".join(out.refused))
    limit = case.book.guidelines.need_limit.at(case.month)
    if limit is not None and sums.need > limit.value:
        out.flag("result.high_need", amount=labels.kr(limit.value).removesuffix(" kr"))
