"""Promises about taking a version back: the program goes on with a newer one's tables when they let it in, and never else.

The newer version here is today's with one more migration, in a folder of its own and in a process of its own.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from tests.queue.queue_bench import FakeClock, pulled
from tests.queue.queue_stores import place_url
from workqueue import (
    AuditEvent,
    MasterKey,
    NewEffect,
    PermanentQueueError,
    PostgresAddress,
    WorkQueue,
    back_up,
    restore,
    upgrade,
    versions,
)
from workqueue.database import Place, database_at
from workqueue.upgrading import head

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "queue" / "workqueue" / "migrations" / "versions"
FIRST_THAT_TELLS = "0006"
NEWER = "9999"
MIGRATION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None
def upgrade():
    op.add_column("items", sa.Column("colour", sa.String(16)))
    op.create_table("colours", sa.Column("case_ref", sa.String(16), primary_key=True))
    op.create_index("items_by_colour", "items", ["colour"])
    {tells}
"""
TELLS = """op.execute("INSERT INTO programs (revision, oldest) VALUES ('9999', '{oldest}')")"""
BRING_UP = """
import sys, pathlib
from workqueue import MasterKey, PostgresAddress, upgrade
key, place = sys.argv[1:]
place = PostgresAddress.parse(place) if place.startswith("postgresql:") else pathlib.Path(place)
print(upgrade(place, key=MasterKey.load(pathlib.Path(key))))
"""


@pytest.fixture
def key(tmp_path: Path) -> MasterKey:
    """A new key."""
    return MasterKey.load_or_create(tmp_path / "master.key")


@pytest.fixture
def place(new_place: Callable[[], Place], key: MasterKey) -> Place:
    """A database of this version, with a case in it."""
    place = new_place()
    upgrade(place, key=key)
    with opened(place, key) as queue:
        queue.add(pulled("before"))
    return place


@contextmanager
def opened(place: Place, key: MasterKey) -> Iterator[WorkQueue]:
    queue = WorkQueue.open(place, key=key, clock=FakeClock())
    try:
        yield queue
    finally:
        queue.close()


def bring_up_by_a_newer_version(place: Place, folder: Path, *, oldest: str | None) -> None:
    """Let the next version bring the database up; `oldest` = the oldest program that it lets in, None = it says nothing of it."""
    program = folder / "newer"
    shutil.copytree(ROOT / "queue" / "workqueue", program / "workqueue", ignore=shutil.ignore_patterns("__pycache__"))
    migration = MIGRATION.format(head=head(), tells=TELLS.format(oldest=oldest) if oldest else "pass")
    (program / "workqueue" / "migrations" / "versions" / f"r{NEWER}_colours.py").write_text(migration, encoding="utf-8")
    told = place_url(place) if isinstance(place, PostgresAddress) else str(place)
    answer = subprocess.run(
        [sys.executable, "-c", BRING_UP, str(folder / "master.key"), told],
        env={"PYTHONPATH": str(program), "PATH": os.environ["PATH"]},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (answer.returncode, answer.stdout.strip()) == (0, "True"), answer.stderr[-1500:]


def test_a_version_is_taken_back_and_goes_on_with_what_the_newer_one_left(place: Place, key: MasterKey, tmp_path: Path) -> None:
    """From claim to receipt, with the audit whole: nothing that this version does is hindered by tables it does not know."""
    bring_up_by_a_newer_version(place, tmp_path, oldest=head())
    with opened(place, key) as queue:
        assert queue.add(pulled("after")).created
        claimed = queue.claim("worker", 10, 60)
        assert sorted(one.case_id for one in claimed) == ["after", "before"]
        for one in claimed:
            queue.finish(one, "ok", {"proposal": "BIFALL"}, [NewEffect(f"{one.case_id}/note", "note", {"n": 1})], [AuditEvent("assessed")])
        assert queue.add(pulled("before", version="v2")).superseded == 1
        assert queue.draft("after") == {"proposal": "BIFALL"}
        assert queue.verify_audit().problems == ()
        assert queue.integrity() == []


def test_a_version_that_was_taken_back_changes_nothing_in_the_newer_tables(place: Place, key: MasterKey, tmp_path: Path) -> None:
    bring_up_by_a_newer_version(place, tmp_path, oldest=FIRST_THAT_TELLS)
    assert not upgrade(place, key=key), "`db upgrade` of the older version has nothing to do"
    assert (versions(place).fit, versions(place).database) == (True, NEWER)
    with database(place) as tx:
        assert tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == NEWER
        assert tx.execute(text("SELECT count(*) FROM colours")).scalar_one() == 0


@pytest.mark.parametrize("oldest", [NEWER, None])
def test_tables_that_let_no_older_version_in_are_refused_and_left_alone(
    place: Place, key: MasterKey, tmp_path: Path, oldest: str | None
) -> None:
    bring_up_by_a_newer_version(place, tmp_path, oldest=oldest)
    assert (versions(place).fit, versions(place).oldest) == (False, oldest)
    for refused in (lambda: WorkQueue.open(place, key=key, clock=FakeClock()), lambda: upgrade(place, key=key)):
        with pytest.raises(PermanentQueueError, match="QUE-020") as caught:
            refused()
        assert NEWER in str(caught.value)


def test_a_copy_by_the_older_version_holds_all_of_the_newer_tables_or_is_not_made(place: Place, key: MasterKey, tmp_path: Path) -> None:
    bring_up_by_a_newer_version(place, tmp_path, oldest=head())
    with database(place) as tx:
        tx.execute(text("INSERT INTO colours (case_ref) VALUES ('abc')"))
    copy = tmp_path / "copy.backup"
    if isinstance(place, PostgresAddress):
        with pytest.raises(PermanentQueueError, match="QUE-024"):
            back_up(place, copy, key=key, clock=FakeClock())
        assert not copy.exists()
        return
    assert back_up(place, copy, key=key, clock=FakeClock()).problems == ()
    restored = tmp_path / "restored.db"
    restore(copy, restored, key=key, clock=FakeClock(), actor="tester", details={})
    with database(restored) as tx:
        assert tx.execute(text("SELECT case_ref FROM colours")).scalar_one() == "abc"


def test_every_migration_says_which_programs_may_work_on_what_it_leaves(place: Place) -> None:
    """One that forgets it would make every roll-back impossible, and one that says too much would lose data: it is decided each time."""
    told = {path.stem[1:5] for path in VERSIONS.glob("r*_*.py") if "programs" in ast.unparse(ast.parse(path.read_text(encoding="utf-8")))}
    revisions = {path.stem[1:5] for path in VERSIONS.glob("r*_*.py") if path.stem[1:5] >= FIRST_THAT_TELLS}
    with database(place) as tx:
        rows = {row.revision: row.oldest for row in tx.execute(text("SELECT revision, oldest FROM programs"))}
    assert set(rows) == revisions == told
    assert all(FIRST_THAT_TELLS <= oldest <= revision for revision, oldest in rows.items())


@contextmanager
def database(place: Place) -> Iterator[Connection]:
    found = database_at(place)
    try:
        with found.write() as tx:
            yield tx
    finally:
        found.close()


def test_what_fits_is_told_without_a_key_and_without_making_anything(new_place: Callable[[], Place], key: MasterKey) -> None:
    place = new_place()
    assert (versions(place).database, versions(place).fit) == (None, False)
    assert not isinstance(place, Path) or not place.exists()
    upgrade(place, key=key)
    assert (versions(place).database, versions(place).oldest is not None, versions(place).fit) == (head(), True, True)
    with database(place) as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0005'"))
        tx.execute(text("DROP TABLE programs"))
    assert (versions(place).database, versions(place).oldest, versions(place).fit) == ("0005", None, False)
