"""Promises about forgetting when it is killed on the way, and about what the disk keeps afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import LargeBinary, select

from tests.queue.queue_bench import Bench, FakeClock, pulled, writes
from tests.queue.queue_stores import SqliteStore, place_url
from tests.queue.queue_worker import RealClock
from tests.queue.test_queue_retention import RULE, approved, end
from workqueue import AuditEvent, MasterKey, PostgresAddress, Proposed, State, WorkQueue
from workqueue.database import Place, database_at
from workqueue.tables import case_keys, drafts, effects, event_details, items

ROOT = Path(__file__).resolve().parents[2]
CASES = 2
LIMIT_S = 300
PIECE_BYTES = 48


def _ended(queue: WorkQueue, case_id: str) -> str:
    queue.add(pulled(case_id, deadline=datetime.now(UTC) + timedelta(days=1)))
    (claimed,) = queue.claim("worker", 1, 60)
    told = [AuditEvent("case.assessed", details={"a": 1})]
    queue.finish(claimed, "ok", {"case": case_id}, writes(claimed, "document"), told, people=["1"])
    (effect,) = queue.pending_effects(claimed)
    queue.receipt(claimed, effect.key, "reference")
    queue.end(claimed, State.DELIVERED)
    return claimed.case_ref


def test_whatever_statement_it_is_killed_at_a_case_is_there_in_full_or_gone_in_full(new_place: Callable[[], Place], tmp_path: Path) -> None:
    place, key = new_place(), MasterKey.load_or_create(tmp_path / "master.key")
    if isinstance(place, Path):
        place = tmp_path / "queue.db"
    queue = WorkQueue.open(place, key=key, clock=RealClock())
    kept = _ended(queue, "kept")
    refs = [_ended(queue, f"case-{number}") for number in range(CASES)]
    today = date(2026, 11, 30)
    proposed = [Proposed(one, today, today) for one in queue.candidates(datetime.now(UTC)) if one.case_ref != kept]
    ref = queue.propose(RULE, proposed, "ops").ref
    queue.approve_list(ref, "ops", "enligt beslut")
    draft, told = queue.draft("kept"), queue.events("kept")
    queue.close()

    address = [place_url(place)] if isinstance(place, PostgresAddress) else []
    command = [sys.executable, "-m", "tests.queue.queue_forgetter", str(tmp_path), ref, ",".join(refs), *address]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert answer.returncode == 0, answer.stderr
    runs = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [run["problems"] for run in runs] == [[]] * len(runs)
    assert [run["code"] for run in runs] == [-signal.SIGKILL] * (len(runs) - 1) + [0]
    assert len(runs) > 20, "killed at so many points"

    queue = WorkQueue.open(place, key=key, clock=RealClock())
    assert queue.retention_list(ref).forgotten == CASES
    assert [queue.item(one) for one in refs] == [None] * CASES
    assert (queue.draft("kept"), queue.events("kept")) == (draft, told)
    queue.close()


def test_the_file_and_its_log_keep_no_byte_of_what_was_deleted(sqlite: SqliteStore) -> None:
    """Searched for in pieces, for what is deleted may be overwritten in part."""
    bench = Bench(sqlite.open(clock := FakeClock()), clock, sqlite)
    for number in range(3):
        end(bench, f"case-{number}", draft={"text": "x" * 40_000 + str(number)})
    with sqlite.raw() as raw:
        sealed = [
            bytes(value)
            for table in (items, drafts, effects, event_details, case_keys)
            for row in raw.execute(select(*(column for column in table.c if isinstance(column.type, LargeBinary))))
            for value in row
            if value is not None
        ]
    pieces = {one[start : start + PIECE_BYTES] for one in sealed for start in range(0, len(one) - PIECE_BYTES, PIECE_BYTES)}
    assert len(pieces) > 100

    def kept() -> set[bytes]:
        disk = b"".join(sqlite.pages().values())
        return {piece for piece in pieces if piece in disk}

    assert kept()
    other = bench.another()
    assert other.forget_some(approved(bench), 10).forgotten == 3
    assert other.erase_traces()
    assert kept() == set()
    bench.close()


def test_traces_that_somebody_reads_just_now_are_told_of(sqlite: SqliteStore) -> None:
    bench = Bench(sqlite.open(clock := FakeClock()), clock, sqlite)
    end(bench)
    reader, other = database_at(sqlite.path), database_at(sqlite.path, busy_timeout_s=0.1)
    with reader.read() as tx:
        tx.execute(select(items)).all()
        bench.queue.forget_some(approved(bench), 10)
        assert not other.erase_traces()
    assert other.erase_traces()
    for one in (reader, other, bench):
        one.close()
