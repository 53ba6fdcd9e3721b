"""Aktivitetskrav: when it is asked for, of whom it must not be asked, and for how many hours, as far as the facts of a case tell.

The rules here only tell the caseworker. Whether activities are asked for, and what follows, is always for a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from rules import labels
from rules.legal import for_months_since, rule

_LAW = "SoL 2025:400 12 kap."
_FROM_OCTOBER_2026 = for_months_since(2026, 10)
_UNTIL_JUNE_2028 = _FROM_OCTOBER_2026.until(2028, 6, 30)
_OF_AGE, _SCHOOL_AGE, _MAY_BE_RETIRED, _YOUNG = 18, 21, 65, 8
_ILLNESS = ("sjukpenning", "sjukersättning", "aktivitetsersättning", "rehabiliteringspenning", "rehabiliteringsersättning")
_PROGRAMMES = ("aktivitetsstöd", "utvecklingsersättning", "etableringsersättning", "programersättning")
_PARENTAL, _PLACEMENT, _PART_TIME = "föräldrapenning", "förmedlingsinsats", "deltid"


@dataclass(frozen=True, slots=True)
class Exemption:
    """Why activities must not be asked for. `certain` = the facts are enough to say so; else it may be so, for a person to find out."""

    text: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Person:
    """What a case shows of one adult on the first of the month; None = unknown.

    `plans` = kind and extent, in the applicant's words. `on_record` = what registers say exempts; `paid` = benefits paid in the month
    that counts. `baby` = a child under one in the home.
    """

    age: int | None
    in_school: bool | None = None
    plans: tuple[tuple[str, str | None], ...] = ()
    on_record: tuple[str, ...] = ()
    paid: tuple[str, ...] = ()
    baby: bool = False


@dataclass(frozen=True, slots=True)
class Children:
    """`under_eight` = such a child is in the home. `in_first_years` = one who has turned eight this year, with no summer since."""

    under_eight: bool
    in_first_years: bool


@rule(f"{_LAW} 4 a § första stycket, 4 e § (2026:730)", in_force=_FROM_OCTOBER_2026)
def aktivitetskrav(months_in_a_row: int | None, after_months: int) -> bool:
    """Say whether activities are to be asked for by an individual plan: after some months of support in a row.

    An unknown number of months is said to be unknown, and is no reason to keep silent.
    """
    return months_in_a_row is None or months_in_a_row >= after_months


@rule(f"{_LAW} 4 a § andra stycket (2026:730); SFS 2025:468 12 kap. 4 §", in_force=_FROM_OCTOBER_2026)
def aktivitetskrav_exemptions(person: Person, pension_age: int | None) -> tuple[Exemption, ...]:
    """Return the exemptions that the facts show, the certain ones first; `pension_age` None = not known for the month."""
    found = (*_by_age(person, pension_age), *_by_plan(person), *_by_register(person))
    return tuple(sorted(dict.fromkeys(found), key=lambda one: not one.certain))


@rule(f"{_LAW} 4 b § (2026:730)", in_force=_UNTIL_JUNE_2028)
def aktivitetskrav_hours(children: Children, hours: int, fewer: int) -> str:
    """Say how many hours a week are the most where small children make them fewer; nothing where they do not."""
    return _hours(children, hours, fewer, "sitt första skolår")


@aktivitetskrav_hours.version(f"{_LAW} 4 b § (2026:733)", in_force=for_months_since(2028, 7))
def aktivitetskrav_hours_2028(children: Children, hours: int, fewer: int) -> str:
    """The second year of compulsory school takes the place of the first."""
    return _hours(children, hours, fewer, "det andra skolåret")


def adapted_to(person: Person) -> tuple[str, ...]:
    """Return what the hours are to be adapted to by 4 b §: part-time occupation, and how much a person is able to."""
    words = {("work", "part"): "deltidsarbete", ("sfi", "part"): "SFI på deltid", ("studies", "part"): "studier på deltid"}
    found = [words[plan] for plan in person.plans if plan in words]
    return (*found, "sjukskrivning") if any(kind == "sick_leave" for kind, _ in person.plans) else tuple(found)


def _hours(children: Children, hours: int, fewer: int, school_year: str) -> str:
    if children.under_eight:
        return f"högst {hours - fewer} timmar i veckan med barn under {_YOUNG} år"
    if children.in_first_years:
        return f"högst {hours} timmar i veckan, {fewer} färre om barnet inte har avslutat {school_year}"
    return ""


def _by_age(person: Person, pension_age: int | None) -> tuple[Exemption, ...]:
    age = person.age
    if age is None:
        return (Exemption("ålder, som inte är känd", certain=False),)
    if age < _OF_AGE:
        return (Exemption("under 18 år", certain=True),)
    if age < _SCHOOL_AGE and person.in_school is not False:
        return (Exemption("18–20 år och går i grundskola eller gymnasium", certain=person.in_school is True),)
    if pension_age is None and age >= _MAY_BE_RETIRED:
        return (Exemption(f"{age} år, riktåldern för pension är inte känd för månaden", certain=False),)
    if pension_age is not None and age >= pension_age:
        return (Exemption(f"har nått riktåldern för pension, {pension_age} år", certain=True),)
    return ()


def _by_plan(person: Person) -> tuple[Exemption, ...]:
    """Full-time occupation, in the words of the application. Studies exempt only where the board accepts them, which nothing tells."""
    found = []
    for kind, extent in person.plans:
        full = extent == "full"
        if extent == "part":
            continue
        if kind == "work":
            found.append(Exemption("heltidsarbete enligt ansökan" if full else "arbete, om det är på heltid", certain=full))
        if kind == "sfi":
            found.append(Exemption("SFI på heltid enligt ansökan" if full else "SFI, om den är på heltid", certain=full))
        if kind == "studies":
            found.append(Exemption("studier på heltid, om nämnden godtar dem", certain=False))
    return tuple(found)


def _by_register(person: Person) -> tuple[Exemption, ...]:
    """Benefits exempt to their extent, which is not in the case; parental benefit shows parental leave, and a programme's its programme."""
    found = [_benefit(name) or Exemption(labels.short(name), certain=False) for name in person.on_record]
    found += [exemption for name in person.paid if (exemption := _benefit(name)) is not None]
    if person.baby:
        paid = any(name.casefold() == _PARENTAL for name in (*person.paid, *person.on_record))
        found.append(Exemption(f"föräldraledighet med barn under ett år{', föräldrapenning är utbetald' if paid else ''}", certain=False))
    return tuple(found)


def _benefit(name: str) -> Exemption | None:
    said, shown = name.casefold(), labels.short(name)
    if _PLACEMENT in said:
        return Exemption(shown if _PART_TIME in said else f"{shown}, om de är på deltid", certain=_PART_TIME in said)
    if any(illness in said for illness in _ILLNESS):
        return Exemption(f"{shown}, i den omfattning förmånen ges", certain=False)
    if said in _PROGRAMMES:
        return Exemption(f"{shown}, om programmet är på heltid", certain=False)
    return None
