"""Controls: what is paused, which kind of application a case is, cases that ops hand over, cases computed without being written, figures.

No older program may work on these tables: it would know of no pause, and go on with what a person has stopped.
Frozen: it must do the same for ever, so it takes nothing from the program's own tables and states.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

_NOT_ENDED = ("ready", "assessing", "waiting_for_income", "waiting_for_register", "to_deliver", "delivering")
_EDGES = (
    ("ready", "assessing"),
    ("to_deliver", "delivering"),
    ("assessing", "waiting_for_income"),
    ("assessing", "waiting_for_register"),
    ("assessing", "delivering"),
    ("assessing", "shadowed"),
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
    ("shadowed", "ready"),
    ("delivered", "ready"),
    ("handed_over", "ready"),
    ("taken_by_person", "ready"),
    ("superseded", "ready"),
    *((state, "superseded") for state in _NOT_ENDED),
)


def upgrade() -> None:
    """Make the tables and columns, and let the new state in."""
    op.create_table(
        "pauses",
        sa.Column("what", sa.String(16), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
    )
    op.create_table(
        "tallies",
        sa.Column("bucket", sa.String(32), primary_key=True),
        sa.Column("figure", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("ore", sa.BigInteger),
    )
    op.create_index("tallies_in_order", "tallies", ["at", "bucket"])
    op.add_column("items", sa.Column("kind", sa.String(16)))
    op.add_column("items", sa.Column("to_person", sa.Boolean))
    if op.get_bind().dialect.name == "postgresql":
        _guard_on_a_server()
    else:
        _guard()
    op.execute("INSERT INTO programs (revision, oldest) VALUES ('0007', '0007')")


def _allowed() -> str:
    return ", ".join(f"'{source}>{target}'" for source, target in _EDGES)


def _guard() -> None:
    op.execute("DROP TRIGGER items_edges")
    op.execute(
        f"""CREATE TRIGGER items_edges BEFORE UPDATE OF state ON items
        WHEN OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({_allowed()})
        BEGIN SELECT RAISE(ABORT, 'items: no such edge between states'); END"""
    )


def _guard_on_a_server() -> None:
    op.execute(
        f"""CREATE OR REPLACE FUNCTION items_edges() RETURNS trigger LANGUAGE plpgsql AS $guard$
        BEGIN
            IF OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({_allowed()}) THEN
                RAISE EXCEPTION 'items: no such edge between states' USING ERRCODE = 'check_violation', CONSTRAINT = 'items_edges';
            END IF;
            RETURN NEW;
        END $guard$"""
    )
