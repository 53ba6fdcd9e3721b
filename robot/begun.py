"""After a restore from a copy: the robot asks the case system what it wrote since the copy, and writes none of it twice.

Cases that it had begun since are no longer among the new ones, and the database does not know them: they are looked for by their status.
Then, case by case, what stands is seen before anything is written: a case that has all of it is the caseworker's, and one that the robot
had left in the middle is gone on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from connectors.case_systems.port import CaseApplication, CaseListed, CaseSystem, EffectKind, Standing
from connectors.errors import ConnectorError, RetriableError
from robot.database import Database
from robot.effects import DRAFT_DIFFERS, CaseIdentity, effect_key
from workqueue import UNREAD, AuditEvent, Claimed, PulledCase, State

log = structlog.get_logger()

_READS_AT_ONCE = 8
_BATCH = 50


class Begun:
    """What the robot had begun and its database has forgotten. `to_queue` = what is put in the queue of an application."""

    def __init__(self, case_system: CaseSystem, database: Database, to_queue: Callable[[CaseApplication], PulledCase]) -> None:
        self._case_system = case_system
        self._database = database
        self._to_queue = to_queue

    async def take(self) -> int:
        """Put in the queue what the robot had begun since the copy; return how many cases. Does nothing when there was no restore.

        What cannot be read now is looked for again at the next pull: until all has been read once, this is not done. What is refused, or
        meets a bug, is put in the queue unread, as a new case would be: its worker goes on trying, and it is with a person at its deadline.
        """
        since = await self._database.call(lambda queue: queue.begun_since())
        if since is None:
            return 0
        added, whole, batch = 0, True, list[CaseListed]()
        try:
            async for listed in self._case_system.find_begun(since):
                batch.append(listed)
                if len(batch) == _BATCH:
                    more, read = await self._add(batch)
                    added, whole, batch = added + more, whole and read, []
            more, read = await self._add(batch)
            added, whole = added + more, whole and read
        except ConnectorError as error:
            log.warning("pull.failed", code=error.code, neighbour=error.neighbour)
            whole = False
        if whole:
            await self._database.call(lambda queue: queue.begun_listed())
        log.info("pull.begun_before_restore", added=added, whole=whole)
        return added

    async def _add(self, batch: list[CaseListed]) -> tuple[int, bool]:
        """Add those that the database does not know and that are still ours; return how many, and whether none is to be read again."""
        known = await self._database.call(lambda queue: queue.known_cases(self._case_system.name, [one.case_id for one in batch]))
        limit = asyncio.Semaphore(_READS_AT_ONCE)

        async def read(listed: CaseListed) -> CaseApplication | None:
            async with limit:
                try:
                    return await self._case_system.application(listed.case_id)
                except RetriableError as error:
                    log.warning("pull.case_unread", code=error.code, neighbour=error.neighbour)
                    return None
                except ConnectorError as error:
                    log.warning("pull.case_unread", code=error.code, neighbour=error.neighbour)
                except Exception:
                    # A bug in one case must not keep all new ones from being pulled.
                    log.warning("pull.case_unread", code="BUG-001", neighbour=self._case_system.name)
                return unread(listed.case_id)

        cases = await asyncio.gather(*(read(one) for one in batch if one.case_id not in known))
        ours = [self._nobodys(case) for case in cases if case is not None and case.standing is Standing.OURS]
        added = await self._database.call(lambda queue: queue.add_many(ours, unless_there=True)) if ours else []
        return len(added), None not in cases

    def _nobodys(self, case: CaseApplication) -> PulledCase:
        """Whoever has it now may have taken it since we began it: so nobody had it when it was pulled, and who has it keeps it."""
        pulled = self._to_queue(case)
        return PulledCase(
            case_system=pulled.case_system,
            case_id=pulled.case_id,
            number=pulled.number,
            version=pulled.version,
            deadline=pulled.deadline,
            month=pulled.month,
            priority=pulled.priority,
            assigned_to=None,
            kind=pulled.kind,
        )


def unread(case_id: str) -> CaseApplication:
    """Stand in for a case that could not be read: nor is it known whose it is."""
    return CaseApplication(
        case_id=case_id, number=case_id, version=UNREAD, standing=Standing.OURS, assigned_to=None, application=None, unreadable=UNREAD
    )


def recommended_in(claimed: Claimed, case_system: str, keys: Iterable[object]) -> bool:
    """Say whether this very run's recommendation is among those keys."""
    identity = CaseIdentity(case_system, claimed.case_id, claimed.version, claimed.run)
    return not {effect_key(identity, EffectKind.RECOMMENDATION, detail) for detail in ("", DRAFT_DIFFERS)}.isdisjoint(set(keys))


async def end_if_written(claimed: Claimed, case_system: CaseSystem, database: Database) -> bool:
    """End a case of which all stands that a run writes, though the database knows of none; return whether that is so.

    For a case that the robot has begun itself. The draft that stands is the caseworker's, as it is: registers may answer otherwise now.
    """
    stored = await case_system.stored(claimed.case_id)
    if not stored.whole:
        return False
    keys = [row["key"] for row in stored.recommendations]
    of_this_run = recommended_in(claimed, case_system.name, keys)
    if not of_this_run and await database.call(lambda queue: queue.has_draft(claimed.case_system, claimed.case_id)):
        return False
    told = AuditEvent("case.written_before", "bistandsrobot", {"keys": [key for key in keys if key]})
    await database.call(lambda queue: queue.end(claimed, State.TAKEN_BY_PERSON, [told]))
    log.info("case.written_before", case_ref=claimed.case_ref)
    return True


async def all_stands(claimed: Claimed, case_system: CaseSystem, pending_documents: Iterable[str]) -> bool:
    """Say whether all of a run stands whose writes were stored before a restore. A person may have edited it, so it is not compared."""
    stored = await case_system.stored(claimed.case_id)
    if not stored.whole or not recommended_in(claimed, case_system.name, [row["key"] for row in stored.recommendations]):
        return False
    return claimed.run == 1 or set(pending_documents) <= {row["key"] for row in stored.documents}
