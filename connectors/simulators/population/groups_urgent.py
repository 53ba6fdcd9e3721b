"""Applications that a person must have at once, or that the robot must not touch: urgent, stop, and those a person already has."""

from __future__ import annotations

from connectors.simulators.population.case import JOB_SEEKING, SICK_LEAVE, Case
from connectors.simulators.population.group import Group
from connectors.simulators.population.months import last_of, number, shift
from connectors.simulators.population.renewals import couple, single, some_household
from connectors.simulators.world import AfRecord


def _urgent(code: str, text: str) -> Group:
    def write(case: Case) -> None:
        some_household(case)
        case.data["livelihoodDescription"] = text
        case.outcome = "urgent"
        case.flag(code)

    return Group(code, write)


def _urgent_in_another_field(case: Case) -> None:
    """The words stand where no free text is expected: beside a cost."""
    some_household(case)
    case.costs[0].period = "hyran, annars blir det vräkning"
    case.outcome = "urgent"
    case.flag("urgent.eviction")


def _urgent_and_protected(case: Case) -> None:
    """Urgent comes first, and registers are not asked: nothing may tell that the person is protected."""
    some_household(case)
    case.data["livelihoodDescription"] = "Jag är utsatt för våld och hot."
    case.household.adults[0].registers["protected_fk"] = True
    case.more["protected"] = True
    case.outcome = "urgent"
    case.flag("urgent.violence")


def _stop(case: Case, code: str = "stop.protected_identity") -> None:
    case.outcome = "stop"
    case.flag(code)


def _protected_by_fk(case: Case) -> None:
    some_household(case)
    case.household.adults[0].registers["protected_fk"] = True
    _stop(case)


def _protected_by_af(case: Case) -> None:
    some_household(case)
    case.household.adults[0].registers["af"] = AfRecord(job_seeker=True, registered=shift(case.month, -14), protected=True)
    _stop(case)


def _protected_by_csn(case: Case) -> None:
    some_household(case)
    case.household.adults[0].registers["protected_csn"] = True
    _stop(case)


def _protected_co_applicant(case: Case) -> None:
    couple(case, 1)
    case.household.adults[1].registers["protected_fk"] = True
    _stop(case)


def _protected_by_case_system(case: Case) -> None:
    some_household(case)
    case.more["protected"] = True
    _stop(case)


def _protection_unknown(case: Case) -> None:
    """No source could say for the co-applicant: FK refuses the person, AF and CSN fail."""
    couple(case, 0, (JOB_SEEKING, SICK_LEAVE))
    case.household.adults[1].registers |= {"gepi": False, "failing": {"AF": "error", "CSN": "error"}}
    _stop(case, "stop.protection_unknown")


def _unreadable(case: Case) -> None:
    """An application without applicant and month: nothing in it can be read as an application."""
    some_household(case)
    case.unreadable = {"applicationType": "RENEWAL", "attestation": True}
    _stop(case, "stop.unreadable")


def _decided_on_the_errand(case: Case) -> None:
    some_household(case)
    case.outcome = "taken_by_person"
    case.more["payment_decision"] = {
        "value": "BIFALL",
        "amount": number(max(case.known_need(), 0)),
        "description": "Beviljas enligt norm",
        "periodFrom": case.month.isoformat(),
        "periodTo": last_of(case.month).isoformat(),
        "createdBy": "hand02test",
    }


def _decided_in_lifecare(case: Case) -> None:
    some_household(case)
    case.outcome = "taken_by_person"
    case.decided_by_person = True


def _waiting_for_a_planned_payment(case: Case) -> None:
    """Housing allowance is planned for the last day of the month, and shown as paid the day after: nothing else is in the way."""
    single(case)
    planned = case.income("Bostadsbidrag", case.between(700, 1_200), low=0)
    planned.payment = {"paid_on": last_of(case.day), "visible_from": case.month, "planned": True}
    case.settle(("Aktivitetsstöd", 0), low=3_000)
    case.outcome = "waiting_for_income"


URGENT = (
    _urgent("urgent.eviction", "Jag har fått besked om vräkning från min lägenhet."),
    _urgent("urgent.violence", "Jag är utsatt för våld hemma."),
    _urgent("urgent.no_food", "Vi har ingen mat hemma."),
    _urgent("urgent.homeless", "Jag är hemlös sedan i måndags."),
    _urgent("urgent.child_in_danger", "Mitt barn far illa."),
    _urgent("urgent.no_medicine", "Jag har ingen medicin kvar och kan inte hämta ut min medicin."),
    Group("urgent.in_another_field", _urgent_in_another_field),
    Group("urgent.protected_too", _urgent_and_protected),
)
STOP = (
    Group("stop.protected_by_fk", _protected_by_fk),
    Group("stop.protection_unknown", _protection_unknown),
    Group("stop.protected_by_case_system", _protected_by_case_system),
    Group("stop.protected_by_af", _protected_by_af),
    Group("stop.protected_co_applicant", _protected_co_applicant),
    Group("stop.protected_by_csn", _protected_by_csn),
    Group("stop.unreadable", _unreadable),
)
WAITING = (Group("waiting.planned_payment", _waiting_for_a_planned_payment),)
TAKEN = (
    Group("taken.decided_on_the_errand", _decided_on_the_errand),
    Group("taken.decided_in_lifecare", _decided_in_lifecare),
)
