"""Försäkringskassan's general information on the person (FK:GEPI)."""

from __future__ import annotations

from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek.lefi import Json, as_list, under
from connectors.registers.ssbtek.reading import Reading
from connectors.registers.ssbtek.values import boolean, same_person, short
from connectors.registers.ssbtek.xml import Unreadable

_KEYS = frozenset(
    {
        "personnummer",
        "foddes",
        "namn",
        "skyddad",
        "avled",
        "adress",
        "arbetsstallen",
        "barn",
        "civilstand",
        "folkbokford",
        "medborgarskap",
        "samhorig",
    }
)
_CIVIL_STATUS = {
    "1": "unmarried",
    "2": "married",
    "3": "married",
    "4": "widowed",
    "5": "divorced",
    "6": "divorced",
    "7": "widowed",
}
_NOT_KNOWN = "0"
_REGISTERED = "1"
_ABROAD = "3"


def read_person(person: object, reading: Reading, municipality: str | None) -> None:
    """Read protection, death, civil status and where the person is registered. Raises Unreadable when it is somebody else."""
    if not isinstance(person, dict):
        raise Unreadable(codes.PAYLOAD)
    number = person.get("personnummer")
    if number is not None and not same_person(number, reading.asked.personnummer):
        raise Unreadable(codes.OTHER_PERSON)
    reading.held = True
    reading.odd_keys(person, _KEYS, "FK.generellPersoninformation")
    protected = boolean(person.get("skyddad"))
    if protected is None and person.get("skyddad") is not None:
        reading.odd("FK.generellPersoninformation.skyddad", person["skyddad"])
    registered = _registered(person, reading)
    reading.facts |= {
        "protected": protected,
        "deceased": None if person.get("avled") is None else bool(person["avled"]),
        "civil_status": _civil_status(person.get("civilstand")),
        "emigrated": _emigrated(person, registered),
        "other_address": municipality not in registered if municipality and registered else None,
    }


def _civil_status(value: object) -> str | None:
    number = short(under(value, "id"))
    if number in ("", _NOT_KNOWN):
        return None
    return _CIVIL_STATUS.get(number, f"unknown:{number}")


def _registered(person: Json, reading: Reading) -> set[str]:
    """Return the codes of the municipalities where the person is registered."""
    found = set()
    for place in as_list(person.get("folkbokford")):
        where = short(under(place, "lan")) + short(under(place, "kommun"))
        found.add(where)
        if len(where) != 4:
            reading.odd("FK.generellPersoninformation.folkbokford", where)
    return found


def _emigrated(person: Json, registered: set[str]) -> bool | None:
    roles = {short(under(role, "id")) for address in as_list(person.get("adress")) for role in as_list(under(address, "roller"))}
    if person.get("folkbokford") is not None and not registered:
        return True
    if _ABROAD in roles and _REGISTERED not in roles:
        return True
    return False if registered else None
