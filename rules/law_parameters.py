"""The numbers that law and regulation set, dated and with their source, from `rules/parameters/`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from rules.dated import Dated, Series, read_series
from rules.money import Ore
from rules.month import Month
from rules.riksnorm_files import CHILD_BANDS, COMMON_SIZES, LUNCH_BANDS, STATUSES, read_riksnorm
from rules.strict_yaml import Place, read_file

__all__ = ["CHILD_BANDS", "COMMON_SIZES", "FOLDER", "LUNCH_BANDS", "LawParameters", "read_law_parameters"]

FOLDER = Path(__file__).parent / "parameters"
_SHOWN = "rules/parameters"
_OTHER_NAMES = (
    "prisbasbelopp",
    "jobbstimulans.counted_percent",
    "jobbstimulans.months",
    "jobbstimulans.after_months",
    "aktivitetskrav.after_months",
    "aktivitetskrav.hours",
    "aktivitetskrav.fewer_hours",
    "pension_age",
    "many_children.more_than",
)


@dataclass(frozen=True, slots=True)
class LawParameters:
    """Every amount and number of the law that the rules use."""

    riksnorm: Mapping[str, Series[Ore]]
    prisbasbelopp: Series[Ore]
    jobbstimulans_percent: Series[int]
    jobbstimulans_months: Series[int]
    jobbstimulans_after_months: Series[int]
    aktivitetskrav_after_months: Series[int]
    aktivitetskrav_hours: Series[int]
    aktivitetskrav_fewer_hours: Series[int]
    pension_age: Series[int]
    many_children_more_than: Series[int]
    hash: str
    _by_month: dict[Month, Mapping[str, Dated[Ore]] | None] = field(default_factory=dict, compare=False, repr=False)

    def riksnorm_in(self, month: Month) -> Mapping[str, Dated[Ore]] | None:
        """Return those of riksnormens amounts that are known in a month, by name; None when none is. Worked out once for each month."""
        if month not in self._by_month:
            amounts = {name: series.at(month) for name, series in self.riksnorm.items()}
            known = {name: amount for name, amount in amounts.items() if amount is not None}
            self._by_month[month] = MappingProxyType(known) if known else None
        return self._by_month[month]


def read_law_parameters(folder: Path = FOLDER) -> LawParameters:
    """Return the parameters of the folder riksnorm and of sol.yaml. Raises RulebookError."""
    riksnorm, norm_bytes = read_riksnorm(folder / "riksnorm", f"{_SHOWN}/riksnorm")
    other, other_bytes = read_file(folder / "sol.yaml", f"{_SHOWN}/sol.yaml")
    numbers = other.fields(required=_OTHER_NAMES)

    def number(name: str, high: int) -> Series[int]:
        return read_series(name, numbers[name], lambda place: place.integer(0, high), statuses=STATUSES)

    return LawParameters(
        riksnorm=riksnorm,
        prisbasbelopp=read_series("prisbasbelopp", numbers["prisbasbelopp"], Place.kronor, statuses=STATUSES),
        jobbstimulans_percent=number("jobbstimulans.counted_percent", 100),
        jobbstimulans_months=number("jobbstimulans.months", 120),
        jobbstimulans_after_months=number("jobbstimulans.after_months", 120),
        aktivitetskrav_after_months=number("aktivitetskrav.after_months", 120),
        aktivitetskrav_hours=number("aktivitetskrav.hours", 168),
        aktivitetskrav_fewer_hours=number("aktivitetskrav.fewer_hours", 168),
        pension_age=number("pension_age", 120),
        many_children_more_than=number("many_children.more_than", 30),
        hash=hashlib.sha256(norm_bytes + b"\0" + other_bytes).hexdigest(),
    )
