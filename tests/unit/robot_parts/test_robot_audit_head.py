"""Promises about keeping the end of the audit's chain elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from robot.audit_head import HeadExport, Unreadable, append, kept_heads
from robot.database import Database
from robot.settings import Audit
from tests.unit.robot_parts.fakes import FakeClock
from workqueue import Head, KeptHead, MasterKey, PulledCase, WorkQueue

AT = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
ONE, OTHER = Head(1, "a" * 64, AT), Head(2, "b" * 64, AT)


def test_heads_are_only_ever_added(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    append(file, ONE)
    first = file.read_bytes()
    append(file, OTHER)
    assert file.read_bytes().startswith(first)
    assert list(kept_heads(file)) == [KeptHead(1, 1, "a" * 64, AT), KeptHead(2, 2, "b" * 64, AT)]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_full_disk_cut_short_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    append(file, ONE)
    with file.open("ab") as cut:
        cut.write(b"2 bbb")
    append(file, OTHER)
    assert file.read_text(encoding="ascii").splitlines()[2].startswith("2 bbbb")
    with pytest.raises(Unreadable, match="line 2"):
        list(kept_heads(file))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "heads").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        append(tmp_path / "heads", ONE)
    assert not target.exists()


async def test_a_head_is_kept_once_and_a_file_that_is_gone_is_told_once(tmp_path: Path) -> None:
    queue = WorkQueue.open(tmp_path / "queue.db", key=MasterKey.load_or_create(tmp_path / "key"), clock=FakeClock())
    database = Database(queue)
    folder = tmp_path / "mount"
    heads = HeadExport(Audit(head_file=folder / "heads"), database)
    await heads.export()
    assert not folder.exists(), "there is nothing to keep yet"

    queue.add(PulledCase("caremanagement", "case-1", "EB-1", "v1", AT))
    with structlog.testing.capture_logs() as logs:
        await heads.export()
        await heads.export()
        folder.mkdir()
        await heads.export()
        await heads.export()
        await heads.export_last()
    assert [(line["event"], line["log_level"]) for line in logs] == [("audit.head_not_kept", "warning"), ("audit.head_kept_again", "info")]
    head = queue.audit_head()
    assert head is not None
    assert list(kept_heads(folder / "heads")) == [KeptHead(1, 1, head.hash, head.at)]
    database.close()


async def test_without_a_file_nothing_is_kept_and_nothing_said(tmp_path: Path) -> None:
    queue = WorkQueue.open(tmp_path / "queue.db", key=MasterKey.load_or_create(tmp_path / "key"), clock=FakeClock())
    database = Database(queue)
    queue.add(PulledCase("caremanagement", "case-1", "EB-1", "v1", AT))
    with structlog.testing.capture_logs() as logs:
        await HeadExport(Audit(), database).export_last()
    assert logs == []
    database.close()
