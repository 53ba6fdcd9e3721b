"""The version of an application moves with what the applicant changes, and with nothing else."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from connectors.case_systems.caremanagement import version
from connectors.case_systems.caremanagement.version import Attached, version_of
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


class Folder:
    """A case's attachments, and how often they were read."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.readings = 0

    async def read(self, _case_id: str) -> list[dict[str, Any]]:
        self.readings += 1
        return list(self.rows)


UNCHANGED = {"modified": "2026-11-30T08:00:00.000+01:00", "touched": "2026-11-30T08:00:00.000+01:00"}


def test_attachments_are_not_read_again_while_nothing_in_the_case_has_changed() -> None:
    folder = Folder(FILE)
    attached = Attached(folder.read)
    first = asyncio.run(attached.of("case", UNCHANGED))
    assert asyncio.run(attached.of("case", dict(UNCHANGED))) == first
    assert folder.readings == 1
    assert version_of(data(), first) == BEFORE


@pytest.mark.parametrize("key", ["modified", "touched"])
def test_a_change_in_the_case_has_its_attachments_read_again(key: str) -> None:
    folder = Folder(FILE)
    attached = Attached(folder.read)
    asyncio.run(attached.of("case", UNCHANGED))
    folder.rows.append(FILE | {"id": "another"})
    later = asyncio.run(attached.of("case", UNCHANGED | {key: "2026-11-30T08:00:00.001+01:00"}))
    assert [row["id"] for row in later] == [FILE["id"], "another"]


def test_of_a_case_that_tells_no_time_attachments_are_read_each_time() -> None:
    folder = Folder(FILE)
    attached = Attached(folder.read)
    for _ in range(2):
        asyncio.run(attached.of("case", {"modified": None}))
    assert folder.readings == 2


def test_of_attachments_nothing_is_remembered_but_the_applicants_ids() -> None:
    folder = Folder(FILE | {"fileName": "hemligt.pdf"}, FILE | {"id": "ours", "senderRole": "CASEWORKER"})
    assert asyncio.run(Attached(folder.read).of("case", UNCHANGED)) == [{"id": FILE["id"]}]


def test_only_so_many_cases_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "_CASES_KEPT", 2)
    folder = Folder(FILE)
    attached = Attached(folder.read)
    for case_id in ("first", "second", "third", "first"):
        asyncio.run(attached.of(case_id, UNCHANGED))
    assert folder.readings == 4
    asyncio.run(attached.of("third", UNCHANGED))
    assert folder.readings == 4
