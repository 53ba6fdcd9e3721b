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
from rules.strict_yaml import Place, read_file

FOLDER = Path(__file__).parent / "parameters"
CHILD_BANDS = ("0", "1-2", "3", "4-6", "7-10", "11-14", "15-18", "19-20")
LUNCH_BANDS = ("0", "1-2", "3", "4-6")
COMMON_SIZES = 7
_STATUSES = ("verified", "verified_2nd")
_NORM_NAMES = (
    "riksnorm.adult.single",
    "riksnorm.adult.sambo",
    *(f"riksnorm.child.{band}" for band in CHILD_BANDS),
    *(f"riksnorm.child_without_lunch.{band}" for band in LUNCH_BANDS),
    *(f"riksnorm.common.{size}" for size in range(1, COMMON_SIZES + 1)),
)
_OTHER_NAMES = ("prisbasbelopp", "jobbstimulans.counted_percent", "aktivitetskrav.after_months", "many_children.more_than")


@dataclass(frozen=True, slots=True)
class LawParameters:
    """Every amount and number of the law that the rules use."""

    riksnorm: Mapping[str, Series[Ore]]
    prisbasbelopp: Series[Ore]
    jobbstimulans_percent: Series[int]
    aktivitetskrav_after_months: Series[int]
    many_children_more_than: Series[int]
    hash: str
    _by_month: dict[Month, Mapping[str, Dated[Ore]] | None] = field(default_factory=dict, compare=False, repr=False)

    def riksnorm_in(self, month: Month) -> Mapping[str, Dated[Ore]] | None:
        """Return riksnormens amounts in a month, by name; None when any of them is unknown. Worked out once for each month."""
        if month not in self._by_month:
            amounts = {name: series.at(month) for name, series in self.riksnorm.items()}
            known = {name: amount for name, amount in amounts.items() if amount is not None}
            self._by_month[month] = MappingProxyType(known) if len(known) == len(amounts) else None
        return self._by_month[month]


def read_law_parameters(folder: Path = FOLDER) -> LawParameters:
    """Return the parameters of riksnorm.yaml and sol.yaml. Raises RulebookError."""
    norm, norm_bytes = read_file(folder / "riksnorm.yaml", "rules/parameters/riksnorm.yaml")
    other, other_bytes = read_file(folder / "sol.yaml", "rules/parameters/sol.yaml")
    amounts = norm.fields(required=_NORM_NAMES)
    numbers = other.fields(required=_OTHER_NAMES)

    def number(name: str, high: int) -> Series[int]:
        return read_series(name, numbers[name], lambda place: place.integer(0, high), statuses=_STATUSES)

    return LawParameters(
        riksnorm=MappingProxyType({name: read_series(name, amounts[name], Place.kronor, statuses=_STATUSES) for name in _NORM_NAMES}),
        prisbasbelopp=read_series("prisbasbelopp", numbers["prisbasbelopp"], Place.kronor, statuses=_STATUSES),
        jobbstimulans_percent=number("jobbstimulans.counted_percent", 100),
        aktivitetskrav_after_months=number("aktivitetskrav.after_months", 120),
        many_children_more_than=number("many_children.more_than", 30),
        hash=hashlib.sha256(norm_bytes + b"\0" + other_bytes).hexdigest(),
    )
