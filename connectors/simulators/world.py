"""The records of the simulated municipality: what registers and case system hold, as plain data.

Everything here is made up and marked as test data. Amounts are decimal strings in kronor. Nothing here is computed with the
robot's rules: expected outcomes are written down, or computed on their own, by the population.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """One payment that a register holds. FK and PM use every field, SO and CSN those that fit.

    `group` is the source's own code (FK: BOB, ABB ...; PM: AP; CSN: Studiemedel ...), `benefit` its name in clear.
    Before `visible_from` the register does not show the payment as paid: it shows it as preliminary when `planned`, else not at all.
    `net` = after tax and before other deductions; `deductions` = everything deducted, tax included. So what was paid out is
    net - (deductions - tax).
    """

    group: str
    benefit: str
    paid_on: date
    net: str
    covers_from: date
    covers_to: date
    part: str | None = None
    amount_type: str | None = None
    gross: str | None = None
    tax: str = "0.00"
    deductions: str = "0.00"
    currency: str = "SEK"
    visible_from: date | None = None
    planned: bool = False
    raw_amount: str | None = None
    """When set, sent as it is instead of the amount: an unreadable one."""


@dataclass(frozen=True, slots=True)
class AKassaRecord:
    """What one a-kassa holds. `status` is its free text (StatusSvarandeOrganisation)."""

    organisation: str
    status: str = "OK"
    payments: tuple[PaymentRecord, ...] = ()
    suspended_from: date | None = None
    suspended_to: date | None = None
    applied_on: date | None = None


@dataclass(frozen=True, slots=True)
class AfRecord:
    """What Arbetsförmedlingen holds: registered job seeker or not."""

    job_seeker: bool
    registered: date | None = None
    category: str = "11"
    protected: bool = False
    a_kassa: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterRecord:
    """All that the seven agencies hold on one person. Empty = nothing held.

    `failing` maps a source (FK, PM, SO, CSN, AF, SKV, TNS, MIV) to how it fails for this person whatever the admin says:
    'error' (the agency's own error), 'missing' (left out of the reply), and for FK and PM 'felande', 'otillganglig', 'avvikelse'.
    `gepi` False = FK:GEPI is refused, so FK cannot say whether the person is protected.
    """

    fk: tuple[PaymentRecord, ...] = ()
    pm: tuple[PaymentRecord, ...] = ()
    a_kassor: tuple[AKassaRecord, ...] = ()
    csn: tuple[PaymentRecord, ...] = ()
    af: AfRecord | None = None
    capital_income: str | None = None
    vehicles: tuple[str, ...] = ()
    permits: tuple[dict[str, str], ...] = ()
    gepi: bool = True
    protected_fk: bool = False
    protected_csn: bool = False
    deceased: date | None = None
    emigrated: date | None = None
    civil_status: str = "OG"
    other_address: bool = False
    pending: tuple[tuple[str, date], ...] = ()
    """Benefits applied for at FK and not decided: group and day."""
    failing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A made-up person. `personnummer` has twelve digits, from the ranges for test."""

    personnummer: str
    party_id: str
    first_name: str
    last_name: str
    registers: RegisterRecord = RegisterRecord()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a caseworker expects of the robot for this application on the default world day, before control sampling.

    `amount` = the need proposed, kronor. `flags` = the codes of all stop, urgent, review and result flags, sorted, duplicates kept once.
    """

    outcome: Literal["ok", "review", "stop", "urgent", "waiting_for_income", "taken_by_person"]
    proposal: Literal["BIFALL", "DELAVSLAG", "AVSLAG"] | None = None
    amount: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplicationRecord:
    """One application in the case system, with the history that goes with it. `data` is the contract's FinancialAssistanceData.

    `calculations` and `decisions` are the contract's LifecareCalculation and LifecareDecision, shown for each adult of the application.
    `eligibility` is the contract's EligibilityResponse; None = the usual one for an existing case.
    """

    errand_id: str
    errand_number: str
    type_slug: str
    arrives: datetime
    group: str
    data: dict[str, Any]
    people: tuple[PersonRecord, ...]
    calculations: tuple[dict[str, Any], ...] = ()
    decisions: tuple[dict[str, Any], ...] = ()
    eligibility: dict[str, Any] | None = None
    attachments: tuple[dict[str, Any], ...] = ()
    payment_decision: dict[str, Any] | None = None
    """A person's own decision on the errand, when it is already decided."""
    assigned_user_id: str | None = None
    protected: bool = False
    """The case system protects the person: eligibility gives empty suggestions."""
    expected: Expected = Expected(outcome="review")


@dataclass(frozen=True, slots=True)
class World:
    """A small municipality: its applications, in order of arrival."""

    seed: int
    today: date
    applications: tuple[ApplicationRecord, ...]

    def people(self) -> dict[str, PersonRecord]:
        """Return every person by personnummer."""
        return {person.personnummer: person for application in self.applications for person in application.people}
