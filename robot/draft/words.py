"""The Swedish words of the draft: persons, sources, months, times, amounts and laws.

Whatever these tables do not know is shown as it came, cleaned of what could disturb a page or a terminal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules.assessment import Blank, Line, Proposal, Span
from rules.money import Ore, swedish
from rules.month import Month

NONE = "–"
"""Stands where there is no value, and for the side of a span that has no bound."""

_KEPT = 256
"""Times and persons' names whose words are remembered: a draft has the same few many times."""
_LOCAL = ZoneInfo("Europe/Stockholm")
_MONTHS = ("januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december")
_PERSONS = {"applicant": "sökande", "co_applicant": "medsökande", "household": "hushållet", "": "hushållet"}
_NUMBERED = {"child": "barn", "former": "tidigare medlem"}
_SOURCES = {
    "FK": "Försäkringskassan",
    "PM": "Pensionsmyndigheten",
    "SO": "a-kassorna",
    "CSN": "CSN",
    "AF": "Arbetsförmedlingen",
    "SKV": "Skatteverket",
    "TNS": "Transportstyrelsen",
    "MIV": "Migrationsverket",
}
_PROPOSALS = {Proposal.BIFALL: "bifall", Proposal.DELAVSLAG: "delavslag", Proposal.AVSLAG: "avslag"}
_DISTURBING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NO_BREAK = "\u00a0"
"""Stands in amounts: the only character without ink, but for the space, that is no disturbance."""
_EDGES = ("", " ", _NO_BREAK)


@dataclass(frozen=True)
class Laws:
    """Where the rules that the draft itself names stand, in one text of the law. `texts` = the acts whose rules go together."""

    texts: tuple[str, ...]
    from_day: date
    assistance: str
    appeal: str
    register_data: str


@dataclass(frozen=True)
class Procedure:
    """Where the rules on how a decision is made and appealed stand, for a decision made from a day on."""

    from_day: date
    register_data: str
    appeal_time: str


_LAWS = (
    Laws(
        texts=("SoL 2025:400", "SFS 2025:468"),
        from_day=date(2025, 7, 1),
        assistance="SoL 2025:400 12 kap. 1 §",
        appeal="SoL 2025:400 35 kap. 1 §",
        register_data=" och SoL 2025:400 14 kap. 10 §",
    ),
    Laws(
        texts=("SoL 2001:453", "SFS 2001:937"),
        from_day=date.min,
        assistance="SoL 2001:453 4 kap. 1 §",
        appeal="SoL 2001:453 16 kap. 3 §",
        register_data="",
    ),
)
_PROCEDURES = (
    Procedure(date(2018, 7, 1), "förvaltningslagen (2017:900) 25 §", "förvaltningslagen (2017:900) 43 och 44 §§"),
    Procedure(date.min, "förvaltningslagen (1986:223) 17 §", "förvaltningslagen (1986:223) 23 §"),
)
_BEST_OF_THE_CHILD = ((date(2020, 1, 1), "barnkonventionen artikel 3 (lag 2018:1197)"), (date.min, "SoL 2001:453 1 kap. 2 §"))


def laws(lines: Iterable[Line], month: Month) -> Laws:
    """Return the law that the lines go by, so that a case is not judged by one and appealed by another; without any, the month's."""
    named = next((one for line in lines for one in _LAWS if any(text in line.trace.law for text in one.texts)), None)
    return named or next(one for one in _LAWS if month.first >= one.from_day)


def procedure(day: date) -> Procedure:
    """Return the rules for a decision made on a day or soon after."""
    return next(one for one in _PROCEDURES if day >= one.from_day)


def best_of_the_child(day: date) -> str:
    """Return where it stands that the best of the child is to be considered, for a decision made on a day or soon after."""
    return next(law for from_day, law in _BEST_OF_THE_CHILD if day >= from_day)


def clean(text: str) -> str:
    """Return the text on one line without control characters, lone surrogates or marks that turn the direction of writing."""
    if is_even(text):
        return text
    kept = "".join(" " if unicodedata.category(char) in _DISTURBING else char for char in text)
    return " ".join(part for part in kept.split(" ") if part)


def is_even(text: str) -> bool:
    """Say whether a text has nothing that disturbs, and words with one space between: nearly all have, and that is quickly seen."""
    solid = text.replace(_NO_BREAK, "x") if _NO_BREAK in text else text
    return solid.isprintable() and "  " not in solid and text[:1] not in _EDGES and text[-1:] not in _EDGES and f" {_NO_BREAK}" not in text


def person(ref: str | None) -> str:
    """Return who a ref means: 'applicant' gives 'sökande', 'child-2' gives 'barn 2'."""
    ref = ref or ""
    stem, _, number = ref.partition("-")
    if stem in _NUMBERED and number:
        return f"{_NUMBERED[stem]} {clean(number)}"
    return _PERSONS.get(ref) or clean(ref)


def with_person(label: str, ref: str | None) -> str:
    """Return a row's label followed by whose it is: 'Lön, sökande'."""
    label = clean(label)
    return label if _names(label, ref) else f"{label}, {person(ref)}"


def without_person(label: str, ref: str | None) -> str:
    """Return a row's label in a text to that person themselves: 'Lön, sökande' gives 'Lön'."""
    return clean(label).removesuffix(f", {person(ref)}")


def about(sentence: str, ref: str | None) -> str:
    """Return a sentence followed by who it is about: 'CSN kunde inte kontrolleras (sökande)'."""
    sentence = clean(sentence)
    return sentence if _names(sentence, ref) else f"{sentence} ({person(ref)})"


def _names(text: str, ref: str | None) -> bool:
    """Say whether nobody needs to be named, or the text does so already."""
    return not ref or _name(ref).search(text.casefold()) is not None


@lru_cache(_KEPT)
def _name(ref: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(person(ref).casefold())}n?\b")


def source(code: str) -> str:
    """Return a source's name: 'FK' gives 'Försäkringskassan'; a trace names its sources in clear already."""
    return _SOURCES.get(code) or clean(code)


def month(value: Month) -> str:
    """Return a month in words: 'december 2026'."""
    return f"{_MONTHS[value.number - 1]} {value.year}"


@lru_cache(_KEPT)
def time(at: str | None) -> str:
    """Return an ISO time as Swedish local time to the minute, a date as it is; other text as it came."""
    if not at:
        return ""
    try:
        when = datetime.fromisoformat(at)
        if len(at) <= len("2026-11-30"):
            return when.date().isoformat()
        local = when.astimezone(_LOCAL).replace(tzinfo=None) if when.tzinfo else when
        return local.isoformat(sep=" ", timespec="minutes")
    except (ValueError, OverflowError):
        return clean(at)


def amount(value: Ore | None) -> str:
    """Return an amount as people write it, or a dash when there is none."""
    return NONE if value is None else swedish(value)


def kr(value: Ore) -> str:
    """Return an amount with its unit, kept together on one line."""
    return f"{swedish(value)}\u00a0kr"


def sentence(text: str) -> str:
    """Return a cleaned text with a capital letter first."""
    text = clean(text)
    return text[:1].upper() + text[1:]


def open_size(blank: Blank) -> str:
    """Return the values a blank line may take: '0 … 650 kr', or that its size is not known."""
    if blank.high is None:
        return "okänd storlek" if blank.low == 0 else f"minst\u00a0{kr(blank.low)}"
    return f"{swedish(blank.low)}\u00a0…\u00a0{kr(blank.high)}"


def bounds(span: Span) -> str:
    """Return a span as '9 485 … 10 785', a dash for a side without bound."""
    return f"{amount(span.lowest)}\u00a0…\u00a0{amount(span.highest)}"


def proposal(value: Proposal) -> str:
    """Return a proposal's word inside a sentence."""
    return _PROPOSALS[value]
