"""Gallring by itself, at night: only where the municipality has decided that its decision is enough (`retention.policy: decided`)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from robot.clock import STOCKHOLM, Clock
from robot.database import Database
from robot.retention import ROBOT, Found, NoRule, Rule, look, rule_on
from robot.settings import Settings
from workqueue import ApprovedBy, Kind, ListState, RetentionList, RetriableQueueError

log = structlog.get_logger()

DUTY = "retention"
_LEASE_S = 600.0
"""Longer than the longest batch; the duty is taken again before each."""
_LISTS_A_NIGHT = 50
_BATCHES_A_LIST = 10_001


class RetentionJob:
    """What the schedule calls now and then: in the quiet hours the robot that has the duty proposes, approves and carries out."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, robot: str) -> None:
        self._settings = settings
        self._limits = settings.retention
        self._database = database
        self._queue = database.queue
        """Used from threads of its own: a batch is one transaction, which shares none with the cases' work."""
        self._clock = clock
        self._robot = robot
        self._stopping = False
        self._held = False
        self._has_traces = False
        self._told = False
        self.every_s = self._limits.look_every_s

    async def run(self) -> None:
        """Delete what is due by the municipality's decision, until there is none or the quiet hours are over.

        Raises RetriableQueueError; what is left is done the next time.
        """
        if self._limits.policy != "decided":
            return
        try:
            await self._lists()
            if self._has_traces:
                await self._erase_traces()
        except asyncio.CancelledError:
            self._stopping = True
            raise

    async def leave(self) -> None:
        """Begin nothing more, and let another robot go on at once with what is left."""
        self._stopping = True
        if self._held:
            self._held = False
            with suppress(RetriableQueueError):
                await self._database.call(lambda queue: queue.leave_duty(DUTY, self._robot))

    async def _lists(self) -> None:
        for _ in range(_LISTS_A_NIGHT):
            if not await self._may_go_on():
                return
            rule = self._rule()
            listed = None if rule is None else await asyncio.to_thread(self._next_list, rule)
            if listed is None:
                return
            await self._carry_out(listed)

    def _rule(self) -> Rule | None:
        """Return the municipality's decision; the law's time for a file is never enough by itself."""
        try:
            rule = rule_on(self._settings, self._clock.today())
        except NoRule:
            return None
        return rule if rule.told.code == "decision" else None

    async def _may_go_on(self) -> bool:
        if self._stopping:
            return False
        hour = self._clock.now().astimezone(STOCKHOLM).hour
        if not self._limits.from_hour <= hour < self._limits.until_hour:
            return False
        # Kept as held also when we are stopped before we know: then it is given back all the same.
        self._held = True
        self._held = await asyncio.to_thread(self._queue.hold_duty, DUTY, self._robot, _LEASE_S)
        return self._held

    def _next_list(self, rule: Rule) -> RetentionList | None:
        """Return a list of ours that was not finished, else a new one of what is due now; None = nothing is."""
        for one in self._queue.retention_lists():
            ours = one.kind is Kind.DUE and one.made_by == ROBOT and one.rule == rule.told
            if ours and one.state is ListState.PROPOSED:
                return self._approve(one)
            if ours and one.state is ListState.APPROVED and one.approved_as is ApprovedBy.DECISION:
                return one
        found = look(self._queue, rule, go_on=lambda: not self._stopping)
        if self._stopping or not found.due:
            return None
        listed = self._queue.propose(rule.told, found.due, ROBOT)
        _tell(listed, found)
        return self._approve(listed)

    def _approve(self, listed: RetentionList) -> RetentionList:
        self._queue.approve_list(listed.ref, ROBOT, listed.rule.reference, approved_as=ApprovedBy.DECISION)
        return self._queue.retention_list(listed.ref)

    async def _carry_out(self, listed: RetentionList) -> None:
        for _ in range(_BATCHES_A_LIST):
            if not await self._may_go_on():
                return
            self._has_traces = True
            done = await asyncio.to_thread(self._queue.forget_some, listed.ref, self._limits.batch)
            if not done.left:
                break
            await asyncio.sleep(self._limits.pause_ms / 1000)
        ended = await asyncio.to_thread(self._queue.retention_list, listed.ref)
        log.info("retention.carried_out", list_ref=ended.ref, forgotten=ended.forgotten, left_out=ended.left_out)

    async def _erase_traces(self) -> None:
        """Let nothing of what was deleted stand beside the tables; while somebody reads it does, and is tried again at the next look."""
        self._has_traces = not await asyncio.to_thread(self._queue.erase_traces)
        if self._has_traces and not self._told:
            log.warning("retention.traces_left", code="BOT-024")
        if self._told and not self._has_traces:
            log.info("retention.traces_erased")
        self._told = self._has_traces


def _tell(listed: RetentionList, found: Found) -> None:
    log.info("retention.proposed", list_ref=listed.ref, cases=listed.cases, left_alone=sum(found.left.values()), more=found.more)
