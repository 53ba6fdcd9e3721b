"""Promises about the server: what its errors mean, what they never tell, and that it may go away and come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from postgres_server import PostgresServer, postgres_server
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.queue.queue_bench import LEASE_S, FakeClock, pulled
from tests.queue.queue_stores import PostgresStore
from workqueue import MasterKey, PermanentQueueError, PostgresAddress, QueueError, RetriableQueueError, WorkQueue, is_made
from workqueue.postgres import PostgresDatabase
from workqueue.postgres_errors import named

SECRET = "Påhittade Särskiltsson"
"""Made up."""


@pytest.fixture
def queue(postgres: PostgresStore) -> Iterator[WorkQueue]:
    """An open queue on the server's own time."""
    opened = WorkQueue.open(postgres.place, key=postgres.key, clock=FakeClock())
    yield opened
    opened.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[tuple[PostgresServer, WorkQueue]]:
    """A server that the test may treat as it likes, and a queue on it."""
    with postgres_server({}) as running:
        opened = WorkQueue.open(running.address(), key=MasterKey.load_or_create(tmp_path / "master.key"), clock=FakeClock())
        yield running, opened
        opened.close()


def _error(state: str) -> psycopg.Error:
    return psycopg.errors.lookup(state)(f"{SECRET} stands in the server's text")


@pytest.mark.parametrize(
    ("state", "code", "passing"),
    [
        ("40001", "QUE-001", True),
        ("40P01", "QUE-001", True),
        ("55P03", "QUE-001", True),
        ("57014", "QUE-001", True),
        ("53100", "QUE-002", True),
        ("58030", "QUE-002", True),
        ("57P01", "QUE-005", True),
        ("57P02", "QUE-005", True),
        ("57P03", "QUE-005", True),
        ("08006", "QUE-005", True),
        ("25P03", "QUE-005", True),
        ("25006", "QUE-006", True),
        ("53300", "QUE-007", True),
        ("42501", "QUE-008", False),
        ("28P01", "QUE-008", False),
        ("3D000", "QUE-008", False),
        ("XX001", "QUE-003", False),
        ("23505", "QUE-004", False),
        ("42601", "QUE-004", False),
    ],
)
def test_what_the_server_says_is_told_by_its_state_and_never_by_its_text(state: str, code: str, passing: bool) -> None:
    error = named(_error(state))
    assert error.code == code
    assert isinstance(error, RetriableQueueError if passing else PermanentQueueError)
    assert state in str(error)
    assert "Särskiltsson" not in str(error)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('FATAL:  password authentication failed for user "robot"', "QUE-008"),
        ("FATAL:  sorry, too many clients already", "QUE-007"),
        ("FATAL:  the database system is starting up", "QUE-005"),
        ("connection refused", "QUE-005"),
        ("server closed the connection unexpectedly", "QUE-005"),
        ("session is read-only", "QUE-006"),
    ],
)
def test_what_is_said_at_the_door_is_told_in_our_words(said: str, code: str) -> None:
    error = named(psycopg.OperationalError(f"{said} {SECRET}"))
    assert error.code == code
    assert "Särskiltsson" not in str(error)
    assert "robot" not in error.detail


def test_an_error_of_a_statement_quotes_no_value(postgres: PostgresStore) -> None:
    database = PostgresDatabase(postgres.place)
    with pytest.raises(PermanentQueueError) as caught, database.write() as tx:
        tx.execute(text("INSERT INTO seen VALUES ('s', :name, 'x'), ('s', :name, 'y')"), {"name": SECRET})
    assert caught.value.code == "QUE-004"
    assert "seen_pkey" in caught.value.detail
    assert "Särskiltsson" not in repr(caught.value)
    assert caught.value.__cause__ is None
    database.close()


def test_a_session_is_set_up_to_lose_nothing_and_to_hold_up_nobody(postgres: PostgresStore) -> None:
    database = PostgresDatabase(postgres.place, busy_timeout_s=7)
    with database.write() as tx:
        shown = {name: tx.execute(text(f"SHOW {name}")).scalar_one() for name in ("synchronous_commit", "lock_timeout", "timezone")}
        idle = tx.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    assert shown == {"synchronous_commit": "on", "lock_timeout": "7s", "timezone": "UTC"}
    assert idle == "15s", "who stands still with the audit in hand holds up everybody"
    with pytest.raises(RetriableQueueError, match="QUE-006"), database.read() as tx:
        tx.execute(text("DELETE FROM seen"))
    database.close()


def test_who_waits_for_another_transaction_gives_up_in_time(postgres: PostgresStore) -> None:
    one, two = (WorkQueue.open(postgres.place, key=postgres.key, clock=FakeClock(), busy_timeout_s=0.1) for _ in range(2))
    one.add(pulled())
    (claimed,) = one.claim("one", 1, LEASE_S)
    with one._db.write() as tx:
        tx.execute(text("SELECT 1 FROM items FOR UPDATE"))
        assert two.counts(), "who reads waits for nobody"
        assert two.release_expired() == []
        assert two.claim("two", 1, LEASE_S) == []
        with pytest.raises(RetriableQueueError) as caught:
            two.park(claimed, "CASE-001")
    assert caught.value.code == "QUE-001"
    one.close()
    two.close()


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_server_that_comes_back_is_used_again_and_nothing_stored_is_lost(own_server: tuple[PostgresServer, WorkQueue], how: str) -> None:
    server, queue = own_server
    ref = queue.add(pulled()).case_ref
    server.stop() if how == "stopped" else server.kill()
    for _ in range(3):
        with pytest.raises(RetriableQueueError) as caught:
            queue.claim("worker", 1, LEASE_S)
        assert caught.value.code == "QUE-005"
    server.start()
    assert [one.case_ref for one in queue.claim("worker", 1, LEASE_S)] == [ref]
    assert queue.integrity() == []


def test_a_server_set_to_read_only_is_something_to_try_again_and_its_connections_are_let_go(
    own_server: tuple[PostgresServer, WorkQueue],
) -> None:
    server, queue = own_server
    queue.add(pulled())
    with server.connect() as admin:
        admin.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bistandsrobot'")
        for _ in range(2):
            with pytest.raises(RetriableQueueError):
                queue.claim("worker", 1, LEASE_S)
        with pytest.raises(RetriableQueueError) as caught:
            queue.claim("worker", 1, LEASE_S)
        assert caught.value.code == "QUE-006"
        admin.execute("SET default_transaction_read_only = off")
        admin.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
    assert len(queue.claim("worker", 1, LEASE_S)) == 1


def test_a_server_without_a_free_connection_is_something_to_try_again(tmp_path: Path) -> None:
    with postgres_server({"max_connections": "4", "superuser_reserved_connections": "0", "reserved_connections": "0"}) as server:
        key = MasterKey.load_or_create(tmp_path / "master.key")
        WorkQueue.open(server.address(), key=key, clock=FakeClock()).close()
        held = [server.connect() for _ in range(4)]
        with pytest.raises(RetriableQueueError) as caught:
            WorkQueue.open(server.address(), key=key, clock=FakeClock())
        assert caught.value.code == "QUE-007"
        for one in held:
            one.close()


@pytest.mark.parametrize("what", [{"database": "nowhere"}, {"user": "nobody"}])
def test_a_server_that_refuses_us_is_for_a_person(server: PostgresServer, what: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(PermanentQueueError) as caught:
        is_made(server.address(**what))
    assert caught.value.code == "QUE-008"


def test_threads_that_deadlock_are_told_to_try_again(queue: WorkQueue) -> None:
    """Two transactions that take the same rows in opposite order: one is told to try again, the other goes on."""
    for name in ("a", "b"):
        queue.add(pulled(name))
    both, codes = threading.Barrier(2), []

    def take(first: str, second: str) -> None:
        try:
            with queue._db.write() as tx:
                tx.execute(text("SELECT 1 FROM items WHERE case_id = :case FOR UPDATE"), {"case": first})
                both.wait()
                tx.execute(text("SELECT 1 FROM items WHERE case_id = :case FOR UPDATE"), {"case": second})
        except QueueError as error:
            codes.append((type(error), error.code))

    threads = [threading.Thread(target=take, args=order) for order in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [(RetriableQueueError, "QUE-001")]


# The address and the password


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://robot@db.example.se/bistand",
        "postgresql://robot@db.example.se/bistand?sslmode=require",
        "postgresql://robot@db.example.se/bistand?sslmode=verify-full",
        "postgresql://robot@127.0.0.1,db.example.se/bistand",
        "postgresql://robot@10.0.0.1/bistand?sslmode=prefer&sslrootcert=ca.pem",
    ],
)
def test_a_server_beyond_this_machine_is_refused_unless_it_proves_who_it_is(url: str) -> None:
    with pytest.raises(ValueError, match="sslmode=verify-full"):
        PostgresAddress.parse(url)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("postgresql://robot@localhost/bistand", True),
        ("postgresql://robot@127.0.0.1:5433/bistand", True),
        ("postgresql://robot@[::1]/bistand", True),
        ("postgresql:///bistand?host=/run/postgresql", True),
        ("postgresql://robot@db1.example.se,db2.example.se/bistand?sslmode=verify-full&sslrootcert=ca.pem", False),
    ],
)
def test_an_address_says_whether_the_server_is_on_this_machine(url: str, local: bool) -> None:
    assert PostgresAddress.parse(url).is_local() is local


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://robot:hemligt@localhost/bistand",
        "postgresql://robot@localhost/bistand?password=hemligt",
        "postgresql://robot@localhost/bistand?passfile=hemligt",
        "postgresql://robot@localhost/?hemligt",
        "postgresql://robot:hem ligt@@localhost:port/bistand",
        "postgresql://robot@localhost",
        "postgresql://robot@localhost/bistand?options=-chemligt",
    ],
)
def test_an_address_with_a_password_or_a_slip_of_the_pen_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        PostgresAddress.parse(url)
    assert "hemligt" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_files_in_an_address_count_from_the_configurations_folder(tmp_path: Path) -> None:
    url = "postgresql://r@db.example.se/b?sslmode=verify-full&sslrootcert=tls/ca.pem"
    address = PostgresAddress.parse(url).within(tmp_path, tmp_path / "password")
    assert address.options["sslrootcert"] == str(tmp_path / "tls" / "ca.pem")
    assert str(address) == "postgresql://db.example.se/b"


def test_a_password_is_read_from_its_file_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    address = PostgresAddress.parse("postgresql://r@localhost/b").within(tmp_path, file)
    for word in ("one", "another å"):
        file.write_text(f"{word}\n", encoding="utf-8")
        file.chmod(0o600)
        assert address.password() == word
    assert "another" not in repr(address)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_password_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "password"
    file.write_text("hemligt", encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(PermanentQueueError) as caught:
        PostgresAddress.parse("postgresql://r@localhost/b").within(tmp_path, file).password()
    assert caught.value.code == "QUE-036"
    assert "hemligt" not in str(caught.value)


def test_without_a_file_the_systemd_credential_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = PostgresAddress.parse("postgresql://r@localhost/b")
    assert address.password() is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert address.password() is None
    (tmp_path / "database-password").write_text("hemligt\n", encoding="utf-8")
    (tmp_path / "database-password").chmod(0o440)
    assert address.password() == "hemligt"


def test_a_connection_found_lost_before_the_commit_is_something_to_try_again(queue: WorkQueue) -> None:
    def lose() -> None:
        with queue._db.write() as tx:
            tx.execute(text("SELECT 1"))
            tx.invalidate()

    with pytest.raises(RetriableQueueError) as caught:
        lose()
    assert caught.value.code == "QUE-005"
    assert queue.add(pulled("a")).created


def test_a_transaction_in_which_a_failed_statement_was_passed_over_is_never_taken_for_committed(queue: WorkQueue) -> None:
    def change_and_fail() -> None:
        with queue._db.write() as tx:
            tx.execute(text("DELETE FROM pauses"))
            with suppress(DBAPIError):
                tx.execute(text("SELECT * FROM nowhere"))

    with pytest.raises(PermanentQueueError, match="QUE-004"):
        change_and_fail()
    assert queue.add(pulled()).created
