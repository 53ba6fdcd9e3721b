"""What has been read so far of one source's answer about one person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from connectors.masking import mask
from connectors.registers.ssbtek import xml
from connectors.registers.ssbtek.values import TEXT_LIMIT, short, whole
from connectors.registers.ssbtek.xml import Element, Unreadable
from rules.facts import Payment, RegisterAnswer, RegisterFacts, Source, SourceError, Unrecognised

MAX_PAYMENTS = 2000
MAX_UNRECOGNISED = 200
MAX_DEVIATIONS = 200

NOT_XML = "SSB-003"
ABSENT = "SSB-004"
PAYLOAD = "SSB-005"
OTHER_PERSON = "SSB-006"
TOO_MUCH = "SSB-007"
NO_STATE = "SSB-008"
SILENT_FUND = "SSB-009"
NOT_GIVEN = "SSB-011"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about whom, for a reader to compare with."""

    ref: str
    personnummer: str
    from_day: date
    to_day: date

    def overlaps(self, first: date | None, last: date | None) -> bool:
        """Say whether a period, open where it is None, touches the days asked for."""
        return (first is None or first <= self.to_day) and (last is None or last >= self.from_day)


@dataclass(slots=True)
class Reading:
    """Collects payments, facts and everything odd; nothing that came is left out without a trace here."""

    source: Source
    asked: Asked
    payments: list[Payment] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    unrecognised: list[Unrecognised] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    error: SourceError | None = None
    held: bool = False

    def pay(self, payment: Payment) -> None:
        """Keep a payment. Raises Unreadable when there are more than anybody can have."""
        if len(self.payments) >= MAX_PAYMENTS:
            raise Unreadable(TOO_MUCH)
        self.payments.append(payment)

    def odd(self, path: str, value: object = "") -> None:
        """Keep what is not known: where it stood and what it was."""
        if len(self.unrecognised) == MAX_UNRECOGNISED - 1:
            path, value = self.source, "fler okända uppgifter"
        if len(self.unrecognised) < MAX_UNRECOGNISED:
            self.unrecognised.append(Unrecognised(path=whole(path[:TEXT_LIMIT]), value=short(value)))

    def odd_children(self, element: Element, known: Collection[str], path: str) -> None:
        """Keep every child element that is not known."""
        for child in xml.children(element):
            if xml.name(child) not in known:
                self.odd(f"{path}.{xml.name(child)}", xml.all_text(child))

    def odd_keys(self, value: dict[str, Any], known: Collection[str], path: str) -> None:
        """Keep every key of a JSON object that is not known and not empty."""
        for key, found in value.items():
            if key not in known and found not in (None, [], {}, ""):
                self.odd(f"{path}.{key}", found if isinstance(found, str | int) else type(found).__name__)

    def deviates(self, what: str) -> None:
        """Keep a part that the source says it could not give."""
        if what not in self.deviations and len(self.deviations) < MAX_DEVIATIONS:
            self.deviations.append(mask(whole(what[:TEXT_LIMIT])))

    def fails(self, source: str, code: str) -> None:
        """The source could not be checked; what has been read of it is kept. The first reason stands."""
        self.error = self.error or SourceError(source=source, code=code)

    def forget(self) -> None:
        """Drop all that was read: it is about somebody else."""
        self.payments, self.facts, self.unrecognised, self.deviations, self.held = [], {}, [], [], False

    def answer(self, fetched_at: datetime) -> RegisterAnswer:
        """Return the whole as an answer."""
        found = self.held or self.payments or self.unrecognised or self.deviations
        return RegisterAnswer(
            person=self.asked.ref,
            source=self.source,
            status="unavailable" if self.error else "answered" if found else "nothing_held",
            fetched_at=fetched_at,
            facts=RegisterFacts(**self.facts),
            payments=tuple(self.payments),
            error=self.error,
            deviations=tuple(self.deviations),
            unrecognised=tuple(self.unrecognised),
        )
