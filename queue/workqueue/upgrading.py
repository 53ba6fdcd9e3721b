"""Bring a database to the tables of this program, and refuse one of another."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from workqueue.chain import audit_root
from workqueue.database import BUSY_TIMEOUT_S, Database, Place, database_at
from workqueue.errors import KeyRefused, PermanentQueueError
from workqueue.keys import MasterKey
from workqueue.sealing import KEY_CHECK, Sealer
from workqueue.tables import store

_MIGRATIONS = Path(__file__).parent / "migrations"
_KEY_CHECK_TEXT = "bistandsrobot"
_THE_STORE = 1
_REVISION_TABLE = "alembic_version"
_REVISION = text("SELECT version_num FROM alembic_version")


def upgrade(place: Place, *, key: MasterKey, busy_timeout_s: float = BUSY_TIMEOUT_S) -> bool:
    """Make the database, or bring it up to this program, in ONE transaction; return whether anything was done.

    Safe when two processes do it at once: the second waits and finds it done. Raises PermanentQueueError when the database was made
    by a newer program or is something else's, KeyRefused when it was made with another key.
    """
    database = database_at(place, busy_timeout_s=busy_timeout_s)
    try:
        database.prepare()
        with database.upgrade() as connection:
            found = revision(connection)
            if found is not None:
                refuse_other_key(connection, key)
            if found == head():
                return False
            _migrate(connection, key)
            if found is None:
                _store_key_check(connection, key)
            return True
    finally:
        database.close()


def is_empty(database: Database) -> bool:
    """Return whether a database that is there holds nothing yet: made a moment ago, perhaps by another process that is at it."""
    with database.read() as connection:
        return revision(connection) is None


def is_made(place: Place) -> bool:
    """Return whether there is a database with tables at a place; makes none. Raises QueueError when it cannot be asked."""
    database = database_at(place)
    try:
        return database.is_there() and not is_empty(database)
    finally:
        database.close()


def refuse_other_version(connection: Connection) -> None:
    """Raise PermanentQueueError unless the database has exactly this program's tables."""
    if revision(connection) != head():
        raise PermanentQueueError("QUE-021")


def refuse_other_key(connection: Connection, key: MasterKey) -> None:
    """Raise KeyRefused unless the database was made with this key."""
    row = connection.execute(select(store).where(store.c.id == _THE_STORE)).one_or_none()
    if row is None:
        raise PermanentQueueError("QUE-022")
    try:
        right = Sealer(key).open(KEY_CHECK, str(_THE_STORE), row.key_check) == _KEY_CHECK_TEXT
    except PermanentQueueError:
        right = False
    if not right:
        raise KeyRefused("QUE-032", detail=f"key {key.key_id}, database {row.key_id}")


def revision(connection: Connection) -> str | None:
    """Return which of this program's revisions the database is at, None when it is empty.

    Raises PermanentQueueError when it is at one that this program does not know, or holds somebody else's tables.
    """
    tables = set(inspect(connection).get_table_names())
    found: str | None = connection.execute(_REVISION).scalar_one_or_none() if _REVISION_TABLE in tables else None
    if found is None:
        if tables:
            raise PermanentQueueError("QUE-022")
        return None
    if found not in _revisions():
        raise PermanentQueueError("QUE-020", detail=f"revision {found}")
    return found


def head() -> str:
    """Return the revision that this program works with."""
    return _revisions()[0]


@cache
def _revisions() -> tuple[str, ...]:
    """Return the revisions that the package ships, newest first: each migration's file is named r<revision>_<what>.py."""
    return tuple(sorted((path.stem.partition("_")[0][1:] for path in (_MIGRATIONS / "versions").glob("r*_*.py")), reverse=True))


def _migrate(connection: Connection, key: MasterKey) -> None:
    # Alembic is loaded here alone: it takes a third of a second, and a database is seldom made.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["audit_root"] = audit_root(key)
    command.upgrade(config, "head")


def _store_key_check(connection: Connection, key: MasterKey) -> None:
    check = Sealer(key).seal(KEY_CHECK, str(_THE_STORE), _KEY_CHECK_TEXT)
    connection.execute(store.insert().values(id=_THE_STORE, key_id=key.key_id, key_check=check))
