"""What happens in one mix: the cases that come in and the faults that strike, all from one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from robot.clock import STOCKHOLM

LEASE_S = 6.0
TROUBLE_S = 20.0
"""Seconds of the machine after which nothing new goes wrong, but for registers and case systems that are away for hours."""
MOST_CASES, MOST_ROBOTS, MOST_FAULTS = 4, 3, 6
_ARRIVES_WITHIN_S = 5.0
_STEPS_A_CASE = 60
_STEPS_BESIDES = 30

DAYS = (
    ("2026-11-30 08:00", "2026-12"),
    ("2026-11-30 08:00", "2026-12"),
    ("2026-11-30 23:30", "2026-12"),
    ("2026-11-26 14:00", "2026-12"),
    ("2026-11-28 23:00", "2026-12"),
    ("2026-10-24 22:00", "2026-11"),  # the clocks go back in the night
    ("2026-03-28 22:00", "2026-04"),  # and forward
)
"""When a mix begins, and the month that is applied for."""
CASE_KINDS = ("standard",) * 5 + ("differs", "urgent", "protected", "unreadable", "review")


@dataclass(frozen=True)
class CasePlan:
    """One application: of which kind, and when it comes in."""

    kind: str
    at_s: float


@dataclass
class Fault:
    """Something that goes wrong. It begins at a step of the mix or at a time, and lasts so many calls, seconds, or hours of the world.

    `target` = the number of the robot or case that it strikes, where it strikes one. `amount` = how much, in the unit that the kind has.
    """

    kind: str
    at_step: int | None = None
    at_s: float | None = None
    calls: int | None = None
    for_s: float | None = None
    hours: float | None = None
    target: int | None = None
    amount: float = 0.0
    sources: tuple[str, ...] = ()
    chance: float = 1.0

    def __str__(self) -> str:
        when = f"step {self.at_step}" if self.at_s is None else f"{self.at_s:.2f} s"
        facts = ("calls", "for_s", "hours", "target", "amount", "sources", "chance")
        told = " ".join(f"{name}={value}" for name in facts if (value := getattr(self, name)) not in (None, 0.0, (), 1.0))
        return f"{self.kind} at {when} {told}".rstrip()


@dataclass(frozen=True)
class Mix:
    """All that was drawn for one seed."""

    seed: int
    start: datetime
    month: str
    robots: int
    cases: tuple[CasePlan, ...]
    faults: tuple[Fault, ...] = field(default=())

    def __str__(self) -> str:
        cases = ", ".join(f"{one.kind} at {one.at_s:.1f} s" for one in self.cases)
        return f"seed {self.seed}: {self.start:%Y-%m-%d %H:%M}, {self.robots} robots, cases: {cases}"


def mix_of(seed: int, kinds: Sequence[str] = ()) -> Mix:
    """Return the mix of a seed: the same for the same seed, on every machine. `kinds` = which faults there may be, none = any."""
    random = Random(seed)
    day, month = random.choice(DAYS)
    cases = tuple(CasePlan(random.choice(CASE_KINDS), _arrival(random)) for _ in range(random.randint(1, MOST_CASES)))
    robots = random.choice((1, 1, 2, 2, 2, MOST_ROBOTS))
    faults = tuple(_fault(random, robots, len(cases), kinds or _ANY) for _ in range(random.randint(0, MOST_FAULTS)))
    start = datetime.strptime(day, "%Y-%m-%d %H:%M").replace(tzinfo=STOCKHOLM)
    return Mix(seed, start, month, robots, cases, faults)


def _arrival(random: Random) -> float:
    return 0.0 if random.random() < 0.4 else random.uniform(0, _ARRIVES_WITHIN_S)


def _robot(random: Random, robots: int, _cases: int) -> dict[str, object]:
    return {"target": random.randrange(robots)}


def _case(random: Random, _robots: int, cases: int) -> dict[str, object]:
    return {"target": random.randrange(cases)}


def _stands(random: Random, robots: int, cases: int) -> dict[str, object]:
    long = random.choice((0.5, 1.2, 1.5, 2.0, 10.0))
    return _robot(random, robots, cases) | {"for_s": min(long * LEASE_S * random.uniform(0.9, 1.1), TROUBLE_S)}


def _window(random: Random, _robots: int, _cases: int) -> dict[str, object]:
    """A few calls, or some seconds in which a part of them is struck."""
    if random.random() < 0.5:
        return {"calls": random.choice((1, 1, 1, 2, 3, 5)), "for_s": TROUBLE_S}
    return {"for_s": random.uniform(0.5, 15), "chance": random.choice((0.3, 0.7, 1.0))}


def _hours(random: Random, _robots: int, _cases: int) -> dict[str, object]:
    return {"hours": random.choice((0.5, 1.5, 3.0, 10.0, 30.0, 80.0))}


def _away(random: Random, _robots: int, _cases: int) -> dict[str, object]:
    return {"hours": random.choice((0.1, 0.5, 1.5))}


def _silent(random: Random, robots: int, cases: int) -> dict[str, object]:
    sources = random.choice((("CSN",), ("FK",), ("FK", "AF", "CSN"), ("SO", "PM"), ("SKV", "TNS", "MIV")))
    return _hours(random, robots, cases) | {"sources": sources}


def _slow(random: Random, robots: int, cases: int) -> dict[str, object]:
    return _window(random, robots, cases) | {"amount": random.choice((0.5, 2.0, 5.0, 8.0, 15.0))}


def _refused(random: Random, robots: int, cases: int) -> dict[str, object]:
    return _case(random, robots, cases) | {"calls": random.choice((1, 2, 5)), "for_s": TROUBLE_S}


def _jump(random: Random, _robots: int, _cases: int) -> dict[str, object]:
    return {"amount": random.choice((-5.0, -15.0, -7200.0, 5.0, 30.0, 3600.0))}


Drawing = Callable[[Random, int, int], dict[str, object]]
KINDS: dict[str, Drawing] = {
    # a robot
    "killed": _robot,
    "stands_still": _stands,
    "terminated": _robot,
    # the database
    "database_locked": _window,
    "database_rolls_back": _window,
    "database_answer_lost": _window,
    "database_slow": _slow,
    # the case system
    "case_system_down": _window,
    "case_system_answer_lost": _window,
    "case_system_slow": _slow,
    "case_system_busy": _slow,
    "case_system_away": _away,
    "reading_refused": _refused,
    "write_refused": _refused,
    "list_empty": _window,
    "list_cut": _window,
    # the registers
    "registers_down": _hours,
    "registers_refuse": _hours,
    "registers_slow": _slow,
    "source_silent": _silent,
    "registers_bug": _refused,
    # people
    "assigned": _case,
    "decided": _case,
    "status_set": _case,
    "edited": _case,
    "withdrawn": _case,
    # time
    "clock_jumps": _jump,
}
_OFTEN = ("killed", "killed", "killed", "stands_still", "stands_still", "case_system_answer_lost", "database_answer_lost", "assigned")


_ANY = (*KINDS, *_OFTEN)


def _fault(random: Random, robots: int, cases: int, kinds: Sequence[str]) -> Fault:
    kind = random.choice(kinds)
    details = KINDS[kind](random, robots, cases)
    if random.random() < 0.7:
        return Fault(kind, at_step=random.randint(1, _STEPS_A_CASE * cases + _STEPS_BESIDES), **details)  # type: ignore[arg-type]
    return Fault(kind, at_s=random.uniform(0, 0.7 * TROUBLE_S), **details)  # type: ignore[arg-type]
