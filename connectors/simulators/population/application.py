"""The application as the applicant filled it in, in the words of the case system's contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from connectors.simulators.population.household import Child, Household
from connectors.simulators.population.incomes import Income, declared
from connectors.simulators.population.months import last_of, number, on, shift
from connectors.simulators.population.tables import COSTS
from connectors.simulators.world import PersonRecord

_ROLES = ("APPLICANT", "CO_APPLICANT")
_MONTHS = (
    "januari", "februari", "mars", "april", "maj", "juni",
    "juli", "augusti", "september", "oktober", "november", "december",
)  # fmt: skip


class AppliedCost(Protocol):
    """What of a cost stands in the application, öre."""

    cost: str
    applied: int | None
    specification: str | None
    period: str | None


def written_application(household: Household, costs: Sequence[AppliedCost], incomes: list[Income], arrives: datetime) -> dict[str, Any]:
    """Return a complete and ordinary renewal application; a group writes its own values over it."""
    month = household.month
    adults = [adult for adult in household.adults if not adult.former]
    children = [child for child in household.children if not child.former]
    rows = declared(incomes, month)
    attested = (arrives - timedelta(minutes=2)).astimezone(UTC).replace(microsecond=0)
    return {
        "applicationType": "RENEWAL",
        "maritalStatus": "SINGLE" if len(adults) == 1 else "COHABITING",
        "periodMonth": month.month,
        "periodYear": month.year,
        "periodChoice": "CURRENT_MONTH" if (month.year, month.month) == (arrives.year, arrives.month) else "NEXT_MONTH",
        "normType": ["NATIONAL_NORM"],
        "hasChildrenUnder21": bool(children),
        "childrenResidenceChanged": False,
        "housingForm": "RENTAL",
        "housingPersonCount": household.size() + household.others,
        "housingRoomsPlusKitchen": min(1 + household.size(), 5),
        "housingChanged": False,
        "hasIncomes": bool(rows),
        "hasPendingBenefits": False,
        "hasAssets": False,
        "staysInMunicipality": True,
        "attestation": True,
        "attestedAt": attested.isoformat().replace("+00:00", "Z"),
        "children": [_child(child, month) for child in children],
        "costs": [cost_row(cost, month) for cost in costs],
        "incomes": rows,
        "pendingBenefits": [],
        "assets": [],
        "persons": [_person(role, adult.person, adult.extra) for role, adult in zip(_ROLES, adults, strict=False)],
        "plannings": [{"person": role, **adult.plan} for role, adult in zip(_ROLES, adults, strict=False) if adult.plan is not None],
        "plannedActivities": [],
        "jobApplications": [
            {
                "person": role,
                "applicationDate": on(shift(month, -1), 4 + place).isoformat(),
                "jobTitle": "Lagerarbetare",
                "employerAndPlace": "Påhittade Lagret AB, Exempelby",
            }
            for place, (role, adult) in enumerate(zip(_ROLES, adults, strict=False))
            if (adult.plan or {}).get("planningType") == "JOBSEEKING"
        ],
    }


def cost_row(cost: AppliedCost, month: date) -> dict[str, Any]:
    """Return one cost of the application."""
    name = COSTS[cost.cost]
    row: dict[str, Any] = {"costType": name.cost_type, "recipientOrPeriod": cost.period or f"{_MONTHS[month.month - 1]} {month.year}"}
    if cost.applied is not None:
        row["appliedAmount"] = number(cost.applied)
    if name.sub_type is not None:
        row["otherSubType"] = name.sub_type
    if cost.specification is not None:
        row["specification"] = cost.specification
    return row


def _child(child: Child, month: date) -> dict[str, Any]:
    return {
        "partyId": child.person.party_id,
        "firstName": child.person.first_name,
        "lastName": child.person.last_name,
        "schoolName": "Exempelskolan",
        "residenceExtent": "FULL_TIME" if child.days is None else "HALF_TIME",
        "daysInHome": last_of(month).day if child.days is None else child.days,
    }


def _person(role: str, person: PersonRecord, extra: dict[str, Any]) -> dict[str, Any]:
    return {
        "role": role,
        "partyId": person.party_id,
        "needsInterpreter": False,
        "paymentMethod": "BANK_ACCOUNT",
        "clearingNumber": "9999",
        "accountNumber": "0000000",
        "paymentSameAsPrevious": True,
        **extra,
    }
