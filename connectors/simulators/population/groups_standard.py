"""Standard renewals, which must come out OK: many kinds of household, benefit and cost, and the limits where OK still holds."""

from __future__ import annotations

from dataclasses import replace

from connectors.simulators.population.case import JOB_SEEKING, SFI, SICK_LEAVE, Case
from connectors.simulators.population.group import Group
from connectors.simulators.population.months import kr, shift
from connectors.simulators.population.renewals import (
    child_benefits,
    children,
    couple,
    home,
    single,
    single_parent,
    smaller_costs,
    some_household,
)
from connectors.simulators.population.tables import OTHER_A_KASSA
from connectors.simulators.world import AKassaRecord


def _single_without_income(case: Case) -> None:
    single(case, case.rng.choice((JOB_SEEKING, SFI)))
    smaller_costs(case)


def _single_sick(case: Case) -> None:
    single(case, SICK_LEAVE)
    case.settle(("Sjukpenning", 0))
    smaller_costs(case)


def _single_activity(case: Case) -> None:
    single(case)
    case.settle(("Aktivitetsstöd", 0))
    smaller_costs(case)


def _single_disability(case: Case) -> None:
    single(case, SICK_LEAVE, age=case.rng.randrange(30, 62))
    case.settle(("Sjukersättning", 0))


def _young_disability(case: Case) -> None:
    single(case, SICK_LEAVE, age=case.rng.randrange(22, 29))
    case.settle(("Aktivitetsersättning", 0))


def _pensioner(case: Case) -> None:
    single(case, SFI, age=case.rng.randrange(68, 78))
    case.income("Bostadstillägg", case.between(1_500, 3_000))
    if case.rng.randrange(2):
        case.income("Äldreförsörjningsstöd", case.between(300, 900))
    case.settle(("Ålderspension", 0), low=800, high=2_500)


def _establishment(case: Case) -> None:
    single(case, SFI)
    case.settle(("Etableringsersättning", 0))


def _parental_leave(case: Case) -> None:
    case.adult(SFI, case.rng.randrange(23, 40))
    case.household.child(0, elsewhere=bool(case.rng.randrange(2)))
    child_benefits(case, support=True)
    home(case)
    case.settle(("Föräldrapenning", 0))


def _single_parent(count: int) -> Group:
    def write(case: Case) -> None:
        single_parent(case, count)
        case.settle(("Etableringsersättning", 0))
        if count > 1:
            fee = case.between(200, 900)
            case.cost("municipal_fees", fee)
        smaller_costs(case, 2)

    return Group(f"standard.single_parent_{count}", write)


def _couple(count: int) -> Group:
    def write(case: Case) -> None:
        couple(case, count)
        case.settle(("Arbetslöshetsersättning", 0), ("Sjukpenning", 1))
        smaller_costs(case)

    return Group(f"standard.couple_{count}", write)


def _couple_one_row(case: Case) -> None:
    couple(case, 2, (JOB_SEEKING, JOB_SEEKING))
    case.settle(("Aktivitetsstöd", 0), ("Aktivitetsstöd", 1))


def _married(case: Case) -> None:
    couple(case, 1, (SFI, SFI))
    for adult in case.household.adults:
        adult.registers["civil_status"] = "G"
    case.settle(("Etableringsersättning", 0), ("Etableringsersättning", 1))


def _lunch_at_six(case: Case) -> None:
    case.adult(JOB_SEEKING, case.rng.randrange(26, 45))
    case.household.child(6, elsewhere=bool(case.rng.randrange(2)))
    child_benefits(case, support=True)
    home(case)
    case.settle(("Etableringsersättning", 0))


def _next_age_band(case: Case) -> None:
    case.adult(JOB_SEEKING, case.rng.randrange(32, 45))
    case.household.turning_child(7, 11, 15)
    case.income("Barnbidrag", 1250)
    home(case)
    case.settle(("Etableringsersättning", 0))


def _alternating(case: Case) -> None:
    case.adult(JOB_SEEKING, case.rng.randrange(26, 45))
    case.household.child(7, 10, days=15, last_days=15)
    case.household.child(11, 14, days=15, last_days=15)
    case.income("Barnbidrag", 1250)
    home(case)
    case.settle(("Aktivitetsstöd", 0))


def _maintenance(case: Case) -> None:
    case.adult(JOB_SEEKING, case.rng.randrange(26, 45))
    children(case, 1)
    home(case)
    case.income("maintenance", case.between(1_200, 1_800))
    case.settle(("Etableringsersättning", 0))


def _swish(case: Case) -> None:
    some_household(case)
    case.income("swish", case.between(200, 800))


def _occupational_pension(case: Case) -> None:
    single(case, JOB_SEEKING, age=case.rng.randrange(58, 63))
    pension = case.between(1_500, 3_500)
    case.income("occupational_pension", pension, case.drift(pension))


def _declared_and_registered(case: Case) -> None:
    single_parent(case, 1)
    paid = next(income for income in case.incomes if income.kind == "Underhållsstöd")
    case.incomes.append(replace(paid, kind="maintenance", last=None, low=0, last_counted=0, before=None))
    case.settle(("Etableringsersättning", 0))


def _ignored_benefit(case: Case) -> None:
    some_household(case)
    case.income("Merkostnadsersättning", case.between(1_200, 2_000), last=None, low=0)


def _over_cap_as_last_month(case: Case) -> None:
    single(case, SICK_LEAVE)
    case.settle(("Sjukpenning", 0))
    case.cost("home_insurance", case.between(260, 320))


def _many_costs(case: Case) -> None:
    couple(case, 2)
    for cost, amount in (
        ("home_insurance", 165),
        ("internet", 249),
        ("unemployment_fund", 145),
        ("union_fee", 280),
        ("municipal_fees", 720),
    ):
        case.cost(cost, amount)
    case.cost("travel_work", case.between(400, 950))
    case.settle(("Arbetslöshetsersättning", 0), ("Sjukpenning", 1))


def _at_the_threshold(case: Case) -> None:
    """Exactly 12 % more, in a cost and in an income: not more than 12 %."""
    case.adult(SFI)
    case.cost("rent", 5_600, 5_000)
    case.cost("electricity", 336, 300)
    case.income("Bostadsbidrag", 1_400, 1_250)
    case.settle(("Etableringsersättning", 0))


def _ore(case: Case) -> None:
    couple(case, 1)
    case.cost("home_insurance", 152)
    case.costs[-1].applied = case.costs[-1].certain = kr(152) + 50
    paid = case.income("Arbetslöshetsersättning", case.between(6_000, 7_500))
    paid.now = paid.low = (paid.now or 0) + 65


def _permanent_permit(case: Case) -> None:
    some_household(case)
    day = shift(case.month, -40)
    permit = {
        "arendeTyp": "UT",
        "arendeTypNamn": "Uppehållstillstånd",
        "beslutsKod": "B",
        "beslutsTyp": "PUT",
        "beslutsTypNamn": "Permanent uppehållstillstånd",
        "beslutsdatum": day.isoformat(),
        "fromDatum": day.isoformat(),
        "giltighetstid": "PERMANENT",
    }
    case.household.adults[0].registers["permits"] = (permit,)


def _coordination_child(case: Case) -> None:
    case.adult(SFI, case.rng.randrange(28, 45))
    case.household.child(7, 10, coordination=True)
    case.income("Barnbidrag", 1250)
    home(case)
    case.settle(("Etableringsersättning", 0))


def _two_a_kassor(case: Case) -> None:
    single(case)
    half = case.between(2_000, 2_600)
    case.income("Arbetslöshetsersättning", 2 * half, case.drift(2 * half), halves=True)
    case.household.adults[0].other_a_kassor = (AKassaRecord(OTHER_A_KASSA),)


def _sick_without_benefit(case: Case) -> None:
    """Sickness without a certificate on record: for the caseworker's information only."""
    single(case, SICK_LEAVE)
    smaller_costs(case)


def _assigned_at_arrival(case: Case) -> None:
    some_household(case)
    case.more["assigned_user_id"] = "hand01test"


def _other_form_of_housing(case: Case) -> None:
    some_household(case)
    case.data["housingForm"] = case.rng.choice(("SUBLET", "RENTED_HOUSE", "CONDOMINIUM"))


STANDARD = (
    Group("standard.single_without_income", _single_without_income),
    _single_parent(1),
    _couple(2),
    Group("standard.single_sick", _single_sick),
    _couple(0),
    Group("standard.pensioner", _pensioner),
    Group("standard.lunch_known_from_last_month", _lunch_at_six),
    _single_parent(2),
    Group("standard.over_cap_as_last_month", _over_cap_as_last_month),
    Group("standard.establishment", _establishment),
    _couple(1),
    Group("standard.parental_leave_infant", _parental_leave),
    Group("standard.alternating_children", _alternating),
    Group("standard.single_activity_support", _single_activity),
    _single_parent(3),
    _couple(3),
    Group("standard.at_the_threshold", _at_the_threshold),
    Group("standard.couple_with_one_row", _couple_one_row),
    Group("standard.swish", _swish),
    Group("standard.single_disability", _single_disability),
    Group("standard.next_age_band", _next_age_band),
    Group("standard.ore", _ore),
    Group("standard.two_a_kassor", _two_a_kassor),
    Group("standard.many_costs", _many_costs),
    Group("standard.maintenance", _maintenance),
    _couple(4),
    Group("standard.sick_without_benefit", _sick_without_benefit),
    Group("standard.declared_and_registered_agree", _declared_and_registered),
    Group("standard.occupational_pension", _occupational_pension),
    Group("standard.young_disability", _young_disability),
    Group("standard.married", _married),
    Group("standard.permanent_permit", _permanent_permit),
    Group("standard.ignored_benefit", _ignored_benefit),
    Group("standard.current_month", some_household, months_ahead=0),
    Group("standard.coordination_number_child", _coordination_child),
    Group("standard.assigned_at_arrival", _assigned_at_arrival),
    Group("standard.other_form_of_housing", _other_form_of_housing),
)
