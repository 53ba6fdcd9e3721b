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

    async def take(self) -> bool:
        """Take pulling when nobody has it, or keep it; return whether it is ours now. Raises RetriableQueueError: then nobody knows."""
        self.held = await self._database.call(lambda queue: queue.hold_duty(PULLING, self._robot, self.lease_s))
        return self.held

    async def leave(self) -> None:
        """Let another robot have it at once."""
        if self.held:
            self.held = False
            await self._database.call(lambda queue: queue.leave_duty(PULLING, self._robot))
