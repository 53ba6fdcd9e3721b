"""What a person must have at once: urgent by the applicant's own words, stop by protected identity or an unreadable application."""

from __future__ import annotations

from datetime import date

from rules.assessment import Assessment, Flag, Outcome, Recommendation
from rules.context import Case
from rules.facts import CaseFile, Source, Unrecognised
from rules.receipt import receipt_of
from rules.rulebook import Rulebook

_YEARS = range(1990, 2101)
_SAYS_PROTECTED: tuple[Source, ...] = ("FK", "AF", "CSN")
_ABOUT_PROTECTION = ("skydd", "sekretess", "protect", "secrecy")


def urgent_flags(file: CaseFile, book: Rulebook) -> tuple[Flag, ...]:
    """Read every field the applicant has written in, those about jobs and schools too."""
    application = file.application
    texts = [written.text for written in application.free_text]
    texts += [cost.specification or "" for cost in application.costs]
    texts += [pending.benefit for pending in application.pending_benefits]
    return tuple(book.flags.flag(code) for code in book.words.flags_in(texts) if code.startswith("urgent."))


def stop_flags(file: CaseFile, book: Rulebook) -> tuple[Flag, ...]:
    """Return the stops that the application shows by itself."""
    application = file.application
    codes = []
    if application.protected:
        codes.append("stop.protected_identity")
    elif any(_is_about_protection(unknown) for unknown in application.unrecognised):
        codes.append("stop.protection_unknown")
    if "other_tenancy" in application.unreadable:
        codes.append("stop.other_tenancy")
    if any(code != "other_tenancy" for code in application.unreadable) or not _is_a_household(file) or not _has_plausible_times(file):
        codes.append("stop.unreadable")
    return tuple(book.flags.flag(code) for code in codes)


def protection_flags(case: Case) -> tuple[Flag, ...]:
    """Return the stop for protected identity, or for an adult about whom no source could say.

    One source that says no is enough for an adult; the case system's silence is not, and children follow the adults. A mark of
    protection that cannot be read is never named to anybody: it may be one.
    """
    book = case.book
    if any(answer.facts.protected for answer in case.file.registers):
        return (book.flags.flag("stop.protected_identity"),)
    if any(_is_about_protection(unknown) for answer in case.file.registers for unknown in answer.unrecognised):
        return (book.flags.flag("stop.protection_unknown"),)
    for adult in case.adults:
        said = [case.answers[adult.ref, source] for source in _SAYS_PROTECTED if (adult.ref, source) in case.answers]
        if not any(answer.status != "unavailable" and answer.facts.protected is False for answer in said):
            return (book.flags.flag("stop.protection_unknown"),)
    return ()


def _is_about_protection(unknown: Unrecognised) -> bool:
    return any(word in unknown.path.casefold() for word in _ABOUT_PROTECTION)


def without_amounts(file: CaseFile, book: Rulebook, flags: tuple[Flag, ...], outcome: Outcome, *, digests: bool = True) -> Assessment:
    """Return the assessment of a stop or an urgent case: nothing is computed."""
    return Assessment.model_construct(
        case_id=file.application.case_id,
        month=file.application.month,
        outcome=outcome,
        recommendation=Recommendation.REVIEW_REQUIRED,
        proposal=None,
        amount=None,
        lines=(),
        shown=(),
        sums=None,
        span=None,
        previous_need=None,
        flags=flags,
        checks=(),
        counted_incomes=(),
        children=bool(file.children),
        receipt=receipt_of(file, book, digests=digests),
    )


def triage(case_file: CaseFile, rulebook: Rulebook, *, digests: bool = True) -> Assessment | None:
    """Judge the application alone: urgent first, then a stop; None = the registers may be asked. History and registers are not read.

    Without `digests` the receipt says nothing of the facts.
    """
    urgent = urgent_flags(case_file, rulebook)
    if urgent:
        return without_amounts(case_file, rulebook, urgent, Outcome.URGENT, digests=digests)
    stops = stop_flags(case_file, rulebook)
    return without_amounts(case_file, rulebook, stops, Outcome.STOP, digests=digests) if stops else None


def _is_a_household(file: CaseFile) -> bool:
    """One applicant, at most one co-applicant, children; each person once and under the name their role has."""
    refs = [member.ref for member in file.application.household.members]
    numbers = [member.personnummer for member in file.application.household.members if member.personnummer is not None]
    adults = {member.ref: member.role for member in file.adults}
    return (
        len(set(refs)) == len(refs)
        and len(set(numbers)) == len(numbers)
        and adults in ({"applicant": "applicant"}, {"applicant": "applicant", "co_applicant": "co_applicant"})
        and not {"applicant", "co_applicant"} & {child.ref for child in file.children}
    )


def _has_plausible_times(file: CaseFile) -> bool:
    days: tuple[date, ...] = (file.today, file.application.received_at.date(), file.application.month.first)
    return all(day.year in _YEARS for day in days)
