"""What tests of copies share: short ways to make one, to restore it, and to look at what is in a database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.queue.queue_bench import LEASE_S, START, Bench, pulled
from workqueue import (
    Copied,
    MasterKey,
    PermanentQueueError,
    Restored,
    back_up,
    restore,
)
from workqueue.database import Place, database_at
from workqueue.tables import metadata

WRITERS, EACH = 4, 25
LARGEST_FILE_BYTES = 150_000
"""Less than a copy is."""
ROOT = Path(__file__).resolve().parents[2]


def copied_to(bench: Bench, file: Path, *, replace: bool = False) -> Copied:
    return back_up(bench.store.place, file, key=bench.store.key, clock=bench.clock, replace=replace)


def restored_from(bench: Bench, file: Path, place: Place, *, key: MasterKey | None = None, replace: bool = False) -> Restored:
    return restore(file, place, key=key or bench.store.key, clock=bench.clock, actor="ops", details={"reason": "x"}, replace=replace)


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(PermanentQueueError) as caught:
        action()
    return caught.value.code


def some_cases(bench: Bench) -> None:
    """Put cases in every part of the tables."""
    bench.ended()
    bench.queue.add_many([pulled(f"many-{number}") for number in range(30)])
    for claimed in bench.queue.claim("worker", 10, LEASE_S):
        bench.finish(claimed, "recommendation", "document")
    bench.queue.mark_seen("caremanagement", {"case-1": "now"})
    bench.queue.set_last_pull("caremanagement", START)
    bench.queue.hold_duty("pull", "one", 60)


def rows_of(place: Place) -> dict[str, list[tuple[object, ...]]]:
    database = database_at(place)
    with database.read() as tx:
        held = {table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr) for table in metadata.sorted_tables}
    database.close()
    return held
