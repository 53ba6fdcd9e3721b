"""What the queue does all the time looks nothing up by reading a whole table, however much has ended."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from tests.queue.queue_bench import Bench, pulled, writes
from tests.queue.queue_plans import Plans, plans_of
from tests.queue.queue_stores import PostgresStore
from workqueue import AuditEvent, EffectDone, Finished, State, WorkQueue, auditing, maintaining

WHOLE_TABLE = {
    "sqlite": re.compile(r"SCAN (?!next|due|run_out|held|json_each|pauses|VIRTUAL)\w+$"),
    "postgres": re.compile("Seq Scan on (?!pg_|pauses)"),
}
USES = {"sqlite": "USING (COVERING )?INDEX {0}", "postgres": "Scan (using|on) {0}"}


@pytest.mark.parametrize(
    ("call", "index"),
    [
        (lambda queue: queue.claim("worker", 1, 60), "items_to_claim"),
        (lambda queue: queue.release_expired(), "items_in_hand"),
        (lambda queue: queue.release_due(), "items_at_rest"),
    ],
    ids=["claim", "release_expired", "release_due"],
)
def test_what_runs_all_the_time_reads_its_own_small_index(
    bench: Bench, kind: str, call: Callable[[WorkQueue], object], index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plans_of(bench.queue, kind, monkeypatch) as plans:
        call(bench.queue)
    changes = [plan for statement, plan in plans.told.items() if "UPDATE items" in statement]
    assert len(changes) == 1, "it is ONE statement"
    assert any(re.search(USES[kind].format(index), line) for line in changes[0]), changes


def test_no_step_of_a_case_reads_a_whole_table(bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with plans_of(bench.queue, kind, monkeypatch) as plans:
        _all_the_way(bench)
    _expect_indexes(plans, kind)


def test_no_step_of_many_cases_reads_a_whole_table(bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.queue.add_many([pulled(f"case-{number}") for number in range(40)])
    with plans_of(bench.queue, kind, monkeypatch) as plans:
        claimed = bench.queue.claim("worker", 40, 60)
        bench.queue.heartbeat(claimed, 60)
        assert bench.queue.finish_many([Finished(one, "ok", {}, writes(one, "document")) for one in claimed]) == [None] * 40
    _expect_indexes(plans, kind)


def test_the_checks_of_a_whole_database_are_joins_however_much_there_is(postgres: PostgresStore) -> None:
    """`NOT IN` would be looked up row by row once there is more than fits in a server's memory for one question."""
    with postgres.raw() as raw:
        raw.execute(text("SET enable_nestloop = off"))
        for check in (auditing._LOOSE, *maintaining._LOOSE.values()):
            told = str(check.compile(dialect=raw.dialect, compile_kwargs={"literal_binds": True}))
            plan = "\n".join(raw.execute(text(f"EXPLAIN {told}")).scalars())
            assert "Anti Join" in plan
            assert "hashed SubPlan" not in plan
        raw.execute(text("RESET enable_nestloop"))


@pytest.mark.parametrize(
    "call", [lambda queue: queue.waiting(), lambda queue: queue.items(limit=50)], ids=["what waits", "the list of current cases"]
)
def test_what_is_looked_at_all_the_time_reads_no_whole_table(
    bench: Bench, kind: str, call: Callable[[WorkQueue], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.queue.add_many([pulled(f"case-{number}") for number in range(400)])
    with plans_of(bench.queue, kind, monkeypatch) as plans:
        call(bench.queue)
    _expect_indexes(plans, kind, least=1)


def _all_the_way(bench: Bench) -> None:
    queue = bench.queue
    claimed = bench.assessing()
    queue.try_later(claimed, bench.clock.now(), "NET-001")
    claimed = bench.claim_one()
    queue.heartbeat([claimed], 60)
    bench.finish(claimed, "recommendation", "document", "warning")
    queue.receipt(claimed, writes(claimed, "recommendation")[0].key, "R-1")
    done = EffectDone(writes(claimed, "document")[0].key, "D-1")
    queue.amend(claimed, "review", {}, writes(claimed, "awaiting_decision"), [AuditEvent("case.amended")], done=done)
    with queue.group():
        assert len(queue.pending_effects(claimed)) == 1
        queue.end(claimed, State.DELIVERED, done=[EffectDone(writes(claimed, "awaiting_decision")[0].key, "A-1")])


def _expect_indexes(plans: Plans, kind: str, *, least: int = 4) -> None:
    assert len(plans.told) >= least, "or nothing was seen"
    many = {statement: plan for statement, plan in plans.told.items() if not statement.endswith("ORDER BY seq DESC LIMIT 1")}
    whole = {statement: plan for statement, plan in many.items() if any(WHOLE_TABLE[kind].search(line) for line in plan)}
    assert not whole
