"""What a caseworker should know that never stands in the way of a proposal."""

from __future__ import annotations

from collections.abc import Iterator

from rules import labels
from rules.aktivitetskrav import (
    Children,
    Exemption,
    Person,
    adapted_to,
    aktivitetskrav,
    aktivitetskrav_exemptions,
    aktivitetskrav_hours,
)
from rules.context import Case, age_on, birth_date
from rules.facts import Member
from rules.findings import Findings
from rules.legal import rule, since

_EIGHT, _SUMMER = 8, 6


@rule("SoL 2025:400 12 kap. 3 a §", in_force=since(2026, 7, 1))
def medical_certificate(plans: tuple[str, ...]) -> bool:
    """Say whether a doctor's certificate is asked for: the case holds none, and does not tell how long the sickness has been."""
    return "sick_leave" in plans


@rule("SoL 2025:400 12 kap. 4 g § (2026:897)", in_force=since(2027, 1, 1))
def rehabilitation(plans: tuple[str, ...]) -> bool:
    """Say whether the board may ask for arbetslivsinriktad rehabilitering: of who is too ill to be at the labour market's disposal."""
    return "sick_leave" in plans


@rule("SoL 2025:400 12 kap. 7 d § (2026:897)", in_force=since(2027, 1, 1))
def sublet_consent(housing_form: str | None) -> bool:
    """Say whether the rent is for a sublet, which counts only with the landlord's consent or a permission."""
    return housing_form == "sublet"


def add_information(case: Case, out: Findings) -> None:
    """Add the info flags that are about the case as a whole."""
    for adult in case.adults:
        _aktivitetskrav(case, out, adult)
        _illness(case, out, adult)
    consent = sublet_consent.at(case.time)
    if consent is not None and consent.apply(case.file.application.housing.form):
        out.flag("info.sublet_consent", "cost.rent")
    for label in out.dropped:
        out.flag("info.cost_gone", label, label=label)


def _illness(case: Case, out: Findings, adult: Member) -> None:
    plans = tuple(plan.type for plan in case.file.application.plans if plan.person == adult.ref)
    label = labels.capital(labels.person(adult.ref))
    for code, version in (
        ("info.medical_certificate", medical_certificate.at(case.time)),
        ("info.rehabilitation", rehabilitation.at(case.time)),
    ):
        if version is not None and version.apply(plans):
            out.flag(code, adult.ref, person=adult.ref, label=label)


def _aktivitetskrav(case: Case, out: Findings, adult: Member) -> None:
    """Tell whether activities are to be asked for by the facts, whether a plan is on record, and which exemption is visible."""
    applies, exempts = aktivitetskrav.at(case.time), aktivitetskrav_exemptions.at(case.time)
    if applies is None or exempts is None:
        return
    after = case.book.law.aktivitetskrav_after_months.at(applies.month_of(case.time))
    months = case.file.history.months_in_a_row if case.file.history.known else None
    if after is None or not applies.apply(months, after.value):
        return
    pension_age = case.book.law.pension_age.at(case.month)
    person = _person(case, adult)
    exemptions = exempts.apply(person, pension_age.value if pension_age else None)
    plan = adult.ref in (case.file.history.individual_plan or ())
    certain = [one.text for one in exemptions if one.certain]
    label = labels.capital(labels.person(adult.ref))
    if certain:
        more = [*certain, *(["en plan av nämnden finns"] if plan else [])]
        out.flag("info.aktivitetskrav_exempt", adult.ref, person=adult.ref, label=label, more=f"({'; '.join(more)})")
    else:
        code = "info.aktivitetskrav_plan" if plan else "info.aktivitetskrav"
        counted = f"bistånd {months} månader i rad" if months is not None else "antalet månader i rad med bistånd är inte känt"
        more = [counted if plan else f"{counted}, ingen plan av nämnden i underlaget", *_more(case, person, exemptions)]
        out.flag(code, adult.ref, person=adult.ref, label=label, more=f"({'; '.join(more)})")


def _more(case: Case, person: Person, exemptions: tuple[Exemption, ...]) -> Iterator[str]:
    """Yield what else bears on whether activities are asked for, and for how many hours."""
    if exemptions:
        yield f"undantag kan gälla: {', '.join(one.text for one in exemptions)}"
    hours = _hours(case)
    if hours:
        yield hours
    adapted = adapted_to(person)
    if adapted:
        yield f"tiden anpassas till: {', '.join(adapted)}"


def _person(case: Case, adult: Member) -> Person:
    born = birth_date(adult)
    answers = [answer for (ref, _), answer in case.answers.items() if ref == adult.ref and answer.status == "answered"]
    paid = {one.benefit for answer in answers for one in answer.payments if case.is_now(one.paid_on) and not one.preliminary}
    return Person(
        age=None if born is None else age_on(born, case.month.first),
        in_school=adult.school_youth,
        plans=tuple((plan.type, plan.extent) for plan in case.file.application.plans if plan.person == adult.ref),
        on_record=tuple(dict.fromkeys(name for answer in answers for name in answer.facts.exemptions)),
        paid=tuple(sorted(paid)),
        baby=any(age < 1 for age in _ages_of_children(case)),
    )


def _ages_of_children(case: Case) -> list[int]:
    """Return the ages on the first of the month of the children in the home; one who is born in the month is not yet nought."""
    dates = [birth_date(child) for child in case.children if child.days_in_home != 0]
    return [age_on(born, case.month.first) for born in dates if born is not None and born <= case.month.last]


def _hours(case: Case) -> str:
    version = aktivitetskrav_hours.at(case.time)
    assert version is not None  # in force from the same month as the rest
    month = version.month_of(case.time)
    hours, fewer = case.book.law.aktivitetskrav_hours.at(month), case.book.law.aktivitetskrav_fewer_hours.at(month)
    if hours is None or fewer is None:
        return ""
    born = [day for child in case.children if child.days_in_home != 0 and (day := birth_date(child)) is not None]
    first_years = any(case.month.year - day.year == _EIGHT for day in born) and case.month.number <= _SUMMER
    return version.apply(Children(any(age < _EIGHT for age in _ages_of_children(case)), first_years), hours.value, fewer.value)
