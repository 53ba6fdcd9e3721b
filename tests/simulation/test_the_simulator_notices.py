"""A simulator that finds nothing proves nothing: robots with a mistake in them, each of which it finds within a few mixes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sim_neighbours import SimCaseSystem
from sim_run import run_mix
from sim_store import SimQueue, Store

from connectors.case_systems.port import Effect, Receipt
from connectors.errors import ConnectorError
from robot.daemon import Daemon
from robot.delivery import Delivery, Outgoing
from robot.pull import Puller
from robot.schedule import Jobs
from robot.worker import Steps, Worker
from workqueue import Claimed, State

WITHIN = 300
"""Mixes in which each mistake must be found."""


def found(store: Store, *kinds: str) -> str:
    """Return what the first mix that finds something says; `kinds` = the faults that it is about, none = any."""
    for seed in range(WITHIN):
        problems = run_mix(seed, store, kinds=kinds).problems
        if problems:
            return "; ".join(problems)
    return f"nothing in {WITHIN} mixes"


def test_two_robots_and_no_fault_at_all_break_no_promise(store: Store) -> None:
    for seed in range(20):
        assert run_mix(seed, store, kinds=("terminated",)).problems == ()


def test_a_robot_that_stores_a_receipt_before_it_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deliver(self: Any, claimed: Claimed, steps: Steps, outgoing: Outgoing | None = None) -> None:
        outgoing = outgoing or await self._stored(claimed)
        for planned in outgoing.pending:
            await self._receipt(claimed, planned.key, Receipt("too early"))
            effect = Effect(planned.key, planned.kind, claimed.case_id, planned.payload)
            if await self._case_system.apply_if_ours(effect, claimed.assigned_to) is None:
                await self._taken(claimed)
                return
        await self._close(claimed, outgoing, steps, ())

    monkeypatch.setattr(Delivery, "deliver", deliver)

    assert "which was never written" in found(store)


def test_a_connector_that_does_not_look_for_its_write_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimCaseSystem, "looks_first", False)

    assert "was made 2 times" in found(store, "case_system_answer_lost", "killed")


def test_a_queue_that_does_not_check_whose_lease_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_the_lease_of_today(name: str) -> Callable[..., Any]:
        usual = getattr(SimQueue, name)

        def call(self: SimQueue, claimed: Claimed, *given: Any, **named: Any) -> Any:
            held = self._db.store.holders().get(claimed.id)
            return usual(self, replace(claimed, lease=held.lease) if held else claimed, *given, **named)

        return call

    for name in ("receipt", "finish", "amend", "end", "rest", "try_later", "park"):
        monkeypatch.setattr(SimQueue, name, with_the_lease_of_today(name))
    monkeypatch.setattr(Daemon, "_drop", lambda _self, _task: None)

    assert "did not hold it" in found(store, "stands_still")


def test_a_robot_that_goes_on_when_its_lease_is_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Daemon, "_drop", lambda _self, _task: None)

    assert "was made 2 times" in found(store, "stands_still")


def test_a_robot_that_looks_at_once_for_a_write_that_may_be_under_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Worker._not_done

    async def not_done(self: Worker, claimed: Claimed, error: ConnectorError) -> None:
        error.unknown_outcome = False  # type: ignore[attr-defined]
        await usual(self, claimed, error)

    monkeypatch.setattr(Worker, "_not_done", not_done)

    assert "was made 2 times" in found(store, "case_system_slow")


def test_a_robot_that_knows_no_deadline(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = SimQueue.claim

    def claim(self: SimQueue, *given: Any, **named: Any) -> list[Claimed]:
        return [replace(one, deadline=one.deadline + timedelta(days=9)) for one in usual(self, *given, **named)]

    monkeypatch.setattr(SimQueue, "claim", claim)

    assert "too late" in found(store)


def test_a_robot_that_never_rescues(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimQueue, "release_expired", lambda *_: [])

    assert "for a long time with nothing wrong" in found(store)


def test_a_robot_that_remembers_a_case_before_it_has_put_it_in_the_queue(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Puller._add

    async def add(self: Any, pulled: Any) -> Any:
        marks = {one.case_id: self._case_system.cases[one.case_id].created_at.isoformat() for one in pulled}
        await self._database.call(lambda queue: queue.mark_seen(self._case_system.name, marks))
        return await usual(self, pulled)

    monkeypatch.setattr(Puller, "_add", add)

    assert "was never pulled" in found(store)


def test_a_robot_that_parks_what_would_pass(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def not_done(self: Any, claimed: Claimed, error: ConnectorError) -> None:
        await self._park(claimed, error.code)

    monkeypatch.setattr(Worker, "_not_done", not_done)

    assert "was parked" in found(store)


def test_a_robot_that_does_not_mind_a_person(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = SimCaseSystem._look

    def look(self: SimCaseSystem, *given: Any) -> Any:
        return replace(usual(self, *given), ours=True)

    monkeypatch.setattr(SimCaseSystem, "_look", look)

    assert "after a person had taken the case" in found(store)


def test_a_job_with_a_bug(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def keep_pulling(self: Jobs) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Jobs, "keep_pulling", keep_pulling)

    assert "job.failed" in found(store)


def test_a_queue_that_lets_two_have_the_same_case(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = SimQueue.claim

    def claim(self: SimQueue, *given: Any, **named: Any) -> list[Claimed]:
        with self._db.write() as tx:
            tx.exec_driver_sql(
                "UPDATE items SET state = CASE state WHEN 'assessing' THEN 'ready' ELSE 'to_deliver' END,"
                " leased_by = NULL, lease_until = NULL WHERE state IN ('assessing', 'delivering')"
            )
        return usual(self, *given, **named)

    monkeypatch.setattr(SimQueue, "claim", claim)

    assert "did not hold it" in found(store)


def test_a_robot_that_ends_a_case_with_a_write_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Delivery._stored

    async def stored(self: Delivery, claimed: Claimed) -> Outgoing:
        outgoing = await usual(self, claimed)
        return replace(outgoing, pending=outgoing.pending[1:])

    monkeypatch.setattr(Delivery, "_stored", stored)

    said = found(store)
    assert "BUG" in said or State.PARKED in said or "QUE" in said
