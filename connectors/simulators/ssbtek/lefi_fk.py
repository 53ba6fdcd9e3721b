"""Försäkringskassan's part of a LEFI v9 answer: payments, cases and the person, in the older information model."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.simulators.ssbtek.held import gross, is_visible, other_deductions, paid, paid_out, planned
from connectors.simulators.ssbtek.lefi_question import FK_GROUPS, LefiQuestion
from connectors.simulators.world import PaymentRecord, PersonRecord

Json = dict[str, Any]

_CASE_KEYS = {
    "ABB": "barnbidragsarende",
    "AP": "allmanpensionsarende",
    "AS": "aktivitetsstodsarende",
    "BOB": "bostadsbidragsarende",
    "BTI": "bostadstillaggsarende",
    "DPE": "totalforsvarspliktsarende",
    "ET": "programersattningsarende",
    "FP": "foraldrapenningarende",
    "FSJP": "forebyggandeSjukpenningsarende",
    "GP": "graviditetspenningsarende",
    "HE": "handikappersattningsarende",
    "MABB": "mottagareavbarnbidrag",
    "MEK": "merkostnadsersattningsarende",
    "NP": "narstaendepenningarende",
    "OMV": "omvardnadsbidragsarende",
    "RBE": "rehabersattningsarende",
    "SA": "sjukOchAktivitetsersattningsarende",
    "SBP": "smittbararersattningsarende",
    "SJP": "sjukpenningarende",
    "TFP": "tillfalligForaldrapenningarende",
    "US": "underhallsstodsmottag",
    "VB": "vardbidragsarende",
    "YL": "yrkesskadeegenlivrantearende",
}
"""Where the cases of each group stand in the answer; the other groups have none."""
_WITHOUT_STATE = frozenset({"ABB", "AP", "ET", "MABB"})
"""Groups whose cases are decisions alone, with neither start nor state."""
_NEVER_REFUSED = frozenset({"FSJP", "RBE", "SJP"})
"""Groups whose cases do not say whether they were refused."""
_ONE_DECISION = frozenset({"MEK", "OMV"})
"""Groups whose cases hold one decision as an object, the others a list of them."""
_CIVIL_STATUS = {
    "OG": (1, "Ogift"),
    "G": (2, "Gift"),
    "RP": (3, "Registrerat partnerskap"),
    "EP": (4, "Efterlevande partner"),
    "S": (5, "Skild"),
    "SP": (6, "Skild partner"),
    "Ä": (7, "Änka/Änkeman"),
    "unmarried": (1, "Ogift"),
    "married": (2, "Gift"),
    "divorced": (5, "Skild"),
    "widowed": (7, "Änka/Änkeman"),
}
_UNKNOWN_CIVIL_STATUS = 99
ELSEWHERE = ("14", "80")
"""County and municipality of who is registered at another address."""
SWEDEN = {"kod": "SE", "namn": "SVERIGE"}
ABROAD = {"kod": "NO", "namn": "NORGE"}


def fk_information(person: PersonRecord | None, asked: LefiQuestion, today: date, *, benefits: bool, municipality: str) -> Json:
    """Return `formansinformation`. `benefits` False = FK could not deliver any benefit; the person may still be there."""
    answer: Json = {}
    held = person.registers if person else None
    payments, pending = (held.fk, held.pending) if held and benefits else ((), ())
    if benefits and (groups := asked.of("FK", "utbetalningar")):
        answer["utbetalningsuppgift"] = [_payment(p) for p in paid(_of(groups, payments), asked.period, today)]
    if benefits and (groups := asked.of("FK", "preliminaraUtbetalningar")):
        answer["preliminarautbetalningar"] = [_payment(p) for p in planned(_of(groups, payments), asked.period, today)]
    for group in (code.removeprefix("FK:") for code in asked.of("FK", "formansinformation") if benefits):
        if group in _CASE_KEYS:
            answer[_CASE_KEYS[group]] = [
                *(_case(group, started, []) for code, started in pending if code == group and started <= today),
                *_decided_case(group, payments, today),
            ]
    if "FK:GEPI" in asked.lists["ovrigInformation"]:
        answer["generellPersoninformation"] = [_person(person, municipality)] if person and person.registers.gepi else []
    return answer


def _of(groups: tuple[str, ...], payments: Iterable[PaymentRecord]) -> Iterable[PaymentRecord]:
    """Give the payments of the groups asked; a benefit in no group that LEFI knows comes with whatever is asked."""
    return (payment for payment in payments if f"FK:{payment.group}" in groups or f"FK:{payment.group}" not in FK_GROUPS)


def _payment(payment: PaymentRecord) -> Json:
    period = {"fran": payment.covers_from.isoformat(), "till": payment.covers_to.isoformat()}

    def amount(kronor: str) -> Json:
        return {"summa": json_number(kronor), "valuta": payment.currency}

    whole = {"summa": payment.raw_amount, "valuta": payment.currency} if payment.raw_amount is not None else None
    row: Json = {"period": period, "bruttobelopp": whole or amount(gross(payment))}
    if payment.part is not None:
        row["forman"] = {"id": payment.part, "beskrivning": payment.part}
    if payment.amount_type is not None:
        row["beloppstyp"] = {"id": payment.amount_type, "beskrivning": payment.amount_type}
    rows = [row]
    if Decimal(payment.tax):
        rows.append({"beloppstyp": {"id": "PS", "beskrivning": "Preliminär skatt"}, "period": period, "skattebelopp": amount(payment.tax)})
    if Decimal(other_deductions(payment)):
        kind = {"id": "KVI", "beskrivning": "Kvittning"}
        rows.append({"beloppstyp": kind, "period": period, "avdragsbelopp": amount(other_deductions(payment))})
    return {
        "typ": {"id": 1, "beskrivning": "Månad"},
        "foretag": {"id": 1001, "beskrivning": "Försäkringskassan"},
        "formansfamilj": {"id": payment.group, "beskrivning": payment.benefit},
        "datum": payment.paid_on.isoformat(),
        "period": period,
        "bruttobelopp": whole or amount(gross(payment)),
        "skattebelopp": amount(payment.tax),
        "avdragsbelopp": amount(payment.deductions),
        "nettobelopp": whole or amount(paid_out(payment)),
        "utbetalningsdetalj": rows,
    }


def _case(group: str, started: date, decisions: list[Json]) -> Json:
    """Return a case that runs; without decisions it is applied for and not decided."""
    case: Json = ({"beslut": decisions[0]} if decisions else {}) if group in _ONE_DECISION else {"beslut": decisions}
    if group not in _WITHOUT_STATE:
        case |= {"startades": started.isoformat(), "aktivt": True}
        case |= {} if group in _NEVER_REFUSED else {"avslaget": False}
    return case


def _decided_case(group: str, payments: Iterable[PaymentRecord], today: date) -> list[Json]:
    """Return the case behind the payments of a group that show today, decided before the first of them."""
    mine = [payment for payment in payments if payment.group == group and (payment.planned or is_visible(payment, today))]
    if not mine:
        return []
    first = min(payment.covers_from for payment in mine)
    decision = {
        "fattades": first.isoformat(),
        "definitivt": True,
        "forman": {"id": group, "beskrivning": mine[0].benefit},
        "period": {"fran": first.isoformat()},
    }
    return [_case(group, first, [decision])]


def _person(person: PersonRecord, municipality: str) -> Json:
    """Return general information on the person. Of a protected one neither name nor address is given."""
    held = person.registers
    born = person.personnummer[:8]
    birth_day = int(born[6:]) % 60  # a coordination number has 60 added to the day
    civil = _CIVIL_STATUS.get(held.civil_status, (_UNKNOWN_CIVIL_STATUS, held.civil_status))
    county, town = ELSEWHERE if held.other_address else (municipality[:2], municipality[2:])
    known: Json = {
        "personnummer": person.personnummer,
        "foddes": f"{born[:4]}-{born[4:6]}-{birth_day:02d}",
        "skyddad": held.protected_fk,
        "avled": [held.deceased.isoformat()] if held.deceased else [],
        "civilstand": {"id": civil[0], "beskrivning": civil[1]},
        "medborgarskap": [{"land": SWEDEN}],
        "folkbokford": [] if held.emigrated else [{"lan": county, "kommun": town}],
    }
    if not held.protected_fk:
        role = {"id": 3, "beskrivning": "Utlandsadress"} if held.emigrated else {"id": 1, "beskrivning": "Folkbokföringsadress"}
        land = ABROAD if held.emigrated else SWEDEN
        known["namn"] = f"{person.first_name} {person.last_name}"
        known["adress"] = [
            {"roller": [role], "utdelningadress": ["Påhittade gatan 1"], "postnummer": "00000", "postort": "EXEMPELSTAD", "land": land}
        ]
    return known


def json_number(kronor: str) -> float | int:
    """Return the amount as the contract's JSON number, which is a double: exact for kronor and öre."""
    return float(kronor)
