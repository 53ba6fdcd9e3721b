"""The promises, held against the truth when a mix is over: nothing lost, doubled or stuck, nothing written after a person took the case."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sim_neighbours import RECEIVED, SimCase
from sim_robot import Town, settings
from sim_store import RACE_S, queue_of

from connectors.case_systems.port import EffectKind
from workqueue import ENDED, Item, State, WorkQueue

BOUND = timedelta(minutes=15)
"""How long after its deadline, or after the last trouble when that is later, a case must have been handed over at the latest."""
_WRITTEN = (State.DELIVERED, State.HANDED_OVER)


def check(town: Town) -> None:
    """Hold everything that was promised against what is there."""
    queue = queue_of(town.world, town.store, town.hands)
    for problem in queue.integrity():
        town.world.wrong(f"integrity: {problem}")
    for problem in queue.verify_audit().problems:
        town.world.wrong(f"audit: {problem}")
    for case in town.case_system.cases.values():
        for problem in _wrong_with(town, queue, case):
            town.world.wrong(f"case {case.number} ({case.kind}): {problem}")


def _wrong_with(town: Town, queue: WorkQueue, case: SimCase) -> list[str]:
    item = queue.item(case.case_id)
    problems = _wrong_writes(case, town.world.clock.set_at_s)
    if item is None:
        if case.person_s is None:
            problems.append("was never pulled")
        return problems
    if item.state not in ENDED or item.ended_at is None:
        return [*problems, f"rests for ever in {item.state}"]
    latest = max(item.deadline, town.world.trouble_until) + BOUND
    if item.ended_at > latest:
        problems.append(f"ended {item.ended_at - latest} too late")
    if item.state is State.PARKED and not case.refused and item.rescues <= settings().work.most_crashes:
        problems.append(f"was parked ({item.reason}) though nothing was refused")
    if item.state is State.TAKEN_BY_PERSON and case.person_s is None and case.assigned_to is None:
        problems.append("was left to a person who has not taken it")
    if item.state in _WRITTEN:
        problems += _wrong_delivery(queue, case, item)
    return problems


def _wrong_writes(case: SimCase, clock_set_s: list[float]) -> list[str]:
    """Each write once, in spite of everything; none that rests on a look at a case which a person had taken by then.

    When the clock is set, leases end at once: what a robot was writing at that moment another may write too.
    """
    excused = [one for one in case.written if any(min(one.looked_s, one.at_s - RACE_S) < moment <= one.at_s for moment in clock_set_s)]
    times = Counter(one.key for one in case.written if one not in excused)
    problems = [f"write {key} was made {count} times" for key, count in times.items() if count > 1]
    problems += [f"{one.kind} was written by {one.by}, which did not hold the case" for one in case.written if not one.held]
    if case.person_s is not None:
        late = [one for one in case.written if one.looked_s > case.person_s]
        problems += [f"{one.kind} was written after a person had taken the case" for one in late]
    return problems


def _wrong_delivery(queue: WorkQueue, case: SimCase, item: Item) -> list[str]:
    """What has ended as delivered stands in the case system, all of it and nothing else."""
    problems = []
    there = {one.key: one for one in case.written}
    known = {one.key for one in queue.effects(item.case_ref)}
    this_run = [one for one in queue.effects(item.case_ref) if one.run == item.run]
    for effect in this_run:
        if effect.done_at is None:
            problems.append(f"ended with {effect.kind} pending")
        elif effect.key not in there and not effect.found:
            problems.append(f"has a receipt of {effect.kind}, which was never written")
    if item.version == f"v{case.version}" == "v1":
        problems += [f"{one.kind} was written, and the queue knows nothing of it" for one in case.written if one.key not in known]
    kinds = Counter(there[effect.key].kind for effect in this_run if effect.key in there)
    amended = case.kind == "differs"
    if kinds[EffectKind.RECOMMENDATION] not in ((1, 2) if amended else (1,)):
        problems.append(f"stands with {kinds[EffectKind.RECOMMENDATION]} recommendations of one run")
    if case.kind == "protected" and kinds[EffectKind.DOCUMENT] + kinds[EffectKind.NATIVE_DRAFT]:
        problems.append("is of somebody with a protected identity, and stands with a document")
    if case.status == RECEIVED:
        problems.append("has ended, and stands as if nobody had begun it")
    return problems
