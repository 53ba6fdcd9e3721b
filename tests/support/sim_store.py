"""The robots' database in a mix: the real queue on SQLite in memory, emptied for each, and an onlooker that knows who may change what.

The onlooker looks at the end of each transaction, by its own connection, at what it would commit, and keeps it until the next one: who
wants to know how things stand between two transactions need not ask the database again, which would be most of a mix's time.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sim_loop import PROCESS
from sim_world import World
from sqlalchemy import Connection

from workqueue import LEASED, UNREAD, Claimed, MasterKey, RetriableQueueError, State, WorkQueue, upgrade
from workqueue.keyring import Keyring
from workqueue.keys import MasterKeys
from workqueue.limits import MAX_LEASE_S
from workqueue.sqlite import SqliteDatabase
from workqueue.statements import driver_of

KEY = MasterKey(bytes(range(32)))
_MEMORY = Path("/dev/shm")
RACE_S = 0.5
"""Between its last word from the database and its look at the case system a robot may lose a case without knowing, for so many seconds."""
_ITEMS = "SELECT id, case_id, state, lease, leased_by, lease_until, case_ref, version, is_current, not_before FROM items"
_DONE = "SELECT key, item_id FROM effects WHERE done_at IS NOT NULL"
_DUTIES = "SELECT name, holder, held_until FROM duties"
_IN_HAND = frozenset(LEASED)
_WAITS = frozenset({State.READY, State.TO_DELIVER, State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER})


class Held(NamedTuple):
    """Who holds a version of a case."""

    case_id: str
    state: str
    lease: int
    by: str | None
    until: float | None


class Stands(NamedTuple):
    """How a version of a case stands, beside who holds it."""

    case_ref: str
    version: str
    is_current: int
    not_before: str


@dataclass(frozen=True)
class Seen:
    """What the database holds after a transaction."""

    held: dict[int, Held] = field(default_factory=dict)
    items: dict[int, Stands] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    """The writes that have a receipt, and whose they are."""
    duties: dict[str, tuple[str, float]] = field(default_factory=dict)

    @classmethod
    def by(cls, connection: sqlite3.Connection) -> Seen:
        """Return what stands there."""
        rows = connection.execute(_ITEMS).fetchall()
        duties = {name: (holder, until) for name, holder, until in connection.execute(_DUTIES)}
        held, items = {row[0]: Held._make(row[1:6]) for row in rows}, {row[0]: Stands._make(row[6:]) for row in rows}
        return cls(held, items, dict(connection.execute(_DONE).fetchall()), duties)


@dataclass
class Hands:
    """Whose hands cases are in: the processes behind the names in the database, and when which of them lost a case."""

    names: dict[str, str] = field(default_factory=dict)
    lost_s: dict[tuple[str, str], float] = field(default_factory=dict)


class Store:
    """One database, used for one mix after the other."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sim-", dir=_MEMORY if _MEMORY.is_dir() else None))
        upgrade(self.folder / "template.db", key=KEY)
        self._template = sqlite3.connect(self.folder / "template.db")
        path = self.folder / "queue.db"
        shutil.copyfile(self.folder / "template.db", path)
        with suppress(FileNotFoundError):
            shutil.copyfile(self.folder / "template.db-wal", self.folder / "queue.db-wal")
        self.raw = sqlite3.connect(path, isolation_level=None)
        self.shared = SqliteDatabase(path)
        self.seen = Seen()

    def empty(self) -> None:
        """Make it as new."""
        self._template.backup(self.raw)
        self.seen = Seen()

    def there_are(self, *states: str) -> bool:
        """Say whether any case is in one of these states."""
        return any(one.state in states for one in self.seen.held.values())

    def in_hand(self) -> bool:
        """Say whether a robot has any case."""
        return self.there_are(*_IN_HAND)

    def next_at(self) -> datetime | None:
        """Return when the first of the cases that wait is due."""
        seen = self.seen
        first = min((seen.items[item].not_before for item, one in seen.held.items() if one.state in _WAITS), default=None)
        return datetime.fromisoformat(first).replace(tzinfo=UTC) if first else None

    def has(self, case_id: str, *versions: str) -> bool:
        """Say whether a case is in the queue in one of these versions; none given = in any in which it could be read."""
        item = self._current(case_id)
        version = None if item is None else self.seen.items[item].version
        return version is not None and (version in versions if versions else version != UNREAD)

    def has_duty_other_than(self, holder: str, duty: str, now: float) -> bool:
        """Say whether another robot has a duty, and its hold has not run out."""
        held = self.seen.duties.get(duty)
        return held is not None and held[0] != holder and now < held[1] <= now + MAX_LEASE_S

    def case_id(self, case_ref: str) -> str:
        """Return the id of a case with that reference."""
        return next((self.seen.held[item].case_id for item, one in self.seen.items.items() if one.case_ref == case_ref), "?")

    def holder(self, case_id: str) -> str | None:
        """Return who has a case in hand."""
        item = self._current(case_id)
        return None if item is None else self.seen.held[item].by

    def holders(self) -> dict[int, Held]:
        """Return who holds what."""
        return self.seen.held

    def _current(self, case_id: str) -> int | None:
        """Return which item is the newest version of a case."""
        return next((item for item, one in self.seen.held.items() if one.case_id == case_id and self.seen.items[item].is_current), None)

    def close(self) -> None:
        """Leave nothing behind."""
        self.shared.close()
        self.raw.close()
        self._template.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class SimDatabase(SqliteDatabase):
    """The database of one robot: it fails as the mix has it, and what it stores is looked at by the onlooker."""

    world: World
    store: Store
    hands: Hands

    @classmethod
    def of(cls, world: World, store: Store, hands: Hands) -> SimDatabase:
        """Return another way into a database, by the same connections."""
        made = cls.__new__(cls)
        made.__dict__.update(store.shared.__dict__)
        made.world, made.store, made.hands = world, store, hands
        return made

    def close(self) -> None:
        """The connections are everybody's."""

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        world = self.world
        world.step_or_die()
        if world.hit("database_locked"):
            raise RetriableQueueError("QUE-001")
        rolls_back = world.hit("database_rolls_back")
        with super()._transaction() as tx:
            driver = driver_of(tx)
            changes = driver.total_changes
            yield tx
            if rolls_back:
                raise RetriableQueueError("QUE-002")
            seen = Seen.by(driver) if driver.total_changes != changes else self.store.seen
        before, self.store.seen = self.store.seen, seen
        self._look_on(before, seen)
        world.step_or_die()
        if world.hit("database_answer_lost"):
            raise RetriableQueueError("QUE-005")

    def _look_on(self, before: Seen, now_there: Seen) -> None:
        """Nobody changes what another holds: a case in hand is let go by its holder, by time, or by a newer version alone."""
        if now_there is before:
            return
        world, process = self.world, PROCESS.get()
        me = process.name if process else "-"
        now = world.clock.machine_s()
        for item, after in now_there.held.items():
            held = before.held.get(item)
            if held is None or held == after:
                continue
            world.note("stored", item=item, was=held.state, now=after.state, lease=after.lease)
            owner = self._name(held.by)
            if owner is not None and (held.by, held.lease) != (after.by, after.lease):
                self.hands.lost_s[held.case_id, owner] = world.loop.time()
            ran_out = held.until is None or held.until <= now or held.until > now + MAX_LEASE_S
            if held.state in LEASED and not (owner == me or ran_out or after.state == State.SUPERSEDED):
                world.wrong(f"item {item} was changed to {after.state} by a robot that did not hold it")
            if after.by is not None:
                self.hands.names[after.by] = me
        for key, item in now_there.done.items():
            if key in before.done:
                continue
            world.note("receipt", key=key)
            if item not in before.held or self._name(before.held[item].by) != me:
                world.wrong(f"a receipt of item {item} was stored by a robot that did not hold it")

    def _name(self, worker: str | None) -> str | None:
        return self.hands.names.get(worker) if worker else None


class SimQueue(WorkQueue):
    """The real queue; what there is nothing of is not asked for, which saves most of a mix's time."""

    _db: SimDatabase

    def claim(self, *given: Any, **named: Any) -> list[Claimed]:
        """Claim, unless there is nothing that could be."""
        return super().claim(*given, **named) if self._db.store.there_are(State.READY, State.TO_DELIVER) else []

    def hold_duty(self, duty: str, holder: str, lease_s: float) -> bool:
        """Take a duty, unless another has it."""
        if self._db.store.has_duty_other_than(holder, duty, self._clock.machine_s()):
            return False
        return super().hold_duty(duty, holder, lease_s)

    def release_expired(self, *given: Any, **named: Any) -> list[str]:
        """Rescue, unless nothing is in hand."""
        return super().release_expired(*given, **named) if self._db.store.in_hand() else []

    def release_due(self, *given: Any, **named: Any) -> int:
        """Wake, unless nothing rests."""
        rests = self._db.store.there_are(State.WAITING_FOR_INCOME, State.WAITING_FOR_REGISTER)
        return super().release_due(*given, **named) if rests else 0


def queue_of(world: World, store: Store, hands: Hands) -> SimQueue:
    """Return the queue of one robot, with keys of its own."""
    database = SimDatabase.of(world, store, hands)
    with database.read() as tx:
        keyring = Keyring.of(tx, MasterKeys.of(KEY), database.read)
    return SimQueue(database, keyring, world.clock)
