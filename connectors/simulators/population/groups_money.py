"""Applications where a cost, an income or the sum itself is for a person to judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.simulators.population.case import JOB_SEEKING, SFI, SICK_LEAVE, Case
from connectors.simulators.population.group import Group
from connectors.simulators.population.months import kr, shift
from connectors.simulators.population.renewals import children, couple, home, single, some_household
from connectors.simulators.population.tables import RENT_CAPS_KR


def _cost(slug: str, code: str, cost: str, now: int | None, last: int | None = -1) -> Group:
    """An ordinary renewal with one more cost, which is left blank."""

    def write(case: Case) -> None:
        _household_without(case, cost)
        case.cost(cost, now, last, certain=0)
        case.blank(code)

    return Group(slug, write)


def _household_without(case: Case, cost: str) -> None:
    """Write an ordinary household, and take that cost out of it."""
    some_household(case)
    kept = [place for place, row in enumerate(case.costs) if row.cost != cost]
    case.costs, case.last_costs = [case.costs[place] for place in kept], [case.last_costs[place] for place in kept]


def _rent_over_cap(case: Case) -> None:
    case.adult(SFI)
    cap = RENT_CAPS_KR[0]
    case.cost("rent", cap + 400, cap, certain=0, last_applied=cap + 400)
    case.cost("electricity", 320)
    case.blank("cost.over_cap")


def _proof_needed(case: Case) -> None:
    some_household(case)
    case.cost("medicine", 180, certain=0)
    case.more["attachments"] = (_attachment(case, "underlag.pdf"),)
    case.blank("cost.proof_needed")


def _attachment(case: Case, name: str) -> dict[str, Any]:
    day = shift(case.month, -1).isoformat()
    return {
        "id": case.household.identities.party_id(),
        "fileName": name,
        "mimeType": "application/pdf",
        "fileSize": 1024,
        "documentType": "APPLICATION",
        "senderRole": "CLIENT",
        "created": f"{day}T08:00:00Z",
    }


def _applied_twice(case: Case) -> None:
    case.adult(SFI)
    case.cost("rent", 5_400)
    case.cost("electricity", 150, 330, certain=0)
    case.cost("electricity", 180, None, certain=0)
    case.blank("cost.duplicate")


def _cost_gone(case: Case) -> None:
    """A cost of last month that is not applied for: nothing to flag, but no standard renewal either."""
    single(case, SFI)
    case.cost("travel_work", 300)
    case.costs.pop()
    case.not_standard = True


def _like_the_example(case: Case) -> None:
    """Three things at once: a cost up by more than 12 %, CSN silent, unemployment benefit gone."""
    couple(case, 1, (SICK_LEAVE, JOB_SEEKING))
    case.household.adults[0].registers["failing"] = {"CSN": "error"}
    case.income("Arbetslöshetsersättning", None, 6_100, person=1)
    case.cost("internet", 290, 220, certain=0)
    case.blank("cost.changed", "register.unavailable")
    case.flag("income.vanished")


COSTS = (
    _cost("cost.changed", "cost.changed", "travel_work", 640, 450),
    _cost("cost.new", "cost.new", "internet", 249, None),
    Group("cost.rent_over_cap", _rent_over_cap),
    Group("cost.proof_needed_medicine", _proof_needed),
    _cost("cost.left_to_caseworker_dental", "cost.left_to_caseworker", "dental_acute", 900),
    Group("cost.like_the_example", _like_the_example),
    _cost("cost.over_cap", "cost.over_cap", "internet", 330, 300),
    _cost("cost.proof_needed_medical_care", "cost.proof_needed", "medical_care", 250),
    _cost("cost.left_to_caseworker_other", "cost.left_to_caseworker", "other", 600),
    Group("cost.duplicate", _applied_twice),
    _cost("cost.unreadable", "cost.unreadable", "union_fee", None, 240),
    Group("cost.gone", _cost_gone),
)


def _lunch(age: int, *codes: str, **last: Any) -> Callable[[Case], None]:
    """A child of an age where the municipality states nothing, and last month's row does not tell where lunch is eaten either."""

    def write(case: Case) -> None:
        case.adult(SFI, case.rng.randrange(25, 40))
        case.household.child(age, elsewhere=True, **last)
        case.income("Barnbidrag", 1250)
        home(case)
        case.settle(("Etableringsersättning", 0))
        case.blank("norm.lunch_unknown", *codes)

    return write


def _eighteen(case: Case) -> None:
    """A child who has turned 18: the case system does not tell whether school goes on."""
    case.adult(JOB_SEEKING, case.rng.randrange(40, 55))
    case.household.child(18)
    home(case)
    case.settle(("Etableringsersättning", 0))
    case.open_norm = case.household.children[0].amount(case.month, None) + case.household.common_without(1)
    case.blank("norm.youth_unknown", "norm.members_unknown")


NORMS = (
    Group("norm.lunch_unknown_at_six", _lunch(6, untold=True)),
    Group("norm.youth_unknown", _eighteen),
    Group("norm.lunch_unknown_infant", _lunch(0, untold=True)),
    Group("norm.amount_set_by_hand", _lunch(6, "case.household_changed", last_amount=kr(2_900))),
)


def _income(slug: str, kind: str, now: int | None, before: int | None, *codes: str, blank: bool = False, **more: Any) -> Group:
    """An ordinary renewal with one more income."""

    def write(case: Case) -> None:
        single(case)
        case.settle(("Aktivitetsstöd", 0), low=3_000)
        row = case.income(kind, now, before, **more)
        row.payment = dict(row.payment)
        (case.blank if blank else case.flag)(*codes)

    return Group(slug, write)


def _salary(case: Case) -> None:
    """Pay of the same amount as last month; whether a quarter of it is left out is not known."""
    single(case, {"planningType": "WORK", "workExtent": "PART"})
    pay = case.between(4_000, 8_000, 100)
    case.income("salary", pay, low=pay * 3 // 4, last_counted=pay * 3 // 4)
    case.more["attachments"] = (_attachment(case, "lonebesked.pdf"),)
    case.blank("income.jobbstimulans_unknown")


def _differs(slug: str, benefit: str, paid: int, declared_kind: str, declared: int) -> Group:
    """The same income with two amounts, so that only the lower is certain."""

    def write(case: Case) -> None:
        if benefit == "Underhållsstöd":
            case.adult(JOB_SEEKING, case.rng.randrange(26, 45))
            children(case, 1)
            home(case)
        else:
            single(case, SICK_LEAVE, age=case.rng.randrange(67, 75))
        case.income(benefit, paid, low=min(paid, declared))
        case.income(declared_kind, declared, last=None, low=0)
        case.blank("income.differs")

    return Group(slug, write)


def _foreign_currency(case: Case) -> None:
    single(case)
    case.income("Bostadsbidrag", 1_200, low=0, payment={"currency": "EUR"})
    case.blank("income.currency")


INCOMES = (
    _income("income.changed", "Bostadsbidrag", 1_900, 1_500, "income.changed"),
    _income("income.vanished", "Bostadsbidrag", None, 1_500, "income.vanished"),
    _income("income.new", "Bostadsbidrag", 1_400, None, "income.new"),
    _income("income.month_before", "Bostadsbidrag", None, 900, "income.month_before", last=None, low=900),
    _income("income.off_list", "Tillfällig föräldrapenning", 900, None, "income.off_list", blank=True, low=0),
    Group("income.salary_window_unknown", _salary),
    _differs("income.differs_maintenance", "Underhållsstöd", 1_823, "maintenance", 1_500),
    _income("income.deductions_fk", "Bostadsbidrag", 1_600, 1_600, "income.deductions", other_deductions=kr(300)),
    _income("income.left_to_caseworker", "Omvårdnadsbidrag", 1_800, None, "income.left_to_caseworker", blank=True, low=0),
    _income(
        "income.unreadable", "Bostadsbidrag", 1_200, 1_200, "income.unreadable", blank=True, low=0, payment={"raw_amount": "ettusentvå"}
    ),
    Group("income.currency", _foreign_currency),
    _income("income.other_declared", "other", 700, None, "income.left_to_caseworker", blank=True, last=None, low=0),
    _income(
        "income.aid_other_municipality", "aid_other_municipality", 800, None, "income.left_to_caseworker", blank=True, last=None, low=0
    ),
    _income("income.unknown_benefit", "Påhittat tillägg", 650, None, "income.off_list", blank=True, low=0),
    _income("income.off_list_pregnancy", "Graviditetspenning", 1_100, None, "income.off_list", blank=True, low=0),
    _income("income.deductions_a_kassa", "Arbetslöshetsersättning", 1_900, 1_800, "income.deductions", other_deductions=kr(250)),
    _income("income.deductions_pm", "Bostadstillägg", 1_500, 1_500, "income.deductions", other_deductions=kr(200)),
    _differs("income.differs_pension", "Ålderspension", 8_000, "occupational_pension", 8_300),
)


def _need_differs(case: Case) -> None:
    """Every income within the threshold, and the need still moves by more than 2 000."""
    couple(case, 3, (SICK_LEAVE, JOB_SEEKING))
    case.income("Sjukpenning", 9_900, 11_000)
    case.income("Aktivitetsstöd", 8_000, 9_000, person=1)


def _part_refusal(slug: str, last: tuple[int, int] | None) -> Group:
    """Medical transport, which the guidelines do not grant. `last` = applied and approved last month."""

    def write(case: Case) -> None:
        some_household(case)
        if last is None:
            case.cost("travel_medical", case.between(150, 600), None, certain=0)
        else:
            case.cost("travel_medical", last[0], last[1], certain=0, last_applied=last[0])
        case.part_refusal = True

    return Group(slug, write)


def _refusal(slug: str, left: int) -> Group:
    """Incomes as large as norm and costs, or larger, after a small need last month."""

    def write(case: Case) -> None:
        single(case, SICK_LEAVE)
        last = case.calculation().need // 100 - 200
        case.income("Sjukpenning", case.known_need() // 100 + left, last)

    return Group(slug, write)


def _high_need(case: Case) -> None:
    couple(case, 4)
    case.cost("municipal_fees", 1_150)


SUMS = (
    Group("sum.need_differs", _need_differs),
    _part_refusal("result.part_refusal", (240, 0)),
    _refusal("result.refusal", 350),
    Group("result.high_need", _high_need),
    _part_refusal("result.part_refusal_new_cost", None),
    _refusal("result.refusal_exactly", 0),
)
