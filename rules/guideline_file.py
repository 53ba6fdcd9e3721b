"""Read a municipality's guidelines file. A mistake gives file, line, key and what is allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar, cast

import yaml

from rules.dated import Series, read_series
from rules.facts import SOURCES, Source
from rules.guideline_values import CASEWORKER, CostRule, Guidelines, Handling, IncomeRule
from rules.money import Ore
from rules.strict_yaml import Place, read_file

T = TypeVar("T")

_COST_HANDLINGS = ("cap", "caseworker", "not_granted")
_INCOME_HANDLINGS = ("count", "ignore", "caseworker")
_ORIGINS = ("FK", "PM", "SO", "CSN", "application")
_STATUSES = ("made_up", "adopted")
_LARGEST_HOUSEHOLD = 30
_LONGEST_PROOF_DAYS = 3660
SETTINGS = (
    "change_threshold",
    "need_may_differ",
    "need_limit",
    "income_month_complete",
    "control_sample",
    "recently_closed",
    "same_income_tolerance",
    "registers_asked",
    "part_month_divisor",
    "quotient_rounding",
    "age_on",
    "part_month_child_in_common_costs",
)
OPTIONAL_SETTINGS = ("student_vacation_months",)
STATEMENTS = ("signatures_required", "lunch_elsewhere")


def read_guidelines(path: Path) -> Guidelines:
    """Return the guidelines in a file. Raises RulebookError."""
    top, raw = read_file(path, path.name)
    parts = top.fields(required=("municipality", "settings", "statements", "costs", "incomes", "same_income", "lifecare_names"))
    who = parts["municipality"].fields(required=("name", "status"))
    status = who["status"].choice(_STATUSES)
    settings = parts["settings"].fields(required=SETTINGS, optional=OPTIONAL_SETTINGS)
    statements = parts["statements"].fields(required=(), optional=STATEMENTS)
    lifecare = parts["lifecare_names"].fields(required=("incomes", "costs"))

    def series(place: Place, read: Callable[[Place], T]) -> Series[T]:
        return read_series(f"guidelines.{place.key}", place, read, statuses=(status,))

    def statement(name: str, read: Callable[[Place], T]) -> Series[T]:
        return series(statements[name], read) if name in statements else Series(f"guidelines.statements.{name}", ())

    return Guidelines(
        municipality=who["name"].text(),
        status=status,
        hash=hashlib.sha256(raw).hexdigest(),
        change_threshold=series(settings["change_threshold"], lambda value: value.integer(0, 100)),
        need_may_differ=series(settings["need_may_differ"], Place.kronor),
        need_limit=series(settings["need_limit"], Place.kronor),
        income_month_complete=series(settings["income_month_complete"], lambda value: value.integer(1, 31)),
        control_sample=series(settings["control_sample"], lambda value: value.integer(0, 100)),
        recently_closed=series(settings["recently_closed"], lambda value: value.integer(0, 366)),
        same_income_tolerance=series(settings["same_income_tolerance"], Place.kronor),
        sources_asked=series(settings["registers_asked"], _sources),
        part_month_divisor=series(settings["part_month_divisor"], lambda value: value.choice(("days_of_month", "30", CASEWORKER))),
        quotient_rounding=series(settings["quotient_rounding"], lambda value: value.choice(("whole_krona", "ore", CASEWORKER))),
        age_on=series(settings["age_on"], lambda value: value.choice(("first_of_month", CASEWORKER))),
        part_month_child_in_common_costs=series(
            settings["part_month_child_in_common_costs"], lambda value: value.choice(("whole_member", CASEWORKER))
        ),
        student_vacation=series(settings["student_vacation_months"], _months_of_a_year) if "student_vacation_months" in settings else None,
        signatures_required=statement("signatures_required", lambda value: tuple(item.text() for item in value.items())),
        lunch_elsewhere=statement("lunch_elsewhere", _ages),
        costs=MappingProxyType({name: series(place, _cost) for name, place in parts["costs"].table().items()}),
        incomes=MappingProxyType({name: _income(place, status) for name, place in parts["incomes"].table().items()}),
        same_income=series(parts["same_income"], _names),
        lifecare_incomes=series(lifecare["incomes"], _names),
        lifecare_costs=series(lifecare["costs"], _names),
    )


def _sources(place: Place) -> tuple[Source, ...]:
    found = [item.choice(SOURCES) for item in place.items()]
    if len(set(found)) != len(found):
        raise place.error("a source stands twice")
    return cast("tuple[Source, ...]", tuple(found))


def _ages(place: Place) -> tuple[int, int]:
    found = [item.integer(0, 20) for item in place.items()]
    if len(found) != 2 or found[0] > found[1]:
        raise place.error("must be two ages, first and last")
    return found[0], found[1]


def _months_of_a_year(place: Place) -> tuple[int, ...]:
    found = tuple(item.integer(1, 12) for item in place.items())
    if len(set(found)) != len(found):
        raise place.error("a month stands twice")
    return found


def _names(place: Place) -> Mapping[str, str]:
    return MappingProxyType({name: value.text() for name, value in place.table().items()})


def _cost(place: Place) -> CostRule:
    fields = place.fields(required=("handling",), optional=("cap", "proof", "proof_within_days", "ground"))
    handling = cast('Literal["cap", "caseworker", "not_granted"]', fields["handling"].choice(_COST_HANDLINGS))
    needed = {"cap": {"cap", "proof"}, "caseworker": set[str](), "not_granted": {"ground"}}[handling]
    if set(fields) - {"handling", "proof_within_days"} != needed:
        raise place.error(f"with `handling: {handling}` there must be: {', '.join(sorted(needed)) or 'nothing else'}")
    proof_needed = "proof" in fields and fields["proof"].choice(("needed", "not_needed")) == "needed"
    if "proof_within_days" in fields and not proof_needed:
        raise fields["proof_within_days"].error("has a meaning only with `proof: needed`")
    return CostRule(
        handling=handling,
        caps=_caps(fields["cap"]) if "cap" in fields else (),
        proof_needed=proof_needed,
        proof_within_days=fields["proof_within_days"].integer(1, _LONGEST_PROOF_DAYS) if "proof_within_days" in fields else None,
        ground=fields["ground"].text() if "ground" in fields else None,
    )


def _caps(place: Place) -> tuple[Ore, ...]:
    if isinstance(place.node, yaml.ScalarNode):
        return (place.kronor(),)
    by_size = place.table()
    sizes = [str(size) for size in range(1, len(by_size) + 1)]
    if not by_size or list(by_size) != sizes or len(sizes) > _LARGEST_HOUSEHOLD:
        raise place.error("must be one amount, or amounts for households of 1, 2, 3 ... persons, in that order")
    return tuple(amount.kronor() for amount in by_size.values())


def _income(place: Place, status: str) -> IncomeRule:
    fields = place.fields(required=("origin", "unit", "values"), optional=("parts",))
    parts: dict[tuple[str | None, str | None], Series[Handling]] = {}
    for row in fields["parts"].items() if "parts" in fields else ():
        of_row = row.fields(required=("unit", "values"), optional=("part", "amount_type"))
        key = tuple(of_row[name].text() if name in of_row else None for name in ("part", "amount_type"))
        if key == (None, None):
            raise row.error("`part` or `amount_type` is needed")
        if key in parts:
            raise row.error("the same part and amount type stand twice")
        parts[cast("tuple[str | None, str | None]", key)] = _handlings(row, status)
    return IncomeRule(_origins(fields["origin"]), _handlings(place, status), MappingProxyType(parts))


def _origins(place: Place) -> tuple[str, ...]:
    if isinstance(place.node, yaml.ScalarNode):
        return (place.choice(_ORIGINS),)
    found = tuple(item.choice(_ORIGINS) for item in place.items())
    if not found or len(set(found)) != len(found):
        raise place.error("must be one source, or several that stand once each")
    return found


def _handlings(place: Place, status: str) -> Series[Handling]:
    also = ("origin", "parts", "part", "amount_type")
    return read_series(f"guidelines.{place.key}", place, _handling, statuses=(status,), also=also)


def _handling(place: Place) -> Handling:
    return cast("Handling", place.choice(_INCOME_HANDLINGS))
