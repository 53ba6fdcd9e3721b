"""Riksnormens amounts, one file for each ordinance and year, from `rules/parameters/riksnorm/`.

An amount that nobody has read is written as `{unknown: why}`: then it is not forgotten, and it is not there. Nothing is worked out from
other amounts or years.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import yaml

from rules.dated import Dated, Series
from rules.money import Ore, ore
from rules.month import Month
from rules.strict_yaml import Place, RulebookError, read_file

CHILD_BANDS = ("0", "1-2", "3", "4-6", "7-10", "11-14", "15-18", "19-20")
LUNCH_BANDS = ("0", "1-2", "3", "4-6")
COMMON_SIZES = 7
STATUSES = ("verified", "verified_2nd")
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "adult": ("single", "sambo"),
        "child": CHILD_BANDS,
        "child_without_lunch": LUNCH_BANDS,
        "common": tuple(str(size) for size in range(1, COMMON_SIZES + 1)),
    }
)
NORM_NAMES = tuple(f"riksnorm.{table}.{row}" for table, rows in TABLES.items() for row in rows)
_UNIT = "kr/month"
_LARGEST_AMOUNT = 100_000
_FILE_NAME = re.compile(r"\d{4}-\d{2}\.yaml")


@dataclass(frozen=True, slots=True)
class _File:
    """One file's months and amounts; `cells` also has where each amount stands."""

    place: Place
    since: Month
    until: Month
    cells: Mapping[str, tuple[Place, Dated[Ore]]]


def read_riksnorm(folder: Path, shown: str) -> tuple[Mapping[str, Series[Ore]], bytes]:
    """Return the amounts by name, and the bytes of all files. `shown` is what messages call the folder.

    Raises RulebookError when a file is not so written, when two hold for the same month, or when amounts cannot be right together.
    """
    files: list[_File] = []
    content: list[bytes] = []
    for name in _file_names(folder, shown):
        place, raw = read_file(folder / name, f"{shown}/{name}")
        files.append(_read(place, Path(name).stem))
        content += [name.encode(), raw]
    for earlier, later in pairwise(files):
        if later.since <= earlier.until:
            raise later.place.error(f"overlaps the amounts from {earlier.since}, which hold until {earlier.until}")
    series = {name: Series(name, tuple(file.cells[name][1] for file in files if name in file.cells)) for name in NORM_NAMES}
    return MappingProxyType(series), b"\0".join(content)


def _file_names(folder: Path, shown: str) -> list[str]:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise RulebookError(shown, None, "", f"cannot be read ({error.strerror})") from None
    for name in names:
        if not _FILE_NAME.fullmatch(name):
            raise RulebookError(f"{shown}/{name}", None, "", "must be named after the first month it holds for, YYYY-MM.yaml")
    if not names:
        raise RulebookError(shown, None, "", "has no file with amounts")
    return names


def _read(top: Place, stem: str) -> _File:
    fields = top.fields(required=("from", "until", "unit", "source", "status", *TABLES))
    since, until = fields["from"].month(), fields["until"].month()
    if str(since) != stem:
        raise fields["from"].error(f"must be the month in the file's name, {stem}")
    if until < since or until.year != since.year:
        raise fields["until"].error(f"must be a month of {since.year}, not before {since}: a norm is set for one calendar year")
    unit = fields["unit"].choice((_UNIT,))
    source, status = fields["source"].text(), fields["status"].choice(STATUSES)
    cells: dict[str, tuple[Place, Dated[Ore]]] = {}
    for table, rows in TABLES.items():
        for row, place in _rows(fields[table], rows).items():
            name = f"riksnorm.{table}.{row}"
            amount = _amount(place, source, status)
            if amount is not None:
                cells[name] = place, Dated(name, unit, amount[0], since, until, amount[1], amount[2])
    _check_lunch(cells)
    _check_sizes(cells)
    return _File(fields["from"], since, until, cells)


def _rows(place: Place, rows: tuple[str, ...]) -> Mapping[str, Place]:
    """Return a table's rows; none where the whole table is unknown."""
    return {} if _is_unknown(place) else place.fields(required=rows)


def _amount(place: Place, source: str, status: str) -> tuple[Ore, str, str] | None:
    """Return amount, source and status of one row; None = unknown. A row may have a source and status of its own."""
    if not isinstance(place.node, yaml.MappingNode):
        return _kronor(place), source, status
    if _is_unknown(place):
        return None
    own = place.fields(required=("value", "source", "status"))
    return _kronor(own["value"]), own["source"].text(), own["status"].choice(STATUSES)


def _kronor(place: Place) -> Ore:
    return ore(place.integer(1, _LARGEST_AMOUNT))


def _is_unknown(place: Place) -> bool:
    """Say whether a row or table is written `{unknown: why}`, with a reason that is text."""
    if not isinstance(place.node, yaml.MappingNode) or "unknown" not in place.table():
        return False
    place.fields(required=("unknown",))["unknown"].text()
    return True


def _check_lunch(cells: Mapping[str, tuple[Place, Dated[Ore]]]) -> None:
    for band in LUNCH_BANDS:
        less, full = cells.get(f"riksnorm.child_without_lunch.{band}"), cells.get(f"riksnorm.child.{band}")
        if less is not None and full is not None and less[1].value > full[1].value:
            raise less[0].error("must not be more than the amount with lunch, child." + band)


def _check_sizes(cells: Mapping[str, tuple[Place, Dated[Ore]]]) -> None:
    known = [cells[name] for name in NORM_NAMES if name.startswith("riksnorm.common.") and name in cells]
    for (_, smaller), (place, larger) in pairwise(known):
        if larger.value < smaller.value:
            raise place.error("must not be less than a smaller household's")
