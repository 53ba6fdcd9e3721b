"""What the rules give back: lines, blanks, span, flags, proposal, trace and receipt."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict

from rules.money import Kronor, Ore
from rules.month import MonthText

_set = object.__setattr__


class Result(BaseModel):
    """Base of every part of an assessment: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    _as_declared: ClassVar[dict[str, Any]] = {}
    _names: ClassVar[set[str]] = set()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Keep every field in its place in JSON, with its default."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._as_declared = {name: None if field.is_required() else field.default for name, field in cls.model_fields.items()}
        cls._names = set(cls._as_declared)

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:  # type: ignore[override] # the plugin writes each class's own
        """Return a part that the rules have made themselves, unchecked: what pydantic's own does, in a third of the time.

        What comes from outside goes through `model_validate`. mypy checks the values given here against the fields.
        """
        made = cls.__new__(cls)
        _set(made, "__dict__", cls._as_declared | values)
        _set(made, "__pydantic_fields_set__", _fields_set or cls._names)
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


class Severity(StrEnum):
    """How much a flag weighs: stop and urgent end the robot's part, review takes away the proposal, result and info accompany one."""

    STOP = "stop"
    URGENT = "urgent"
    REVIEW = "review"
    RESULT = "result"
    INFO = "info"


class Proposal(StrEnum):
    """What the robot proposes; a caseworker decides."""

    BIFALL = "BIFALL"
    DELAVSLAG = "DELAVSLAG"
    AVSLAG = "AVSLAG"


class Recommendation(StrEnum):
    """`OK` = BIFALL of a standard renewal. All else is `REVIEW_REQUIRED`."""

    OK = "OK"
    REVIEW_REQUIRED = "REVIEW_REQUIRED"


class Outcome(StrEnum):
    """Where the case goes."""

    OK = "ok"
    REVIEW = "review"
    STOP = "stop"
    URGENT = "urgent"
    WAITING_FOR_INCOME = "waiting_for_income"


class FactUsed(Result):
    """One fact behind a number: what it says, where in the case file it stands, which source gave it and when (ISO time)."""

    path: str
    source: str
    value: str
    at: str | None = None


class ParameterUsed(Result):
    """One parameter behind a number, with the source and status it has in its file."""

    name: str
    value: str
    valid_from: str
    source: str
    status: str


class Trace(Result):
    """How a line came about."""

    rule: str
    law: str
    facts: tuple[FactUsed, ...] = ()
    parameters: tuple[ParameterUsed, ...] = ()
    because: str


class Blank(Result):
    """Why a line has no value, and the values it may take. `high` None = no upper bound is known."""

    reason: str
    text: str
    low: Kronor
    high: Kronor | None


class Line(Result):
    """One row of the draft. Exactly one of `amount` and `blank` is set. Amounts are positive; incomes are subtracted in the sum.

    `key` is unique in the assessment and stable over runs: 'norm.child-1', 'cost.rent', 'income.Bostadsbidrag.applicant'.
    `applied` = what the applicant applied for or declared, `previous` = last month's value.
    """

    key: str
    section: Literal["norm", "cost", "income"]
    label: str
    person: str | None = None
    type: str
    amount: Kronor | None = None
    blank: Blank | None = None
    applied: Kronor | None = None
    previous: Kronor | None = None
    trace: Trace

    @property
    def low(self) -> Ore:
        """The least this line can be."""
        return self.blank.low if self.blank else Ore(self.amount or 0)

    @property
    def high(self) -> Ore | None:
        """The most this line can be; None = unbounded."""
        return self.blank.high if self.blank else Ore(self.amount or 0)


class Flag(Result):
    """Something a person should know. Deduplicated on `code` + `key`; `text` is plain Swedish and speaks of the check, not the person."""

    code: str
    severity: Severity
    key: str
    text: str
    person: str | None = None


class Sums(Result):
    """Sums known so far: blank lines count with their certain part only. `need` may be negative (a surplus)."""

    norm: Kronor
    costs: Kronor
    incomes: Kronor
    need: Kronor


class Span(Result):
    """Lowest and highest need that the blanks leave open; None = unbounded. Both equal `need` when nothing is blank."""

    lowest: Kronor | None
    highest: Kronor | None


class CountedIncome(Result):
    """One counted income as the case system's own calculation wants it: before any jobbstimulans deduction."""

    line: str
    benefit: str
    part: str | None
    amount_type: str | None
    person: str
    net: Kronor
    paid_on: date
    covers_from: date | None
    covers_to: date | None
    declared: bool


class Check(Result):
    """One source asked (or not) about one person. `asked` False = not asked at all: no blank and no bar to OK."""

    person: str
    source: str
    asked: bool
    done: bool
    at: str | None = None


class Receipt(Result):
    """What is needed to compute the same again."""

    program: str
    rulebook: str
    parameters: str
    guidelines: str
    facts: str
    registers: dict[str, str]
    month: MonthText
    calculated_on: date


class Assessment(Result):
    """The whole result for one case file under one rulebook.

    A stop or urgent assessment has no lines, sums, span or proposal. `proposal` None = handläggaren avgör. Outcome
    `waiting_for_income` = free of reasons for a person, but more may be paid in the month that counts.
    """

    case_id: str
    month: MonthText
    outcome: Outcome
    recommendation: Recommendation
    proposal: Proposal | None
    amount: Kronor | None
    lines: tuple[Line, ...]
    shown: tuple[str, ...]
    """Payments shown and not counted (preliminary, planned, ignored), as sentences in Swedish."""
    sums: Sums | None
    span: Span | None
    previous_need: Kronor | None
    flags: tuple[Flag, ...]
    checks: tuple[Check, ...]
    counted_incomes: tuple[CountedIncome, ...]
    children: bool
    receipt: Receipt

    def flagged(self, *severities: Severity) -> tuple[Flag, ...]:
        """Return the flags of those severities, in the order they stand."""
        return tuple(flag for flag in self.flags if flag.severity in severities)
