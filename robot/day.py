"""One line a day: what became of yesterday's cases, and what is left."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time

import structlog

from robot.clock import STOCKHOLM, Clock
from robot.database import Database
from robot.duty import PullDuty
from workqueue import NOT_ENDED, Outcome, State

log = structlog.get_logger()


class DaySummary:
    """Logs yesterday when a new day has begun in the world: of several robots only the one that pulls."""

    def __init__(self, database: Database, clock: Clock, duty: PullDuty) -> None:
        self._database = database
        self._clock = clock
        self._duty = duty
        self._day = clock.today()

    async def look(self) -> None:
        """Log the days that are over since the last look. Raises QueueError: then the next look tells of them."""
        today = self._clock.today()
        if self._day < today and self._duty.held:
            await self._tell(self._day, today)
        self._day = max(today, self._day)

    async def _tell(self, day: date, today: date) -> None:
        start, end = _midnight(day), _midnight(today)
        ended = await self._database.call(lambda queue: queue.ended_between(start, end))
        left = await self._database.call(lambda queue: queue.counts())
        became = Counter[Outcome | None]()
        for (_, outcome), number in ended.items():
            became[outcome] += number
        log.info(
            "day.summary",
            day=day.isoformat(),
            days=(today - day).days,
            ok=became[Outcome.OK],
            review=became[Outcome.REVIEW],
            urgent=became[Outcome.URGENT],
            handed_over=became[Outcome.HANDED_OVER],
            taken_by_person=sum(number for (state, _), number in ended.items() if state is State.TAKEN_BY_PERSON),
            parked=left[State.PARKED],
            left=sum(left[state] for state in NOT_ENDED),
        )


def _midnight(day: date) -> datetime:
    """Return when a day begins in Sweden; on the days when clocks are set, too."""
    return datetime.combine(day, time(), STOCKHOLM)
