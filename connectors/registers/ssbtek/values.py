"""Amounts, dates and words from the registers. What cannot be read becomes None, and the reader flags it: it is never skipped."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

from connectors.masking import mask
from rules.facts import Payment
from rules.money import Ore, kronor, ore
from rules.month import Month

TEXT_LIMIT = 300
"""Characters kept of any text from a register."""
_AMOUNT = re.compile(r"[+-]?\d{1,12}(\.\d{1,12})?", re.ASCII)
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_CODE = re.compile(r"[\wÅÄÖåäö.:-]{1,60}", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def amount(written: object) -> Ore | None:
    """Return kronor as öre; None when it is missing, no plain decimal number, or has parts of an öre."""
    if isinstance(written, bool) or not isinstance(written, str | int | Decimal):
        return None
    as_text = written.strip() if isinstance(written, str) else f"{written:f}" if _is_short(written) else ""
    if _AMOUNT.fullmatch(as_text) is None:
        return None
    try:
        return ore(as_text)
    except ValueError:
        return None


def _is_short(number: int | Decimal) -> bool:
    # Written out in full, a number such as 1E+999999 would fill the memory.
    return abs(number) < 10**12 if isinstance(number, int) else number.is_finite() and abs(number.adjusted()) < 12


def day(written: object) -> date | None:
    """Return the day of 'YYYY-MM-DD', with or without a zone; None when it is missing, without a day, or no date."""
    match = _DAY.fullmatch(written.strip()) if isinstance(written, str) else None
    return _date(match[1], match[2], match[3]) if match else None


def edge(written: object, *, last: bool) -> date | None:
    """Return the first or last day that 'YYYY-MM-DD' or 'YYYY-MM' means."""
    match = _MONTH.fullmatch(written.strip()) if isinstance(written, str) else None
    if match is None:
        return day(written)
    first = _date(match[1], match[2], "01")
    return None if first is None else Month.of(first).last if last else first


def compact_day(written: str | None) -> date | None:
    """Return the day of 'YYYYMMDD'; None for '0' and anything else that is no date."""
    match = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", written or "", re.ASCII)
    return _date(match[1], match[2], match[3]) if match else None


def week(written: str | None, *, last: bool) -> date | None:
    """Return the Monday (or Sunday) of a week written 'YYYYWW'."""
    match = re.fullmatch(r"(\d{4})(\d{2})", written or "", re.ASCII)
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        return None
    return monday + timedelta(days=6) if monday and last and monday.year < 9999 else monday


def _date(year: str, month: str, number: str) -> date | None:
    try:
        return date(int(year), int(month), int(number))
    except ValueError:
        return None


def boolean(written: object) -> bool | None:
    """Return an XML or JSON truth value; None when it is neither true nor false."""
    if isinstance(written, bool):
        return written
    return _BOOLEANS.get(written.strip()) if isinstance(written, str) else None


def short(written: object) -> str:
    """Return a text or number in a length that is bearable; '' for anything else."""
    if isinstance(written, bool) or not isinstance(written, str | int | Decimal):
        return ""
    as_text = written if isinstance(written, str) else str(written) if _is_short(written) else ""
    return whole(" ".join(as_text.split())[:TEXT_LIMIT])


def whole(as_text: str) -> str:
    """Return the text without half characters, which JSON can hold and no database or file can."""
    return as_text if as_text.isascii() else as_text.encode("utf-8", "replace").decode("utf-8")


def code(written: object) -> str:
    """Return a code from outside when it is shaped like one, else 'unreadable': a text could hold anything, an identity number too."""
    as_text = short(written)
    return as_text if _CODE.fullmatch(as_text) and mask(as_text) == as_text else "unreadable"


def same_person(written: object, personnummer: str) -> bool:
    """Say whether a number of ten or twelve digits is that person's."""
    digits = written if isinstance(written, str) else ""
    return len(digits) in {10, 12} and personnummer.endswith(digits)


def payment(
    *,
    benefit: str,
    net: Ore | None,
    paid_on: date | None,
    part: str | None = None,
    amount_type: str | None = None,
    gross: Ore | None = None,
    tax: Ore | None = None,
    other_deductions: Ore | None = None,
    currency: str | None = "SEK",
    covers: tuple[date | None, date | None] = (None, None),
    preliminary: bool = False,
    organisation: str | None = None,
    mixed_rows: bool = False,
) -> Payment:
    """Return the payment as a fact."""
    return Payment(
        benefit=benefit,
        part=part,
        amount_type=amount_type,
        net=_written(net),
        gross=_written(gross),
        tax=_written(tax),
        other_deductions=_written(other_deductions),
        currency=currency,
        paid_on=paid_on,
        covers_from=covers[0],
        covers_to=covers[1],
        preliminary=preliminary,
        organisation=organisation,
        mixed_rows=mixed_rows,
    )


def _written(value: Ore | None) -> Ore | None:
    # The model reads kronor as text, as every amount from outside.
    return None if value is None else kronor(value)  # type: ignore[return-value]  # validated back to öre
