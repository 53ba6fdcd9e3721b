"""A robot that stands still for ten lease times and goes on: its cases are another's by then, and it finds that out before it writes."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
from fault_checks import OF_A_DAEMON, events, has_ended, nothing_lost_doubled_or_stuck
from harness import Changes, Town, wait_for

pytestmark = pytest.mark.xdist_group("stopped")

CASES = 16
IN_HAND = 4
LEASE_S = 0.6
STANDS_STILL_S = 10 * LEASE_S
SHORT: Changes = {"work": {"lease_s": LEASE_S, "cases_in_flight": IN_HAND}}


def _held(running: Town) -> int:
    return int(running.case_system("GET", "/admin/faults")["held"])


def _asking(running: Town) -> int:
    return int(running.registers("GET", "/admin/faults")["held"])


def _is_still(running: Town) -> bool:
    """Say whether the robot waits for its answers alone, so that it is not stopped with the database's only lock in its hand."""
    before = _asking(running), running.case_system("GET", "/admin/stats")["total"]
    time.sleep(0.3)
    return before == (_asking(running), running.case_system("GET", "/admin/stats")["total"])


def test_stopped_for_ten_lease_times_with_writes_under_way_it_writes_nothing_twice(towns: Any) -> None:
    """Its writes have been done and not answered when it is stopped; another robot ends the cases; then the first one hears its answers."""
    running = towns(CASES, SHORT)
    running.case_system("POST", "/admin/faults", json={"kind": "hold", "method": "POST", "path_contains": "/decisions", "times": IN_HAND})
    with running.running() as first:
        wait_for(lambda: _held(running) == IN_HAND, what="writes under way in all that it has in hand")
        first.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            with running.running() as second:
                wait_for(lambda: has_ended(running), what="every case at rest")
                time.sleep(max(0.0, stopped + STANDS_STILL_S - time.monotonic()))
                running.case_system("POST", "/admin/release")
                first.send_signal(signal.SIGCONT)
                wait_for(lambda: events(running)["case.lease_lost"] >= IN_HAND, what="its finding out")
                assert first.poll() is None
                assert second.poll() is None
        finally:
            first.send_signal(signal.SIGCONT)
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)


def test_stopped_before_a_write_it_does_not_make_that_write_any_more(towns: Any) -> None:
    """It has claimed and read when it is stopped; what it would store next is another's."""
    running = towns(CASES, SHORT)
    running.registers("POST", "/admin/faults", json={"kind": "hold"})
    with running.running() as first:
        wait_for(lambda: _asking(running) >= IN_HAND and _is_still(running), what="questions under way in all that it has in hand")
        first.send_signal(signal.SIGSTOP)
        running.registers("DELETE", "/admin/faults")
        stopped = time.monotonic()
        try:
            with running.running():
                wait_for(lambda: has_ended(running), what="every case at rest")
            time.sleep(max(0.0, stopped + STANDS_STILL_S - time.monotonic()))
            running.registers("POST", "/admin/release")
            before = int(running.case_system("GET", "/admin/stats")["total"])
        finally:
            first.send_signal(signal.SIGCONT)
        wait_for(lambda: events(running)["case.lease_lost"] > 0, what="its finding out")
        assert before > 0
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)
