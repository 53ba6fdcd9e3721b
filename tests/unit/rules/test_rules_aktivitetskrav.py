"""Aktivitetskrav: what the caseworker is told about when it applies, of whom it must not be asked, and for how many hours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules.aktivitetskrav import Person, adapted_to, aktivitetskrav_exemptions, aktivitetskrav_hours
from rules.assessment import Assessment
from rules.legal import CaseTime
from rules.month import Month

APPLICANT = "application/household/members/applicant"
NO_BIRTH_DATE: dict[str, Any] = {f"{APPLICANT}/personnummer": None}
BEGINS = "ingen plan av nämnden i underlaget"
WAYS = CaseTime(Month(2026, 10), Month(2026, 10).first)


def told(result: Assessment, person: str = "applicant") -> dict[str, str]:
    return {flag.code: flag.text for flag in result.flags if flag.code.startswith("info.aktivitetskrav") and flag.key == person}


def exemptions(person: Person, pension_age: int | None = 67) -> dict[str, bool]:
    version = aktivitetskrav_exemptions.at(WAYS)
    assert version is not None
    return {one.text: one.certain for one in version.apply(person, pension_age)}


def born(text: str) -> dict[str, Any]:
    return {f"{APPLICANT}/personnummer": None, f"{APPLICANT}/birth_date": text}


AGES = [
    # born, in school, what is exempt for certain in December 2026
    ("2008-12-02", False, "under 18 år"),
    ("2008-12-01", False, None),
    ("2008-12-01", True, "18–20 år och går i grundskola eller gymnasium"),
    ("2005-12-02", True, "18–20 år och går i grundskola eller gymnasium"),
    ("2005-12-01", True, None),
    ("2005-12-02", None, None),
    ("1959-12-02", None, None),
    ("1959-12-01", None, "har nått riktåldern för pension, 67 år"),
]


@pytest.mark.parametrize(("day", "school", "exempt"), AGES)
def test_an_age_that_exempts_is_said_to_and_no_other(
    *, day: str, school: bool | None, exempt: str | None, assess_with: Callable[..., Assessment]
) -> None:
    texts = told(assess_with(born(day) | {f"{APPLICANT}/school_youth": school}))

    if exempt is None:
        assert list(texts) == ["info.aktivitetskrav"]
    else:
        assert texts == {"info.aktivitetskrav_exempt": f"Sökande: aktivitetskrav ska inte ställas enligt uppgifterna ({exempt})"}


def test_school_that_is_not_known_may_exempt(assess_with: Callable[..., Assessment]) -> None:
    text = told(assess_with(born("2005-12-02")))["info.aktivitetskrav"]

    assert "undantag kan gälla: 18–20 år och går i grundskola eller gymnasium" in text


@pytest.mark.parametrize(
    ("person", "found"),
    [
        (Person(40), {}),
        (Person(None), {"ålder, som inte är känd": False}),
        (Person(40, plans=(("work", "full"),)), {"heltidsarbete enligt ansökan": True}),
        (Person(40, plans=(("work", None),)), {"arbete, om det är på heltid": False}),
        (Person(40, plans=(("work", "part"),)), {}),
        (Person(40, plans=(("sfi", "full"),)), {"SFI på heltid enligt ansökan": True}),
        (Person(40, plans=(("sfi", None),)), {"SFI, om den är på heltid": False}),
        (Person(40, plans=(("studies", "full"),)), {"studier på heltid, om nämnden godtar dem": False}),
        (Person(40, plans=(("studies", "part"),)), {}),
        (Person(40, plans=(("job_seeking", "full"),)), {}),
        (Person(40, on_record=("Sjukersättning",)), {"Sjukersättning, i den omfattning förmånen ges": False}),
        (Person(40, paid=("Sjukpenning i särskilda fall",)), {"Sjukpenning i särskilda fall, i den omfattning förmånen ges": False}),
        (Person(40, paid=("Aktivitetsersättning",)), {"Aktivitetsersättning, i den omfattning förmånen ges": False}),
        (Person(40, paid=("Rehabiliteringspenning",)), {"Rehabiliteringspenning, i den omfattning förmånen ges": False}),
        (Person(40, on_record=("Rehabiliteringsersättning",)), {"Rehabiliteringsersättning, i den omfattning förmånen ges": False}),
        (Person(40, paid=("Aktivitetsstöd",)), {"Aktivitetsstöd, om programmet är på heltid": False}),
        (Person(40, paid=("Utvecklingsersättning",)), {"Utvecklingsersättning, om programmet är på heltid": False}),
        (Person(40, paid=("Etableringsersättning",)), {"Etableringsersättning, om programmet är på heltid": False}),
        (Person(40, on_record=("Programersättning",)), {"Programersättning, om programmet är på heltid": False}),
        (Person(40, paid=("Bostadsbidrag", "Föräldrapenning", "Ålderspension")), {}),
        (Person(40, baby=True), {"föräldraledighet med barn under ett år": False}),
        (
            Person(40, paid=("Föräldrapenning",), baby=True),
            {"föräldraledighet med barn under ett år, föräldrapenning är utbetald": False},
        ),
        (Person(40, on_record=("Förmedlingsinsatser på deltid",)), {"Förmedlingsinsatser på deltid": True}),
        (Person(40, on_record=("Förmedlingsinsatser",)), {"Förmedlingsinsatser, om de är på deltid": False}),
        (Person(40, on_record=("Något nytt",)), {"Något nytt": False}),
        (
            Person(40, plans=(("sfi", None), ("work", "full"))),
            {"heltidsarbete enligt ansökan": True, "SFI, om den är på heltid": False},
        ),
    ],
)
def test_each_exemption_is_certain_only_when_the_facts_are_enough(person: Person, found: dict[str, bool]) -> None:
    assert exemptions(person) == found
    assert list(exemptions(person).values()) == sorted(found.values(), reverse=True)  # the certain ones first


@pytest.mark.parametrize(("age", "found"), [(64, {}), (65, {"65 år, riktåldern för pension är inte känd för månaden": False})])
def test_a_pension_age_that_is_not_known_is_never_guessed(age: int, found: dict[str, bool]) -> None:
    assert exemptions(Person(age), None) == found


def test_nobody_is_called_exempt_by_what_only_may_exempt(assess_with: Callable[..., Assessment]) -> None:
    sick = {"registers/applicant.FK/status": "answered", "registers/applicant.FK/facts/exemptions": ["Sjukpenning"]}
    text = told(assess_with(sick))["info.aktivitetskrav"]

    assert "undantag kan gälla: arbete, om det är på heltid, Sjukpenning, i den omfattning förmånen ges" in text


def test_a_benefit_that_is_only_planned_shows_nothing(assess_with: Callable[..., Assessment]) -> None:
    payment = {"benefit": "Sjukpenning", "net": "1.00", "paid_on": "2026-11-30", "currency": "SEK", "preliminary": True}
    text = told(assess_with({"registers/applicant.FK/payments/+": payment}, hand_over=True))["info.aktivitetskrav"]

    assert "Sjukpenning" not in text


def test_a_plan_on_record_is_told_with_what_else_bears_on_it(assess_with: Callable[..., Assessment]) -> None:
    plan = {"history/individual_plan": ["applicant"]}
    full_time = {"application/plans/0/extent": "full"}

    assert told(assess_with(plan)) == {
        "info.aktivitetskrav_plan": "Sökande: aktivitetskrav kan gälla enligt uppgifterna, och en plan av nämnden finns "
        "(bistånd 15 månader i rad; undantag kan gälla: arbete, om det är på heltid)"
    }
    assert "antalet månader i rad" in told(assess_with(plan | {"history/months_in_a_row": None}))["info.aktivitetskrav_plan"]
    assert told(assess_with(plan | {"history/months_in_a_row": 2})) == {}
    assert told(assess_with(plan | full_time)) == {
        "info.aktivitetskrav_exempt": "Sökande: aktivitetskrav ska inte ställas enligt uppgifterna "
        "(heltidsarbete enligt ansökan; en plan av nämnden finns)"
    }
    assert told(assess_with(full_time | {"history/months_in_a_row": 2})) == {}


CHILDREN = [
    # child born, month, what is said of hours
    ("2018-12-02", "2026-12", "högst 30 timmar i veckan med barn under 8 år"),
    ("2018-12-01", "2026-12", ""),
    ("2026-12-31", "2026-12", "högst 30 timmar i veckan med barn under 8 år"),
    ("2027-01-01", "2026-12", ""),
    ("2019-01-01", "2027-01", "högst 40 timmar i veckan, 10 färre om barnet inte har avslutat sitt första skolår"),
    ("2019-03-02", "2027-06", "högst 40 timmar i veckan, 10 färre om barnet inte har avslutat sitt första skolår"),
    ("2019-03-02", "2027-07", ""),
    ("2018-12-31", "2027-06", ""),
    ("2020-03-02", "2028-06", "högst 40 timmar i veckan, 10 färre om barnet inte har avslutat sitt första skolår"),
    ("2021-03-02", "2029-06", "högst 40 timmar i veckan, 10 färre om barnet inte har avslutat det andra skolåret"),
]


@pytest.mark.parametrize(("day", "month", "hours"), CHILDREN)
def test_small_children_make_the_hours_fewer(day: str, month: str, hours: str, assess_with: Callable[..., Assessment]) -> None:
    which = Month.parse(month)
    changes = {
        "application/household/members/child-1/birth_date": day,
        "application/household/members/child-1/personnummer": None,
        "application/month": month,
        "application/received_at": f"{which.plus(-1)}-20T09:00:00+01:00",
        "today": f"{which.plus(-1)}-28",
    }
    text = told(assess_with(changes))["info.aktivitetskrav"]

    assert BEGINS in text
    assert (hours in text) if hours else ("timmar" not in text)


def test_a_child_that_does_not_live_in_the_home_makes_no_hours_fewer(assess_with: Callable[..., Assessment]) -> None:
    child = "application/household/members/child-1"
    text = told(assess_with({f"{child}/birth_date": "2021-05-05", f"{child}/personnummer": None, f"{child}/days_in_home": 0}))

    assert "timmar" not in text["info.aktivitetskrav"]


def test_the_hours_are_of_the_law_of_the_month() -> None:
    laws = [aktivitetskrav_hours.at(CaseTime(month, month.first)) for month in (Month(2026, 9), Month(2028, 6), Month(2028, 7))]

    assert [version and version.law for version in laws] == [
        None,
        "SoL 2025:400 12 kap. 4 b § (2026:730)",
        "SoL 2025:400 12 kap. 4 b § (2026:733)",
    ]


@pytest.mark.parametrize(
    ("plans", "adapted"),
    [
        ((("work", "part"), ("sfi", "part"), ("studies", "part")), ("deltidsarbete", "SFI på deltid", "studier på deltid")),
        ((("work", "full"), ("job_seeking", None)), ()),
        ((("job_seeking", None), ("sick_leave", "50"), ("sick_leave", "25")), ("sjukskrivning",)),
    ],
)
def test_the_hours_are_adapted_to_what_is_done_in_part_time_and_to_illness(
    plans: tuple[tuple[str, str | None], ...], adapted: tuple[str, ...]
) -> None:
    assert adapted_to(Person(40, plans=plans)) == adapted


def test_part_time_and_small_children_stand_in_one_sentence_for_the_caseworker(assess_with: Callable[..., Assessment]) -> None:
    changes = {"application/plans/0/extent": "part", "history/months_in_a_row": 3}
    child = {"application/household/members/child-1/birth_date": "2025-12-02", "application/household/members/child-1/personnummer": None}

    assert told(assess_with(changes | child)) == {
        "info.aktivitetskrav": "Sökande: kontrollera aktivitetskrav och individuell plan (bistånd 3 månader i rad, "
        "ingen plan av nämnden i underlaget; undantag kan gälla: föräldraledighet med barn under ett år; "
        "högst 30 timmar i veckan med barn under 8 år; tiden anpassas till: deltidsarbete)"
    }
