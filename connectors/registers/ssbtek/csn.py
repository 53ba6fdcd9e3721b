"""CSN: an XML document of its own (version 4), sent as base64."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek import xml
from connectors.registers.ssbtek.fk import one_kind
from connectors.registers.ssbtek.reading import Reading
from connectors.registers.ssbtek.values import amount, code, compact_day, payment, same_person, short, week
from connectors.registers.ssbtek.xml import Element, Unreadable

_KINDS = ("Studiemedel", "Studiehjalp", "HemutrustningsLan", "Studiestartsstod", "Omstallningsstudiestod")
_STUDIES = frozenset(_KINDS) - {"HemutrustningsLan"}
_CASE = frozenset({"stodform", "klartext", "status", "relarende", "soktaTider", "BeviljadeTider", "UtbetalningsPlan"})
_CASE_STATES = frozenset({"", "BESLUTAD", "INITIERAD", "AVSLUTAD", "BESLUTAT", "INITIERAT", "AVSLUTAT"})
_PAYMENT = frozenset({"utbetdatum", "utbetstatus", "Utbetaldatider", "totbelopp"})
_TIME = frozenset({"startvecka", "slutvecka", "Beloppen", "totbelopp"})
_PAID = frozenset({"utbetald", "utbetalad"})
_PLANNED = "planerad"
_NO_HIT = "ej träff"
_NOT_PROTECTED = frozenset({"", "N"})


def read_csn(data: Element, reading: Reading) -> None:
    """Read the person's cases and payments. Raises Unreadable when the document cannot be followed or is about somebody else."""
    reading.odd_children(data, {"svar"}, "CSN")
    root = xml.parse(xml.from_base64(xml.leaf(data, "svar"), codes.PAYLOAD), codes.PAYLOAD)
    if xml.name(root) != "CSNSvar":
        raise Unreadable(codes.PAYLOAD)
    reading.odd_children(root, {"GemensamtSvarEkbistand", "GemensamtFragaEkbistand", "Personer"}, "CSN")
    result = _result(root)
    if result != "0":
        reading.fails("BT", code(result))
    people = xml.only(root, "Personer", codes.PAYLOAD)
    if people is None:
        raise Unreadable(codes.PAYLOAD)
    reading.odd_children(people, {"Person"}, "CSN.Personer")
    found = xml.named(people, "Person")
    if not found and result == "0":
        raise Unreadable(codes.PAYLOAD)
    for person in found:
        _read_person(person, reading)


def _result(root: Element) -> str:
    common = xml.only(root, "GemensamtSvarEkbistand", codes.PAYLOAD)
    result = None if common is None else xml.only(common, "Resultat", codes.PAYLOAD)
    found = None if result is None else xml.leaf(result, "ResultatKod")
    if found is None:
        raise Unreadable(codes.PAYLOAD)
    return found


def _read_person(person: Element, reading: Reading) -> None:
    if not same_person(xml.attribute(person, "personnummer"), reading.asked.personnummer):
        raise Unreadable(codes.OTHER_PERSON)
    reading.odd_children(person, {"Studiestodstypforteckning", *_KINDS}, "CSN.Person")
    status = (xml.attribute(person, "Status") or "").strip().casefold()
    if status not in {"", _NO_HIT}:
        reading.odd("CSN.Person.Status", status)
    _read_secrecy(xml.attribute(person, "sekretess"), reading, known_person=status != _NO_HIT)
    for kind in _KINDS:
        for support in xml.named(person, kind):
            reading.odd_children(support, {"Arenden"}, f"CSN.{kind}")
            for cases in xml.named(support, "Arenden"):
                reading.odd_children(cases, {"Arende"}, f"CSN.{kind}.Arenden")
                for case in xml.named(cases, "Arende"):
                    _read_case(case, reading, kind)


def _read_secrecy(mark: str | None, reading: Reading, *, known_person: bool) -> None:
    if mark is not None and mark.strip().upper() not in _NOT_PROTECTED:
        reading.held = True
        reading.facts["protected"] = True
    elif mark is not None and known_person:
        reading.facts["protected"] = False


def _read_case(case: Element, reading: Reading, kind: str) -> None:
    reading.held = True
    reading.odd_children(case, _CASE, f"CSN.{kind}.Arende")
    state = xml.leaf(case, "status") or ""
    if state not in _CASE_STATES:
        reading.odd(f"CSN.{kind}.Arende.status", state)
    benefit = short(xml.leaf(case, "klartext"))
    if not benefit:
        benefit = f"unknown:{short(xml.leaf(case, 'stodform'))}"
        reading.odd(f"CSN.{kind}.Arende.klartext", benefit)
    if state.startswith("INITIERA"):
        reading.facts["applied_not_decided"] = (*reading.facts.get("applied_not_decided", ()), benefit)
    if kind in _STUDIES and _granted(case, reading):
        reading.facts["student"] = True
    for plan in xml.named(case, "UtbetalningsPlan"):
        reading.odd_children(plan, {"Utbetalning"}, f"CSN.{kind}.UtbetalningsPlan")
        for row in xml.named(plan, "Utbetalning"):
            _read_payment(row, reading, kind, benefit)


def _granted(case: Element, reading: Reading) -> bool:
    """Say whether study support is granted for any of the days asked for; a time that cannot be read may be one of them."""
    return any(
        reading.asked.overlaps(week(xml.leaf(time, "starttid"), last=False), week(xml.leaf(time, "sluttid"), last=True))
        for times in xml.named(case, "BeviljadeTider")
        for time in xml.named(times, "BeviljadTid")
    )


def _read_payment(row: Element, reading: Reading, kind: str, benefit: str) -> None:
    path = f"CSN.{kind}.Utbetalning"
    reading.odd_children(row, _PAYMENT, path)
    status = xml.leaf(row, "utbetstatus") or ""
    if status.casefold() not in {*_PAID, _PLANNED}:
        reading.odd(f"{path}.utbetstatus", status)
    times = list(_times(row, reading, path))
    firsts = [week(xml.leaf(time, "startvecka"), last=False) for time in times]
    lasts = [week(xml.leaf(time, "slutvecka"), last=True) for time in times]
    covers = (min((day for day in firsts if day), default=None), max((day for day in lasts if day), default=None))
    preliminary = status.casefold() == _PLANNED
    if kind in _STUDIES and not preliminary and times and reading.asked.overlaps(*covers):
        reading.facts["student"] = True
    _, amount_type, mixed = one_kind([(None, type_) for time in times for type_ in _amount_types(time)])
    reading.pay(
        payment(
            benefit=benefit,
            amount_type=amount_type,
            mixed_rows=mixed,
            net=amount(xml.leaf(row, "totbelopp")),
            paid_on=compact_day(xml.leaf(row, "utbetdatum")),
            covers=covers,
            preliminary=preliminary,
        )
    )


def _times(row: Element, reading: Reading, path: str) -> Iterator[Element]:
    for part in xml.named(row, "Utbetaldatider"):
        reading.odd_children(part, {"Utbetaldtid"}, f"{path}.Utbetaldatider")
        for time in xml.named(part, "Utbetaldtid"):
            reading.odd_children(time, _TIME, f"{path}.Utbetaldtid")
            yield time


def _amount_types(time: Element) -> list[str | None]:
    rows = [row for amounts in xml.named(time, "Beloppen") for row in xml.named(amounts, "Belopp")]
    return [short(xml.leaf(row, "beloppstyp")) or None for row in rows]
