"""CSN's answer, version 4.0: an XML document of its own, sent as base64."""

from __future__ import annotations

import re

from lxml import etree

from connectors.simulators.ssbtek.agencies import Asked, add
from connectors.simulators.ssbtek.held import is_visible, paid, planned, whole_kronor
from connectors.simulators.ssbtek.names import CSN, CSN_KINDS, CSN_PERSON, CSN_TYPES
from connectors.simulators.world import PaymentRecord

NOTHING = "Ej träff"
PROTECTED = "J"
NOT_PROTECTED = "  "
_PERSONNUMMER = re.compile(r"[0-9]{2}[0-1][0-9][0-3][0-9]{5}")
"""The schema's pattern: a coordination number, with 60 added to its day, does not fit."""
_CODES = {
    "Studiemedel": ("GRUND", "GRUNDB"),
    "Studiehjalp": ("SH", "STUDB"),
    "HemutrustningsLan": ("HUT", "HUT"),
    "Studiestartsstod": ("SSSTÖD", "STÖDB"),
    "Omstallningsstudiestod": ("OSS", "OSSBID"),
}
"""For each kind of support: its usual stodform and beloppstyp."""
_DIRECTORY = ("studiemedel", "studiehjalp", "hemutrustningslan", "studiestartsstod", "omstallningsstudiestod")
_PREFIXES = {"csn": CSN, "pers": CSN_PERSON, "gem": CSN_TYPES, **{f"k{number}": space for number, space in enumerate(CSN_KINDS.values())}}
_TERMS = ("soktaTider", "BeviljadeTider")


class NotAnswerable(Exception):
    """CSN's schema has no room for this person's number."""


def csn_answer(asked: Asked) -> bytes:
    """Return CSN's document. Raises NotAnswerable for a coordination number."""
    number = asked.question.personnummer[2:]
    if _PERSONNUMMER.fullmatch(number) is None:
        raise NotAnswerable
    held = asked.held
    by_kind: dict[str, list[PaymentRecord]] = {kind: [] for kind in CSN_KINDS}
    for payment in (*paid(held.csn, asked.period, asked.today), *planned(held.csn, asked.period, asked.today)):
        by_kind[_kind(payment.group)].append(payment)

    root = etree.Element(f"{{{CSN}}}CSNSvar", nsmap=_PREFIXES)
    root.set("schemaVersion", "4.0")
    result = add(add(root, CSN, "GemensamtSvarEkbistand"), CSN, "Resultat")
    add(result, CSN, "ResultatKod", "0")
    add(result, CSN, "ResultatText", "Allt OK")
    add(root, CSN, "GemensamtFragaEkbistand")
    person = add(add(root, CSN, "Personer"), CSN, "Person")
    person.set("personnummer", number)
    person.set("Status", " " * 10 if held.csn or held.protected_csn else NOTHING)
    person.set("sekretess", PROTECTED if held.protected_csn else NOT_PROTECTED)
    person.set("sekel", asked.question.personnummer[:2])
    directory = add(person, CSN_PERSON, "Studiestodstypforteckning")
    for name, kind in zip(_DIRECTORY, CSN_KINDS, strict=True):
        add(directory, CSN_TYPES, name, "1" if by_kind[kind] else "0")
    for kind, payments in by_kind.items():
        support = add(person, CSN_PERSON, kind)
        if payments:
            _cases(add(support, CSN_PERSON, "Arenden"), kind, payments, asked)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _kind(group: str) -> str:
    """Return the kind of support that a record's group means; an unknown group goes as Studiemedel with its own stodform."""
    plain = group.casefold().translate(str.maketrans("åäö", "aao"))
    return next((kind for kind in CSN_KINDS if plain in (kind.casefold(), _CODES[kind][0].casefold())), "Studiemedel")


def _cases(cases: etree._Element, kind: str, payments: list[PaymentRecord], asked: Asked) -> None:
    """Write one case for each benefit of the kind, with its plan of payments."""
    space = CSN_KINDS[kind]
    for number, benefit in enumerate(dict.fromkeys(payment.benefit for payment in payments), start=1):
        mine = [payment for payment in payments if payment.benefit == benefit]
        group = mine[0].group
        known = _kind(group) != "Studiemedel" or group.casefold() in ("studiemedel", "grund")
        case = add(cases, CSN_PERSON, "Arende")
        case.set("lopnummer", str(number))
        add(case, space, "stodform", _CODES[kind][0] if known else group[:6])
        add(case, space, "klartext", benefit[:40])
        add(case, space, "status", "BESLUTAD")
        for name in _TERMS if kind != "HemutrustningsLan" else ():
            add(case, space, name)
        plan = add(case, space, "UtbetalningsPlan")
        for payment in mine:
            _payment(add(plan, space, "Utbetalning"), kind, payment, is_paid=is_visible(payment, asked.today))


def _payment(row: etree._Element, kind: str, payment: PaymentRecord, *, is_paid: bool) -> None:
    amount = whole_kronor(payment.net) if payment.raw_amount is None else payment.raw_amount
    add(row, CSN_TYPES, "utbetdatum", payment.paid_on.strftime("%Y%m%d"))
    add(row, CSN_TYPES, "utbetstatus", "Utbetald" if is_paid else "Planerad")
    time = add(add(row, CSN_TYPES, "Utbetaldatider"), CSN_TYPES, "Utbetaldtid")
    for name, day in (("startvecka", payment.covers_from), ("slutvecka", payment.covers_to)):
        year, week, _ = day.isocalendar()
        add(time, CSN_TYPES, name, f"{year}{week:02d}")
    one = add(add(time, CSN_TYPES, "Beloppen"), CSN_TYPES, "Belopp")
    add(one, CSN_TYPES, "beloppstyp", (payment.amount_type or _CODES[kind][1])[:6])
    add(one, CSN_TYPES, "klartext", (payment.part or payment.benefit)[:40])
    add(one, CSN_TYPES, "belopp", amount)
    add(one, CSN_TYPES, "totbelopp", amount)
    add(time, CSN_TYPES, "totbelopp", amount)
    add(row, CSN_TYPES, "totbelopp", amount)
