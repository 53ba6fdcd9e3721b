"""Several workers under a parent: `run --workers N`, as real processes."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from harness import LIMIT_S, Town, keys_written, town, wait_for

from robot.database import key_place
from workqueue import LEASED, State

pytestmark = pytest.mark.xdist_group("workers")

TAKEN_AT_MOST = 5
"""So many applications at the most have a caseworker already when the robot comes."""


def events(running: Town) -> Counter[str]:
    """Return how often each event was logged; fails on a line that is no JSON, as two mixed ones would be."""
    return Counter(line["event"] for line in running.log()) if running.demo.log.exists() else Counter()


def all_at_rest(running: Town) -> bool:
    with running.queue() as queue:
        left = queue.unfinished()
        return not (left.due or left.leased or left.later) and len(running.items()) >= len(running.population.applications) - TAKEN_AT_MOST


def nothing_is_lost_or_doubled(running: Town) -> None:
    with running.queue() as queue:
        assert queue.integrity() == []
        assert not set(queue.counts()) & LEASED or not any(queue.counts().get(state) for state in LEASED)
    for one in running.population.applications:
        assert set(keys_written(running.state(one.errand_id)).values()) <= {1}


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children()


def test_with_once_two_workers_do_all_of_it_and_the_case_system_is_listed_once(tmp_path: Path) -> None:
    with town(tmp_path, cases=40) as running:
        # Else one of them may be done with all before the other, which looks once a second, has looked.
        running.registers("POST", "/admin/faults", json={"kind": "slow", "delay_s": 1.5})
        with running.program("--once", "--workers", "2") as process:
            assert process.wait(LIMIT_S) == 0, running.tail()

        assert all_at_rest(running)
        nothing_is_lost_or_doubled(running)
        seen = events(running)
        assert (seen["workers.started"], seen["daemon.started"], seen["daemon.stopped"]) == (1, 2, 2)
        assert sum(bool(line.get("everything")) for line in running.log() if line["event"] == "pull.done") == 1
        finished = Counter(line["worker"] for line in running.log() if line["event"] == "case.finished")
        assert set(finished) == {1, 2}, "both had a share"
        assert {line.get("worker") for line in running.log()} == {None, 1, 2}


def test_with_once_the_exit_code_says_that_something_was_left(tmp_path: Path) -> None:
    with town(tmp_path, cases=12) as running:
        refuse = {"kind": "http_400", "method": "POST", "path_contains": "/documents", "times": 1}
        running.case_system("POST", "/admin/faults", json=refuse)
        with running.program("--once", "--workers", "2") as process:
            assert process.wait(LIMIT_S) == 1, running.tail()
        assert [item.state for item in running.items()].count(State.PARKED) == 1


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT])
def test_an_order_to_stop_is_passed_on_and_the_parent_waits_for_its_workers(tmp_path: Path, order: signal.Signals) -> None:
    with town(tmp_path, cases=30, changes={"work": {"cases_in_flight": 2}}) as running, running.program("--workers", "2") as process:
        wait_for(lambda: events(running)["case.finished"] > 0, what="the first case")
        workers = children(process)
        assert len(workers) == 2
        process.send_signal(order)
        assert process.wait(LIMIT_S) == 0, running.tail()
        assert not any(one.is_running() for one in workers)
        assert events(running)["daemon.stopped"] == 2
        nothing_is_lost_or_doubled(running)


def test_a_worker_that_is_killed_is_started_anew_and_its_cases_are_done(tmp_path: Path) -> None:
    with town(tmp_path, cases=40, changes={"work": {"lease_s": 3, "cases_in_flight": 3}}) as running:
        with running.program("--workers", "2") as process:
            wait_for(lambda: events(running)["case.finished"] > 2, what="the first cases")
            children(process)[0].kill()
            wait_for(lambda: events(running)["daemon.started"] == 3, what="a worker in its place")
            wait_for(lambda: all_at_rest(running), what="every case at rest")
            assert events(running)["worker.died"] == 1
            process.terminate()
            assert process.wait(LIMIT_S) == 0
        nothing_is_lost_or_doubled(running)


def test_a_worker_that_stands_still_is_replaced_and_its_cases_are_done(tmp_path: Path) -> None:
    with town(tmp_path, cases=40, changes={"work": {"lease_s": 3, "cases_in_flight": 3, "silent_s": 3}}) as running:
        with running.program("--workers", "2") as process:
            wait_for(lambda: events(running)["case.finished"] > 2, what="the first cases")
            stopped = children(process)[0]
            stopped.suspend()
            wait_for(lambda: events(running)["daemon.started"] == 3, what="a worker in its place")
            wait_for(lambda: all_at_rest(running), what="every case at rest")
            assert not stopped.is_running()
            [still] = [line for line in running.log() if line["event"] == "worker.stands_still"]
            assert (still["stood"], events(running)["worker.died"]) == ([], 1)
            process.terminate()
            assert process.wait(LIMIT_S) == 0
        nothing_is_lost_or_doubled(running)


def test_when_the_parent_is_killed_its_workers_end_in_good_order(tmp_path: Path) -> None:
    with town(tmp_path, cases=8) as running, running.program("--workers", "2") as process:
        wait_for(lambda: events(running)["daemon.started"] == 2, what="both workers")
        workers = children(process)
        process.kill()
        process.wait()
        wait_for(lambda: not any(one.is_running() for one in workers), what="the end of the workers")
        assert events(running)["daemon.stopped"] == 2
        nothing_is_lost_or_doubled(running)


def test_a_worker_that_cannot_stay_up_ends_all_with_an_error(tmp_path: Path) -> None:
    """The database's key is taken away under them: each new worker is refused."""
    with town(tmp_path, cases=4) as running, running.program("--workers", "2") as process:
        wait_for(lambda: events(running)["daemon.started"] == 2, what="both workers")
        key_place(running.demo.settings()).chmod(0o644)
        began = time.monotonic()
        children(process)[0].kill()
        assert process.wait(LIMIT_S) == 1
        assert time.monotonic() - began < 60
        assert events(running)["worker.given_up"] == 1
        assert events(running)["worker.died"] == 5


def test_a_configuration_that_cannot_be_used_is_not_tried_again(tmp_path: Path) -> None:
    with town(tmp_path, cases=4) as running:
        guidelines = tmp_path / "guidelines.yaml"
        guidelines.write_text("nothing: of the kind\n", encoding="utf-8")
        text = running.demo.config.read_text(encoding="utf-8")
        before = str(running.demo.settings().municipality.guidelines)
        running.demo.config.write_text(text.replace(before, str(guidelines)), encoding="utf-8")
        with running.program("--workers", "2") as process:
            assert process.wait(LIMIT_S) == 2
        assert events(running)["worker.died"] <= 2


def test_one_worker_has_no_parent(tmp_path: Path) -> None:
    with town(tmp_path, cases=4) as running, running.program("--workers", "1") as process:
        wait_for(lambda: events(running)["daemon.started"] == 1, what="the daemon")
        assert children(process) == []
        assert {"worker" in line for line in running.log()} == {False}
