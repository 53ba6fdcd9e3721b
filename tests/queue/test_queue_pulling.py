"""Promises about work that comes in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.queue.queue_bench import LEASE_S, START, SYSTEM, Bench, pulled
from workqueue import UNREAD, EffectDone, StaleLease, State, WorkQueue


def test_pulling_twice_adds_nothing(queue: WorkQueue) -> None:
    first = queue.add(pulled())
    again = queue.add(pulled(assigned_to="somebody else"))

    assert first.created
    assert not again.created
    assert again.case_ref == first.case_ref
    assert len(queue.items()) == 1
    assert queue.claim("worker", 10, LEASE_S)[0].assigned_to == "joe01doe", "who had it at the first pull is what counts"


def test_a_case_that_has_ended_is_not_begun_again_by_another_pull(bench: Bench) -> None:
    bench.ended()
    assert not bench.queue.add(pulled()).created
    assert bench.item().state is State.DELIVERED


def test_a_batch_is_added_whole_and_in_order(queue: WorkQueue) -> None:
    added = queue.add_many([pulled("a"), pulled("b"), pulled("a"), pulled("a", "v2")])
    assert [one.created for one in added] == [True, True, False, True]
    assert [one.superseded for one in added] == [0, 0, 0, 1]


def test_a_batch_that_fails_adds_nothing(queue: WorkQueue) -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="a time without zone"):
        queue.add_many([pulled("a"), pulled("b", deadline=naive)])
    assert queue.items() == []


def test_a_newer_version_takes_the_place_of_one_that_is_not_ended(bench: Bench) -> None:
    old = bench.queue.add(pulled(version="v1"))
    bench.clock.advance(hours=1)
    new = bench.queue.add(pulled(version="v2"))

    assert new.superseded == 1
    assert bench.item(old.case_ref).state is State.SUPERSEDED
    assert bench.item(old.case_ref).first_pulled_at == START
    assert bench.item(new.case_ref).state is State.READY
    assert bench.item(new.case_ref).first_pulled_at == START + timedelta(hours=1)
    assert bench.item("case-1").version == "v2"


def test_a_newer_version_leaves_what_was_delivered_as_it_is(bench: Bench) -> None:
    old = bench.ended()
    assert bench.queue.add(pulled(version="v2")).superseded == 0
    assert bench.item(old.case_ref).state is State.DELIVERED
    assert bench.claim_one().version == "v2"


def test_the_worker_of_a_superseded_version_can_store_nothing_more(bench: Bench) -> None:
    old = bench.delivering("recommendation")
    bench.queue.add(pulled(version="v2"))

    with pytest.raises(StaleLease):
        bench.queue.receipt(old, bench.queue.effects(old.case_ref)[0].key, "reference")
    with pytest.raises(StaleLease):
        bench.queue.end(old, State.DELIVERED)
    assert bench.queue.heartbeat([old], LEASE_S) == set()


def test_an_application_that_goes_back_to_an_earlier_version_is_prepared_again_under_the_next_run(bench: Bench) -> None:
    first = bench.queue.add(pulled(version="v1"))
    bench.queue.add(pulled(version="v2"))
    back = bench.queue.add(pulled(version="v1"))

    assert back.created
    assert back.case_ref == first.case_ref
    assert back.superseded == 1
    claimed = bench.claim_one()
    assert (claimed.version, claimed.run) == ("v1", 2)


def test_a_version_delivered_before_another_one_is_prepared_again_when_it_comes_back(bench: Bench) -> None:
    bench.ended()
    bench.queue.add(pulled(version="v2"))
    bench.queue.add(pulled(version="v1"))

    claimed = bench.claim_one()
    assert (claimed.version, claimed.run, claimed.outcome) == ("v1", 2, None)
    bench.finish(claimed, "recommendation")
    bench.queue.amend(claimed, "ok", {}, [], done=EffectDone(bench.queue.pending_effects(claimed)[0].key, "reference"))
    bench.queue.end(claimed, State.DELIVERED)
    assert bench.queue.integrity() == []


def test_only_the_newest_version_of_a_case_is_ever_worked_on(bench: Bench) -> None:
    for version in ("v1", "v2", "v3", "v2", "v1", "v3"):
        bench.queue.add(pulled(version=version))
    assert [one.version for one in bench.queue.claim("worker", 10, LEASE_S)] == ["v3"]


def test_the_same_case_id_in_two_case_systems_is_two_cases(queue: WorkQueue) -> None:
    queue.add(pulled(case_system="one"))
    assert queue.add(pulled(case_system="two", version="v2")).superseded == 0


def test_a_case_reference_tells_nothing_about_the_case(queue: WorkQueue) -> None:
    refs = [queue.add(pulled(f"case-{number}")).case_ref for number in range(50)]
    assert len(set(refs)) == 50
    assert all(len(ref) == 10 and ref.isalnum() and ref[0].isalpha() for ref in refs)


def test_what_was_looked_at_is_remembered_per_case_system(queue: WorkQueue) -> None:
    queue.mark_seen(SYSTEM, {"case-1": "2026-11-29T10:00:00+01:00", "case-2": "x"})
    queue.mark_seen(SYSTEM, {"case-2": "y"})
    queue.mark_seen("other", {"case-1": "z"})
    assert queue.known(SYSTEM) == {"case-1": "2026-11-29T10:00:00+01:00", "case-2": "y"}
    assert queue.known(SYSTEM, ["case-2", "case-3"]) == {"case-2": "y"}
    assert queue.known(SYSTEM, []) == {}


def test_the_last_pull_is_remembered_per_case_system(bench: Bench) -> None:
    assert bench.queue.last_pull(SYSTEM) is None
    bench.queue.set_last_pull(SYSTEM, START)
    bench.queue.set_last_pull(SYSTEM, START + timedelta(minutes=1))
    assert bench.another().last_pull(SYSTEM) == START + timedelta(minutes=1)
    assert bench.queue.last_pull("other") is None


def test_a_batch_over_the_limit_is_refused(queue: WorkQueue) -> None:
    with pytest.raises(ValueError, match="the limit is 500"):
        queue.add_many([pulled(str(number)) for number in range(501)])
    with pytest.raises(ValueError, match="the limit is 500"):
        queue.mark_seen(SYSTEM, {str(number): "" for number in range(501)})
    assert queue.items() == []


def test_a_pull_is_found_in_the_audit(bench: Bench) -> None:
    old = bench.queue.add(pulled())
    bench.queue.add(pulled(version="v2"))
    bench.queue.add(pulled())
    assert bench.audit(old.case_ref) == ["pulled", "superseded", "pulled_again"]


def test_a_person_who_took_the_case_still_has_it_when_the_applicant_changes_the_application(bench: Bench) -> None:
    """Each version is measured against who had the case when it was first pulled, never against who has it now."""
    bench.queue.add(pulled(version="v1", assigned_to=None))
    bench.queue.add(pulled(version="v2", assigned_to="a person"))

    (claimed,) = bench.queue.claim("worker", 1, LEASE_S)

    assert claimed.version == "v2"
    assert claimed.assigned_to is None


@pytest.mark.parametrize("ends", [False, True])
def test_a_case_that_could_not_be_read_is_added_once_and_never_in_place_of_one_that_was(bench: Bench, ends: bool) -> None:
    if ends:
        bench.ended()
    else:
        bench.queue.add(pulled())
    unread = [pulled(case_id, UNREAD, assigned_to=None) for case_id in ("case-1", "case-2")]
    assert [bench.item(one.case_ref).case_id for one in bench.queue.add_many(unread, unless_there=True)] == ["case-2"]
    assert bench.queue.add_many(unread, unless_there=True) == []
    assert (bench.item().version, bench.item("case-2").version) == ("v1", UNREAD)
    assert bench.queue.known_cases("caremanagement", ["case-1", "case-2", "case-3"]) == {"case-1", "case-2"}


def test_when_it_is_read_at_last_it_is_the_same_case_and_who_has_it_then_is_who_had_it(bench: Bench) -> None:
    bench.queue.add_many([pulled("case-1", UNREAD, assigned_to=None)], unless_there=True)
    unread = bench.claim_one()
    assert (unread.version, unread.assigned_to) == (UNREAD, None)
    bench.queue.add(pulled(assigned_to="kim"))
    assert bench.item(unread.case_ref).state is State.SUPERSEDED
    read = bench.claim_one()
    assert (read.case_id, read.version, read.assigned_to) == ("case-1", "v1", "kim")
