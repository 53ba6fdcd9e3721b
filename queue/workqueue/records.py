"""What goes into the queue and what comes out: plain frozen records. Sealed values are left out of their `repr`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from workqueue.states import Outcome, State

URGENT = 0
NORMAL = 1
UNREAD = "unread"
"""Stands for the version of an application that could not be read when it was pulled: nor is it known who had it then."""


class QueueClock(Protocol):
    """The two times that the queue goes by."""

    def now(self) -> datetime:
        """Return the world's time, aware: deadlines and when a resting case is due."""
        ...

    def machine_s(self) -> float:
        """Return the machine's seconds, the same for all processes and after a restart: leases."""
        ...


@dataclass(frozen=True, slots=True)
class PulledCase:
    """One version of one application, as found in the case system. `assigned_to` = who had the case at the pull."""

    case_system: str
    case_id: str
    number: str = field(repr=False)
    version: str
    deadline: datetime
    month: str | None = None
    priority: int = NORMAL
    assigned_to: str | None = field(default=None, repr=False)
    kind: str | None = None
    """Which kind of application, as a pause names it; None = unknown."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a pulled case. `created` False = this version is in the queue already. `superseded` = older ones that gave way."""

    case_ref: str
    created: bool
    superseded: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A case in one worker's hands. `lease` is the fencing number: what a later claim has overtaken is refused.

    `state` = what it was claimed for: assessing or delivering. `attempts` = tries put off since the last progress, `rescues` = leases
    that ran out, `waiting_since` = when the present wait for a register began. `outcome` is set when it is to be delivered.
    `paused` = its kind was paused when it was claimed, `to_person` = ops want a person to have it.
    """

    id: int
    case_ref: str
    case_system: str
    case_id: str
    version: str
    run: int
    lease: int
    state: State
    priority: int
    deadline: datetime
    first_pulled_at: datetime
    attempts: int
    rescues: int
    waiting_since: datetime | None
    month: str | None
    outcome: Outcome | None
    number: str = field(repr=False)
    assigned_to: str | None = field(repr=False)
    paused: bool = False
    to_person: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """What is paused: `all`, or a kind of application; since when, and by whom."""

    what: str
    since: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Figure:
    """What is so of so many cases; `ore` = an amount of all of them together, None = it is only counted."""

    cases: int
    ore: int | None


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of some cases that were counted together."""

    at: datetime
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class NewEffect:
    """A write to be made. `key` is made by the caller and is unique for ever; `payload` is plain JSON."""

    key: str
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class StoredEffect:
    """A write that waits for its receipt, in its place in the order."""

    key: str
    kind: str
    position: int
    payload: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EffectDone:
    """The receipt of a write: where it stands, and whether it was there already."""

    key: str
    reference: str = field(repr=False)
    found: bool = False


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something to be remembered for ever. `what` and `actor` are in clear, `details` are sealed."""

    what: str
    actor: str = "robot"
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a case, to be stored with others': as `finish` takes it."""

    claimed: Claimed
    outcome: Outcome | str
    draft: Mapping[str, Any] = field(repr=False)
    effects: Sequence[NewEffect] = ()
    events: Sequence[AuditEvent] = ()
    people: Sequence[str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Item:
    """A case as ops may see it: no personal data, nothing that tells a stop from a control sample. `reason` = why it rests, a code."""

    id: int
    case_ref: str
    case_system: str
    case_id: str
    version: str
    is_current: bool
    month: str | None
    run: int
    state: State
    priority: int
    not_before: datetime
    deadline: datetime
    first_pulled_at: datetime
    waiting_since: datetime | None
    attempts: int
    rescues: int
    reason: str | None
    leased_by: str | None
    outcome: Outcome | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class EffectStatus:
    """How far one write has come; `done_at` None = pending."""

    key: str
    kind: str
    run: int
    position: int
    done_at: datetime | None
    found: bool | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One line of the audit. `details` is empty when they have been deleted; `hash` = the line's place in the chain."""

    seq: int
    case_ref: str
    at: datetime
    what: str
    actor: str
    hash: str
    details: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """The audit's last line: kept where the robot cannot change it, it binds all lines up to it."""

    seq: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A head that was kept elsewhere: `line` = where it stands there, `at` = when its line was written, None = not told."""

    line: int
    seq: int
    hash: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along the audit found: how many lines there are, the last of them, and what is wrong, a sentence each.

    `notes` = what is in order and should be known: lines that were lost when the database was restored from a copy.
    """

    events: int
    without_details: int
    head: Head | None
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A master key: whether it stands in the key file, whether new things are wrapped by it, and how much is."""

    key_id: str
    in_file: bool
    in_use: bool
    secrets: int
    cases: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """What an exchange of the master key did: by which key all is wrapped now, how many cases' keys were wrapped anew this time.

    `damaged` = cases whose wrapped key cannot be opened: they are left as they are.
    """

    key_id: str
    cases: int
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """What was computed in one run of one version."""

    case_ref: str
    run: int
    made_at: datetime
    content: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The cases in one state: how many, when the oldest was first pulled, and their first deadline."""

    cases: int
    oldest: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What is not ended. `due` may be claimed now, `leased` is in hand, `later` is put off, the other two rest.

    `next_at` = when the first of `later` and the resting ones is due, in the world's time. `held` = would be due but for a pause, a quiet
    window or shadow mode.
    """

    due: int
    leased: int
    later: int
    waiting_for_register: int
    waiting_for_income: int
    next_at: datetime | None
    held: int = 0

    def __bool__(self) -> bool:
        """Whether anything is left but cases that rest until incomes are complete."""
        return bool(self.due or self.leased or self.later or self.waiting_for_register)
