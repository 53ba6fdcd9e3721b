"""A tiny made-up municipality for the tests of the CareManagement connector: applications, and a simulator that serves them.

Every name and number is made up; identity numbers have right check digits and lie in ranges for test.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

from connectors.case_systems.caremanagement import CareManagement, CareManagementSettings, LifecareNames, application
from connectors.simulators.caremanagement import create_app
from connectors.simulators.day import WorldDay
from connectors.simulators.serve import serving
from connectors.simulators.world import ApplicationRecord, PersonRecord, World
from connectors.transport import Tallies, Tally, TransportSettings

MUNICIPALITY, NAMESPACE = "2281", "DRAKEL"
NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
NAMES = LifecareNames(
    incomes={
        "Lön": "salary",
        "A-kassa": "Arbetslöshetsersättning",
        "Bostadsbidrag": "Bostadsbidrag",
        "Barnbidrag": "Barnbidrag",
        "Arbetslöshetsersättning": "Arbetslöshetsersättning",
    },
    costs={"Hyra": "rent", "El": "electricity", "Fackavgift": "union_fee", "Medicin": "medicine"},
)
QUICK = TransportSettings(attempts=2, backoff_first_s=0.01, backoff_max_s=0.01, total_timeout_s=60, breaker_failures=100)


def party(name: str) -> str:
    """Return the party id of a made-up person."""
    return str(uuid5(NAMESPACE_URL, f"person/{name}"))


ALMA, BO, CIA = party("alma"), party("bo"), party("cia")
PEOPLE = (
    PersonRecord("199001012385", ALMA, "Alma", "Testperson"),
    PersonRecord("199102622397", BO, "Bo", "Testperson"),
    PersonRecord("201803022381", CIA, "Cia", "Testperson"),
)
"""Alma applies, Bo (with a coordination number) applies with her, Cia is their child."""


def data(**other: Any) -> dict[str, Any]:
    """Return the contract's FinancialAssistanceData for a standard renewal by Alma, Bo and Cia; `other` is written over it."""
    return deepcopy(
        {
            "applicationType": "RENEWAL",
            "maritalStatus": "COHABITING",
            "periodMonth": 12,
            "periodYear": 2026,
            "periodChoice": "NEXT_MONTH",
            "normType": ["NATIONAL_NORM"],
            "hasChildrenUnder21": True,
            "children": [{"partyId": CIA, "firstName": "Cia", "lastName": "Testperson", "residenceExtent": "FULL_TIME", "daysInHome": 31}],
            "childrenResidenceChanged": False,
            "housingForm": "RENTAL",
            "housingPersonCount": 3,
            "housingRoomsPlusKitchen": 3,
            "housingChanged": False,
            "hasIncomes": True,
            "incomes": [{"incomeType": "SALARY", "amount": 8500, "incomeDate": "2026-11-25", "recipient": "APPLICANT"}],
            "hasPendingBenefits": False,
            "pendingBenefits": [],
            "hasAssets": False,
            "assets": [],
            "costs": [{"costType": "RENT", "appliedAmount": 6900}, {"costType": "ELECTRICITY", "appliedAmount": 450}],
            "persons": [
                {
                    "role": "APPLICANT",
                    "partyId": ALMA,
                    "needsInterpreter": False,
                    "paymentMethod": "BANK_ACCOUNT",
                    "paymentSameAsPrevious": True,
                },
                {"role": "CO_APPLICANT", "partyId": BO, "needsInterpreter": False},
            ],
            "plannings": [
                {"person": "APPLICANT", "planningType": "WORK", "workExtent": "PART"},
                {"person": "CO_APPLICANT", "planningType": "JOBSEEKING"},
            ],
            "plannedActivities": [],
            "jobApplications": [
                {"person": "CO_APPLICANT", "applicationDate": "2026-11-02", "jobTitle": "Lagerarbetare", "employerAndPlace": "Lagret"}
            ],
            "staysInMunicipality": True,
            "attestation": True,
            "attestedAt": "2026-11-20T09:30:00Z",
        }
        | other
    )


def view(values: Any, **other: Any) -> dict[str, Any]:
    """Return a FinancialAssistanceView with these values as its data."""
    return {
        "id": "case-1",
        "typeSlug": "financial-assistance-renewal",
        "created": "2026-11-20T09:30:00.000+01:00",
        "municipalityId": "2281",
        "namespace": "DRAKEL",
        "data": values,
    } | other


def read(values: Any, **other: Any) -> application.Read:
    """Return how the connector reads these values."""
    return application.read(view(values, **other), municipality_id=MUNICIPALITY, namespace=NAMESPACE)


def calculation(**other: Any) -> dict[str, Any]:
    """Return Lifecare's final calculation for November; `other` is written over it."""
    return deepcopy(
        {
            "id": 7001,
            "norm": "Riksnorm 2026",
            "fromDate": "2026-11-01",
            "toDate": "2026-11-30",
            "normSum": 12710,
            "commonHouseholdCost": 1790,
            "familyCost": 10920,
            "incomeSum": 15575,
            "totalSum": 4485,
            "balance": 4485,
            "isFinal": True,
            "persons": [
                {"personId": "199001012385", "amount": 3550},
                {"personId": "199102622397", "amount": 3550},
                {"personId": "201803022381", "amount": 3820},
            ],
            "incomes": [
                {"type": "Lön", "amountApplicant": 8500, "amountCoApplicant": 0},
                {"type": "A-kassa", "amountApplicant": None, "amountCoApplicant": 6100},
            ],
            "expenses": [
                {"type": "Hyra", "appliedAmount": 6900, "approvedAmount": 6900},
                {"type": "El", "appliedAmount": 450, "approvedAmount": 450},
            ],
            "specialExpenses": [],
        }
        | other
    )


def record(number: int, *, arrives: datetime | None = None, **other: Any) -> ApplicationRecord:
    """Return application number `number` of the world."""
    values: dict[str, Any] = {
        "errand_id": str(uuid5(NAMESPACE_URL, f"errand/{number}")),
        "errand_number": f"EB-2611{number:04d}",
        "type_slug": "financial-assistance-renewal",
        "arrives": arrives or NOW - timedelta(days=5, minutes=-number),
        "group": "test",
        "data": data(),
        "people": PEOPLE,
        "calculations": (calculation(),),
    }
    return ApplicationRecord(**values | other)


def settings(url: str, **other: Any) -> CareManagementSettings:
    """Return settings for a server at `url`."""
    values: dict[str, Any] = {
        "base_url": url,
        "party_url": f"{url}/party",
        "municipality_id": MUNICIPALITY,
        "namespace": NAMESPACE,
        "transport": QUICK,
        "history_lag_wait_s": 0.01,
    }
    return CareManagementSettings(**values | other)


class Town:
    """The simulated case system, as a test acts in it from outside."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Order something of the simulator."""
        answer = self._http.post(path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def person(self, case_id: str, action: str, **more: Any) -> None:
        """Have a caseworker act on a case."""
        self.post("/admin/caseworker", {"errandId": case_id, "action": action, **more})

    def state(self, case_id: str) -> dict[str, Any]:
        """Return everything held of a case."""
        answer = self._http.get("/admin/state", params={"errandId": case_id})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def asked(self) -> dict[str, int]:
        """Return how often each route has been asked."""
        found: dict[str, int] = self._http.get("/admin/stats").json()["requests"]
        return found


@contextlib.contextmanager
def town(records: Sequence[ApplicationRecord]) -> Iterator[Town]:
    """Serve a municipality with these applications."""
    day = WorldDay()
    with serving(create_app(World(seed=1, today=day.today(), applications=tuple(records)), day=day)) as url:
        opened = Town(url)
        try:
            yield opened
        finally:
            opened.close()


@contextlib.asynccontextmanager
async def connected(url: str, tallies: Tallies = Tally, **other: Any) -> AsyncIterator[CareManagement]:
    """Return a connector to a server, closed afterwards."""
    system = CareManagement(settings(url, **other), NAMES, clock=lambda: NOW, tallies=tallies)
    try:
        yield system
    finally:
        await system.aclose()
