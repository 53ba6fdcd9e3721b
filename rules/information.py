"""What a caseworker should know that never stands in the way of a proposal."""

from __future__ import annotations

from rules import labels
from rules.context import Case
from rules.findings import Findings
from rules.legal import for_months_since, rule, since

_EXEMPTING_BENEFITS = (
    "Sjukpenning",
    "Sjukersättning",
    "Aktivitetsersättning",
    "Rehabiliteringspenning",
    "Föräldrapenning",
    "Ålderspension",
)


@rule("SoL 2025:400 12 kap. 4 a-4 f, 6 a §§", in_force=for_months_since(2026, 10))
def aktivitetskrav(months_in_a_row: int | None, after_months: int, *, plan_on_record: bool) -> bool:
    """Say whether the caseworker should look: after some months of support in a row, when no plan of the board is on record.

    An unknown number of months is said to be unknown, and is no reason to keep silent.
    """
    return not plan_on_record and (months_in_a_row is None or months_in_a_row >= after_months)


@rule("SoL 2025:400 12 kap. 3 a §", in_force=since(2026, 7, 1))
def medical_certificate(plans: tuple[str, ...]) -> bool:
    """Say whether a doctor's certificate is asked for: the case holds none, and does not tell how long the sickness has been."""
    return "sick_leave" in plans


@rule("SoL 2025:400 12 kap. 7 d § (2026:897)", in_force=since(2027, 1, 1))
def sublet_consent(housing_form: str | None) -> bool:
    """Say whether the rent is for a sublet, which counts only with the landlord's consent or a permission."""
    return housing_form == "sublet"


def add_information(case: Case, out: Findings) -> None:
    """Add the info flags that are about the case as a whole."""
    for adult in case.adults:
        _aktivitetskrav(case, out, adult.ref)
        certificate = medical_certificate.at(case.time)
        if certificate is not None and certificate.apply(
            tuple(plan.type for plan in case.file.application.plans if plan.person == adult.ref)
        ):
            out.flag("info.medical_certificate", adult.ref, person=adult.ref, label=labels.capital(labels.person(adult.ref)))
    consent = sublet_consent.at(case.time)
    if consent is not None and consent.apply(case.file.application.housing.form):
        out.flag("info.sublet_consent", "cost.rent")
    for label in out.dropped:
        out.flag("info.cost_gone", label, label=label)


def _aktivitetskrav(case: Case, out: Findings, person: str) -> None:
    version, after = aktivitetskrav.at(case.time), case.book.law.aktivitetskrav_after_months.at(case.month)
    history = case.file.history
    months = history.months_in_a_row if history.known else None
    on_record = history.individual_plan is not None and person in history.individual_plan
    if version is None or after is None or not version.apply(months, after.value, plan_on_record=on_record):
        return
    counted = f"bistånd {months} månader i rad" if months is not None else "antalet månader i rad med bistånd är inte känt"
    visible = _exemptions(case, person)
    exempt = f"; undantag kan gälla: {', '.join(visible)}" if visible else ""
    label = labels.capital(labels.person(person))
    out.flag("info.aktivitetskrav", person, person=person, label=label, more=f"({counted}, ingen plan av nämnden i underlaget{exempt})")


def _exemptions(case: Case, person: str) -> list[str]:
    """Return the benefits on record that may exempt, by the registers' own word or by what was paid."""
    found: set[str] = set()
    for (ref, _), answer in case.answers.items():
        if ref == person and answer.status == "answered":
            found.update(answer.facts.exemptions)
            found.update(one.benefit for one in answer.payments if one.benefit in _EXEMPTING_BENEFITS and case.is_now(one.paid_on))
    return sorted(found)
