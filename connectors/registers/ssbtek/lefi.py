"""The LEFI answer: one JSON for Försäkringskassan and Pensionsmyndigheten, each with its own state and deviations."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from connectors.registers.ssbtek import reading as codes
from connectors.registers.ssbtek.reading import Reading
from connectors.registers.ssbtek.values import code
from connectors.registers.ssbtek.xml import Unreadable

Json = dict[str, Any]
SOURCES = ("FK", "PM")
_TOP = frozenset(
    {"utlamnare", "avvikelser", "formansinformation", "ansprak", "beslut", "preliminaraUtbetalningar", "utbetalningar", "ovrigInformation"}
)
_ASKED_LISTS = frozenset({"formansinformation", "ansprak", "beslut", "preliminaraUtbetalningar", "utbetalningar", "ovrigInformation"})


def decode(content: bytes) -> Json:
    """Return the JSON object, numbers exact. Raises Unreadable; a key that stands twice is unreadable too."""
    try:
        found = _READER.decode(content.decode(json.detect_encoding(content), "surrogatepass"))
    except (ValueError, RecursionError):
        raise Unreadable(codes.PAYLOAD) from None
    if not isinstance(found, dict):
        raise Unreadable(codes.PAYLOAD)
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


_READER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_once)


def as_list(value: object) -> list[Any]:
    """Return a list, a single object as a list of one, nothing as an empty list. Raises Unreadable for anything else."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise Unreadable(codes.PAYLOAD)
    return value


def under(value: object, *path: str) -> Any:
    """Return what stands at a path of keys, None when there is nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def read_state(lefi: Json, reading: Reading, groups: Collection[str]) -> None:
    """Read what concerns the whole source: its state, its deviations, and keys that are not known.

    When payments of none of the `groups` asked for could be given, the source could not be checked.
    """
    reading.odd_keys(lefi, _TOP, "LEFI")
    _read_supplier(lefi, reading)
    without = {_read_deviation(list_name, item, reading) for list_name, item in _deviations(lefi.get("avvikelser"), reading)}
    if without >= set(groups):
        reading.fails("robot", codes.NOT_GIVEN)


def _read_supplier(lefi: Json, reading: Reading) -> None:
    states = []
    for item in as_list(lefi.get("utlamnare")):
        supplier = under(item, "utlamnare", "kod")
        if supplier == reading.source:
            states.append(under(item, "tillstand", "kod"))
        elif supplier not in SOURCES:
            reading.odd("LEFI.utlamnare", code(supplier))
    if not states:
        reading.fails("robot", codes.NO_STATE)
    for state in states:
        if state != "OK":
            reading.fails("BT", code(state))


def _deviations(value: object, reading: Reading) -> Iterator[tuple[str, object]]:
    # The contract says an object of lists; its published example shows an empty list.
    if isinstance(value, dict):
        for list_name, items in value.items():
            if list_name not in _ASKED_LISTS:
                reading.odd(f"LEFI.avvikelser.{code(list_name)}")
            for item in as_list(items):
                yield list_name, item
    else:
        for item in as_list(value):
            yield "utbetalningar", item


def _read_deviation(list_name: str, item: object, reading: Reading) -> str | None:
    """Read one deviation, and return the group whose payments are missing because of it."""
    group = under(item, "formansgrupp", "kod") or under(item, "ovrigInformationstyp", "kod")
    whose = group.partition(":")[0] if isinstance(group, str) else ""
    if whose in SOURCES and whose != reading.source:
        return None
    if whose not in SOURCES:
        # Nobody knows what is missing: it may be everything.
        reading.odd(f"LEFI.avvikelser.{code(list_name)}", code(group))
        reading.fails("robot", codes.NOT_GIVEN)
    reading.deviates(f"{code(list_name)}.{code(group)}.{code(under(item, 'avvikelse', 'kod'))}")
    return group if list_name == "utbetalningar" and isinstance(group, str) else None
