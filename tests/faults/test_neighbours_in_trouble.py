"""Neighbours that answer in every wrong way: what they spoil is tried again or told, memory stays bounded, and each case ends once."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from certificates import Authority
from fault_checks import OF_A_DAEMON, codes, has_ended, not_pulled, nothing_lost_doubled_or_stuck
from harness import Changes, Town, change, wait_for
from proxies import wire
from soak import much

from workqueue import State

pytestmark = pytest.mark.xdist_group("neighbours-in-trouble")

KINDS = ("http_500", "http_429", "http_400", "cut", "reset", "slow", "login_page", "xml_bomb", "zip_bomb", "huge", "answer_lost", "error")
FOR_OPS = {"NET-009", "NET-010", "NET-011", "NET-012"}
"""A write that was answered so is parked: whether it was done is not to be guessed, and only ops can mend the line."""
PEAK_MB = 300
SHARE = 0.12
"""Of the questions left over by the kinds before, so that every kind has its turn."""
TIMES = much("WRONG_ANSWERS", 4, 200)
ARRIVALS = much("ARRIVALS", 8, 60)
"""So often are ten more applications let in, at the most, until every kind has been met."""
WIRES: Changes = {
    "transport": {"total_timeout_s": 3, "backoff_first_s": 0.05, "backoff_max_s": 0.2, "breaker_failures": 50, "breaker_open_s": 0.3}
}
IMPATIENT: Changes = {
    "case_system": WIRES,
    "registers": {"ask_again_s": 1, "give_up_after_s": 8, "deadline_s": 5, "ssbtek": WIRES},
    "work": {"cases_in_flight": 8},
}


@pytest.fixture(params=["sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    """A file: how neighbours answer does not meet the store."""
    return str(request.param)


@contextlib.contextmanager
def _peak_of(pid: int) -> Iterator[list[float]]:
    """Give a list that at the end holds the most memory, in MB, that a process had in use."""
    peak = [0.0]
    over = threading.Event()

    def look() -> None:
        process = psutil.Process(pid)
        while not over.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss / 1e6)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _all_at_rest(running: Town) -> bool:
    """Say whether the robot has done what it can. A case of which a register fails always waits for its deadline."""
    waiting = [item.case_id for item in running.items() if item.state is State.WAITING_FOR_REGISTER]
    return has_ended(running) and not not_pulled(running) and all(_register_always_fails(running, one) for one in waiting)


def _register_always_fails(running: Town, case_id: str) -> bool:
    flags = running.state(case_id)["expected"]["flags"]
    return any(flag in ("register.unavailable", "stop.protection_unknown") for flag in flags)


def _order(neighbour: Any, chance: random.Random) -> None:
    """Let a neighbour answer in every wrong way, mixed by chance."""
    for what in chance.sample(KINDS, len(KINDS)):
        order: dict[str, Any] = {"kind": what, "share": SHARE, "seed": chance.randint(0, 10**6), "times": TIMES}
        neighbour("POST", "/admin/faults", json=order | ({"delay_s": 1.0} if what == "slow" else {}))


def _not_met(neighbour: Any) -> set[str]:
    return {one["kind"] for one in neighbour("GET", "/admin/faults")["faults"] if one["fired"] == 0}


def test_neighbours_that_answer_in_every_wrong_way_spoil_nothing(towns: Any, chance: random.Random) -> None:
    running: Town = towns(30, IMPATIENT)
    both = (running.case_system, running.registers)
    for neighbour in both:
        _order(neighbour, chance)
    with running.running() as process, _peak_of(process.pid) as peak:
        for _ in range(ARRIVALS):
            with contextlib.suppress(AssertionError):
                wait_for(lambda: not any(_not_met(neighbour) for neighbour in both), within_s=2)
                break
            running.demo.arrive(10)
        assert [_not_met(neighbour) for neighbour in both] == [set(), set()]
        for neighbour in both:
            neighbour("DELETE", "/admin/faults")
        wait_for(lambda: _all_at_rest(running), what="every case at rest")
        with running.queue() as queue:
            parked = queue.items(State.PARKED)
            assert {item.reason for item in parked} <= FOR_OPS
            for item in parked:
                queue.requeue(item.case_ref, "the line has been mended", "ops")
        wait_for(lambda: _all_at_rest(running) and not any(item.state is State.PARKED for item in running.items()), what="the parked ones")
        assert process.poll() is None
    running.run_once()
    nothing_lost_doubled_or_stuck(running)
    assert peak[0] < PEAK_MB, f"the robot had {peak[0]:.0f} MB in use"


def test_a_day_of_errors_from_all_neighbours_is_over_before_the_robot_gives_anybody_up(towns: Any) -> None:
    """A day takes ten seconds. The case system comes back after 24 hours, the registers do not: every case has reached a person."""
    day_s = 10.0
    running: Town = towns(20, IMPATIENT, day_length_s=day_s)
    running.case_system("POST", "/admin/faults", json={"kind": "slow", "method": "GET", "path_contains": "/errands/", "delay_s": 0.5})
    with running.running() as process:
        wait_for(lambda: len(running.items()) >= 15, what="the pull")
        for neighbour in (running.case_system, running.registers):
            neighbour("DELETE", "/admin/faults")
            neighbour("POST", "/admin/faults", json={"kind": "http_500"})
        time.sleep(day_s * 25 / 24)
        assert process.poll() is None
        running.case_system("DELETE", "/admin/faults")
        wait_for(lambda: _all_at_rest(running), what="every case at rest")
    nothing_lost_doubled_or_stuck(running)
    assert not [item for item in running.items() if item.state is State.PARKED]
    gone = [line for line in running.log() if line["event"] in ("neighbour.lost", "neighbour.back")]
    of_case_system = [line["event"] for line in gone if line["neighbour"] == "caremanagement"]
    assert of_case_system in (["neighbour.lost", "neighbour.back"], []), "told once each way, whatever the number of failures"


def test_registers_with_a_wrong_certificate_are_believed_in_nothing_until_it_is_right(towns: Any, tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    running: Town = towns(10, IMPATIENT)
    address = urlsplit(running.demo.registers_url)
    assert address.hostname is not None
    assert address.port is not None
    with wire((address.hostname, address.port)) as line:
        line.tls(other.server("registers"))
        trusted = {"url": f"https://127.0.0.1:{line.port}/ssbtek", "transport": {"ca_file": str(ours.file)}}
        change(running.demo.config, {"registers": {"give_up_after_s": 600, "ssbtek": trusted}})
        with running.running() as process:
            wait_for(lambda: "NET-002" in codes(running), what="a word about the certificate")
            assert running.registers("GET", "/admin/stats")["total"] == 0, "something was asked through it"
            line.tls(ours.server("registers"))
            wait_for(
                lambda: running.registers("GET", "/admin/stats")["total"] > 0 and _all_at_rest(running),
                what="every case at rest",
            )
            assert process.poll() is None
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)
