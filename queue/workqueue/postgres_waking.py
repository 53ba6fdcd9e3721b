"""LISTEN on a PostgreSQL server, without a thread that waits."""

from __future__ import annotations

import psycopg

from workqueue.address import PostgresAddress
from workqueue.database import translated
from workqueue.postgres import connect
from workqueue.postgres_errors import named
from workqueue.waking import CHANNEL, Listener


class PostgresListener(Listener):
    """One connection that does nothing else. The server's keepalives find out when the line is cut."""

    def __init__(self, address: PostgresAddress) -> None:
        with translated(named):
            try:
                self._connection = connect(address)
                self._connection.autocommit = True
                self._connection.execute(f"LISTEN {CHANNEL}".encode())
            except psycopg.Error as error:
                raise named(error) from None

    def fileno(self) -> int:
        """Return the connection's socket."""
        return self._connection.fileno()

    def heard(self) -> bool:
        """Read what has come; several notes are one."""
        try:
            wire = self._connection.pgconn
            wire.consume_input()
            told = False
            while wire.notifies() is not None:
                told = True
        except psycopg.Error as error:
            raise named(error) from None
        return told

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
