"""Promises about making a database, bringing it up, and refusing one of another version."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command as alembic_command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import bindparam, inspect, text

from tests.queue.queue_bench import START, FakeClock, pulled
from tests.queue.queue_stores import StoreUnderTest, place_url
from workqueue import (
    AuditEvent,
    KeptHead,
    MasterKey,
    MasterKeys,
    PermanentQueueError,
    PostgresAddress,
    WorkQueue,
    add_key,
    remove_keys,
    upgrade,
)
from workqueue.database import Place, database_at
from workqueue.keyring import CONTROL_SAMPLE, inherited_secrets
from workqueue.sealing import ASSIGNED_TO, DETAILS, NUMBER, old_box
from workqueue.tables import metadata
from workqueue.upgrading import head, store_key_check

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = ROOT / "queue" / "workqueue" / "migrations"
MANY = 4
Alter = Callable[[str], object]


@pytest.fixture
def key(tmp_path: Path) -> MasterKey:
    """A new key."""
    return MasterKey.load_or_create(tmp_path / "master.key")


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    """Where there is nothing yet."""
    return new_place()


@pytest.fixture
def alembic() -> Config:
    """Alembic's view of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _code(place: Place, key: MasterKey) -> str:
    with pytest.raises(PermanentQueueError) as caught:
        WorkQueue.open(place, key=key, clock=FakeClock())
    return caught.value.code


def _run(place: Place, *statements: str) -> None:
    """Change a database as another program would."""
    database = database_at(place)
    database.prepare()
    with database.write() as tx:
        for statement in statements:
            tx.execute(text(statement))
    database.close()


def _tables(place: Place) -> list[str]:
    database = database_at(place)
    with database.read() as tx:
        found = inspect(tx).get_table_names()
    database.close()
    return sorted(found)


def test_an_empty_place_becomes_a_queue(place: Place, key: MasterKey) -> None:
    assert upgrade(place, key=key)
    assert not upgrade(place, key=key), "a second time there is nothing to do"
    queue = WorkQueue.open(place, key=key, clock=FakeClock())
    assert queue.add(pulled()).created
    queue.close()


def test_a_queue_makes_its_tables_when_there_are_none(place: Place, key: MasterKey) -> None:
    queue = WorkQueue.open(place, key=key, clock=FakeClock())
    assert queue.integrity() == []
    queue.close()


def test_the_migrations_make_exactly_the_tables_that_the_program_uses(place: Place, key: MasterKey) -> None:
    upgrade(place, key=key)
    database = database_at(place)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


OLD_ITEM = """INSERT INTO items (case_ref, case_system, case_id, version, is_current, number, assigned_to, month, run, state, priority,
    not_before, deadline, first_pulled_at, attempts, rescues, lease)
    VALUES (:ref, 'caremanagement', :case, 'v1', true, :number, :assigned, '2026-12', 1, 'ready', 1, :at, :at, :at, 0, 0, 0)"""
OLD_EVENT = "INSERT INTO events (event_id, item_id, at, what, actor, details) VALUES (:event, :item, :at, :what, 'robot', :details)"
CHAINED = "0002"
"""The last revision in which the audit was no chain."""
OLD_EVENTS = 2500
"""More than a migration takes at a time."""


def _make_old(place: Place, key: MasterKey, alembic: Config, revision: str) -> None:
    """Make a database as an older program left it: one case, and an audit with a gap in its numbers."""
    database = database_at(place)
    database.prepare()
    with database.upgrade() as connection:
        alembic.attributes["connection"] = connection
        alembic_command.upgrade(alembic, min(revision, CHAINED))
        store_key_check(connection, key)
        sealer = old_box(key.derive(b"stored values"), key.key_id)
        old = metadata.tables["items"]
        typed = text(OLD_ITEM).bindparams(bindparam("at", type_=old.c.deadline.type))
        ref = "old2345678"
        sealed = {"number": sealer.seal(NUMBER, ref, "EB-1"), "assigned": sealer.seal(ASSIGNED_TO, ref, None)}
        connection.execute(typed, {"ref": ref, "case": "case-1", "at": START} | sealed)
        rows = [
            {
                "event": f"{number:032x}",
                "item": 1,
                "at": START,
                "what": "pulled",
                "details": sealer.seal(DETAILS, f"{number:032x}", {"n": number}),
            }
            for number in range(OLD_EVENTS)
        ]
        connection.execute(text(OLD_EVENT).bindparams(bindparam("at", type_=old.c.deadline.type)), rows)
        if revision > CHAINED:
            alembic.attributes["audit_root"] = key.derive(b"audit")
            alembic_command.upgrade(alembic, revision)
    database.close()


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_a_database_of_an_older_version_is_brought_up_and_its_audit_chained(
    place: Place, key: MasterKey, alembic: Config, revision: str
) -> None:
    """An older program's database is refused until it is brought up; what it holds is there after that, and its audit is a chain."""
    _make_old(place, key, alembic, revision)
    assert _code(place, key) == "QUE-021"
    assert upgrade(place, key=key)

    queue = WorkQueue.open(place, key=key, clock=FakeClock())
    assert queue.hold_duty("pull", "one", 60)
    events = queue.events("case-1")
    assert (events[-1].seq, events[-1].at, events[-1].details) == (OLD_EVENTS, START, {"n": OLD_EVENTS - 1})
    queue.add(pulled(version="v2"))
    found = queue.verify_audit()
    assert (found.problems, found.events) == ((), OLD_EVENTS + 2)
    queue.close()


def test_what_an_older_program_sealed_is_opened_after_each_case_has_a_key_and_after_the_master_key_is_exchanged(
    place: Place, key: MasterKey, alembic: Config, tmp_path: Path
) -> None:
    """The control sample stays the same, too, and the audit's lines are never sealed anew: the chain binds them."""
    _make_old(place, key, alembic, "0003")
    upgrade(place, key=key)
    file = tmp_path / "master.key"
    first = WorkQueue.open(place, key=MasterKeys.load(file), clock=FakeClock())
    head_before, sample = first.audit_head(), first.derived_key(CONTROL_SAMPLE)
    assert sample == key.derive(b"control sample")
    assert [(one.key_id, one.secrets, one.cases) for one in first.key_use()] == [(key.key_id, 5, 1)]

    for queue in (first, _with_a_new_key_alone(place, file)):
        (claimed,) = queue.claim("worker", 10, 60)
        assert (claimed.number, claimed.assigned_to) == ("EB-1", None)
        queue.try_later(claimed, START, "NET-001")
        assert queue.events("case-1")[-1].details == {"n": OLD_EVENTS - 1}
        assert queue.derived_key(CONTROL_SAMPLE) == sample
        found = queue.verify_audit([KeptHead(1, head_before.seq, head_before.hash)] if head_before else [])
        assert found.problems == ()
        queue.close()


def _with_a_new_key_alone(place: Place, file: Path) -> WorkQueue:
    old = MasterKeys.load(file).ids
    add_key(file)
    queue = WorkQueue.open(place, key=MasterKeys.load(file), clock=FakeClock())
    queue.rotate_keys("tester")
    queue.close()
    remove_keys(file, old)
    return WorkQueue.open(place, key=MasterKeys.load(file), clock=FakeClock())


def test_what_an_older_program_adds_while_the_new_one_runs_is_worked_off(place: Place, key: MasterKey) -> None:
    """While the new version is brought in the old one may still pull: its cases have no key of their own."""
    inherited = inherited_secrets(key)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("workqueue.upgrading.fresh_secrets", lambda _: inherited)
        upgrade(place, key=key)
    sealer, ref = old_box(key.derive(b"stored values"), key.key_id), "old2345678"
    sealed = {"number": sealer.seal(NUMBER, ref, "EB-1"), "assigned": sealer.seal(ASSIGNED_TO, ref, "joe01doe")}
    database = database_at(place)
    with database.write() as tx:
        typed = text(OLD_ITEM).bindparams(bindparam("at", type_=metadata.tables["items"].c.deadline.type))
        tx.execute(typed, {"ref": ref, "case": "case-1", "at": START} | sealed)
    database.close()
    queue = WorkQueue.open(place, key=key, clock=FakeClock())
    (claimed,) = queue.claim("worker", 10, 60)
    assert (claimed.number, claimed.assigned_to) == ("EB-1", "joe01doe")
    queue.finish(claimed, "ok", {"proposal": "BIFALL"}, [], [AuditEvent("case.assessed", details={"n": 1})])
    assert queue.draft("case-1") == {"proposal": "BIFALL"}
    assert queue.add(pulled(version="v2")).superseded == 1
    assert queue.events(ref)[0].details["n"] == 1
    assert queue.verify_audit().problems == ()
    queue.close()


def test_every_migration_runs_on_what_the_one_before_it_made(place: Place, alembic: Config) -> None:
    database = database_at(place)
    database.prepare()
    revisions = [one.revision for one in reversed(list(ScriptDirectory.from_config(alembic).walk_revisions()))]
    for revision in revisions:
        with database.upgrade() as connection:
            alembic.attributes["connection"] = connection
            alembic_command.upgrade(alembic, revision)
    database.close()
    assert set(_tables(place)) == {*metadata.tables, "alembic_version"}


def test_the_revisions_are_told_without_alembic_as_alembic_tells_them(alembic: Config) -> None:
    assert head() == ScriptDirectory.from_config(alembic).get_current_head()


OPEN_WHAT_IS_THERE = """
import sys, pathlib
from workqueue import MasterKey, PostgresAddress, WorkQueue
from tests.queue.queue_bench import FakeClock
key, place = sys.argv[1:]
place = PostgresAddress.parse(place) if place.startswith("postgresql:") else pathlib.Path(place)
WorkQueue.open(place, key=MasterKey.load(pathlib.Path(key)), clock=FakeClock()).close()
print("alembic" in sys.modules, "psycopg" in sys.modules)
"""


def _told(place: Place) -> str:
    return place_url(place) if isinstance(place, PostgresAddress) else str(place)


def test_opening_a_queue_that_is_there_loads_neither_alembic_nor_the_other_kinds_driver(
    place: Place, key: MasterKey, tmp_path: Path, kind: str
) -> None:
    upgrade(place, key=key)
    program = OPEN_WHAT_IS_THERE.replace("from tests.queue.queue_bench import FakeClock", CLOCK)
    command = [sys.executable, "-c", program, str(tmp_path / "master.key"), _told(place)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=True)
    assert answer.stdout == f"False {kind == 'postgres'}\n"


CLOCK = """
class FakeClock:
    def machine_s(self): return 1.0
"""


def test_a_database_of_a_newer_program_is_refused_and_left_alone(new_store: Callable[[], StoreUnderTest]) -> None:
    store = new_store()
    with store.raw() as raw:
        raw.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        assert _code(store.place, store.key) == "QUE-020"
        with pytest.raises(PermanentQueueError) as caught:
            upgrade(store.place, key=store.key)
        assert caught.value.code == "QUE-020"
        assert "newer" in str(caught.value)
    finally:
        with store.raw() as raw:
            raw.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head()})


def test_a_database_of_an_older_program_is_refused_until_it_is_brought_up(
    new_store: Callable[[], StoreUnderTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store()
    now = head()
    monkeypatch.setattr("workqueue.upgrading._revisions", lambda: ("9998", now))
    assert _code(store.place, store.key) == "QUE-021"


def test_a_database_of_something_else_is_refused_and_left_alone(place: Place, key: MasterKey) -> None:
    _run(place, "CREATE TABLE recipes (id integer)")
    assert _code(place, key) == "QUE-022"
    with pytest.raises(PermanentQueueError, match="QUE-022"):
        upgrade(place, key=key)
    assert _tables(place) == ["recipes"]


def test_an_upgrade_that_fails_leaves_nothing_behind(place: Place, key: MasterKey, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("pulled the plug")

    with monkeypatch.context() as patched:
        patched.setattr("workqueue.upgrading.store_key_check", fail)
        with pytest.raises(RuntimeError):
            upgrade(place, key=key)
    assert _tables(place) == []
    assert upgrade(place, key=key)


START_AT_ONCE = (
    """
import sys, pathlib
from workqueue import MasterKey, PostgresAddress, WorkQueue
"""
    + CLOCK
    + """
file, place = sys.argv[1:]
place = PostgresAddress.parse(place) if place.startswith("postgresql:") else pathlib.Path(place)
print("ready", flush=True)
sys.stdin.readline()
key = MasterKey.load_or_create(pathlib.Path(file), database=place if isinstance(place, pathlib.Path) else None)
WorkQueue.open(place, key=key, clock=FakeClock()).close()
print(key.key_id)
"""
)


def test_processes_that_start_at_once_make_one_key_and_one_database(place: Place, tmp_path: Path) -> None:
    command = [sys.executable, "-c", START_AT_ONCE, str(tmp_path / "one.key"), _told(place)]
    started = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(MANY)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=240)[0].strip() for process in started}

    assert [process.returncode for process in started] == [0] * MANY
    assert keys == {MasterKey.load(tmp_path / "one.key").key_id}


def test_of_several_that_bring_up_one_database_at_once_one_does_it(place: Place, key: MasterKey) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        done = list(pool.map(lambda _: upgrade(place, key=key), range(MANY)))
    assert sorted(done) == [False] * (MANY - 1) + [True]
