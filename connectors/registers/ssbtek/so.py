"""A-kassornas samorganisation: one entry for each a-kassa, and each is a source of its own."""

from __future__ import annotations

from collections.abc import Collection

from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek import xml
from connectors.registers.ssbtek.fk import minus
from connectors.registers.ssbtek.reading import Reading
from connectors.registers.ssbtek.values import amount, boolean, day, payment, same_person, short
from connectors.registers.ssbtek.xml import Element, Unreadable

BENEFIT = "Arbetslöshetsersättning"
_ECHO = frozenset(
    {
        "OrganisationsnummerIngivare",
        "NamnIngivare",
        "KontonamnHandlaggare",
        "Referensnummer",
        "From",
        "Tom",
        "Syfte",
        "Paragraf",
        "OrganisationsnummerPersonuppgiftsbitrade",
        "NamnPersonuppgiftsbitrade",
        "IdentificationNumber",
        "ArbetsloshetsersattningLista",
    }
)
_ENTRY = frozenset({"SvarandeOrganisation", "StatusSvarandeOrganisation", "Utbetalningar", "Avstangningar", "AnsoktOmErsattning"})
_PAYMENT = frozenset({"Utbetalningsdatum", "NettoEfterSkatt", "NettoEfterAvdrag", "Ersattningsdagar", "AvserFrom", "AvserTom"})


def read_so(data: Element, reading: Reading, answered: Collection[str]) -> None:
    """Read every a-kassa's entry. One that has not answered is a deviation; when none has, the source could not be checked."""
    reading.odd_children(data, _ECHO, "SO")
    number = xml.leaf(data, "IdentificationNumber")
    if number is not None and not same_person(number, reading.asked.personnummer):
        raise Unreadable(codes.OTHER_PERSON)
    entries = xml.only(data, "ArbetsloshetsersattningLista", codes.PAYLOAD)
    if entries is None:
        raise Unreadable(codes.PAYLOAD)
    reading.odd_children(entries, {"Arbetsloshetsersattning"}, "SO.ArbetsloshetsersattningLista")
    accepted = {status.strip().casefold() for status in answered}
    silent = [not _read_fund(entry, reading, accepted) for entry in xml.named(entries, "Arbetsloshetsersattning")]
    if silent and all(silent):
        reading.fails("robot", codes.SILENT_FUND)
    if silent and not any(silent):
        reading.facts.setdefault("suspended", False)


def _read_fund(entry: Element, reading: Reading, accepted: Collection[str]) -> bool:
    """Read one a-kassa's entry, and say whether it has answered. What a silent one sends all the same is kept."""
    reading.odd_children(entry, _ENTRY, "SO.Arbetsloshetsersattning")
    fund = short(xml.leaf(entry, "SvarandeOrganisation"))
    status = short(xml.leaf(entry, "StatusSvarandeOrganisation"))
    answered = status.casefold() in accepted
    if not answered:
        reading.deviates(f"a-kassa.{fund or 'okänd'}")
    for row in xml.named(entry, "Utbetalningar"):
        _read_payment(row, reading, fund)
    for row in xml.named(entry, "Avstangningar"):
        reading.held = True
        # A suspension whose days cannot be read is one that may hold now.
        if reading.asked.overlaps(day(xml.leaf(row, "AvstangdFrom")), day(xml.leaf(row, "AvstangdTom"))):
            reading.facts["suspended"] = True
    for row in xml.named(entry, "AnsoktOmErsattning"):
        reading.held = True
        _read_application(row, reading)
    return answered


def _read_payment(row: Element, reading: Reading, fund: str) -> None:
    reading.odd_children(row, _PAYMENT, "SO.Utbetalningar")
    after_tax, paid_out = amount(xml.leaf(row, "NettoEfterSkatt")), amount(xml.leaf(row, "NettoEfterAvdrag"))
    reading.pay(
        payment(
            benefit=BENEFIT,
            net=after_tax,
            other_deductions=minus(after_tax, paid_out),
            paid_on=day(xml.leaf(row, "Utbetalningsdatum")),
            covers=(day(xml.leaf(row, "AvserFrom")), day(xml.leaf(row, "AvserTom"))),
            organisation=fund or None,
        )
    )


def _read_application(row: Element, reading: Reading) -> None:
    reading.odd_children(row, {"BeslutOmRattTillErsattning", "AnsokanOmUtbetalningInlamnad"}, "SO.AnsoktOmErsattning")
    submitted = xml.leaf(row, "AnsokanOmUtbetalningInlamnad")
    if boolean(submitted) is None:
        reading.odd("SO.AnsoktOmErsattning.AnsokanOmUtbetalningInlamnad", submitted or "")
    if day(xml.leaf(row, "BeslutOmRattTillErsattning")) is None:
        reading.facts["applied_not_decided"] = (BENEFIT,)
