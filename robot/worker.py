"""One case's way: read, ask, assess, store (steps 3-5); then hand over to delivery (step 6).

Every way out of here is one of: finished and delivering, resting until incomes or a register can be asked again, tried later,
taken by a person, or parked for ops. An error in one case stops that case, never the daemon.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from connectors.case_systems.port import CaseReading, CaseSystem, Standing
from connectors.errors import ConnectorError, RetriableError
from robot.ask import Asker
from robot.begun import end_if_written, recommended_in
from robot.clock import Clock
from robot.controls import unassessed
from robot.database import Database
from robot.dead_man import DeadMan
from robot.deadlines import after, next_asking
from robot.delivery import Delivery, Outgoing, tell_finished
from robot.effects import CaseIdentity, CaseTexts, plan, texts_of
from robot.hours import is_open, opened, opens
from robot.person import numbers_of
from robot.pull import Puller
from robot.settings import Settings
from rules import Rulebook, assess, is_control_sample, triage
from rules.assessment import Assessment, Outcome
from rules.facts import Application, CaseFile, History, Household, Member, RegisterAnswer
from rules.month import Month
from workqueue import (
    UNREAD,
    AuditEvent,
    Claimed,
    NewEffect,
    PermanentQueueError,
    QueueError,
    RetriableQueueError,
    StaleLease,
    State,
)
from workqueue.limits import PEOPLE_LIMIT

log = structlog.get_logger()

_MOST_TRIES = 1000
_TOO_LARGE = "QUE-017"


@dataclass
class Steps:
    """How long each step of a case took, in milliseconds, for its summary line; and who is in the case, once that has been read."""

    ms: dict[str, int] = field(default_factory=dict)
    people: list[str] = field(default_factory=list, repr=False)
    _since: float = field(default_factory=time.perf_counter)

    def done(self, step: str) -> None:
        """Note that a step is over."""
        now = time.perf_counter()
        self.ms[step] = self.ms.get(step, 0) + round((now - self._since) * 1000)
        self._since = now


class Worker:
    """Takes one claimed case as far as it can go now."""

    def __init__(
        self,
        *,
        settings: Settings,
        case_system: CaseSystem,
        asker: Asker,
        puller: Puller,
        delivery: Delivery,
        database: Database,
        rulebook: Rulebook,
        clock: Clock,
        sample_key: bytes,
        once: bool,
        dead_man: DeadMan | None = None,
    ) -> None:
        self._settings = settings
        self._case_system = case_system
        self._asker = asker
        self._puller = puller
        self._delivery = delivery
        self._database = database
        self._rulebook = rulebook
        self._clock = clock
        self._sample_key = sample_key
        self._once = once
        self._dead_man = dead_man

    async def handle(self, claimed: Claimed) -> None:
        """Take a claimed case as far as it can go; never raises but for cancellation."""
        steps = Steps()
        if await self._has_killed_workers(claimed):
            return
        if (why := unassessed(claimed)) is not None:
            log.info("case.to_person", case_ref=claimed.case_ref, code=why)
            await self._give_to_a_person(claimed, why)
            return
        try:
            outgoing = None
            if claimed.state is not State.DELIVERING:
                outgoing = await self._prepare(claimed, steps)
                if outgoing is None:
                    return
                claimed = replace(claimed, state=State.DELIVERING)
            await self._delivery.deliver(claimed, steps, outgoing)
        except StaleLease:
            log.warning("case.lease_lost", case_ref=claimed.case_ref, code="QUE-010")
        except RetriableQueueError as error:
            # The database itself cannot take a note now: the case keeps its lease, and is rescued when that runs out.
            self._left_to_its_lease(claimed, error)
        except ConnectorError as error:
            await self._not_done(claimed, error)
        except PermanentQueueError as error:
            await self._not_stored(claimed, error, steps)
        except Exception:
            log.exception("case.failed", case_ref=claimed.case_ref, code="BUG-001")
            await self._give_to_a_person(claimed, "BUG-001", steps.people)

    async def _has_killed_workers(self, claimed: Claimed) -> bool:
        """Take a case that its worker has died of too many times out of the robot's hands; return whether it was one.

        At the limit a person gets it, by what the queue alone knows; one that is still fatal after that is for ops.
        """
        most = self._settings.work.most_crashes
        if claimed.rescues > most:
            await self._park(claimed, "BOT-006")
            return True
        if claimed.rescues < most or claimed.state is State.DELIVERING:
            return False
        log.error("case.crashes", case_ref=claimed.case_ref, times=claimed.rescues, code="BOT-006")
        await self._give_to_a_person(claimed, "BOT-006")
        return True

    async def _prepare(self, claimed: Claimed, steps: Steps) -> Outgoing | None:
        """Read, ask, assess, store. Return what there is to deliver now, if anything."""
        case = await self._case_system.application(claimed.case_id)
        # Of one that was unread at its pull nobody knows who had it then. One that the robot had begun was nobody's.
        known_at_pull = claimed.version != UNREAD or case.begun
        if case.standing is Standing.TAKEN or (known_at_pull and case.assigned_to != claimed.assigned_to):
            await self._taken(claimed)
            return None
        if case.version != claimed.version:
            await self._puller.take(case)
            log.info("case.changed", case_ref=claimed.case_ref)
            return None
        if case.begun and await end_if_written(claimed, self._case_system, self._database):
            return None
        alone = self._file(case.application or self._stand_in(claimed, case.unreadable or UNREAD), History(known=False))
        result = triage(alone, self._rulebook)
        if result is not None:
            steps.people = numbers_of(alone.application.household.members)
            steps.done("read")
            outgoing = await self._store(claimed, alone, result, number=case.number, steps=steps)
            steps.done("store")
            return outgoing
        reading = await self._case_system.reading(case, partial=self._has_given_up_reading(claimed))
        steps.done("read")
        return await self._assess(claimed, reading, steps)

    async def _assess(self, claimed: Claimed, reading: CaseReading, steps: Steps) -> Outgoing | None:
        application = reading.case.application
        assert application is not None
        steps.people = numbers_of(application.household.members)
        begun_before = recommended_in(claimed, self._case_system.name, reading.written)
        if reading.history.decided_by_person or (begun_before and reading.case.assigned_to is not None):
            # One that has our recommendation, of which the database knows nothing, may have been taken by whoever has it since then.
            await self._taken(claimed, steps.people)
            return None
        if reading.protected:
            application = application.model_copy(update={"protected": True})
        known = self._file(application, reading.history)
        result = triage(known, self._rulebook)
        if result is None:
            if await self._rest_while_closed(claimed, known, steps.people):
                return None
            answers = await self._asker.ask(application, reading.case.number)
            steps.done("ask")
            known = known.model_copy(update={"registers": answers})
            past_deadline = self._clock.now() >= claimed.deadline
            result = assess(known, self._rulebook, hand_over=past_deadline)
            steps.done("assess")
            if not past_deadline and await self._rest_if_it_must(claimed, result, known, steps.people):
                return None
        outgoing = await self._store(claimed, known, result, number=reading.case.number, steps=steps)
        steps.done("store")
        return outgoing

    async def _rest_while_closed(self, claimed: Claimed, known: CaseFile, people: list[str]) -> bool:
        """Let the case rest until the registers open, unless its deadline has come."""
        now, hours = self._clock.now(), self._settings.schedule.registers_open
        if now >= claimed.deadline or is_open(hours, now):
            return False
        await self._rest(claimed, State.WAITING_FOR_REGISTER, opens(hours, now), "register.closed", known, people=people)
        return True

    async def _rest_if_it_must(self, claimed: Claimed, result: Assessment, known: CaseFile, people: list[str]) -> bool:
        """Let the case rest when asking again may help: a source failed, nobody could say about protection, or incomes are to come."""
        if any(flag.code == "stop.protected_identity" for flag in result.flags):
            return False
        failed = any(may_be_mended(answer) for answer in known.registers)
        protection_unknown = any(flag.code == "stop.protection_unknown" for flag in result.flags)
        if not self._once and (protection_unknown or (failed and not self._has_given_up(claimed))):
            until = after(self._clock.now(), timedelta(seconds=self._settings.registers.ask_again_s))
            await self._rest(claimed, State.WAITING_FOR_REGISTER, until, "register.unavailable", known, people=people)
            return True
        if result.outcome is Outcome.WAITING_FOR_INCOME:
            until = next_asking(self._clock.now(), self._settings.schedule.ask_for_incomes_at_hour)
            await self._rest(claimed, State.WAITING_FOR_INCOME, until, "income_month_open", known, people=people)
            return True
        return False

    async def _rest(self, claimed: Claimed, state: State, until: datetime, reason: str, known: CaseFile, *, people: list[str]) -> None:
        await self._database.call(lambda queue: queue.rest(claimed, state, until, reason, self._read(known), people=people))
        log.info("case.resting", case_ref=claimed.case_ref, state=state.value, until=min(until, claimed.deadline).isoformat())

    async def _store(self, claimed: Claimed, known: CaseFile, result: Assessment, *, number: str, steps: Steps) -> Outgoing | None:
        """Store the assessment, the draft and the writes to be made, in one transaction; return what is now to be delivered.

        In shadow mode no write is stored, nothing is to be delivered, and the case has ended.
        """
        sample = result.outcome is Outcome.OK and is_control_sample(
            claimed.case_id, self._sample_key, self._rulebook.guidelines.control_sample_percent(result.month)
        )
        identity = CaseIdentity(self._case_system.name, claimed.case_id, claimed.version, claimed.run)
        texts = texts_of(result, number=number, control_sample=sample)
        effects = plan(result, texts, control_sample=sample, identity=identity, warning_type=self._case_system.warning_type)
        draft = draft_record(result, known, texts, number=number, control_sample=sample)
        outcome = outcome_label(result, control_sample=sample)
        told = {"outcome": outcome, "rulebook": self._rulebook.hash} | self._read(known)
        new = [NewEffect(effect.key, effect.kind.value, effect.payload) for effect in effects]
        people = steps.people
        hidden = sample or result.outcome is Outcome.STOP
        if self._settings.work.shadow:
            event = AuditEvent("case.assessed", "bistandsrobot", told | {"shadow": True})
            await self._database.call(lambda queue: queue.finish_in_shadow(claimed, outcome, draft, [event], people=people))
            tell_finished(claimed, result, hidden=hidden, ms=steps.ms, shadow=True)
            await self._count(result, known, hidden=hidden)
            return None
        await self._database.call(
            lambda queue: queue.finish(claimed, outcome, draft, new, [AuditEvent("case.assessed", "bistandsrobot", told)], people=people)
        )
        await self._count(result, known, hidden=hidden)
        return Outgoing(result, control_sample=sample, pending=effects)

    async def _count(self, result: Assessment, known: CaseFile, *, hidden: bool) -> None:
        if self._dead_man is not None:
            await self._dead_man.count(result, known, hidden=hidden)

    def _read(self, known: CaseFile) -> dict[str, object]:
        """Return for the audit what was read about whom and by which law; never what the answers were."""
        asked: dict[str, dict[str, str]] = {}
        for answer in known.registers:
            asked.setdefault(answer.person, {})[answer.source] = answer.status
        ground = self._settings.registers.ssbtek
        case_system = {"case_system": ["application", "history"] if known.history.known else ["application"]}
        return {"read": case_system | asked, "law": ground.law if asked else None, "purpose": ground.purpose if asked else None}

    def _file(self, application: Application, history: History) -> CaseFile:
        return CaseFile(today=self._clock.today(), application=application, history=history)

    def _stand_in(self, claimed: Claimed, reason: str) -> Application:
        """Stand in for an application that could not be read as one, so that it takes the way of every other stop."""
        return Application(
            case_id=claimed.case_id,
            type="unknown",
            received_at=claimed.first_pulled_at,
            month=Month.parse(claimed.month) if claimed.month else Month.of(self._clock.today()).plus(1),
            household=Household(members=(Member(ref="applicant", role="applicant"),)),
            unreadable=(reason,),
        )

    def _has_given_up(self, claimed: Claimed) -> bool:
        if self._once:
            return True
        now = after(self._clock.now(), timedelta())
        since = claimed.waiting_since or now
        opening = opened(self._settings.schedule.registers_open, now)
        # Hours in which it was closed are no wait for an answer.
        since = max(since, after(opening, timedelta())) if opening else since
        return now - since >= timedelta(seconds=self._settings.registers.give_up_after_s)

    def _has_given_up_reading(self, claimed: Claimed) -> bool:
        """Whether the case system's history has been tried for as long as a register would be."""
        work = self._settings.work
        tried_s = sum(min(work.try_again_first_s * 2**tries, work.try_again_last_s) for tries in range(min(claimed.attempts, _MOST_TRIES)))
        past_deadline = self._clock.now() >= claimed.deadline
        return self._once or past_deadline or tried_s >= self._settings.registers.give_up_after_s

    async def _taken(self, claimed: Claimed, people: Sequence[str] = ()) -> None:
        await self._database.call(lambda queue: queue.end(claimed, State.TAKEN_BY_PERSON, [], people=people))
        log.info("case.finished", case_ref=claimed.case_ref, outcome="taken_by_person")

    async def _later(self, claimed: Claimed, code: str, retry_after_s: float | None) -> None:
        work = self._settings.work
        wait = min(work.try_again_first_s * 2 ** min(claimed.attempts, 16), work.try_again_last_s)
        until = after(self._clock.now(), timedelta(seconds=max(wait, min(retry_after_s or 0, work.try_again_last_s))))
        try:
            await self._database.call(lambda queue: queue.try_later(claimed, until, code))
        except QueueError as error:
            self._left_to_its_lease(claimed, error)
            return
        log.warning("case.tried_later", case_ref=claimed.case_ref, code=code, until=until.isoformat())

    async def _park(self, claimed: Claimed, code: str) -> None:
        try:
            await self._database.call(lambda queue: queue.park(claimed, code))
        except QueueError as error:
            self._left_to_its_lease(claimed, error)
            return
        log.error("case.parked", case_ref=claimed.case_ref, code=code)

    def _left_to_its_lease(self, claimed: Claimed, error: QueueError) -> None:
        """Nothing could be noted of a case: another worker has it, or the lease runs out and it is rescued."""
        if not isinstance(error, StaleLease):
            log.warning("database.unavailable", case_ref=claimed.case_ref, code=error.code)

    async def _not_done(self, claimed: Claimed, error: ConnectorError) -> None:
        """The case system could not be read or written.

        A reading is tried again until the deadline, also when we were refused: that is as a rule the line or an agreement, and ops can
        mend it. Then the case goes to a person, as a stop, for protection could not be ruled out. A write that is refused is for ops.
        """
        passing = isinstance(error, RetriableError)
        if claimed.state is State.DELIVERING:
            if not passing:
                await self._park(claimed, error.code)
                return
        elif self._clock.now() >= claimed.deadline or (self._once and not passing):
            await self._give_to_a_person(claimed, error.code)
            return
        wait_s = error.retry_after_s if isinstance(error, RetriableError) else None
        if isinstance(error, RetriableError) and error.unknown_outcome:
            # The write may still be under way: whoever looks for it too soon does not find it, and makes it twice.
            wait_s = max(wait_s or 0, self._settings.work.lease_s)
        await self._later(claimed, error.code, wait_s)

    async def _not_stored(self, claimed: Claimed, error: PermanentQueueError, steps: Steps) -> None:
        """The database refused something of this case. What is too large to be kept goes to a person without it."""
        if error.code == _TOO_LARGE and claimed.state is not State.DELIVERING:
            await self._give_to_a_person(claimed, error.code, steps.people)
        else:
            await self._park(claimed, error.code)

    async def _give_to_a_person(self, claimed: Claimed, code: str, people: Sequence[str] = ()) -> None:
        """Hand a case over as a stop, by what the queue knows of it alone; park it for ops when even that does not work.

        `people` = who is in it, as far as that has been read: so the case is found when one of them asks what is kept.
        """
        if claimed.state is State.DELIVERING:
            await self._park(claimed, code)
            return
        try:
            known = self._file(self._stand_in(claimed, code), History(known=False))
            result = triage(known, self._rulebook)
            assert result is not None
            outgoing = await self._store(claimed, known, result, number=claimed.number, steps=Steps(people=list(people[:PEOPLE_LIMIT])))
        except (StaleLease, RetriableQueueError) as error:
            self._left_to_its_lease(claimed, error)
        except Exception:
            log.exception("case.hand_over_failed", case_ref=claimed.case_ref, code="BUG-002")
            await self._park(claimed, "BUG-002")
        else:
            if outgoing is not None:
                await self.handle(replace(claimed, state=State.DELIVERING))


def may_be_mended(answer: RegisterAnswer) -> bool:
    """Return whether asking again may help: the source failed, one a-kassa was silent, or a part met an internal error."""
    return answer.status == "unavailable" or any(part.startswith("a-kassa.") or part.endswith(".INTERNT_FEL") for part in answer.deviations)


def outcome_label(result: Assessment, *, control_sample: bool) -> str:
    """Return the outcome that may stand outside the encrypted store: a stop and a control sample are the same word."""
    if result.outcome is Outcome.STOP or control_sample:
        return "handed_over"
    return result.outcome.value


def draft_record(result: Assessment, known: CaseFile, texts: CaseTexts, *, number: str, control_sample: bool) -> dict[str, object]:
    """Return what is kept, encrypted, of a case: the facts used, the assessment and the texts as they were sent."""
    return {
        "number": number,
        "control_sample": control_sample,
        "assessment": result.model_dump(mode="json"),
        "case_file": known.model_dump(mode="json"),
        "document": texts.document,
        "recommendation": texts.recommendation,
    }
