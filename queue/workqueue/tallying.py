"""What came of many cases together, in clear: shares and averages that show when something is wrong with all of them.

A row tells of many cases at a time, or holds no amount: nobody can be read out of it. Rows go when they are old.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import groupby

from sqlalchemy import bindparam, delete, func, insert, select

from workqueue import limits
from workqueue.base import Store
from workqueue.records import Figure, Tally
from workqueue.statements import Prepared
from workqueue.tables import tallies

LEAST_CASES = 20
"""An amount is a sum over so many cases at least."""
KEPT = timedelta(days=120)
_ADD = Prepared(insert(tallies))
_OLD = delete(tallies).where(tallies.c.at < bindparam("b_before", type_=tallies.c.at.type))
_TIMES = (
    select(tallies.c.at).group_by(tallies.c.at, tallies.c.bucket).order_by(tallies.c.at.desc()).limit(bindparam("b_tallies")).subquery()
)
_LATEST = (
    select(tallies)
    .where(tallies.c.at >= select(func.min(_TIMES.c.at)).scalar_subquery())
    .order_by(tallies.c.at.desc(), tallies.c.bucket, tallies.c.figure)
    .limit(limits.TALLY_ROWS)
)


class Tallying(Store):
    """Counts and sums of cases."""

    def add_tally(self, bucket: str, figures: Mapping[str, Figure]) -> None:
        """Store what came of some cases. `bucket` = a name of its own. Raises ValueError when an amount is a sum of too few cases."""
        limits.within(limits.FIGURES_LIMIT, figures, "figures")
        if any(one.ore is not None and one.cases < LEAST_CASES for one in figures.values()):
            raise ValueError(f"an amount is a sum over {LEAST_CASES} cases at least")
        now = self._clock.now()
        rows = [
            {"bucket": limits.code(bucket), "figure": limits.code(name), "at": now, "cases": one.cases, "ore": one.ore}
            for name, one in sorted(figures.items())
        ]
        with self._db.write() as tx:
            tx.execute(_OLD, {"b_before": now - KEPT})
            _ADD.change_many(tx, rows)

    def tallies(self, latest: int = 100) -> list[Tally]:
        """Return what came of the latest cases, at least so many tallies where there are, newest first.

        Of very many figures the oldest are left out.
        """
        with self._db.read() as tx:
            rows = tx.execute(_LATEST, {"b_tallies": latest}).all()
        return [
            Tally(at, {row.figure: Figure(row.cases, row.ore) for row in some})
            for (at, _), some in groupby(rows, key=lambda row: (row.at, row.bucket))
        ]
