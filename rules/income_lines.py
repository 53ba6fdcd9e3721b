"""The income lines of a case, and what differs from last month's calculation."""

from __future__ import annotations

from dataclasses import replace

from rules import labels
from rules.assessment import FactUsed
from rules.context import INCOME_SOURCES, Case
from rules.costs import changed_by_more_than
from rules.facts import SOURCES, Member
from rules.findings import Findings
from rules.found import Counted, blank
from rules.income_before import flag_what_may_be_missed, take_in_the_month_before
from rules.income_items import Bucket, Collected, collect, fully_answered, in_line_order, missing_parts
from rules.income_last_month import previous_amount, previous_counted
from rules.income_month import flag_not_yet_paid
from rules.income_rules import (
    Earned,
    OwnNorm,
    Terms,
    Window,
    checked_register,
    child_earnings,
    child_income,
    counted_income,
    jobbstimulans,
    with_uncertain,
    within_own_norm,
)
from rules.income_same import count_once, other_names
from rules.legal import Version
from rules.money import ZERO, Ore
from rules.month import Month
from rules.norm_lines import are_perhaps_two_households, child_facts

_SALARY = "salary"
_ENDS_WITHIN_MONTHS = 2
_APART = "case.civil_status_unknown"


def add_income_lines(case: Case, out: Findings, *, month_open: bool) -> None:
    """Add a line for each benefit and declared income of each person, and a blank one for each register that could not be checked."""
    found = collect(case, out)
    merged = count_once(case, out, found)
    if not month_open:
        take_in_the_month_before(case, found)
    for bucket in in_line_order(case, found.now):
        _line(case, out, bucket)
        _compare(case, out, bucket, month_open=month_open)
    _unchecked_registers(case, out)
    flag_what_may_be_missed(case, out, found)
    if not month_open:
        _vanished(case, out, found, merged)
        flag_not_yet_paid(case, out)


def _line(case: Case, out: Findings, bucket: Bucket) -> None:
    child = next((child for child in case.children if child.ref == bucket.person), None)
    version, certain, facts = _counted(case, out, child, bucket)
    found = with_uncertain(certain, bucket.uncertain, may_lower=any(item.may_lower for item in bucket.items))
    if bucket.month_before and case.previous is None:
        found = _counted_last_month_or_not(found)
    if bucket.differs:
        found = _between(bucket, found)
    if child is not None and bucket.benefit != _SALARY:
        found = within_own_norm(found, _left_of_own_norm(case, out, child, bucket))
    apart = bucket.person == "co_applicant" and are_perhaps_two_households(case)
    if apart:
        found = _here_or_in_another_household(found)
    found = Counted(found.amount, found.because, found.reason, found.low, found.high, (*found.parameters, *bucket.listed()))
    out.line(
        version,
        found,
        key=bucket.key,
        section="income",
        label=bucket.label,
        kind=bucket.benefit,
        person=bucket.person,
        applied=_applied(bucket),
        previous=previous_counted(case, bucket.benefit, bucket.person),
        facts=(*(item.fact for item in bucket.items), *facts),
        flag_key="norm.adults" if found.reason == _APART else None,
    )
    for reason, _ in bucket.uncertain:
        out.flag(reason, bucket.key, person=bucket.person, label=bucket.label)
    if bucket.deductions_unclear:
        out.flag("income.deductions", bucket.key, person=bucket.person, label=bucket.label)
    if bucket.month_before:
        out.flag("income.month_before", bucket.key, person=bucket.person, label=bucket.label)
    if not bucket.differs and not apart:
        out.counted += bucket.as_counted()


def _counted_last_month_or_not(found: Counted) -> Counted:
    """Nobody can tell whether what was paid the month before was counted then: it may be nothing now."""
    if found.reason is not None:
        return replace(found, low=ZERO)
    return blank("income.month_before", "det är inte känt om den räknades förra månaden", high=found.amount, parameters=found.parameters)


def _here_or_in_another_household(found: Counted) -> Counted:
    """The income of an adult who may be a household apart counts in full or not at all."""
    if found.reason is not None:
        return replace(found, low=ZERO)
    because = f"{found.because}; räknas bara om de två vuxna är ett hushåll"
    return blank(_APART, because, high=found.amount, parameters=found.parameters)


def _counted(
    case: Case, out: Findings, child: Member | None, bucket: Bucket
) -> tuple[Version[..., Counted], Counted, tuple[FactUsed, ...]]:
    """Return the rule for a bucket, what it gives for the part that is certain, and the further facts it used."""
    if child is not None:
        return _of_a_child(case, out, child, bucket)
    if bucket.benefit == _SALARY and bucket.certain:
        return _pay(case, out, bucket)
    version = counted_income.at(case.time)
    assert version is not None
    return version, version.apply(bucket.certain, case.month_before if bucket.month_before else case.paid_in), ()


def _pay(case: Case, out: Findings, bucket: Bucket) -> tuple[Version[..., Counted], Counted, tuple[FactUsed, ...]]:
    version = jobbstimulans.at(case.time)
    assert version is not None
    history = case.file.history
    known = history.jobbstimulans if history.known else None
    windows = None if known is None else tuple(Window(one.from_month, one.to_month) for one in known if one.person == bucket.person)
    in_a_row = history.months_in_a_row if history.known else None
    # The window follows the month of payment; the numbers are the law's own, and go with the version of the rule.
    terms = _terms(case, version.month_of(case.time))
    found = version.apply(bucket.certain, windows, case.paid_in, terms, in_a_row)
    facts = tuple(case.recorded(f"jobbstimulans[{bucket.person}]", f"{window.first} till {window.last}") for window in windows or ())
    if windows == () and in_a_row is not None:
        facts = (case.recorded("months_in_a_row", in_a_row),)
    running = [window for window in windows or () if case.paid_in in window]
    if found.reason is None and running and max(window.last for window in running) < case.month.plus(_ENDS_WITHIN_MONTHS):
        out.flag("info.jobbstimulans_ends", bucket.key, person=bucket.person, label=bucket.label)
    return version, found, facts


def _terms(case: Case, month: Month) -> Terms | None:
    """Return the law's numbers for jobbstimulans; None when one of them is not known."""
    law = case.book.law
    percent, longest, after = (
        series.at(month) for series in (law.jobbstimulans_percent, law.jobbstimulans_months, law.jobbstimulans_after_months)
    )
    return Terms(percent, longest, after) if percent and longest and after else None


def _of_a_child(case: Case, out: Findings, child: Member, bucket: Bucket) -> tuple[Version[..., Counted], Counted, tuple[FactUsed, ...]]:
    if bucket.benefit == _SALARY:
        earnings = child_earnings.at(case.time)
        assert earnings is not None
        at_home = child_facts(case, child, case.month).in_household is True and child.days_in_home != 0
        earned = Earned(bucket.certain, case.paid_in.number == 1, at_home)
        return earnings, earnings.apply(earned, case.book.law.prisbasbelopp.at(case.paid_in)), ()
    other = child_income.at(case.time)
    assert other is not None
    left = _left_of_own_norm(case, out, child, bucket)
    if left.least == left.most and bucket.certain > left.least:
        out.flag("income.child", bucket.key, person=bucket.person, label=bucket.label)
    return other, other.apply(bucket.certain, left), ()


def _left_of_own_norm(case: Case, out: Findings, child: Member, bucket: Bucket) -> OwnNorm:
    """Return what the child's earlier lines leave of its norm.

    What those lines surely take is taken. A line that is blank only because the norm is takes all of its income at the norm's most. An
    earlier register that could not be checked may have taken any part.
    """
    own = next(line for line in out.lines if line.type == "child" and line.person == child.ref)
    taken = [line for line in out.lines if line.section == "income" and line.person == child.ref and line.type != _SALARY]
    least = ZERO if _may_lack_earlier(case, bucket) else Ore(max(own.low - sum(line.low for line in taken), ZERO))
    if own.high is None:
        return OwnNorm(least, None)
    at_most = [line.high if line.blank is not None and line.blank.reason == "income.child" else line.low for line in taken]
    return OwnNorm(least, Ore(max(own.high - sum(amount or ZERO for amount in at_most), ZERO)))


def _may_lack_earlier(case: Case, bucket: Bucket) -> bool:
    """Say whether a register whose lines stand before this one's, or among them, may hold an income of the person's that is not known."""
    if bucket.declared:
        return False
    last = len(INCOME_SOURCES) if bucket.month_before else SOURCES.index(bucket.source) + 1
    answers = [case.answers.get((bucket.person, source)) for source in INCOME_SOURCES if SOURCES.index(source) < last]
    return any(answer is not None and (answer.status == "unavailable" or missing_parts(answer)) for answer in answers)


def _between(bucket: Bucket, found: Counted) -> Counted:
    """Declared and registered differ: blank from the smallest of them, if it is one income, to all together, if it is two."""
    declared = [amount for _, amount in bucket.declared_too]
    because = f"ansökan visar {' och '.join(labels.kr(amount) for amount in declared)}, registret {labels.kr(bucket.registered)}"
    if bucket.uncertain:
        return blank("income.differs", because, low=ZERO, high=found.high, parameters=found.parameters)
    low, high = min(bucket.registered, *declared), Ore(bucket.registered + sum(declared))
    return blank("income.differs", because, low=low, high=high, parameters=found.parameters)


def _compare(case: Case, out: Findings, bucket: Bucket, *, month_open: bool) -> None:
    """Flag an income that is new, or changed by more than the threshold; a smaller sum only when nothing more can come."""
    if case.previous is None or bucket.uncertain or bucket.month_before or bucket.differs:
        return
    names = (bucket.benefit, *(kind for kind, _ in bucket.declared_too if kind != bucket.benefit))
    amounts = [amount for name in names if (amount := previous_amount(case, name, bucket.person)) is not None]
    old = Ore(sum(amounts))
    if not amounts:
        out.flag("income.new", bucket.key, person=bucket.person, label=bucket.label)
        return
    threshold = case.book.guidelines.change_threshold.at(case.month)
    if threshold is None:
        out.flag("sum.parameter_missing", "change_threshold", label="ändrade belopp")
        return
    if (bucket.certain > old or not month_open) and changed_by_more_than(threshold.value, old, bucket.certain):
        out.flag("income.changed", bucket.key, person=bucket.person, label=bucket.label, percent=str(threshold.value))


def _unchecked_registers(case: Case, out: Findings) -> None:
    version = checked_register.at(case.time)
    assert version is not None
    for (person, source), answer in case.answers.items():
        if source not in INCOME_SOURCES or case.file.person(person) is None:
            continue
        silent = answer.status == "unavailable"
        parts = missing_parts(answer)
        if not silent and not parts:
            continue
        what = "kunde inte kontrolleras" if silent else "svarade bara delvis"
        fact = FactUsed(
            path=f"registers[{person}.{source}].status",
            source=labels.source(source),
            value=answer.status if silent else ", ".join(parts),
            at=answer.fetched_at.isoformat(),
        )
        out.line(
            version,
            version.apply("register.unavailable" if silent else "register.incomplete"),
            key=f"income.{source}.{person}",
            section="income",
            label=f"{labels.source(source)}, {labels.person(person)}: {what}",
            kind=source,
            person=person,
            facts=(fact,),
            flag_key=f"{person}.{source}" if silent else f"{person}.{source}.{parts[0]}",
            source=f"{labels.source(source)} för {labels.the_person(person)}",
            flag_label=None if silent else parts[0],
        )


def _vanished(case: Case, out: Findings, found: Collected, merged: set[tuple[str, str]]) -> None:
    """Flag what last month's calculation had and is not paid now, where its source answered: no line, no blank."""
    for kind, person in dict.fromkeys((row.type, row.recipient) for row in (case.previous.incomes if case.previous else ())):
        if (kind, person) in found.seen or (kind, person) in merged or (kind, person) in found.now:
            continue
        if not previous_amount(case, kind, person) or _joined(case, found, kind, person):
            continue
        origins = case.book.guidelines.origins(kind)
        label, key = f"{labels.income(kind)}, {labels.person(person)}", f"income.{kind}.{person}"
        known = person if case.file.person(person) else None
        sources = [one for one in INCOME_SOURCES if not origins or one in origins]
        if all(fully_answered(case, person, one) for one in sources):
            out.flag("income.vanished", key, person=known, label=label)
        elif not any((person, one) in case.answers for one in sources) and not _has_left(case, person):
            out.flag("income.not_shown", key, person=known, label=label)


def _joined(case: Case, found: Collected, kind: str, person: str) -> bool:
    """Say whether an income of last month is there now under the name of the same income in a register, or the other way about."""
    return any((name, person) in found.seen and previous_amount(case, name, person) is None for name in other_names(case, kind))


def _has_left(case: Case, person: str) -> bool:
    """Say whether a person was in last month's calculation and is not in the household now, which has its own flag."""
    return case.file.person(person) is None and case.previous is not None and person in case.previous.members


def _applied(bucket: Bucket) -> Ore | None:
    if bucket.declared_too:
        return Ore(sum(amount for _, amount in bucket.declared_too))
    nets = [item.net for item in bucket.items if item.net is not None]
    return Ore(sum(nets)) if bucket.declared and len(nets) == len(bucket.items) else None
