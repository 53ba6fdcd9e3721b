"""What retention works with: rules, cases whose time is out, lists of them, and how far a list has been carried out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from workqueue.states import State


class ListState(StrEnum):
    """Where a list is. Nothing is deleted but by an approved one."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    CARRIED_OUT = "carried_out"
    WITHDRAWN = "withdrawn"


class Kind(StrEnum):
    """Why a list was made: because time was out, or because a person asked to be forgotten."""

    DUE = "due"
    PERSON = "person"


class ApprovedBy(StrEnum):
    """Who said that a list may be carried out: a person, or a decision of the municipality that covers all such lists."""

    PERSON = "person"
    DECISION = "decision"


class ListOutcome(StrEnum):
    """What became of a version on a list; what was left out is proposed anew when it is due again."""

    FORGOTTEN = "forgotten"
    CHANGED = "left_out.changed"
    NEW_VERSION = "left_out.new_version"
    IN_WORK = "left_out.in_work"
    GONE = "left_out.gone"
    WITHDRAWN = "left_out.withdrawn"


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """By what something is kept, and how long: months after the last thing that happened to a case.

    `code`: law or decision. `since`, `reference` = from when it holds and where it was decided.
    """

    code: str
    keep_months: int
    since: date
    reference: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that has ended, with all its versions.

    `case_ref` = its newest version. `began_at` = when the last thing happened to it, having been shown left out. `last_seq` = the last
    line that the audit has of it. `refs` = its versions, that one too. `listed` = it is on an open list already.
    """

    case_ref: str
    refs: tuple[str, ...]
    began_at: datetime
    last_seq: int
    ended_at: datetime | None
    id: int
    state: State
    listed: bool


@dataclass(frozen=True, slots=True)
class Proposed:
    """A case that a list is to name: kept until `due_on`, that day too."""

    candidate: Candidate
    began_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class RetentionList:
    """A list of cases whose time is out, and how far it has come. `cases` counts cases, not versions."""

    ref: str
    kind: Kind
    state: ListState
    rule: RetentionRule
    made_at: datetime
    made_by: str
    approved_at: datetime | None
    approved_by: str | None
    approved_as: ApprovedBy | None
    ended_at: datetime | None
    cases: int
    forgotten: int
    left_out: int

    @property
    def left(self) -> int:
        """How many cases nothing has been done about yet."""
        return self.cases - self.forgotten - self.left_out


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A version on a list."""

    case_ref: str
    of_case: str
    began_on: date
    due_on: date
    outcome: ListOutcome | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Carried:
    """What one batch did, in cases. `left` = how many of the list are still to be done."""

    forgotten: int
    left_out: int
    left: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is left of a version that was forgotten: that it was, when, and by which list."""

    case_ref: str
    list_ref: str
    at: datetime
