"""The tables as they are now. How they came about is in migrations/; a test keeps the two equal.

Columns of type LargeBinary are sealed (sealing.py), but for the keyed hashes in `case_people`. All others are in clear, and nothing in
them tells a stop from a control sample.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData()
TO_CLAIM = "state IN ('ready', 'to_deliver')"
IN_HAND = "state IN ('assessing', 'delivering')"
AT_REST = "state IN ('waiting_for_income', 'waiting_for_register')"
NOT_DONE = "outcome IS NULL"
PARKED = "state = 'parked'"
CURRENT = "is_current"
HAS_ENDED = "ended_at IS NOT NULL"
"""Each written once: a query uses the small index made for it only when it says the very same."""

Number = BigInteger().with_variant(Integer, "sqlite")
"""A row's number: SQLite counts only in a column that it calls INTEGER."""


class Instant(TypeDecorator[datetime]):
    """A point in time, kept in UTC. Takes and gives aware datetimes only."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn into UTC; a time without zone is a bug."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back as UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of the rows that meet a condition, on either kind of database."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


items = Table(
    "items",
    metadata,
    Column("id", Number, Identity(), primary_key=True),
    Column("case_ref", String(16), nullable=False, unique=True),
    Column("case_system", String(64), nullable=False),
    Column("case_id", String(128), nullable=False),
    Column("version", String(128), nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("number", LargeBinary, nullable=False),
    Column("assigned_to", LargeBinary, nullable=False),
    Column("month", String(7)),
    Column("run", Integer, nullable=False),
    Column("state", String(32), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),
    Column("first_pulled_at", Instant, nullable=False),
    Column("waiting_since", Instant),
    Column("attempts", Integer, nullable=False),
    Column("rescues", Integer, nullable=False),
    Column("reason", String(64)),
    Column("lease", Integer, nullable=False),
    Column("leased_by", String(64)),
    Column("lease_until", Float),
    Column("outcome", String(32)),
    Column("ended_at", Instant),
    Column("kind", String(16)),
    Column("to_person", Boolean),
    UniqueConstraint("case_system", "case_id", "version", name="items_one_per_version"),
    CheckConstraint(
        "outcome IN ('ok', 'review', 'handed_over', 'urgent', 'taken_by_person')",
        name="items_outcome",
    ),
    CheckConstraint("priority IN (0, 1)", name="items_priority"),
    CheckConstraint(f"({IN_HAND}) = (lease_until IS NOT NULL)", name="items_leased"),
    _index("items_one_current", "case_system", "case_id", where=CURRENT, unique=True),
    _index("items_to_claim", "priority", "deadline", "id", where=TO_CLAIM),
    _index("items_in_hand", "lease_until", where=IN_HAND),
    _index("items_at_rest", "not_before", where=AT_REST),
    _index("items_parked", "id", where=PARKED),
    _index("items_listed", "priority", "deadline", "id", where=CURRENT),
    _index("items_ended", "ended_at", "id", where=HAS_ENDED),
    sqlite_autoincrement=True,
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Number, Identity(), primary_key=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("run", Integer, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("item_id", "run", name="drafts_one_per_run"),
    sqlite_autoincrement=True,
)

effects = Table(
    "effects",
    metadata,
    Column("key", String(256), primary_key=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("run", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("done_at", Instant),
    Column("found", Boolean),
    Column("reference", LargeBinary),
    UniqueConstraint("item_id", "run", "position", name="effects_in_order"),
)

events = Table(
    "events",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("event_id", String(32), nullable=False),
    Column("case_ref", String(16), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("what", String(64), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("details_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
"""The audit, a chain (chain.py). It refers to no other table, so that it stands when what it tells of has been deleted."""

event_details = Table(
    "event_details",
    metadata,
    Column("seq", ForeignKey("events.seq"), primary_key=True, autoincrement=False),
    Column("details", LargeBinary, nullable=False),
)

seen = Table(
    "seen",
    metadata,
    Column("case_system", String(64), primary_key=True),
    Column("case_id", String(128), primary_key=True),
    Column("changed_at", String(64), nullable=False),
)

pulls = Table(
    "pulls",
    metadata,
    Column("case_system", String(64), primary_key=True),
    Column("last_at", Instant, nullable=False),
)

duties = Table(
    "duties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("held_until", Float, nullable=False),
)

store = Table(
    "store",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key_id", String(16), nullable=False),
    Column("key_check", LargeBinary, nullable=False),
)

programs = Table(
    "programs",
    metadata,
    Column("revision", String(32), primary_key=True),
    Column("oldest", String(32), nullable=False),
)
"""For each revision of the tables, the oldest program's revision that may work on them (upgrading.py)."""

pauses = Table(
    "pauses",
    metadata,
    Column("what", String(16), primary_key=True),
    Column("since", Instant, nullable=False),
    Column("by", String(64), nullable=False),
)
"""What is not claimed: `all`, or a kind of application (pausing.py). At most a handful of rows."""

tallies = Table(
    "tallies",
    metadata,
    Column("bucket", String(32), primary_key=True),
    Column("figure", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("ore", BigInteger),
    Index("tallies_in_order", "at", "bucket"),
)
"""What came of cases, many at a time, so that no row tells of one case alone (tallying.py)."""

case_keys = Table(
    "case_keys",
    metadata,
    Column("case_ref", String(16), primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)
"""The key that all of a case is sealed with, wrapped by the master key `key_id`. Without it nothing of the case can be read."""

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)
"""What must stay the same when the master key is exchanged, wrapped by it."""

retention_lists = Table(
    "retention_lists",
    metadata,
    Column("ref", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("rule", String(16), nullable=False),
    Column("keep_months", Integer, nullable=False),
    Column("rule_since", Date, nullable=False),
    Column("rule_reference", String(500), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("approved_at", Instant),
    Column("approved_by", String(64)),
    Column("approved_as", String(16)),
    Column("ended_at", Instant),
    CheckConstraint("(state IN ('approved', 'carried_out')) <= (approved_at IS NOT NULL)", name="retention_lists_approved"),
)
"""Lists of cases whose time is out (forgetting.py). Nothing is deleted but by one that was approved."""

retention_cases = Table(
    "retention_cases",
    metadata,
    Column("list_ref", ForeignKey("retention_lists.ref"), primary_key=True),
    Column("case_ref", String(16), primary_key=True),
    Column("of_case", String(16), nullable=False),
    Column("last_seq", Number, nullable=False),
    Column("began_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("outcome", String(32)),
    Column("done_at", Instant),
    _index("retention_cases_left", "list_ref", "of_case", where=NOT_DONE),
    _index("retention_cases_listed", "case_ref", where=NOT_DONE),
)
"""The versions on a list. `of_case` = the newest version of the same case: all versions of a case go together."""

forgotten = Table(
    "forgotten",
    metadata,
    Column("case_ref", String(16), primary_key=True),
    Column("list_ref", ForeignKey("retention_lists.ref"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("version_mark", String(64), nullable=False),
    Index("forgotten_versions", "version_mark"),
)
"""What is left of a version that was forgotten; by the keyed hash of what it was it is not taken for new when it is pulled again."""

case_people = Table(
    "case_people",
    metadata,
    Column("item_id", ForeignKey("items.id"), primary_key=True, autoincrement=False),
    Column("marks", LargeBinary, nullable=False),
)
"""Keyed hashes of who is in a case, each case's its own, filled up with random ones: without the key nobody can link two cases."""
