"""Bring a database to the tables of this program, and refuse one that it may not work on.

A newer program's tables say themselves which older programs may go on with them (`programs`), so that a version can be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, bindparam, inspect, select, text

from workqueue.database import BUSY_TIMEOUT_S, Database, Place, database_at
from workqueue.errors import KeyRefused, PermanentQueueError
from workqueue.keyring import AUDIT, THE_STORE, fresh_secrets, inherited_secrets
from workqueue.keys import MasterKey, MasterKeys
from workqueue.sealing import KEY_CHECK, Box, old_box
from workqueue.tables import programs, store

_MIGRATIONS = Path(__file__).parent / "migrations"
_KEY_CHECK_TEXT = "bistandsrobot"
_REVISION_TABLE = "alembic_version"
_REVISION = text("SELECT version_num FROM alembic_version")
_OLDEST = select(programs.c.oldest).where(programs.c.revision == bindparam("found"))


def upgrade(place: Place, *, key: MasterKey | MasterKeys, busy_timeout_s: float = BUSY_TIMEOUT_S) -> bool:
    """Make the database, or bring it up to this program, in ONE transaction; return whether anything was done.

    Safe when two processes do it at once: the second waits and finds it done. A newer program's tables that this one may work on are
    left as they are. Raises PermanentQueueError when it may not, or when the database is something else's, KeyRefused when it was made
    with another key.
    """
    keys = MasterKeys.of(key)
    database = database_at(place, busy_timeout_s=busy_timeout_s)
    try:
        database.prepare()
        with database.upgrade() as connection:
            found = revision(connection)
            master = keys.first if found is None else refuse_other_key(connection, keys)
            if found is not None and found >= head():
                return False
            _migrate(connection, master, fresh_secrets(master) if found is None else inherited_secrets(master))
            if found is None:
                store_key_check(connection, master)
            return True
    finally:
        database.close()


@dataclass(frozen=True, slots=True)
class Versions:
    """Revisions of the tables: that of a database (None = it has none yet), this program's, and the oldest program's that it lets in."""

    database: str | None
    program: str
    oldest: str | None

    @property
    def fit(self) -> bool:
        """Say whether this program may work on that database as it is."""
        return self.database == self.program or (self.oldest is not None and self.oldest <= self.program < str(self.database))


def versions(place: Place) -> Versions:
    """Return which tables a database has and which programs may work on them; makes and changes nothing, and needs no key.

    Raises QueueError when it cannot be asked, or is something else's.
    """
    database = database_at(place)
    try:
        if not database.is_there():
            return Versions(None, head(), None)
        with database.read() as connection:
            tables = set(inspect(connection).get_table_names())
            if tables and _REVISION_TABLE not in tables:
                raise PermanentQueueError("QUE-022")
            found = connection.execute(_REVISION).scalar_one_or_none() if tables else None
            oldest = connection.execute(_OLDEST, {"found": found}).scalar_one_or_none() if programs.name in tables else None
            return Versions(found, head(), oldest)
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


def refuse_other_version(connection: Connection) -> str:
    """Return the revision of a database that this program may work on. Raises PermanentQueueError when it may not."""
    found = revision(connection)
    if found is None or found < head():
        raise PermanentQueueError("QUE-021")
    return found


def refuse_newer_tables(found: str) -> None:
    """Raise PermanentQueueError when there may be tables or columns that this program does not know, and would leave out."""
    if found > head():
        raise PermanentQueueError("QUE-024", detail=f"revision {found}")


def refuse_other_key(connection: Connection, keys: MasterKeys) -> MasterKey:
    """Return the one of the keys that the database goes by now. Raises KeyRefused when it is not among them."""
    row = connection.execute(select(store).where(store.c.id == THE_STORE)).one_or_none()
    if row is None:
        raise PermanentQueueError("QUE-022")
    master = keys.known(row.key_id)
    try:
        right = _check_box(master).open(KEY_CHECK, str(THE_STORE), row.key_check) == _KEY_CHECK_TEXT
    except PermanentQueueError:
        right = False
    if not right:
        raise KeyRefused("QUE-032", detail=f"key {master.key_id} is not the one that made it")
    return master


def revision(connection: Connection) -> str | None:
    """Return which revision the database is at, None when it is empty.

    Raises PermanentQueueError when it is a newer program's that does not let this one in, or holds somebody else's tables.
    """
    tables = set(inspect(connection).get_table_names())
    found: str | None = connection.execute(_REVISION).scalar_one_or_none() if _REVISION_TABLE in tables else None
    if found is None:
        if tables:
            raise PermanentQueueError("QUE-022")
        return None
    if found not in _revisions() and not (programs.name in tables and _lets_in(connection, found)):
        raise PermanentQueueError("QUE-020", detail=f"revision {found}")
    return found


def _lets_in(connection: Connection, found: str) -> bool:
    """Say whether a revision that is not known is a newer one, which says that this program may work on it."""
    oldest = connection.execute(_OLDEST, {"found": found}).scalar_one_or_none()
    return oldest is not None and oldest <= head() < found


def head() -> str:
    """Return the revision that this program works with."""
    return _revisions()[0]


@cache
def _revisions() -> tuple[str, ...]:
    """Return the revisions that the package ships, newest first: each migration's file is named r<revision>_<what>.py."""
    return tuple(sorted((path.stem.partition("_")[0][1:] for path in (_MIGRATIONS / "versions").glob("r*_*.py")), reverse=True))


def _migrate(connection: Connection, key: MasterKey, lasting: Mapping[str, bytes]) -> None:
    # Alembic is loaded here alone: it takes a third of a second, and a database is seldom made.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes |= {"audit_root": lasting[AUDIT], "secrets": lasting, "key_id": key.key_id, "wrapping_key": key.wrapping_key()}
    command.upgrade(config, "head")


def store_key_check(connection: Connection, key: MasterKey) -> None:
    """Write which key a new database goes by, and something that only it opens."""
    connection.execute(store.insert().values(id=THE_STORE, key_id=key.key_id, key_check=key_check(key)))


def key_check(key: MasterKey) -> bytes:
    """Return something that only this key opens."""
    return _check_box(key).seal(KEY_CHECK, str(THE_STORE), _KEY_CHECK_TEXT)


def _check_box(key: MasterKey) -> Box:
    return old_box(key.derive(b"stored values"), key.key_id)
