"""Two robots on one server, one of them cut off from the database, the registers and the case system in turn and all at once."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from fault_checks import OF_A_DAEMON, codes, events, has_ended, not_pulled, nothing_lost_doubled_or_stuck
from harness import LIMIT_S, Town, change, town, wait_for
from in_namespaces import NOT_PERMITTED
from killing import robot
from postgres_server import PostgresServer
from proxies import Wire, wire
from soak import much

from tests.faults.conftest import QUICK, merged, new_database

pytestmark = pytest.mark.xdist_group("partition")

CASES = much("PARTITION_CASES", 40, 600)
ROUNDS = much("PARTITION_ROUNDS", 5, 60)
LONGEST_S = much("PARTITION_LONGEST_S", 1.5, 8.0)
NAMESPACE_ROUNDS = much("NAMESPACE_ROUNDS", 6, 20)
NAMESPACE_LONGEST_S = much("NAMESPACE_LONGEST_S", 20.0, 60.0)
SHORT_WAITS = {"total_timeout_s": 2, "backoff_first_s": 0.05, "backoff_max_s": 0.2, "breaker_open_s": 0.3}
TRANSPORT = {"transport": SHORT_WAITS}
QUICKER = merged(QUICK, {"case_system": TRANSPORT, "registers": {"ssbtek": TRANSPORT, "deadline_s": 3}, "work": {"cases_in_flight": 3}})
MAY_BE_TOLD = {"QUE-005", "QUE-010", "QUE-011"}


def _target(url: str) -> tuple[str, int]:
    address = urlsplit(url)
    return str(address.hostname), int(address.port or 0)


@contextlib.contextmanager
def _second_robots_wires(running: Town, server: PostgresServer) -> Iterator[tuple[Path, dict[str, Wire]]]:
    """Give the configuration of a robot that reaches all by wires of its own, and these wires."""
    with contextlib.ExitStack() as stack:
        wires = {
            "database": stack.enter_context(wire(server.folder / ".s.PGSQL.5432")),
            "registers": stack.enter_context(wire(_target(running.demo.registers_url))),
            "case system": stack.enter_context(wire(_target(running.demo.case_system_url))),
        }
        ports = {name: one.port for name, one in wires.items()}
        config = running.demo.config.with_name("second.yaml")
        settings = yaml.safe_load(running.demo.config.read_text(encoding="utf-8"))
        config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        database = urlsplit(settings["storage"]["database"]).path
        case_system = f"http://127.0.0.1:{ports['case system']}"
        change(
            config,
            {
                "storage": {"database": f"postgresql://postgres@127.0.0.1:{ports['database']}{database}"},
                "case_system": {"base_url": case_system, "party_url": f"{case_system}/party"},
                "registers": {"ssbtek": {"url": f"http://127.0.0.1:{ports['registers']}/ssbtek"}},
            },
        )
        yield config, wires


def test_a_robot_that_is_cut_off_now_from_this_and_now_from_that_doubles_nothing(
    own_server: PostgresServer, tmp_path: Path, chance: random.Random
) -> None:
    with (
        town(tmp_path, cases=CASES, database=own_server.url(new_database(own_server)), changes=QUICKER) as running,
        _second_robots_wires(running, own_server) as (config, wires),
        robot(running.demo, "run", config=config) as second,
    ):
        wait_for(lambda: events(running)["case.finished"] > 2, what="the second robot's first cases")
        with running.running() as first:
            for number in range(ROUNDS):
                _cut_off(wires, chance, everything=number % 3 == 2)
                running.demo.arrive(3)
            wait_for(
                lambda: has_ended(running) and not not_pulled(running), within_s=much("PARTITION_ENDS_S", LIMIT_S, 300.0), what="the end"
            )
            assert (first.poll(), second.poll()) == (None, None), running.tail()
        nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)
        assert {code for code in codes(running) if code.startswith("QUE")} <= MAY_BE_TOLD


def _cut_off(wires: dict[str, Wire], chance: random.Random, *, everything: bool) -> None:
    chosen = list(wires.values()) if everything else [chance.choice(list(wires.values()))]
    ways: list[Callable[[Wire], Any]] = [Wire.cut, Wire.silence]
    way = chance.choice(ways)
    for one in chosen:
        way(one)
    time.sleep(chance.uniform(0.3, LONGEST_S))
    for one in chosen:
        one.mend()


@pytest.mark.soak
def test_in_networks_of_their_own_two_robots_that_lose_sight_of_this_and_that_double_nothing(tmp_path: Path, chance: random.Random) -> None:
    """The kernel's own wires go silent, for longer than it takes the kernel to find out."""
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("unshare", "nsenter", "ip", "sysctl")):
        pytest.skip("networks of one's own take root, unshare, nsenter, ip and sysctl")
    program = Path(__file__).parents[1] / "support" / "in_namespaces.py"
    told = (str(tmp_path), str(chance.randrange(10**6)), str(NAMESPACE_ROUNDS), str(NAMESPACE_LONGEST_S), str(CASES))
    places = os.pathsep.join(path for path in sys.path if path)
    command = ["unshare", "--net", sys.executable, str(program), *told]
    done = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True)
    if done.returncode == NOT_PERMITTED or "unshare" in done.stderr:
        pytest.skip("networks of one's own are not permitted here")
    assert done.returncode == 0, f"{told}\n{done.stderr[-4000:]}"
