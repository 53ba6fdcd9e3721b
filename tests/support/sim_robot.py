"""Robots of a mix: the real daemon with everything in it, on a made-up network, disk and time."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import structlog
from sim_loop import Life, Process
from sim_mix import LEASE_S
from sim_neighbours import SimCase, SimCaseSystem, SimRegisters
from sim_store import RACE_S, Hands, Store, queue_of
from sim_world import Killed, World

from robot import daemon as daemon_module
from robot import database as database_module
from robot import schedule as schedule_module
from robot.clock import Clock
from robot.daemon import Daemon
from robot.settings import Settings, load
from robot.timer import Job
from robot.timer import _guarded as guarded
from rules import Rulebook, load_rulebook
from workqueue import QueueError

ROOT = Path(__file__).resolve().parents[2]
LOOK_EVERY_S = 2.0
_OBJECTS_BETWEEN_COLLECTIONS = 50_000
_RESTART_S = (0.3, 8.0)
_DIFFERS = frozenset({"case_ref", "ms", "lost_s"})
"""What is another in each run of the same mix."""
_UNEXPECTED = frozenset({"case.failed", "case.hand_over_failed", "job.failed", "daemon.failed"})
"""Events of bugs: no fault may lead to one."""


class SimSettings(Settings):
    """Settings whose clock is the mix's."""

    def clock(self) -> Clock:
        """Return the mix's clock."""
        return Town.now.world.clock


@cache
def settings() -> Settings:
    """Return the documented default, with short times: a mix is to be over soon."""
    usual = load(ROOT / "config.yaml")
    schedule = usual.schedule.model_copy(
        update={"pull_every_s": 6.0, "relist_every_s": 15.0, "maintain_every_s": 3.0, "pull_lease_s": 8.0, "pull_overlap_s": 600.0}
    )
    work = usual.work.model_copy(
        update={"cases_in_flight": 3, "lease_s": LEASE_S, "stop_within_s": 8.0, "try_again_first_s": 2.0, "try_again_last_s": 600.0}
    )
    registers = usual.registers.model_copy(update={"deadline_s": 10.0, "ask_again_s": 3600.0, "give_up_after_s": 7200.0})
    changed = {"schedule": schedule, "work": work, "registers": registers}
    return SimSettings.model_construct(**{name: changed.get(name, getattr(usual, name)) for name in Settings.model_fields})


@cache
def rulebook() -> Rulebook:
    """Return the demo municipality's rule book."""
    return load_rulebook(settings().municipality.guidelines)


class SimThread:
    """The database's thread: what it is given is done a moment later, at once and as a whole, unless the process is gone by then."""

    def __init__(self, *, max_workers: int, thread_name_prefix: str) -> None:
        assert max_workers == 1, thread_name_prefix
        self._free_s = 0.0

    def submit(self, work: Callable[[], None]) -> None:
        """Do it soon."""
        world = Town.now.world
        if Town.now.closing:
            return
        slow = world.hit("database_slow")
        at = max(world.loop.time(), self._free_s) + world.random.uniform(0.0005, 0.01) + (slow.amount if slow else 0.0)
        self._free_s = at
        world.loop.call_at(at, self._do, work)

    def shutdown(self, *, wait: bool) -> None:
        """Nothing waits: who closes a database has been answered."""

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Killed:
            return


class SimTimer:
    """The timed jobs by the mix's clock: each runs again so long after it has ended, or when it is wanted at once."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[float, Job, asyncio.Event]] = {}
        self._waiting: list[asyncio.Task[None]] = []

    def every(self, name: str, seconds: float, job: Job) -> None:
        """Run a job so many seconds from now, and again as often."""
        self._jobs[name] = seconds, guarded(name, job), asyncio.Event()

    def at_once(self, name: str) -> None:
        """Run a job now."""
        self._jobs[name][2].set()

    def start(self) -> None:
        """Begin."""
        self._waiting = [asyncio.create_task(self._repeat(*job)) for job in self._jobs.values()]

    def stop(self) -> None:
        """Start no more; those that run go on."""
        for task in self._waiting:
            task.cancel()

    async def _repeat(self, seconds: float, job: Job, wanted: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wanted.wait()
            wanted.clear()
            await asyncio.shield(asyncio.ensure_future(job()))


class Robot:
    """One place where a robot runs; a new one is started there when it has ended."""

    def __init__(self, town: Town, number: int) -> None:
        self.number = number
        self._town = town
        self._times = 0
        self.process: Process | None = None
        self.daemon: Daemon | None = None
        self.task: asyncio.Task[bool] | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.runs:
            return
        town = self._town
        self._times += 1
        self.process = Process(f"robot-{self.number}.{self._times}")
        town.processes.append(self.process)
        town.world.note("starts", robot=self.process.name)
        queue = queue_of(town.world, town.store, town.hands)
        self.daemon = Daemon(settings(), once=False, queue=queue)
        self.task = town.world.loop.start(self.process, self.daemon.run)
        self.task.add_done_callback(self._ended)

    @property
    def runs(self) -> bool:
        """Whether it is there, at work or standing still."""
        return self.process is not None and self.process.life is not Life.DEAD and self.task is not None and not self.task.done()

    def kill(self) -> None:
        """End it where it stands, and start a new one after a while."""
        if self.runs and self.process is not None:
            self.process.life = Life.DEAD
            self._start_again()

    def stand_still(self, for_s: float) -> None:
        """Let it do nothing for a while."""
        process = self.process
        if self.runs and process is not None and process.life is Life.RUNS:
            process.life, process.stops = Life.STANDS_STILL, process.stops + 1
            self._town.world.loop.outside(for_s, self.go_on, process)

    def go_on(self, process: Process) -> None:
        """Let it go on, if it has not been killed."""
        if process.life is Life.STANDS_STILL:
            self._town.world.note("goes on", robot=process.name)
            self._town.world.loop.let_go_on(process)

    def terminate(self) -> None:
        """Tell it to stop in good order; a new one is started."""
        if self.runs and self.daemon is not None and self.process is not None and self.process.life is Life.RUNS:
            self.daemon.stop()
            self._start_again()

    def _start_again(self) -> None:
        self._town.world.loop.outside(self._town.world.random.uniform(*_RESTART_S), self.start)

    def _ended(self, task: asyncio.Task[bool]) -> None:
        if self._town.closing or task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Killed):
            self._town.world.wrong(f"the daemon ended by {type(error).__name__}: {error}")
            if isinstance(error, QueueError):
                self._start_again()


class Town:
    """Everything of one mix put together."""

    now: ClassVar[Town]

    def __init__(self, world: World, store: Store, cases: dict[str, SimCase]) -> None:
        self.world = world
        self.store = store
        self.cases = cases
        self.hands = Hands()
        self.processes: list[Process] = []
        self.closing = False
        self.case_system = SimCaseSystem(world, {}, holds=self._holds)
        self.registers = SimRegisters(world, cases)
        self.robots = [Robot(self, number) for number in range(world.mix.robots)]
        Town.now = self

    def _holds(self, case_id: str, process: str) -> bool:
        """Say whether a process has a case in hand, or has just lost it."""
        holder = self.hands.names.get(self.store.holder(case_id) or "")
        return holder == process or self.world.loop.time() - self.hands.lost_s.get((case_id, process), -RACE_S) < RACE_S

    def told(self, event: MutableMapping[str, Any]) -> str:
        """Take in what a robot logs."""
        what = str(event.pop("event"))
        if self.world.trace is not None:
            case_ref = event.get("case_ref")
            case = {} if case_ref is None else {"case": self.store.case_id(case_ref).rpartition("-")[2]}
            self.world.note(f"log {what}", **case, **{key: value for key, value in event.items() if key not in _DIFFERS})
        if what in _UNEXPECTED and not (event.get("code") == "BUG-001" and self.world.has_bug):
            self.world.wrong(f"a robot logged {what} {event.get('code')}: {event.get('error')}")
        raise structlog.DropEvent


def _log_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if event.pop("exc_info", None):
        event["error"] = repr(sys.exc_info()[1])
    return event


def _told(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return Town.now.told(event)


@contextmanager
def simulated() -> Iterator[None]:
    """Put the made-up neighbours, thread and logs in place of the real ones while the block runs."""
    before = structlog.get_config()
    with ExitStack() as stack:
        for module, name, stand_in in (
            (daemon_module, "case_system_of", lambda *_: Town.now.case_system),
            (daemon_module, "registers_of", lambda *_: Town.now.registers),
            (daemon_module, "load_rulebook", lambda _: rulebook()),
            (schedule_module, "Timer", SimTimer),
            (database_module, "ThreadPoolExecutor", SimThread),
            (database_module, "GROUP_S", float("inf")),
            (daemon_module, "_LOOK_EVERY_S", LOOK_EVERY_S),
        ):
            stack.enter_context(mock.patch.object(module, name, stand_in))
        structlog.configure(
            processors=[_log_exception, _told], wrapper_class=structlog.make_filtering_bound_logger(0), cache_logger_on_first_use=False
        )
        usual = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        try:
            yield
        finally:
            gc.set_threshold(*usual)
            gc.unfreeze()
            structlog.configure(**before)
