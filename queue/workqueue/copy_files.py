"""Files that are there whole or not at all, and what tells whether a copy of the database is whole.

A copy is a SQLite file, whichever kind of database it is of, with the database's own tables and one more:

    backup_manifest (made_at, kind, revision, last_seq, last_hash, tables)   one row; tables = JSON: name -> [rows, SHA-256 of its rows]
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workqueue.errors import PermanentQueueError

UNFINISHED = ".unfinished"
"""Ends the name of a file that is being made; what is left of one by a killed process is removed by the next."""
BEGINS = b"SQLite format 3\0"
_BESIDE = ("-journal", "-wal", "-shm")
_MANIFEST = "backup_manifest"
_MAKE = f"""CREATE TABLE {_MANIFEST} (made_at TEXT NOT NULL, kind TEXT NOT NULL, revision TEXT NOT NULL,
    last_seq INTEGER NOT NULL, last_hash TEXT NOT NULL, tables TEXT NOT NULL)"""
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> ? ORDER BY name"
_DETAIL_CHARACTERS = 200
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""How a file system says that it has no hard links: some that are mounted from elsewhere."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy says of itself. `last_seq` and `last_hash` = the audit's last line in it, 0 and empty when there is none."""

    made_at: datetime
    kind: str
    revision: str
    last_seq: int
    last_hash: str
    tables: dict[str, tuple[int, str]]


@contextmanager
def new_file(to: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a path to make a file at, readable by its owner alone; when the block ends well the file stands at `to`, whole and on disk.

    When it does not, nothing stands there that did not before. Raises PermanentQueueError when something is there and may not be
    replaced, or when the file cannot be written.
    """
    try:
        if not replace and os.path.lexists(to):
            raise PermanentQueueError("QUE-051", detail=str(to))
        _sweep(to.parent)
        draft = to.with_name(f".{to.name}{UNFINISHED}")
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(to, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        try:
            yield draft
            _put_in_place(draft, to, replace=replace)
        finally:
            _remove(draft)
    except OSError as error:
        raise unwritable(to, error) from None
    finally:
        os.close(descriptor)


def give_to_owner_of(like: Path, made: Path | int) -> None:
    """Let a file that root has made belong to whom the other one does: the robot runs as another user, and must be able to use it."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(made, owner.st_uid, owner.st_gid)


def unwritable(to: Path, error: BaseException) -> PermanentQueueError:
    """Return the error for a file that cannot be written."""
    what = errno.errorcode.get(error.errno or 0, type(error).__name__) if isinstance(error, OSError) else str(error)[:_DETAIL_CHARACTERS]
    return PermanentQueueError("QUE-050", detail=f"{to}: {what}")


def write_manifest(copy: Path, *, made_at: datetime, kind: str, revision: str) -> Manifest:
    """Write into a copy what it holds, and return it."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        last = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone() or (0, "")
        manifest = Manifest(made_at, kind, revision, last[0], last[1], _digests(connection))
        connection.execute(_MAKE)
        values = (made_at.astimezone(UTC).isoformat(), kind, revision, *last, json.dumps(manifest.tables))
        connection.execute(f"INSERT INTO {_MANIFEST} VALUES (?, ?, ?, ?, ?, ?)", values)  # noqa: S608  a constant
    return manifest


def read_manifest(copy: Path, *, named: Path | None = None) -> Manifest:
    """Return what a copy says of itself, when it is so: every row of every table is looked at. `named` = what errors call the file.

    Raises PermanentQueueError when the file is no copy of a database, was cut or has been changed.
    """
    name = named or copy
    try:
        with copy.open("rb") as file:
            if file.read(len(BEGINS)) != BEGINS:
                raise PermanentQueueError("QUE-052", detail=f"{name}: no copy of a database")
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            return _manifest_of(connection, name)
    except OSError as error:
        raise PermanentQueueError("QUE-053", detail=f"{name}: {type(error).__name__}") from None
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise PermanentQueueError("QUE-052", detail=f"{name}: {type(error).__name__}") from None


def drop_manifest(copy: Path) -> None:
    """Take out what is a copy's alone, so that it is a database."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(f"DROP TABLE {_MANIFEST}")


def _manifest_of(connection: sqlite3.Connection, name: Path) -> Manifest:
    if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise PermanentQueueError("QUE-052", detail=f"{name}: {found}"[:_DETAIL_CHARACTERS])
    if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (_MANIFEST,)).fetchone() != (1,):
        raise PermanentQueueError("QUE-052", detail=f"{name}: made by something else than `bistandsrobot backup`")
    made_at, kind, revision, seq, last_hash, tables = connection.execute(f"SELECT * FROM {_MANIFEST}").fetchone()  # noqa: S608  a constant
    told = {table: (int(rows), str(digest)) for table, (rows, digest) in json.loads(tables).items()}
    held = _digests(connection)
    if wrong := sorted(table for table in told.keys() | held.keys() if told.get(table) != held.get(table)):
        raise PermanentQueueError("QUE-052", detail=f"{name}: {', '.join(wrong)}")
    return Manifest(datetime.fromisoformat(made_at), kind, revision, int(seq), last_hash, told)


def _digests(connection: sqlite3.Connection) -> dict[str, tuple[int, str]]:
    """Return for each table how many rows it has and the SHA-256 of them."""
    return {name: _digest(connection, name) for (name,) in connection.execute(_TABLES, (_MANIFEST,)).fetchall()}


def _digest(connection: sqlite3.Connection, table: str) -> tuple[int, str]:
    quoted = '"' + table.replace('"', '""') + '"'
    digest, rows = hashlib.sha256(), 0
    for row in connection.execute(f"SELECT * FROM {quoted} ORDER BY rowid"):  # noqa: S608  quoted
        digest.update(b"".join(map(_told, row)))
        rows += 1
    return rows, digest.hexdigest()


def _told(value: object) -> bytes:
    """Return a value as it goes into the digest: no two different rows give the same."""
    if value is None:
        return b"n"
    told = value if isinstance(value, bytes) else str(value).encode()
    return b"%c%d:%b" % (ord(type(value).__name__[0]), len(told), told)


def _put_in_place(draft: Path, to: Path, *, replace: bool) -> None:
    for each in (draft, draft.parent):
        flush(each)
    if replace:
        draft.replace(to)
    else:
        # A link, unlike a rename, never takes the place of what somebody else has put there meanwhile.
        try:
            os.link(draft, to)
        except FileExistsError:
            raise PermanentQueueError("QUE-051", detail=str(to)) from None
        except OSError as error:
            if error.errno not in _NO_LINKS or os.path.lexists(to):
                raise
            draft.rename(to)
    flush(to.parent)


def flush(path: Path) -> None:
    """Have a file, or what a folder lists, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove what killed processes have left unfinished in a folder; what another is making is locked, and stays."""
    for left in folder.glob(f".*{UNFINISHED}"):
        with suppress(OSError):
            descriptor = os.open(left, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(left)
            finally:
                os.close(descriptor)


def _remove(draft: Path) -> None:
    for end in ("", *_BESIDE):
        with suppress(OSError):
            draft.with_name(draft.name + end).unlink(missing_ok=True)
