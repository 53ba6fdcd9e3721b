"""Canonical JSON, receipts and the control sample: the same in, the same out, to be replayed years later."""

from __future__ import annotations

import builtins
import json
import os
import random
import socket
import time
from collections.abc import Callable

import pytest

from rules import Rulebook, assess, canonical_json, digest, is_control_sample
from rules.assessment import Assessment
from rules.facts import CaseFile

KEY = b"a made-up key of thirty-two byte"


def test_canonical_json_has_sorted_keys_no_spaces_and_real_letters() -> None:
    assert (
        canonical_json({"b": 1, "å": [None, True, "ö"], "a": {"d": 1, "c": 2}}) == '{"a":{"c":2,"d":1},"b":1,"å":[null,true,"ö"]}'.encode()
    )


def test_a_float_has_no_canonical_form() -> None:
    with pytest.raises(TypeError, match="float"):
        canonical_json({"amount": [1.5]})


def test_a_fact_that_is_left_out_and_one_at_its_default_are_the_same_fact(case_with: Callable[..., CaseFile]) -> None:
    assert digest(case_with({"application/protected": None})) == digest(case_with())
    assert digest(case_with({"application/protected": False})) != digest(case_with())


def test_the_same_case_gives_the_same_bytes(case_with: Callable[..., CaseFile], rulebook: Rulebook) -> None:
    assert canonical_json(assess(case_with(), rulebook)) == canonical_json(assess(case_with(), rulebook))


def test_assess_reads_no_file_and_no_clock(case_with: Callable[..., CaseFile], rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_with()

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("rules have no effects")

    for module, name in ((builtins, "open"), (os, "open"), (time, "time"), (time, "monotonic"), (socket, "socket"), (random, "random")):
        monkeypatch.setattr(module, name, refused)
    result = assess(case, rulebook)
    monkeypatch.undo()

    assert result.amount is not None


def test_an_assessment_survives_being_stored_and_read(assess_with: Callable[..., Assessment]) -> None:
    for base in ("complete", "blanks"):
        result = assess_with(base=base)
        assert Assessment.model_validate(json.loads(result.model_dump_json())) == result


def test_the_receipt_names_what_is_needed_to_compute_again(assess_with: Callable[..., Assessment], rulebook: Rulebook) -> None:
    receipt = assess_with().receipt

    assert receipt.program.startswith("bistandsrobot ")
    assert receipt.rulebook == rulebook.hash
    assert (receipt.parameters, receipt.guidelines) == (rulebook.law.hash, rulebook.guidelines.hash)
    assert receipt.registers["applicant.CSN"] == "nothing_held 2026-11-30T06:00:00+01:00"
    assert (str(receipt.month), str(receipt.calculated_on)) == ("2026-12", "2026-11-30")
    assert assess_with({"application/costs/rent/applied": "6900.01"}).receipt.facts != receipt.facts


def test_no_personal_identity_number_stands_in_an_assessment(assess_with: Callable[..., Assessment]) -> None:
    written = assess_with().model_dump_json() + assess_with(base="blanks").model_dump_json()

    assert "199001012385" not in written
    assert "199102022390" not in written


def test_the_control_sample_can_be_replayed() -> None:
    picked = [is_control_sample(f"EB-{number}", KEY, 5) for number in range(2_000)]

    assert picked == [is_control_sample(f"EB-{number}", KEY, 5) for number in range(2_000)]
    assert picked != [is_control_sample(f"EB-{number}", b"another key", 5) for number in range(2_000)]
    assert 60 <= sum(picked) <= 140


@pytest.mark.parametrize(("share", "expected"), [(0, False), (100, True)])
def test_no_share_picks_nobody_and_the_whole_share_picks_everybody(share: int, *, expected: bool) -> None:
    assert {is_control_sample(f"EB-{number}", KEY, share) for number in range(200)} == {expected}


def test_a_larger_share_keeps_those_that_a_smaller_one_picked() -> None:
    small = {number for number in range(500) if is_control_sample(f"EB-{number}", KEY, 5)}
    large = {number for number in range(500) if is_control_sample(f"EB-{number}", KEY, 20)}

    assert small < large
