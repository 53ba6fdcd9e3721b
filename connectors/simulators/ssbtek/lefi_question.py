"""The LEFI v9 question inside the question: JSON that says which groups of benefits are asked for."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.simulators.ssbtek.question import LefiPart, Period

VERSION = "v9"
LONGEST_YEARS = 2

FK_GROUPS = frozenset(
    {"FK:ABB", "FK:AP", "FK:AS", "FK:BOB", "FK:BST", "FK:BTI", "FK:DPE", "FK:EJO", "FK:ET", "FK:FP", "FK:FSJP", "FK:GP", "FK:HE", "FK:MABB"}
    | {"FK:MEK", "FK:NP", "FK:OMV", "FK:PJOB", "FK:PROG", "FK:RBE", "FK:SA", "FK:SBP", "FK:SJP", "FK:TFP", "FK:US", "FK:VB", "FK:YL"}
)
PM_GROUPS = frozenset({"PM:AP", "PM:BTI", "PM:EF"})
OTHER_KINDS = frozenset({"FK:GEPI", "FK:PANV", "FK:SGI", "FK:SKUP", "FK:STAV", "PM:LINT", "PM:PBH", "PM:PU"})
LISTS: dict[str, frozenset[str]] = {
    "formansinformation": FK_GROUPS,
    "ansprak": PM_GROUPS,
    "beslut": PM_GROUPS,
    "preliminaraUtbetalningar": FK_GROUPS | PM_GROUPS,
    "utbetalningar": FK_GROUPS | PM_GROUPS,
    "ovrigInformation": OTHER_KINDS,
}
"""The lists of a LEFI question, and what may stand in each."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PERSONNUMMER = re.compile(r"([0-9]{2})?[0-9]{10}")


class LefiRefused(Exception):
    """LEFI refuses the question. `status` is the HTTP status it would answer with; the message holds no value from the question."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class LefiQuestion:
    """What LEFI is asked: the period, and the groups in each list."""

    period: Period
    lists: dict[str, tuple[str, ...]]

    def asks(self, source: str) -> bool:
        """Whether the source (FK or PM) is concerned at all."""
        return any(code.startswith(f"{source}:") for codes in self.lists.values() for code in codes)

    def of(self, source: str, name: str) -> tuple[str, ...]:
        """Return the codes of that source in one list, in the order asked."""
        return tuple(code for code in self.lists[name] if code.startswith(f"{source}:"))


def read_lefi(part: LefiPart | None, personnummer: str) -> LefiQuestion:
    """Return the LEFI question. Raises LefiRefused."""
    if part is None:
        raise LefiRefused("400", "FK ska inkluderas men har ingen fraga")
    if part.version not in (None, VERSION):
        raise LefiRefused("400", "Okänd version av LEFI")
    if not part.actor.strip():
        raise LefiRefused("403", "Okänd aktör")
    asked = _json(part)
    _same_person(asked.get("personnummer"), personnummer)
    lists = {name: tuple(_codes(name, asked.get(name, []))) for name in LISTS}
    if not any(lists.values()):
        raise LefiRefused("400", "Ingen förmånsgrupp eller typ av övrig information är angiven")
    return LefiQuestion(_period(asked.get("period")), lists)


def _json(part: LefiPart) -> dict[str, Any]:
    try:
        asked = json.loads(base64.b64decode("".join(part.json.split()), validate=True))
    except ValueError:
        raise LefiRefused("400", "Frågan är inte läsbar JSON") from None
    if not isinstance(asked, dict):
        raise LefiRefused("400", "Frågan är inte ett JSON-objekt")
    return asked


def _same_person(given: object, personnummer: str) -> None:
    if not isinstance(given, str) or _PERSONNUMMER.fullmatch(given) is None:
        raise LefiRefused("400", "personnummer saknas eller har fel form")
    if not personnummer.endswith(given):
        raise LefiRefused("400", "personnummer är en annan person än personidentitet")


def _codes(name: str, given: object) -> Iterable[str]:
    if not isinstance(given, list) or any(not isinstance(code, str) for code in given):
        raise LefiRefused("400", f"{name} är inte en lista med koder")
    if unknown := set(given) - LISTS[name]:
        raise LefiRefused("400", f"{name} har {len(unknown)} okända koder")
    if len(set(given)) != len(given):
        raise LefiRefused("400", f"{name} har samma kod flera gånger")
    return given


def _period(given: object) -> Period:
    if not isinstance(given, dict):
        raise LefiRefused("400", "period saknas")
    try:
        period = Period(_day(given.get("from")), _day(given.get("tom")))
    except ValueError:
        raise LefiRefused("400", "period saknar from eller tom, eller så är de inte datum") from None
    if period.from_day > period.to_day:
        raise LefiRefused("400", "period slutar innan den börjar")
    if (period.to_day.year - period.from_day.year, period.to_day.timetuple()[1:3]) > (LONGEST_YEARS, period.from_day.timetuple()[1:3]):
        raise LefiRefused("400", f"period är längre än {LONGEST_YEARS} år")
    return period


def _day(given: object) -> date:
    if not isinstance(given, str) or _DAY.fullmatch(given) is None:
        raise ValueError("not a date")
    return date.fromisoformat(given)
