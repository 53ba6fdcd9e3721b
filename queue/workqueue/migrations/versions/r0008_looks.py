"""Looks: what is asked every few seconds, and the list of current cases, each by an index of its own, however much has ended.

Frozen: it must do the same for ever, so it takes nothing from the program's own tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

_PARKED = sa.text("state = 'parked'")
_CURRENT = sa.text("is_current")


def upgrade() -> None:
    """Make the indexes. The program before works on as it did."""
    op.create_index("items_parked", "items", ["id"], sqlite_where=_PARKED, postgresql_where=_PARKED)
    op.create_index("items_listed", "items", ["priority", "deadline", "id"], sqlite_where=_CURRENT, postgresql_where=_CURRENT)
    op.execute("INSERT INTO programs (revision, oldest) VALUES ('0008', '0007')")
