"""A copy of the whole database while robots work, and the way back.

A copy is a SQLite file of one moment, whichever kind of database it is of (copy_files.py): so it can be checked like a database, and one
of a file can be restored to a server. What is sealed in the database is sealed in the copy; the master key is in neither.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, NullPool, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from workqueue import limits
from workqueue.copy_files import (
    BEGINS,
    Manifest,
    drop_manifest,
    flush,
    give_to_owner_of,
    new_file,
    read_manifest,
    unwritable,
    write_manifest,
)
from workqueue.database import BUSY_TIMEOUT_S, LEASE_TIME, Database, Place, database_at
from workqueue.errors import PermanentQueueError, RetriableQueueError
from workqueue.keys import MasterKey, MasterKeys
from workqueue.records import Head, QueueClock
from workqueue.store import WorkQueue
from workqueue.tables import duties, events, items, metadata
from workqueue.upgrading import refuse_newer_tables, refuse_other_key, refuse_other_version, upgrade

BATCH = 500
"""So many rows are in memory at a time; one with a draft is 16 kB."""
_NO_LIMIT = "SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PRIMARY_CODE = 0xFF
_HELD = select(duties.c.name).where(duties.c.held_until > LEASE_TIME, duties.c.held_until <= LEASE_TIME + limits.MAX_LEASE_S).limit(1)


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that is on disk and has been checked. `problems` = what is wrong with the database itself, and so with the copy, too."""

    made_at: datetime
    size_bytes: int
    cases: int
    last_seq: int
    last_hash: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _By:
    """Who restores, by which keys and clock; `details` go into the audit."""

    key: MasterKey | MasterKeys
    clock: QueueClock
    actor: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that was restored. `head` = the audit's line that says so; `aside` = where the database is that was there before."""

    copied_at: datetime
    cases: int
    head: Head
    aside: Path | None


def back_up(
    place: Place,
    to: Path,
    *,
    key: MasterKey | MasterKeys,
    clock: QueueClock,
    replace: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Copied:
    """Copy the database to a file, as it is at one moment, while others write; when this returns the file is whole, checked and on disk.

    Raises PermanentQueueError when it cannot be written, or when there is such a file that may not be replaced: then nothing has changed.
    """
    database = database_at(place, busy_timeout_s=busy_timeout_s)
    try:
        if not database.is_there():
            raise PermanentQueueError("QUE-021")
        with database.read() as tx:
            found = refuse_other_version(tx)
            if not isinstance(place, Path):
                refuse_newer_tables(found)
            refuse_other_key(tx, MasterKeys.of(key))
        with new_file(to, replace=replace) as draft:
            made_at = clock.now()
            with _writing(to):
                if isinstance(place, Path):
                    _copy_file(place, draft, busy_timeout_s)
                else:
                    _copy_server(database, draft, key)
                manifest = write_manifest(draft, made_at=made_at, kind="file" if isinstance(place, Path) else "server", revision=found)
            problems = _checked(draft, key, clock)
            size = draft.stat().st_size
    finally:
        database.close()
    return Copied(made_at, size, manifest.tables["items"][0], manifest.last_seq, manifest.last_hash, problems)


def restore(
    copy: Path,
    place: Place,
    *,
    key: MasterKey | MasterKeys,
    clock: QueueClock,
    actor: str,
    details: Mapping[str, Any],
    replace: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Restored:
    """Make a database of a copy, where there is none; an older copy is brought up to this program. All of it is done, or nothing.

    `replace` = a file that is there is moved aside. `details` go into the audit. Raises PermanentQueueError when there is a database
    already, when a robot works on it, or when the copy is damaged or from a newer program; KeyRefused when it needs another key.
    """
    by = _By(key, clock, actor, details)
    if isinstance(place, Path):
        return _restore_file(copy, place, by, replace=replace)
    with tempfile.TemporaryDirectory(prefix="bistandsrobot-") as folder, _writing(Path(folder)):
        staged = Path(folder) / "queue.db"
        manifest, last = _stage(copy, staged, by)
        refuse_newer_tables(manifest.revision)
        upgrade(place, key=key, busy_timeout_s=busy_timeout_s)
        _load_server(staged, place, busy_timeout_s)
    return Restored(manifest.made_at, manifest.tables["items"][0], last, None)


def _restore_file(copy: Path, place: Path, by: _By, *, replace: bool) -> Restored:
    there = place.exists()
    if there and not replace:
        raise PermanentQueueError("QUE-054", detail=str(place))
    if there and _stop_logging_ahead(place):
        _log_ahead_again(place)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with new_file(place, replace=replace) as draft, _writing(place):
        manifest, last = _stage(copy, draft, by)
        give_to_owner_of(place if there else place.parent, draft)
        aside = _move_aside(place) if there else None
    return Restored(manifest.made_at, manifest.tables["items"][0], last, aside)


def _stage(copy: Path, staged: Path, by: _By) -> tuple[Manifest, Head]:
    """Make a database of a copy, ready to go on, in a file that nobody knows yet."""
    try:
        shutil.copyfile(copy, staged)
    except FileNotFoundError:
        raise PermanentQueueError("QUE-053", detail=f"{copy}: not there") from None
    manifest = read_manifest(staged, named=copy)
    drop_manifest(staged)
    upgrade(staged, key=by.key)
    queue = WorkQueue.open(staged, key=by.key, clock=by.clock)
    try:
        of_copy = {"copied_at": manifest.made_at.isoformat(), "last_seq": manifest.last_seq, "last_hash": manifest.last_hash}
        last = queue.mark_restored(by.actor, manifest.made_at, {**of_copy, **by.details})
    finally:
        queue.close()
    if staged.with_name(f"{staged.name}-wal").exists():
        raise PermanentQueueError("QUE-050", detail=f"{staged}: write-ahead log left")
    return manifest, last


def _copy_file(source: Path, draft: Path, busy_timeout_s: float) -> None:
    """Copy a file. Only what is in use is copied: nothing of what was deleted comes along."""
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=busy_timeout_s, isolation_level=None)) as file:
        file.execute("VACUUM INTO ?", (str(draft),))


def _copy_server(database: Database, draft: Path, key: MasterKey | MasterKeys) -> None:
    """Copy every table of a server's database as it is at one moment."""
    try:
        upgrade(draft, key=key)
    except RetriableQueueError as error:
        raise PermanentQueueError("QUE-050", detail=error.detail) from None
    engine = create_engine(URL.create("sqlite", database=str(draft)), poolclass=NullPool, hide_parameters=True)
    with closing(sqlite3.connect(draft, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
        with _without_guards(raw):
            raw.execute("PRAGMA synchronous = OFF")
            with database.read() as source, engine.connect() as target:
                for statement in _NO_LIMIT:
                    source.execute(text(statement))
                target.exec_driver_sql("PRAGMA synchronous = OFF")
                for table in metadata.sorted_tables:
                    found = source.execute(select(table), execution_options={"stream_results": True, "yield_per": BATCH})
                    with _writing(draft):
                        target.execute(table.delete())
                    for rows in found.mappings().partitions():
                        with _writing(draft):
                            target.execute(table.insert(), [dict(row) for row in rows])
                with _writing(draft):
                    target.commit()
    engine.dispose()


def _load_server(staged: Path, place: Place, busy_timeout_s: float) -> None:
    """Put every row of a staged file into a server's database, in ONE transaction, if that is empty and nobody works on it."""
    database = database_at(place, busy_timeout_s=busy_timeout_s)
    engine = create_engine(URL.create("sqlite", database=str(staged)), poolclass=NullPool, hide_parameters=True)
    tables = metadata.sorted_tables
    try:
        with database.upgrade() as target, engine.connect() as source:
            target.execute(text(f"SET LOCAL lock_timeout = '{int(busy_timeout_s * 1000)}ms'"))
            target.execute(text(_NO_LIMIT[1]))
            target.execute(text(f"LOCK TABLE {', '.join(table.name for table in tables)} IN ACCESS EXCLUSIVE MODE"))
            if any(target.execute(select(func.count()).select_from(table)).scalar_one() for table in (items, events)):
                raise PermanentQueueError("QUE-054", detail=str(place))
            if target.execute(_HELD, {"b_time": None}).first():
                raise PermanentQueueError("QUE-055", detail=str(place))
            for table in tables:
                target.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
            for table in reversed(tables):
                target.execute(table.delete())
            for table in tables:
                _load_table(source, target, table.name)
            for table in tables:
                target.execute(text(f"ALTER TABLE {table.name} ENABLE TRIGGER USER"))
    finally:
        engine.dispose()
        database.close()


def _load_table(source: Connection, target: Connection, name: str) -> None:
    table = metadata.tables[name]
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    driver: Any = target.connection.dbapi_connection
    found = source.execute(select(table), execution_options={"yield_per": BATCH})
    with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as stream:
        for row in found:
            stream.write_row(row)
    for column in table.columns:
        if column.identity is not None:
            last = target.execute(select(func.max(column))).scalar_one() or 0
            target.execute(select(func.setval(func.pg_get_serial_sequence(name, column.name), last + 1, False)))


@contextmanager
def _without_guards(raw: sqlite3.Connection) -> Iterator[None]:
    """Take the guards of states and audit away while rows are put in that are what they are, and put them back."""
    guards = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        raw.execute(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in guards:
        raw.execute(sql)


def _checked(draft: Path, key: MasterKey | MasterKeys, clock: QueueClock) -> tuple[str, ...]:
    """Return what is wrong with a copy, by the checks that a database has."""
    queue = WorkQueue.open(draft, key=key, clock=clock)
    try:
        return (*queue.integrity(), *queue.verify_audit().problems)
    finally:
        queue.close()


def _stop_logging_ahead(place: Path) -> bool:
    """Have all of a database in one file, which SQLite does only for who is alone with it; return whether it could be read.

    Raises PermanentQueueError while others have it open. What is no database at all is not touched: SQLite would clear up beside it.
    """
    try:
        with place.open("rb") as head_of_file:
            if head_of_file.read(len(BEGINS)) != BEGINS:
                return False
        with closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)) as file:
            file.execute("PRAGMA journal_mode = DELETE")
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _BUSY:
            raise PermanentQueueError("QUE-055", detail=str(place)) from None
        return False
    return True


def _log_ahead_again(place: Path) -> None:
    database = database_at(place)
    try:
        database.prepare()
    finally:
        database.close()


def _move_aside(place: Path) -> Path:
    """Give the database that is there another name, beside the one it has: it is never deleted, and never missing."""
    number = 1
    while (aside := place.with_name(f"{place.name}.before-restore-{number}")).exists():
        number += 1
    if not _stop_logging_ahead(place):
        for end in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                place.with_name(place.name + end).rename(aside.with_name(aside.name + end))
    try:
        aside.hardlink_to(place)
    except OSError:
        shutil.copy2(place, aside)
        flush(aside)
    return aside


@contextmanager
def _writing(to: Path) -> Iterator[None]:
    """Name what goes wrong by what it was to make."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
        if code in _BUSY:
            raise RetriableQueueError("QUE-001") from None
        if code in _DAMAGED:
            raise PermanentQueueError("QUE-003", detail=type(error).__name__) from None
        raise unwritable(to, error) from None
    except DBAPIError as error:
        raise unwritable(to, error.orig or error) from None
