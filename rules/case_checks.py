"""What in the application and its history is for a person to judge: flags about the case itself."""

from __future__ import annotations

from dataclasses import replace

from rules import labels
from rules.context import Case, age_on, birth_date, is_right_number
from rules.facts import Member, Permit
from rules.findings import Findings
from rules.legal import CaseTime, before, rule, since
from rules.month import Month
from rules.norm import are_together, riksnorm_child
from rules.norm_lines import child_facts, norm_table, previous_norm, quotients_of

_TYPES = {"renewal": None, "first": "case.first_application", "supplementary": "case.supplementary_application"}
_HOUSING_RECOGNISED = ("rental", "sublet", "condominium", "owned_house", "rented_house")
_TEXT_NOT_COUNTED = ("job_title", "employer", "school", "recipient", "benefit_name")
_PLANS_RECOGNISED = ("work", "job_seeking", "sick_leave", "sfi", "studies")
_MAYBE_HOMELESS = "(ansökan skiljer inte hemlöshet från institution: någon bör se på den snart)"
_SCHOOL_AGE = 21
_OF_AGE = 18
_RESIDENCES = ("full_time", "half_time", "other")


def add_case_flags(case: Case, out: Findings) -> None:
    """Go through the application, the household, the housing and the history."""
    _application(case, out)
    _texts(case, out)
    _household(case, out)
    _changed_household(case, out)
    _housing(case, out)
    _means(case, out)
    _plans(case, out)
    _stay(case, out)
    _history(case, out)


def _application(case: Case, out: Findings) -> None:
    application = case.file.application
    code = _TYPES.get(application.type, "case.type_unknown")
    if code:
        out.flag(code)
    received = Month.of(case.time.received)
    if case.month < received:
        out.flag("case.earlier_month")
    if case.month > received.plus(1):
        out.flag("case.later_month")
    if application.interpreter or application.meeting:
        out.flag("case.interpreter_or_meeting")
    if application.other_norm:
        grounds = deviation_from_norm.at(case.time)
        assert grounds is not None
        out.flag("case.other_norm", more=f"({grounds.apply()})")
    if application.stays_in_municipality is False:
        out.flag("case.stays_elsewhere")
    if not _signed(case):
        out.flag("case.signature_missing")
    for unknown in application.unrecognised:
        out.flag("case.unrecognised", unknown.path, label=unknown.path)


@rule("SoL 2025:400 12 kap. 7 § tredje stycket", in_force=since(2025, 7, 1).until(2026, 12, 31))
@rule("SoL 2001:453 4 kap. 3 § tredje stycket", in_force=before(2025, 7, 1))
def deviation_from_norm() -> str:
    """Say what the law asks of whoever counts with other amounts than riksnormens: that is always the caseworker."""
    return "högre eller lägre belopp kräver särskilda skäl i det enskilda fallet"


@deviation_from_norm.version("SoL 2025:400 12 kap. 7 b § (2026:897)", in_force=since(2027, 1, 1))
def deviation_from_norm_2027() -> str:
    """From 2027 the norm is a ceiling."""
    return (
        "riksnormen är ett tak: högre belopp kräver särskilda skäl för barn och skolungdomar under 21 år och synnerliga skäl för andra; "
        "lägre belopp kräver särskilda skäl"
    )


def _signed(case: Case) -> bool:
    """Say whether every adult has signed: by the case itself, or because the channel lets nobody apply otherwise."""
    signed = case.file.application.signed
    said = [signed.applicant] + ([signed.co_applicant] if len(case.adults) == 2 else [])
    if False in said:
        return False
    statement = case.book.guidelines.signatures_required.at(case.month)
    channel = case.file.application.channel or "unknown"
    return None not in said or (statement is not None and channel in statement.value)


def _texts(case: Case, out: Findings) -> None:
    application = case.file.application
    for written in application.free_text:
        if written.text.strip() and written.field not in _TEXT_NOT_COUNTED:
            out.flag("case.free_text", written.field, label=labels.field(written.field))
    if any(cost.specification and cost.specification.strip() for cost in application.costs):
        out.flag("case.free_text", "cost_specification", label=labels.field("cost_specification"))
    texts = [written.text for written in application.free_text] + [cost.specification or "" for cost in application.costs]
    if "case.debt" in case.book.words.flags_in(texts):
        out.flag("case.debt")


def _household(case: Case, out: Findings) -> None:
    household = case.file.application.household
    _civil_status(case, out, household.civil_status)
    if household.others_in_home is None or household.others_in_home > 0:
        out.flag("case.others_in_home", "others_in_home")
    if household.children_residence_changed:
        out.flag("case.residence_changed")
    for member in (*case.adults, *case.children):
        if not is_right_number(member):
            label = f"personnummer, {labels.person(member.ref)}"
            out.flag("case.unrecognised", f"{member.ref}.personnummer", person=member.ref, label=label)
    for adult in case.adults:
        born = birth_date(adult)
        if born is None:
            out.flag("case.missing_fact", f"{adult.ref}.birth_date", person=adult.ref, label=f"födelsedatum, {labels.person(adult.ref)}")
            continue
        age = age_on(born, case.month.first)
        if age < _OF_AGE:
            out.flag("case.under_age", adult.ref, person=adult.ref)
        if age < _SCHOOL_AGE and adult.school_youth is not False:
            out.flag("case.school_youth", adult.ref, person=adult.ref)
    for child in case.children:
        _residence(case, out, child)
    _many_children(case, out)


def _civil_status(case: Case, out: Findings, status: str | None) -> None:
    """Flag a civil status that is unknown or that the number of adults contradicts, in months without norm amounts too."""
    if len(case.adults) == 2:
        if not are_together(status):
            out.flag("case.civil_status_unknown", "norm.adults")
    elif are_together(status):
        out.flag("case.no_co_applicant", "norm.applicant", person="applicant")
    elif status != "single":
        out.flag("case.civil_status_unknown", "norm.applicant", person="applicant")


@rule("SoL 2025:400 12 kap. 7 a § (2026:897)", in_force=since(2027, 1, 1))
def many_children(children: int, more_than: int) -> bool:
    """Say whether the limits for households with many children may apply; the regulation about them is not known yet.

    `children` are the children and the school youths under 21 who live at home.
    """
    return children > more_than


def _many_children(case: Case, out: Findings) -> None:
    version = many_children.at(case.time)
    if version is None:
        return
    more_than = case.book.law.many_children_more_than.at(version.month_of(case.time))
    # What is not known of a child is no reason to leave it out.
    children = [child_facts(case, child, case.month) for child in case.children]
    at_home = sum(child.in_household is not False and (child.days != 0 or child.whole_month) for child in children)
    if more_than is not None and version.apply(at_home, more_than.value):
        out.flag("case.many_children")


def _residence(case: Case, out: Findings, child: Member) -> None:
    """Flag a residence of an unknown kind, and one that the number of days contradicts."""
    label = f"boende, {labels.person(child.ref)}"
    if child.residence is not None and child.residence not in _RESIDENCES:
        out.flag("case.unrecognised", f"{child.ref}.residence", person=child.ref, label=label)
    if child.days_in_home is None:
        return
    whole = child.days_in_home >= case.month.days
    if child.days_in_home == 0 or (child.residence == "full_time" and not whole) or (child.residence == "half_time" and whole):
        out.flag("case.contradiction", f"{child.ref}.days_in_home", person=child.ref, label=label)


def _changed_household(case: Case, out: Findings) -> None:
    if case.file.history.civil_status_changed:
        out.flag("case.household_changed", "civil_status", label="civilståndet är ändrat")
    if case.previous is None:
        return
    now = [member.ref for member in (*case.adults, *case.children)]
    if not case.previous.members:
        out.flag("case.household_changed", "members", label="förra månadens hushåll är inte känt")
        return
    for ref in now:
        if ref not in case.previous.members:
            out.flag("case.household_changed", ref, person=ref, label=f"{labels.person(ref)} är ny")
    for ref in case.previous.members:
        if ref not in now:
            out.flag("case.household_changed", ref, label=f"{labels.person(ref)} är inte med längre")
    for child in case.children:
        if child.ref in case.previous.members and not _same_days(case, child):
            out.flag("case.household_changed", f"{child.ref}.days", person=child.ref, label=f"antal dagar, {labels.person(child.ref)}")


def _same_days(case: Case, child: Member) -> bool:
    """Say whether last month's norm row fits the days of this month's application.

    Without such a row a child who lives here all month is taken to have done so; for any other child nobody can tell.
    """
    last = case.month.plus(-1)
    amount, table = previous_norm(case, child.ref), norm_table(case, last)
    version = riksnorm_child.at(CaseTime(last, last.first))
    now = child_facts(case, child, case.month)
    then_days = child.days_in_home or 0
    if amount is None or table is None or version is None:
        return now.whole_month
    then = replace(child_facts(case, child, last), whole_month=now.whole_month or then_days >= last.days)
    quotients = quotients_of(case, last)
    found = [version.apply(replace(then, lunch_elsewhere=lunch), table, quotients).amount for lunch in (True, False)]
    return now.whole_month if None in found else amount in found


def _housing(case: Case, out: Findings) -> None:
    housing = case.file.application.housing
    if housing.form not in _HOUSING_RECOGNISED:
        out.flag("case.no_housing", more=_MAYBE_HOMELESS if housing.form == "none_or_institution" else "")
    if housing.changed is not False:
        out.flag("case.housing_changed")


def _means(case: Case, out: Findings) -> None:
    application = case.file.application
    for asset in application.assets:
        if asset.type == "company":
            out.flag("case.self_employed")
        out.flag("case.assets", f"asset.{asset.type}", label=labels.asset(asset.type))
    for number, pending in enumerate(application.pending_benefits):
        whose = f", {labels.person(pending.person)}" if pending.person else ""
        label = f"{labels.short(pending.benefit)}{whose}"
        out.flag("register.benefit_pending", f"application.{number}", person=pending.person, label=label)


def _plans(case: Case, out: Findings) -> None:
    plans = case.file.application.plans
    # "Other" says nothing by itself; described in words it is known what it is, and the words are flagged for a person to read.
    described = any(written.field == "plan_other" and written.text.strip() for written in case.file.application.free_text)
    for adult in case.adults:
        own = [plan.type for plan in plans if plan.person == adult.ref]
        if not own or any(kind not in _PLANS_RECOGNISED and not (kind == "other" and described) for kind in own):
            out.flag("case.plan_unknown", adult.ref, person=adult.ref)
    _students(case, out)
    for plan in plans:
        if plan.extent is not None and plan.extent.startswith(labels.UNKNOWN):
            out.flag("case.unrecognised", f"{plan.person}.extent", label="omfattning av planeringen")
    known = [adult.ref for adult in case.adults]
    if any(plan.person not in known for plan in plans):
        out.flag("case.plan_unknown", "unknown_person")


@rule("SoL 2025:400 12 kap. 1 och 3 §§", in_force=since(2025, 7, 1))
@rule("SoL 2001:453 4 kap. 1 §", in_force=before(2025, 7, 1))
def student(plans: tuple[str, ...], *, in_register: bool, vacation: bool) -> bool:
    """Say whether studies are for a person to judge: a student lives by studiestöd, and in vacation by work like anybody else.

    In the months that the guidelines call vacation a student who plans for something else than studies is no exception.
    """
    if vacation and any(plan != "studies" for plan in plans):
        return False
    return in_register or "studies" in plans


def _students(case: Case, out: Findings) -> None:
    """Flag studies by the plan, and by each register that tells of them."""
    version = student.at(case.time)
    assert version is not None
    months = case.book.guidelines.student_vacation
    found = months.at(case.month) if months is not None else None
    vacation = found is not None and case.month.number in found.value
    for adult in case.adults:
        plans = _planned(case, adult.ref)
        if version.apply(plans, in_register=False, vacation=vacation):
            out.flag("case.student", adult.ref, person=adult.ref)
    for (person, source), answer in case.answers.items():
        told = answer.facts.student is True and case.answered(person, source) and case.file.person(person) is not None
        if told and version.apply(_planned(case, person), in_register=True, vacation=vacation):
            out.flag("case.student", f"{person}.{source}", person=person)


def _planned(case: Case, person: str) -> tuple[str, ...]:
    return tuple(plan.type for plan in case.file.application.plans if plan.person == person)


@rule("SoL 2025:400 12 kap. 2 a § (2026:897)", in_force=since(2027, 1, 1))
def lawful_stay(permits: tuple[Permit, ...], month: Month) -> bool:
    """Say whether lawful stay must be looked at: permits are on record, and none is known to hold for the whole month.

    Without lawful stay there is a right to what is needed in acute situations only. No permit on record says nothing: most need none.
    """
    return bool(permits) and not any(
        (permit.from_day is None or permit.from_day <= month.first) and (permit.to_day is None or permit.to_day >= month.last)
        for permit in permits
    )


def _stay(case: Case, out: Findings) -> None:
    version = lawful_stay.at(case.time)
    if version is None:
        return
    for adult in case.adults:
        answer = case.answers.get((adult.ref, "MIV"))
        if answer is not None and answer.status != "unavailable" and version.apply(answer.facts.permits, case.month):
            out.flag("case.lawful_stay", adult.ref, person=adult.ref)


def _history(case: Case, out: Findings) -> None:
    history = case.file.history
    if case.previous is None:
        out.flag("case.history_unknown")
    else:
        for row in case.previous.unrecognised:
            out.flag("case.history_unrecognised", row, label=labels.short(row))
    last_need = case.previous.need if case.previous else 0
    if max(history.surplus or 0, -last_need) > 0:
        out.flag("case.surplus")
    if history.decided_by_person:
        out.flag("case.already_decided")
    _closed(case, out)


def _closed(case: Case, out: Findings) -> None:
    """Flag a case closed shortly before the application; how shortly is the guidelines' to say, and without that any is."""
    closed, within = case.file.history.closed_on, case.book.guidelines.recently_closed.at(case.month)
    if closed is not None and (within is None or (case.time.received - closed).days <= within.value):
        when = "tidigare; riktlinjen om hur länge det har betydelse saknas" if within is None else f"de senaste {within.value} dagarna"
        out.flag("case.recently_closed", label=when)
