"""Two robots, a database and the neighbours, each robot in a network of its own; run as root by: unshare --net python in_namespaces.py ...

Arguments: folder, seed, rounds, the longest silence in seconds, cases. Links go silent as by a firewall that drops: packets are sent to a
machine that is not there, and only the kernel's own timers find out. Ends with 0 when all is well, with 77 when this is not permitted.

The addresses are of loopback's own range, carried over a wire of the kernel, for the robot speaks without TLS to this machine alone.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from fault_checks import OF_A_DAEMON, events, has_ended, not_pulled, nothing_lost_doubled_or_stuck
from harness import Changes, Town, change, town, wait_for
from killing import robot
from postgres_server import PostgresServer, postgres_server
from proxies import wire

NOT_PERMITTED = 77
NOWHERE = "02:00:00:00:00:01"
_ENDS_WITHIN_S = 240.0
_IDLE_S = "3600"
_SHORT = {"transport": {"total_timeout_s": 3, "backoff_first_s": 0.05, "backoff_max_s": 0.2, "breaker_open_s": 0.5}}
SETTINGS: Changes = {
    "work": {"lease_s": 4, "try_again_first_s": 0.5, "try_again_last_s": 2, "cases_in_flight": 3},
    "schedule": {"pull_lease_s": 2, "pull_every_s": 1, "maintain_every_s": 1},
    "case_system": _SHORT,
    "registers": {"deadline_s": 5, "ssbtek": _SHORT},
}


@dataclass(frozen=True)
class Link:
    """A wire of the kernel between us and a robot: our end's address and name, and the robot's."""

    number: int
    process: int

    @property
    def ours(self) -> str:
        """Our address on it."""
        return f"127.9.{self.number}.1"

    @property
    def theirs(self) -> str:
        """The robot's address on it."""
        return f"127.9.{self.number}.2"

    def lay(self) -> None:
        """Make it."""
        here, there = f"here{self.number}", f"there{self.number}"
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", str(self.process))
        _ip("addr", "add", f"{self.ours}/24", "dev", here)
        _ip("link", "set", here, "up")
        _ip("addr", "add", f"{self.theirs}/24", "dev", there, within=self.process)
        _ip("link", "set", there, "up", within=self.process)

    def silence(self) -> None:
        """Let what is sent from either end go nowhere."""
        _ip("neigh", "replace", self.theirs, "lladdr", NOWHERE, "nud", "permanent", "dev", f"here{self.number}")
        _ip("neigh", "replace", self.ours, "lladdr", NOWHERE, "nud", "permanent", "dev", f"there{self.number}", within=self.process)

    def mend(self) -> None:
        """Let it carry again; connections of before go on where they are still wanted."""
        _ip("neigh", "del", self.theirs, "dev", f"here{self.number}")
        _ip("neigh", "del", self.ours, "dev", f"there{self.number}", within=self.process)


def _run(*command: str, within: int = 0) -> None:
    entered = ["nsenter", "-t", str(within), "-n", *command] if within else list(command)
    subprocess.run(entered, check=True, capture_output=True, timeout=20)


def _ip(*arguments: str, within: int = 0) -> None:
    _run("ip", *arguments, within=within)


def _prepare(process: int = 0) -> None:
    """Let a network carry loopback's addresses over its wires."""
    _ip("link", "set", "lo", "up", within=process)
    _run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1", within=process)
    _ip("route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local", within=process)


@contextlib.contextmanager
def _network() -> Iterator[int]:
    """Give the process that holds a new network."""
    with subprocess.Popen(["unshare", "--net", "sleep", _IDLE_S]) as holder:
        try:
            time.sleep(0.3)
            _prepare(holder.pid)
            yield holder.pid
        finally:
            holder.kill()


@contextlib.contextmanager
def _robot(running: Town, server: PostgresServer, number: int) -> Iterator[list[Link]]:
    """Run a robot in a network of its own, with a link to the database and one to the neighbours; give the links."""
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(_network())
        links = [Link(number * 10, process), Link(number * 10 + 1, process)]
        for one in links:
            one.lay()
        database, outside = links
        to_database = stack.enter_context(wire(server.folder / ".s.PGSQL.5432", database.ours))
        ports = [
            stack.enter_context(wire((str(urlsplit(url).hostname), int(urlsplit(url).port or 0)), outside.ours)).port
            for url in (running.demo.registers_url, running.demo.case_system_url)
        ]
        config = running.demo.config.with_name(f"robot{number}.yaml")
        settings = yaml.safe_load(running.demo.config.read_text(encoding="utf-8"))
        config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        name = urlsplit(settings["storage"]["database"]).path
        case_system = f"http://{outside.ours}:{ports[1]}"
        change(
            config,
            {
                "storage": {"database": f"postgresql://postgres@{database.ours}:{to_database.port}{name}"},
                "case_system": {"base_url": case_system, "party_url": f"{case_system}/party"},
                "registers": {"ssbtek": {"url": f"http://{outside.ours}:{ports[0]}/ssbtek"}},
            },
        )
        entered = ("nsenter", "-t", str(process), "-n", sys.executable, "-m", "robot")
        stack.enter_context(robot(running.demo, "run", program=entered, config=config))
        yield links


def main(folder: str, seed: str, rounds: str, longest_s: str, cases: str) -> int:
    """Cut links by chance, and look at what came of it."""
    try:
        _prepare()
    except (OSError, subprocess.CalledProcessError):
        return NOT_PERMITTED
    chance = random.Random(int(seed))
    with (
        postgres_server({}) as server,
        town(Path(folder), cases=int(cases), database=server.url(), changes=SETTINGS) as running,
        _robot(running, server, 1) as first,
        _robot(running, server, 2) as second,
    ):
        wait_for(lambda: events(running)["daemon.started"] == 2 and events(running)["case.finished"] > 2, what="both robots at work")
        for _ in range(int(rounds)):
            silent = chance.sample([*first, *second], chance.randint(1, 3))
            for one in silent:
                one.silence()
            running.demo.arrive(4)
            time.sleep(chance.uniform(1.0, float(longest_s)))
            for one in silent:
                one.mend()
            time.sleep(1)
        wait_for(lambda: has_ended(running) and not not_pulled(running), within_s=_ENDS_WITHIN_S, what="every case at rest")
        assert events(running)["daemon.failed"] == 0, running.tail()
        nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
