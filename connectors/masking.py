"""Keep personal identity numbers out of every text that leaves the program."""

from __future__ import annotations

import re
from datetime import date

_DASHES = "-+\u2010\u2011\u2012\u2013\u2212"
_NUMBER = re.compile(rf"(?<!\d)(?:\d\d)?\d{{6}}[{_DASHES}]?\d{{4}}(?!\d)")
_ALONE = re.compile(rf"(?<![\w-])(?:\d\d)?(\d{{6}})[{_DASHES}]?(\d{{4}})(?![\w-])")
_COORDINATION_DAY = 60
_MASK = "[masked]"
_SPEAKS_TO_THE_TERMINAL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069]")
"""Control characters, line separators, and what turns the direction of writing; new line and tab are none of them."""


def mask(text: str) -> str:
    """Return the text with everything shaped like an identity number (10 or 12 digits, with or without - or +) masked."""
    return _NUMBER.sub(_MASK, text)


def plain(text: str) -> str:
    """Return the text with what could steer a terminal, or end a line elsewhere than at a new line, written out as its code."""
    # Nearly every text is printable through and through, which is quickly seen.
    return text if text.isprintable() else _SPEAKS_TO_THE_TERMINAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def holds_identity(text: str) -> bool:
    """Say whether an identity number with a real date and a right check digit stands alone in the text (a UUID is none)."""
    return any(_is_identity(match[1], match[2]) for match in _ALONE.finditer(text))


def _is_identity(day: str, rest: str) -> bool:
    number = int(day[4:6])
    # Any year with the same leap days will do: the century is not always written.
    try:
        date(2000 + int(day[:2]) % 4, int(day[2:4]), number - _COORDINATION_DAY if number > _COORDINATION_DAY else number)
    except ValueError:
        return False
    digits = [int(digit) for digit in day + rest]
    return sum(sum(divmod(digit * (2 - place % 2), 10)) for place, digit in enumerate(digits)) % 10 == 0
