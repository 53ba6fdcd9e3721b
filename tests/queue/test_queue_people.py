"""Promises about finding a person's cases: all are found, and nothing stored tells without the key who is in which."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.queue.queue_bench import LEASE_S, Bench, pulled, writes
from workqueue import AuditEvent, Claimed, Finished, NoSuchCase, StaleLease, State, WorkQueue
from workqueue.people import MARK_BYTES, ROOM
from workqueue.statements import BULK_ROWS
from workqueue.tables import case_people

ANNA, BO, CAJSA = "199001012384", "198505052397", "201201022385"
"""Made up."""


def finish(bench: Bench, case_id: str, *people: str) -> Claimed:
    """Finish a case with these people in it."""
    bench.queue.add(pulled(case_id))
    claimed = bench.claim_one()
    bench.queue.finish(claimed, "ok", {}, writes(claimed, "document"), people=list(people))
    return claimed


def cases_of(queue: WorkQueue, number: str) -> list[str]:
    """Return all cases of a person."""
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        refs, after = queue.cases_of(number, after=after)
        found += refs
    return found


def marks(bench: Bench) -> list[bytes]:
    """Return what is stored of who is in which case."""
    with bench.store.raw() as raw:
        return [bytes(one) for one in raw.execute(select(case_people.c.marks).order_by(case_people.c.item_id)).scalars()]


def test_every_case_of_a_person_is_found_and_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workqueue.limits.PEOPLE_BATCH", 1)
    both, alone, child = finish(bench, "both", ANNA, BO), finish(bench, "alone", ANNA), finish(bench, "child", BO, CAJSA)
    assert bench.queue.cases_of(ANNA)[0] == [both.case_ref], "so many are compared in one read"
    assert cases_of(bench.queue, ANNA) == [both.case_ref, alone.case_ref]
    assert cases_of(bench.queue, CAJSA) == [child.case_ref]
    assert cases_of(bench.another(), BO) == [both.case_ref, child.case_ref]
    assert cases_of(bench.queue, "199001012385") == []


def test_two_cases_of_the_same_person_have_nothing_in_common_and_none_tells_how_many_there_are(bench: Bench) -> None:
    finish(bench, "a", ANNA)
    finish(bench, "b", ANNA)
    finish(bench, "nobody")
    finish(bench, "many", *(f"1990010100{number:02}" for number in range(ROOM)))
    stored = marks(bench)
    split = [one[start : start + MARK_BYTES] for one in stored for start in range(0, len(one), MARK_BYTES)]
    assert len(set(split)) == len(split)
    assert {len(one) for one in stored} == {ROOM * MARK_BYTES}
    assert all(one == b"".join(sorted(one[start : start + MARK_BYTES] for start in range(0, len(one), MARK_BYTES))) for one in stored)


def test_a_large_household_has_room(bench: Bench) -> None:
    people = [f"1990010100{number:02}" for number in range(ROOM + 1)]
    claimed = finish(bench, "large", *people)
    assert len(marks(bench)[0]) == 2 * ROOM * MARK_BYTES
    assert all(cases_of(bench.queue, one) == [claimed.case_ref] for one in people)


def test_many_finished_at_once_are_found_too(bench: Bench) -> None:
    bench.queue.add_many([pulled("a"), pulled("b")])
    first, second = bench.queue.claim("worker", 10, 60)
    bench.queue.finish_many([Finished(first, "ok", {}, people=[ANNA]), Finished(second, "ok", {}, people=[ANNA, BO])])
    assert sorted(cases_of(bench.queue, ANNA)) == sorted([first.case_ref, second.case_ref])
    assert cases_of(bench.queue, BO) == [second.case_ref]


def test_a_case_that_an_older_program_finished_is_told_of_and_can_be_given_its_people(bench: Bench) -> None:
    claimed = bench.delivering("document")
    ((number, ref),) = bench.queue.without_people()
    assert (number, ref) == (claimed.id, claimed.case_ref)
    bench.queue.set_people(ref, [ANNA])
    assert bench.queue.without_people() == []
    assert cases_of(bench.queue, ANNA) == [ref]
    with pytest.raises(NoSuchCase):
        bench.queue.set_people("nobody", [ANNA])


def test_the_writes_of_a_case_are_shown_in_full(bench: Bench) -> None:
    claimed = bench.delivering("document", "warning")
    (first, _) = bench.queue.pending_effects(claimed)
    bench.queue.receipt(claimed, first.key, "where it stands")
    done, pending = bench.queue.full_writes(claimed.case_ref)
    assert (done.kind, done.payload, done.reference) == ("document", {"text": "about document"}, "where it stands")
    assert (pending.done_at, pending.reference) == (None, None)


def test_a_search_is_recorded_also_when_nothing_is_found(bench: Bench) -> None:
    ref = bench.queue.note_search(AuditEvent("person.searched", "anna", {"found": 0}))
    (event,) = bench.queue.events(ref)
    assert (event.what, event.actor, event.details) == ("person.searched", "anna", {"found": 0})


def test_of_many_that_are_finished_at_once_who_is_in_them_takes_the_place_of_what_was_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.queue.add_many([pulled(f"case-{number}") for number in range(BULK_ROWS)])
    cases = bench.queue.claim("worker", BULK_ROWS, LEASE_S)
    for one in cases:
        bench.queue.set_people(one.case_ref, [ANNA])
    monkeypatch.setattr(bench.queue, "_store_finished", None)  # one by one is for those of which some are refused
    assert bench.queue.finish_many([Finished(one, "ok", {}, people=[BO]) for one in cases]) == [None] * BULK_ROWS
    assert cases_of(bench.queue, ANNA) == []
    assert cases_of(bench.queue, BO) == [one.case_ref for one in cases]


@pytest.mark.parametrize("state", [State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER])
def test_who_is_in_a_case_is_known_from_its_first_rest_on(bench: Bench, state: State) -> None:
    claimed = bench.assessing()
    bench.queue.rest(claimed, state, bench.in_hours(1), "code", people=[ANNA, CAJSA])
    assert cases_of(bench.queue, ANNA) == cases_of(bench.queue, CAJSA) == [claimed.case_ref]
    with pytest.raises(StaleLease):
        bench.queue.rest(claimed, state, bench.in_hours(1), "code", people=[BO])
    assert cases_of(bench.queue, BO) == [], "with the rest that was refused"


def test_who_is_in_a_case_that_a_person_has_taken_is_known_when_the_robot_had_read_it(bench: Bench) -> None:
    read, unread = bench.assessing("read"), bench.assessing("unread")
    bench.queue.end(read, State.TAKEN_BY_PERSON, people=[ANNA])
    bench.queue.end(unread, State.TAKEN_BY_PERSON)
    assert cases_of(bench.queue, ANNA) == [read.case_ref]
    assert len(marks(bench)) == 1, "of the other nobody knows"


@pytest.mark.parametrize("together", [1, BULK_ROWS])
def test_what_is_finished_without_knowing_who_is_in_it_forgets_nobody(bench: Bench, together: int) -> None:
    bench.queue.add_many([pulled(f"case-{number}") for number in range(together)])
    for one in bench.queue.claim("worker", together, LEASE_S):
        bench.queue.rest(one, State.WAITING_FOR_INCOME, bench.in_hours(1), "income_month_open", people=[ANNA])
    bench.clock.advance(hours=1)
    bench.queue.release_due()
    again = bench.queue.claim("worker", together, LEASE_S)
    assert bench.queue.finish_many([Finished(one, "handed_over", {}, people=[]) for one in again]) == [None] * together
    assert cases_of(bench.queue, ANNA) == [one.case_ref for one in again]
    assert bench.queue.without_people() == []


def test_a_rest_without_numbers_forgets_nobody_and_makes_nobody_known(bench: Bench) -> None:
    bench.queue.rest(bench.assessing(), State.WAITING_FOR_REGISTER, bench.in_hours(1), "code", people=[])
    assert marks(bench) == []
    bench.clock.advance(hours=1)
    bench.queue.release_due()
    bench.queue.rest(bench.claim_one(), State.WAITING_FOR_REGISTER, bench.in_hours(1), "code", people=[ANNA])
    bench.clock.advance(hours=1)
    bench.queue.release_due()
    claimed = bench.claim_one()
    bench.queue.rest(claimed, State.WAITING_FOR_REGISTER, bench.in_hours(1), "code", people=[])
    assert cases_of(bench.queue, ANNA) == [claimed.case_ref]
