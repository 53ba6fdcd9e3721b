"""The world that a mix happens in: its time, its chance, what is wrong with it just now, and the story of what happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sim_loop import PROCESS, Life, VirtualLoop
from sim_mix import TROUBLE_S, Fault, Mix

from robot.clock import STOCKHOLM

MOST_STEPS = 150_000
_MACHINE_S = 1_700_000_000.0


class Killed(BaseException):
    """A dead process does nothing more."""


class SimClock:
    """The world's and the machine's time go with the loop; the world leaps when nothing is to be done before some hour."""

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        self._loop = loop
        self._start = start.astimezone(STOCKHOLM).timestamp()
        self.set_s = 0.0
        self.leapt_s = 0.0
        self.set_at_s: list[float] = []
        """When the machine's clock was set, in seconds of the loop."""

    def now(self) -> datetime:
        """Return the world's time."""
        return datetime.fromtimestamp(self._start + self._loop.time() + self.moved_s, STOCKHOLM)

    def today(self) -> date:
        """Return the world's day."""
        return self.now().date()

    def machine_s(self) -> float:
        """Return the machine's seconds."""
        return _MACHINE_S + self._loop.time() + self.set_s

    def set_by(self, seconds: float) -> None:
        """Set the machine's clock, and the world's with it."""
        self.set_s += seconds
        self.set_at_s.append(self._loop.time())

    @property
    def moved_s(self) -> float:
        """Return by how much the world's time has been moved."""
        return self.set_s + self.leapt_s

    def leap_to(self, moment: datetime) -> None:
        """Let the world's time be that, if it is still to come. The machine's goes on as it was."""
        self.leapt_s += max(0.0, (moment - self.now()).total_seconds())


class World:
    """What every part of a mix shares."""

    def __init__(self, mix: Mix, *, tracing: bool) -> None:
        self.mix = mix
        self.loop = VirtualLoop(most_steps=MOST_STEPS)
        self.clock = SimClock(self.loop, mix.start)
        self.random = Random(f"{mix.seed} goes on")
        self.steps = 0
        self.problems: list[str] = []
        self.happens: Callable[[Fault], None] = lambda _: None
        """What a fault does at once when it begins, beside being there."""
        self.trouble_until = mix.start
        self.trace: list[str] | None = [] if tracing else None
        self._active: list[tuple[Fault, Callable[[], bool]]] = []
        self._by_step: dict[int, list[Fault]] = {}
        self._over = False
        self.has_bug = any(fault.kind == "registers_bug" for fault in mix.faults)
        for fault in mix.faults:
            if fault.at_step is not None:
                self._by_step.setdefault(fault.at_step, []).append(fault)
            else:
                self.loop.outside(fault.at_s or 0.0, self._begin, fault)

    def note(self, what: str, **facts: Any) -> None:
        """Add a line to the story."""
        if self.trace is not None:
            process = PROCESS.get()
            told = " ".join(f"{name}={value}" for name, value in facts.items())
            who = process.name if process else "-"
            self.trace.append(f"{self.steps:5} {self.loop.time():9.3f}s {self.clock.now():%d %H:%M:%S} {who:9} {what} {told}".rstrip())

    def wrong(self, what: str) -> None:
        """Remember that a promise was broken."""
        self.note(f"BROKEN: {what}")
        self.problems.append(what)

    def step(self) -> None:
        """One more thing happens: faults that were to strike at it begin."""
        self.steps += 1
        for fault in self._by_step.get(self.steps, ()):
            self._begin(fault)

    def step_or_die(self) -> None:
        """Do the same inside what cannot wait. Raises Killed when that killed the process."""
        self.step()
        process = PROCESS.get()
        if process is not None and process.life is Life.DEAD:
            raise Killed

    def hit(self, kind: str, target: int | None = None) -> Fault | None:
        """Return the fault of that kind which strikes this call, if one does; it has then struck once more."""
        if not self._active:
            return None
        for fault, goes_on in list(self._active):
            if fault.kind != kind or (fault.target is not None and fault.target != target):
                continue
            if not goes_on():
                self._active.remove((fault, goes_on))
                continue
            if fault.chance < 1.0 and self.random.random() >= fault.chance:
                continue
            if fault.calls is not None:
                fault.calls -= 1
                if fault.calls == 0:
                    self._active.remove((fault, goes_on))
            self.note("fault", strikes=fault.kind)
            return fault
        return None

    def brief(self) -> float:
        """Return a usual time for a question to arrive, or an answer to come back."""
        return self.random.uniform(0.002, 0.05)

    def end_trouble(self) -> None:
        """Nothing new goes wrong, and only what lasts for hours goes on."""
        self._over = True
        self._active = [one for one in self._active if one[0].hours is not None]
        self.trouble_until = max(self.trouble_until, self.clock.now())

    def next_relief(self) -> datetime | None:
        """Return when the next of the long troubles ends."""
        ends = [ends for fault, goes_on in self._active if goes_on() and (ends := _end(goes_on)) is not None]
        return min(ends, default=None)

    def is_to_begin(self) -> bool:
        """Say whether a fault is still to begin at a time, and not at a step that may never come."""
        return any(fault.at_s is not None and fault.at_s > self.loop.time() for fault in self.mix.faults)

    def is_to_reach(self) -> bool:
        """Say whether a fault is still to begin at a step."""
        return any(fault.at_step is not None and fault.at_step > self.steps for fault in self.mix.faults)

    def is_away(self) -> bool:
        """Say whether the case system is away for some hours."""
        return any(fault.kind == "case_system_away" and goes_on() for fault, goes_on in self._active)

    def _begin(self, fault: Fault) -> None:
        if self._over:
            return
        self.note("begins", fault=fault)
        self.happens(fault)
        if fault.hours is not None:
            until = self.clock.now() + timedelta(hours=fault.hours)
            if fault.kind.startswith("case_system"):
                self.trouble_until = max(self.trouble_until, until)
            self._active.append((fault, _Until(self.clock, until)))
        elif fault.for_s is not None:
            last = min(self.loop.time() + fault.for_s, TROUBLE_S)
            self._active.append((fault, lambda: self.loop.time() < last))


class _Until:
    def __init__(self, clock: SimClock, moment: datetime) -> None:
        self.moment = moment
        self._clock = clock

    def __call__(self) -> bool:
        return self._clock.now() < self.moment


def _end(goes_on: Callable[[], bool]) -> datetime | None:
    return goes_on.moment if isinstance(goes_on, _Until) else None
