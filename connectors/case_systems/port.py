"""What the robot asks of any case system: find, read, and write drafts, each write at most once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from connectors.handshake import Handshake
from rules.facts import Application, History


class Standing(StrEnum):
    """Whose case it is now. OURS = nobody has touched it; TAKEN = a person has it, has decided, or it is withdrawn or closed."""

    OURS = "ours"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class CaseListed:
    """A case in the case system's list of new ones. `changed_at` moves when the case changes in any way."""

    case_id: str
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class CaseApplication:
    """The application alone. `version` = hash of the application and its attachment ids; the robot's own writes never change it.

    `standing` goes by status and who has the case: a decision that a person has made is seen by `CaseSystem.reading`, and before a write.
    `application` None = it could not be read as an application (`unreadable` says why, in a code): the case is a stop.
    `number` is the case's number for people and for the registers' legal log. `begun` = the robot itself has moved it on already.
    """

    case_id: str
    number: str
    version: str
    standing: Standing
    assigned_to: str | None
    application: Application | None
    unreadable: str | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True)
class CaseReading:
    """The application with the persons' identities filled in, and the history. `protected` = the case system itself says so.

    `written` = the effect keys of the robot's recommendations that stand.
    """

    case: CaseApplication
    history: History
    protected: bool
    written: frozenset[str] = frozenset()


class EffectKind(StrEnum):
    """Every kind of write, named by what it does in the case system."""

    UNDER_REVIEW = "under_review"
    RECOMMENDATION = "recommendation"
    NATIVE_DRAFT = "native_draft"
    DOCUMENT = "document"
    WARNING = "warning"
    AWAITING_DECISION = "awaiting_decision"
    MANUAL_REVIEW = "manual_review"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True)
class Effect:
    """One write. `key` is fixed before the first try and found again in the case system; `payload` is plain JSON data.

    recommendation: value, description, amount (decimal string or None), month. document: heading, text. warning: type, message, source_key.
    native_draft: applicant, co_applicant (refs resolved by the connector, co_applicant may be None), month ('YYYY-MM'), incomes: each as
    `rules.assessment.CountedIncome` in JSON, with `rule` = why it is counted, in Swedish. The others have no payload.
    """

    key: str
    kind: EffectKind
    case_id: str
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A write that stands. `found` = it was already there. `differs` = codes of what the case system's own calculation has otherwise."""

    reference: str
    found: bool = False
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """What stands in the case system for one case, as a caseworker sees it: for checks and follow-up.

    Plain data; amounts are decimal strings in kronor, and `key` in a recommendation or document is its effect key (None: not ours).
    `standing` goes by status and decision: it can't know who had the case at the pull. `whole` = the robot has nothing left to write:
    the last thing that it writes of a case stands.
    """

    case_id: str
    number: str
    status: str
    standing: Standing
    recommendations: tuple[dict[str, Any], ...]
    documents: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, Any], ...]
    income_rows: tuple[dict[str, Any], ...]
    priority: str | None = None
    whole: bool = False


class CaseSystem(Protocol):
    """A case system with a queue of applications."""

    name: str

    def find_new(self, since: datetime | None) -> AsyncIterator[CaseListed]:
        """Yield the cases that nobody has begun, oldest first; only those created after `since` when it is given."""
        ...

    def find_begun(self, since: datetime) -> AsyncIterator[CaseListed]:
        """Yield the cases that may have been moved on by the robot and were changed after `since`, oldest first.

        For a robot that has forgotten what it wrote: `application` says whose each is now.
        """
        ...

    async def application(self, case_id: str) -> CaseApplication:
        """Read the application, its version, and whose case it is by status and assignment."""
        ...

    async def reading(self, case: CaseApplication, *, partial: bool = False) -> CaseReading:
        """Read identities and history for an application already read.

        `history.decided_by_person` True = a person has already decided, in this case or for the month applied for: read no further.
        Raises RetriableError when a part can't be read now; with `partial` (after giving up) that part is unknown instead, but never
        whether a person has decided in this case.
        """
        ...

    async def standing(self, case_id: str, assigned_to: str | None) -> Standing:
        """Say whose case it is now; `assigned_to` = who had it at the pull."""
        ...

    async def apply(self, effect: Effect) -> Receipt:
        """Do one write: look for its key first and create only when it is not there.

        Raises RetriableError (with `unknown_outcome` when it may have taken effect), PermanentError when it is refused.
        """
        ...

    async def apply_if_ours(self, effect: Effect, assigned_to: str | None) -> Receipt | None:
        """Do one write when the case is ours at that moment; None, and nothing written, when it is a person's.

        The same promises as `standing` and then `apply`, from the same reads: nothing is read twice, and what could change between is
        read last.
        """
        ...

    def warning_type(self, flag_code: str) -> str | None:
        """Return the case system's own type of warning for a flag; None = no type fits and the flag stands in the document only."""
        ...

    async def stored(self, case_id: str) -> StoredDraft:
        """Read back what stands for a case."""
        ...

    async def check(self) -> Handshake:
        """Ask the case system whether it is there and lets us in."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
