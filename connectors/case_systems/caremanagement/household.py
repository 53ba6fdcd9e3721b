"""Who is in the household: adults, children, others in the home, and what is said of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.case_systems.caremanagement import tables
from connectors.case_systems.caremanagement.fields import Section, Unreadable, party_of
from connectors.case_systems.caremanagement.texts import Texts
from rules.facts import Household, Member
from rules.month import Month

_WHOLE_MONTH_FROM_DAYS = 28
"""A child said to live here full time has at least this many days, whatever length of month the form counts with."""
_MOST_PERSONS = 60


@dataclass(frozen=True, slots=True)
class People:
    """The household, the refs of its adults, the party id behind each ref, and whether an interpreter is needed."""

    household: Household
    adults: tuple[str, ...]
    parties: Mapping[str, str]
    interpreter: bool | None


def read(data: Section, month: Month, texts: Texts) -> People:
    """Return the people of an application.

    Raises Unreadable when it is not clear who applies: nobody, the same person twice, a role or a person without identity.
    """
    adults, parties, interpreter = _adults(data, texts)
    children = _children(data, month, parties, texts)
    members = (*adults, *children)
    named = [party for party in parties.values() if party]
    if len(set(named)) != len(named):
        raise Unreadable("same_person")
    household = Household(
        civil_status=data.choice("maritalStatus", tables.CIVIL_STATUS),
        others_in_home=_others(data, len(members)),
        members=members,
        children_residence_changed=data.flag("childrenResidenceChanged"),
    )
    return People(household, tuple(adult.ref for adult in adults), parties, interpreter)


def _adults(data: Section, texts: Texts) -> tuple[list[Member], dict[str, str], bool | None]:
    parties: dict[str, str] = {}
    needs: list[bool | None] = []
    for person in data.sections("persons"):
        ref = person.choice("role", tables.ROLES)
        party = party_of(person.take("partyId"))
        if ref not in ("applicant", "co_applicant"):
            raise Unreadable("unknown_role")
        if ref in parties:
            raise Unreadable("same_role_twice")
        if party is None:
            raise Unreadable("no_identity")
        parties[ref] = party
        needs.append(person.flag("needsInterpreter"))
        texts.add("work", person.text("hadWorkDescription"))
        _payment(person, texts)
        person.skip("interpreterLanguage", "hadWorkLast12Months", "email", "phone", "notifyByEmail", "notifyBySms")
        person.close()
    if "applicant" not in parties:
        raise Unreadable("no_applicant")
    adults = [Member(ref=ref, role=ref) for ref in ("applicant", "co_applicant") if ref in parties]
    return adults, parties, _any(needs)


def _payment(person: Section, texts: Texts) -> None:
    """New payment details are a person's to look at: the robot knows no accounts."""
    same = person.flag("paymentSameAsPrevious")
    other = person.known_choice("paymentMethod", tables.PAYMENT_METHODS) == "other"
    described = person.text("otherPaymentDescription")
    person.skip("clearingNumber", "accountNumber")
    texts.add("payment", described)
    if described is None and (same is False or (other and same is not True)):
        texts.add("payment", "Betalningsuppgifterna är ändrade")


def _children(data: Section, month: Month, parties: dict[str, str], texts: Texts) -> list[Member]:
    children = []
    for number, child in enumerate(data.sections("children"), start=1):
        ref = f"child-{number}"
        stated = child.take("partyId")
        party = party_of(stated)
        if party is not None:
            parties[ref] = party
        else:
            child.note("partyId", "no party id" if stated is None else "not a party id")
        residence = child.choice("residenceExtent", tables.RESIDENCE)
        children.append(Member(ref=ref, role="child", residence=residence, days_in_home=_days(child, residence, month)))
        texts.add("school", child.text("schoolName"))
        child.skip("firstName", "lastName")
        child.close()
    _has_children(data, bool(children))
    return children


def _days(child: Section, residence: str | None, month: Month) -> int | None:
    """Full time is the whole month; a count that contradicts it is kept and noted."""
    days = child.whole("daysInHome", low=0, high=31)
    if residence != "full_time":
        return days if days is None else min(days, month.days)
    if days is not None and days < _WHOLE_MONTH_FROM_DAYS:
        child.note("daysInHome", days)
        return days
    return month.days


def _has_children(data: Section, has: bool) -> None:
    stated = data.flag("hasChildrenUnder21")
    if stated is not has and not (stated is None and has):
        data.note("hasChildrenUnder21", stated)


def _others(data: Section, members: int) -> int | None:
    count = data.whole("housingPersonCount", low=0, high=_MOST_PERSONS)
    if count is None:
        return None
    if not 0 <= count - members <= 50:
        data.note("housingPersonCount", count)
        return None
    return count - members


def _any(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False
