"""On PostgreSQL a robot's user can do a robot's work and nothing else: it changes no audit, makes no tables, exchanges no key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from harness import Town, change, town
from postgres_server import PostgresServer, postgres_server

from robot.database import open_key
from workqueue import PermanentQueueError, PostgresAddress, State, WorkQueue, upgrade
from workqueue.tables import metadata

pytestmark = pytest.mark.xdist_group("database-roles")

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "postgres-roles.sql"
CASES = 16
READ, ADD, CHANGE, ALL = {"SELECT"}, {"SELECT", "INSERT"}, {"SELECT", "INSERT", "UPDATE"}, {"SELECT", "INSERT", "UPDATE", "DELETE"}
WORKER = {
    **dict.fromkeys(("events", "event_details", "drafts", "case_keys"), ADD),
    **dict.fromkeys(("items", "case_people", "seen", "pulls"), CHANGE),
    **dict.fromkeys(("effects", "duties", "pauses", "tallies"), ALL),
    **dict.fromkeys(("store", "secrets", "programs", "retention_lists", "retention_cases", "forgotten", "alembic_version"), READ),
}
"""What a robot may, of every table there is: a new one is put in on purpose."""
FORBIDDEN = (
    "UPDATE events SET actor = 'somebody'",
    "DELETE FROM events",
    "TRUNCATE events CASCADE",
    "UPDATE event_details SET details = 'x'",
    "DELETE FROM event_details",
    "DELETE FROM items",
    "DELETE FROM drafts",
    "UPDATE drafts SET run = 9",
    "DELETE FROM case_keys",
    "UPDATE case_keys SET wrapped = 'x'",
    "UPDATE secrets SET wrapped = 'x'",
    "UPDATE store SET key_check = 'x'",
    "UPDATE retention_lists SET state = 'approved'",
    "INSERT INTO retention_lists (ref) VALUES ('x')",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "DROP TRIGGER events_no_update ON events",
    "SET session_replication_role = replica",
    "CREATE TABLE mine (x integer)",
    "CREATE TEMP TABLE mine (x integer)",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "DROP TABLE events CASCADE",
    "UPDATE alembic_version SET version_num = '0001'",
    "SET ROLE town_owner",
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(scope="module")
def one_town(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A municipality whose database was made by its owner, and whose robot has a user of its own."""
    with server.connect() as admin:
        admin.execute("CREATE ROLE town_owner LOGIN")
        admin.execute("CREATE DATABASE town OWNER town_owner")
    with town(tmp_path_factory.mktemp("roles"), cases=CASES, database=server.url("town", "town_owner")) as running:
        upgrade(server.address("town", "town_owner"), key=open_key(running.demo.settings()))
        with server.connect("town") as admin:
            for _ in ("once", "running it again changes nothing"):
                admin.execute(ROLES.read_text(encoding="utf-8"))
            for role in ("worker", "retention", "auditor"):
                admin.execute(f"CREATE ROLE the_{role} LOGIN IN ROLE bistandsrobot_{role}")
            admin.execute("CREATE ROLE a_stranger LOGIN")
        change(running.demo.config, {"storage": {"database": server.url("town", "the_worker")}})
        running.run_once()
        yield running


def as_user(server: PostgresServer, user: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(server.folder), user=user, dbname="town", autocommit=True, connect_timeout=5)


@pytest.fixture
def opened_as(server: PostgresServer, one_town: Town) -> Iterator[Callable[[str], WorkQueue]]:
    opened: list[WorkQueue] = []

    def open_it(user: str) -> WorkQueue:
        settings = one_town.demo.settings()
        place: PostgresAddress = server.address("town", user)
        opened.append(WorkQueue.open(place, key=open_key(settings), clock=settings.clock()))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


def test_a_robot_with_a_robots_rights_prepares_every_case(one_town: Town) -> None:
    items = one_town.items()
    assert len(items) == CASES
    ended = {State.DELIVERED, State.HANDED_OVER, State.TAKEN_BY_PERSON, State.WAITING_FOR_INCOME}
    assert {item.state for item in items} <= ended
    assert sum(item.state is State.DELIVERED for item in items) >= CASES / 2
    assert not [line for line in one_town.log() if line["level"] in ("warning", "error")]


def test_every_table_is_given_to_the_robot_as_far_as_it_needs_it(server: PostgresServer, one_town: Town) -> None:
    with server.connect("town") as admin:
        rows = admin.execute(
            """SELECT table_name, privilege_type FROM information_schema.role_table_grants
            WHERE grantee = 'bistandsrobot_worker' AND table_schema = 'public'"""
        ).fetchall()
    given: dict[str, set[str]] = {}
    for table, right in rows:
        given.setdefault(table, set()).add(right)
    assert given == WORKER
    assert set(WORKER) == {table.name for table in metadata.sorted_tables} | {"alembic_version"}


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_a_robot_cannot(statement: str, server: PostgresServer, one_town: Town) -> None:
    with as_user(server, "the_worker") as worker, pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute(statement)


def test_an_auditor_reads_the_chain_and_writes_nothing(
    server: PostgresServer, one_town: Town, opened_as: Callable[[str], WorkQueue]
) -> None:
    found = opened_as("the_auditor").verify_audit()
    assert found.events > CASES
    assert not found.problems
    for statement in ("INSERT INTO duties VALUES ('x', 'y', 1)", "DELETE FROM events", "SELECT * FROM drafts", "SELECT * FROM effects"):
        with as_user(server, "the_auditor") as auditor, pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.execute(statement)


def test_gallring_can_delete_nothing_that_stands_on_no_approved_list(server: PostgresServer, one_town: Town) -> None:
    with as_user(server, "the_retention") as retention:
        for statement in ("DELETE FROM events", "UPDATE events SET actor = 'x'", "UPDATE secrets SET wrapped = 'x'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                retention.execute(statement)
        with pytest.raises(psycopg.errors.CheckViolation, match="append-only"):
            retention.execute("DELETE FROM event_details")


def test_a_stranger_on_the_server_does_not_even_get_in(server: PostgresServer, one_town: Town) -> None:
    with pytest.raises(psycopg.OperationalError):
        as_user(server, "a_stranger")


def test_a_robot_that_meets_another_versions_tables_says_so_and_changes_nothing(
    server: PostgresServer, one_town: Town, opened_as: Callable[[str], WorkQueue]
) -> None:
    with server.connect("town") as admin:
        (now,) = admin.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        admin.execute("UPDATE alembic_version SET version_num = '0001'")
        try:
            with pytest.raises(PermanentQueueError, match="QUE-021"):
                opened_as("the_worker")
        finally:
            admin.execute("UPDATE alembic_version SET version_num = %s", (now,))
    assert opened_as("the_worker").counts()
