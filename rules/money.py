"""Money: integer öre inside, decimal strings in kronor outside."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, NewType

from pydantic import BeforeValidator, PlainSerializer

Ore = NewType("Ore", int)
ZERO = Ore(0)
_ORE_PER_KRONA = 100
_LARGEST = Decimal("1000000000")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SMALLEST_EXPONENT = -2
"""Below this power of ten there is no whole öre; multiplying so small a number could round it to zero without a word."""


def ore(kronor: str | int | Decimal) -> Ore:
    """Return kronor as whole öre.

    Raises ValueError when the text is no finite decimal number, has parts of an öre, or is a billion kronor or more. Floats are refused.
    """
    if isinstance(kronor, bool) or not isinstance(kronor, str | int | Decimal):
        raise ValueError("an amount is written as a decimal string in kronor, for example '1850.00'")
    try:
        exact = Decimal(kronor)
    except InvalidOperation:
        raise ValueError("an amount is written as a decimal string in kronor, for example '1850.00'") from None
    if not exact.is_finite() or abs(exact) >= _LARGEST:
        raise ValueError("an amount is a finite number of kronor below one billion")
    if exact and exact.adjusted() < _SMALLEST_EXPONENT:
        raise ValueError("an amount has at most two decimals")
    scaled = exact * _ORE_PER_KRONA
    if scaled != scaled.to_integral_value():
        raise ValueError("an amount has at most two decimals")
    return Ore(int(scaled))


def kronor(amount: Ore) -> str:
    """Return öre as a decimal string in kronor with two decimals: 634550 gives '6345.50'."""
    if amount < 0:
        return f"-{kronor(Ore(-amount))}"
    return f"{amount // _ORE_PER_KRONA}.{amount % _ORE_PER_KRONA:02d}"


def swedish(amount: Ore) -> str:
    """Return öre as people write kronor in Swedish: 634550 gives '6 345,50', 634500 gives '6 345' (no-break spaces)."""
    sign = "−" if amount < 0 else ""
    whole, part = divmod(abs(amount), _ORE_PER_KRONA)
    text = f"{whole:,}".replace(",", "\u00a0")
    return f"{sign}{text},{part:02d}" if part else f"{sign}{text}"


def part(amount: Ore, percent: int) -> Ore:
    """Return that many whole percent of an amount that is not negative, half an öre rounded up."""
    return Ore((amount * percent * 2 + 100) // 200)


def _from_outside(value: object) -> int:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError("an amount is written as a decimal string in kronor, for example '1850.00'")
    return ore(value)


Kronor = Annotated[
    Ore,
    BeforeValidator(_from_outside, json_schema_input_type=str),
    PlainSerializer(kronor, return_type=str),
]
"""An amount in a model: öre inside, a decimal string in kronor in JSON."""
