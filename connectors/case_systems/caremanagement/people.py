"""Identity numbers from Party, and the day of birth that stands in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from rules.facts import Member, Unrecognised

_TWELVE = re.compile(r"\d{12}")
_COORDINATION_DAY = 60


def number_of(value: object) -> str | None:
    """Return a personal identity number or coordination number as twelve digits; None when it is not one."""
    if not isinstance(value, str):
        return None
    digits = value.replace("-", "").strip()
    return digits if digits.isascii() and _TWELVE.fullmatch(digits) else None


def born(number: str) -> date | None:
    """Return the day of birth in a number; a coordination number has 60 added to its day."""
    day = int(number[6:8])
    try:
        return date(int(number[:4]), int(number[4:6]), day - _COORDINATION_DAY if day > _COORDINATION_DAY else day)
    except ValueError:
        return None


def identify(
    members: tuple[Member, ...], parties: Mapping[str, str], legal_ids: Mapping[str, Any]
) -> tuple[tuple[Member, ...], list[Unrecognised]]:
    """Return the members with number and day of birth, as far as Party knows them, and what Party said that is no number."""
    found = {party.lower(): value for party, value in legal_ids.items()}
    notes: list[Unrecognised] = []
    known = []
    for member in members:
        value = found.get(parties.get(member.ref, ""))
        number = number_of(value)
        if value is not None and number is None:
            notes.append(Unrecognised(path=f"party.{member.ref}", value="not a personal identity number"))
        known.append(member.model_copy(update={"personnummer": number, "birth_date": born(number)}) if number else member)
    return tuple(known), notes
