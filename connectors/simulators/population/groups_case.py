"""Applications with something in the case itself for a person to judge: who, where, what is said, and what is known of last month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from connectors.simulators.population.case import JOB_SEEKING, OTHER, SFI, SICK_LEAVE, Case, History
from connectors.simulators.population.group import Group
from connectors.simulators.population.history import LastCost
from connectors.simulators.population.household import Child
from connectors.simulators.population.months import kr, last_of, on, rounded, shift
from connectors.simulators.population.renewals import child_benefits, home, single, some_household
from connectors.simulators.population.tables import norm_for


def _answer(slug: str, *codes: str, start: Callable[[Case], None] = some_household, **values: Any) -> Group:
    """An ordinary renewal with these values in the application."""

    def write(case: Case) -> None:
        start(case)
        case.data |= values
        case.flag(*codes)

    return Group(slug, write)


def _person_answer(slug: str, code: str, **values: Any) -> Group:
    def write(case: Case) -> None:
        some_household(case)
        case.household.adults[0].extra |= values
        case.flag(code)

    return Group(slug, write)


def _plan(slug: str, plan: dict[str, Any] | None, code: str) -> Group:
    def write(case: Case) -> None:
        case.adult(SFI if plan is None else plan)
        case.household.adults[0].plan = plan
        home(case)
        case.flag(code)

    return Group(slug, write)


def _suggestion(case: Case) -> dict[str, Any]:
    return {
        "typeSlug": "financial-assistance-new",
        "applicationType": "NEW",
        "periodMonth": case.month.month,
        "periodYear": case.month.year,
        "recommended": True,
        "label": "Påhittat förslag",
    }


def _eligibility(case: Case, reason: str, **more: Any) -> None:
    case.eligibility = {
        "suggestions": [_suggestion(case)],
        "reasonCode": reason,
        "message": "Påhittat svar",
        "existsInCm": True,
        "existsInLc": True,
        "maritalStatusMatches": True,
        "windowDays": 90,
        "applicationExistsThisMonth": True,
        "applicationExistsNextMonth": False,
        "currentMonthDecided": False,
        "hasPreviousCalculation": True,
        "lifecareChecked": True,
        "hasCoApplicant": len(case.household.adults) > 1,
    } | more


def _without_history(slug: str, history: History) -> Group:
    """No final calculation for last month: every cost is blank."""

    def write(case: Case) -> None:
        case.adult(SFI)
        home(case)
        case.history = history
        case.flag("case.history_unknown")
        case.blank("cost.history_unknown")

    return Group(slug, write)


def _first_application(case: Case) -> None:
    case.adult(JOB_SEEKING)
    home(case)
    case.history = "none"
    case.type_slug = "financial-assistance-new"
    case.data["applicationType"] = "NEW"
    _eligibility(case, "NO_EXISTING_CASE", existsInCm=False, existsInLc=False, hasPreviousCalculation=False)
    case.flag("case.first_application", "case.history_unknown")
    case.blank("cost.history_unknown")


def _supplementary(case: Case) -> None:
    some_household(case)
    case.type_slug = "financial-assistance-supplementary"
    case.data["applicationType"] = "SUPPLEMENTARY"
    case.flag("case.supplementary_application")


def _recently_closed(case: Case) -> None:
    some_household(case)
    closed = case.day - timedelta(days=12)
    _eligibility(
        case, "RECENTLY_CLOSED", reopenableErrandId=case.household.identities.party_id(), closedAt=f"{closed.isoformat()}T10:15:30Z"
    )
    case.flag("case.recently_closed")


def _civil_status_changed(case: Case) -> None:
    some_household(case)
    _eligibility(case, "MARITAL_STATUS_CHANGED", maritalStatusMatches=False)
    case.flag("case.household_changed")


def _with_child(case: Case, **more: Any) -> Child:
    """A parent and two children of eight or more, of whom the second is special."""
    case.adult(JOB_SEEKING, case.rng.randrange(32, 45))
    case.household.child(12, 14)
    child = case.household.child(8, 10, **more)
    case.income("Barnbidrag", 1250)
    home(case)
    case.settle(("Etableringsersättning", 0), low=6_500, high=9_000)
    case.flag("case.household_changed")
    return child


def _partner_left(case: Case) -> None:
    case.adult(JOB_SEEKING)
    case.adult(SICK_LEAVE, former=True)
    home(case)
    case.settle(("Aktivitetsstöd", 0), low=3_000)
    case.flag("case.household_changed")


def _others_in_home(case: Case) -> None:
    case.household.others = 1
    single(case, SFI)
    case.settle(("Etableringsersättning", 0))
    case.flag("case.others_in_home")


def _no_co_applicant(case: Case) -> None:
    """Cohabiting, but one adult in the application: what the adults may count is the caseworker's to say.

    Only the applicant's half of the common costs of two is certain.
    """
    case.adult(JOB_SEEKING)
    home(case, partner=True)
    case.data["maritalStatus"] = "COHABITING"
    norm = norm_for(case.month.year)
    case.open_norm = kr(norm.single + norm.common[0]) - rounded(kr(norm.common[1]), 1, 2)
    case.blank("case.no_co_applicant", "norm.members_unknown")


def _earlier_month(case: Case) -> None:
    some_household(case)
    case.data["periodChoice"] = "CURRENT_MONTH"
    case.flag("case.earlier_month")


def _later_month(case: Case) -> None:
    """The month after the next: its incomes lie wholly ahead, and for January 2027 there are no norm amounts."""
    case.adult(SFI)
    home(case)
    case.flag("case.later_month", "sum.month_open")


def _school_youth(case: Case) -> None:
    single(case, JOB_SEEKING, age=20)
    case.flag("case.school_youth")


def _student(case: Case) -> None:
    single(case, SFI)
    case.income("Studiemedel", case.between(3_000, 3_400, 4), None, low=0)
    case.flag("case.student")
    case.blank("income.left_to_caseworker")


def _self_employed(case: Case) -> None:
    some_household(case)
    asset = {"assetCategory": "COMPANY", "companyAssetSum": 12_000}
    case.data |= {"hasAssets": True, "assets": [asset]}
    case.flag("case.self_employed", "case.assets")


def _permit(case: Case, *, coordination: bool) -> None:
    case.adult(SFI, coordination=coordination)
    home(case)
    permit = {
        "arendeTyp": "UT",
        "arendeTypNamn": "Uppehållstillstånd",
        "beslutsKod": "B",
        "beslutsTyp": "TUT",
        "beslutsTypNamn": "Tidsbegränsat uppehållstillstånd",
        "beslutsdatum": shift(case.month, -20).isoformat(),
        "fromDatum": shift(case.month, -20).isoformat(),
        "tomDatum": on(case.month, 17).isoformat(),
        "giltighetstid": "TIDBEGRANSAT",
    }
    case.household.adults[0].registers["permits"] = (permit,)
    case.flag("case.permit")


def _temporary_permit(case: Case) -> None:
    _permit(case, coordination=False)


def _permit_and_coordination_number(case: Case) -> None:
    """CSN's form has no room for a samordningsnummer, so CSN can't be checked."""
    _permit(case, coordination=True)
    case.blank("register.unavailable")


def _in_register(slug: str, code: str, **records: Any) -> Group:
    def write(case: Case) -> None:
        some_household(case)
        case.household.adults[0].registers |= records
        case.flag(code)

    return Group(slug, write)


def _pensioner_without_plan(case: Case) -> None:
    """The form has no plan that fits a pensioner but "other", which says nothing."""
    single(case, OTHER, age=case.rng.randrange(68, 82))
    case.income("Bostadstillägg", case.between(1_500, 3_000))
    case.settle(("Ålderspension", 0))
    case.flag("case.plan_unknown")


def _surplus(case: Case) -> None:
    """Last month's incomes were larger than norm and costs; now there is a need."""
    single(case, SICK_LEAVE)
    base = case.known_need() // 100
    last = case.calculation().need // 100
    case.income("Sjukpenning", base - 520, last + 130)


def _unrecognised_income(case: Case) -> None:
    some_household(case)
    case.extra_last_incomes = (("Gåva från släkting", kr(400)),)
    case.flag("case.history_unrecognised")


def _unrecognised_cost(case: Case) -> None:
    some_household(case)
    case.last_costs.append(LastCost("Parkering", kr(350), kr(350)))
    case.flag("case.history_unrecognised")


def _free_text(slug: str, **values: Any) -> Group:
    return _answer(f"case.free_text_{slug}", "case.free_text", **values)


def _specified_cost(case: Case) -> None:
    some_household(case)
    case.cost("travel_work", 460, specification="Månadskort för bussen till praktiken.")
    case.flag("case.free_text")


def _parent(case: Case) -> None:
    case.adult(JOB_SEEKING, case.rng.randrange(30, 45))
    case.household.child(7, 12)
    child_benefits(case)
    home(case)
    case.settle(("Etableringsersättning", 0))


def _described_activity(case: Case) -> None:
    some_household(case)
    activity = {"person": "APPLICANT", "activity": "Praktik på en förskola", "periodFrom": case.month.isoformat()}
    case.data["plannedActivities"] = [activity | {"periodTo": last_of(case.month).isoformat()}]
    case.flag("case.free_text")


def _with(write: Callable[..., Child], **more: Any) -> Callable[[Case], None]:
    def written(case: Case) -> None:
        write(case, **more)

    return written


_VEHICLE = {"assetCategory": "VEHICLE", "vehicleType": "CAR", "registrationNumber": "TST00A", "purchasePrice": 15_000}
_SAVINGS = {"assetCategory": "BANK_SAVINGS", "value": 8_000}

CASE = (
    Group("case.first_application", _first_application),
    Group("case.child_added", _with(_with_child, new=True)),
    _answer("case.housing_changed", "case.housing_changed", housingChanged=True),
    _free_text("livelihood", livelihoodDescription="Jag lever på bistånd och letar efter arbete varje vecka."),
    Group("case.student", _student),
    _answer("case.assets_vehicle", "case.assets", hasAssets=True, assets=[_VEHICLE]),
    _without_history("case.history_missing", "none"),
    Group("case.permit_temporary", _temporary_permit),
    Group("case.surplus", _surplus),
    _person_answer("case.interpreter", "case.interpreter_or_meeting", needsInterpreter=True, interpreterLanguage="Finska"),
    _answer("case.debt_rent", "case.debt", "case.free_text", livelihoodDescription="Jag har en hyresskuld från i höst."),
    Group("case.later_month", _later_month, months_ahead=2),
    Group("case.supplementary", _supplementary),
    Group("case.recently_closed", _recently_closed),
    Group("case.earlier_month", _earlier_month, months_ahead=-1),
    Group("case.child_left", _with(_with_child, former=True)),
    Group("case.partner_left", _partner_left),
    Group("case.civil_status_changed", _civil_status_changed),
    _answer("case.residence_changed", "case.residence_changed", start=_parent, childrenResidenceChanged=True),
    Group("case.others_in_home", _others_in_home),
    Group("case.no_co_applicant", _no_co_applicant),
    _answer("case.no_housing", "case.no_housing", housingForm="NO_HOUSING_OR_INSTITUTION"),
    _answer("case.unknown_housing", "case.no_housing", housingForm="HOUSEBOAT"),
    _answer("case.unknown_type", "case.type_unknown", applicationType="EXTENDED"),
    _answer("case.other_norm", "case.other_norm", normType=["OTHER_NORM"]),
    _answer("case.stays_elsewhere", "case.stays_elsewhere", staysInMunicipality=False),
    _answer("case.debt_electricity", "case.debt", "case.free_text", livelihoodDescription="Jag har en elskuld sedan i somras."),
    _free_text("housing", housingDescription="Två rum och kök på andra våningen, jag trivs bra."),
    _free_text("other_benefit", otherBenefitDescription="Jag undrar om glasögon till våren."),
    Group("case.free_text_cost_specification", _specified_cost),
    Group("case.free_text_planned_activity", _described_activity),
    _person_answer(
        "case.free_text_payment", "case.free_text", paymentMethod="OTHER", otherPaymentDescription="Betalas till ett annat konto."
    ),
    _plan("case.free_text_plan", OTHER | {"otherDescription": "Praktik genom kommunen på torsdagar."}, "case.free_text"),
    _plan("case.unknown_plan", {"planningType": "CARE_LEAVE"}, "case.plan_unknown"),
    _plan("case.missing_plan", None, "case.plan_unknown"),
    Group("case.pensioner_without_plan", _pensioner_without_plan),
    Group("case.school_youth", _school_youth),
    Group("case.self_employed", _self_employed),
    Group("case.permit_and_coordination_number", _permit_and_coordination_number),
    _answer("case.assets_savings", "case.assets", hasAssets=True, assets=[_SAVINGS]),
    _in_register("case.assets_vehicle_register", "case.assets", vehicles=("TST00B",)),
    _in_register("case.assets_capital_income", "case.assets", capital_income="1250"),
    _without_history("case.history_older_only", "older_only"),
    _without_history("case.history_not_final", "not_final"),
    Group("case.history_unrecognised_income", _unrecognised_income),
    Group("case.history_unrecognised_cost", _unrecognised_cost),
)
