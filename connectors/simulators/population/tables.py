"""What the made-up municipality's Lifecare and its caseworkers go by: amounts and names, as data of the population.

The norm amounts are those of SFS 2024:1016 (2025) and SFS 2025:1046 (2026), in kronor. The limits are those of the made-up guidelines.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Norm:
    """One year's riksnorm, kronor a month. `sambo` is for both; `common` is for 1, 2, 3 ... members."""

    single: int
    sambo: int
    children: dict[str, int]
    without_lunch: dict[str, int]
    common: tuple[int, ...]


NORMS = {
    2025: Norm(
        single=3910,
        sambo=7050,
        children={"0": 2720, "1-2": 3030, "3": 2700, "4-6": 3030, "7-10": 3790, "11-14": 4350, "15-18": 4920, "19-20": 4960},
        without_lunch={"0": 2540, "1-2": 2780, "3": 2480, "4-6": 2700},
        common=(1270, 1400, 1770, 2010, 2310, 2620, 2810),
    ),
    2026: Norm(
        single=3940,
        sambo=7100,
        children={"0": 2740, "1-2": 3060, "3": 2720, "4-6": 3060, "7-10": 3820, "11-14": 4390, "15-18": 4960, "19-20": 5000},
        without_lunch={"0": 2560, "1-2": 2800, "3": 2500, "4-6": 2720},
        common=(1280, 1410, 1790, 2030, 2330, 2640, 2830),
    ),
}

BANDS = (("0", 0), ("1-2", 2), ("3", 3), ("4-6", 6), ("7-10", 10), ("11-14", 14), ("15-18", 18), ("19-20", 20))
LUNCH_ELSEWHERE_AGES = range(1, 6)
"""Ages for which the municipality states that lunch is eaten in preschool."""

NEED_MAY_DIFFER_KR = 2_000
HIGH_NEED_KR = 20_000
RENT_CAPS_KR = (6500, 7500, 8200, 9200, 10200, 11000, 11800)
ELECTRICITY_CAPS_KR = (400, 550, 700, 850, 950, 1050, 1150)


@dataclass(frozen=True, slots=True)
class CostName:
    """A cost in the application's words and in Lifecare's. `special` = Lifecare lists it under livsföring i övrigt."""

    cost_type: str
    sub_type: str | None
    lifecare: str
    special: bool = False


COSTS = {
    "rent": CostName("RENT", None, "Hyra"),
    "electricity": CostName("ELECTRICITY", None, "El"),
    "home_insurance": CostName("HOME_INSURANCE", None, "Hemförsäkring"),
    "internet": CostName("INTERNET", None, "Bredband"),
    "unemployment_fund": CostName("UNEMPLOYMENT_FUND", None, "A-kasseavgift"),
    "union_fee": CostName("UNION_FEE", None, "Fackavgift"),
    "travel_work": CostName("TRAVEL_APPROVED", None, "Arbetsresor"),
    "travel_medical": CostName("TRAVEL_MEDICAL_TRANSPORT", None, "Sjukresor", special=True),
    "medical_care": CostName("MEDICAL_CARE", None, "Läkarvård", special=True),
    "medicine": CostName("MEDICINE", None, "Medicin", special=True),
    "dental_acute": CostName("OTHER", "ACUTE_DENTAL", "Akut tandvård", special=True),
    "municipal_fees": CostName("OTHER", "MUNICIPAL_FEES", "Barnomsorgsavgift", special=True),
    "other": CostName("OTHER", "OTHER", "Övrigt", special=True),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of income: who pays (or APPLICATION: the applicant declares it), the payer's code, Lifecare's name, day of payment."""

    source: str
    code: str
    lifecare: str
    day: int
    taxed: bool = False


KINDS = {
    "Bostadsbidrag": Kind("FK", "BOB", "Bostadsbidrag", 27),
    "Barnbidrag": Kind("FK", "ABB", "Barnbidrag", 20),
    "Flerbarnstillägg": Kind("FK", "ABB", "Flerbarnstillägg", 20),
    "Underhållsstöd": Kind("FK", "US", "Underhållsstöd", 25),
    "Sjukpenning": Kind("FK", "SJP", "Sjukpenning", 25, taxed=True),
    "Föräldrapenning": Kind("FK", "FP", "Föräldrapenning", 25, taxed=True),
    "Sjukersättning": Kind("FK", "SA", "Sjukersättning", 18, taxed=True),
    "Aktivitetsersättning": Kind("FK", "SA", "Aktivitetsersättning", 18, taxed=True),
    "Aktivitetsstöd": Kind("FK", "AS", "Aktivitetsstöd", 13, taxed=True),
    "Etableringsersättning": Kind("FK", "ET", "Etableringsersättning", 12),
    "Merkostnadsersättning": Kind("FK", "MEK", "Merkostnadsersättning", 19),
    "Omvårdnadsbidrag": Kind("FK", "OMV", "Omvårdnadsbidrag", 19, taxed=True),
    "Tillfällig föräldrapenning": Kind("FK", "TFP", "Tillfällig föräldrapenning", 24, taxed=True),
    "Graviditetspenning": Kind("FK", "GP", "Graviditetspenning", 24, taxed=True),
    "Påhittat tillägg": Kind("FK", "XPF", "Påhittat tillägg", 24),
    "Ålderspension": Kind("PM", "AP", "Ålderspension", 18, taxed=True),
    "Bostadstillägg": Kind("PM", "BTI", "Bostadstillägg", 18),
    "Äldreförsörjningsstöd": Kind("PM", "BTI", "Äldreförsörjningsstöd", 18),
    "Arbetslöshetsersättning": Kind("SO", "A-kassa", "A-kassa", 17, taxed=True),
    "Studiemedel": Kind("CSN", "Studiemedel", "Studiemedel", 25),
    "salary": Kind("APPLICATION", "SALARY", "Lön", 25),
    "swish": Kind("APPLICATION", "SWISH_DEPOSITS", "Swish och insättningar", 15),
    "occupational_pension": Kind("APPLICATION", "OCCUPATIONAL_PENSION_INSURANCE", "Tjänstepension", 22),
    "maintenance": Kind("APPLICATION", "CHILD_SUPPORT", "Underhållsbidrag", 26),
    "aid_other_municipality": Kind("APPLICATION", "FINANCIAL_AID_OTHER_MUNICIPALITY", "Bistånd från annan kommun", 24),
    "other": Kind("APPLICATION", "OTHER_INCOME", "Annan inkomst", 23),
}
A_KASSA = "Påhittade a-kassan"
OTHER_A_KASSA = "Fantasikassan"
FLERBARN_KR = {2: 150, 3: 730, 4: 1740}


def band(age: int) -> str:
    """Return the norm's age band for a child or school youth."""
    return next(name for name, oldest in BANDS if age <= oldest)


def norm_for(year: int) -> Norm:
    """Return the year's norm, the newest known one for a later year: history is data, and says what a person wrote then."""
    return NORMS[min(max(year, min(NORMS)), max(NORMS))]
