"""FinancialAssistanceView -> the application of the case file, as far as the case system alone knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from connectors.case_systems.caremanagement import finances, household, tables
from connectors.case_systems.caremanagement.fields import Section, Unreadable, clean, moment_of, pieces
from connectors.case_systems.caremanagement.texts import Texts
from rules.facts import Application, FreeText, Housing, Signed, Unrecognised
from rules.month import Month

_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_TEXTS = {
    "otherBenefitDescription": "other_benefit",
    "livelihoodDescription": "livelihood",
    "housingDescription": "housing",
    "housingChangeDescription": "housing_change",
    "childrenResidenceChangeDescription": "children_residence_change",
    "stayDescription": "stay",
}


@dataclass(frozen=True, slots=True)
class Read:
    """An application, and the party id behind each member's ref (a child without one is left out)."""

    application: Application
    parties: Mapping[str, str]


def read(view: Mapping[str, Any], *, municipality_id: str, namespace: str) -> Read:
    """Return the application in a view. What is not known is kept in it as unrecognised.

    Raises Unreadable when it is no application that can be calculated at all: another tenancy, no period, no applicant, nonsense.
    """
    if view.get("municipalityId", municipality_id) != municipality_id or view.get("namespace", namespace) != namespace:
        raise Unreadable("other_tenancy")
    data = clean(view.get("data"))
    if not isinstance(data, dict) or not data:
        raise Unreadable("no_data")
    try:
        return _read(view, data)
    except ValidationError as error:
        # Without the cause: its text holds what the applicant wrote.
        limits = all(problem["type"] == "too_long" for problem in error.errors(include_url=False))
        raise Unreadable("too_large" if limits else "nonsense") from None


def _read(view: Mapping[str, Any], values: Mapping[str, Any]) -> Read:
    received_at = moment_of(view.get("created"))
    if received_at is None:
        raise Unreadable("no_received_time")
    notes: list[Unrecognised] = []
    texts = Texts()
    data = Section(values, "data", notes)
    month = _month(data)
    people = household.read(data, month, texts)
    facts: dict[str, Any] = {
        "case_id": str(view.get("id") or ""),
        "type": _type(view, data),
        "received_at": received_at,
        "month": month,
        "signed": Signed(applicant=data.flag("attestation")),
        "household": people.household,
        "housing": _housing(data),
        "costs": finances.costs(data, texts),
        "incomes": finances.incomes(data, people.adults),
        "assets": finances.assets(data, texts),
        "plans": finances.plans(data, people.adults, texts),
        "pending_benefits": finances.pending_benefits(data, texts),
        "interpreter": people.interpreter,
        "stays_in_municipality": data.flag("staysInMunicipality"),
        "other_norm": _other_norm(data),
    }
    _free_texts(data, texts)
    data.skip("attestedAt")
    data.close()
    free_text = tuple(FreeText(field=field, text=piece) for field, text in texts.all() for piece in pieces(text))
    return Read(Application(**facts, free_text=free_text, unrecognised=tuple(notes)), people.parties)


def _month(data: Section) -> Month:
    year = data.whole("periodYear", low=_FIRST_YEAR, high=_LAST_YEAR)
    number = data.whole("periodMonth", low=1, high=12)
    if year is None or number is None:
        raise Unreadable("no_period")
    return Month(year, number)


def _type(view: Mapping[str, Any], data: Section) -> str:
    """The form says which application it is; the errand's own type must say the same, or a person looks.

    A form of an unknown type is flagged for that alone.
    """
    stated = data.choice("applicationType", tables.APPLICATION_TYPES)
    slug = view.get("typeSlug")
    by_slug = tables.SLUGS.get(slug) if isinstance(slug, str) else None
    known = stated in tables.APPLICATION_TYPES.values()
    if by_slug is None or (known and stated != by_slug):
        data.note("typeSlug", slug)
    return stated or by_slug or "unknown:null"


def _housing(data: Section) -> Housing:
    return Housing(
        form=data.choice("housingForm", tables.HOUSING_FORMS),
        changed=data.flag("housingChanged"),
        rooms=data.whole("housingRoomsPlusKitchen", low=0, high=100),
    )


def _other_norm(data: Section) -> bool | None:
    """False only when riksnorm alone is named; what is not known is noted."""
    named = data.take("normType")
    if named in (None, []):
        return None
    kinds = named if isinstance(named, list) else [named]
    strange = [kind for kind in kinds if not isinstance(kind, str) or kind not in tables.NORM_TYPES]
    for kind in strange:
        data.note("normType", kind)
    if "OTHER_NORM" in kinds:
        return True
    return None if strange else False


def _free_texts(data: Section, texts: Texts) -> None:
    for key, field in _TEXTS.items():
        texts.add(field, data.text(key))
    if data.known_choice("periodChoice", tables.PERIOD_CHOICES) == "other_benefit":
        texts.add("other_benefit", "Ansökan gäller annat än en månads försörjningsstöd")
    for activity in data.sections("plannedActivities"):
        texts.add("planned_activity", activity.text("activity"))
        activity.skip("person", "periodFrom", "periodTo")
        activity.close()
    for sought in data.sections("jobApplications"):
        texts.add("job_title", sought.text("jobTitle"))
        texts.add("employer", sought.text("employerAndPlace"))
        sought.skip("person", "applicationDate")
        sought.close()
