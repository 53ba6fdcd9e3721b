"""Promises about what the file on disk gives away: no personal data, and no difference between a stop and a control sample."""

from __future__ import annotations

import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary

from tests.queue.queue_bench import Bench, SqliteStore, pulled, writes
from workqueue import AuditEvent, MasterKey, NewEffect, PermanentQueueError, State, upgrade
from workqueue.sealing import ASSIGNED_TO, DETAILS, DRAFT, KEY_CHECK, NUMBER, PAYLOAD, REFERENCE, VALUE_LIMIT_BYTES, Sealer
from workqueue.tables import metadata

NAME = "Påhittade Distinktsson"
PERSONNUMMER = "199001012384"
"""Made up."""
SEALED = (NUMBER, ASSIGNED_TO, DRAFT, PAYLOAD, REFERENCE, DETAILS, KEY_CHECK)


@pytest.fixture
def file(bench: Bench) -> Path:
    """The database file of the bench."""
    assert isinstance(bench.store, SqliteStore)
    return bench.store.path


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The file itself, past the queue's methods."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def _spread_secrets(bench: Bench) -> None:
    """Put a name and a number in every sealed column there is."""
    secret: dict[str, Any] = {"name": NAME, "personnummer": PERSONNUMMER, "long": [f"{NAME} {PERSONNUMMER}"] * 200}
    claimed = bench.assessing(number=PERSONNUMMER, assigned_to=NAME)
    effects = [NewEffect("k1", "document", secret), NewEffect("k2", "warning", secret)]
    bench.queue.finish(claimed, "ok", secret, effects, [AuditEvent("case.assessed", details=secret)])
    bench.queue.receipt(claimed, "k1", f"{NAME} {PERSONNUMMER}")
    bench.queue.amend(claimed, "ok", secret, effects, [AuditEvent("case.draft_differs", details=secret)])
    bench.queue.receipt(claimed, "k2", f"{NAME} {PERSONNUMMER}")
    bench.queue.end(claimed, State.DELIVERED, [AuditEvent("case.delivered", details=secret)])
    bench.queue.requeue("case-1", f"{NAME} called, {PERSONNUMMER}", "ops")


def test_no_name_and_no_number_stands_in_any_page_of_the_database(bench: Bench, file: Path) -> None:
    _spread_secrets(bench)
    needles = [text.encode(coding) for text in (NAME, "Distinktsson", PERSONNUMMER) for coding in ("utf-8", "utf-16-le", "latin-1")]

    files = sorted(file.parent.iterdir())
    assert {one.name for one in files} >= {"queue.db", "queue.db-wal"}, "the log of the last changes is looked at too"
    for one in files:
        found = [needle for needle in needles if needle in one.read_bytes()]
        assert not found, f"{one.name} holds personal data in clear"

    bench.queue.close()
    assert not any(needle in file.read_bytes() for needle in needles)
    assert NAME in str(bench.another().draft("case-1")), "it was stored"


def test_the_sealed_columns_are_all_the_binary_ones_and_each_was_filled(bench: Bench, file: Path) -> None:
    binary = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns if isinstance(c.type, LargeBinary)}
    assert binary == {(column.table, column.name) for column in SEALED}
    _spread_secrets(bench)
    with raw(file) as connection:
        for table, column in binary:
            assert connection.execute(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL").fetchone()[0] > 0


def _clear_columns(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything in the file but what must differ between any two cases; of sealed values their length."""
    own = {"id", "case_ref", "event_id", "seq", "item_id", "key", "key_id"}
    with raw(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        seen = {}
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in own]
            shown = ", ".join(f"CASE typeof({name}) WHEN 'blob' THEN length({name}) ELSE {name} END" for name in columns)
            seen[table] = connection.execute(f"SELECT {shown} FROM {table}").fetchall()
    return seen


def test_a_stop_looks_like_a_control_sample(benches: Callable[[], Bench]) -> None:
    stop = {"assessment": {"flags": [{"code": "stop.protected_identity"}]}, "control_sample": False}
    line = {"key": "cost.rent", "label": "Hyra", "amount": "6900.00", "trace": {"rule": "cost.rent", "because": "inom tak"}}
    sample = {"assessment": {"lines": [line | {"key": f"cost.{n}"} for n in range(120)]}, "control_sample": True}
    seen = []
    for draft in (stop, sample):
        bench = benches()
        claimed = bench.assessing(assigned_to=None if draft is stop else "joe01doe")
        events = [AuditEvent("case.assessed", details=draft if draft is stop else {"outcome": "handed_over"})]
        bench.queue.finish(claimed, "handed_over", draft, writes(claimed, "recommendation", "manual_review"), events)
        bench.deliver(claimed)
        bench.queue.end(claimed, State.HANDED_OVER, [AuditEvent("case.delivered")])
        assert isinstance(bench.store, SqliteStore)
        seen.append(_clear_columns(bench.store.path))

    assert seen[0]["items"], "there is something to compare"
    assert seen[0] == seen[1]


def test_the_length_of_a_sealed_value_says_little(sqlite: SqliteStore) -> None:
    sealer = Sealer(sqlite.key)
    assert len({len(sealer.seal(DRAFT, "row", {"text": "x" * n})) for n in (0, 10, 1000, 15_000)}) == 1
    assert len({len(sealer.seal(ASSIGNED_TO, "row", value)) for value in (None, "", "joe01doe", "a.rather.long.name@example.org")}) == 1
    first, second = (sealer.seal(DRAFT, "row", {}) for _ in range(2))
    assert first != second, "the same value is never sealed the same way twice"


def test_a_sealed_value_opens_only_in_its_own_row_and_column(sqlite: SqliteStore) -> None:
    sealer = Sealer(sqlite.key)
    sealed = sealer.seal(NUMBER, "ref-1", "EB-1")
    assert sealer.open(NUMBER, "ref-1", sealed) == "EB-1"
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for column, row, value in (
        (NUMBER, "ref-2", sealed),
        (ASSIGNED_TO, "ref-1", sealed),
        (NUMBER, "ref-1", changed),
        (NUMBER, "ref-1", sealed[:20]),
        (NUMBER, "ref-1", b""),
    ):
        with pytest.raises(PermanentQueueError) as caught:
            sealer.open(column, row, value)
        assert caught.value.code == "QUE-035"
        assert "EB-1" not in str(caught.value)


def test_a_value_over_the_limit_is_not_sealed(sqlite: SqliteStore) -> None:
    with pytest.raises(PermanentQueueError) as caught:
        Sealer(sqlite.key).seal(DRAFT, "row", "x" * VALUE_LIMIT_BYTES)
    assert caught.value.code == "QUE-017"


def test_a_case_that_cannot_be_decrypted_is_parked_and_holds_up_no_other(bench: Bench, file: Path) -> None:
    for name in ("a", "b", "c"):
        bench.queue.add(pulled(name))
    with raw(file) as connection:
        connection.execute("UPDATE items SET number = (SELECT number FROM items WHERE case_id = 'a') WHERE case_id = 'b'")

    assert [claimed.case_id for claimed in bench.queue.claim("worker", 10, 60)] == ["a", "c"]
    assert (bench.item("b").state, bench.item("b").reason) == (State.PARKED, "QUE-035")


def test_the_files_are_readable_by_their_owner_alone(bench: Bench, file: Path, tmp_path: Path) -> None:
    bench.queue.close()
    file.unlink()
    bench.another().add(pulled())
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()}
    assert set(modes) >= {"queue.db", "queue.db-wal"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET what = 'nothing'",
        "UPDATE events SET details = x'00' WHERE seq = 1",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 1",
        "REPLACE INTO events SELECT seq + 100, event_id, item_id, at, 'other', actor, details FROM events WHERE seq = 1",
        "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT (seq) DO UPDATE SET what = 'nothing'",
    ],
)
def test_the_audit_can_only_grow(bench: Bench, file: Path, statement: str) -> None:
    bench.ended()
    with raw(file) as connection:
        before = connection.execute("SELECT * FROM events").fetchall()
        assert len(before) > 1
        with pytest.raises(sqlite3.IntegrityError, match="the audit is append-only"):
            connection.execute(statement)
        assert connection.execute("SELECT * FROM events").fetchall() == before


def test_an_error_quotes_no_value(bench: Bench) -> None:
    claimed = bench.assessing("case-1")
    with pytest.raises(PermanentQueueError) as caught:
        bench.queue.finish(claimed, "ok", {"name": NAME}, [NewEffect(NAME, "a"), NewEffect(NAME, "b")])
    assert NAME not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_integrity_finds_what_is_wrong(bench: Bench, file: Path) -> None:
    ref = bench.ended().case_ref
    with raw(file) as connection:
        connection.execute("UPDATE effects SET done_at = NULL WHERE position = 1")
        connection.execute("INSERT INTO drafts SELECT 9, 99, 1, made_at, content FROM drafts")
        connection.execute("UPDATE items SET is_current = 0")
    assert sorted(bench.queue.integrity()) == [
        f"case {ref} has ended as delivered or handed over, and writes have no receipt",
        f"case {ref} has no current version",
        "table drafts refers to a row of items that is not there",
    ]
    with raw(file) as connection:
        connection.execute("UPDATE drafts SET run = 2 WHERE item_id = 1")
        connection.execute("UPDATE items SET state = 'ready'")
    assert f"case {ref} is not the case's newest version, and has not ended" in bench.queue.integrity()


# The key file


def test_the_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    first = MasterKey.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert MasterKey.load_or_create(path).key_id == first.key_id
    assert MasterKey.load(path).derive(b"x") == first.derive(b"x")
    assert [one.name for one in path.parent.iterdir()] == ["master.key"], "no half-made key is left beside it"
    assert re.fullmatch(r"MasterKey\([0-9a-f]{8}\)", repr(first))


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o602, 0o610, 0o644, 0o666])
def test_a_key_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    MasterKey.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(PermanentQueueError) as caught:
        MasterKey.load_or_create(path)
    assert caught.value.code == "QUE-030"
    assert "chmod 600" in str(caught.value)


@pytest.mark.parametrize("text", ["", "short", "A" * 43, "A" * 44 + "AAAA", "åäö", "*" * 44])
def test_a_file_that_is_no_key_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.key"
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PermanentQueueError) as caught:
        MasterKey.load_or_create(path)
    assert caught.value.code == "QUE-031"
    assert text == "" or text not in str(caught.value)


def test_a_lost_key_is_never_replaced_in_silence(sqlite: SqliteStore, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    with pytest.raises(PermanentQueueError) as caught:
        MasterKey.load_or_create(path, database=sqlite.path)
    assert caught.value.code == "QUE-033"
    assert not path.exists()


def test_a_key_that_cannot_be_read_or_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "master.key", tmp_path):
        with pytest.raises(PermanentQueueError) as caught:
            MasterKey.load_or_create(path)
        assert caught.value.code == "QUE-034"


def test_another_key_than_the_databases_own_is_refused(bench: Bench, file: Path, tmp_path: Path) -> None:
    bench.queue.close()
    other = SqliteStore(tmp_path / "copy", file, MasterKey.load_or_create(tmp_path / "other.key"))
    before = other.path.read_bytes()
    for refused in (lambda: other.open(bench.clock), lambda: upgrade(other.path, key=other.key)):
        with pytest.raises(PermanentQueueError) as caught:
            refused()
        assert caught.value.code == "QUE-032"
    assert other.path.read_bytes() == before
