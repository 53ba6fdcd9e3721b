"""Promises about copies of the database: of one moment, whole or not there, and refused when they are not what was made."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect

from tests.queue.backup_bench import (
    EACH,
    LARGEST_FILE_BYTES,
    ROOT,
    WRITERS,
    code_of,
    copied_to,
    restored_from,
    rows_of,
    some_cases,
)
from tests.queue.queue_bench import Bench, pulled
from tests.queue.queue_stores import place_url
from workqueue import (
    KeyRefused,
    MasterKey,
    PostgresAddress,
    back_up,
)
from workqueue.copy_files import read_manifest
from workqueue.database import Place, database_at


def test_a_copy_holds_every_row_of_every_table(bench: Bench, file: Path) -> None:
    some_cases(bench)
    before = rows_of(bench.store.place)
    made = copied_to(bench, file)
    assert (made.problems, made.cases) == ((), 31)
    with bench.store.raw() as raw:
        tables = set(inspect(raw).get_table_names())
    assert set(read_manifest(file).tables) == tables, "the database's own list, so that no table is forgotten"
    assert rows_of(file) == before
    assert (file.stat().st_mode & 0o777, os.listdir(file.parent)) == (0o600, [file.name])


def test_a_copy_holds_no_personal_data_in_clear_and_not_the_key(bench: Bench, file: Path) -> None:
    bench.queue.add(pulled(number="EB-SECRET-1", assigned_to="secretperson"))
    copied_to(bench, file)
    held = file.read_bytes()
    assert b"EB-SECRET-1" not in held
    assert b"secretperson" not in held
    assert bench.store.key._secret not in held


def test_a_copy_is_of_one_moment_while_four_write(bench: Bench, file: Path) -> None:
    queues, stop, failed = [bench.another() for _ in range(WRITERS)], threading.Event(), []
    begun = threading.Barrier(WRITERS + 1)

    def work(number: int) -> None:
        try:
            for each in itertools.count():
                if stop.is_set() and each >= EACH:
                    return
                queues[number].add(pulled(f"case-{number}-{each}"))
                if each == 0:
                    begun.wait(60)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        begun.wait(60)
        copies = [copied_to(bench, file.with_name(f"{number}.backup")) for number in range(3)]
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert failed == []
    for number, made in enumerate(copies):
        assert made.problems == (), "the checks of a database find nothing wrong with it"
        manifest = read_manifest(file.with_name(f"{number}.backup"))
        assert manifest.tables["items"][0] == made.last_seq == made.cases > 0, "a line of audit for each case, and no more"
    assert copies[0].cases < copies[2].cases


def test_a_file_that_is_there_is_overwritten_only_when_told(bench: Bench, file: Path) -> None:
    file.write_text("dear")
    assert code_of(lambda: copied_to(bench, file)) == "QUE-051"
    assert file.read_text() == "dear"
    assert copied_to(bench, file, replace=True).problems == ()
    assert read_manifest(file).tables["items"][0] == 0


def test_a_folder_that_is_not_there_is_told_and_an_unmade_database_is_not_made(bench: Bench, file: Path, tmp_path: Path) -> None:
    assert code_of(lambda: copied_to(bench, tmp_path / "none" / "x")) == "QUE-050"
    assert code_of(lambda: back_up(tmp_path / "no.db", file, key=bench.store.key, clock=bench.clock)) == "QUE-021"
    assert not (tmp_path / "no.db").exists()
    assert os.listdir(file.parent) == []


def test_on_a_full_disk_there_is_no_half_copy(bench: Bench, file: Path) -> None:
    some_cases(bench)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, before[1]))
    try:
        assert code_of(lambda: copied_to(bench, file)) == "QUE-050"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(file.parent) == []
    assert copied_to(bench, file).problems == ()


SLOW_COPY = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from workqueue import MasterKey, PostgresAddress, back_up, copying
class Clock:
    def now(self): return datetime.now(UTC)
    def machine_s(self): return time.time()
write = copying.write_manifest
def slowly(*arguments, **named):
    print("half", flush=True)
    time.sleep(60)
copying.write_manifest = slowly
place = PostgresAddress.parse(sys.argv[1]) if ":" in sys.argv[1] else Path(sys.argv[1])
back_up(place, Path(sys.argv[2]), key=MasterKey.load(Path(sys.argv[3])), clock=Clock())
"""


def test_a_killed_copying_leaves_nothing_under_the_name_and_the_next_one_clears_up(
    bench: Bench, file: Path, sqlite_template: tuple[Path, MasterKey]
) -> None:
    some_cases(bench)
    place = bench.store.place
    where = place_url(place) if isinstance(place, PostgresAddress) else str(place)
    command = [sys.executable, "-c", SLOW_COPY, where, str(file), str(sqlite_template[0].with_name("master.key"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT / "queue")})
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    other = file.with_name("other.backup")
    assert copied_to(bench, other).problems == (), "another may copy meanwhile, and takes nothing away from it"
    assert len(os.listdir(file.parent)) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not file.exists()
    assert copied_to(bench, file).problems == ()
    assert sorted(os.listdir(file.parent)) == [file.name, other.name]


def _damage(file: Path, how: str) -> None:
    whole = file.read_bytes()
    if how == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "something else":
        file.write_bytes(b"not a database" * 1000)
    elif how == "a bit flipped in what is sealed":
        with sqlite3.connect(file) as raw:
            (content,) = raw.execute("SELECT content FROM drafts LIMIT 1").fetchone()
        raw.close()
        at = whole.index(content[100:200])
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    elif how == "a row removed":
        with sqlite3.connect(file) as raw:
            raw.execute("DELETE FROM effects WHERE rowid = 1")
        raw.close()
    else:
        with sqlite3.connect(file) as raw:
            raw.execute("DROP TABLE backup_manifest")
        raw.close()


@pytest.mark.parametrize("how", ["cut", "empty", "something else", "a bit flipped in what is sealed", "a row removed", "no manifest"])
def test_a_damaged_copy_is_refused_and_nothing_is_made(bench: Bench, file: Path, new_place: Callable[[], Place], how: str) -> None:
    some_cases(bench)
    copied_to(bench, file)
    _damage(file, how)
    place = new_place()
    assert code_of(lambda: restored_from(bench, file, place)) == "QUE-052"
    if isinstance(place, Path):
        assert not place.exists()
        assert list(place.parent.iterdir()) == []
    else:
        database = database_at(place)
        with database.read() as tx:
            assert inspect(tx).get_table_names() == []
        database.close()


def test_a_copy_is_refused_with_another_key_from_a_newer_program_and_when_it_is_not_there(
    bench: Bench, file: Path, new_place: Callable[[], Place], tmp_path: Path
) -> None:
    copied_to(bench, file)
    with pytest.raises(KeyRefused):
        restored_from(bench, file, new_place(), key=MasterKey.load_or_create(tmp_path / "other.key"))
    assert code_of(lambda: restored_from(bench, tmp_path / "none", new_place())) == "QUE-053"
    newer = tmp_path / "newer"
    shutil.copyfile(file, newer)
    with sqlite3.connect(newer) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.execute("UPDATE backup_manifest SET tables = ?", (_told_anew(newer, raw),))
    raw.close()
    assert code_of(lambda: restored_from(bench, newer, new_place())) == "QUE-020"


def _told_anew(copy: Path, raw: sqlite3.Connection) -> str:
    import json

    from workqueue.copy_files import _digests

    raw.commit()
    return json.dumps(_digests(raw))
