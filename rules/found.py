"""What a rule answers: an amount and why, or a blank with its reason and the values it may take."""

from __future__ import annotations

from dataclasses import dataclass

from rules.assessment import ParameterUsed
from rules.money import ZERO, Ore


@dataclass(frozen=True, slots=True)
class Counted:
    """Exactly one of `amount` and `reason` is set. `high` None = no upper bound is known."""

    amount: Ore | None
    because: str
    reason: str | None = None
    low: Ore = ZERO
    high: Ore | None = None
    parameters: tuple[ParameterUsed, ...] = ()


def counted(amount: Ore, because: str, parameters: tuple[ParameterUsed, ...] = ()) -> Counted:
    """The rule gives an amount."""
    return Counted(amount, because, parameters=parameters)


def blank(reason: str, because: str, *, low: Ore = ZERO, high: Ore | None = None, parameters: tuple[ParameterUsed, ...] = ()) -> Counted:
    """A person must fill this in: the reason is the code of the flag that says why."""
    return Counted(None, because, reason, low, high, parameters)
