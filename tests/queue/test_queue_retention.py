"""Promises about forgetting: only what was approved and has not changed goes, all of it goes, and the audit still verifies."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select, text
from sqlalchemy.exc import IntegrityError

from tests.queue.queue_bench import LEASE_S, Bench, pulled
from workqueue import (
    UNREAD,
    ApprovedBy,
    AuditEvent,
    Carried,
    Claimed,
    ListOutcome,
    ListState,
    NoSuchCase,
    NotAllowed,
    PermanentQueueError,
    Proposed,
    RetentionRule,
    RetriableQueueError,
    State,
    WorkQueue,
)
from workqueue.hashing import HASHED
from workqueue.sealing import DRAFT
from workqueue.tables import case_keys, case_people, drafts, effects, event_details, events, forgotten, items, metadata, seen

RULE = RetentionRule("decision", 24, date(2026, 1, 1), "Socialnämnden 2026-01-15 § 12 (påhittad)")
ABOUT_CASES = (items, drafts, effects, case_keys, case_people, seen)
LOOKS = 250


def end(bench: Bench, case_id: str = "case-1", version: str = "v1", *, draft: dict[str, Any] | None = None) -> Claimed:
    """Bring a case to its end."""
    bench.queue.add(pulled(case_id, version, deadline=bench.in_hours(24)))
    claimed = bench.claim_one()
    bench.finish(claimed, "recommendation", draft=draft)
    bench.deliver(claimed)
    bench.queue.end(claimed, State.DELIVERED)
    return claimed


def propose(bench: Bench, *cases: str) -> str:
    """Propose some cases, or all that have ended, and return the list's reference."""
    found = bench.queue.candidates(bench.clock.now() + timedelta(seconds=1))
    chosen = [one for one in found if one.state is not State.PARKED and (not cases or bench.item(one.case_ref).case_id in cases)]
    proposed = [Proposed(one, one.began_at.date(), one.began_at.date() + timedelta(days=730)) for one in chosen]
    return bench.queue.propose(RULE, proposed, "ops").ref


def approved(bench: Bench, *cases: str) -> str:
    """Do the same, and approve it."""
    ref = propose(bench, *cases)
    bench.queue.approve_list(ref, "ops", "enligt beslut")
    return ref


def rows(bench: Bench, *tables: Any) -> dict[str, int]:
    """Return how many rows there are."""
    with bench.store.raw() as raw:
        return {table.name: len(raw.execute(select(table)).all()) for table in tables}


def test_what_is_forgotten_is_gone_in_full_and_the_audit_still_verifies(bench: Bench) -> None:
    refs = [end(bench).case_ref, end(bench, version="v2").case_ref]
    bench.queue.mark_seen("caremanagement", {"case-1": "2026-11-30"})
    lines = bench.queue.verify_audit().events
    ref = approved(bench)

    assert bench.queue.forget_some(ref, 10) == Carried(forgotten=1, left_out=0, left=0)

    assert rows(bench, *ABOUT_CASES) == {table.name: 0 for table in ABOUT_CASES} | {"seen": 1}
    found = bench.queue.verify_audit()
    assert found.problems == ()
    assert found.events == lines + 5, "proposed, approved, carried out, and each version's last word"
    assert found.without_details == lines
    for case_ref in refs:
        told = bench.queue.events(case_ref)
        assert [event.details for event in told[:-1]] == [{}] * (len(told) - 1)
        last = told[-1]
        assert (last.what, last.details["list"], last.details["rule"], last.details["drafts"]) == ("forgotten", ref, "decision", 1)
        left = bench.queue.forgotten(case_ref)
        assert left is not None
        assert left.list_ref == ref
        assert bench.queue.item(case_ref) is None
        assert bench.queue.draft(case_ref) is None
        with pytest.raises(NoSuchCase):
            bench.queue.note(case_ref, AuditEvent("draft.shown"))
    assert bench.queue.integrity() == []
    done = bench.queue.retention_list(ref)
    assert (done.state, done.cases, done.forgotten, done.left) == (ListState.CARRIED_OUT, 1, 1, 0)


def test_who_is_in_a_case_is_forgotten_with_it_also_when_it_never_had_a_draft(bench: Bench) -> None:
    bench.queue.rest(bench.assessing(), State.WAITING_FOR_REGISTER, bench.in_hours(1), "code", people=["199001012384"])
    bench.clock.advance(hours=1)
    bench.queue.release_due()
    bench.queue.end(bench.claim_one(), State.TAKEN_BY_PERSON)
    assert rows(bench, case_people, drafts) == {"case_people": 1, "drafts": 0}
    assert bench.queue.forget_some(approved(bench), 10) == Carried(forgotten=1, left_out=0, left=0)
    assert rows(bench, case_people, items) == {"case_people": 0, "items": 0}
    assert bench.queue.cases_of("199001012384") == ([], None)


def test_other_cases_are_left_as_they_were(bench: Bench) -> None:
    end(bench, "gone")
    kept = end(bench, "kept", draft={"proposal": "kept"})
    before = bench.queue.events(kept.case_ref)
    while bench.queue.forget_some(approved(bench, "gone"), 1).left:
        pass
    assert bench.queue.draft("kept") == {"proposal": "kept"}
    assert bench.queue.events(kept.case_ref) == before
    assert len(bench.queue.full_writes(kept.case_ref)) == 1
    assert bench.queue.item("gone") is None


def test_nothing_in_clear_and_nothing_sealed_of_a_forgotten_case_is_left_but_its_reference(bench: Bench) -> None:
    claimed = end(bench, "case-of-somebody", "version-of-somebody")
    bench.queue.mark_seen("caremanagement", {"case-of-somebody": "2026-11-30"})
    with bench.store.raw() as raw:
        sealed = [
            bytes(value)
            for table in (items, drafts, effects, event_details, case_keys)
            for row in raw.execute(select(*(column for column in table.c if isinstance(column.type, LargeBinary))))
            for value in row
            if value is not None
        ]
    assert len(sealed) > 8
    bench.queue.forget_some(approved(bench), 10)
    with bench.store.raw() as raw:
        left = repr([raw.execute(select(table)).all() for table in metadata.sorted_tables])
        binary = [
            bytes(value)
            for table in metadata.sorted_tables
            for row in raw.execute(select(table))
            for value in row
            if isinstance(value, bytes | memoryview)
        ]
    assert "somebody" not in left
    assert claimed.case_ref in left
    assert set(sealed).isdisjoint(binary)


def test_a_list_that_nobody_has_approved_deletes_nothing(bench: Bench) -> None:
    end(bench)
    ref = propose(bench)
    before = rows(bench, *metadata.sorted_tables)
    with pytest.raises(NotAllowed, match="QUE-061"):
        bench.queue.forget_some(ref, 10)
    with pytest.raises(NotAllowed, match="QUE-060"):
        bench.queue.forget_some("nolist", 10)
    assert rows(bench, *metadata.sorted_tables) == before


def test_a_list_is_approved_once_and_by_somebody(bench: Bench) -> None:
    end(bench)
    ref = propose(bench)
    bench.queue.approve_list(ref, "anna", "enligt beslut")
    found = bench.queue.retention_list(ref)
    assert (found.state, found.approved_by, found.approved_as) == (ListState.APPROVED, "anna", ApprovedBy.PERSON)
    with pytest.raises(NotAllowed, match="QUE-061"):
        bench.queue.approve_list(ref, "bo", "igen")
    told = {event.what: event for event in bench.queue.events(ref)}
    assert told["retention.approved"].actor == "anna"
    assert told["retention.approved"].details["reason"] == "enligt beslut"


def test_a_withdrawn_list_deletes_nothing_more_and_its_cases_can_be_proposed_anew(bench: Bench) -> None:
    end(bench, "a")
    end(bench, "b")
    ref = approved(bench)
    assert bench.queue.forget_some(ref, 1).left == 1
    assert all(one.listed for one in bench.queue.candidates(bench.in_hours(1)))
    bench.queue.withdraw_list(ref, "ops", "fel")
    with pytest.raises(NotAllowed, match="QUE-061"):
        bench.queue.forget_some(ref, 1)
    with pytest.raises(NotAllowed, match="QUE-061"):
        bench.queue.withdraw_list(ref, "ops", "fel")
    (left,) = bench.queue.candidates(bench.in_hours(1))
    assert not left.listed
    assert bench.queue.retention_list(ref).left_out == 1
    assert bench.queue.forget_some(approved(bench), 10).forgotten == 1


def _happens(bench: Bench) -> None:
    bench.queue.note("case-1", AuditEvent("draft.shown", "ops"))


def _put_back(bench: Bench) -> None:
    bench.queue.requeue("case-1", "igen", "ops")


def _in_hand(bench: Bench) -> None:
    _put_back(bench)
    assert bench.queue.claim("worker", 1, LEASE_S)


def _new_version(bench: Bench) -> None:
    bench.queue.add(pulled("case-1", "v2"))


def _ended_again(bench: Bench) -> None:
    _put_back(bench)
    claimed = bench.claim_one()
    bench.finish(claimed)
    bench.queue.end(claimed, State.DELIVERED)


def _parked(bench: Bench) -> None:
    _put_back(bench)
    bench.queue.park(bench.claim_one(), "CASE-001")


def _gone(bench: Bench) -> None:
    other = approved(bench)
    assert bench.queue.forget_some(other, 1).forgotten == 1


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (_happens, ListOutcome.CHANGED),
        (_put_back, ListOutcome.IN_WORK),
        (_in_hand, ListOutcome.IN_WORK),
        (_parked, ListOutcome.IN_WORK),
        (_new_version, ListOutcome.NEW_VERSION),
        (_ended_again, ListOutcome.CHANGED),
        (_gone, ListOutcome.GONE),
    ],
)
def test_what_changed_after_the_proposal_is_left_out_and_the_list_says_why(
    bench: Bench, change: Callable[[Bench], None], outcome: ListOutcome
) -> None:
    end(bench)
    ref = approved(bench)
    bench.clock.advance(hours=1)
    change(bench)
    before = rows(bench, items, drafts, effects, event_details, case_keys)
    assert bench.queue.forget_some(ref, 10) == Carried(forgotten=0, left_out=1, left=0)
    assert {one.outcome for one in bench.queue.listed_cases(ref)} == {outcome}
    assert rows(bench, items, drafts, effects, case_keys) == {name: count for name, count in before.items() if name != "event_details"}
    assert bench.queue.verify_audit().problems == ()


def test_only_what_has_ended_is_a_candidate_and_the_time_begins_when_the_last_thing_happened(bench: Bench) -> None:
    bench.queue.add(pulled("waits", deadline=bench.in_hours(24)))
    resting = bench.claim_one()
    bench.queue.rest(resting, State.WAITING_FOR_INCOME, bench.in_hours(10), "income_month_open")
    end(bench, "ended")
    ended = bench.clock.now()
    bench.clock.advance(hours=5)
    bench.queue.note("ended", AuditEvent("draft.shown", "ops"))
    (found,) = bench.queue.candidates(bench.in_hours(1))
    assert found.began_at == ended, "that it was shown does not begin the time anew"
    bench.queue.note("ended", AuditEvent("case.decided", "caseworker"))
    (found,) = bench.queue.candidates(bench.in_hours(1))
    assert found.began_at == bench.clock.now()
    assert bench.queue.candidates(ended) == [], "before, not at, the time given"


def test_a_parked_case_is_a_candidate_so_that_it_can_be_told_why_it_stays(bench: Bench) -> None:
    bench.into(State.PARKED)
    (found,) = bench.queue.candidates(bench.in_hours(1))
    assert found.state is State.PARKED


def test_candidates_come_in_batches_the_oldest_end_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        end(bench, f"case-{number}")
        if number != 2:
            bench.clock.advance(hours=1)
    seen_refs, after = [], None
    monkeypatch.setattr("workqueue.limits.RETENTION_BATCH", 2)
    while batch := bench.queue.candidates(bench.in_hours(1), after=after):
        assert len(batch) <= 2
        seen_refs += [one.case_ref for one in batch]
        after = batch[-1]
    assert [bench.item(ref).case_id for ref in seen_refs] == [f"case-{number}" for number in range(5)]


def test_a_forgotten_version_is_not_taken_for_new_and_a_changed_application_is(bench: Bench) -> None:
    old = end(bench).case_ref
    bench.queue.mark_seen("caremanagement", {"case-1": "mark"})
    bench.queue.forget_some(approved(bench), 10)

    known = bench.queue.known("caremanagement")
    assert known.mark("case-1") == "mark"
    assert known.mark("case-2") is None
    assert bench.queue.known("caremanagement", ["case-1", "case-2"]) == known
    assert all(key.startswith(HASHED) for key in known)
    again = bench.queue.add(pulled())
    assert (again.case_ref, again.created) == (old, False)
    assert bench.queue.counts()[State.READY] == 0

    changed = bench.queue.add(pulled(version="v2"))
    assert changed.created
    back = bench.queue.add(pulled())
    assert back.created, "the application is back to what it was, and a person waits for it"
    claimed = bench.claim_one()
    bench.finish(claimed)
    bench.queue.end(claimed, State.DELIVERED)
    assert bench.queue.forget_some(approved(bench), 10).forgotten == 1


@pytest.mark.parametrize("restored", [False, True])
def test_a_forgotten_case_that_is_looked_at_again_is_known_by_its_hash_still(bench: Bench, restored: bool) -> None:
    end(bench)
    bench.queue.mark_seen("caremanagement", {"case-1": "mark"})
    bench.queue.forget_some(approved(bench), 10)
    if restored:
        bench.queue.mark_restored("kim", bench.clock.now(), {})
    bench.queue.mark_seen("caremanagement", {"case-1": "newer", "case-2": "mark"})
    known = bench.queue.known("caremanagement")
    assert known.mark("case-1") == "newer"
    assert [name for name in known if not name.startswith(HASHED)] == ["case-2"]
    assert len(known) == 2


def test_a_version_that_could_not_be_read_is_taken_for_new(bench: Bench) -> None:
    end(bench, version=UNREAD)
    bench.queue.forget_some(approved(bench), 10)
    assert bench.queue.add(pulled(version=UNREAD)).created


def test_details_of_the_audit_cannot_be_deleted_of_a_case_that_was_not_forgotten(bench: Bench) -> None:
    end(bench, "kept")
    end(bench, "gone")
    bench.queue.forget_some(approved(bench, "gone"), 10)
    before = rows(bench, event_details)
    with bench.store.raw() as raw:
        for condition in ("TRUE", "seq IN (SELECT seq FROM events WHERE what = 'forgotten')", "seq = 1"):
            with pytest.raises(IntegrityError, match="append-only"):
                raw.execute(text(f"DELETE FROM event_details WHERE {condition}"))
    assert rows(bench, event_details) == before


def test_what_is_said_of_a_forgotten_case_can_be_read_when_its_key_is_gone(bench: Bench) -> None:
    ref = end(bench).case_ref
    bench.queue.forget_some(approved(bench), 10)
    other = bench.another()
    assert other.events(ref)[-1].details["reference"] == RULE.reference


def test_a_copy_of_what_was_sealed_cannot_be_opened_without_the_key(bench: Bench) -> None:
    claimed = end(bench)
    with bench.store.raw() as raw:
        content = bytes(raw.execute(select(drafts.c.content)).scalar_one())
    place = f"{claimed.case_ref}/{claimed.run}"
    bench.queue.forget_some(approved(bench), 10)
    with pytest.raises(PermanentQueueError, match="QUE-037"):
        bench.queue._open(claimed.case_ref, DRAFT, place, content)


def test_a_list_has_a_limit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    end(bench)
    monkeypatch.setattr("workqueue.limits.RETENTION_LIST_LIMIT", 0)
    with pytest.raises(ValueError, match="the limit is 0"):
        propose(bench)
    for wrong in (0, -1, 1000):
        with pytest.raises(ValueError, match="forget 1 to"):
            bench.queue.forget_some("x", wrong)


def test_two_that_carry_out_the_same_list_do_it_once(bench: Bench) -> None:
    for number in range(4):
        end(bench, f"case-{number}")
    ref, other = approved(bench), bench.another()
    assert bench.queue.forget_some(ref, 2).left == 2
    assert other.forget_some(ref, 3) == Carried(2, 0, 0)
    assert bench.queue.forget_some(ref, 3) == Carried(0, 0, 0)
    with bench.store.raw() as raw:
        assert len(raw.execute(select(forgotten)).all()) == 4
        last = raw.execute(select(events.c.what).order_by(events.c.seq.desc()).limit(1)).scalar_one()
    assert last in {"retention.carried_out", "forgotten"}


def test_a_case_that_somebody_else_holds_is_waited_for_and_then_left_to_the_next_try(bench: Bench, kind: str) -> None:
    end(bench)
    ref = approved(bench)
    hasty = WorkQueue.open(bench.store.place, key=bench.store.key, clock=bench.clock, busy_timeout_s=0.2)
    with bench.store.raw() as raw:
        raw.exec_driver_sql("BEGIN IMMEDIATE" if kind == "sqlite" else "BEGIN")
        if kind == "postgres":
            raw.exec_driver_sql("SELECT id FROM items FOR UPDATE")
        with pytest.raises(RetriableQueueError, match="QUE-001"):
            hasty.forget_some(ref, 1)
        assert bench.queue.draft("case-1") is not None
        raw.exec_driver_sql("ROLLBACK")
    assert hasty.forget_some(ref, 1).forgotten == 1
    hasty.close()


def test_a_case_that_is_put_back_while_it_is_waited_for_is_left_out(bench: Bench, kind: str) -> None:
    if kind == "sqlite":
        pytest.skip("on a file nobody writes while another does")
    end(bench)
    ref = approved(bench)
    with bench.store.raw() as raw, ThreadPoolExecutor(1) as pool:
        raw.exec_driver_sql("BEGIN")
        raw.exec_driver_sql("UPDATE items SET state = 'ready', ended_at = NULL")
        waiting = pool.submit(bench.queue.forget_some, ref, 1)
        with bench.store.raw() as other:
            for _ in range(LOOKS):
                if other.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one():
                    break
                time.sleep(0.02)
            else:
                pytest.fail("it does not wait for who holds the case")
        raw.exec_driver_sql("COMMIT")
        assert waiting.result(10) == Carried(forgotten=0, left_out=1, left=0)
    assert {one.outcome for one in bench.queue.listed_cases(ref)} == {ListOutcome.IN_WORK}
    assert bench.queue.draft("case-1") is not None
