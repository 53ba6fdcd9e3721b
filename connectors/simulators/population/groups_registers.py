"""Applications where a register fails, says something new, or differs from the application."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.simulators.population.case import JOB_SEEKING, SFI, SICK_LEAVE, Case
from connectors.simulators.population.group import Group
from connectors.simulators.population.months import last_of, on, shift
from connectors.simulators.population.renewals import couple, home, single, some_household
from connectors.simulators.population.tables import OTHER_A_KASSA
from connectors.simulators.world import AfRecord, AKassaRecord

_SMALL = {"FK": "Bostadsbidrag", "PM": "Bostadstillägg", "SO": "Arbetslöshetsersättning"}


def _failing(slug: str, source: str, how: str = "error") -> Group:
    """A source that holds incomes can't be checked: nothing known of it is certain, and nothing has vanished."""

    def write(case: Case) -> None:
        single(case, SFI)
        if source in _SMALL:
            case.income(_SMALL[source], case.between(700, 1_700), low=0)
        case.household.adults[0].registers["failing"] = {source: how}
        case.blank("register.unavailable")

    return Group(slug, write)


def _failing_without_income(slug: str, source: str) -> Group:
    """A source that holds no incomes can't be checked: a flag, no blank."""

    def write(case: Case) -> None:
        some_household(case)
        case.household.adults[0].registers["failing"] = {source: "error"}
        case.flag("register.unavailable")

    return Group(slug, write)


def _fk_with_the_main_income(case: Case) -> None:
    """The silent source pays most of what the household lives on, so the need known so far moves too."""
    couple(case, 0, (SICK_LEAVE, SFI))
    case.settle(("Sjukpenning", 0), ("Etableringsersättning", 1))
    case.incomes[0].low = 0
    case.household.adults[0].registers["failing"] = {"FK": "error"}
    case.blank("register.unavailable")


def _silent_a_kassa(case: Case) -> None:
    """One of two a-kassor does not answer."""
    single(case)
    case.income("Arbetslöshetsersättning", 4_300, 4_200)
    case.household.adults[0].other_a_kassor = (AKassaRecord(OTHER_A_KASSA, status="Inget svar"),)
    case.blank("register.incomplete")


def _person(slug: str, code: str, **records: Any) -> Group:
    def write(case: Case) -> None:
        single(case, SFI)
        case.household.adults[0].registers |= records
        case.flag(code)

    return Group(slug, write)


def _deceased(case: Case) -> None:
    couple(case, 0)
    case.settle(("Aktivitetsstöd", 0), low=3_000)
    case.household.adults[1].registers["deceased"] = on(shift(case.month, -1), 5)
    case.flag("register.deceased")


def _emigrated(case: Case) -> None:
    single(case, SFI)
    case.household.adults[0].registers["emigrated"] = on(shift(case.month, -2), 20)
    case.flag("register.emigrated")


def _not_job_seeker(case: Case) -> None:
    single(case, JOB_SEEKING)
    case.household.adults[0].registers["af"] = AfRecord(job_seeker=False)
    case.flag("register.not_job_seeker")


def _suspended(case: Case) -> None:
    single(case)
    before = shift(case.month, -1)
    fund = AKassaRecord(OTHER_A_KASSA, suspended_from=on(before, 3), suspended_to=last_of(case.month))
    case.household.adults[0].other_a_kassor = (fund,)
    case.flag("register.suspended")


def _pending_at_fk(case: Case) -> None:
    single(case, SICK_LEAVE)
    case.household.adults[0].registers["pending"] = (("SJP", case.day - timedelta(days=25)),)
    case.flag("register.benefit_pending")


def _pending_at_a_kassa(case: Case) -> None:
    single(case)
    fund = AKassaRecord(OTHER_A_KASSA, applied_on=case.day - timedelta(days=20))
    case.household.adults[0].other_a_kassor = (fund,)
    case.flag("register.benefit_pending")


def _pending_in_application(case: Case) -> None:
    case.adult(SFI)
    home(case)
    person = case.household.adults[0].person
    pending = {"benefitName": "Bostadsbidrag", "applicantName": f"{person.first_name} {person.last_name}"}
    case.data |= {"hasPendingBenefits": True, "pendingBenefits": [pending]}
    case.flag("register.benefit_pending")


REGISTERS = (
    _failing("register.fk_error", "FK"),
    _failing_without_income("register.af_error", "AF"),
    _failing("register.csn_error", "CSN"),
    Group("register.not_job_seeker", _not_job_seeker),
    _failing("register.so_error", "SO"),
    Group("register.benefit_pending_fk", _pending_at_fk),
    Group("register.deceased", _deceased),
    _failing("register.pm_error", "PM"),
    Group("register.suspended", _suspended),
    _failing_without_income("register.skv_error", "SKV"),
    _failing_without_income("register.tns_error", "TNS"),
    _failing_without_income("register.miv_error", "MIV"),
    Group("register.fk_error_main_income", _fk_with_the_main_income),
    _failing("register.fk_missing", "FK", "missing"),
    _failing("register.fk_otillganglig", "FK", "otillganglig"),
    _failing("register.pm_felande", "PM", "felande"),
    _failing("register.fk_avvikelse", "FK", "avvikelse"),
    Group("register.a_kassa_silent", _silent_a_kassa),
    _person("register.civil_status", "register.civil_status", civil_status="G"),
    _person("register.unknown_value", "register.unrecognised", civil_status="okänd kod"),
    _person("register.other_address", "register.other_address", other_address=True),
    Group("register.emigrated", _emigrated),
    Group("register.benefit_pending_a_kassa", _pending_at_a_kassa),
    Group("register.benefit_pending_application", _pending_in_application),
)
