"""Promises about keys: each case has its own, all are wrapped by the master key, and that can be exchanged while robots work."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from tests.queue.queue_bench import LEASE_S, Bench, pulled, writes
from tests.queue.queue_rotator import BATCH
from tests.queue.queue_stores import place_url
from tests.queue.queue_worker import RealClock
from workqueue import (
    AuditEvent,
    KeyRefused,
    MasterKey,
    MasterKeys,
    PermanentQueueError,
    PostgresAddress,
    RetriableQueueError,
    State,
    WorkQueue,
    add_key,
    remove_keys,
)
from workqueue.chain import NO_CASE
from workqueue.database import Place, database_at
from workqueue.keyring import CONTROL_SAMPLE
from workqueue.sealing import BY_CASE, BY_STORE, CASE_KEY
from workqueue.tables import case_keys, drafts, event_details, secrets

ROOT = Path(__file__).resolve().parents[2]
CASES = 45
"""More than four batches of the rotator's."""
FEW = 5
DEADLINE_S = 120


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A key file."""
    path = tmp_path / "master.key"
    MasterKey.load_or_create(path)
    return path


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    """Where there is nothing yet."""
    return new_place()


@pytest.fixture
def opened(place: Place, file: Path) -> Iterator[Callable[[], WorkQueue]]:
    """Return an opener of queues at the place, with the keys that are in the file then."""
    made: list[WorkQueue] = []

    def open_one() -> WorkQueue:
        made.append(WorkQueue.open(place, key=MasterKeys.load(file), clock=RealClock()))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def _fill(queue: WorkQueue, cases: int = CASES, prefix: str = "case") -> None:
    queue.add_many([pulled(f"{prefix}-{number}", deadline=_soon()) for number in range(cases)])


def _work_off(queue: WorkQueue, worker: str = "worker") -> int:
    """Assess and deliver what is due; return how many cases."""
    done = 0
    while claimed := queue.claim(worker, 10, LEASE_S):
        for case in claimed:
            queue.finish(case, "ok", {"of": case.case_id}, writes(case, "document"), [AuditEvent("case.assessed", details={"n": 1})])
            for effect in queue.pending_effects(case):
                queue.receipt(case, effect.key, f"reference of {effect.kind}")
            queue.end(case, State.DELIVERED)
            done += 1
    return done


def _everything_opens(queue: WorkQueue, cases: int = CASES, prefix: str = "case") -> None:
    for number in range(cases):
        assert queue.draft(f"{prefix}-{number}") == {"of": f"{prefix}-{number}"}
        assert {"n": 1} in [{"n": event.details.get("n")} for event in queue.events(f"{prefix}-{number}")]
    assert queue.verify_audit().problems == ()
    assert queue.integrity() == []


def _wrapped_by(queue: WorkQueue) -> dict[str, tuple[int, int]]:
    return {one.key_id: (one.secrets, one.cases) for one in queue.key_use()}


# Each case has a key of its own


def test_each_case_is_sealed_with_a_key_of_its_own(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.finish(bench.assessing(name), "document")
    with bench.store.raw() as raw:
        sealed = raw.execute(select(drafts.c.content)).scalars().all()
        details = raw.execute(select(event_details.c.details)).scalars().all()
        wrapped = dict(raw.execute(select(case_keys.c.case_ref, case_keys.c.wrapped)).all())
    assert {one[0] for one in (*sealed, *details)} == {BY_CASE}
    assert set(wrapped) == {bench.item("a").case_ref, bench.item("b").case_ref}
    keys = {bench.store.key.unwrap(CASE_KEY.place(ref), one) for ref, one in wrapped.items()}
    assert [len(one) for one in keys] == [32, 32]


def test_a_cases_key_in_another_cases_place_opens_nothing(bench: Bench) -> None:
    """Neither a value nor a key can be moved: whoever writes in the database gets no case to be read as another."""
    for name in ("a", "b", "c"):
        bench.queue.add(pulled(name))
    refs = {name: bench.item(name).case_ref for name in ("a", "b")}
    with bench.store.raw() as raw:
        other = raw.execute(select(case_keys.c.wrapped).where(case_keys.c.case_ref == refs["a"])).scalar_one()
        raw.execute(update(case_keys).where(case_keys.c.case_ref == refs["b"]).values(wrapped=other))
    assert [one.case_id for one in bench.another().claim("worker", 10, LEASE_S)] == ["a", "c"]
    assert (bench.item("b").state, bench.item("b").reason) == (State.PARKED, "QUE-035")


def test_no_key_stands_in_any_page_of_the_database(bench: Bench) -> None:
    bench.ended()
    ref = bench.item().case_ref
    with bench.store.raw() as raw:
        wrapped = raw.execute(select(case_keys.c.wrapped)).scalar_one()
        lasting = dict(raw.execute(select(secrets.c.name, secrets.c.wrapped)).all())
    key = bench.store.key
    in_clear = [key.unwrap(CASE_KEY.place(ref), wrapped), key.wrapping_key()]
    in_clear += [key.unwrap(f"secrets|{name}|wrapped".encode(), one) for name, one in lasting.items()]
    pages = bench.store.pages()
    assert any(wrapped in page for page in pages.values()), "what is wrapped is found"
    assert not [name for name, page in pages.items() for one in in_clear if one in page]


def test_a_case_whose_key_is_gone_cannot_be_read_and_holds_up_no_other(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.finish(bench.assessing(name), "document")
    bench.queue.add(pulled("c"))
    refs = {name: bench.item(name).case_ref for name in ("a", "b", "c")}
    before = {name: bench.queue.events(name) for name in refs}
    with bench.store.raw() as raw:
        raw.execute(delete(case_keys).where(case_keys.c.case_ref.in_((refs["a"], refs["c"]))))
    queue = bench.another()
    with pytest.raises(PermanentQueueError) as caught:
        queue.draft("a")
    assert caught.value.code == "QUE-037"
    assert queue.claim("worker", 10, LEASE_S) == []
    assert (bench.item("c").state, bench.item("c").reason) == (State.PARKED, "QUE-037")
    assert queue.draft("b") == {"proposal": "BIFALL"}
    assert [event.details for event in queue.events("a")] == [{}] * len(before["a"])
    assert [event.hash for event in queue.events("a")] == [event.hash for event in before["a"]]
    assert queue.verify_audit().problems == ()
    assert queue.integrity() == [f"case {refs[name]} has no key: nothing of it can be read" for name in ("a", "c")]


def test_what_happens_to_a_case_without_a_key_is_still_told(bench: Bench) -> None:
    ref = bench.ended().case_ref
    with bench.store.raw() as raw:
        raw.execute(delete(case_keys))
    queue = bench.another()
    queue.note(ref, AuditEvent("case.shown", "ops", {"why": "a question"}))
    assert queue.events(ref)[-1].details == {"why": "a question"}
    with bench.store.raw() as raw:
        last = raw.execute(select(event_details.c.details).order_by(event_details.c.seq.desc()).limit(1)).scalar_one()
    assert last[0] == BY_STORE
    assert queue.verify_audit().problems == ()


def test_a_key_that_was_never_stored_seals_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull that fails halfway leaves neither case nor key, and is done again with new ones."""

    def fail(*_: object) -> None:
        raise RuntimeError("pulled the plug")

    with monkeypatch.context() as patched:
        patched.setattr(bench.queue, "_remember_all", fail)
        with pytest.raises(RuntimeError):
            bench.queue.add(pulled())
    with bench.store.raw() as raw:
        assert raw.execute(select(case_keys)).all() == []
    bench.ended()
    assert bench.another().draft("case-1") == {"proposal": "BIFALL"}


def test_what_is_derived_for_a_caller_is_none_of_the_databases_own_secrets(bench: Bench) -> None:
    own = bench.queue._keyring
    assert bench.queue.derived_key("audit") != own.audit_root


# Exchanging the master key


def test_after_the_exchange_the_new_key_alone_opens_everything(opened: Callable[[], WorkQueue], file: Path) -> None:
    queue = opened()
    _fill(queue)
    assert _work_off(queue) == CASES
    old = MasterKeys.load(file).first.key_id
    sample, audit_hash = queue.derived_key(CONTROL_SAMPLE), queue.audit_head()
    new = add_key(file)
    rotated = opened().rotate_keys("tester")
    assert (rotated.key_id, rotated.cases, rotated.damaged) == (new, CASES, ())

    remove_keys(file, [old])
    assert MasterKeys.load(file).ids == (new,)
    after = opened()
    assert _wrapped_by(after) == {new: (4, CASES)}
    _everything_opens(after)
    assert after.derived_key(CONTROL_SAMPLE) == sample
    assert audit_hash is not None
    assert after.add(pulled("later", deadline=_soon())).created
    assert _work_off(after) == 1


def test_the_exchange_is_told_in_the_audit(opened: Callable[[], WorkQueue], file: Path) -> None:
    _fill(opened(), 3)
    old, new = MasterKeys.load(file).first.key_id, add_key(file)
    queue = opened()
    queue.rotate_keys("tester")
    queue.rotate_keys("tester")
    told = queue.events(NO_CASE)
    assert [one.what for one in told] == ["keys.rotation_begun", "keys.rotation_done"], "a second time there is nothing to tell"
    assert told[0].details == {"from": old, "to": new, "user": "tester"}
    assert told[1].details == {"to": new, "cases": 3, "user": "tester"}
    assert queue.verify_audit().problems == ()


def test_two_databases_of_one_master_key_have_nothing_in_common(new_place: Callable[[], Place], file: Path) -> None:
    """A line of one audit, or a value, is never taken for one of the other's."""
    roots, values = set(), set()
    for _ in range(2):
        queue = WorkQueue.open(new_place(), key=MasterKeys.load(file), clock=RealClock())
        roots.add(queue.derived_key("anything"))
        head = (queue.add(pulled("a", deadline=_soon())), queue.audit_head())[1]
        assert head is not None
        values.add(head.hash)
        queue.close()
    assert len(roots) == len(values) == 2


def test_robots_that_work_meanwhile_notice_nothing(opened: Callable[[], WorkQueue], file: Path) -> None:
    """They have read the key file before the new key was put there: they read it again when they meet it."""
    robots = [opened(), opened()]
    _fill(robots[0])
    new = add_key(file)
    rotator = opened()
    begun = threading.Event()

    def work(number: int) -> int:
        begun.wait(DEADLINE_S)
        robot, done = robots[number], 0
        for round_ in range(6):
            _fill(robot, 5, f"more-{number}-{round_}")
            done += _work_off(robot, f"worker-{number}")
        return done

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work, number) for number in range(2)]
        begun.set()
        rotator.rotate_keys("tester")
        done = sum(one.result(DEADLINE_S) for one in working)
    assert done == CASES + 2 * 6 * 5
    rotator.rotate_keys("tester")
    assert _wrapped_by(rotator)[new] == (4, done)
    assert sum(sum(by) for by in _wrapped_by(rotator).values()) == 4 + done, "nothing is wrapped by another key"
    _everything_opens(opened())


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_an_exchange_that_is_killed_goes_on_where_it_stopped(
    opened: Callable[[], WorkQueue], place: Place, file: Path, batches: int
) -> None:
    queue = opened()
    _fill(queue)
    _work_off(queue)
    old, new = MasterKeys.load(file).first.key_id, add_key(file)
    at = place_url(place) if isinstance(place, PostgresAddress) else str(place)

    def rotate(die_after: int) -> int:
        command = [sys.executable, "-m", "tests.queue.queue_rotator", str(file.parent), at, str(die_after)]
        return subprocess.run(command, cwd=ROOT, timeout=DEADLINE_S, check=False).returncode

    assert rotate(batches) == -9
    done = batches * BATCH
    assert _wrapped_by(opened()) == {new: (4, done), old: (0, CASES - done)}
    _everything_opens(queue)
    _everything_opens(opened())

    assert rotate(-1) == 0
    assert _wrapped_by(opened())[new] == (4, CASES)
    remove_keys(file, [old])
    _everything_opens(opened())


def test_whatever_statement_an_exchange_is_killed_at_everything_opens_and_the_next_goes_on(
    opened: Callable[[], WorkQueue], place: Place, file: Path
) -> None:
    queue = opened()
    _fill(queue, FEW)
    _work_off(queue)
    (old,) = MasterKeys.load(file).ids
    new = add_key(file)
    at = place_url(place) if isinstance(place, PostgresAddress) else str(place)
    command = [sys.executable, "-m", "tests.queue.queue_rotator", str(file.parent), at, "each"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert answer.returncode == 0, answer.stderr
    runs = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [run["problems"] for run in runs] == [[]] * len(runs)
    assert [run["code"] for run in runs] == [-9] * (len(runs) - 1) + [0]
    assert len(runs) > 20, "killed at so many points"
    remove_keys(file, [old])
    after = opened()
    assert _wrapped_by(after) == {new: (4, FEW)}
    _everything_opens(after, FEW)
    assert [one.what for one in after.events(NO_CASE)] == ["keys.rotation_begun", "keys.rotation_done"]


def test_a_robot_without_the_new_key_waits_for_it(place: Place, file: Path, tmp_path: Path) -> None:
    """On another machine, where the key file was not brought: nothing is refused for good, no case is parked, nothing is lost."""
    elsewhere = tmp_path / "elsewhere.key"
    elsewhere.write_bytes(file.read_bytes())
    elsewhere.chmod(0o600)
    there = WorkQueue.open(place, key=MasterKeys.load(elsewhere), clock=RealClock())
    there.add(pulled("a", deadline=_soon()))
    add_key(file)
    here = WorkQueue.open(place, key=MasterKeys.load(file), clock=RealClock())
    here.rotate_keys("tester")
    here.add(pulled("b", deadline=_soon()))

    for act in (lambda: there.claim("worker", 10, LEASE_S), lambda: there.add(pulled("c", deadline=_soon()))):
        with pytest.raises(RetriableQueueError) as caught:
            act()
        assert caught.value.code == "QUE-040"
    with pytest.raises(KeyRefused):
        WorkQueue.open(place, key=MasterKeys.load(elsewhere), clock=RealClock())

    elsewhere.write_bytes(file.read_bytes())
    assert there.add(pulled("c", deadline=_soon())).created
    assert {case.case_id for case in there.claim("worker", 10, LEASE_S)} == {"a", "b", "c"}
    there.close()
    here.close()


def test_any_line_of_the_key_file_may_be_the_databases_key(opened: Callable[[], WorkQueue], file: Path) -> None:
    _fill(opened(), 1)
    for _ in range(2):
        add_key(file)
    queue = opened()
    assert _work_off(queue) == 1
    uses = queue.key_use()
    assert [one.in_use for one in uses] == [False, False, True]
    assert queue.add(pulled("more", deadline=_soon())).created
    assert [one.cases for one in queue.key_use()] == [0, 0, 2], "a key that stands first is not used before the exchange"


def test_a_key_file_without_the_databases_key_is_refused(opened: Callable[[], WorkQueue], file: Path) -> None:
    _fill(opened(), 1)
    old = MasterKeys.load(file).first.key_id
    add_key(file)
    remove_keys(file, [old])
    with pytest.raises(KeyRefused) as caught:
        opened()
    assert caught.value.code == "QUE-032"
    assert old in str(caught.value)


def test_an_exchange_without_the_old_key_is_refused_and_changes_nothing(
    opened: Callable[[], WorkQueue], place: Place, file: Path, tmp_path: Path
) -> None:
    """The rows say `old`, and the file knows it no more: the exchange stops before anything could be lost."""
    _fill(opened(), 2)
    foreign = MasterKey.load_or_create(tmp_path / "foreign.key")
    database = database_at(place)
    with database.write() as tx:
        ref = tx.execute(select(case_keys.c.case_ref).limit(1)).scalar_one()
        tx.execute(
            update(case_keys)
            .where(case_keys.c.case_ref == ref)
            .values(key_id=foreign.key_id, wrapped=foreign.wrap(CASE_KEY.place(ref), b"x" * 32))
        )
    database.close()
    add_key(file)
    queue = opened()
    with pytest.raises(KeyRefused) as caught:
        queue.rotate_keys("tester")
    assert foreign.key_id in str(caught.value)
    assert (foreign.key_id, (0, 1)) in _wrapped_by(queue).items()


def test_a_damaged_key_is_named_and_holds_up_no_other(opened: Callable[[], WorkQueue], place: Place, file: Path) -> None:
    _fill(opened(), 5)
    old, new = MasterKeys.load(file).first.key_id, add_key(file)
    database = database_at(place)
    with database.write() as tx:
        ref, wrapped = tx.execute(select(case_keys.c.case_ref, case_keys.c.wrapped).order_by(case_keys.c.case_ref).limit(1)).one()
        tx.execute(update(case_keys).where(case_keys.c.case_ref == ref).values(wrapped=wrapped[:-1] + bytes([wrapped[-1] ^ 1])))
    database.close()
    queue = opened()
    rotated = queue.rotate_keys("tester")
    assert (rotated.cases, rotated.damaged) == (4, (ref,))
    assert _wrapped_by(queue) == {new: (4, 4), old: (0, 1)}
    assert len(queue.claim("worker", 10, LEASE_S)) == 4
    assert queue.counts()[State.PARKED] == 1
