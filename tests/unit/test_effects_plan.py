"""What is written to the case system for each kind of case: every row of the contract's table, in its order."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.case_systems.port import EffectKind
from robot.draft import document, recommendation_text
from robot.effects import CaseIdentity, PlannedEffect, effect_key, plan, replan_after_difference, texts_of
from rules.assessment import Assessment, Flag, Outcome, Proposal, Recommendation, Severity

GOLDEN = Path(__file__).parent / "golden"
IDENTITY = CaseIdentity("caremanagement", "b82bd8ac-1507-4d9a-958d-369261eecc15", "a1b2", 1)
WARNINGS = {"register.unavailable": "MISSING_SSBTEK", "income.vanished": "INCOME_DROPPED"}


def example(name: str) -> Assessment:
    return Assessment.model_validate_json((GOLDEN / f"assessment-{name}.json").read_bytes())


def planned(assessment: Assessment, *, control_sample: bool = False, identity: CaseIdentity = IDENTITY) -> list[PlannedEffect]:
    texts = texts_of(assessment, number="EB-26110123", control_sample=control_sample)
    return plan(assessment, texts, control_sample=control_sample, identity=identity, warning_type=WARNINGS.get)


def kinds(effects: list[PlannedEffect]) -> list[str]:
    return [effect.kind.value for effect in effects]


def only(effects: list[PlannedEffect], kind: EffectKind) -> PlannedEffect:
    (found,) = [effect for effect in effects if effect.kind is kind]
    return found


def ended(outcome: Outcome, *flags: Flag) -> Assessment:
    return example("complete").model_copy(update={"outcome": outcome, "flags": flags})


def test_an_ok_case_is_prepared_whole_and_left_for_a_decision() -> None:
    assert kinds(planned(example("complete"))) == ["under_review", "recommendation", "native_draft", "document", "awaiting_decision"]


def test_a_case_for_review_gets_recommendation_document_and_the_warnings_that_fit() -> None:
    effects = planned(example("blanks"))

    assert kinds(effects) == ["recommendation", "document", "warning", "warning", "manual_review"]
    assert [effect.payload for effect in effects if effect.kind is EffectKind.WARNING] == [
        {
            "type": "INCOME_DROPPED",
            "message": "Arbetslöshetsersättning, medsökande: fanns i förra månadens beräkning men är inte utbetald nu",
            "source_key": "robot:income.vanished:income.Arbetslöshetsersättning.co_applicant",
        },
        {
            "type": "MISSING_SSBTEK",
            "message": "CSN kunde inte kontrolleras (sökande)",
            "source_key": "robot:register.unavailable:applicant.CSN",
        },
    ]


def test_a_stop_gets_its_one_sentence_and_nothing_else() -> None:
    stop = ended(Outcome.STOP, Flag(code="stop.protected_identity", severity=Severity.STOP, key="", text="Ärendet handläggs manuellt"))
    effects = planned(stop)

    assert kinds(effects) == ["recommendation", "manual_review"]
    assert effects[0].payload == {
        "value": "REVIEW_REQUIRED",
        "description": f"Ärendet handläggs manuellt [{effects[0].key}]",
        "amount": None,
        "month": "2026-12",
    }


def test_a_control_sample_is_written_exactly_as_a_stop() -> None:
    assert planned(example("complete"), control_sample=True) == planned(ended(Outcome.STOP))


def test_an_urgent_case_is_raised_at_once_whatever_else_is_known_of_it() -> None:
    stop = Flag(code="stop.protected_identity", severity=Severity.STOP, key="", text="Ärendet handläggs manuellt")
    plain, protected, sampled = ended(Outcome.URGENT), ended(Outcome.URGENT, stop), ended(Outcome.URGENT)

    assert kinds(planned(plain)) == ["recommendation", "priority", "manual_review"]
    assert planned(plain)[0].payload["description"] == f"Ärendet är brådskande [{planned(plain)[0].key}]"
    assert planned(plain)[0].payload["amount"] is None
    assert planned(plain) == planned(protected) == planned(sampled, control_sample=True)


def test_a_case_that_waits_for_incomes_is_not_written_at_all() -> None:
    assert planned(ended(Outcome.WAITING_FOR_INCOME)) == []


def test_the_recommendation_says_what_the_draft_says_and_ends_with_its_key() -> None:
    complete = example("complete")
    effect = only(planned(complete), EffectKind.RECOMMENDATION)

    assert effect.payload == {
        "value": "OK",
        "description": f"{recommendation_text(complete, control_sample=False)} [{effect.key}]",
        "amount": "4345.00",
        "month": "2026-12",
    }


@pytest.mark.parametrize(
    ("proposal", "amount"), [(Proposal.BIFALL, "4345.00"), (Proposal.DELAVSLAG, "4345.00"), (Proposal.AVSLAG, None), (None, None)]
)
def test_an_amount_is_given_with_a_grant_alone(proposal: Proposal | None, amount: str | None) -> None:
    review = example("complete").model_copy(
        update={"outcome": Outcome.REVIEW, "recommendation": Recommendation.REVIEW_REQUIRED, "proposal": proposal}
    )

    assert only(planned(review), EffectKind.RECOMMENDATION).payload["amount"] == amount


def test_the_document_is_the_whole_draft_under_a_heading_with_its_key() -> None:
    complete = example("complete")
    effect = only(planned(complete), EffectKind.DOCUMENT)

    assert effect.payload == {
        "heading": f"Beslutsunderlag 2026-12 [{effect.key}]",
        "text": document(complete, case_number="EB-26110123"),
    }


def test_the_native_draft_has_every_counted_income_before_jobbstimulans() -> None:
    payload = only(planned(example("complete")), EffectKind.NATIVE_DRAFT).payload

    assert (payload["applicant"], payload["co_applicant"], payload["month"]) == ("applicant", "co_applicant", "2026-12")
    assert [(income["benefit"], income["person"], income["net"], income["declared"]) for income in payload["incomes"]] == [
        ("salary", "applicant", "8500.00", True),
        ("Bostadsbidrag", "applicant", "1850.00", False),
        ("Barnbidrag", "co_applicant", "1250.00", False),
        ("Arbetslöshetsersättning", "co_applicant", "6240.00", False),
    ]
    assert all(income["rule"] for income in payload["incomes"])


def test_keys_are_the_same_for_the_same_case_and_differ_for_every_other() -> None:
    effects = planned(example("blanks"))
    others = [
        planned(example("blanks"), identity=identity)
        for identity in (
            CaseIdentity("lifecare", IDENTITY.case_id, IDENTITY.version, IDENTITY.run),
            CaseIdentity(IDENTITY.case_system, "another", IDENTITY.version, IDENTITY.run),
            CaseIdentity(IDENTITY.case_system, IDENTITY.case_id, "another", IDENTITY.run),
            CaseIdentity(IDENTITY.case_system, IDENTITY.case_id, IDENTITY.version, 2),
        )
    ]
    keys = [effect.key for plan_ in (effects, *others) for effect in plan_]

    assert effects == planned(example("blanks"))
    assert len(set(keys)) == len(keys)


def test_a_key_is_fixed_for_ever_and_has_room_for_all_cases() -> None:
    key = effect_key(CaseIdentity("caremanagement", "1", "v", 1), EffectKind.DOCUMENT)

    assert key == "br-a265b199ceeb736699a594a2"
    assert len(key.removeprefix("br-")) * 4 >= 80


def test_a_warning_is_found_again_by_a_later_run_and_is_raised_once() -> None:
    blanks = example("blanks")
    twice = blanks.model_copy(update={"flags": (*blanks.flags, *blanks.flags)})
    later = CaseIdentity(IDENTITY.case_system, IDENTITY.case_id, "b2", 2)

    def source_keys(effects: list[PlannedEffect]) -> list[str]:
        return [effect.payload["source_key"] for effect in effects if effect.kind is EffectKind.WARNING]

    assert source_keys(planned(twice)) == source_keys(planned(blanks)) == source_keys(planned(blanks, identity=later))


def test_a_source_key_too_long_for_the_case_system_is_shortened_and_still_its_own() -> None:
    def with_key(key: str) -> Assessment:
        flag = Flag(code="income.vanished", severity=Severity.REVIEW, key=key, text="text")
        return example("blanks").model_copy(update={"flags": (flag,)})

    keys = {only(planned(with_key("income." + "x" * 300 + end)), EffectKind.WARNING).payload["source_key"] for end in ("a", "b")}

    assert len(keys) == 2
    assert all(len(key) <= 255 for key in keys)


def test_a_difference_takes_the_proposal_back_and_the_case_still_awaits_a_decision() -> None:
    before = example("complete")
    after, _, effects = replan_after_difference(before, ("income_amount", "a_new_code"), identity=IDENTITY, number="EB-26110123")

    assert (after.proposal, after.amount, after.recommendation, after.outcome) == (
        None,
        None,
        Recommendation.REVIEW_REQUIRED,
        Outcome.REVIEW,
    )
    assert after.flags[0].text == "Ärendesystemets beräkning skiljer sig från robotens: annat belopp på en inkomst, a_new_code"
    assert (after.lines, after.sums) == (before.lines, before.sums)
    assert kinds(effects) == ["recommendation", "document", "awaiting_decision"]
    assert effects[0].payload["value"] == "REVIEW_REQUIRED"
    assert effects[0].payload["amount"] is None
    assert "Ärendesystemets beräkning skiljer sig" in effects[0].payload["description"]
    assert "handläggaren avgör" in effects[1].payload["text"]
    assert not {effect.key for effect in effects} & {effect.key for effect in planned(before)}


def test_a_difference_found_twice_is_flagged_once() -> None:
    once, _, _ = replan_after_difference(example("complete"), ("income_amount", "a_new_code"), identity=IDENTITY, number="EB-1")
    twice, _, _ = replan_after_difference(once, ("income_amount", "a_new_code"), identity=IDENTITY, number="EB-1")

    assert twice == once
