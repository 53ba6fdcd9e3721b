"""From the service's bytes to one answer per source asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import get_args

from pydantic import ValidationError

from connectors.registers.port import RegisterQuery
from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek.agencies import read_af, read_miv, read_skv, read_tns
from connectors.registers.ssbtek.csn import read_csn
from connectors.registers.ssbtek.envelope import AgencyError, Opened, agency_data, open_answer
from connectors.registers.ssbtek.fk import read_fk
from connectors.registers.ssbtek.lefi import Json, decode
from connectors.registers.ssbtek.pm import read_pm
from connectors.registers.ssbtek.reading import Asked, Reading
from connectors.registers.ssbtek.settings import SsbtekSettings
from connectors.registers.ssbtek.so import read_so
from connectors.registers.ssbtek.xml import Element, Unreadable, from_base64, leaf
from rules.facts import RegisterAnswer, Source

_XML_READERS: dict[str, Callable[[Element, Reading], None]] = {
    "CSN": read_csn,
    "AF": read_af,
    "SKV": read_skv,
    "TNS": read_tns,
    "MIV": read_miv,
}


def read_answers(
    content: bytes, query: RegisterQuery, settings: SsbtekSettings, *, correlation: str, fetched_at: datetime, neighbour: str
) -> list[RegisterAnswer]:
    """Return one answer per source of the query, in its order; what cannot be read is `unavailable` with a code.

    Raises the fault's RetriableError or PermanentError when the service gave no answer at all.
    """
    asked = Asked(query.ref, query.personnummer, query.from_day, query.to_day)
    readings = [Reading(source, asked) for source in get_args(Source) if source in query.sources]
    try:
        opened = open_answer(content, neighbour=neighbour)
        if opened.correlation not in (None, correlation):
            raise Unreadable(codes.OTHER_PERSON)
    except Unreadable as reason:
        for reading in readings:
            reading.fails("robot", reason.code)
    else:
        lefi = lru_cache(maxsize=1)(_lefi)  # FK and PM stand in one and the same JSON
        for reading in readings:
            _read(reading, opened, settings, lefi)
    found = {reading.source: _answer(reading, fetched_at) for reading in readings}
    return [found[source] for source in query.sources if source in found]


def _read(reading: Reading, opened: Opened, settings: SsbtekSettings, lefi: Callable[[Element], Json]) -> None:
    """Read one source's part. Whatever cannot be followed makes the source unavailable, with what was read until then kept."""
    for name in opened.unknown:
        reading.odd(f"SSBTEK.{name}")
    element = opened.agencies.get("FK" if reading.source == "PM" else reading.source)
    if element is None:
        reading.fails("robot", codes.ABSENT)
        return
    try:
        data = agency_data(element)
        if isinstance(data, AgencyError):
            reading.fails(data.source, data.code)
        else:
            _read_data(reading, data, settings, lefi)
    except Unreadable as reason:
        if reason.code == codes.OTHER_PERSON:
            reading.forget()
        reading.fails("robot", reason.code)


def _read_data(reading: Reading, data: Element, settings: SsbtekSettings, lefi: Callable[[Element], Json]) -> None:
    if reading.source in {"FK", "PM"}:
        reading.odd_children(data, {"lefiJsonSvar"}, "LEFI")
        if reading.source == "FK":
            read_fk(lefi(data), reading, settings.fk_groups, settings.municipality)
        else:
            read_pm(lefi(data), reading, settings.pm_groups, settings.tax_deduction_types)
    elif reading.source == "SO":
        read_so(data, reading, settings.so_answered_statuses)
    else:
        _XML_READERS[reading.source](data, reading)


def _lefi(data: Element) -> Json:
    return decode(from_base64(leaf(data, "lefiJsonSvar"), codes.PAYLOAD))


def _answer(reading: Reading, fetched_at: datetime) -> RegisterAnswer:
    try:
        return reading.answer(fetched_at)
    except ValidationError:
        # The pieces do not make facts: nothing of them can be relied on.
        empty = Reading(reading.source, reading.asked)
        empty.fails("robot", codes.PAYLOAD)
        return empty.answer(fetched_at)
