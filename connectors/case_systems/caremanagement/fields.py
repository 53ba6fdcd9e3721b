"""Read what an applicant has sent, field by field: every key is either taken or noted as unrecognised, none is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rules.facts import Unrecognised
from rules.money import Ore, kronor, ore

SWEDEN = ZoneInfo("Europe/Stockholm")
MAX_DEPTH = 20
_MAX_TEXT = 20_000
_MAX_NOTE = 500
_MOST_DECIMALS = 12
_MOST_DIGITS = 28
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Unreadable(Exception):
    """It can't be read as an application; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def clean(value: Any, depth: int = 0) -> Any:
    """Return the JSON value with broken characters replaced. Raises Unreadable when it is nested too deep."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _whole(value)
    if kind is not dict and kind is not list:
        return value
    if depth >= MAX_DEPTH and value:
        raise Unreadable("nonsense")
    # Most of what comes is plain ASCII or no text at all: a call for each value would cost more than all else that is read of it.
    if kind is list:
        return [
            item if (its := type(item)) is not dict and its is not list and (its is not str or item.isascii()) else clean(item, depth + 1)
            for item in value
        ]
    return {
        key if key.isascii() else _whole(key): item
        if (its := type(item)) is not dict and its is not list and (its is not str or item.isascii())
        else clean(item, depth + 1)
        for key, item in value.items()
    }


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class Section:
    """One JSON object of the application, and what of it has not been taken yet."""

    def __init__(self, value: Mapping[str, Any], path: str, notes: list[Unrecognised]) -> None:
        self._left = dict(value)
        self.path = path
        self._notes = notes

    def note(self, key: str, value: object) -> None:
        """Note something that is not known: where it stood and what it was."""
        self._notes.append(Unrecognised(path=f"{self.path}.{key}"[:_MAX_NOTE], value=_shown(value)))

    def take(self, key: str) -> Any:
        """Take a value as it is; None when it is not there."""
        return self._left.pop(key, None)

    def skip(self, *keys: str) -> None:
        """Take what no rule needs."""
        for key in keys:
            self._left.pop(key, None)

    def text(self, key: str) -> str | None:
        """Take a text; one that is blank is None."""
        value = self.take(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if not isinstance(value, str):
            self.note(key, value)
            return _shown(value)
        return value.strip()

    def flag(self, key: str) -> bool | None:
        """Take a yes or no; None = unknown."""
        value = self.take(key)
        if value is None or isinstance(value, bool):
            return value
        self.note(key, value)
        return None

    def whole(self, key: str, *, low: int, high: int) -> int | None:
        """Take a whole number within bounds; anything else is noted and None."""
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool) and low <= value <= high and value == int(value):
            return int(value)
        self.note(key, value)
        return None

    def money(self, key: str) -> str | None:
        """Take an amount in kronor that is not negative. None = left out or unreadable, which a rule tells apart from zero."""
        amount = amount_of(self.take(key))
        return kronor(amount) if amount is not None and amount >= 0 else None

    def day(self, key: str) -> date | None:
        """Take a date; None = left out or unreadable."""
        return day_of(self.take(key))

    def choice(self, key: str, table: Mapping[str, str]) -> str | None:
        """Take a value of an enum; one that is not in the table becomes `unknown:<value>`."""
        value = self.take(key)
        if value is None:
            return None
        return table.get(value, unknown(value)) if isinstance(value, str) else unknown(value)

    def known_choice(self, key: str, table: Mapping[str, str]) -> str | None:
        """Take a value of an enum that has no text field of its own: one that is not in the table is noted and None."""
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, str) and value in table:
            return table[value]
        self.note(key, value)
        return None

    def sections(self, key: str) -> Iterator[Section]:
        """Take a list of objects. What is no object is noted and comes as an empty one, so that its place is not lost."""
        value = self.take(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.note(key, "not a list")
            value = [value]
        for number, item in enumerate(value):
            path = f"{self.path}.{key}[{number}]"
            if not isinstance(item, dict):
                self._notes.append(Unrecognised(path=path, value=_shown(item)))
            yield Section(item if isinstance(item, dict) else {}, path, self._notes)

    def close(self) -> None:
        """Note every key that nobody has taken; a key without a value says nothing and is let go."""
        for key, value in self._left.items():
            if value not in (None, [], {}, ""):
                self.note(key, value)
        self._left.clear()


def unknown(value: object) -> str:
    """Return how a value that the rules do not know stands in a text field."""
    return f"unknown:{_shown(value)}"


def amount_of(value: object) -> Ore | None:
    """Return a JSON number of kronor as öre; None when it is no number, has parts of an öre, or is out of all bounds."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    exact = Decimal(value)
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_MOST_DECIMALS or len(exact.as_tuple().digits) > _MOST_DIGITS:
        return None
    try:
        return ore(exact)
    except ValueError:
        return None


def day_of(value: object) -> date | None:
    """Return a date written YYYY-MM-DD (a time after it is let go), else None."""
    if not isinstance(value, str) or (match := _DAY.match(value)) is None or value[10:11] not in ("", "T"):
        return None
    try:
        return date.fromisoformat(match[0])
    except ValueError:
        return None


def moment_of(value: object) -> datetime | None:
    """Return a date and time with its offset; one without is Swedish local time. None when it is unreadable."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=SWEDEN)


def party_of(value: object) -> str | None:
    """Return a party id (a GUID), else None: nothing of another shape may come into an address."""
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value.lower()) else None


def pieces(text: str) -> list[str]:
    """Return a text in parts that fit the case file; nothing is cut away."""
    return [text[start : start + _MAX_TEXT] for start in range(0, len(text), _MAX_TEXT)]


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:_MAX_NOTE]
