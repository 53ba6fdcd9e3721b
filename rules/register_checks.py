"""What the registers say beside payments, and what they could not say: flags per person and source."""

from __future__ import annotations

from rules import labels
from rules.assessment import Check
from rules.context import ALL_SOURCES, INCOME_SOURCES, Case
from rules.facts import RegisterAnswer, RegisterFacts, Source
from rules.findings import Findings

_NOTHING = RegisterFacts()
_CIVIL_STATUSES = ("unmarried", "married", "divorced", "widowed")


def add_register_flags(case: Case, out: Findings) -> None:
    """Go through every answer, in the order of persons and sources."""
    members = {member.ref for member in case.file.application.household.members}
    for (person, source), answer in case.answers.items():
        key = f"{person}.{source}"
        if person not in members:
            out.flag("register.unrecognised", key, source=labels.source(source), label="svar om en person som inte finns i ansökan")
            continue
        if answer.status == "unavailable":
            if source not in INCOME_SOURCES:
                out.flag("register.unavailable", key, person=person, source=_name(answer))
            continue
        for deviation in answer.deviations:
            out.flag("register.incomplete", f"{key}.{deviation}", person=person, source=_name(answer), label=deviation)
        for unknown in answer.unrecognised:
            out.flag("register.unrecognised", f"{key}.{unknown.path}", person=person, source=_name(answer), label=unknown.path)
        if answer.facts != _NOTHING:
            _facts(case, out, answer, key)
    _job_seekers(case, out)


def _name(answer: RegisterAnswer) -> str:
    return f"{labels.source(answer.source)} för {labels.the_person(answer.person)}"


def _facts(case: Case, out: Findings, answer: RegisterAnswer, key: str) -> None:
    facts, person = answer.facts, answer.person
    for code, true in (
        ("register.deceased", facts.deceased),
        ("register.emigrated", facts.emigrated),
        ("register.other_address", facts.other_address),
        ("register.suspended", facts.suspended),
    ):
        if true:
            out.flag(code, key, person=person, source=_name(answer))
    for number, benefit in enumerate(facts.applied_not_decided):
        out.flag("register.benefit_pending", f"{key}.{number}", person=person, label=f"{labels.short(benefit)}, {labels.person(person)}")
    _civil_status(case, out, answer, key)
    if facts.vehicles:
        out.flag("case.assets", key, person=person, label=f"fordon, {labels.person(person)}")
    if (facts.capital_income or 0) != 0:
        out.flag("case.assets", key, person=person, label=f"kapitalinkomst, {labels.person(person)}")
    if facts.tax_refund:
        out.flag("case.assets", f"{key}.tax_refund", person=person, label=f"skatteåterbäring, {labels.person(person)}")
    if any(permit.permanent is not True or permit.to_day is not None or labels.is_unknown(permit.kind) for permit in facts.permits):
        # Only a permanent permit without an end is recognised: a temporary one, or one of an unknown kind, is for a person.
        out.flag("case.permit", key, person=person)


def _civil_status(case: Case, out: Findings, answer: RegisterAnswer, key: str) -> None:
    """Flag what cannot both be true. Who lives together as sambor may be married or not: the norm is the same."""
    registered, applied = answer.facts.civil_status, case.file.application.household.civil_status
    if registered is None:
        return
    if registered not in _CIVIL_STATUSES:
        out.flag("register.unrecognised", f"{key}.civil_status", person=answer.person, source=_name(answer), label="civilstånd")
    elif (registered == "married" and applied == "single") or (registered != "married" and applied == "married"):
        out.flag("register.civil_status", key, person=answer.person, source=_name(answer))


def _job_seekers(case: Case, out: Findings) -> None:
    """Whoever plans to seek work should be registered as a job seeker; what could not be checked has its own flag."""
    for plan in case.file.application.plans:
        answer = case.answers.get((plan.person, "AF"))
        if plan.type == "job_seeking" and answer is not None and answer.status != "unavailable" and answer.facts.job_seeker is not True:
            out.flag("register.not_job_seeker", f"{plan.person}.AF", person=plan.person, source=_name(answer))


def checks_of(case: Case) -> tuple[Check, ...]:
    """Return one check for each adult and source: asked or not, done or not, and when."""
    return tuple([_check(case, adult.ref, source) for adult in case.adults for source in ALL_SOURCES])


def _check(case: Case, person: str, source: Source) -> Check:
    answer = case.answers.get((person, source))
    if answer is None or answer.status == "unavailable":
        return Check.model_construct(person=person, source=source, asked=source in case.asked or answer is not None, done=False)
    return Check.model_construct(person=person, source=source, asked=True, done=True, at=answer.fetched_at.isoformat())
