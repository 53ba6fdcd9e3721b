"""Words that a caseworker reads, for what the case file names in code."""

from __future__ import annotations

from datetime import date

from rules.money import Ore, swedish
from rules.month import Month

_COSTS = {
    "rent": "Hyra",
    "electricity": "El",
    "home_insurance": "Hemförsäkring",
    "internet": "Bredband",
    "unemployment_fund": "A-kasseavgift",
    "union_fee": "Fackavgift",
    "travel_work": "Arbetsresor",
    "travel_medical": "Sjukresor",
    "medical_care": "Läkarvård",
    "medicine": "Medicin",
    "dental_acute": "Akut tandvård",
    "municipal_fees": "Barnomsorgsavgift",
    "other": "Övrigt",
}
_INCOMES = {
    "salary": "Lön",
    "swish": "Swish och insättningar",
    "occupational_pension": "Tjänstepension",
    "maintenance": "Underhållsbidrag",
    "rent_share_from_child": "Hyresdel från barn",
    "aid_other_municipality": "Bistånd från annan kommun",
    "other": "Annan inkomst",
}
_SOURCES = {
    "FK": "Försäkringskassan",
    "PM": "Pensionsmyndigheten",
    "SO": "A-kassorna",
    "CSN": "CSN",
    "AF": "Arbetsförmedlingen",
    "SKV": "Skatteverket",
    "TNS": "Transportstyrelsen",
    "MIV": "Migrationsverket",
}
_ASSETS = {"company": "företag", "bank_savings": "bankmedel", "real_estate": "fastighet", "vehicle": "fordon", "other": "annan tillgång"}
_FIELDS = {
    "livelihood": "försörjning",
    "housing": "boende",
    "housing_change": "ändrat boende",
    "children_residence_change": "ändrat boende för barn",
    "stay": "vistelse",
    "other_benefit": "annat bistånd",
    "cost_specification": "beskrivning av kostnad",
    "work": "arbete",
    "plan_other": "annan planering",
    "planned_activity": "planerad aktivitet",
    "asset": "tillgång",
    "payment": "utbetalning",
}
_MONTHS = (
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
)
UNKNOWN = "unknown:"
"""What stands before a value from outside that is not known."""
_LONGEST = 80
"""The most characters of a text from outside in a label."""


def is_unknown(text: str | None) -> bool:
    """Say whether a text is a value from outside that nobody knows; one that is left out is not."""
    return text is not None and text.startswith(UNKNOWN)


def cost(kind: str) -> str:
    """Name a cost."""
    return _COSTS.get(kind) or f"Okänd kostnad {_in_brackets(kind)}".strip()


def income(kind: str) -> str:
    """Name an income: a declared one in Swedish, a benefit as its register does."""
    return _INCOMES.get(kind) or (f"Okänd inkomst {_in_brackets(kind)}".strip() if kind.startswith(UNKNOWN) else short(kind))


def source(code: str) -> str:
    """Name a register source."""
    return _SOURCES.get(code, code)


def asset(kind: str) -> str:
    """Name a kind of asset."""
    return _ASSETS.get(kind) or f"okänd tillgång {_in_brackets(kind)}".strip()


def field(name: str) -> str:
    """Name a field with free text."""
    return _FIELDS.get(name) or _bare(name)


def person(ref: str) -> str:
    """Name a person inside a label: sökande, medsökande, barn 1."""
    if ref in ("applicant", "co_applicant"):
        return "sökande" if ref == "applicant" else "medsökande"
    kind, _, number = ref.partition("-")
    known = {"child": "barn", "former": "tidigare medlem"}
    return f"{known[kind]} {number}".strip() if kind in known else "okänd person"


def the_person(ref: str) -> str:
    """Name a person inside a sentence: sökanden, medsökanden, barn 1."""
    return f"{person(ref)}n" if ref in ("applicant", "co_applicant") else person(ref)


def capital(text: str) -> str:
    """Return the text with a capital letter first."""
    return text[:1].upper() + text[1:]


def short(text: str) -> str:
    """Return a text from outside on one line, cut where it is longer than a label may be."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"


def day(when: date) -> str:
    """Write a day: 25 november 2026."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def month(which: Month) -> str:
    """Write a month: november 2026."""
    return f"{_MONTHS[which.number - 1]} {which.year}"


def kr(amount: Ore) -> str:
    """Write an amount: 6 345 kr."""
    return f"{swedish(amount)} kr"


def _in_brackets(kind: str) -> str:
    return f"({_bare(kind)})" if _bare(kind) else ""


def _bare(kind: str) -> str:
    return short(kind.removeprefix(UNKNOWN))
