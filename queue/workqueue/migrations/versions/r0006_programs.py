"""Programs: which ones may work on these tables, so that a newer version can be taken back without setting the database back.

Each migration from here on adds its own row: its revision, and the oldest program's that may work on what it leaves. One that adds no row
lets no older program in. Frozen: it must do the same for ever, so it takes nothing from the program's own tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table. Programs from before do not know it, and refuse: so the first row names this one."""
    programs = op.create_table(
        "programs",
        sa.Column("revision", sa.String(32), primary_key=True),
        sa.Column("oldest", sa.String(32), nullable=False),
    )
    op.bulk_insert(programs, [{"revision": "0006", "oldest": "0006"}])
