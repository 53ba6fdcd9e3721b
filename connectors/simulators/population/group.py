"""A group of the population: a kind of application, its share, and the function that writes one of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.simulators.population.case import Case


@dataclass(frozen=True, slots=True)
class Group:
    """`write` fills in the case. `months_ahead` = which month is applied for, counted from the month of receipt."""

    slug: str
    write: Callable[[Case], None]
    months_ahead: int = 1
