"""Small stand-ins for the robot's neighbours, and a robot's parts put together on them: what the tests of the logic work with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from connectors.case_systems.port import CaseApplication, CaseListed, CaseReading, Effect, EffectKind, Receipt, Standing, StoredDraft
from connectors.errors import PermanentError, RetriableError
from connectors.handshake import Handshake
from connectors.registers.port import RegisterQuery
from robot.ask import Asker
from robot.clock import STOCKHOLM
from robot.database import Database
from robot.delivery import Delivery
from robot.pull import Puller
from robot.settings import Settings
from robot.worker import Worker
from rules import Rulebook, is_control_sample
from rules.assessment import Assessment
from rules.facts import Application, CaseFile, FreeText, RegisterAnswer, SourceError
from rules.month import Month
from workqueue import Claimed, Item, State, WorkQueue

MORNING = datetime(2026, 11, 30, 8, 0, tzinfo=STOCKHOLM)
CASE = "case-1"
LEASE_S = 60.0


def passing(code: str = "NET-004") -> RetriableError:
    """Return an error that may pass."""
    return RetriableError(code, "no answer", neighbour="fake")


def refused(code: str = "NET-008") -> PermanentError:
    """Return an error that asking again does not mend."""
    return PermanentError(code, "refused", neighbour="fake")


class FakeClock:
    """Both times stand still until moved."""

    def __init__(self, start: datetime = MORNING) -> None:
        self.world = start
        self.machine = 1_000_000.0

    def now(self) -> datetime:
        """Return the world's time."""
        return self.world.astimezone(STOCKHOLM)

    def today(self) -> date:
        """Return the world's day."""
        return self.now().date()

    def machine_s(self) -> float:
        """Return the machine's seconds."""
        return self.machine

    def go_to(self, moment: datetime) -> None:
        """Let the world's time be that."""
        self.world = moment

    def advance(self, **step: float) -> None:
        """Let both times go on."""
        self.world += timedelta(**step)
        self.machine += timedelta(**step).total_seconds()


@dataclass
class FakeCase:
    """What the fake case system holds of one case. `error` is raised when it is read, `reading_error` when its history is."""

    file: CaseFile
    version: str = "v1"
    standing: Standing = Standing.OURS
    assigned_to: str | None = None
    created_at: datetime = MORNING
    changed_at: datetime = MORNING
    error: Exception | None = None
    reading_error: Exception | None = None
    protected: bool = False
    decided: bool = False
    begun: bool = False
    whole: bool = False
    unreadable: str | None = None

    def change(self, application: Application, version: str = "v2") -> None:
        """Let the applicant change the application."""
        self.file = self.file.model_copy(update={"application": application})
        self.version, self.changed_at = version, self.changed_at + timedelta(minutes=1)


class FakeCaseSystem:
    """A case system in memory. `asked_since` = the bounds that the list was asked with; `applied` = the writes that were made."""

    name = "fake"

    def __init__(self) -> None:
        self.cases: dict[str, FakeCase] = {}
        self.asked_since: list[datetime | None] = []
        self.read: list[str] = []
        self.applied: list[Effect] = []
        self.list_error: Exception | None = None
        self.write_error: Exception | None = None
        self.before_write: Callable[[Effect], None] = lambda _: None

    async def find_new(self, since: datetime | None) -> AsyncIterator[CaseListed]:
        """Yield what was created after `since`, then fail when told to."""
        self.asked_since.append(since)
        for case_id, case in self.cases.items():
            if since is None or case.created_at > since:
                yield CaseListed(case_id, case.created_at, case.changed_at)
        if self.list_error:
            raise self.list_error

    async def find_begun(self, since: datetime) -> AsyncIterator[CaseListed]:
        """Yield what the robot has begun."""
        for case_id, case in self.cases.items():
            if case.begun and case.changed_at > since:
                yield CaseListed(case_id, case.created_at, case.changed_at)

    async def application(self, case_id: str) -> CaseApplication:
        """Read one."""
        self.read.append(case_id)
        case = self.cases[case_id]
        if case.error:
            raise case.error
        application = None if case.unreadable else case.file.application
        return CaseApplication(
            case_id, f"EB-{case_id}", case.version, case.standing, case.assigned_to, application, case.unreadable, case.begun
        )

    async def reading(self, case: CaseApplication, *, partial: bool = False) -> CaseReading:
        """Read the history, unknown when it fails and `partial` is asked for."""
        held = self.cases[case.case_id]
        history = held.file.history.model_copy(update={"decided_by_person": held.decided})
        if held.reading_error:
            if not partial:
                raise held.reading_error
            history = type(history)(known=False)
        keys = {one.key for one in self.applied if one.kind is EffectKind.RECOMMENDATION and one.case_id == case.case_id}
        return CaseReading(case, history, protected=held.protected, written=frozenset(keys))

    async def standing(self, case_id: str, assigned_to: str | None) -> Standing:
        """Say whose it is."""
        case = self.cases[case_id]
        return case.standing if case.assigned_to == assigned_to else Standing.TAKEN

    async def apply(self, effect: Effect) -> Receipt:
        """Make a write, once by its key."""
        self.before_write(effect)
        if self.write_error:
            raise self.write_error
        found = any(one.key == effect.key for one in self.applied)
        if not found:
            self.applied.append(effect)
        return Receipt(reference=f"ref-{len(self.applied)}", found=found)

    async def apply_if_ours(self, effect: Effect, assigned_to: str | None) -> Receipt | None:
        """Make a write unless a person has the case."""
        return await self.apply(effect) if await self.standing(effect.case_id, assigned_to) is Standing.OURS else None

    def warning_type(self, flag_code: str) -> str | None:
        """Have one type for them all."""
        return f"WARNING_{flag_code}"[:7]

    async def stored(self, case_id: str) -> StoredDraft:
        """Read back the keys of recommendations and documents, and whether all is said to stand."""
        case = self.cases[case_id]
        written = {
            kind: tuple({"key": one.key} for one in self.applied if one.kind is kind and one.case_id == case_id) for kind in EffectKind
        }
        return StoredDraft(
            case_id=case_id,
            number="",
            status="",
            standing=case.standing,
            recommendations=written[EffectKind.RECOMMENDATION],
            documents=written[EffectKind.DOCUMENT],
            warnings=(),
            income_rows=(),
            whole=case.whole,
        )

    async def check(self) -> Handshake:
        """Answer."""
        return Handshake(self.name, ok=True, message="answers")

    async def aclose(self) -> None:
        """Nothing to close."""


class FakeRegisters:
    """Registers that answer what a case file says. `silent` sources fail; `error` is raised instead of any answer."""

    name = "fake-registers"

    def __init__(self, answers: tuple[RegisterAnswer, ...], clock: FakeClock) -> None:
        self._answers: dict[tuple[str, str], RegisterAnswer] = {(one.person, one.source): one for one in answers}
        self._clock = clock
        self.silent: set[str] = set()
        self.silent_about: set[str] = set()
        self.error: Exception | None = None
        self.asked: list[RegisterQuery] = []
        self.wait: Callable[[], Any] | None = None

    def hold(self, answer: RegisterAnswer) -> None:
        """Have another answer about one person from one source."""
        self._answers[answer.person, answer.source] = answer

    async def answers(self, query: RegisterQuery) -> list[RegisterAnswer]:
        """Answer for one person."""
        self.asked.append(query)
        if self.wait:
            await self.wait()
        if self.error or query.ref in self.silent_about:
            raise self.error or passing()
        found = [self._answers[query.ref, source].model_copy(update={"fetched_at": self._clock.now()}) for source in query.sources]
        return [
            RegisterAnswer(
                person=one.person,
                source=one.source,
                status="unavailable",
                fetched_at=self._clock.now(),
                error=SourceError(source="fake", code="DOWN"),
            )
            if one.source in self.silent
            else one
            for one in found
        ]

    async def check(self) -> Handshake:
        """Answer."""
        return Handshake(self.name, ok=True, message="answers")

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class Robot:
    """A robot's parts on fakes, with a real queue."""

    settings: Settings
    rulebook: Rulebook
    clock: FakeClock
    case_system: FakeCaseSystem
    registers: FakeRegisters
    database: Database
    standard: CaseFile
    asker: Asker = field(init=False)
    puller: Puller = field(init=False)

    def __post_init__(self) -> None:
        """Put together what asks and pulls."""
        policy = self.settings.registers
        hours = self.settings.schedule.registers_open
        self.asker = Asker(self.registers, self.clock, policy.sources, deadline_s=policy.deadline_s, open_in=hours)
        self.puller = Puller(self.case_system, self.database, self.rulebook, self.clock, overlap_s=self.settings.schedule.pull_overlap_s)

    @property
    def queue(self) -> WorkQueue:
        """Return the queue, to look in from the test itself."""
        return self.database.queue

    @property
    def case(self) -> FakeCase:
        """Return the one case that most tests are about."""
        return self.case_system.cases[CASE]

    def worker(self, *, once: bool = False, sample: bool = False) -> Worker:
        """Return a worker, whose key picks the one case as a control sample, or does not."""
        share = self.rulebook.guidelines.control_sample_percent(Month(2026, 12))
        keys = (bytes([number]) * 32 for number in range(256))
        return Worker(
            settings=self.settings,
            case_system=self.case_system,
            asker=self.asker,
            puller=self.puller,
            delivery=Delivery(self.case_system, self.database),
            database=self.database,
            rulebook=self.rulebook,
            clock=self.clock,
            sample_key=next(key for key in keys if is_control_sample(CASE, key, share) is sample),
            once=once,
        )

    def claim(self) -> Claimed:
        """Wake what is due and claim the one case there is to take."""
        self.queue.release_due()
        (claimed,) = self.queue.claim("test", 10, LEASE_S)
        return claimed

    async def take(self, *, once: bool = False, sample: bool = False) -> Item:
        """Pull, claim the one case, let a worker take it as far as it goes; return what the queue says of it then."""
        await self.puller.pull(everything=True)
        return await self.go_on(once=once, sample=sample)

    async def go_on(self, *, once: bool = False, sample: bool = False) -> Item:
        """Claim the one case that is due and let a worker take it."""
        await self.worker(once=once, sample=sample).handle(self.claim())
        return self.item()

    def item(self, case_id: str = CASE) -> Item:
        """Return what the queue says of a case."""
        found = self.queue.item(case_id)
        assert found is not None
        return found

    def assessment(self, case_id: str = CASE) -> Assessment:
        """Return the latest assessment of a case."""
        draft = self.queue.draft(case_id)
        assert draft is not None
        return Assessment.model_validate(draft["assessment"])

    def written(self) -> list[str]:
        """Return the kinds of writes made, in order."""
        return [effect.kind.value for effect in self.case_system.applied]

    def is_at_rest(self, state: State) -> bool:
        """Say whether the case rests in a state and nothing was written."""
        return self.item().state is state and self.written() == []


def with_text(application: Application, text: str) -> Application:
    """Return an application with something written in a field for free text."""
    return application.model_copy(update={"free_text": (FreeText(field="livelihood", text=text),)})
