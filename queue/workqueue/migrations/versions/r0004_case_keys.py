"""Each case has a key of its own, and what was derived from the master key is stored, so that the master key can be exchanged.

Values that are there stay as they are sealed: the audit binds them, and the key that opens them is among the secrets. Frozen: it takes
nothing from the program's own tables and keys. A wrapped key is the master key's id, a nonce, and AES-256-GCM bound to its place.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import context, op
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

_KEY_BYTES = 32
_NONCE_BYTES = 12
_BATCH = 1000
_CASES = sa.text("SELECT id, case_ref FROM items WHERE id > :after ORDER BY id LIMIT :batch")


def upgrade() -> None:
    """Make the tables; store the secrets, and a key for each case that is there."""
    keys = op.create_table(
        "case_keys",
        sa.Column("case_ref", sa.String(16), primary_key=True),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
    secrets = op.create_table(
        "secrets",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
    lasting: Mapping[str, bytes] | None = context.config.attributes.get("secrets")
    if lasting is None:
        # The tables alone are wanted, by whoever compares them: such a database cannot be opened.
        return
    key_id: str = context.config.attributes["key_id"]
    master = _Master(key_id, context.config.attributes["wrapping_key"])
    rows = [{"name": name, "key_id": key_id, "wrapped": master.wrap(f"secrets|{name}|wrapped", one)} for name, one in lasting.items()]
    op.bulk_insert(secrets, rows)
    _give_keys(keys, master)


class _Master:
    """Wraps keys."""

    def __init__(self, key_id: str, wrapping_key: bytes) -> None:
        self.key_id = key_id
        self._box = AESGCM(wrapping_key)

    def wrap(self, place: str, secret: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return bytes.fromhex(self.key_id) + nonce + self._box.encrypt(nonce, secret, place.encode())


def _give_keys(keys: sa.Table, master: _Master) -> None:
    """Give each case a key, in batches, so that memory stays the same however many there are."""
    connection, after = op.get_bind(), 0
    while cases := connection.execute(_CASES, {"after": after, "batch": _BATCH}).all():
        rows = [
            {
                "case_ref": one.case_ref,
                "key_id": master.key_id,
                "wrapped": master.wrap(f"case_keys|{one.case_ref}|wrapped", os.urandom(_KEY_BYTES)),
            }
            for one in cases
        ]
        connection.execute(keys.insert(), rows)
        after = cases[-1].id
