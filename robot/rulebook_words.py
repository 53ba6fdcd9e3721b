"""The rule book's values in Swedish: units, statuses, choices, periods in force. What is not known here is shown as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from rules import labels
from rules.dated import Dated
from rules.facts import SOURCES
from rules.guideline_values import CostRule
from rules.legal import InForce
from rules.money import Ore, swedish
from rules.month import Month

NONE = "–"
_UNITS = {
    "kr": "kr",
    "kr/month": "kr per månad",
    "kr/year": "kr per år",
    "percent": "procent",
    "days": "dagar",
    "months": "månader",
    "months in a row": "månader i rad",
    "children at home": "barn hemma",
    "hours a week": "timmar i veckan",
    "years": "år",
}
_DAY_OF_MONTH_BEFORE = "day of the month before the month applied for"
_STATUSES = {
    "verified": ("läst i originalet", "Läst i författningens egen text eller i den ansvariga myndighetens egen publicering."),
    "verified_2nd": (
        "läst i andra hand",
        "Läst hos någon annan som återger författningen, till exempel en kommun, och jämfört med åren intill. Inte läst i originalet.",
    ),
    "made_up": ("påhittat", "Hittat på för att visa hur riktlinjer ser ut. Ingen kommun har beslutat det."),
    "adopted": ("beslutat av kommunen", "Står i riktlinjer som kommunen har beslutat."),
}
_STOPS = {
    "stop.protected_identity": "skyddade personuppgifter",
    "stop.protection_unknown": "ingen källa kunde säga om personuppgifterna är skyddade",
    "stop.other_tenancy": "ärendet hör till en annan verksamhet",
    "stop.unreadable": "ansökan kan inte läsas",
}
_CHOICES = {
    "days_of_month": "månadens antal dagar",
    "30": "30 dagar",
    "whole_krona": "hela kronor, halva uppåt",
    "ore": "öre, halva uppåt",
    "first_of_month": "den första i månaden",
    "whole_member": "en hel person",
    "caseworker": "handläggaren avgör",
    "e-service": "e-tjänsten",
    "unknown": "kanal som inte framgår",
}
_HANDLINGS = {"count": "räknas", "ignore": "räknas inte", "caseworker": "handläggaren bedömer"}
_COVERAGE = {
    "computed": "räknas av roboten",
    "partly": "räknas delvis",
    "shown": "visas för handläggaren",
    "person": "bedöms alltid av en människa",
    "absent": "ingår inte",
}
_FILLED_IN = {
    "{label}": "[det som flaggan gäller]",
    "{source}": "[registret]",
    "{amount}": "[belopp]",
    "{percent}": "[antal]",
    "{previous}": "[förra månadens belopp]",
    "{month}": "[månaden]",
}


def value(found: Dated[Any]) -> str:
    """Return a parameter's value with its unit: '3 940 kr per månad'."""
    content = found.value
    if found.unit == _DAY_OF_MONTH_BEFORE:
        return f"den {content} i månaden före den som ansökan gäller"
    if isinstance(content, tuple) and found.unit.startswith("years"):
        return "–".join(str(part) for part in content) + " år"
    if isinstance(content, tuple) and found.unit == "months of the year":
        return ", ".join(labels.month(Month(found.since.year, number)).split()[0] for number in content)
    if isinstance(content, tuple):
        return ", ".join(_named(str(part)) for part in content)
    if isinstance(content, int):
        return amount_or_number(content, found.unit)
    return _named(str(content))


def amount_or_number(content: int, unit: str) -> str:
    """Return an amount of öre in kronor, or a number, with its unit."""
    number = swedish(Ore(content)) if unit.startswith("kr") else str(content)
    return f"{number}\u00a0{_UNITS.get(unit, unit)}"


def _named(word: str) -> str:
    return labels.source(word) if word in SOURCES else _CHOICES.get(word, word)


def status(code: str) -> str:
    """Return how surely a value is known, in a few words."""
    return _STATUSES[code][0] if code in _STATUSES else code


def explained(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Return the statuses among `codes` with what each means, in the order of how sure they are."""
    found = set(codes)
    return [words for code, words in _STATUSES.items() if code in found]


def months(found: Dated[Any]) -> str:
    """Return the months that a value holds for."""
    since = f"från {labels.month(found.since)}"
    return since if found.until is None else span(found.since, found.until)


def span(first: Month, last: Month) -> str:
    """Return a row of months, whole years as years: 'år 2026', 'åren 2014–2015', 'januari 2025 till juni 2025'."""
    if first.number == 1 and last.number == 12:
        return f"år {first.year}" if first.year == last.year else f"åren {first.year}–{last.year}"
    return labels.month(first) if first == last else f"{labels.month(first)} till {labels.month(last)}"


def handling(code: str) -> str:
    """Return what the list says about an income."""
    return _HANDLINGS.get(code, code)


def cost(rule: CostRule) -> str:
    """Return what the guidelines say about a cost."""
    if rule.handling == "caseworker":
        return "handläggaren bedömer"
    if rule.handling == "not_granted":
        return f"beviljas inte: {rule.ground}"
    if len(rule.caps) == 1:
        return f"högst {labels.kr(rule.caps[0])}"
    return "högst ett belopp efter hushållets storlek, se nästa tabell"


def proof(rule: CostRule) -> str:
    """Return whether a cost needs proof."""
    if rule.handling != "cap":
        return NONE
    if not rule.proof_needed:
        return "behövs inte"
    return "behövs" if rule.proof_within_days is None else f"behövs, högst {rule.proof_within_days} dagar gammalt"


def coverage(code: str) -> str:
    """Return how much of a part of the law is modelled."""
    return _COVERAGE[code]


def flag(code: str, text: str) -> str:
    """Return a flag's text with words where a case fills something in. Every stop says the same in a case; here it says what it is for."""
    if code in _STOPS:
        return f"{text} (gäller {_STOPS[code]})"
    for place, word in _FILLED_IN.items():
        text = text.replace(place, word)
    return text


def in_force(period: InForce) -> str:
    """Return a period in force as people say it."""
    if period.by_month:
        until = "och senare" if period.last == date.max else f"till {labels.month(Month.of(period.last))}"
        return f"bistånd för {labels.month(Month.of(period.first))} {until}"
    if period.first == date.min and period.last == date.max:
        return "tills vidare"
    if period.first == date.min:
        return f"till och med {labels.day(period.last)}"
    if period.last == date.max:
        return f"från och med {labels.day(period.first)}"
    return f"från och med {labels.day(period.first)} till och med {labels.day(period.last)}"


def pairs(table: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return a table of declared incomes and benefits by their names."""
    return [(labels.income(declared), labels.income(benefit)) for declared, benefit in table.items()]
