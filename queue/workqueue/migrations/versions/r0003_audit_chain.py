"""The audit becomes a chain: each line has a hash over itself and the line before; details move to a table of their own.

Lines that are there are chained in their order and numbered without gaps. Frozen: it must do the same for ever, so it takes nothing
from the program's own tables and chain.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_FIRST = "0" * 64
_BATCH = 1000
_NO_REPLACE = """CREATE TRIGGER TABLE_no_replace BEFORE INSERT ON TABLE WHEN EXISTS (SELECT 1 FROM TABLE WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'events: the audit is append-only'); END"""
_AUDIT_END = """CREATE FUNCTION audit_end(OUT seq bigint, OUT hash text) RETURNS SETOF record LANGUAGE plpgsql AS $end$
    BEGIN
        PERFORM pg_advisory_xact_lock(7091326031959581699);
        RETURN QUERY SELECT events.seq, events.hash::text FROM events ORDER BY events.seq DESC LIMIT 1;
    END $end$"""
"""The lock first, then a look of its own at what is committed by then: each statement of such a function sees anew."""
_OLD = sa.text(
    """SELECT old.seq, old.event_id, items.case_ref, old.at, old.what, old.actor, old.details
    FROM events_0002 AS old JOIN items ON items.id = old.item_id WHERE old.seq > :after ORDER BY old.seq LIMIT :batch"""
).columns(at=sa.DateTime(timezone=True))


def upgrade() -> None:
    """Make the new tables, chain what is there, and guard them."""
    on_a_server = op.get_bind().dialect.name == "postgresql"
    (_set_aside_on_a_server if on_a_server else _set_aside)()
    events, details = _tables()
    _chain(events, details)
    op.drop_table("events_0002")
    (_guard_on_a_server if on_a_server else _guard)()


def _set_aside() -> None:
    for name in ("update", "delete", "replace"):
        op.execute(f"DROP TRIGGER events_no_{name}")
    op.drop_index("ix_events_item_id", "events")
    op.rename_table("events", "events_0002")


def _set_aside_on_a_server() -> None:
    for name in ("update", "delete", "truncate"):
        op.execute(f"DROP TRIGGER events_no_{name} ON events")
    op.drop_index("ix_events_item_id", "events")
    op.rename_table("events", "events_0002")
    op.execute("ALTER INDEX events_pkey RENAME TO events_0002_pkey")


def _tables() -> tuple[sa.Table, sa.Table]:
    events = op.create_table(
        "events",
        sa.Column("seq", _Number, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("case_ref", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("details_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_events_case_ref", "events", ["case_ref"])
    details = op.create_table(
        "event_details",
        sa.Column("seq", _Number, sa.ForeignKey("events.seq"), primary_key=True, autoincrement=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
    )
    return events, details


def _chain(events: sa.Table, details: sa.Table) -> None:
    """Chain in batches, so that memory stays the same however long the audit is."""
    connection = op.get_bind()
    root: bytes = context.config.attributes.get("audit_root", b"")
    after, seq, previous = 0, 0, _FIRST
    while old := connection.execute(_OLD, {"after": after, "batch": _BATCH}).all():
        rows: list[dict[str, Any]] = []
        for line in old:
            seq += 1
            at = _utc(line.at)
            moment = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            row = "\n".join((previous, str(seq), moment, line.what, line.actor, line.case_ref, line.event_id)).encode()
            case_key = hmac.digest(root, line.case_ref.encode(), "sha256")
            bound = hmac.digest(case_key, row + b"\n" + bytes(line.details), "sha256").hex()
            previous = hashlib.sha256(row + b"\n" + bound.encode()).hexdigest()
            rows.append({**line._mapping, "seq": seq, "at": at, "details_hash": bound, "hash": previous})
        connection.execute(events.insert(), [{column.name: row[column.name] for column in events.c} for row in rows])
        connection.execute(details.insert(), [{column.name: row[column.name] for column in details.c} for row in rows])
        after = old[-1].seq


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _guard() -> None:
    """Refuse change and removal; of details only change, for they are deleted when their time is out."""
    for name, verb in (("events", "UPDATE"), ("events", "DELETE"), ("event_details", "UPDATE")):
        op.execute(
            f"""CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name}
            BEGIN SELECT RAISE(ABORT, 'events: the audit is append-only'); END"""
        )
    for name in ("events", "event_details"):
        op.execute(_NO_REPLACE.replace("TABLE", name))


def _guard_on_a_server() -> None:
    """The same guards, by the functions that the first tables brought."""
    for verb in ("UPDATE", "DELETE", "TRUNCATE"):
        _trigger("events", verb)
    for verb in ("UPDATE", "TRUNCATE"):
        _trigger("event_details", verb)
    op.execute(_AUDIT_END)


def _trigger(table: str, verb: str) -> None:
    name = verb.lower()
    op.execute(f"CREATE TRIGGER {table}_no_{name} BEFORE {verb} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION events_no_{name}()")
