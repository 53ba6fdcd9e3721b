"""Försäkringskassan's part of a LEFI answer: payments."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek.fk_cases import CASES, OF_NO_USE, read_cases
from connectors.registers.ssbtek.fk_person import read_person
from connectors.registers.ssbtek.lefi import Json, as_list, read_state, under
from connectors.registers.ssbtek.reading import Reading
from connectors.registers.ssbtek.values import amount, day, edge, payment, short
from connectors.registers.ssbtek.xml import Unreadable
from rules.facts import Payment
from rules.money import ZERO, Ore

_PAID = "utbetalningsuppgift"
_PRELIMINARY = "preliminarautbetalningar"
_AMOUNTS = ("bruttobelopp", "skattebelopp", "avdragsbelopp", "nettobelopp")
_PAYMENT_KEYS = frozenset({"typ", "foretag", "formansfamilj", "datum", "period", "utbetalningsdetalj", *_AMOUNTS})
_ROW_KEYS = frozenset({"forman", "period", "beloppstyp", "omfattning", "dagar", "timmar", "bruttobelopp", "skattebelopp", "avdragsbelopp"})
_KNOWN_WAYS = {"0", "1", "2", "3"}
_PRESUMPTIVE = "4"
_DEDUCTIONS = frozenset(
    [
        "AFR",
        "ALA",
        "ART",
        "AVB",
        "AVR",
        "FMF",
        "FUM",
        "INC",
        "INF",
        "INM",
        "INU",
        "KOA",
        "KVI",
        "OAV",
        "PF",
        "PS",
        "PST",
        "SAV",
        "SKV",
        "SOC",
        "SS",
        "SST",
        "UMG",
        "UTF",
        "ÅFA",
        "ÖVA",
    ]
)
"""LEFI's kinds of rows that are deductions; every other kind is a benefit."""


def read_fk(lefi: Json, reading: Reading, groups: Collection[str], municipality: str | None) -> None:
    """Read state, payments, cases and the person. Raises Unreadable when the structure cannot be followed."""
    read_state(lefi, reading, groups)
    information = lefi.get("formansinformation")
    if information is None:
        return
    if not isinstance(information, dict):
        raise Unreadable(codes.PAYLOAD)
    reading.odd_keys(information, {"generellPersoninformation", _PAID, _PRELIMINARY, *CASES, *OF_NO_USE}, "FK")
    for key in (_PAID, _PRELIMINARY):
        for number, item in enumerate(as_list(information.get(key))):
            reading.pay(_payment(item, reading, f"FK.{key}[{number}]", preliminary=key == _PRELIMINARY))
    read_cases(information, reading)
    for item in as_list(information.get("generellPersoninformation")):
        read_person(item, reading, municipality)


def _payment(item: object, reading: Reading, path: str, *, preliminary: bool) -> Payment:
    if not isinstance(item, dict):
        reading.odd(path, short(item))
        return payment(benefit="unknown:", net=None, paid_on=None, currency=None)
    reading.odd_keys(item, _PAYMENT_KEYS, path)
    way = short(under(item, "typ", "id"))
    if way and way not in {*_KNOWN_WAYS, _PRESUMPTIVE}:
        reading.odd(f"{path}.typ", way)
    gross, tax, deducted = _sums(item, reading, path)
    part, amount_type, mixed = _rows(item, reading, path)
    currency = _currency(item, reading, path)
    return payment(
        benefit=_benefit(item, reading, path),
        part=part,
        amount_type=amount_type,
        mixed_rows=mixed,
        net=minus(gross, tax) if currency is not _MIXED else None,
        gross=gross,
        tax=tax,
        other_deductions=minus(deducted, tax),
        currency=currency,
        paid_on=day(item.get("datum")),
        covers=(edge(under(item, "period", "fran"), last=False), edge(under(item, "period", "till"), last=True)),
        preliminary=preliminary or way == _PRESUMPTIVE,
    )


def minus(whole: Ore | None, part: Ore | None) -> Ore | None:
    """Return the difference; None when either could not be read."""
    return None if whole is None or part is None else Ore(whole - part)


def _benefit(item: Json, reading: Reading, path: str) -> str:
    family = item.get("formansfamilj")
    known_as = short(under(family, "beskrivning"))
    if not known_as:
        known_as = f"unknown:{short(under(family, 'id'))}"
        reading.odd(f"{path}.formansfamilj", known_as)
    return known_as


def _sums(item: Json, reading: Reading, path: str) -> tuple[Ore | None, Ore | None, Ore | None]:
    """Return gross, tax and everything deducted (tax included). A sum left out is derived from the others, never taken as zero."""
    gross, tax, deducted, net = (amount(under(item, key, "summa")) for key in _AMOUNTS)
    if deducted is None and item.get("avdragsbelopp") is None:
        deducted = minus(gross, net)
    if tax is None and item.get("skattebelopp") is None and deducted == 0:
        tax = ZERO
    expected = minus(gross, deducted)
    if None not in (expected, net) and expected != net:
        reading.odd(f"{path}.nettobelopp", "beloppen stämmer inte överens")
    return gross, tax, deducted


_MIXED = "blandad"


def _currency(item: Json, reading: Reading, path: str) -> str | None:
    found = {short(under(item, key, "valuta")) for key in _AMOUNTS if item.get(key) is not None}
    if len(found) > 1:
        return _MIXED
    currency = next(iter(found), "")
    if not currency:
        reading.odd(f"{path}.valuta")
    return currency or None


def _rows(item: Json, reading: Reading, path: str) -> tuple[str | None, str | None, bool]:
    """Return the benefit part and amount type that the rows beside deductions name, and whether they name several."""
    kinds = []
    for number, row in enumerate(as_list(item.get("utbetalningsdetalj"))):
        if not isinstance(row, dict):
            reading.odd(f"{path}.utbetalningsdetalj[{number}]", short(row))
            continue
        reading.odd_keys(row, _ROW_KEYS, f"{path}.utbetalningsdetalj[{number}]")
        if short(under(row, "beloppstyp", "id")) not in _DEDUCTIONS:
            kinds.append(tuple(_letter(row.get(key)) for key in ("forman", "beloppstyp")))
    return one_kind(kinds)


def _letter(value: object) -> str | None:
    return short(under(value, "id")) or short(under(value, "beskrivning")) or None


def one_kind(kinds: list[Any]) -> tuple[str | None, str | None, bool]:
    """Return the one (part, amount type) of all rows and False, or nothing and True when they differ."""
    distinct = set(kinds)
    if len(distinct) > 1:
        return None, None, True
    part, amount_type = next(iter(distinct), (None, None))
    return part, amount_type, False
