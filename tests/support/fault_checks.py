"""What must hold of a town after any fault: nothing lost, doubled or stuck, the audit whole, and no personal data said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from harness import MOST, Town, keys_written

from workqueue import Item, State, WorkQueue

ROBOT = "bistandsrobot"
WRITTEN = (State.DELIVERED, State.HANDED_OVER)
AT_REST = frozenset({*WRITTEN, State.TAKEN_BY_PERSON, State.WAITING_FOR_INCOME})
"""Where a case may legitimately stand when `run --once` has done what it can."""
OF_A_DAEMON = AT_REST | {State.WAITING_FOR_REGISTER}
"""The same while the robot runs on: some people's registers fail in every town, and are asked again later."""
_KEYED = ("recommendation", "document")
"""The writes that carry the effect's own key in the case system."""


def nothing_lost_doubled_or_stuck(running: Town, *, at_rest: Iterable[State] = AT_REST, bugs: bool = False) -> None:
    """Fail unless every application has come to rest, each write stands once, the audit is whole, and the log tells of nobody.

    `at_rest` = more or fewer states that count as rest. `bugs` = the fault is one that may show as a bug's code.
    """
    nobody_is_lost_or_stuck(running, frozenset(at_rest))
    with running.queue() as queue:
        for item in queue.items(state=None, limit=MOST):
            _written_once(running, queue, item)
    the_store_is_whole(running)
    the_log_tells_of_nobody(running)
    if not bugs:
        assert [line for line in running.log() if str(line.get("code", "")).startswith("BUG")] == []


def nobody_is_lost_or_stuck(running: Town, at_rest: frozenset[State] = AT_REST) -> None:
    """Fail unless every application has an item that has come to rest, or a person had it before the robot came."""
    with running.queue() as queue:
        left = queue.unfinished()
        for item in queue.items(state=None, limit=MOST):
            assert item.state in at_rest, f"{item.case_ref} is stuck in {item.state} ({item.reason})"
    assert not_pulled(running) == []
    assert left.leased == 0, f"{left.leased} cases are still leased"


def not_pulled(running: Town) -> list[str]:
    """Return the numbers of the applications that wait for the robot in the case system, and that its queue does not have."""
    with running.queue() as queue:
        known = {item.case_id for item in queue.items(state=None, limit=MOST)}
    waiting = [
        one
        for one in running.case_system("GET", "/admin/summary")["errands"]
        if one["status"] == "RECEIVED" and not one["assignedUserId"] and not one["decided"]
    ]
    return [one["errandNumber"] for one in waiting if one["errandId"] not in known]


def the_store_is_whole(running: Town) -> None:
    """Fail unless the database is consistent and the audit's chain verifies."""
    with running.queue() as queue:
        assert queue.integrity() == []
        found = queue.verify_audit()
    assert found.problems == ()
    assert found.events > 0


def the_log_tells_of_nobody(running: Town) -> None:
    """Fail when an identity number or a full name of the town's people stands in what the robot said."""
    said = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in (running.demo.log, running.demo.folder / "robot.err")
        if path.exists()
    )
    for number, person in running.population.people().items():
        for form in (number, number[2:], f"{number[:8]}-{number[8:]}", f"{number[2:8]}-{number[8:]}"):
            assert form not in said, "an identity number is in the log"
        assert f"{person.first_name} {person.last_name}" not in said, "a name is in the log"


def _written_once(running: Town, queue: WorkQueue, item: Item) -> None:
    """Fail unless what the robot wrote in a case stands there once, and all of it where the case has ended so."""
    held = running.state(item.case_id)
    where = f"{item.case_ref} in {item.state}"
    counts = keys_written(held)
    assert set(counts.values()) <= {1}, f"{where}: {counts}"
    assert held["illegalTransitions"] == held["forbiddenUses"] == 0, where
    statuses = Counter(one["toStatus"] for one in held["statusHistory"] if _is_ours(one.get("changedBy")))
    assert set(statuses.values()) <= {1}, f"{where}: {statuses}"
    if item.state is State.TAKEN_BY_PERSON and held["expected"]["outcome"] == "taken_by_person":
        assert not counts, f"{where}: a person had it, and the robot wrote"
        assert not statuses, f"{where}: a person had it, and the robot changed its status"
    if item.state not in WRITTEN:
        return
    assert held["status"] in ("AWAITING_DECISION", "NEEDS_MANUAL_REVIEW"), f"{where}: {held['status']}"
    planned = {one.key for one in queue.effects(item.case_ref) if one.kind in _KEYED}
    told = Counter(event.what for event in queue.events(item.case_ref))
    assert planned == {key for key in counts if key.startswith("br-")}, f"{where}: what is planned is not what stands"
    assert any(key.startswith("br-") for key in counts), f"{where}: nothing was written"
    assert told["case.delivered"] == 1, f"{where}: {told}"


def _is_ours(by: Any) -> bool:
    return str(by or "").startswith(ROBOT)


def events(running: Town) -> Counter[str]:
    """Return how often each event stands in the robot's log."""
    return Counter(str(line["event"]) for line in running.log()) if running.demo.log.exists() else Counter()


def codes(running: Town) -> set[str]:
    """Return the error codes that the robot has told."""
    return {str(line["code"]) for line in running.log() if line.get("code")} if running.demo.log.exists() else set()


def has_ended(running: Town) -> bool:
    """Say whether every case in the queue has ended, or rests until the month's incomes or a register can be asked again."""
    with running.queue() as queue:
        left = queue.unfinished()
        return sum(queue.counts().values()) > 0 and not (left.due or left.leased or left.later)
