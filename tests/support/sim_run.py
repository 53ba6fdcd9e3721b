"""One mix from beginning to end: trouble for a while, then time runs on until every case has come to its end, then the promises."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sim_checks import check
from sim_mix import TROUBLE_S, CasePlan, Fault, Mix, mix_of
from sim_neighbours import RECEIVED, SimCase
from sim_robot import ROOT, Town
from sim_store import Store
from sim_world import World

from rules.facts import CaseFile, FreeText
from rules.month import Month
from workqueue import UNREAD

LOOKS = 3000
"""So many times it is looked at most whether all is quiet: one of each is a second of the machine, or a leap of the world."""
QUIET_WITHIN_S = 240
"""Seconds of the machine in which all that can be done is done, once nothing goes wrong any more."""


@dataclass(frozen=True)
class Ran:
    """What came of a mix."""

    mix: Mix
    problems: tuple[str, ...]
    story: tuple[str, ...]
    steps: int
    seconds: float

    def told(self) -> str:
        """Return what was broken, and how to see it again, on one line."""
        return f"python tests/support/sim_replay.py {self.mix.seed} --trace  # {'; '.join(self.problems)}"


def run_mix(seed: int, store: Store, *, tracing: bool = False, kinds: Sequence[str] = ()) -> Ran:
    """Run the mix of a seed on a store, which is emptied first. `kinds` = which faults there may be, none = any."""
    mix = mix_of(seed, kinds)
    store.empty()
    world = World(mix, tracing=tracing)
    cases = {case.case_id: case for case in (_case(world, number, plan) for number, plan in enumerate(mix.cases))}
    town = Town(world, store, cases)
    world.happens = lambda fault: _happen(town, list(cases.values()), fault)
    for case, plan in zip(cases.values(), mix.cases, strict=True):
        world.loop.outside(plan.at_s, _arrive, town, case)
    try:
        world.loop.run_until_complete(world.loop.create_task(_live(town)))
        check(town)
    except AssertionError as error:
        world.wrong(f"the mix does not come to an end: {error}")
    town.closing = True
    world.loop.end(town.processes)
    return Ran(mix, tuple(world.problems), tuple(world.trace or ()), world.steps, world.loop.time())


async def _live(town: Town) -> None:
    world = town.world
    for robot in town.robots:
        world.loop.outside(world.random.uniform(0, 1.5), robot.start)
    while world.loop.time() < TROUBLE_S:
        await asyncio.sleep(1.0)
        if not _is_calm(town):
            continue
        next_at = town.store.next_at()
        if next_at is None or not world.is_to_reach():
            break
        _leap(town, next_at)
    world.end_trouble()
    world.note("no more trouble")
    for robot in town.robots:
        if robot.process is not None:
            robot.go_on(robot.process)
        robot.start()
    await _until_quiet(town)
    for robot in town.robots:
        if robot.daemon is not None:
            robot.daemon.stop()
    ends = await asyncio.gather(*(robot.task for robot in town.robots if robot.task is not None), return_exceptions=True)
    if not all(end is True for end in ends):
        world.wrong(f"a robot did not stop in good order: {ends}")


def _is_calm(town: Town) -> bool:
    """Say whether nothing is to be done now: every case has come in and ended or rests, and no fault is to begin at a time."""
    world, store = town.world, town.store
    if len(town.case_system.cases) < len(town.cases) or world.is_to_begin() or store.in_hand():
        return False
    next_at = store.next_at()
    return not _unlisted(town) and (next_at is None or next_at > world.clock.now())


def _leap(town: Town, moment: datetime) -> None:
    """Let the world's time be that, or when the next of the long troubles ends."""
    town.world.clock.leap_to(min(one for one in (moment, town.world.next_relief()) if one is not None))
    town.world.note("leaps")


async def _until_quiet(town: Town) -> None:
    """Let time run, and the world leap to the next hour at which there is something to do, until all cases have come to an end."""
    world, store = town.world, town.store
    calm_from = world.loop.time()
    for _ in range(LOOKS):
        await asyncio.sleep(1.0)
        for robot in town.robots:
            robot.start()  # one that was told to stop during the trouble may have ended only now
        in_hand = store.in_hand()
        if not in_hand and world.is_away():
            _leap(town, world.next_relief() or world.clock.now())
            calm_from = world.loop.time()
        elif in_hand or _unlisted(town):
            if world.loop.time() - calm_from > QUIET_WITHIN_S:
                world.wrong("a case was not taken in hand, or not let go, for a long time with nothing wrong")
                return
        elif (next_at := store.next_at()) is None:
            return
        elif next_at > world.clock.now():
            _leap(town, next_at)
            calm_from = world.loop.time()
        elif world.loop.time() - calm_from > QUIET_WITHIN_S:
            world.wrong("a case that is due was not taken in hand for a long time with nothing wrong")
            return
    world.wrong("the cases never came to an end")


def _unlisted(town: Town) -> bool:
    """Say whether a case that nobody has begun is not in the queue, or not as it is now."""
    open_cases = [case for case in town.case_system.cases.values() if case.status == RECEIVED and case.person_s is None]
    return any(not town.store.has(case.case_id, f"v{case.version}", UNREAD) for case in open_cases)


def _arrive(town: Town, case: SimCase) -> None:
    case.created_at = town.world.clock.now()
    town.case_system.cases[case.case_id] = case
    town.world.note("arrives", case=case.number, kind=case.kind)


def _happen(town: Town, cases: list[SimCase], fault: Fault) -> None:
    """Do what a fault does at once."""
    robot = town.robots[fault.target or 0] if fault.kind in ("killed", "stands_still", "terminated") else None
    if robot is not None and fault.kind == "killed":
        robot.kill()
    elif robot is not None and fault.kind == "terminated":
        robot.terminate()
    elif robot is not None:
        robot.stand_still(fault.for_s or 1.0)
    elif fault.kind == "clock_jumps":
        town.world.clock.set_by(fault.amount)
    elif fault.kind in _PEOPLE:
        case = cases[fault.target or 0]
        if case.case_id in town.case_system.cases:
            _PEOPLE[fault.kind](case)
            case.changed += 1
            # Who had a case when it was pulled may be anybody: the robot prepares it for them.
            took = fault.kind != "edited" and (fault.kind != "assigned" or town.store.has(case.case_id))
            if took and case.person_s is None:
                case.person_s = town.world.loop.time()


def _assign(case: SimCase) -> None:
    case.assigned_to = "handl02" if case.assigned_to == "handl01" else "handl01"


def _decide(case: SimCase) -> None:
    case.decided = True


def _set_status(case: SimCase) -> None:
    case.status, case.set_by_person = "UNDER_INVESTIGATION", True


def _withdraw(case: SimCase) -> None:
    case.status, case.set_by_person = "WITHDRAWN", True


def _edit(case: SimCase) -> None:
    case.version += 1
    rent, *others = case.application.costs
    costs = (rent.model_copy(update={"applied": (rent.applied or 0) + case.version * 100}), *others)
    case.file = case.file.model_copy(update={"application": case.application.model_copy(update={"costs": costs})})


_PEOPLE: dict[str, Callable[[SimCase], None]] = {
    "assigned": _assign,
    "decided": _decide,
    "status_set": _set_status,
    "withdrawn": _withdraw,
    "edited": _edit,
}


def _case(world: World, number: int, plan: CasePlan) -> SimCase:
    case_id = f"sim-{world.mix.seed}-{number}"
    application = _file(plan.kind, world.mix.month).application.model_copy(
        update={"case_id": case_id, "received_at": world.mix.start - timedelta(days=1)}
    )
    file = _file(plan.kind, world.mix.month).model_copy(update={"application": application})
    return SimCase(number, case_id, plan.kind, file, world.mix.start)


@cache
def _file(kind: str, month: str) -> CaseFile:
    """Return a made-up case of a kind: one adult of the example, with what makes it that kind."""
    told = json.loads((ROOT / "docs" / "examples" / "case-complete.json").read_text())
    application = told["application"]
    application["household"] |= {"civil_status": "single", "members": application["household"]["members"][:1]}
    application["month"], application["plans"] = month, application["plans"][:1]
    application["incomes"], application["costs"] = [], [{"type": "rent", "applied": "6000.00"}]
    told["registers"] = [one | {"payments": []} for one in told["registers"] if one["person"] == "applicant"]
    told["history"]["previous_calculation"] |= {
        "members": ["applicant"],
        "month": str(Month.parse(month).plus(-1)),
        "norm": "3940.00",
        "costs": [{"type": "rent", "approved": "6000.00"}],
        "incomes": [],
        "need": "9940.00",
    }
    if kind == "protected":
        for answer in told["registers"]:
            if "protected" in answer.get("facts", {}):
                answer["facts"]["protected"] = True
    if kind == "review":
        application["assets"] = [{"type": "vehicle", "value": "20000.00"}]
    file = CaseFile.model_validate_json(json.dumps(told), strict=True)
    if kind == "urgent":
        urgent = file.application.model_copy(update={"free_text": (FreeText(field="livelihood", text="Vi har ingen mat"),)})
        return file.model_copy(update={"application": urgent})
    return file
