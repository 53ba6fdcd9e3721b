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
from pydantic import ValidationError
from scenario_cases import case_file
from scenario_files import Scenario, scenarios

from rules import Rulebook, assess, canonical_json, digest, is_control_sample
from rules.assessment import Assessment, Flag, Severity
from rules.facts import CaseFile, Payment
from rules.money import Ore
from rules.receipt import receipt_of

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
    assert receipt.registers["applicant.CSN"].startswith("nothing_held 2026-11-30T06:00:00+01:00 ")
    assert (str(receipt.month), str(receipt.calculated_on)) == ("2026-12", "2026-11-30")
    assert assess_with({"application/costs/rent/applied": "6900.01"}).receipt.facts != receipt.facts


def test_the_receipt_has_a_digest_of_each_register_answer_whatever_order_its_payments_came_in(
    case_with: Callable[..., CaseFile], rulebook: Rulebook
) -> None:
    case = case_with()
    answer = next(one for one in case.registers if one.payments)
    others = tuple(one for one in case.registers if one is not answer)
    paid = answer.payments[0]
    more = paid.model_copy(update={"net": Ore((paid.net or 0) + 1)})

    def told(*payments: Payment) -> str:
        changed = answer.model_copy(update={"payments": payments})
        return receipt_of(case.model_copy(update={"registers": (*others, changed)}), rulebook).registers[f"{answer.person}.{answer.source}"]

    assert told(paid, more) == told(more, paid)
    assert len({told(), told(paid), told(more), told(paid, more)}) == 4


def test_two_answers_from_one_source_both_stand_in_the_receipt(case_with: Callable[..., CaseFile], rulebook: Rulebook) -> None:
    case = case_with()
    silent = case.registers[0].model_copy(update={"status": "unavailable", "payments": ()})
    name = f"{silent.person}.{silent.source}"
    both = receipt_of(case.model_copy(update={"registers": (silent, *case.registers)}), rulebook)

    assert both.registers[name].startswith(("answered ", "nothing_held "))
    assert ", unavailable " in both.registers[name]
    assert both == receipt_of(case.model_copy(update={"registers": (*case.registers, silent)}), rulebook)


def test_without_digests_only_the_receipt_is_poorer(case_with: Callable[..., CaseFile], rulebook: Rulebook) -> None:
    for case in (case_with(), case_with({"application/protected": True})):
        whole, quick = assess(case, rulebook), assess(case, rulebook, digests=False)

        assert (quick.receipt.facts, quick.receipt.registers) == ("", {})
        assert quick.model_copy(update={"receipt": whole.receipt}) == whole


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_what_the_rules_make_unchecked_is_what_checking_would_make(scenario: Scenario, rulebook: Rulebook) -> None:
    case, hand_over = case_file(scenario.facts)
    made = assess(case, rulebook, hand_over=hand_over)
    written = made.model_dump_json()
    read = Assessment.model_validate_json(written, strict=True)

    assert read == made
    assert read.model_dump_json() == written


def test_a_part_that_the_rules_make_themselves_is_the_same_as_one_that_is_read() -> None:
    made = Flag.model_construct(text="text", code="info.cost_gone", severity=Severity.INFO, key="")
    read = Flag.model_validate({"code": "info.cost_gone", "severity": "info", "key": "", "text": "text"})

    assert (made, repr(made), hash(made)) == (read, repr(read), hash(read))
    assert made.model_dump_json() == read.model_dump_json()
    assert made.model_copy(update={"key": "a"}) != made
    with pytest.raises(ValidationError, match="frozen"):
        made.key = "b"  # type: ignore[misc] # that is what is tried


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
