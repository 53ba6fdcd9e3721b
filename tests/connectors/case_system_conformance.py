"""What every case system behind the port must do. Subclass `CaseSystemConformance` and give it a `bench`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.case_systems.port import CaseApplication, CaseSystem, Effect, EffectKind, Standing, StoredDraft
from connectors.errors import PermanentError, RetriableError

MONTH = "2026-12"
INCOMES: list[dict[str, Any]] = [
    {
        "line": "income.salary.applicant",
        "benefit": "salary",
        "part": None,
        "amount_type": None,
        "person": "applicant",
        "net": "8500.50",
        "paid_on": "2026-11-25",
        "covers_from": None,
        "covers_to": None,
        "declared": True,
    },
    {
        "line": "income.Arbetslöshetsersättning.co_applicant",
        "benefit": "Arbetslöshetsersättning",
        "part": None,
        "amount_type": None,
        "person": "co_applicant",
        "net": "6240.00",
        "paid_on": "2026-11-20",
        "covers_from": "2026-10-26",
        "covers_to": "2026-11-08",
        "declared": False,
    },
]
PAYLOADS: dict[EffectKind, dict[str, Any]] = {
    EffectKind.UNDER_REVIEW: {},
    EffectKind.RECOMMENDATION: {"value": "OK", "description": "Förslag: bifall", "amount": "4345.50", "month": MONTH},
    EffectKind.NATIVE_DRAFT: {"applicant": "applicant", "co_applicant": "co_applicant", "month": MONTH, "incomes": INCOMES},
    EffectKind.DOCUMENT: {"heading": "Beslutsunderlag", "text": "Inkomster\nUtgifter\nåäö"},
    EffectKind.WARNING: {"type": "NEW_INCOME", "message": "Lön: fanns inte förra månaden", "source_key": "robot:income.new:x"},
    EffectKind.AWAITING_DECISION: {},
    EffectKind.MANUAL_REVIEW: {},
    EffectKind.PRIORITY: {},
}
PREPARED = (EffectKind.UNDER_REVIEW, EffectKind.RECOMMENDATION, EffectKind.NATIVE_DRAFT, EffectKind.DOCUMENT, EffectKind.AWAITING_DECISION)
FOR_REVIEW = (EffectKind.RECOMMENDATION, EffectKind.DOCUMENT, EffectKind.WARNING, EffectKind.MANUAL_REVIEW)
URGENT = (EffectKind.RECOMMENDATION, EffectKind.PRIORITY, EffectKind.MANUAL_REVIEW)
DECIDED_ALONE = (EffectKind.UNDER_REVIEW, EffectKind.AWAITING_DECISION)
ROADS = pytest.mark.parametrize(
    "road", [PREPARED[:-1], FOR_REVIEW, URGENT, DECIDED_ALONE], ids=["prepared", "for_review", "urgent", "status"]
)


@dataclass
class Bench:
    """A case system with new cases, and what a test does to it from outside.

    `new` = the ids of the cases that nobody has begun, oldest first; at least two, standard renewals for `MONTH`.
    `lose_next_answer` = the next write takes effect, and its answer never comes. `person_takes` and `person_decides` = a caseworker acts.
    """

    system: CaseSystem
    new: tuple[str, ...]
    lose_next_answer: Callable[[], None]
    person_takes: Callable[[str], None]
    person_decides: Callable[[str], None]


def effect(kind: EffectKind, case_id: str, run: int = 1) -> Effect:
    """Return an effect of a kind on a case."""
    return Effect(f"br-{kind.value}-{run}", kind, case_id, PAYLOADS[kind])


def written(stored: StoredDraft) -> Counter[str]:
    """Count what stands by effect key and warning."""
    keys = [row["key"] for row in (*stored.recommendations, *stored.documents)] + [row["source_key"] for row in stored.warnings]
    return Counter(key for key in keys if key)


class CaseSystemConformance:
    """The promises of `CaseSystem`."""

    async def test_every_new_case_is_listed_once_and_oldest_first(self, bench: Bench) -> None:
        listed = [case async for case in bench.system.find_new(None)]

        assert tuple(case.case_id for case in listed) == bench.new
        assert [case.created_at for case in listed] == sorted(case.created_at for case in listed)

    async def test_only_cases_created_after_the_moment_asked_for_are_listed(self, bench: Bench) -> None:
        everything = [case async for case in bench.system.find_new(None)]

        later = [case.case_id async for case in bench.system.find_new(everything[0].created_at)]

        assert later == [case.case_id for case in everything if case.created_at > everything[0].created_at]

    async def test_a_case_that_somebody_has_begun_is_no_longer_new(self, bench: Bench) -> None:
        bench.person_takes(bench.new[0])

        assert bench.new[0] not in [case.case_id async for case in bench.system.find_new(None)]

    async def test_the_application_is_read_with_its_persons_and_history(self, bench: Bench) -> None:
        case = await bench.system.application(bench.new[0])
        reading = await bench.system.reading(case)

        assert case.standing is Standing.OURS
        assert case.application is not None
        assert str(case.application.month) == MONTH
        assert reading.case.application is not None
        assert all(member.personnummer for member in reading.case.application.household.members if member.role != "child")
        assert reading.history.known

    async def test_the_history_can_be_read_from_a_case_that_was_stored_in_between(self, bench: Bench) -> None:
        case = await bench.system.application(bench.new[0])
        rebuilt = CaseApplication(**{field.name: getattr(case, field.name) for field in fields(CaseApplication)})

        reading = await bench.system.reading(rebuilt)

        assert reading.case.application is not None
        assert reading.case.application.household.members[0].personnummer

    @ROADS
    async def test_the_robots_own_writes_never_change_the_version_nor_whose_case_it_is(
        self, bench: Bench, road: tuple[EffectKind, ...]
    ) -> None:
        before = await bench.system.application(bench.new[0])

        for kind in road:
            await bench.system.apply(effect(kind, bench.new[0]))
            after = await bench.system.application(bench.new[0])

            assert after.version == before.version
            assert await bench.system.standing(bench.new[0], before.assigned_to) is Standing.OURS

    @ROADS
    async def test_a_write_done_twice_stands_once(self, bench: Bench, road: tuple[EffectKind, ...]) -> None:
        for kind in road:
            first = await bench.system.apply(effect(kind, bench.new[0]))
            again = await bench.system.apply(effect(kind, bench.new[0]))

            assert not first.found
            assert again.found
            assert again.reference == first.reference
        assert set(written(await bench.system.stored(bench.new[0])).values()) <= {1}

    @ROADS
    async def test_a_write_whose_answer_was_lost_is_found_and_not_made_again(self, bench: Bench, road: tuple[EffectKind, ...]) -> None:
        for kind in road:
            bench.lose_next_answer()
            with pytest.raises(RetriableError) as lost:
                await bench.system.apply(effect(kind, bench.new[0]))
            assert lost.value.unknown_outcome

            assert (await bench.system.apply(effect(kind, bench.new[0]))).found
        assert set(written(await bench.system.stored(bench.new[0])).values()) <= {1}

    async def test_a_new_run_writes_anew_beside_the_old_one(self, bench: Bench) -> None:
        for run in (1, 2):
            receipt = await bench.system.apply(effect(EffectKind.RECOMMENDATION, bench.new[0], run))
            assert not receipt.found

        assert len((await bench.system.stored(bench.new[0])).recommendations) == 2

    async def test_what_was_written_can_be_read_back(self, bench: Bench) -> None:
        for kind in PREPARED:
            receipt = await bench.system.apply(effect(kind, bench.new[0]))
            assert receipt.differs == ()

        stored = await bench.system.stored(bench.new[0])
        recommendation = next(row for row in stored.recommendations if row["key"])
        document = next(row for row in stored.documents if row["key"])
        assert (recommendation["value"], recommendation["amount"]) == ("OK", "4345.50")
        assert recommendation["message"] is None
        assert document["text"] == PAYLOADS[EffectKind.DOCUMENT]["text"]
        assert sum(float(row[side] or 0) for row in stored.income_rows for side in ("applicant", "co_applicant")) == 8500.5 + 6240
        assert stored.standing is Standing.OURS

    @pytest.mark.parametrize("written_first", [(), (EffectKind.UNDER_REVIEW,)], ids=["untouched", "begun by the robot"])
    @pytest.mark.parametrize("act", ["person_takes", "person_decides"])
    async def test_a_case_that_a_person_takes_is_seen_as_taken(self, bench: Bench, act: str, written_first: tuple[EffectKind, ...]) -> None:
        case = await bench.system.application(bench.new[1])
        for kind in written_first:
            await bench.system.apply(effect(kind, bench.new[1]))

        getattr(bench, act)(bench.new[1])

        assert await bench.system.standing(bench.new[1], case.assigned_to) is Standing.TAKEN

    @pytest.mark.parametrize("act", ["person_takes", "person_decides"])
    @pytest.mark.parametrize("kind", list(EffectKind))
    async def test_nothing_is_written_in_a_case_that_a_person_has(self, bench: Bench, kind: EffectKind, act: str) -> None:
        case = await bench.system.application(bench.new[1])
        getattr(bench, act)(bench.new[1])
        before = await bench.system.stored(bench.new[1])

        assert await bench.system.apply_if_ours(effect(kind, bench.new[1]), case.assigned_to) is None

        assert await bench.system.stored(bench.new[1]) == before

    @ROADS
    async def test_a_write_in_a_case_that_is_ours_is_the_same_as_any_other(self, bench: Bench, road: tuple[EffectKind, ...]) -> None:
        case = await bench.system.application(bench.new[0])
        for kind in road:
            first = await bench.system.apply_if_ours(effect(kind, bench.new[0]), case.assigned_to)
            again = await bench.system.apply(effect(kind, bench.new[0]))

            assert first is not None
            assert not first.found
            assert again.found
            assert again.reference == first.reference

    async def test_a_case_decided_by_a_person_reads_back_as_taken(self, bench: Bench) -> None:
        bench.person_decides(bench.new[1])

        assert (await bench.system.stored(bench.new[1])).standing is Standing.TAKEN

    async def test_a_status_that_stands_already_is_found(self, bench: Bench) -> None:
        for kind in PREPARED[:-1]:
            await bench.system.apply(effect(kind, bench.new[0]))

        assert (await bench.system.apply(effect(EffectKind.AWAITING_DECISION, bench.new[0]))).found

    async def test_a_step_that_is_not_legal_is_refused_and_changes_nothing(self, bench: Bench) -> None:
        with pytest.raises(PermanentError):
            await bench.system.apply(effect(EffectKind.AWAITING_DECISION, bench.new[0]))

        assert bench.new[0] in [case.case_id async for case in bench.system.find_new(None)]

    @pytest.mark.parametrize("kind", [EffectKind.UNDER_REVIEW, EffectKind.NATIVE_DRAFT, EffectKind.AWAITING_DECISION])
    async def test_a_person_who_comes_between_the_look_and_the_write_wins(self, bench: Bench, kind: EffectKind) -> None:
        bench.person_decides(bench.new[1])
        before = await bench.system.stored(bench.new[1])

        with pytest.raises(RetriableError):
            await bench.system.apply(effect(kind, bench.new[1]))

        assert await bench.system.stored(bench.new[1]) == before

    async def test_a_case_that_is_not_there_is_nobodys_to_write_in(self, bench: Bench) -> None:
        missing = "00000000-0000-4000-8000-000000000000"

        case = await bench.system.application(missing)

        assert case.application is None
        assert case.unreadable
        assert case.standing is Standing.TAKEN
        assert await bench.system.standing(missing, None) is Standing.TAKEN

    async def test_the_handshake_says_that_it_is_there(self, bench: Bench) -> None:
        answer = await bench.system.check()

        assert answer.ok, answer.message

    @pytest.mark.parametrize("road", [PREPARED, FOR_REVIEW, URGENT], ids=["prepared", "for_review", "urgent"])
    async def test_a_robot_that_has_forgotten_what_it_wrote_finds_the_case_and_sees_when_all_of_it_stands(
        self, bench: Bench, road: tuple[EffectKind, ...]
    ) -> None:
        case_id = bench.new[0]
        before = await bench.system.application(case_id)
        assert not before.begun
        assert not (await bench.system.stored(case_id)).whole
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        for kind in road:
            assert kind is EffectKind.AWAITING_DECISION or not (await bench.system.stored(case_id)).whole, kind
            await bench.system.apply(effect(kind, case_id))

        assert (await bench.system.stored(case_id)).whole
        assert [case.case_id async for case in bench.system.find_begun(long_ago)] == [case_id]
        assert (await bench.system.application(case_id)).begun
        (changed,) = [case.changed_at async for case in bench.system.find_begun(long_ago)]
        assert [case async for case in bench.system.find_begun(changed)] == [], "only what was changed after that"

    @pytest.mark.parametrize("road", [PREPARED, FOR_REVIEW], ids=["prepared", "for_review"])
    async def test_a_run_that_comes_to_another_end_than_one_that_was_forgotten_still_leaves_the_case_to_a_person(
        self, bench: Bench, road: tuple[EffectKind, ...]
    ) -> None:
        case_id = bench.new[0]
        for kind in road:
            await bench.system.apply(effect(kind, case_id))
        status = (await bench.system.stored(case_id)).status
        for kind in (EffectKind.UNDER_REVIEW, EffectKind.AWAITING_DECISION, EffectKind.MANUAL_REVIEW):
            assert (await bench.system.apply(effect(kind, case_id, run=2))).found
        assert (await bench.system.stored(case_id)).status == status

    async def test_a_case_left_in_the_middle_by_a_forgotten_run_can_be_left_to_a_person(self, bench: Bench) -> None:
        case_id = bench.new[0]
        await bench.system.apply(effect(EffectKind.UNDER_REVIEW, case_id))
        assert not (await bench.system.apply(effect(EffectKind.MANUAL_REVIEW, case_id))).found
        assert (await bench.system.stored(case_id)).status == (await self._status_of(bench, DECIDED_ALONE, bench.new[1]))

    async def _status_of(self, bench: Bench, road: tuple[EffectKind, ...], case_id: str) -> str:
        for kind in road:
            await bench.system.apply(effect(kind, case_id))
        return (await bench.system.stored(case_id)).status

    async def test_a_recommendation_of_the_same_run_with_another_proposal_is_told(self, bench: Bench) -> None:
        case_id = bench.new[0]
        first = effect(EffectKind.RECOMMENDATION, case_id)
        await bench.system.apply(first)
        assert (await bench.system.apply(first)).differs == ()
        other = Effect(first.key, first.kind, case_id, {**first.payload, "amount": "17.00"})
        receipt = await bench.system.apply(other)
        assert (receipt.found, receipt.differs) == (True, ("proposal",))
        assert len((await bench.system.stored(case_id)).recommendations) == 1
        case = await bench.system.application(case_id)
        assert first.key in (await bench.system.reading(case)).written
