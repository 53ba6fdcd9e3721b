"""The ordinary households that the groups begin with: consistent over application, registers and last month's calculation."""

from __future__ import annotations

from typing import Any

from connectors.simulators.population.case import JOB_SEEKING, SICK_LEAVE, Case
from connectors.simulators.population.months import age_on
from connectors.simulators.population.tables import ELECTRICITY_CAPS_KR, FLERBARN_KR, RENT_CAPS_KR

_SUPPORT_KR = ((6, 1673), (14, 1823), (18, 2223))
_AGES = ((1, 2), (3, 5), (7, 10), (11, 14), (15, 17))


def home(case: Case, *, partner: bool = False) -> None:
    """Apply for rent and electricity within the caps, the same as last month or changed by little.

    The rent of a home that others share, or perhaps a `partner` who does not apply, is as last month: a changed one is for a person.
    """
    size = case.household.size()
    cap = RENT_CAPS_KR[size - 1]
    rent = case.between(cap * 65 // 100, cap * 95 // 100)
    change = case.rng.choice((0, 0, 0, 50, 120))
    shared = partner or bool(case.household.others)
    case.cost("rent", rent, rent if shared else rent - change)
    cap = ELECTRICITY_CAPS_KR[size - 1]
    electricity = case.between(cap * 50 // 100, cap * 95 // 100)
    case.cost("electricity", electricity, electricity - case.rng.choice((0, 0, 10, electricity // 100 * 8)))


def smaller_costs(case: Case, most: int = 3) -> None:
    """Apply for some more costs of kinds that the guidelines approve within their caps."""
    choices = [("home_insurance", 90, 190), ("internet", 199, 299), ("unemployment_fund", 120, 160), ("union_fee", 150, 310)]
    for cost, low, high in case.rng.sample(choices, case.rng.randrange(most + 1)):
        case.cost(cost, case.rng.randrange(low, high + 1))


def children(case: Case, count: int, *, support: bool = False) -> None:
    """Add children of different ages, with barnbidrag and flerbarnstillägg to the last adult, underhållsstöd when `support`."""
    bands = case.rng.sample(_AGES, count)
    for low, high in sorted(bands, reverse=True):
        case.household.child(low, high)
    child_benefits(case, support=support)


def child_benefits(case: Case, *, support: bool = False) -> None:
    """Add what is paid for the children that are there."""
    receiver = len(case.household.adults) - 1
    count = len(case.household.children)
    case.income("Barnbidrag", 1250 * count, person=receiver)
    if count in FLERBARN_KR:
        case.income("Flerbarnstillägg", FLERBARN_KR[count], person=receiver)
    if support:
        ages = [age_on(child.birth, case.month) for child in case.household.children]
        case.income("Underhållsstöd", sum(next(amount for oldest, amount in _SUPPORT_KR if age <= oldest) for age in ages), person=receiver)


def single(case: Case, plan: dict[str, Any] | None = None, *, age: int | None = None) -> None:
    """One adult living alone."""
    case.adult(JOB_SEEKING if plan is None else plan, age)
    home(case)


def single_parent(case: Case, count: int = 1, plan: dict[str, Any] | None = None) -> None:
    """One adult with children, housing allowance and maintenance support."""
    case.adult(JOB_SEEKING if plan is None else plan, case.rng.randrange(24, 45))
    children(case, count, support=True)
    home(case)
    allowance = case.between(1_200, 1_900)
    case.income("Bostadsbidrag", allowance, case.drift(allowance))


def couple(case: Case, count: int = 0, plans: tuple[dict[str, Any], dict[str, Any]] | None = None) -> None:
    """Two adults, with children or without."""
    for plan in plans or (JOB_SEEKING, SICK_LEAVE):
        case.adult(plan, case.rng.randrange(26, 45) if count else None)
    if count:
        children(case, count)
    home(case)


def some_household(case: Case) -> None:
    """One of the households above, with incomes so that there is a need: what a group of another theme starts from."""
    match case.rng.randrange(4):
        case 0:
            single(case)
            case.settle(("Aktivitetsstöd", 0), low=3_000)
        case 1:
            single_parent(case, case.rng.randrange(1, 3))
            case.settle(("Etableringsersättning", 0), low=3_000)
        case 2:
            couple(case, case.rng.randrange(3))
            case.settle(("Arbetslöshetsersättning", 0), ("Sjukpenning", 1), low=3_000)
        case _:
            single(case, SICK_LEAVE)
            case.settle(("Sjukpenning", 0), low=3_000)
    smaller_costs(case, 2)
