"""How an income counts: pay with jobbstimulans, a child's own income, everything else as it was paid."""

from __future__ import annotations

from dataclasses import dataclass

from rules import labels
from rules.dated import Dated
from rules.found import Counted, blank, counted
from rules.legal import before, rule, since
from rules.money import ZERO, Ore, part
from rules.month import Month

_2025 = since(2025, 7, 1)
_OLD = before(2025, 7, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """A person's months with jobbstimulans, first and last."""

    first: Month
    last: Month

    def __contains__(self, month: Month) -> bool:
        return self.first <= month <= self.last


@rule("SoL 2025:400 12 kap. 1 §", in_force=_2025)
@rule("SoL 2001:453 4 kap. 1 §", in_force=_OLD)
def counted_income(net: Ore, month: Month) -> Counted:
    """What was paid in the month before the one applied for counts in full, whatever time it covers."""
    return counted(net, f"utbetalt i {labels.month(month)}, efter skatt")


@rule("SoL 2025:400 12 kap. 8 §", in_force=_2025)
@rule("SoL 2001:453 4 kap. 1 b §", in_force=_OLD)
def jobbstimulans(pay: Ore, windows: tuple[Window, ...] | None, month: Month, percent: Dated[int] | None) -> Counted:
    """Count 75 % of pay from employment while the person's 24-month window runs.

    `pay` is net, in öre; `month` the month of payment. No window on record means the caseworker must look: it is not the same as no right.
    """
    if percent is None:
        return blank("sum.parameter_missing", "andelen för jobbstimulans är inte känd", high=pay)
    reduced = part(pay, percent.value)
    if not windows:
        because = f"räknas med {percent.value} till 100 %: perioden för jobbstimulans är inte känd"
        return blank("income.jobbstimulans_unknown", because, low=reduced, high=pay, parameters=(percent.used(),))
    if not any(month in window for window in windows):
        return counted(pay, "utanför perioden för jobbstimulans")
    return counted(reduced, f"{100 - percent.value} % räknas inte (jobbstimulans)", (percent.used(),))


@rule("SoL 2025:400 12 kap. 9 §", in_force=_2025)
@rule("SoL 2001:453 4 kap. 1 a §", in_force=_OLD)
def child_earnings(pay: Ore, prisbasbelopp: Dated[Ore] | None) -> Counted:
    """A child's or school youth's pay does not count up to one prisbasbelopp in a calendar year.

    What has been earned earlier in the year is not in the case, so the line is blank between nothing and the whole.
    """
    used = (prisbasbelopp.used(),) if prisbasbelopp else ()
    return blank("income.child", "räknas inte upp till ett prisbasbelopp per år", high=pay, parameters=used)


@rule("SoL 2025:400 12 kap. 1 §", in_force=_2025)
@rule("SoL 2001:453 4 kap. 1 §", in_force=_OLD)
def child_income(net: Ore, own_norm: Ore | None) -> Counted:
    """A child's other income counts at most up to the child's own norm; `own_norm` None = that is not known."""
    if own_norm is None:
        return blank("income.child", "barnets eget normbelopp är inte känt", high=net)
    if net <= own_norm:
        return counted(net, "barnets inkomst, inom barnets eget normbelopp")
    return counted(own_norm, f"barnets inkomst {labels.kr(net)}, räknas högst upp till barnets eget normbelopp")


@rule("SoL 2025:400 15 kap. 10 §", in_force=_2025)
@rule("SoL 2001:453 11 kap. 11 §", in_force=_OLD)
def checked_register(reason: str) -> Counted:
    """A register that could not be checked may hold any income: never nothing."""
    return blank(reason, "kunde inte kontrolleras; det är inte detsamma som att inget finns")


def with_uncertain(certain: Counted, uncertain: tuple[tuple[str, Ore | None], ...], *, may_lower: bool) -> Counted:
    """Return what is certain, made blank by what is not: each uncertain part is a reason and the most it can be.

    `may_lower` = a part is a correction that may take away from the rest.
    """
    if not uncertain:
        return certain
    certain_high = certain.amount if certain.amount is not None else certain.high
    low = ZERO if may_lower else certain.amount if certain.amount is not None else certain.low
    high = certain_high
    for _, most in uncertain:
        high = None if high is None or most is None else Ore(high + most)
    because = f"{certain.because}; en del kan inte räknas" if low else "kan inte räknas"
    return blank(uncertain[0][0], because, low=low, high=high, parameters=certain.parameters)
