"""The first tables: items, drafts, effects, audit events, what has been seen, and the store's key check.

Frozen: it must do the same for ever, so it takes nothing from the program's own tables and states.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_NOT_ENDED = ("ready", "assessing", "waiting_for_income", "waiting_for_register", "to_deliver", "delivering")
_EDGES = (
    ("ready", "assessing"),
    ("to_deliver", "delivering"),
    ("assessing", "waiting_for_income"),
    ("assessing", "waiting_for_register"),
    ("assessing", "delivering"),
    ("assessing", "ready"),
    ("assessing", "taken_by_person"),
    ("assessing", "parked"),
    ("waiting_for_income", "ready"),
    ("waiting_for_register", "ready"),
    ("delivering", "delivered"),
    ("delivering", "handed_over"),
    ("delivering", "taken_by_person"),
    ("delivering", "to_deliver"),
    ("delivering", "parked"),
    ("parked", "ready"),
    ("parked", "to_deliver"),
    ("parked", "superseded"),
    ("delivered", "ready"),
    ("handed_over", "ready"),
    ("taken_by_person", "ready"),
    ("superseded", "ready"),
    *((state, "superseded") for state in _NOT_ENDED),
)


def upgrade() -> None:
    """Make the tables, and the triggers that guard the states and the audit."""
    _items()
    _what_belongs_to_an_item()
    _the_rest()
    if op.get_bind().dialect.name == "postgresql":
        _guard_states_on_a_server()
        _guard_audit_on_a_server()
    else:
        _guard_states()
        _guard_audit()


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _sealed(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


def _item_id() -> sa.Column[int]:
    return sa.Column("item_id", _Number, sa.ForeignKey("items.id"), nullable=False)


def _index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, "items", columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("id", _Number, sa.Identity(), primary_key=True),
        _text("case_ref", 16),
        _text("case_system", 64),
        _text("case_id", 128),
        _text("version", 128),
        sa.Column("is_current", sa.Boolean, nullable=False),
        _sealed("number"),
        _sealed("assigned_to"),
        _text("month", 7, nullable=True),
        _number("run"),
        _text("state", 32),
        _number("priority"),
        _time("not_before"),
        _time("deadline"),
        _time("first_pulled_at"),
        _time("waiting_since", nullable=True),
        _number("attempts"),
        _number("rescues"),
        _text("reason", 64, nullable=True),
        _number("lease"),
        _text("leased_by", 64, nullable=True),
        sa.Column("lease_until", sa.Float),
        _text("outcome", 32, nullable=True),
        _time("ended_at", nullable=True),
        sa.UniqueConstraint("case_ref"),
        sa.UniqueConstraint("case_system", "case_id", "version", name="items_one_per_version"),
        sa.CheckConstraint("outcome IN ('ok', 'review', 'handed_over', 'urgent', 'taken_by_person')", name="items_outcome"),
        sa.CheckConstraint("priority IN (0, 1)", name="items_priority"),
        sa.CheckConstraint("(state IN ('assessing', 'delivering')) = (lease_until IS NOT NULL)", name="items_leased"),
        sqlite_autoincrement=True,
    )
    _index("items_one_current", ["case_system", "case_id"], "is_current", unique=True)
    _index("items_to_claim", ["priority", "deadline", "id"], "state IN ('ready', 'to_deliver')")
    _index("items_in_hand", ["lease_until"], "state IN ('assessing', 'delivering')")
    _index("items_at_rest", ["not_before"], "state IN ('waiting_for_income', 'waiting_for_register')")


def _what_belongs_to_an_item() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", _Number, sa.Identity(), primary_key=True),
        _item_id(),
        _number("run"),
        _time("made_at"),
        _sealed("content"),
        sa.UniqueConstraint("item_id", "run", name="drafts_one_per_run"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "effects",
        sa.Column("key", sa.String(256), primary_key=True),
        _item_id(),
        _number("run"),
        _number("position"),
        _text("kind", 64),
        _sealed("payload"),
        _time("done_at", nullable=True),
        sa.Column("found", sa.Boolean),
        _sealed("reference", nullable=True),
        sa.UniqueConstraint("item_id", "run", "position", name="effects_in_order"),
    )
    op.create_table(
        "events",
        sa.Column("seq", _Number, sa.Identity(), primary_key=True),
        _text("event_id", 32),
        _item_id(),
        _time("at"),
        _text("what", 64),
        _text("actor", 64),
        _sealed("details"),
        sa.UniqueConstraint("event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_item_id", "events", ["item_id"])


def _the_rest() -> None:
    op.create_table(
        "seen",
        sa.Column("case_system", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(128), primary_key=True),
        _text("changed_at", 64),
    )
    op.create_table(
        "pulls",
        sa.Column("case_system", sa.String(64), primary_key=True),
        _time("last_at"),
    )
    op.create_table(
        "store",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _text("key_id", 16),
        _sealed("key_check"),
    )


def _allowed() -> str:
    return ", ".join(f"'{source}>{target}'" for source, target in _EDGES)


def _guard_states() -> None:
    op.execute(
        f"""CREATE TRIGGER items_edges BEFORE UPDATE OF state ON items
        WHEN OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({_allowed()})
        BEGIN SELECT RAISE(ABORT, 'items: no such edge between states'); END"""
    )
    op.execute(
        """CREATE TRIGGER items_start BEFORE INSERT ON items WHEN NEW.state <> 'ready'
        BEGIN SELECT RAISE(ABORT, 'items: a case begins as ready'); END"""
    )


def _guard_audit() -> None:
    """Refuse change and removal. INSERT OR REPLACE would remove without asking the trigger for removal, hence the third."""
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"""CREATE TRIGGER events_no_{verb.lower()} BEFORE {verb} ON events
            BEGIN SELECT RAISE(ABORT, 'events: the audit is append-only'); END"""
        )
    op.execute(
        """CREATE TRIGGER events_no_replace BEFORE INSERT ON events
        WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq OR event_id = NEW.event_id)
        BEGIN SELECT RAISE(ABORT, 'events: the audit is append-only'); END"""
    )


def _guard_states_on_a_server() -> None:
    """The same guards. The error names the guard, so that the program can tell it without the server's text."""
    _guard(
        "items_edges",
        "items: no such edge between states",
        before="UPDATE OF state ON items FOR EACH ROW",
        refuse=f"OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({_allowed()})",
    )
    _guard(
        "items_start",
        "items: a case begins as ready",
        before="INSERT ON items FOR EACH ROW",
        refuse="NEW.state <> 'ready'",
    )


def _guard_audit_on_a_server() -> None:
    """The same guards; a table can also be emptied in one stroke there, and nothing replaces a row without asking them."""
    for verb in ("UPDATE", "DELETE", "TRUNCATE"):
        name = f"events_no_{verb.lower()}"
        _guard(name, "events: the audit is append-only", before=f"{verb} ON events FOR EACH STATEMENT", refuse="true")


def _guard(name: str, says: str, *, before: str, refuse: str) -> None:
    op.execute(
        f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $guard$
        BEGIN
            IF {refuse} THEN
                RAISE EXCEPTION '{says}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
            END IF;
            RETURN NEW;
        END $guard$"""
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {before} EXECUTE FUNCTION {name}()")
