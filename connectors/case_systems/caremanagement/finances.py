"""Costs, incomes, assets, plans and pending benefits as the applicant states them."""

from __future__ import annotations

from collections.abc import Collection

from connectors.case_systems.caremanagement import tables
from connectors.case_systems.caremanagement.fields import Section, unknown
from connectors.case_systems.caremanagement.texts import Texts
from rules.facts import Asset, Cost, DeclaredIncome, PendingBenefit, Plan

_NOTHING = unknown(None)


def costs(data: Section, texts: Texts) -> tuple[Cost, ...]:
    """Return every cost applied for; one that can't be read is there, without amount."""
    return tuple(_cost(cost, texts) for cost in data.sections("costs"))


def _cost(cost: Section, texts: Texts) -> Cost:
    specification = cost.text("specification")
    texts.add("cost_specification", specification)
    texts.add("recipient", cost.text("recipientOrPeriod"))
    read = Cost(type=_cost_type(cost), applied=cost.money("appliedAmount"), specification=specification and specification[:20_000])
    cost.close()
    return read


def _cost_type(cost: Section) -> str:
    kind = cost.choice("costType", tables.COST_TYPES) or _NOTHING
    if kind != "other":
        return kind
    return cost.choice("otherSubType", tables.OTHER_COSTS) or kind


def incomes(data: Section, adults: Collection[str]) -> tuple[DeclaredIncome, ...]:
    """Return every income stated. A form that says there are incomes and names none, or the other way round, is noted."""
    read = tuple(_income(income, adults) for income in data.sections("incomes"))
    _agrees(data, "hasIncomes", bool(read))
    return read


def _income(income: Section, adults: Collection[str]) -> DeclaredIncome:
    recipient = income.choice("recipient", tables.ROLES) or _NOTHING
    if recipient not in adults:
        income.note("recipient", recipient)
    read = DeclaredIncome(
        type=income.choice("incomeType", tables.INCOME_TYPES) or _NOTHING,
        recipient=recipient,
        net=income.money("amount"),
        paid_on=income.day("incomeDate"),
    )
    income.close()
    return read


def assets(data: Section, texts: Texts) -> tuple[Asset, ...]:
    """Return every asset. One that is said to be there and is not named is there as `other`: a person judges assets anyway."""
    read = tuple(_asset(asset, texts) for asset in data.sections("assets"))
    stated = data.flag("hasAssets")
    if stated and not read:
        return (Asset(type="other"),)
    if stated is None and not read:
        data.note("hasAssets", None)
    return read


def _asset(asset: Section, texts: Texts) -> Asset:
    texts.add("asset", asset.text("description"))
    texts.add("asset", asset.text("companyName"))
    value, company = asset.money("value"), asset.money("companyAssetSum")
    asset.known_choice("propertyType", tables.PROPERTY_TYPES)
    asset.known_choice("vehicleType", tables.VEHICLE_TYPES)
    asset.skip("purchaseYear", "purchasePrice", "registrationNumber", "purchaseDate")
    read = Asset(type=asset.choice("assetCategory", tables.ASSET_TYPES) or _NOTHING, value=company if value is None else value)
    asset.close()
    return read


def plans(data: Section, adults: Collection[str], texts: Texts) -> tuple[Plan, ...]:
    """Return the adults' own words on the way to self-support."""
    return tuple(_plan(plan, adults, texts) for plan in data.sections("plannings"))


def _plan(plan: Section, adults: Collection[str], texts: Texts) -> Plan:
    person = plan.choice("person", tables.ROLES) or _NOTHING
    if person not in adults:
        plan.note("person", person)
    texts.add("work", plan.text("workDescription"))
    texts.add("plan_other", plan.text("otherDescription"))
    work = plan.choice("workExtent", tables.WORK_EXTENTS)
    sickness = plan.choice("sickLeaveLevel", tables.SICK_LEAVE)
    plan.known_choice("sfiStudyPath", tables.SFI_PATHS)
    plan.known_choice("sfiCourse", tables.SFI_COURSES)
    read = Plan(person=person, type=plan.choice("planningType", tables.PLAN_TYPES) or _NOTHING, extent=work or sickness)
    plan.close()
    return read


def pending_benefits(data: Section, texts: Texts) -> tuple[PendingBenefit, ...]:
    """Return the benefits applied for and not decided. Who applied stands there by name only, which is not kept."""
    read = tuple(_pending(pending, texts) for pending in data.sections("pendingBenefits"))
    _agrees(data, "hasPendingBenefits", bool(read))
    return read


def _pending(pending: Section, texts: Texts) -> PendingBenefit:
    name = pending.text("benefitName")
    texts.add("benefit_name", name)
    pending.skip("applicantName")
    pending.close()
    return PendingBenefit(benefit=(name or _NOTHING)[:20_000])


def _agrees(data: Section, key: str, has: bool) -> None:
    """A list that is named needs no yes; everything else than agreement is noted, an unknown `no` included."""
    stated = data.flag(key)
    if stated is not has and not (stated is None and has):
        data.note(key, stated)
