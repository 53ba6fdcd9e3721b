"""The end of the audit's chain, appended to a file that the robot can only add to: by it a cut end is found."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog

from robot.database import Database
from robot.settings import Audit
from workqueue import Head, KeptHead, RetriableQueueError

log = structlog.get_logger()

LINE_LIMIT_BYTES = 256
LINES_LIMIT = 2_000_000
"""At one every five minutes, nineteen years."""
_LINE = re.compile(r"([1-9]\d{0,17}) ([0-9a-f]{64}) (\S{1,40})")


class Unreadable(ValueError):
    """A line of the file is no head."""


class HeadExport:
    """Appends the head when there is a new one. That it cannot is logged once, and once when it can again."""

    def __init__(self, settings: Audit, database: Database) -> None:
        self.every_s = settings.head_every_s
        self._file = settings.head_file
        self._database = database
        self._kept = 0
        self._failing = False
        self.kept_at: datetime | None = None
        """When the file last held all there was; None = not since the start, or there is no file."""

    async def export(self) -> None:
        """Append the head, unless it is there already."""
        if self._file is None:
            return
        head = await self._database.call(lambda queue: queue.audit_head())
        if head is None or head.seq == self._kept:
            self.kept_at = datetime.now(UTC) if self._kept else None
            return
        try:
            await asyncio.to_thread(append, self._file, head)
        except OSError:
            if not self._failing:
                log.warning("audit.head_not_kept", code="BOT-003")
            self._failing = True
            return
        if self._failing:
            log.info("audit.head_kept_again")
        self._failing, self._kept, self.kept_at = False, head.seq, datetime.now(UTC)

    async def export_last(self) -> None:
        """Do the same when the robot ends; a database that is gone is no reason not to."""
        try:
            await self.export()
        except RetriableQueueError:
            return


def line_of(head: Head) -> str:
    """Return a head as it is written: its number, its hash, and when it was."""
    return f"{head.seq} {head.hash} {head.at.isoformat()}"


def append(path: Path, head: Head) -> None:
    """Add a line to the file, on disk when this returns. Nothing else is ever done to it, so it may be one that can only grow."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        length = os.fstat(descriptor).st_size
        # A line that a full disk cut short stays alone: it does not spoil the next.
        whole = length == 0 or os.pread(descriptor, 1, length - 1) == b"\n"
        os.write(descriptor, ("" if whole else "\n").encode() + line_of(head).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def kept_heads(path: Path) -> Iterator[KeptHead]:
    """Yield the heads in a file. Raises Unreadable with the line's number, and OSError."""
    with path.open("rb") as file:
        for number in range(1, LINES_LIMIT + 1):
            text = file.readline(LINE_LIMIT_BYTES)
            if not text:
                return
            found = _LINE.fullmatch(text.decode("ascii", "replace").strip())
            if found is None:
                raise Unreadable(f"line {number} is no head of an audit")
            yield KeptHead(number, int(found[1]), found[2], _moment(found[3]))
    raise Unreadable(f"more than {LINES_LIMIT} lines")


def _moment(text: str) -> datetime | None:
    """Return when a line was written, None when that cannot be told."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
