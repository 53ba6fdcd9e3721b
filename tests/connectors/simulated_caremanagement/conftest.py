"""A small made-up municipality in the simulated case system, and clients that speak to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.applications import Starlette

from connectors.simulators.caremanagement import create_app
from connectors.simulators.day import WorldDay
from connectors.simulators.world import ApplicationRecord, Expected, PersonRecord, World

SWEDEN = ZoneInfo("Europe/Stockholm")
BASE = "/2281/DRAKEL"
ROBOT = {"X-Sent-By": "bistandsrobot; type=custom"}
PERSON = {"X-Sent-By": "joe01doe; type=adAccount"}
WORLD_DAY = date(2026, 11, 30)
RENEWAL, SINGLE, LATER, PROTECTED, DECIDED = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 6))


def made_up_person(n: int, first_name: str) -> PersonRecord:
    """Return a made-up person with a valid check digit."""
    nine = f"90010{n % 10}238"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(nine)]
    check = -sum(value - 9 if value > 9 else value for value in doubled) % 10
    return PersonRecord(f"19{nine}{check}", f"10000000-0000-4000-8000-{n:012}", first_name, "Påhittad")


APPLICANT, CO_APPLICANT, CHILD, ALONE, HIDDEN, SETTLED, FUTURE = (
    made_up_person(n, name) for n, name in enumerate(("Ett", "Två", "Tre", "Fyra", "Fem", "Sex", "Sju"), start=1)
)


def application(*adults: PersonRecord, **fields: Any) -> dict[str, Any]:
    """Return a made-up FinancialAssistanceData for December 2026."""
    roles = ("APPLICANT", "CO_APPLICANT")
    return {
        "applicationType": "RENEWAL",
        "maritalStatus": "COHABITING" if len(adults) > 1 else "SINGLE",
        "periodMonth": 12,
        "periodYear": 2026,
        "normType": ["NATIONAL_NORM"],
        "hasIncomes": False,
        "costs": [{"costType": "RENT", "appliedAmount": Decimal("6900.00")}],
        "persons": [{"role": role, "partyId": adult.party_id} for role, adult in zip(roles, adults, strict=False)],
        **fields,
    }


CALCULATION = {
    "id": 7001,
    "norm": "Riksnorm 2026",
    "fromDate": "2026-11-01",
    "toDate": "2026-11-30",
    "incomeSum": Decimal("3100.00"),
    "isFinal": True,
    "persons": [{"personId": APPLICANT.personnummer, "name": "Ett Påhittad", "amount": Decimal("3550.00")}],
    "incomes": [
        {"type": "Bostadsbidrag", "amountApplicant": Decimal("1850.00"), "amountCoApplicant": 0},
        {"type": "Barnbidrag", "amountApplicant": Decimal("1250.00"), "amountCoApplicant": 0},
    ],
    "expenses": [{"type": "Hyra", "appliedAmount": 6900, "approvedAmount": 6900}],
    "specialExpenses": [],
}
DECISION = {
    "id": 9001,
    "date": "2026-10-28",
    "type": "Bifall",
    "fromDate": "2026-11-01",
    "toDate": "2026-11-30",
    "amount": 4485,
    "persons": [],
}


def record(errand_id: str, arrives: datetime, *people: PersonRecord, **fields: Any) -> ApplicationRecord:
    """Return an application record with what a test does not care about filled in."""
    return ApplicationRecord(
        errand_id=errand_id,
        errand_number=f"EB-2611{errand_id[-4:]}",
        **{"type_slug": "financial-assistance-renewal", "group": "test", "data": application(*people)} | fields,
        arrives=arrives,
        people=people,
    )


def at(day: int, hour: int) -> datetime:
    """Return a time in November 2026."""
    return datetime(2026, 11, day, hour, tzinfo=SWEDEN)


@pytest.fixture
def world() -> World:
    family = application(
        APPLICANT,
        CO_APPLICANT,
        children=[
            {"partyId": CHILD.party_id, "firstName": "Tre", "lastName": "Påhittad", "residenceExtent": "HALF_TIME", "daysInHome": 15}
        ],
        costs=[
            {"costType": "RENT", "appliedAmount": Decimal("6900.00")},
            {"costType": "OTHER", "otherSubType": "ACUTE_DENTAL", "appliedAmount": Decimal("900.50"), "specification": "lagning"},
        ],
    )
    letter = {"id": "20000000-0000-4000-8000-000000000001", "fileName": "intyg.pdf", "mimeType": "application/pdf", "fileSize": 65}
    closed = {"suggestions": [], "reasonCode": "RECENTLY_CLOSED", "closedAt": "2026-11-15T10:00:00+01:00", "lifecareChecked": True}
    return World(
        seed=7,
        today=WORLD_DAY,
        applications=(
            record(
                RENEWAL,
                at(29, 9),
                APPLICANT,
                CO_APPLICANT,
                CHILD,
                data=family,
                calculations=(CALCULATION,),
                decisions=(DECISION,),
                attachments=(letter | {"documentType": "APPLICATION", "senderRole": "CLIENT"},),
                expected=Expected(outcome="ok", proposal="BIFALL", amount="4345.00"),
            ),
            record(SINGLE, at(29, 10), ALONE, type_slug="financial-assistance-new", eligibility=closed),
            record(PROTECTED, at(29, 11), HIDDEN, protected=True),
            record(DECIDED, at(29, 12), SETTLED, payment_decision={"value": "BIFALL", "amount": 4000, "createdBy": "joe01doe"}),
            record(LATER, at(30, 12), FUTURE),
        ),
    )


@pytest.fixture
def day() -> WorldDay:
    return WorldDay(WORLD_DAY)


@pytest.fixture
def app(world: World, day: WorldDay) -> Starlette:
    return create_app(world, day=day)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the robot's X-Sent-By, in the same process."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://simulated", headers=ROBOT) as client:
        yield client


@pytest.fixture
def prepare_body() -> Callable[..., dict[str, Any]]:
    """Make a body for `prepare`, from (type name, amount, role) of each income."""

    def body(*incomes: tuple[str, str, str], **fields: Any) -> dict[str, Any]:
        rows = ",".join(
            f'{{"income":{{"forman":"{name}","netAmount":{amount},"period":"2026-11-27","role":"{role}"}},'
            f'"atgard":"TA_MED","normberakning":"{name}","varning":false,"regel":"lista"}}'
            for name, amount, role in incomes
        )
        usual = {"errandId": RENEWAL, "applicant": APPLICANT.party_id, "coApplicant": CO_APPLICANT.party_id, "applicationMonth": "2026-12"}
        return {**usual, "classifiedIncomes": f"[{rows}]", **fields}

    return body
