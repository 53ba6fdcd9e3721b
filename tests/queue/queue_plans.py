"""What a database means to do for each statement that the queue runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from workqueue import WorkQueue, statements

_NO_PLAN = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET", "SELECT SET_CONFIG", "SHOW", "NOTIFY", "COPY")
_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgres": "EXPLAIN "}


class _Spy:
    """Stands in for the driver's connection, and asks for the plan of each statement before it is run."""

    def __init__(self, real: Any, plans: Plans) -> None:
        self._real = real
        self._plans = plans

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, statement: str, values: Any = ()) -> Any:
        """Run a statement."""
        self._plans.ask(self._real, statement, values)
        return self._real.execute(statement, values)

    def cursor(self) -> Any:
        """Return what runs a statement many times, its first time explained."""
        return _SpyCursor(self._real, self._real.cursor(), self._plans)


class _SpyCursor:
    def __init__(self, connection: Any, real: Any, plans: Plans) -> None:
        self._connection = connection
        self._real = real
        self._plans = plans

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, statement: str, values: Any = ()) -> Any:
        """Run a statement."""
        self._plans.ask(self._connection, statement, values)
        return self._real.execute(statement, values)

    def executemany(self, statement: str, rows: Any) -> Any:
        """Run a statement many times."""
        self._plans.ask(self._connection, statement, rows[0])
        return self._real.executemany(statement, rows)


class Plans:
    """The plans that were told: lines of text, by statement."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.told: dict[str, list[str]] = {}

    def ask(self, driver: Any, statement: str, values: Any) -> None:
        """Keep what the database means to do. PostgreSQL reads small tables whole, and is told not to."""
        if statement.lstrip().upper().startswith(_NO_PLAN):
            return
        if self._kind == "postgres":
            driver.execute("SET LOCAL enable_seqscan = off")
        self.told[statement] = [row[-1] for row in driver.execute(_EXPLAIN[self._kind] + statement, values).fetchall()]

    @property
    def lines(self) -> list[str]:
        """All lines of all plans."""
        return [line for plan in self.told.values() for line in plan]


@contextmanager
def plans_of(queue: WorkQueue, kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plans]:
    """Collect the plans of all that the queue runs, meanwhile."""
    plans = Plans(kind)

    def before(connection: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        plans.ask(connection.connection.driver_connection, statement, parameters)

    def spied(tx: Connection) -> Any:
        return _Spy(tx.connection.driver_connection, plans)

    database: Any = queue._db
    engines = {id(engine): engine for engine in (database._writes, database._reads) if isinstance(engine, Engine)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", before)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(statements, "driver_of", spied)
            yield plans
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", before)
