"""Several calls of one thread in ONE transaction: each in a savepoint of its own, and all on disk at the same moment.

Why, and what it promises: docs/decisions/0008-group-commit.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from workqueue.errors import QueueError
from workqueue.statements import driver_of

SAVEPOINT = "SAVEPOINT part"
Mark = Callable[[Connection, bool], None]
"""Sets the savepoint that a part may be taken back to; the bool says whether there is one of the part before, to be let go."""
Last = Callable[[Connection, list[Any]], None]
"""Stores what a transaction does last, of all its calls at once."""


class Group:
    """A transaction that several calls share. It begins with the first of them that changes something."""

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        mark: Mark,
        driver_error: type[Exception],
        named: Callable[[BaseException], QueueError],
    ) -> None:
        self.tx: Connection | None = None
        self._begin = begin
        self._mark = mark
        self._is_marked = False
        self._driver_error = driver_error
        self._named = named
        self._opened = ExitStack()
        self._failed: QueueError | None = None
        self._last: list[Any] = []
        self._store_last: Last | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if kind is not None:
            self._opened.__exit__(kind, error, traceback)
            return
        try:
            self.store_last()
        except BaseException:
            self._opened.__exit__(*sys.exc_info())
            raise
        self._opened.close()

    @contextmanager
    def part(self) -> Iterator[Connection]:
        """Give the connection to one call; what it did is undone when it raises, and nothing of the others'."""
        if self._failed is not None:
            raise self._failed
        if self.tx is None:
            with self._first_part() as tx:
                yield tx
            return
        so_far = len(self._last)
        try:
            self._mark(self.tx, self._is_marked)
        except self._driver_error as error:
            self._fail(error)
            raise
        self._is_marked = True
        try:
            yield self.tx
        except BaseException as error:
            del self._last[so_far:]
            self._undo(self.tx, error)
            raise

    @contextmanager
    def _first_part(self) -> Iterator[Connection]:
        """Begin the transaction. While it holds this part alone it needs no savepoint: the next that comes begins it anew."""
        try:
            self.tx = self._opened.enter_context(self._begin())
        except BaseException as error:
            # What was refused to one call is refused to all: they do not wait in turn.
            self._fail(error)
            raise
        try:
            yield self.tx
        except BaseException:
            self.tx, self._is_marked = None, False
            self._last.clear()
            self._opened.__exit__(*sys.exc_info())
            raise

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """Give the connection to a call that only reads, so that it sees what the calls before it did."""
        if self._failed is not None:
            raise self._failed
        assert self.tx is not None
        try:
            yield self.tx
        except (DBAPIError, self._driver_error) as error:
            # On a server a statement that fails ends the transaction, and a look has no savepoint to go back to.
            self._fail(error)
            raise

    def add_last(self, things: list[Any], store: Last) -> None:
        """Keep what must come last in the transaction until all calls have been made."""
        self._last += things
        self._store_last = store

    def store_last(self) -> None:
        """Store what was kept; raise what made the group fail."""
        if self._failed is not None:
            raise self._failed
        if self.tx is not None and self._last and self._store_last is not None:
            kept, self._last = self._last, []
            try:
                self._store_last(self.tx, kept)
            except BaseException as error:
                # Its calls must not be stored without it, also when whoever wanted it before the end goes on after the error.
                self._fail(error)
                raise

    def _undo(self, tx: Connection, error: BaseException) -> None:
        """Go back to before a call. Where the database has ended the whole transaction, or is gone, the group has failed."""
        try:
            driver_of(tx).execute(f"ROLLBACK TO {SAVEPOINT}")
        except self._driver_error as lost:
            self._fail(error if isinstance(error, DBAPIError | self._driver_error) else lost)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, QueueError):
            self._failed = error
        elif isinstance(error, DBAPIError):
            self._failed = self._named(error.orig or error)
        else:
            self._failed = self._named(error)
