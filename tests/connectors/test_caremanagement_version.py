"""The version of an application moves with what the applicant changes, and with nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.case_systems.caremanagement.version import version_of
from connectors.case_systems.caremanagement.writes import key_of, keyed
from tests.connectors.caremanagement_town import data

FILE = {"id": "file-1", "documentType": "APPLICATION", "senderRole": "CLIENT"}
BEFORE = version_of(data(), [FILE])


@pytest.mark.parametrize(
    ("values", "files"),
    [
        (dict(reversed(data().items())), [FILE]),
        (data(livelihoodDescription=None), [FILE]),
        (data(incomes=[data()["incomes"][0] | {"amount": Decimal("8500.00")}]), [FILE]),
        (data(), [FILE | {"fileName": "another name"}]),
        (data(), [FILE, {"id": "file-2", "documentType": "GENERATED", "senderRole": "CLIENT"}]),
        (data(), [FILE, {"id": "file-2", "documentType": "DECISION"}]),
        (data(), [FILE, {"id": "file-2", "documentType": "ERRAND", "senderRole": "CASEWORKER"}]),
    ],
)
def test_what_the_applicant_has_not_changed_makes_no_new_version(values: Any, files: list[Any]) -> None:
    assert version_of(values, files) == BEFORE


@pytest.mark.parametrize(
    ("values", "files"),
    [
        (data(housingPersonCount=4), [FILE]),
        (data(incomes=[data()["incomes"][0] | {"amount": 85000}]), [FILE]),
        (data(incomes=[data()["incomes"][0] | {"amount": Decimal("8500.01")}]), [FILE]),
        (data(incomes=[data()["incomes"][0] | {"amount": "8500"}]), [FILE]),
        (data(incomes=[]), [FILE]),
        (data(), []),
        (data(), [FILE | {"id": "file-2"}]),
        (data(), [FILE, {"id": "file-2"}]),
        (data(), [FILE, {"id": "file-2", "documentType": "CONVERSATION", "senderRole": "CLIENT"}]),
        (None, [FILE]),
    ],
)
def test_what_the_applicant_has_changed_makes_a_new_version(values: Any, files: list[Any]) -> None:
    assert version_of(values, files) != BEFORE


def test_a_text_ends_with_its_key_once() -> None:
    assert keyed("Text", "k-1", 50) == "Text [k-1]"
    assert keyed("Text [k-1]", "k-1", 50) == "Text [k-1]"
    assert len(keyed("x" * 100, "k-1", 50)) == 50
    assert keyed("x" * 100 + " [k-1]", "k-1", 50).endswith("… [k-1]")
    assert [key_of(text) for text in ("Text [k-1]", "Text", "Text []", None, "]")] == ["k-1", None, None, None, None]
