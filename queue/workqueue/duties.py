"""What one robot of several does at a time, such as pulling: whoever holds the duty goes on holding it while it is heard of."""

from __future__ import annotations

from sqlalchemy import Float, Insert, bindparam, delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from workqueue import limits
from workqueue.base import Store
from workqueue.database import LEASE_TIME
from workqueue.tables import duties

_MINE = duties.c.holder == bindparam("b_holder")
_OTHERS_AT_MOST = 4
"""A hold that ends later than so many of our own is from before the machine's clock was set back."""
_LONGEST = _OTHERS_AT_MOST * bindparam("b_lease_s", type_=Float)
_RUN_OUT = or_(duties.c.held_until <= LEASE_TIME, duties.c.held_until > LEASE_TIME + _LONGEST)
_LEAVE = delete(duties).where(duties.c.name == bindparam("b_name"), _MINE)


def _hold() -> dict[str, Insert]:
    """Return, by kind of database, the statement that takes a duty which is free, run out or ours; it returns a row if it did."""
    made: dict[str, Insert] = {}
    for kind in (sqlite, postgresql):
        until = LEASE_TIME + bindparam("b_lease_s", type_=Float)
        statement = kind.insert(duties).values(name=bindparam("b_name"), holder=bindparam("b_holder"), held_until=until)
        statement = statement.on_conflict_do_update(
            index_elements=[duties.c.name],
            set_={"holder": statement.excluded.holder, "held_until": statement.excluded.held_until},
            where=or_(_MINE, _RUN_OUT),
        )
        made[kind.dialect.name] = statement.returning(duties.c.name)
    return made


_HOLD = _hold()


class Duties(Store):
    """Which robot does what only one may do."""

    def hold_duty(self, duty: str, holder: str, lease_s: float) -> bool:
        """Take a duty that nobody has, or keep it, for `lease_s` seconds of the store's lease clock; return whether it is ours.

        ONE statement: of several that try at once, one gets it. A hold that ends more than four times `lease_s` from now has run out
        too: it is from before the machine's clock was set back.
        """
        values = {
            "b_name": limits.code(duty),
            "b_holder": limits.actor(holder),
            "b_lease_s": limits.lease_length(lease_s),
            "b_time": self._lease_time(),
        }
        with self._db.write() as tx:
            return tx.execute(_HOLD[tx.dialect.name], values).one_or_none() is not None

    def leave_duty(self, duty: str, holder: str) -> None:
        """Let another take a duty at once, if it is ours."""
        with self._db.write() as tx:
            tx.execute(_LEAVE, {"b_name": limits.code(duty), "b_holder": limits.actor(holder)})
