"""Step 6: the outgoing writes of a case, in order, each at most once, and none after a person has taken the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from connectors.case_systems.port import CaseSystem, Effect, EffectKind, Receipt
from robot.database import Database
from robot.draft import document, recommendation_text
from robot.effects import CaseIdentity, replan_after_difference
from rules.assessment import Assessment, Severity
from workqueue import AuditEvent, Claimed, EffectDone, NewEffect, State, StoredEffect

if TYPE_CHECKING:
    from robot.worker import Steps

log = structlog.get_logger()

ROBOT = "bistandsrobot"


class Delivery:
    """Write what is pending for a case. The effect's key is stored before the call, its receipt after."""

    def __init__(self, case_system: CaseSystem, database: Database) -> None:
        self._case_system = case_system
        self._database = database

    async def deliver(self, claimed: Claimed, steps: Steps) -> None:
        """Write everything pending, then close the case.

        Raises RetriableError when a write could not be done or its outcome is unknown: it is looked for by its key next time.
        Raises PermanentError when the case system refuses it, StaleLease when the case is no longer ours.
        """
        pending = await self._pending(claimed)
        while pending:
            stored = pending.pop(0)
            effect = Effect(stored.key, EffectKind(stored.kind), claimed.case_id, stored.payload)
            receipt = await self._case_system.apply_if_ours(effect, claimed.assigned_to)
            if receipt is None:
                await self._taken(claimed)
                return
            if receipt.differs:
                await self._replan(claimed, receipt.differs, EffectDone(effect.key, receipt.reference, receipt.found))
                pending = await self._pending(claimed)
            else:
                await self._receipt(claimed, effect.key, receipt)
        steps.done("deliver")
        await self._close(claimed, steps)

    async def _pending(self, claimed: Claimed) -> list[StoredEffect]:
        return await self._database.call(lambda queue: queue.pending_effects(claimed))

    async def _receipt(self, claimed: Claimed, key: str, receipt: Receipt) -> None:
        """Store that a write stands. Raises StaleLease when the case is no longer ours, so that the next one is not begun."""
        await self._database.call(lambda queue: queue.receipt(claimed, key, receipt.reference, receipt.found))

    async def _replan(self, claimed: Claimed, differs: tuple[str, ...], done: EffectDone) -> None:
        """The case system's own calculation has something else: a new recommendation for review, and what is left in its light."""
        draft = await self._database.call(lambda queue: queue.draft(claimed.case_ref))
        assert draft is not None
        identity = CaseIdentity(self._case_system.name, claimed.case_id, claimed.version, claimed.run)
        before = Assessment.model_validate(draft["assessment"])
        after, effects = replan_after_difference(before, differs, identity=identity, number=draft["number"])
        amended = draft | {
            "assessment": after.model_dump(mode="json"),
            "document": document(after, case_number=draft["number"]),
            "recommendation": recommendation_text(after, control_sample=False),
        }
        new = [NewEffect(effect.key, effect.kind.value, effect.payload) for effect in effects]
        event = AuditEvent("case.draft_differs", ROBOT, {"differs": list(differs)})
        await self._database.call(lambda queue: queue.amend(claimed, after.outcome.value, amended, new, [event], done=done))
        log.warning("case.draft_differs", case_ref=claimed.case_ref, code="CASE-101")

    async def _close(self, claimed: Claimed, steps: Steps) -> None:
        draft = await self._database.call(lambda queue: queue.draft(claimed.case_ref))
        assert draft is not None
        result = Assessment.model_validate(draft["assessment"])
        hidden = result.outcome.value == "stop" or draft["control_sample"]
        end = State.HANDED_OVER if hidden or result.outcome.value == "urgent" else State.DELIVERED
        await self._database.call(lambda queue: queue.end(claimed, end, [AuditEvent("case.delivered", ROBOT, {})]))
        if hidden:
            # No figures: how long a case took, or that it was asked about at all, would tell a stop from a control sample.
            log.info("case.finished", case_ref=claimed.case_ref, outcome="handed_over")
            return
        log.info(
            "case.finished",
            case_ref=claimed.case_ref,
            outcome=result.outcome.value,
            proposal=result.proposal.value if result.proposal else None,
            blanks=sorted({line.blank.reason for line in result.lines if line.blank}),
            flags=sorted({flag.code for flag in result.flagged(Severity.REVIEW, Severity.RESULT)}),
            ms=steps.ms,
        )

    async def _taken(self, claimed: Claimed) -> None:
        await self._database.call(lambda queue: queue.end(claimed, State.TAKEN_BY_PERSON, []))
        log.info("case.finished", case_ref=claimed.case_ref, outcome="taken_by_person")
