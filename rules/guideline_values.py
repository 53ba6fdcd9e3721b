"""A municipality's guidelines: dated values with references, and the tables that say what a cost or an income is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rules.dated import Dated, Series
from rules.facts import Source
from rules.labels import is_unknown
from rules.money import Ore
from rules.month import Month

Handling = Literal["count", "ignore", "caseworker"]
CASEWORKER = "caseworker"


@dataclass(frozen=True, slots=True)
class CostRule:
    """What the guidelines say about one cost. `caps` has one amount for any household, or one for each size from one person up."""

    handling: Literal["cap", "caseworker", "not_granted"]
    caps: tuple[Ore, ...] = ()
    proof_needed: bool = False
    proof_within_days: int | None = None
    """How old the proof may be on the day the application was received, at most; None = of any age."""
    ground: str | None = None

    def cap(self, size: int) -> Ore:
        """Return the cap for a household; above the largest size in the table the largest size's cap holds."""
        return self.caps[min(size, len(self.caps)) - 1]


@dataclass(frozen=True, slots=True)
class IncomeRule:
    """What the list says about one benefit or declared income. A row for a part or amount type goes before the benefit's own.

    A row accepts what it names; of what it does not name, only what is known.
    """

    origins: tuple[str, ...]
    """Who may pay it, or tell about it."""
    whole: Series[Handling]
    parts: Mapping[tuple[str | None, str | None], Series[Handling]]

    def at(self, month: Month, part: str | None, amount_type: str | None) -> Dated[Handling] | None:
        """Return the most exact row for that part and amount type; None when one of them is unknown and no row names it."""
        for key in ((part, amount_type), (part, None), (None, amount_type)):
            if key in self.parts and key != (None, None):
                unnamed = [said for said, named in zip((part, amount_type), key, strict=True) if named is None]
                return None if any(map(is_unknown, unnamed)) else self.parts[key].at(month)
        return None if is_unknown(part) or is_unknown(amount_type) else self.whole.at(month)


@dataclass(frozen=True, slots=True)
class Guidelines:
    """A municipality's guidelines. The properties give the newest values; rules read the series at the month applied for."""

    municipality: str
    status: str
    hash: str
    change_threshold: Series[int]
    need_may_differ: Series[Ore]
    need_limit: Series[Ore]
    income_month_complete: Series[int]
    control_sample: Series[int]
    recently_closed: Series[int]
    same_income_tolerance: Series[Ore]
    sources_asked: Series[tuple[Source, ...]]
    part_month_divisor: Series[str]
    quotient_rounding: Series[str]
    age_on: Series[str]
    part_month_child_in_common_costs: Series[str]
    student_vacation: Series[tuple[int, ...]] | None
    """The months of a year in which students are free, 6 = June; None = the guidelines do not say."""
    signatures_required: Series[tuple[str, ...]]
    lunch_elsewhere: Series[tuple[int, int]]
    costs: Mapping[str, Series[CostRule]]
    incomes: Mapping[str, IncomeRule]
    same_income: Series[Mapping[str, str]]
    lifecare_incomes: Series[Mapping[str, str]]
    lifecare_costs: Series[Mapping[str, str]]

    def control_sample_percent(self, month: Month) -> int:
        """Return the share of a month's OK cases that a person calculates without the robot's amounts; the newest where none is dated."""
        return _at(self.control_sample, month)

    def income_month_complete_day(self, month: Month) -> int:
        """Return the day of the month before `month` from which `nothing held` means nothing; the newest where none is dated."""
        return _at(self.income_month_complete, month)

    @property
    def registers_asked(self) -> tuple[Source, ...]:
        """The sources that are asked about every adult."""
        return self.sources_asked.latest

    @property
    def lifecare_income_names(self) -> Mapping[str, str]:
        """Lifecare's names of income rows -> benefits and declared incomes as the rules name them."""
        return self.lifecare_incomes.latest

    @property
    def lifecare_cost_names(self) -> Mapping[str, str]:
        """Lifecare's names of expense rows -> costs as the rules name them."""
        return self.lifecare_costs.latest

    def income_at(self, benefit: str, month: Month, part: str | None = None, amount_type: str | None = None) -> Dated[Handling] | None:
        """Return what the list says about an income; None = off the list."""
        rule = self.incomes.get(benefit)
        return rule.at(month, part, amount_type) if rule else None

    def origins(self, benefit: str) -> tuple[str, ...]:
        """Return who may pay a benefit or tell about an income; none = the list does not know it."""
        rule = self.incomes.get(benefit)
        return rule.origins if rule else ()


def _at(series: Series[int], month: Month) -> int:
    dated = series.at(month)
    return series.latest if dated is None else dated.value
