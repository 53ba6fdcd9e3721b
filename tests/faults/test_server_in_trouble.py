"""The database server in trouble: killed again and again, read-only, behind a firewall that drops or cuts. The robot lives and goes on."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_checks import OF_A_DAEMON, codes, events, has_ended, not_pulled, nothing_lost_doubled_or_stuck
from harness import LIMIT_S, Changes, Town, town, wait_for
from postgres_server import PostgresServer
from proxies import wire
from soak import much

from tests.faults.conftest import QUICK, merged, new_database

pytestmark = pytest.mark.xdist_group("server-in-trouble")

CASES = much("SERVER_CASES", 40, 800)
KILLS = much("SERVER_KILLS", 3, 20)
SOONEST_S, LATEST_S = much("SERVER_SOONEST_S", 0.8, 5.0), much("SERVER_LATEST_S", 2.0, 40.0)
ENDS_WITHIN_S = much("SERVER_ENDS_S", LIMIT_S, 600.0)
SLOW: Changes = {"work": {"cases_in_flight": 3}}
Make = Callable[..., Town]


@pytest.fixture
def on_server(own_server: PostgresServer, tmp_path: Path) -> Iterator[Make]:
    """Return a maker of a town on a server that the test may harm."""
    with contextlib.ExitStack() as stack:

        def make(url: str | None = None) -> Town:
            database = url or own_server.url(new_database(own_server))
            return stack.enter_context(town(tmp_path, cases=CASES, database=database, changes=merged(QUICK, SLOW)))

        yield make


def _begun(running: Town) -> bool:
    return events(running)["case.finished"] > 2


def _goes_on_to_the_end(running: Town, process: Any) -> None:
    wait_for(lambda: has_ended(running) and not not_pulled(running), within_s=ENDS_WITHIN_S, what="every case at rest")
    assert process.poll() is None, running.tail()


def _told_well(running: Town, *allowed: str) -> None:
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)
    assert {code for code in codes(running) if code.startswith("QUE")} <= {*allowed, "QUE-010", "QUE-011"}, codes(running)
    assert events(running)["database.back"] >= 1


def test_killed_again_and_again_the_server_loses_and_doubles_nothing(
    on_server: Make, own_server: PostgresServer, chance: random.Random
) -> None:
    running = on_server()
    with running.running() as process:
        wait_for(lambda: _begun(running), what="the first cases")
        for number in range(KILLS):
            time.sleep(chance.uniform(SOONEST_S, LATEST_S))
            own_server.kill()
            time.sleep(chance.uniform(0.0, 1.0))
            own_server.start()
            if number < KILLS - 1:
                running.demo.arrive(3)
        _goes_on_to_the_end(running, process)
    _told_well(running, "QUE-005")


def test_a_server_that_becomes_read_only_and_writable_again_is_waited_for(on_server: Make, own_server: PostgresServer) -> None:
    running = on_server()
    with running.running() as process:
        wait_for(lambda: _begun(running), what="the first cases")
        with own_server.connect() as admin:
            admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bistandsrobot'")
            wait_for(lambda: "QUE-006" in codes(running), what="a word about it")
            time.sleep(1)
            assert process.poll() is None
            admin.execute("SET default_transaction_read_only = off")
            admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
            admin.execute("SELECT pg_reload_conf()")
        _goes_on_to_the_end(running, process)
    _told_well(running, "QUE-005", "QUE-006")


@pytest.mark.parametrize("how", ["dropped", "cut"])
def test_a_firewall_that_drops_or_cuts_the_connection_costs_time_and_nothing_else(
    on_server: Make, own_server: PostgresServer, how: str
) -> None:
    with wire(own_server.folder / ".s.PGSQL.5432") as to_server:
        database = new_database(own_server)
        running = on_server(f"postgresql://postgres@127.0.0.1:{to_server.port}/{database}")
        with running.running() as process:
            wait_for(lambda: _begun(running), what="the first cases")
            to_server.silence() if how == "dropped" else to_server.cut()
            time.sleep(4)
            finished = events(running)["case.finished"]
            assert process.poll() is None
            to_server.mend()
            _goes_on_to_the_end(running, process)
        assert events(running)["case.finished"] > finished, "it was done before the connection was lost"
        _told_well(running, "QUE-005")


@pytest.fixture
def standby(own_server: PostgresServer) -> Iterator[PostgresServer]:
    """A standby that has all that the server has committed: the server waits for it."""
    other = PostgresServer({})
    try:
        other._run("pg_basebackup", "-h", str(own_server.folder), "-U", "postgres", "-D", str(other.data), "-R", "--checkpoint=fast")
        other.start()
        with own_server.connect() as admin:
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            admin.execute("SELECT pg_reload_conf()")
        yield other
    finally:
        other.close()


def test_when_the_server_is_lost_its_standby_takes_over_and_nothing_is_lost(
    on_server: Make, own_server: PostgresServer, standby: PostgresServer
) -> None:
    """The robot is given both addresses. While there is only the standby it is told that nobody takes writes; then it is promoted."""
    database = new_database(own_server)
    running = on_server(f"postgresql://postgres@/{database}?host={own_server.folder},{standby.folder}")
    with running.running() as process:
        wait_for(lambda: _begun(running), what="the first cases")
        own_server.kill()
        wait_for(lambda: bool(codes(running) & {"QUE-005", "QUE-006"}), what="a word about it")
        time.sleep(1)
        assert process.poll() is None
        with standby.connect() as admin:
            assert admin.execute("SELECT pg_promote()").fetchone() == (True,)
        _goes_on_to_the_end(running, process)
    _told_well(running, "QUE-005", "QUE-006")
