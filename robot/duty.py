"""Which of several robots pulls: the one that holds this duty. Another takes it over when that one has not been heard of."""

from __future__ import annotations

from robot.database import Database

PULLING = "pull"
TRIES_PER_LEASE = 4


class PullDuty:
    """One robot's hold on pulling, or its wait for it."""

    def __init__(self, database: Database, robot: str, *, lease_s: float) -> None:
        self._database = database
        self._robot = robot
        self.lease_s = lease_s
        self.held = False
        self._refused = False
        self._taken_over = False

    async def take(self) -> bool:
        """Take pulling when nobody has it, or keep it; return whether it is ours now. Raises RetriableQueueError: then nobody knows."""
        self.held = await self._database.call(lambda queue: queue.hold_duty(PULLING, self._robot, self.lease_s))
        if self.held and self._refused:
            self._taken_over = True
        self._refused = not self.held
        return self.held

    def was_taken_over(self) -> bool:
        """Say, once, whether pulling became ours after another robot had it: whichever job it was that found it free."""
        was, self._taken_over = self._taken_over, False
        return was

    async def leave(self) -> None:
        """Let another robot have it at once."""
        if self.held:
            self.held = False
            await self._database.call(lambda queue: queue.leave_duty(PULLING, self._robot))
