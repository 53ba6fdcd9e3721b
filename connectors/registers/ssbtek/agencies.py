"""The agencies that hold no payments: Arbetsförmedlingen, Skatteverket, Transportstyrelsen and Migrationsverket."""

from __future__ import annotations

from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek import xml
from connectors.registers.ssbtek.reading import Reading
from connectors.registers.ssbtek.values import amount, boolean, code, day, same_person, short
from connectors.registers.ssbtek.xml import Element, Unreadable
from rules.facts import Permit
from rules.money import kronor

_AF = frozenset(
    {
        "Schemaversion",
        "Referensnummer",
        "LagParagraf",
        "IdentitetsbeteckningFysiskPerson",
        "Fornamn",
        "Efternamn",
        "Sekretessmarkering",
        "ArbetssokandeInfo",
        "BeslutInfo",
        "Akassetillhorighet",
        "StatusSokandeinformationKod",
        "StatusSokandeinformationKodText",
    }
)
_AF_SEEKER = frozenset(
    {
        "Arbetssokande",
        "ArbetssokandeSKAT",
        "ArbetssokandeRegistrerad",
        "ArbetssokandeOmfattning",
        "ArbetssokandeAvaktualiserad",
        "AktivetetsRapportDatum",
    }
)
_SKV_PERSON = frozenset({"IdentitetsbeteckningFysiskPerson", "StatusPersonuppgiftKod", "Kapitaluppgift"})
_SKV_CAPITAL = frozenset({"Taxeringsar", "SummaIntakterPaKapital", "OverskottPaKapital"})
_VEHICLE = ("regnr", "fabrikat", "handelsbeteckning", "fordonsar", "fordonsslag")
_MIV_PERSON = frozenset(
    {"korrelationsid", "correlationid", "efternamn", "fornamn", "hemland", "inresedatum", "personnummer", "svarCollection"}
)
_MIV_DECISION = frozenset(
    {
        "anledning",
        "anledningNamn",
        "ansokningsdatum",
        "arendeTyp",
        "arendeTypNamn",
        "beslutsKod",
        "beslutsKodNamn",
        "beslutsTyp",
        "beslutsTypNamn",
        "beslutsdatum",
        "fromDatum",
        "giltighetstid",
        "tomDatum",
    }
)
_VALIDITY = {"PERMANENT": True, "TIDBEGRANSAT": False}


def read_af(data: Element, reading: Reading) -> None:
    """Read protection and registration as a job seeker. An answer in order that knows nothing of the person says: no job seeker."""
    reading.odd_children(data, {"Fraga", "Svar"}, "AF")
    found = xml.only(data, "Svar", codes.PAYLOAD)
    if found is None:
        raise Unreadable(codes.PAYLOAD)
    _must_be_asked_for(xml.leaf(found, "IdentitetsbeteckningFysiskPerson"), reading)
    reading.odd_children(found, _AF, "AF")
    status = xml.leaf(found, "StatusSokandeinformationKod")
    if status != "0":
        reading.fails("BT", code(status))
    protected = xml.leaf(found, "Sekretessmarkering")
    reading.facts["protected"] = boolean(protected)
    if protected is not None and boolean(protected) is None:
        reading.odd("AF.Sekretessmarkering", protected)
    reading.held = protected is not None
    seeker = xml.only(found, "ArbetssokandeInfo", codes.PAYLOAD)
    if seeker is None:
        reading.facts["job_seeker"] = False if reading.error is None else None
        return
    reading.held = True
    reading.odd_children(seeker, _AF_SEEKER, "AF.ArbetssokandeInfo")
    reading.facts["job_seeker"] = boolean(xml.leaf(seeker, "Arbetssokande"))
    reading.facts["registered"] = day(xml.leaf(seeker, "ArbetssokandeRegistrerad"))


def read_skv(data: Element, reading: Reading) -> None:
    """Read yearly capital income from the XML inside the text. The latest year counts; no person in the list = nothing held."""
    reading.odd_children(data, {"svar"}, "SKV")
    inner = xml.leaf(data, "svar")
    if inner is None:
        raise Unreadable(codes.PAYLOAD)
    # The text has an encoding declaration of its own, which lxml refuses in a str.
    root = xml.parse(inner.encode(), codes.PAYLOAD)
    people = xml.only(root, "PersonuppgiftLista", codes.PAYLOAD)
    if people is None:
        raise Unreadable(codes.PAYLOAD)
    reading.odd_children(root, {"PersonuppgiftLista"}, "SKV")
    reading.odd_children(people, {"Personuppgift"}, "SKV.PersonuppgiftLista")
    years: list[tuple[str, str | None]] = []
    for person in xml.named(people, "Personuppgift"):
        _must_be_asked_for(xml.leaf(person, "IdentitetsbeteckningFysiskPerson"), reading)
        reading.odd_children(person, _SKV_PERSON, "SKV.Personuppgift")
        status = xml.leaf(person, "StatusPersonuppgiftKod")
        if status != "0":
            reading.fails("BT", code(status))
        for capital in xml.named(person, "Kapitaluppgift"):
            reading.odd_children(capital, _SKV_CAPITAL, "SKV.Kapitaluppgift")
            years.append((short(xml.leaf(capital, "Taxeringsar")), xml.leaf(capital, "SummaIntakterPaKapital")))
    if years:
        reading.held = True
        year, written = max(years, key=lambda found: found[0])
        income = amount(written)
        if income is None:
            reading.odd(f"SKV.Kapitaluppgift.SummaIntakterPaKapital[{year}]", written or "")
        reading.facts["capital_income"] = None if income is None else kronor(income)


def read_tns(data: Element, reading: Reading) -> None:
    """Read the vehicles. Failure comes inside the data: resultat FEL."""
    reading.odd_children(data, {"resultat", "fordonsinnehav", "felresultat"}, "TNS")
    if (result := xml.leaf(data, "resultat")) != "OK":
        failures = xml.named(data, "felresultat")
        reading.fails("BT", code(xml.leaf(failures[0], "felkod") if failures else result))
    vehicles = []
    for holding in xml.named(data, "fordonsinnehav"):
        reading.odd_children(holding, {"fordon"}, "TNS.fordonsinnehav")
        for vehicle in xml.named(holding, "fordon"):
            reading.odd_children(vehicle, _VEHICLE, "TNS.fordon")
            described = " ".join(filter(None, (short(xml.leaf(vehicle, key)) for key in _VEHICLE)))
            vehicles.append(described or "unknown:")
    reading.facts["vehicles"] = tuple(vehicles)
    reading.held = bool(vehicles)


def read_miv(data: Element, reading: Reading) -> None:
    """Read the permits. No response at all = nothing held."""
    reading.odd_children(data, {"response"}, "MIV")
    response = xml.only(data, "response", codes.PAYLOAD)
    if response is None:
        return
    _must_be_asked_for(xml.leaf(response, "personnummer"), reading)
    reading.odd_children(response, _MIV_PERSON, "MIV")
    permits = []
    for collection in xml.named(response, "svarCollection"):
        reading.odd_children(collection, {"svar"}, "MIV.svarCollection")
        permits += [_permit(row, reading) for row in xml.named(collection, "svar") if xml.all_text(row)]
    reading.facts["permits"] = tuple(permits)
    reading.held = bool(permits)


def _permit(row: Element, reading: Reading) -> Permit:
    reading.odd_children(row, _MIV_DECISION, "MIV.svar")
    validity = xml.leaf(row, "giltighetstid")
    if validity is not None and validity not in _VALIDITY:
        reading.odd("MIV.svar.giltighetstid", validity)
    kinds = (short(xml.leaf(row, key)) for key in ("beslutsTypNamn", "beslutsTyp", "arendeTypNamn", "arendeTyp"))
    dates = {key: xml.leaf(row, key) for key in ("fromDatum", "tomDatum")}
    for key, written in dates.items():
        if written is not None and day(written) is None:
            reading.odd(f"MIV.svar.{key}", written)
    return Permit(
        kind=next(filter(None, kinds), "unknown:"),
        permanent=_VALIDITY.get(validity or ""),
        from_day=day(dates["fromDatum"]),
        to_day=day(dates["tomDatum"]),
    )


def _must_be_asked_for(number: str | None, reading: Reading) -> None:
    if number is not None and not same_person(number, reading.asked.personnummer):
        raise Unreadable(codes.OTHER_PERSON)
