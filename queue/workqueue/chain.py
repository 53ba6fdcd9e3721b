"""The audit's chain: each line carries a hash over itself and the line before it, so that none can be changed, removed or moved unseen.

    row     = previous hash, seq, at, what, actor, case_ref, event_id: UTF-8, one on each line
    details = HMAC-SHA256 with the case's key over row, a line break, and the details as they are sealed
    hash    = SHA-256 over row, a line break, and that HMAC in hexadecimal

Hashes are written in hexadecimal, `at` as 2026-11-30T08:00:00.000000Z, and the first line's previous hash is `FIRST`. Anybody can follow
the chain of `hash`; only who has the key can make a line's `details`, so that a chain made anew without the key is found. Sealed details
hold 12 random bytes: when they are deleted nobody can find out from the hash what they were, not even by trying all there could be.
Frozen: docs/decisions/0006-the-audit-is-a-chain.md says the same, and a verifier that knows only that page reads what is made here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC
from typing import Any

FIRST = "0" * 64
FORGOTTEN = "forgotten"
"""What happened to a case whose details were deleted because their time was out: after this line they may be missing."""
NO_CASE = "store"
"""Stands in the place of a case in a line that is about none."""
COPIED = "store.copied"
RESTORED = "store.restored"
"""The database was restored from a copy that ended with the line before: lines that were written after it until then are lost."""


class CaseKeys:
    """The keys that bind details: one for each case."""

    def __init__(self, root: bytes) -> None:
        self._root = root

    def of(self, case_ref: str) -> bytes:
        """Return the key of one case."""
        return hmac.digest(self._root, case_ref.encode(), "sha256")


def row_text(previous: str, row: Mapping[str, Any]) -> bytes:
    """Return what is in clear of a line, as it is hashed."""
    moment = row["at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return "\n".join((previous, str(row["seq"]), moment, row["what"], row["actor"], row["case_ref"], row["event_id"])).encode()


def details_hash(case_key: bytes, row: bytes, sealed: bytes) -> str:
    """Return what binds a line's details to the line."""
    return hmac.digest(case_key, row + b"\n" + sealed, "sha256").hex()


def link(row: bytes, bound_details: str) -> str:
    """Return a line's hash."""
    return hashlib.sha256(row + b"\n" + bound_details.encode()).hexdigest()
