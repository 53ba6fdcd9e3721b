"""The LEFI v9 answer: Försäkringskassan's and Pensionsmyndigheten's, each with its own state, in one JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import orjson

from connectors.simulators.ssbtek.held import gross, other_deductions, paid, paid_out, planned, whole_kronor
from connectors.simulators.ssbtek.lefi_fk import fk_information, json_number
from connectors.simulators.ssbtek.lefi_question import LefiQuestion
from connectors.simulators.world import PaymentRecord, PersonRecord

Json = dict[str, Any]
Trouble = Literal["felande", "otillganglig", "avvikelse", "missing"]
"""How one of the two fails inside an answer that is there."""

_NAMES = {"FK": "Försäkringskassan", "PM": "Pensionsmyndigheten"}
_STATES = {
    None: ("OK", "Tillgänglig"),
    "avvikelse": ("OK", "Tillgänglig"),
    "felande": ("FELANDE", "Felande"),
    "otillganglig": ("OTILLGANGLIG", "Inte tillgänglig"),
}
_PM_GROUPS = {"AP", "BTI", "EF"}
_INTERNAL = {"kod": "INTERNT_FEL", "beskrivning": "Ett delsystem svarade inte"}
_NOT_ENTITLED = {"kod": "OBEHORIG", "beskrivning": "Aktören är inte behörig"}
_PM_TAX = {"kod": "PM:PS", "beskrivning": "Preliminär skatt"}
_PM_OTHER = {"kod": "PM:AVDRAGOVRIGT", "beskrivning": "Övrigt avdrag"}


def lefi_answer(
    person: PersonRecord | None, asked: LefiQuestion, today: date, *, troubles: Mapping[str, Trouble], municipality: str
) -> bytes:
    """Return the JSON. `troubles` holds FK and PM when one of them fails inside the answer."""
    sources = [source for source in ("FK", "PM") if asked.asks(source) and troubles.get(source) != "missing"]
    answer: Json = {
        "utlamnare": [_state(source, troubles.get(source)) for source in sources],
        "avvikelser": _deviations(person, asked, troubles),
    }
    if "FK" in sources and troubles.get("FK") in (None, "avvikelse"):
        benefits = "FK" not in troubles
        answer["formansinformation"] = fk_information(person, asked, today, benefits=benefits, municipality=municipality)
    if "PM" in sources and "PM" not in troubles:
        answer |= _pm_part(person, asked, today)
    return orjson.dumps(answer)


def _state(source: str, trouble: Trouble | None) -> Json:
    code, text = _STATES[None if trouble == "missing" else trouble]
    return {"utlamnare": {"kod": source, "namn": _NAMES[source]}, "tillstand": {"kod": code, "beskrivning": text}}


def _deviations(person: PersonRecord | None, asked: LefiQuestion, troubles: Mapping[str, Trouble]) -> Json:
    """Return `avvikelser`: what was asked and could not be had. None for a source that is down as a whole: its state says so."""
    deviations: Json = {}
    for name in asked.lists:
        if name == "ovrigInformation":
            if person and not person.registers.gepi and "FK:GEPI" in asked.lists[name] and troubles.get("FK") in (None, "avvikelse"):
                kind = {"kod": "FK:GEPI", "beskrivning": "Generell personinformation"}
                deviations[name] = [{"avvikelse": _NOT_ENTITLED, "ovrigInformationstyp": kind}]
            continue
        failed = [code for source in ("FK", "PM") if troubles.get(source) == "avvikelse" for code in asked.of(source, name)]
        if failed:
            deviations[name] = [{"avvikelse": _INTERNAL, "formansgrupp": {"kod": code, "beskrivning": code[3:]}} for code in failed]
    return deviations


def _pm_part(person: PersonRecord | None, asked: LefiQuestion, today: date) -> Json:
    """Return Pensionsmyndigheten's lists, those that were asked for."""
    held = person.registers.pm if person else ()
    part: Json = {}
    for name, shown in (("utbetalningar", paid), ("preliminaraUtbetalningar", planned)):
        if groups := asked.of("PM", name):
            mine = (payment for payment in held if f"PM:{payment.group}" in groups or payment.group not in _PM_GROUPS)
            part[name] = [_pm_payment(payment) for payment in shown(mine, asked.period, today)]
    for name in ("ansprak", "beslut"):
        if asked.of("PM", name):
            part[name] = []
    return part


def _pm_payment(payment: PaymentRecord) -> Json:
    row: Json = {
        "formansgrupp": {"kod": f"PM:{payment.group}", "beskrivning": payment.benefit},
        "belopp": _amount(payment, gross(payment)),
    }
    if payment.part is not None:
        row["utbetalningsforman"] = {"kod": payment.part, "beskrivning": payment.part}
    if payment.amount_type is not None:
        row["beloppstyp"] = {"kod": payment.amount_type, "beskrivning": payment.amount_type}
    deducted = ((payment.tax, _PM_TAX), (other_deductions(payment), _PM_OTHER))
    return {
        "utbetalningsdatum": payment.paid_on.isoformat(),
        "utbetalningsperiod": {"from": payment.covers_from.isoformat(), "tom": payment.covers_to.isoformat()},
        "bruttobelopp": _amount(payment, gross(payment)),
        "nettobelopp": _amount(payment, paid_out(payment)),
        "avdrag": [{"belopp": _whole(amount), "avdragstyp": kind} for amount, kind in deducted if _whole(amount)],
        "utbetalningsrader": [row],
    }


def _amount(payment: PaymentRecord, kronor: str) -> int | float | str:
    return payment.raw_amount if payment.raw_amount is not None else _whole(kronor)


def _whole(kronor: str) -> int | float:
    """Return whole kronor as the contract's integer; öre, which it has no room for, as they are."""
    text = whole_kronor(kronor)
    return int(text) if text.lstrip("-").isdigit() else json_number(text)
