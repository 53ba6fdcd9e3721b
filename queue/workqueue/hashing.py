"""What is left of forgotten cases in `seen` and `forgotten`: keyed hashes, by which they are not taken for new when listed again."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, select

from workqueue.base import Store
from workqueue.records import UNREAD, PulledCase
from workqueue.tables import forgotten

HASHED = "hashed:"
"""What a case's id begins with in `seen` when the case was forgotten: a keyed hash follows."""
_PURPOSE = "forgotten cases"
_GONE = select(forgotten.c.version_mark, forgotten.c.case_ref).where(forgotten.c.version_mark.in_(bindparam("b_marks", expanding=True)))


class Known(dict[str, str]):
    """The change marks of cases that were looked at, by case id; those of forgotten ones by its hash."""

    def __init__(self, marks: dict[str, str], hashed: Callable[[str], str]) -> None:
        super().__init__(marks)
        self._hashed = hashed if any(key.startswith(HASHED) for key in marks) else None

    def mark(self, case_id: str) -> str | None:
        """Return the change mark that a case had when it was looked at; None = it never was."""
        found = super().get(case_id)
        if found is None and self._hashed is not None:
            return super().get(HASHED + self._hashed(case_id))
        return found


class Hashing(Store):
    """Recognising what was forgotten."""

    def _hashed(self, *parts: str) -> str:
        """Return what tells that something was there without telling what: only who has the key, and the thing itself, can see it."""
        return hmac.digest(self.derived_key(_PURPOSE), "\n".join(parts).encode(), "sha256").hex()

    def _forgotten_versions(self, tx: Connection, cases: Sequence[PulledCase]) -> dict[tuple[str, str, str], str]:
        """Return, of some versions, the references that those had which were forgotten."""
        marks = {self._hashed(*version): version for version in map(version_of, cases) if version[-1] != UNREAD}
        return {marks[row.version_mark]: row.case_ref for row in tx.execute(_GONE, {"b_marks": list(marks)})}


def version_of(case: PulledCase) -> tuple[str, str, str]:
    """Return what a version is told by."""
    return case.case_system, case.case_id, case.version
