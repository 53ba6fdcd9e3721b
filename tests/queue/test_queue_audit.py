"""Promises about the audit as a chain: whatever is done to it underneath is found, and named."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text, update

from tests.queue.queue_bench import Bench, pulled, writes
from workqueue import AuditEvent, KeptHead, State, WorkQueue, auditing, chain
from workqueue.tables import event_details, events

FORGED = "f" * 64
THREADS, EACH = 4, 25


@pytest.fixture
def told(bench: Bench) -> Bench:
    """A queue with ten lines of audit, about three cases."""
    bench.ended()
    bench.queue.add(pulled("case-2"))
    bench.queue.park(bench.claim_one(), "CASE-001")
    bench.queue.add_many([pulled("case-3"), pulled("case-1", "v2"), pulled("case-2", "v2")])
    bench.queue.add(pulled("case-4"))
    assert bench.queue.verify_audit().events == 10
    return bench


@contextmanager
def underneath(bench: Bench, kind: str) -> Iterator[Connection]:
    """Give a connection that no guard stops: whoever owns the database can do so."""
    with bench.store.raw() as raw:
        if kind == "postgres":
            with bench.store.unguarded(raw):
                yield raw
            return
        guards = raw.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'event%'")).all()
        for name, _ in guards:
            raw.execute(text(f"DROP TRIGGER {name}"))
        yield raw
        for _, sql in guards:
            raw.execute(text(sql))


def _remove(raw: Connection, condition: str) -> None:
    raw.execute(text(f"DELETE FROM event_details WHERE {condition}"))
    raw.execute(text(f"DELETE FROM events WHERE {condition}"))


def _swap(raw: Connection, table: str) -> None:
    for old, new in ((4, 99), (5, 4), (99, 5)):
        raw.execute(text(f"UPDATE {table} SET seq = {new} WHERE seq = {old}"))


def _rehash(raw: Connection, first: int) -> None:
    """Make the chain anew from a line on, as somebody can who knows how it is made but has not the key."""
    rows = raw.execute(events.select().where(events.c.seq >= first - 1).order_by(events.c.seq)).all()
    previous = rows[0].hash if first > 1 else chain.FIRST
    for row in rows[1:] if first > 1 else rows:
        line = chain.row_text(previous, row._asdict())
        previous = chain.link(line, row.details_hash)
        raw.execute(update(events).where(events.c.seq == row.seq).values(hash=previous))


def _shift_up(raw: Connection, first: int) -> None:
    for table in ("events", "event_details"):
        raw.execute(text(f"UPDATE {table} SET seq = -seq - 1 WHERE seq >= {first}"))
        raw.execute(text(f"UPDATE {table} SET seq = -seq WHERE seq < 0"))


def _insert(raw: Connection, seq: int) -> None:
    columns = "event_id, case_ref, at, what, actor, details_hash, hash"
    raw.execute(text(f"INSERT INTO events (seq, {columns}) SELECT {seq}, {columns} FROM events WHERE seq = 2"))
    raw.execute(text(f"INSERT INTO event_details (seq, details) SELECT {seq}, details FROM event_details WHERE seq = 2"))


def _put_in(raw: Connection) -> None:
    _shift_up(raw, 5)
    _insert(raw, 5)


Step = Callable[[Connection], object]


def _sql(statement: str) -> Step:
    return lambda raw: raw.execute(text(statement))


def _chained_anew(first: int, *steps: Step) -> Step:
    """Return steps and then what hides them from who has not the key."""

    def run(raw: Connection) -> None:
        for step in steps:
            step(raw)
        _rehash(raw, first)

    return run


def _swap_both(raw: Connection) -> None:
    _swap(raw, "event_details")
    _swap(raw, "events")


CHANGED = "changed, exchanged or put in"
TAMPERINGS: dict[str, tuple[Step, list[str]]] = {
    "what is changed": (_sql("UPDATE events SET what = 'x' WHERE seq = 4"), [f"event 4 (x, case *): {CHANGED}"]),
    "who is changed": (_sql("UPDATE events SET actor = 'x' WHERE seq = 4"), [f"event 4 (*): {CHANGED}"]),
    "when is changed": (_sql("UPDATE events SET at = '2026-11-30 09:00:00.000000' WHERE seq = 4"), [f"event 4 (*): {CHANGED}"]),
    "which case is changed": (_sql("UPDATE events SET case_ref = 'other' WHERE seq = 4"), [f"event 4 (pulled, case other): {CHANGED}"]),
    "its random number is changed": (_sql("UPDATE events SET event_id = 'x' WHERE seq = 4"), [f"event 4 (*): {CHANGED}"]),
    "the hash of details is changed": (
        _sql(f"UPDATE events SET details_hash = '{FORGED}' WHERE seq = 4"),
        [f"event 4 (*): {CHANGED}"],
    ),
    "the hash is changed": (
        _sql(f"UPDATE events SET hash = '{FORGED}' WHERE seq = 4"),
        [f"event 4 (*): {CHANGED}", f"event 5 (*): {CHANGED}"],
    ),
    "details are exchanged": (
        _sql("UPDATE event_details SET details = (SELECT o.details FROM event_details o WHERE o.seq = 5) WHERE seq = 4"),
        ["event 4 (*): its details, or the line with its hash, were made without the key"],
    ),
    "details are removed": (_sql("DELETE FROM event_details WHERE seq = 4"), ["event 4 (*): its details have been removed"]),
    "a line is removed": (lambda raw: _remove(raw, "seq = 4"), ["event 4: removed; the next is event 5 (*)", f"event 5 (*): {CHANGED}"]),
    "the beginning is removed": (
        lambda raw: _remove(raw, "seq <= 3"),
        ["events 1 to 3: removed; the next is event 4 (*)", f"event 4 (*): {CHANGED}"],
    ),
    "two lines are exchanged": (
        _swap_both,
        [f"event 4 (*): {CHANGED}", f"event 5 (*): {CHANGED}", f"event 6 (*): {CHANGED}"],
    ),
    "a line is put in, and those after it get other numbers": (_put_in, [f"event {seq} (*): {CHANGED}" for seq in range(5, 12)]),
    "a line is changed and the chain made anew": (
        _chained_anew(9, _sql("UPDATE events SET what = 'x' WHERE seq = 9")),
        ["event 9 (x, case *): its details, or the line", "event 10 (*): its details, or the line"],
    ),
    "a line is added and chained": (
        _chained_anew(11, lambda raw: _insert(raw, 11)),
        ["event 11 (*): its details, or the line with its hash, were made without the key"],
    ),
    "a line without details is added and chained": (
        _chained_anew(11, lambda raw: _insert(raw, 11), _sql("DELETE FROM event_details WHERE seq = 11")),
        ["event 11 (*): its details have been removed, and the case was not forgotten"],
    ),
}


def _fits(problem: str, wanted: str) -> bool:
    """Say whether a problem begins as wanted, where * stands for anything."""
    place = 0
    for number, part in enumerate(wanted.split("*")):
        found = problem.find(part, place)
        if found < 0 or (number == 0 and found != 0):
            return False
        place = found + len(part)
    return True


@pytest.mark.parametrize("what", TAMPERINGS)
def test_every_manipulation_is_found_and_the_line_named(told: Bench, kind: str, what: str) -> None:
    tamper, wanted = TAMPERINGS[what]
    with underneath(told, kind) as raw:
        tamper(raw)
    problems = told.queue.verify_audit().problems
    assert len(problems) == len(wanted), problems
    for problem, want in zip(problems, wanted, strict=True):
        assert _fits(problem, want), problem


def _kept(queue: WorkQueue) -> list[KeptHead]:
    head = queue.audit_head()
    assert head is not None
    return [KeptHead(1, head.seq, head.hash)]


def test_a_cut_end_is_found_by_a_head_that_was_kept_and_by_nothing_else(told: Bench, kind: str) -> None:
    kept = _kept(told.queue)
    with underneath(told, kind) as raw:
        _remove(raw, "seq > 7")
    assert told.queue.verify_audit().problems == ()
    assert told.queue.verify_audit(kept).problems == (
        "event 10 was exported (line 1 of the kept heads) and is cut off: the audit ends at event 7",
    )


def test_a_cut_end_is_found_also_when_the_audit_has_grown_again(told: Bench, kind: str) -> None:
    kept = _kept(told.queue)
    with underneath(told, kind) as raw:
        _remove(raw, "seq > 7")
    told.queue.add_many([pulled(f"new-{number}") for number in range(5)])
    (problem,) = told.queue.verify_audit(kept).problems
    assert _fits(problem, "event 10 (pulled, case *): not the one that was exported (line 1")


def test_an_emptied_audit_is_found_by_a_head_that_was_kept(told: Bench, kind: str) -> None:
    kept = _kept(told.queue)
    with underneath(told, kind) as raw:
        _remove(raw, "seq > 0")
    assert told.queue.audit_head() is None
    assert "the audit is empty" in told.queue.verify_audit(kept).problems[0]


def test_an_untouched_audit_has_no_problems_and_is_told_whole(told: Bench) -> None:
    kept = _kept(told.queue)
    told.queue.add(pulled("one-more"))
    found = told.queue.verify_audit(kept)
    assert (found.events, found.without_details, found.problems) == (11, 0, ())
    assert found.head == told.queue.audit_head()


def test_the_walk_goes_in_batches_and_misses_nothing_between_them(told: Bench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "_LINES", auditing._LINES.limit(3))
    assert told.queue.verify_audit().events == 10
    with underneath(told, kind) as raw:
        _remove(raw, "seq = 4")
    assert told.queue.verify_audit().problems[0].startswith("event 4: removed")


def test_details_may_be_gone_of_a_case_that_was_forgotten_and_the_chain_still_verifies(told: Bench) -> None:
    ref = told.queue.versions("case-3")[0]
    mine = told.queue.events(ref)[0].seq
    told.queue.note(ref, AuditEvent(chain.FORGOTTEN, "ops"))
    with told.store.raw() as raw:
        raw.execute(event_details.delete().where(event_details.c.seq == mine))
    found = told.queue.verify_audit()
    assert (found.problems, found.without_details) == ((), 1)
    assert told.queue.events(ref)[0].details == {}


def test_a_word_that_a_case_was_forgotten_counts_only_when_made_with_the_key(told: Bench, kind: str) -> None:
    with underneath(told, kind) as raw:
        _insert(raw, 11)
        raw.execute(text("UPDATE events SET what = 'forgotten' WHERE seq = 11"))
        _rehash(raw, 11)
        raw.execute(text("DELETE FROM event_details WHERE seq IN (2, 11)"))
    assert len(told.queue.verify_audit().problems) == 2


def test_a_hash_tells_nothing_of_the_details_not_even_by_trying_what_they_could_be(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.queue.add(pulled(name))
    one, other = (bench.queue.events(name)[0] for name in ("a", "b"))
    assert one.details == other.details == {}
    with bench.store.raw() as raw:
        bound = raw.execute(text("SELECT details_hash FROM events")).scalars().all()
    guesses = {hashlib.sha256(guess).hexdigest() for guess in (b"{}", b"null", b"")}
    assert len(set(bound)) == 2
    assert not guesses & set(bound)


def test_many_who_write_at_once_make_one_chain_without_gaps(bench: Bench) -> None:
    queues = [bench.another() for _ in range(THREADS)]
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for each in range(EACH):
                queues[number].add(pulled(f"case-{number}-{each}"))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    found = bench.queue.verify_audit()
    assert (found.events, found.problems) == (THREADS * EACH, ())


def test_the_audit_tells_what_was_written_and_ends_with_every_case(bench: Bench) -> None:
    bench.ended()
    bench.queue.add(pulled("taken"))
    bench.queue.end(bench.claim_one(), State.TAKEN_BY_PERSON)
    last = bench.queue.events("case-1")[-1]
    assert last.what == "ended.delivered"
    assert [(one["kind"], one["found"]) for one in last.details["written"]] == [("recommendation", False), ("document", False)]
    assert bench.queue.events("taken")[-1].what == "ended.taken_by_person"


def test_a_draft_is_bound_to_the_line_that_tells_of_it(bench: Bench) -> None:
    claimed = bench.assessing()
    for content in ({"sum": "1.00"}, {"sum": "2.00"}):
        if content["sum"] == "1.00":
            bench.queue.finish(claimed, "ok", content, writes(claimed, "a"), [AuditEvent("case.assessed")])
        else:
            bench.queue.amend(claimed, "review", content, writes(claimed, "b"), [AuditEvent("case.draft_differs")])
        text_of_draft = f'{{"sum":"{content["sum"]}"}}'.encode()
        assert bench.queue.events("case-1")[-1].details["draft_sha256"] == hashlib.sha256(text_of_draft).hexdigest()
    (draft,) = bench.queue.drafts(claimed.case_ref)
    assert (draft.run, draft.content) == (1, {"sum": "2.00"})
