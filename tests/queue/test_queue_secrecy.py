"""Promises about what the file on disk gives away: no personal data, and no difference between a stop and a control sample."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, func, insert, literal_column, select, table, update
from sqlalchemy.exc import IntegrityError

from tests.queue.queue_bench import START, Bench, pulled, writes
from tests.queue.queue_stores import SqliteStore, StoreUnderTest
from workqueue import (
    AuditEvent,
    EffectDone,
    FullWrite,
    MasterKey,
    NewEffect,
    PermanentQueueError,
    PulledCase,
    State,
    StoredEffect,
    WorkQueue,
    upgrade,
)
from workqueue.sealing import ASSIGNED_TO, CASE_KEY, DETAILS, DRAFT, KEY_CHECK, NUMBER, PAYLOAD, REFERENCE, SECRET, VALUE_LIMIT_BYTES, Box
from workqueue.tables import drafts, effects, events, items, metadata

NAME = "Påhittade Distinktsson"
OTHER_NAME = "Påhittade Annorlundsson"
PERSONNUMMER = "199001012384"
"""Made up."""
SEALED = (NUMBER, ASSIGNED_TO, DRAFT, PAYLOAD, REFERENCE, DETAILS, KEY_CHECK, CASE_KEY, SECRET)
KEY, HEAD = bytes(range(32)), b"\x02"


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


def test_no_name_and_no_number_stands_in_any_page_of_the_database(bench: Bench) -> None:
    _spread_secrets(bench)
    needles = [text.encode(coding) for text in (NAME, "Distinktsson", PERSONNUMMER) for coding in ("utf-8", "utf-16-le", "latin-1")]

    for moment in ("the log of the last changes is looked at too", "the log is worked in"):
        pages = bench.store.pages()
        assert any(b"caremanagement" in page for page in pages.values()), f"what is in clear is found: {moment}"
        for name, page in pages.items():
            assert not [needle for needle in needles if needle in page], f"{name} holds personal data in clear"
        bench.queue.close()

    assert NAME in str(bench.another().draft("case-1")), "it was stored"


def test_the_sealed_columns_are_all_the_binary_ones_and_each_was_filled(bench: Bench) -> None:
    binary = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns if isinstance(c.type, LargeBinary)}
    binary.remove(("case_people", "marks"))  # keyed hashes among random ones: test_queue_people.py
    assert binary == {(column.table, column.name) for column in SEALED}
    _spread_secrets(bench)
    with bench.store.raw() as raw:
        for of_table, name in binary:
            assert raw.execute(select(func.count(literal_column(name))).select_from(table(of_table))).scalar_one() > 0


def _clear_columns(store: StoreUnderTest) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything in the database but what must differ between any two cases; of sealed values their length."""
    own = {"id", "case_ref", "event_id", "seq", "item_id", "key", "key_id", "details_hash", "hash"}
    seen = {}
    with store.raw() as raw:
        for one in metadata.sorted_tables:
            shown = [func.length(c) if isinstance(c.type, LargeBinary) else c for c in one.columns if c.name not in own]
            # In no order of the database's own: PostgreSQL gives a row that was changed in another place than before.
            seen[one.name] = sorted((tuple(row) for row in raw.execute(select(*shown))), key=repr)
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
        seen.append(_clear_columns(bench.store))

    assert seen[0]["items"], "there is something to compare"
    assert seen[0] == seen[1]


def test_the_length_of_a_sealed_value_says_little() -> None:
    sealer = Box(KEY, HEAD)
    assert len({len(sealer.seal(DRAFT, "row", {"text": "x" * n})) for n in (0, 10, 1000, 15_000)}) == 1
    assert len({len(sealer.seal(ASSIGNED_TO, "row", value)) for value in (None, "", "joe01doe", "a.rather.long.name@example.org")}) == 1
    first, second = (sealer.seal(DRAFT, "row", {}) for _ in range(2))
    assert first != second, "the same value is never sealed the same way twice"


def test_a_sealed_value_opens_only_in_its_own_row_and_column() -> None:
    sealer = Box(KEY, HEAD)
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


def test_a_value_over_the_limit_is_not_sealed() -> None:
    with pytest.raises(PermanentQueueError) as caught:
        Box(KEY, HEAD).seal(DRAFT, "row", "x" * VALUE_LIMIT_BYTES)
    assert caught.value.code == "QUE-017"


def test_a_case_that_cannot_be_decrypted_is_parked_and_holds_up_no_other(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.queue.add(pulled(name))
    another = items.alias()
    with bench.store.raw() as raw:
        of_a = select(another.c.number).where(another.c.case_id == "a").scalar_subquery()
        raw.execute(update(items).where(items.c.case_id == "b").values(number=of_a))

    assert [claimed.case_id for claimed in bench.queue.claim("worker", 10, 60)] == ["a", "c"]
    assert (bench.item("b").state, bench.item("b").reason) == (State.PARKED, "QUE-035")


def test_the_files_are_readable_by_their_owner_alone(sqlite: SqliteStore, bench: Bench) -> None:
    sqlite.path.unlink()
    queue = sqlite.open(bench.clock)
    queue.add(pulled())
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in sqlite.path.parent.iterdir()}
    queue.close()
    assert set(modes) >= {"queue.db", "queue.db-wal"}
    assert set(modes.values()) == {0o600}


ALL_KINDS = (
    "UPDATE events SET what = 'nothing'",
    "UPDATE event_details SET details = '0' WHERE seq = 1",
    "DELETE FROM events",
    "DELETE FROM events WHERE seq = 1",
    "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT (seq) DO UPDATE SET what = 'nothing'",
)
WAYS_TO_CHANGE_THE_AUDIT = {
    "sqlite": (
        *ALL_KINDS,
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 1",
        "REPLACE INTO event_details SELECT 1, details FROM event_details WHERE seq = 2",
    ),
    "postgres": (
        *ALL_KINDS,
        "TRUNCATE event_details",
        "TRUNCATE events CASCADE",
        "MERGE INTO events USING items ON true WHEN MATCHED THEN DELETE",
    ),
}


def test_the_audit_can_only_grow(bench: Bench, kind: str) -> None:
    bench.ended()
    with bench.store.raw() as raw:
        before = raw.execute(select(events).order_by(events.c.seq)).all()
        assert len(before) > 1
        for statement in WAYS_TO_CHANGE_THE_AUDIT[kind]:
            with pytest.raises(IntegrityError, match="the audit is append-only"):
                raw.exec_driver_sql(statement)
            assert raw.execute(select(events).order_by(events.c.seq)).all() == before, statement


def test_an_error_quotes_no_value(bench: Bench) -> None:
    claimed = bench.assessing("case-1")
    with pytest.raises(PermanentQueueError) as caught:
        bench.queue.finish(claimed, "ok", {"name": OTHER_NAME}, [NewEffect(OTHER_NAME, "a"), NewEffect(OTHER_NAME, "b")])
    assert OTHER_NAME not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_sealed_in_the_database_stands_in_no_repr() -> None:
    told = {"name": OTHER_NAME}
    records = (
        EffectDone("key", OTHER_NAME),
        NewEffect("key", "document", told),
        StoredEffect("key", "document", 1, told),
        FullWrite(1, "document", None, told, OTHER_NAME),
        AuditEvent("case.assessed", details=told),
        PulledCase("system", "case-1", OTHER_NAME, "v1", START, assigned_to=OTHER_NAME),
    )
    assert [one for one in records if OTHER_NAME in repr(one)] == []


def test_integrity_finds_what_is_wrong(bench: Bench) -> None:
    ref = bench.ended().case_ref
    with bench.store.raw() as raw, bench.store.unguarded(raw):
        raw.execute(update(effects).where(effects.c.position == 1).values(done_at=None))
        raw.execute(insert(drafts).values(id=9, item_id=99, run=1, made_at=START, content=b"0"))
        raw.execute(update(items).values(is_current=False))
    assert sorted(bench.queue.integrity()) == [
        f"case {ref} has ended as delivered or handed over, and writes have no receipt",
        f"case {ref} has no current version",
        "table drafts refers to a row of items that is not there",
    ]
    with bench.store.raw() as raw:
        raw.execute(update(drafts).where(drafts.c.item_id == 1).values(run=2))
        raw.execute(update(items).values(state=State.READY))
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


def test_another_key_than_the_databases_own_is_refused(bench: Bench, tmp_path: Path) -> None:
    other = MasterKey.load_or_create(tmp_path / "other.key")
    before = _clear_columns(bench.store)
    for refused in (
        lambda: WorkQueue.open(bench.store.place, key=other, clock=bench.clock),
        lambda: upgrade(bench.store.place, key=other),
    ):
        with pytest.raises(PermanentQueueError) as caught:
            refused()
        assert caught.value.code == "QUE-032"
    assert _clear_columns(bench.store) == before
