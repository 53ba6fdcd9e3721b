"""The queue as the robot sees it."""

from __future__ import annotations

from pathlib import Path

from workqueue.claiming import Claiming
from workqueue.database import BUSY_TIMEOUT_S, Database
from workqueue.delivering import Delivering
from workqueue.keys import MasterKey
from workqueue.looking import Looking
from workqueue.maintaining import Maintaining
from workqueue.pulling import Pulling
from workqueue.records import QueueClock
from workqueue.upgrading import is_empty, refuse_other_key, refuse_other_version
from workqueue.upgrading import upgrade as bring_up


class WorkQueue(Pulling, Claiming, Delivering, Maintaining, Looking):
    """Durable work items, drafts, outbox and audit in one SQLite file, shared by any number of processes on one machine.

    Every method is one statement or ONE transaction, blocks until it is on disk, and may be called from any thread. A queue is not
    carried over a fork: open one in each process. Raises RetriableQueueError when the database is locked or the disk is full.
    """

    @classmethod
    def open(
        cls, path: Path, *, key: MasterKey, clock: QueueClock, upgrade: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
    ) -> WorkQueue:
        """Open the database, made if there is none; with `upgrade` an older one is brought up to this program first.

        Raises PermanentQueueError when it was made by another version of the program, KeyRefused when it was made with another key.
        """
        database = Database(path, busy_timeout_s=busy_timeout_s)
        try:
            if upgrade or not path.exists() or is_empty(database):
                bring_up(path, key=key, busy_timeout_s=busy_timeout_s)
            with database.read() as tx:
                refuse_other_version(tx)
                refuse_other_key(tx, key)
        except BaseException:
            database.close()
            raise
        return cls(database, key, clock)
