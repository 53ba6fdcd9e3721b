"""What the rulebook lacks for a month, told before the first case of that month: for the check list of 1 January."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from rules.dated import Series
from rules.legal import CaseTime
from rules.month import Month
from rules.norm import NormTable, riksnorm_adults
from rules.riksnorm_files import NORM_NAMES
from rules.rulebook import Rulebook


def missing(book: Rulebook, month: Month) -> tuple[str, ...]:
    """Return what cases of a month would be left blank for, one sentence each; none = nothing is missing.

    A value that never was is not missing: only what has held before, and no longer does.
    """
    return (*_amounts(book, month), *_rule(book, month), *_numbers(book, month), *_guidelines(book, month))


def no_longer_listed(book: Rulebook, month: Month) -> tuple[str, ...]:
    """Return the costs and incomes that the guidelines had a row for the month before and have none now: from then the caseworker's."""
    rows: list[Series[Any]] = [*book.guidelines.costs.values(), *(rule.whole for rule in book.guidelines.incomes.values())]
    return tuple(series.name for series in rows if series.at(month.plus(-1)) is not None and series.at(month) is None)


def _amounts(book: Rulebook, month: Month) -> Iterator[str]:
    known = book.law.riksnorm_in(month)
    if known is None:
        yield f"no riksnorm: a file rules/parameters/riksnorm/YYYY-MM.yaml that holds for {month}"
    elif lacking := [name for name in NORM_NAMES if name not in known]:
        yield f"riksnorm unknown for: {', '.join(lacking)}"


def _rule(book: Rulebook, month: Month) -> Iterator[str]:
    """The rule in force may have no way to count with amounts, whatever amounts there are: tried with the newest ones known."""
    version = riksnorm_adults.at(CaseTime(month, month.first))
    newest = {name: series.values[-1] for name, series in book.law.riksnorm.items() if series.values}
    assert version is not None
    if version.apply(1, "single", NormTable(newest)).amount is None:
        yield f"no rule that counts with riksnorm amounts: {version.law}, a version of the rules in rules/norm.py that holds for {month}"


def _numbers(book: Rulebook, month: Month) -> Iterator[str]:
    for series in _series(book.law):
        if _has_ended(series, month):
            yield f"no {series.name}: a value in rules/parameters/sol.yaml that holds for {month}"


def _guidelines(book: Rulebook, month: Month) -> Iterator[str]:
    for series in _series(book.guidelines):
        if _has_ended(series, month):
            yield f"no {series.name}: a value in the guidelines that holds for {month}"


def _series(holder: object) -> Iterator[Series[Any]]:
    for field in fields(holder):  # type: ignore[arg-type] # both are dataclasses
        value = getattr(holder, field.name)
        if isinstance(value, Series):
            yield value


def _has_ended(series: Series[Any], month: Month) -> bool:
    return series.at(month) is None and any(value.since <= month for value in series.values)
