"""Försäkringskassan's cases: what is applied for and not decided, and what exempts from aktivitetskrav."""

from __future__ import annotations

from connectors.registers.ssbtek.lefi import Json, as_list, under
from connectors.registers.ssbtek.reading import Reading
from connectors.registers.ssbtek.values import boolean, edge, short

CASES = {
    "aktivitetsstodsarende": "Aktivitetsstöd",
    "allmanpensionsarende": "Allmän pension",
    "arbetsskadeefterlevandearende": "Arbetsskadelivränta",
    "arbetsskadeegenlivrantearende": "Arbetsskadelivränta",
    "barnbidragsarende": "Barnbidrag",
    "bostadsbidragsarende": "Bostadsbidrag",
    "bostadstillaggsarende": "Bostadstillägg",
    "efterlevandepensionsarende": "Efterlevandepension",
    "foraldrapenningarende": "Föräldrapenning",
    "forebyggandeSjukpenningsarende": "Förebyggande sjukpenning",
    "graviditetspenningsarende": "Graviditetspenning",
    "handikappersattningsarende": "Handikappersättning",
    "merkostnadsersattningsarende": "Merkostnadsersättning",
    "mottagareavbarnbidrag": "Barnbidrag",
    "narstaendepenningarende": "Närståendepenning",
    "omvardnadsbidragsarende": "Omvårdnadsbidrag",
    "programersattningsarende": "Programersättning",
    "rehabersattningsarende": "Rehabiliteringsersättning",
    "sjukOchAktivitetsersattningsarende": "Sjuk- eller aktivitetsersättning",
    "sjukpenningarende": "Sjukpenning",
    "smittbararersattningsarende": "Smittbärarersättning",
    "tillfalligForaldrapenningarende": "Tillfällig föräldrapenning",
    "totalforsvarspliktsarende": "Dagpenning för totalförsvarspliktiga",
    "underhallsstodsmottag": "Underhållsstöd",
    "vardbidragsarende": "Vårdbidrag",
    "yrkesskadeefterlevandearende": "Yrkesskadelivränta",
    "yrkesskadeegenlivrantearende": "Yrkesskadelivränta",
}
"""Where the cases of each benefit stand, and the benefit's name."""

OF_NO_USE = frozenset(
    {
        "intjanandebehallning",
        "intjanandeuppgift",
        "levnadsintygsuppgift",
        "programanvisning",
        "programjobdagar",
        "sjukOchAktivitetsersattningSteglosAvrakningHistorik",
        "sjukOchAktivitetsersattningSteglosAvrakningNulage",
        "sjukpenninggrundandeInkomstuppgift",
        "skatteuppgift",
        "studiemedelsavisering",
        "underhallsskuld",
        "underhallsstodskrav",
    }
)
"""Known parts of the answer that say nothing about income, person or exemption."""

_EXEMPTING = frozenset({"sjukpenningarende", "sjukOchAktivitetsersattningsarende", "rehabersattningsarende"})


def read_cases(information: Json, reading: Reading) -> None:
    """Read pending applications and exempting benefits."""
    pending: list[str] = []
    exemptions: list[str] = []
    for key, benefit in CASES.items():
        for number, case in enumerate(as_list(information.get(key))):
            if not isinstance(case, dict):
                reading.odd(f"FK.{key}[{number}]", short(case))
                continue
            reading.held = True
            decisions = [decision for decision in as_list(case.get("beslut")) if isinstance(decision, dict)]
            if not decisions and boolean(case.get("aktivt")) and not boolean(case.get("avslaget")):
                pending.append(benefit)
            if key in _EXEMPTING:
                exemptions += [_name(decision, benefit) for decision in decisions if _in_force(decision, reading)]
    reading.facts["applied_not_decided"] = tuple(dict.fromkeys(pending))
    reading.facts["exemptions"] = tuple(dict.fromkeys(exemptions))


def _in_force(decision: Json, reading: Reading) -> bool:
    first = edge(under(decision, "period", "fran"), last=False)
    return reading.asked.overlaps(first, edge(under(decision, "period", "till"), last=True))


def _name(decision: Json, benefit: str) -> str:
    return short(under(decision, "forman", "beskrivning")) or benefit
