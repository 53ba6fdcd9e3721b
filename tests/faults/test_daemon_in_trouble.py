"""The daemon in trouble of its own: a locked database, an order to stop that comes early, cases that only ops can mend."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Town, town, wait_for

from workqueue import State

pytestmark = pytest.mark.xdist_group("daemon-in-trouble")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path, cases=12) as running:
        yield running


@contextlib.contextmanager
def locked(database: object) -> Iterator[None]:
    """Hold the write lock of a database in a file, as a backup program or a second robot that hangs would."""
    assert isinstance(database, Path)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_database_locked_for_longer_than_the_robot_waits_stops_nothing_for_good(small: Town) -> None:
    """Locked from before the first case is claimed: the daemon says so, lives, and does all of it when the lock is gone."""
    hold = {"kind": "hold", "delay_s": 60, "path_contains": "/errands", "times": 1}
    small.case_system("POST", "/admin/faults", json=hold)
    with small.running() as process:
        wait_for(lambda: small.demo.log.exists() and any(line["event"] == "daemon.started" for line in small.log()), what="the start")
        with locked(small.demo.settings().storage.database):
            small.case_system("POST", "/admin/release")
            wait_for(lambda: any(line["event"] == "database.unavailable" for line in small.log()), what="a word about the database")
        ended = {State.DELIVERED, State.HANDED_OVER, State.WAITING_FOR_INCOME, State.TAKEN_BY_PERSON}

        def all_ended() -> bool:
            small.case_system("POST", "/admin/release")  # the list may be asked for only now
            return small.items() != [] and {item.state for item in small.items()} <= ended

        wait_for(all_ended, what="the end of all cases")
        assert process.poll() is None


def test_an_order_to_stop_during_the_first_pull_is_followed_at_once(small: Town) -> None:
    small.case_system("POST", "/admin/faults", json={"kind": "hold", "delay_s": 100, "path_contains": "/errands"})
    with small.running() as process:
        wait_for(lambda: small.demo.log.exists() and any(line["event"] == "daemon.started" for line in small.log()), what="the start")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert [line["event"] for line in small.log()][-2:] == ["daemon.stopping", "daemon.stopped"]
    assert small.items() == []


def test_a_case_that_only_ops_can_mend_shows_in_the_exit_code(small: Town) -> None:
    """Writes of documents are refused for good: the cases are parked, the others are done, and `--once` says that not all of it was."""
    small.case_system("POST", "/admin/faults", json={"kind": "http_400", "method": "POST", "path_contains": "/documents", "times": 1})

    small.run_once(expect=1)

    assert [item.state for item in small.items()].count(State.PARKED) == 1
    assert "case.parked" in {line["event"] for line in small.log()}
