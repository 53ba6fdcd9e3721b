"""Step 6: the outgoing writes of a case, in order, each at most once, and none after a person has taken the case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from connectors.case_systems.port import CaseSystem, Effect, EffectKind, Receipt
from robot.begun import all_stands
from robot.database import Database
from robot.effects import CaseIdentity, PlannedEffect, replan_after_difference
from rules.assessment import Assessment, Outcome, Severity
from workqueue import AuditEvent, Claimed, EffectDone, NewEffect, State, WorkQueue

if TYPE_CHECKING:
    from robot.worker import Steps

log = structlog.get_logger()

ROBOT = "bistandsrobot"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What the database holds of a case that is being delivered: its assessment, and the writes without a receipt, in order."""

    assessment: Assessment
    control_sample: bool
    pending: Sequence[PlannedEffect]

    @property
    def hidden(self) -> bool:
        """Whether it is a stop or a control sample, which look alike."""
        return self.assessment.outcome is Outcome.STOP or self.control_sample


class Delivery:
    """Write what is pending for a case. The effect's key is stored before the call, its receipt after."""

    def __init__(self, case_system: CaseSystem, database: Database) -> None:
        self._case_system = case_system
        self._database = database

    async def deliver(self, claimed: Claimed, steps: Steps, outgoing: Outgoing | None = None) -> None:
        """Write everything pending, then close the case. `outgoing` = what was stored a moment ago; None = it is read.

        Raises RetriableError when a write could not be done or its outcome is unknown: it is looked for by its key next time.
        Raises PermanentError when the case system refuses it, StaleLease when the case is no longer ours.
        """
        resumed = outgoing is None
        outgoing = outgoing or await self._stored(claimed)
        if resumed and outgoing.pending:
            outgoing = await self._without_what_stands(claimed, outgoing)
        left = list(outgoing.pending)
        last: tuple[EffectDone, ...] = ()
        while left:
            planned = left.pop(0)
            effect = Effect(planned.key, planned.kind, claimed.case_id, planned.payload)
            receipt = await self._case_system.apply_if_ours(effect, claimed.assigned_to)
            if receipt is None:
                await self._taken(claimed)
                return
            if receipt.differs:
                await self._replan(claimed, outgoing, receipt.differs, EffectDone(effect.key, receipt.reference, receipt.found))
                outgoing = await self._stored(claimed)
                left = list(outgoing.pending)
            elif left:
                await self._receipt(claimed, effect.key, receipt)
            else:
                last = (EffectDone(effect.key, receipt.reference, receipt.found),)
        steps.done("deliver")
        await self._close(claimed, outgoing, steps, last)

    async def _stored(self, claimed: Claimed) -> Outgoing:
        """Read what is to be delivered. Raises StaleLease when the case is no longer ours."""

        def read(queue: WorkQueue) -> Outgoing:
            pending = [PlannedEffect(one.key, EffectKind(one.kind), one.payload) for one in queue.pending_effects(claimed)]
            draft = queue.draft(claimed.case_ref)
            assert draft is not None
            return Outgoing(Assessment.model_validate(draft["assessment"]), draft["control_sample"], pending)

        return await self._database.call(read)

    async def _without_what_stands(self, claimed: Claimed, outgoing: Outgoing) -> Outgoing:
        """Note what was written since the copy that the database was restored from; a person may have worked on it, so it is left alone."""
        if not await self._database.call(lambda queue: queue.is_from_before_restore(claimed)):
            return outgoing
        documents = [one.key for one in outgoing.pending if one.kind is EffectKind.DOCUMENT]
        if not await all_stands(claimed, self._case_system, documents):
            return outgoing
        for planned in outgoing.pending:
            await self._receipt(claimed, planned.key, Receipt(planned.key, found=True))
        log.info("case.written_before", case_ref=claimed.case_ref)
        return replace(outgoing, pending=())

    async def _receipt(self, claimed: Claimed, key: str, receipt: Receipt) -> None:
        """Store that a write stands. Raises StaleLease when the case is no longer ours, so that the next one is not begun."""
        await self._database.call(lambda queue: queue.receipt(claimed, key, receipt.reference, receipt.found))

    async def _replan(self, claimed: Claimed, before: Outgoing, differs: tuple[str, ...], done: EffectDone) -> None:
        """The case system's own calculation has something else: a new recommendation for review, and what is left in its light."""
        draft = await self._database.call(lambda queue: queue.draft(claimed.case_ref))
        assert draft is not None
        identity = CaseIdentity(self._case_system.name, claimed.case_id, claimed.version, claimed.run)
        after, texts, effects = replan_after_difference(
            before.assessment, differs, identity=identity, number=draft["number"], control_sample=before.control_sample
        )
        amended = draft | {
            "assessment": after.model_dump(mode="json"),
            "document": texts.document,
            "recommendation": texts.recommendation,
        }
        new = [NewEffect(effect.key, effect.kind.value, effect.payload) for effect in effects]
        event = AuditEvent("case.draft_differs", ROBOT, {"differs": list(differs)})
        await self._database.call(lambda queue: queue.amend(claimed, after.outcome.value, amended, new, [event], done=done))
        log.warning("case.draft_differs", case_ref=claimed.case_ref, code="CASE-101")

    async def _close(self, claimed: Claimed, outgoing: Outgoing, steps: Steps, last: tuple[EffectDone, ...]) -> None:
        """End the case, together with the receipt of its last write."""
        result = outgoing.assessment
        end = State.HANDED_OVER if outgoing.hidden or result.outcome is Outcome.URGENT else State.DELIVERED
        await self._database.call(lambda queue: queue.end(claimed, end, [AuditEvent("case.delivered", ROBOT, {})], done=last))
        tell_finished(claimed, result, hidden=outgoing.hidden, ms=steps.ms)

    async def _taken(self, claimed: Claimed) -> None:
        await self._database.call(lambda queue: queue.end(claimed, State.TAKEN_BY_PERSON, []))
        log.info("case.finished", case_ref=claimed.case_ref, outcome="taken_by_person")


def tell_finished(claimed: Claimed, result: Assessment, *, hidden: bool, ms: dict[str, int], shadow: bool = False) -> None:
    """Log the summary of a case. `hidden` = it is a stop or a control sample, which look alike."""
    logger = log.bind(shadow=True) if shadow else log
    if hidden:
        # No figures: how long a case took, or that it was asked about at all, would tell a stop from a control sample.
        logger.info("case.finished", case_ref=claimed.case_ref, outcome="handed_over")
        return
    logger.info(
        "case.finished",
        case_ref=claimed.case_ref,
        outcome=result.outcome.value,
        proposal=result.proposal.value if result.proposal else None,
        blanks=sorted({line.blank.reason for line in result.lines if line.blank}),
        flags=sorted({flag.code for flag in result.flagged(Severity.REVIEW, Severity.RESULT)}),
        ms=ms,
    )
