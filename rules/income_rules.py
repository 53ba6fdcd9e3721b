"""How an income counts: pay with jobbstimulans, a child's own income, everything else as it was paid."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

    @property
    def months(self) -> int:
        """How many months it is; none or fewer when it ends before it begins."""
        return self.last.index - self.first.index + 1

    def __contains__(self, month: Month) -> bool:
        return self.first <= month <= self.last


@rule("SoL 2025:400 12 kap. 1 §", in_force=_2025)
@rule("SoL 2001:453 4 kap. 1 §", in_force=_OLD)
def counted_income(net: Ore, month: Month) -> Counted:
    """What was paid in the month before the one applied for counts in full, whatever time it covers."""
    return counted(net, f"utbetalt i {labels.month(month)}, efter skatt")


@rule("SoL 2025:400 12 kap. 7 c § (2026:897)", in_force=since(2027, 1, 1))
@rule("SoL 2025:400 12 kap. 7 a § (2025:762)", in_force=_2025.until(2026, 12, 31))
def fritidskort(income: str) -> bool:
    """Say whether an income is a fritidskort for a child, which must not make the support less, whatever the guidelines' list says."""
    return income.casefold() == "fritidskort"


@dataclass(frozen=True, slots=True)
class Terms:
    """The law's numbers for jobbstimulans: the share of pay that counts, the longest window, and the months that give the right."""

    percent: Dated[int]
    longest: Dated[int]
    after: Dated[int]


@rule("SoL 2025:400 12 kap. 8 §", in_force=_2025)
@rule("SoL 2001:453 4 kap. 1 b §", in_force=_OLD)
def jobbstimulans(
    pay: Ore, windows: tuple[Window, ...] | None, month: Month, terms: Terms | None, months_in_a_row: int | None = None
) -> Counted:
    """Count 75 % of pay from employment while the person's 24-month window runs.

    `pay` is net, in öre; `month` the month of payment. No window on record is no right while there have been too few months with support
    in a row for it to have arisen; else the caseworker must look, and also when a window is longer than the law's or ends before it begins.
    24 months from a day within a month touch 25 calendar months.
    """
    if terms is None:
        return blank("sum.parameter_missing", "lagens tal för jobbstimulans är inte kända", high=pay)
    percent, used = terms.percent.value, (terms.percent.used(),)
    sure = windows is not None and all(0 < window.months <= terms.longest.value + 1 for window in windows)
    if sure and not windows and months_in_a_row is not None and 0 <= months_in_a_row < terms.after.value:
        because = f"{months_in_a_row} månader i rad med försörjningsstöd: rätten till jobbstimulans uppkommer efter {terms.after.value}"
        return counted(pay, f"{because}, så hela lönen räknas", (terms.after.used(),))
    reduced = part(pay, percent)
    if not sure or not windows:
        because = f"räknas med {percent} till 100 %: perioden för jobbstimulans är inte känd"
        return blank("income.jobbstimulans_unknown", because, low=reduced, high=pay, parameters=used)
    if not any(month in window for window in windows):
        return counted(pay, "utanför perioden för jobbstimulans")
    return counted(reduced, f"{100 - percent} % räknas inte (jobbstimulans)", used)


@dataclass(frozen=True, slots=True)
class Earned:
    """A child's or school youth's pay from own work in one month.

    `all_year` = nothing can have been earned earlier in the calendar year: the pay came in January. `at_home` = surely a child, or a
    school youth under 21, of this household; what is earned by somebody with a household of their own is not this household's at all.
    """

    pay: Ore
    all_year: bool
    at_home: bool


@rule("SoL 2025:400 12 kap. 9 §", in_force=_2025)
@rule("SoL 2001:453 4 kap. 1 a §", in_force=_OLD)
def child_earnings(earned: Earned, prisbasbelopp: Dated[Ore] | None) -> Counted:
    """A child's or school youth's pay counts only for what is above one prisbasbelopp in a calendar year.

    What has been earned earlier in the year is not in the case. So the line is blank, from what is above the amount by this pay alone to
    all of it; in January there is no earlier in the year.
    """
    used = (prisbasbelopp.used(),) if prisbasbelopp else ()
    above = Ore(max(earned.pay - prisbasbelopp.value, ZERO)) if prisbasbelopp and earned.at_home else ZERO
    if prisbasbelopp and earned.at_home and earned.all_year:
        return counted(above, f"{labels.kr(earned.pay)} tjänat hittills i år, räknas inte upp till {labels.kr(prisbasbelopp.value)}", used)
    return blank("income.child", "räknas inte upp till ett prisbasbelopp per år", low=above, high=earned.pay, parameters=used)


@dataclass(frozen=True, slots=True)
class OwnNorm:
    """What is left of a child's own norm for the child's incomes, at least and at most; `most` None = no bound is known."""

    least: Ore
    most: Ore | None


@rule("SoL 2025:400 12 kap. 1 §", in_force=_2025)
@rule("SoL 2001:453 4 kap. 1 §", in_force=_OLD)
def child_income(net: Ore, own_norm: OwnNorm) -> Counted:
    """A child's other income counts at most up to the child's own norm; where that is not known, what is certain of it counts."""
    low = min(net, own_norm.least)
    high = net if own_norm.most is None else min(net, own_norm.most)
    if low != high:
        return blank("income.child", "hur mycket som ryms i barnets eget normbelopp är inte känt", low=low, high=high)
    if low == net:
        return counted(net, "barnets inkomst, inom barnets eget normbelopp")
    return counted(low, f"barnets inkomst {labels.kr(net)}, räknas högst upp till barnets eget normbelopp")


@rule("SoL 2025:400 15 kap. 10 §", in_force=_2025)
@rule("SoL 2001:453 11 kap. 11 §", in_force=_OLD)
def checked_register(reason: str) -> Counted:
    """A register that could not be checked may hold any income: never nothing."""
    return blank(reason, "kunde inte kontrolleras; det är inte detsamma som att inget finns")


def within_own_norm(found: Counted, own_norm: OwnNorm) -> Counted:
    """Return a child's blank income within what is left of the child's own norm, which is the most it can be whatever is filled in."""
    if found.reason is None or own_norm.most is None:
        return found
    high = own_norm.most if found.high is None else min(found.high, own_norm.most)
    return replace(found, low=min(found.low, own_norm.least), high=high)


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
