"""Retention: lists of cases whose time is out, what was forgotten, and by which keyed hashes a person's cases are found.

From now on the database lets details of the audit be deleted of a case alone that the audit says was forgotten, and never that line's own.
Frozen: it must do the same for ever, so it takes nothing from the program's own tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

_Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_LEFT = "outcome IS NULL"
_ENDED = "ended_at IS NOT NULL"
_SAYS = "events: the audit is append-only, and details go only when their case was forgotten"
_NOT_FORGOTTEN = """EXISTS (SELECT 1 FROM events AS line WHERE line.seq = OLD.seq AND (line.what = 'forgotten' OR NOT EXISTS (
    SELECT 1 FROM events AS later WHERE later.case_ref = line.case_ref AND later.what = 'forgotten' AND later.seq > line.seq)))"""


def upgrade() -> None:
    """Make the tables, and guard the audit's details."""
    _lists()
    op.create_table(
        "forgotten",
        sa.Column("case_ref", sa.String(16), primary_key=True),
        sa.Column("list_ref", sa.String(16), sa.ForeignKey("retention_lists.ref"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version_mark", sa.String(64), nullable=False),
    )
    op.create_index("forgotten_versions", "forgotten", ["version_mark"])
    op.create_table(
        "case_people",
        sa.Column("item_id", _Number, sa.ForeignKey("items.id"), primary_key=True, autoincrement=False),
        sa.Column("marks", sa.LargeBinary, nullable=False),
    )
    op.create_index("items_ended", "items", ["ended_at", "id"], sqlite_where=sa.text(_ENDED), postgresql_where=sa.text(_ENDED))
    if op.get_bind().dialect.name == "postgresql":
        _guard_on_a_server()
    else:
        _guard()


def _lists() -> None:
    def text(name: str, length: int, *, nullable: bool = False) -> sa.Column[str]:
        return sa.Column(name, sa.String(length), nullable=nullable)

    def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
        return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

    op.create_table(
        "retention_lists",
        sa.Column("ref", sa.String(16), primary_key=True),
        text("kind", 16),
        text("state", 16),
        text("rule", 16),
        sa.Column("keep_months", sa.Integer, nullable=False),
        sa.Column("rule_since", sa.Date, nullable=False),
        text("rule_reference", 500),
        moment("made_at"),
        text("made_by", 64),
        moment("approved_at", nullable=True),
        text("approved_by", 64, nullable=True),
        text("approved_as", 16, nullable=True),
        moment("ended_at", nullable=True),
        sa.CheckConstraint("(state IN ('approved', 'carried_out')) <= (approved_at IS NOT NULL)", name="retention_lists_approved"),
    )
    op.create_table(
        "retention_cases",
        sa.Column("list_ref", sa.String(16), sa.ForeignKey("retention_lists.ref"), primary_key=True),
        sa.Column("case_ref", sa.String(16), primary_key=True),
        text("of_case", 16),
        sa.Column("last_seq", _Number, nullable=False),
        sa.Column("began_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        text("outcome", 32, nullable=True),
        moment("done_at", nullable=True),
    )
    for name, columns in (("retention_cases_left", ["list_ref", "of_case"]), ("retention_cases_listed", ["case_ref"])):
        op.create_index(name, "retention_cases", columns, sqlite_where=sa.text(_LEFT), postgresql_where=sa.text(_LEFT))


def _guard() -> None:
    op.execute(
        f"""CREATE TRIGGER event_details_no_delete BEFORE DELETE ON event_details WHEN {_NOT_FORGOTTEN}
        BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"""
    )


def _guard_on_a_server() -> None:
    op.execute(
        f"""CREATE FUNCTION event_details_no_delete() RETURNS trigger LANGUAGE plpgsql AS $guard$
        BEGIN
            IF {_NOT_FORGOTTEN} THEN
                RAISE EXCEPTION '{_SAYS}' USING ERRCODE = 'check_violation', CONSTRAINT = 'event_details_no_delete';
            END IF;
            RETURN OLD;
        END $guard$"""
    )
    op.execute(
        "CREATE TRIGGER event_details_no_delete BEFORE DELETE ON event_details FOR EACH ROW EXECUTE FUNCTION event_details_no_delete()"
    )
