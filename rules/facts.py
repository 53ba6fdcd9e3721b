"""The case file: everything the rules may read about one case, as facts with their source and time.

Unknown is `None` (or an answer `unavailable`) and never zero. Values that a connector does not know are kept as they came, in the
field itself where the field is text and else in `unrecognised`, so that a rule can flag them; they are never dropped.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rules.money import Kronor
from rules.month import MonthText

Text = Annotated[str, Field(max_length=20_000)]
Ref = Annotated[str, Field(pattern=r"^[a-z_]+(-[0-9]+)?$", max_length=40)]
SOURCES = ("FK", "PM", "SO", "CSN", "AF", "SKV", "TNS", "MIV")
Source = Literal["FK", "PM", "SO", "CSN", "AF", "SKV", "TNS", "MIV"]


class Fact(BaseModel):
    """Base of every part of the case file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __eq__(self, other: object) -> bool:
        """Compare field by field; pydantic's own also looks for parts that a fact never has, which costs more than the rest."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.values()))


class Signed(Fact):
    """Who has signed; `None` = the case system cannot tell."""

    applicant: bool | None = None
    co_applicant: bool | None = None


class Member(Fact):
    """One person in the calculation. `ref` names the person inside the case file ('applicant', 'co_applicant', 'child-1')."""

    ref: Ref
    role: Literal["applicant", "co_applicant", "child"]
    personnummer: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    birth_date: date | None = None
    days_in_home: Annotated[int, Field(ge=0, le=31)] | None = None
    residence: str | None = None
    lunch_elsewhere: bool | None = None
    school_youth: bool | None = None


class Household(Fact):
    """`civil_status`: single, cohabiting or married; other text is unknown to the rules. `others_in_home` = not in the calculation."""

    civil_status: str | None = None
    others_in_home: Annotated[int, Field(ge=0, le=50)] | None = None
    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=30)]
    children_residence_changed: bool | None = None


class Housing(Fact):
    """`form`: none_or_institution, rental, sublet, lodger, condominium, owned_house, rented_house, with_parents."""

    form: str | None = None
    changed: bool | None = None
    rooms: int | None = None


class Cost(Fact):
    """One cost applied for. `applied` None = unreadable.

    `proof`: True = proof is there, None = the case system cannot tell; `proof_date` = the day the proof itself is dated, where known.
    """

    type: str
    applied: Kronor | None = None
    proof: bool | None = None
    proof_date: date | None = None
    specification: Text | None = None


class DeclaredIncome(Fact):
    """An income that the applicant has declared, net. `None` = left out or unreadable."""

    type: str
    recipient: str
    net: Kronor | None = None
    paid_on: date | None = None


class Asset(Fact):
    """Something owned; any asset is for a person to judge."""

    type: str
    value: Kronor | None = None


class Plan(Fact):
    """What the applicant says about the way to self-support: work, job_seeking, sick_leave, sfi, studies, other."""

    person: str
    type: str
    extent: str | None = None


class PendingBenefit(Fact):
    """A benefit applied for and not decided."""

    person: str | None = None
    benefit: Text


class FreeText(Fact):
    """Text written by the applicant. Which fields count as reasons for a person to look is the rules' to say."""

    field: str
    text: Text


class Unrecognised(Fact):
    """Something that came from outside and that the connector does not know: where it stood and what it was."""

    path: str
    value: Text


class Application(Fact):
    """The application as the case system holds it, for `month`, received at `received_at`."""

    case_id: Annotated[str, Field(min_length=1, max_length=100)]
    type: str
    channel: str | None = None
    received_at: AwareDatetime
    month: MonthText
    signed: Signed = Signed()
    household: Household
    housing: Housing = Housing()
    costs: Annotated[tuple[Cost, ...], Field(max_length=100)] = ()
    incomes: Annotated[tuple[DeclaredIncome, ...], Field(max_length=200)] = ()
    assets: Annotated[tuple[Asset, ...], Field(max_length=100)] = ()
    plans: Annotated[tuple[Plan, ...], Field(max_length=50)] = ()
    pending_benefits: Annotated[tuple[PendingBenefit, ...], Field(max_length=50)] = ()
    free_text: Annotated[tuple[FreeText, ...], Field(max_length=200)] = ()
    interpreter: bool | None = None
    meeting: bool | None = None
    stays_in_municipality: bool | None = None
    other_norm: bool | None = None
    protected: bool | None = None
    unreadable: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    unrecognised: Annotated[tuple[Unrecognised, ...], Field(max_length=200)] = ()


class Payment(Fact):
    """One payment from a register. `net` = after tax, before other deductions. `None` in `net` or `paid_on` = it could not be read.

    `preliminary` = preliminary or planned: shown and not counted. `other_deductions` = deductions beyond tax; None = the source does
    not say, or it could not be read.
    `organisation` is the a-kassa (SO) where the source is several.
    """

    benefit: str
    part: str | None = None
    amount_type: str | None = None
    net: Kronor | None = None
    gross: Kronor | None = None
    tax: Kronor | None = None
    other_deductions: Kronor | None = None
    currency: str | None = None
    paid_on: date | None = None
    covers_from: date | None = None
    covers_to: date | None = None
    preliminary: bool = False
    organisation: str | None = None
    mixed_rows: bool = False
    """The payment's rows do not all name the same benefit part and amount type."""


class Permit(Fact):
    """A residence permit (MIV)."""

    kind: str
    permanent: bool | None = None
    from_day: date | None = None
    to_day: date | None = None


class RegisterFacts(Fact):
    """What a source says beside payments. `None` = the source does not say."""

    protected: bool | None = None
    deceased: bool | None = None
    emigrated: bool | None = None
    civil_status: str | None = None
    other_address: bool | None = None
    job_seeker: bool | None = None
    registered: date | None = None
    suspended: bool | None = None
    applied_not_decided: tuple[str, ...] = ()
    student: bool | None = None
    capital_income: Kronor | None = None
    tax_refund: bool | None = None
    vehicles: tuple[str, ...] = ()
    permits: tuple[Permit, ...] = ()
    exemptions: tuple[str, ...] = ()
    """Benefits on record that exempt from aktivitetskrav, such as sjukpenning."""


class SourceError(Fact):
    """Why a source gave no answer: who said so (SSBT, BT, robot) and its code. No message text: it may hold anything."""

    source: str
    code: str


class RegisterAnswer(Fact):
    """One source's answer about one person. `unavailable` = could not be checked, and is never read as zero."""

    person: Ref
    source: Source
    status: Literal["answered", "nothing_held", "unavailable"]
    fetched_at: AwareDatetime
    facts: RegisterFacts = RegisterFacts()
    payments: Annotated[tuple[Payment, ...], Field(max_length=2000)] = ()
    error: SourceError | None = None
    deviations: tuple[str, ...] = ()
    """Parts of the answer that the source says it could not give (FELANDE, avvikelse, one a-kassa silent), as stable codes."""
    unrecognised: Annotated[tuple[Unrecognised, ...], Field(max_length=200)] = ()


class PreviousCost(Fact):
    """A cost of last month's calculation."""

    type: str
    approved: Kronor
    applied: Kronor | None = None


class PreviousIncome(Fact):
    """An income of last month's calculation. `counted` is after jobbstimulans, None where the case system does not show it."""

    type: str
    recipient: str
    amount: Kronor
    counted: Kronor | None = None


class PreviousNorm(Fact):
    """The norm amount that a person approved for one member last month."""

    ref: str
    amount: Kronor


class PreviousCalculation(Fact):
    """Last month's final calculation. `unrecognised` = rows whose names the guidelines do not map."""

    month: MonthText
    norm: Kronor
    costs: tuple[PreviousCost, ...] = ()
    incomes: tuple[PreviousIncome, ...] = ()
    members: tuple[str, ...] = ()
    norms: tuple[PreviousNorm, ...] = ()
    need: Kronor
    unrecognised: tuple[str, ...] = ()


class Jobbstimulans(Fact):
    """A person's window for jobbstimulans, first and last month."""

    person: Ref
    from_month: MonthText = Field(alias="from")
    to_month: MonthText = Field(alias="to")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class History(Fact):
    """What the case system knows of earlier months. `known` False = it could not be read."""

    known: bool
    previous_calculation: PreviousCalculation | None = None
    months_in_a_row: int | None = None
    jobbstimulans: tuple[Jobbstimulans, ...] | None = None
    """None = unknown for everyone; a tuple without the person = that person has no window on record.

    No window on record is no right only while too few `months_in_a_row` are known; else nobody can tell.
    """
    surplus: Kronor | None = None
    closed_on: date | None = None
    decided_by_person: bool | None = None
    individual_plan: tuple[str, ...] | None = None
    """Persons with an individual plan of the board on record."""
    civil_status_changed: bool | None = None


class CaseFile(Fact):
    """One case on one day. `today` is the world's date, never the machine's."""

    today: date
    application: Application
    registers: tuple[RegisterAnswer, ...] = ()
    history: History

    def person(self, ref: str) -> Member | None:
        """Return the member with that ref."""
        return next((member for member in self.application.household.members if member.ref == ref), None)

    @property
    def adults(self) -> tuple[Member, ...]:
        """Applicant and co-applicant."""
        return tuple(member for member in self.application.household.members if member.role != "child")

    @property
    def children(self) -> tuple[Member, ...]:
        """Every member that is a child or school youth in the calculation."""
        return tuple(member for member in self.application.household.members if member.role == "child")
