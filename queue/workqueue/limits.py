"""Limits of the queue, and the checks of what is kept in clear."""

from __future__ import annotations

import re
from collections.abc import Sized
from datetime import UTC, datetime, timedelta
from functools import lru_cache

ADD_LIMIT = 500
CLAIM_LIMIT = 500
FINISH_LIMIT = 500
HEARTBEAT_LIMIT = 1000
RELEASE_LIMIT = 1000
RESCUES_LIMIT = 1_000_000
LIST_LIMIT = 100_000
EVENTS_SHOWN_LIMIT = 1000
SEEN_LIMIT = 200_000
EFFECTS_LIMIT = 100
EVENTS_LIMIT = 100
PROBLEMS_LIMIT = 100
CHAIN_BATCH = 5000
"""So many lines of the audit are looked at in one transaction."""
EXPORT_LIMIT = 100
"""So many versions of a case, and drafts of a version, are shown at most."""
RETENTION_BATCH = 500
"""So many cases are looked at, or stored on a list, in one statement."""
RETENTION_LIST_LIMIT = 10_000
"""So many cases stand on one list at most; the rest comes on the next."""
RETENTION_LISTS_SHOWN = 100
FORGET_LIMIT = 100
"""So many cases are deleted in one transaction at most."""
PEOPLE_BATCH = 5000
"""So many cases' keyed hashes are compared in one read."""
PEOPLE_LIMIT = 64
BEFORE_ALL = datetime(1, 1, 2, tzinfo=UTC)
ROTATE_BATCH = 500
"""So many cases' keys are wrapped anew in one transaction."""
GO_LIVE_BATCH = 100
"""So many cases that were computed in shadow are put back in one transaction."""
FIGURES_LIMIT = 1000
TALLY_ROWS = 20_000
"""So many figures are looked at to see whether something has jumped."""
MAX_LEASE_S = 3600.0
REQUEUE_GRACE = timedelta(hours=24)
"""A case that ops put back gets at least this long, so that a deadline long past does not send it away at once."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_NUMBER_LIKE = re.compile(r"\d{6}")
_NOT_IN_ACTOR = re.compile(r"[^A-Za-z0-9_.@:-]")


@lru_cache(maxsize=1024)
def code(text: str) -> str:
    """Return a reason or event code, which is kept in clear.

    Raises ValueError when it is no code: free text, or something that may be an identity number, is never kept in clear.
    """
    if not _CODE.fullmatch(text) or _NUMBER_LIKE.search(text):
        raise ValueError("a code is 1-64 characters of A-Z a-z 0-9 _ . : - and holds no long number")
    return text


def actor(name: str) -> str:
    """Return who did something, as it is kept in clear: cut, and odd characters replaced."""
    return _NOT_IN_ACTOR.sub("_", name)[:64] or "unknown"


def within(limit: int, things: Sized, what: str) -> None:
    """Raise ValueError when there are too many."""
    if len(things) > limit:
        raise ValueError(f"{len(things)} {what}; the limit is {limit}")


def lease_length(lease_s: float) -> float:
    """Return the length of a lease in seconds; raise ValueError when it is not one."""
    if not 0 < lease_s <= MAX_LEASE_S:
        raise ValueError(f"a lease is longer than 0 s and at most {MAX_LEASE_S:.0f} s")
    return lease_s
