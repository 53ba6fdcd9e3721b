"""Thirty cases across the years give what they gave: figures, and every byte that `replay` compares."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from golden_cases import GUIDELINES, JsonObject, cases, receipt_of, result_of, stored

from rules import Rulebook, load_rulebook
from rules.money import Ore

RENEW = "if it is meant: .venv/bin/python tests/support/golden_cases.py (see tests/unit/golden_receipts/README.md)"
KEPT = stored()


@pytest.fixture(scope="module")
def book() -> Rulebook:
    """The rulebook with the made-up municipality's guidelines."""
    return load_rulebook(GUIDELINES)


@pytest.mark.parametrize("name", sorted(KEPT))
def test_an_old_case_gives_the_same_figures_and_the_same_bytes(name: str, book: Rulebook) -> None:
    now, then = receipt_of(result_of(cases()[name], book)), KEPT[name]

    assert _figures(now) == _figures(then), RENEW
    assert now["hash"] == then["hash"], f"the figures are the same, but a text, a trace or a flag is not; {RENEW}"


def test_every_golden_case_has_a_receipt_and_every_receipt_a_case() -> None:
    assert set(cases()) == set(KEPT)
    assert len(KEPT) >= 30


def test_the_published_sums_of_riksnormen_are_among_them() -> None:
    norms = {name: receipt["sums"]["norm"] for name, receipt in KEPT.items() if receipt["sums"]}

    assert norms["single, January 2026"] == "5220.00"
    assert norms["couple, February 2026"] == "8510.00"
    assert norms["couple, March 2025"] == "8450.00"


def test_the_law_of_a_receipt_is_that_of_its_day() -> None:
    assert all("2001:" in law for law in KEPT["single, last month of the older law"]["law"])
    assert all("2025:" in law for law in KEPT["single, first month of the present law"]["law"])
    assert all("2025:" in law for law in KEPT["applied for June 2025 in July"]["law"])


def test_every_outcome_is_among_them() -> None:
    assert {receipt["outcome"] for receipt in KEPT.values()} == {"ok", "review", "urgent", "stop", "waiting_for_income"}
    assert {receipt["proposal"] for receipt in KEPT.values()} == {None, "BIFALL", "DELAVSLAG", "AVSLAG"}


def test_an_amount_of_the_law_changed_by_one_krona_changes_the_receipts_that_use_it(book: Rulebook) -> None:
    series = book.law.riksnorm["riksnorm.common.1"]
    raised = replace(series, values=tuple(replace(value, value=Ore(value.value + 100)) for value in series.values))
    law = replace(book.law, riksnorm=MappingProxyType({**book.law.riksnorm, series.name: raised}), _by_month={})
    other = replace(book, law=law)
    changed = {name for name, case in cases().items() if receipt_of(result_of(case, other))["hash"] != KEPT[name]["hash"]}

    assert "single, January 2026" in changed
    assert "couple, February 2026" not in changed


def _figures(receipt: JsonObject) -> JsonObject:
    return {part: value for part, value in receipt.items() if part != "hash"}
