"""The plain Swedish of the rule book, read from `rules/rule_texts.yaml` and `rules/coverage.yaml`, as strictly as the rulebook itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import rules
from rules.month import Month
from rules.strict_yaml import Place, read_file

_FOLDER = Path(rules.__file__).parent
_STATUSES = ("computed", "partly", "shown", "person", "absent")
_LARGEST_AMOUNT = 1_000_000
_MOST_MONTHS = 600
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ExampleCase:
    """A made-up household in a few words; what is left out is a single person's ordinary renewal. Amounts in whole kronor.

    `permit_ends` = the day of the month on which the applicant's residence permit ends.
    """

    adults: int = 1
    civil_status: str | None = None
    ages: tuple[int, ...] = ()
    days: int | None = None
    others: int = 0
    costs: Mapping[str, int] | None = None
    approved: Mapping[str, int] | None = None
    benefits: Mapping[str, int] | None = None
    pay: int | None = None
    jobbstimulans: str = "none"
    child_pay: int | None = None
    child_benefits: Mapping[str, int] | None = None
    silent: str | None = None
    months_in_a_row: int = 2
    plan: str = "job_seeking"
    housing: str = "rental"
    permit_ends: int | None = None
    other_norm: bool = False


@dataclass(frozen=True, slots=True)
class ExampleText:
    """A situation in words and as a case, and what of the result is shown: line:KEY, flag:CODE, shown:WORD or proposal."""

    situation: str
    case: ExampleCase
    shows: str


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule in plain Swedish. `parameters` = names, or a beginning followed by `*`."""

    name: str
    group: str
    title: str
    text: tuple[str, ...]
    caseworker: str
    parameters: tuple[str, ...]
    examples: tuple[ExampleText, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """Everything of rule_texts.yaml."""

    introduction: tuple[str, ...]
    groups: Mapping[str, str]
    severities: Mapping[str, str]
    parameter_names: Mapping[str, str]
    rules: Mapping[str, RuleText]


@dataclass(frozen=True, slots=True)
class Area:
    """One part of the law: what the rules hold of it, what not, and who must look."""

    subject: str
    law: str
    status: str
    since: Month
    holds: str
    not_held: str
    who: str
    rules: tuple[str, ...]


def read_texts(path: Path = _FOLDER / "rule_texts.yaml") -> Texts:
    """Return the texts. Raises RulebookError: file, line, key, and what is allowed."""
    top, _ = read_file(path, "rules/rule_texts.yaml")
    parts = top.fields(required=("introduction", "groups", "severities", "parameter_names", "rules"))
    groups = _table(parts["groups"], Place.text)
    return Texts(
        introduction=_list(parts["introduction"], Place.text),
        groups=groups,
        severities=_table(parts["severities"], Place.text),
        parameter_names=_table(parts["parameter_names"], Place.text),
        rules={name: _rule(name, place, groups) for name, place in parts["rules"].table().items()},
    )


def read_coverage(path: Path = _FOLDER / "coverage.yaml") -> tuple[Area, ...]:
    """Return what of the law is modelled, in the order of the file. Raises RulebookError."""
    top, _ = read_file(path, "rules/coverage.yaml")
    return _list(top.fields(required=("areas",))["areas"], _area)


def _rule(name: str, place: Place, groups: Mapping[str, str]) -> RuleText:
    parts = place.fields(required=("group", "title", "text", "caseworker", "parameters", "examples"))
    return RuleText(
        name=name,
        group=parts["group"].choice(list(groups)),
        title=parts["title"].text(),
        text=_list(parts["text"], Place.text),
        caseworker=parts["caseworker"].text(),
        parameters=_list(parts["parameters"], Place.text),
        examples=_list(parts["examples"], _example),
    )


def _example(place: Place) -> ExampleText:
    parts = place.fields(required=("situation", "case", "shows"))
    shows = parts["shows"].text()
    if shows != "proposal" and not shows.startswith(("line:", "flag:", "shown:")):
        raise parts["shows"].error("must be line:KEY, flag:CODE, shown:WORD or proposal")
    return ExampleText(parts["situation"].text(), _case(parts["case"]), shows)


def _case(place: Place) -> ExampleCase:
    readers: dict[str, Callable[[Place], object]] = {
        "adults": lambda part: part.integer(1, 2),
        "civil_status": lambda part: part.choice(("single", "cohabiting", "married")),
        "ages": lambda part: _list(part, lambda age: age.integer(0, 20)),
        "days": lambda part: part.integer(0, 31),
        "others": lambda part: part.integer(0, 20),
        "costs": _amounts,
        "approved": _amounts,
        "benefits": _amounts,
        "pay": _amount,
        "jobbstimulans": lambda part: part.choice(("runs", "unknown", "none")),
        "child_pay": _amount,
        "child_benefits": _amounts,
        "silent": lambda part: part.choice(("FK", "PM", "SO", "CSN")),
        "months_in_a_row": lambda part: part.integer(0, _MOST_MONTHS),
        "plan": lambda part: part.choice(("work", "job_seeking", "sick_leave", "sfi", "studies")),
        "housing": lambda part: part.choice(("rental", "sublet", "condominium")),
        "permit_ends": lambda part: part.integer(1, 28),
        "other_norm": lambda part: part.choice(("yes", "no")) == "yes",
    }
    parts = place.fields(required=(), optional=tuple(readers))
    return ExampleCase(**{name: readers[name](part) for name, part in parts.items()})  # type: ignore[arg-type] # each has its own reader


def _area(place: Place) -> Area:
    parts = place.fields(required=("subject", "law", "status", "since", "holds", "not_held", "who", "rules"))
    return Area(
        subject=parts["subject"].text(),
        law=parts["law"].text(),
        status=parts["status"].choice(_STATUSES),
        since=parts["since"].month(),
        holds=parts["holds"].text(),
        not_held=parts["not_held"].text(),
        who=parts["who"].text(),
        rules=_list(parts["rules"], Place.text),
    )


def _amounts(place: Place) -> Mapping[str, int]:
    return _table(place, _amount)


def _amount(place: Place) -> int:
    return place.integer(0, _LARGEST_AMOUNT)


def _list(place: Place, read: Callable[[Place], Value]) -> tuple[Value, ...]:
    return tuple(read(item) for item in place.items())


def _table(place: Place, read: Callable[[Place], Value]) -> Mapping[str, Value]:
    return {name: read(value) for name, value in place.table().items()}
