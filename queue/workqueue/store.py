"""The queue as the robot sees it."""

from __future__ import annotations

from workqueue.auditing import Auditing
from workqueue.claiming import Claiming
from workqueue.database import BUSY_TIMEOUT_S, Place, database_at
from workqueue.delivering import Delivering
from workqueue.duties import Duties
from workqueue.forgetting import Forgetting
from workqueue.keyring import Keyring
from workqueue.keys import MasterKey, MasterKeys
from workqueue.looking import Looking
from workqueue.maintaining import Maintaining
from workqueue.pausing import Pausing
from workqueue.people import People
from workqueue.pulling import Pulling
from workqueue.records import QueueClock
from workqueue.restoring import Restoring
from workqueue.retention_lists import RetentionLists
from workqueue.rotating import Rotating
from workqueue.tallying import Tallying
from workqueue.upgrading import is_empty, refuse_other_key, refuse_other_version
from workqueue.upgrading import upgrade as bring_up


class WorkQueue(
    Pulling,
    Claiming,
    Delivering,
    Maintaining,
    Looking,
    Duties,
    Auditing,
    Rotating,
    Restoring,
    RetentionLists,
    Forgetting,
    People,
    Pausing,
    Tallying,
):
    """Durable work items, drafts, outbox and audit, shared by any number of processes: in a file, or on a server for several machines.

    Every method is one statement or ONE transaction, blocks until it is on disk (within a `group`, until that has ended), and may be
    called from any thread. A queue is not carried over a fork: open one in each process. Raises RetriableQueueError when the database is
    locked or full, or cannot be reached; when a connection is lost while a change is being stored, it is not known whether it was, and
    doing it again is safe.
    """

    @classmethod
    def open(
        cls, place: Place, *, key: MasterKey | MasterKeys, clock: QueueClock, upgrade: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
    ) -> WorkQueue:
        """Open the database, its tables made if there are none; with `upgrade` an older one is brought up to this program first.

        Raises PermanentQueueError when it was made by another version of the program, KeyRefused when it was made with another key.
        """
        database = database_at(place, busy_timeout_s=busy_timeout_s)
        try:
            if upgrade or not database.is_there() or is_empty(database):
                bring_up(place, key=key, busy_timeout_s=busy_timeout_s)
            with database.read() as tx:
                refuse_other_version(tx)
                refuse_other_key(tx, MasterKeys.of(key))
                keyring = Keyring.of(tx, MasterKeys.of(key), database.read)
        except BaseException:
            database.close()
            raise
        return cls(database, keyring, clock)
