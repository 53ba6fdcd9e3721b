"""What any `Registers` must do. A connector's tests subclass `RegistersConformance` and give it a `Bench`.

class TestSsbtek(RegistersConformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from structlog.testing import capture_logs

from connectors.errors import PermanentError, RetriableError
from connectors.registers.port import RegisterQuery, Registers
from rules.facts import SOURCES


@dataclass(frozen=True, slots=True)
class Bench:
    """A register service over real HTTP, two made-up persons, and ways to make it fail.

    `paid` has a payment in `pays`; `stranger` is somebody of whom nothing is held. `protected` is a protected person.
    """

    registers: Registers
    paid: str
    pays: str
    stranger: str
    protected: str
    break_source: Callable[[str], Awaitable[None]]
    break_service: Callable[[], Awaitable[None]]
    repair: Callable[[], Awaitable[None]]
    month_end: date
    secrets: Collection[str] = field(default=())

    def query(self, personnummer: str, *sources: str, ref: str = "applicant") -> RegisterQuery:
        """Return a question over the last three months."""
        return RegisterQuery(
            ref=ref,
            personnummer=personnummer,
            case_number="EB-1",
            from_day=self.month_end - timedelta(days=60),
            to_day=self.month_end + timedelta(days=31),
            sources=sources or SOURCES,
        )


class RegistersConformance:
    """The promises, as tests."""

    async def test_there_is_exactly_one_answer_per_source_in_the_order_asked(self, bench: Bench) -> None:
        for sources in (SOURCES, tuple(reversed(SOURCES)), ("SO",), ("PM", "FK")):
            answers = await bench.registers.answers(bench.query(bench.paid, *sources))
            assert tuple(answer.source for answer in answers) == sources

    async def test_answers_carry_the_persons_ref_and_never_the_number(self, bench: Bench) -> None:
        answers = await bench.registers.answers(bench.query(bench.paid, ref="co_applicant"))
        assert {answer.person for answer in answers} == {"co_applicant"}
        assert not any(bench.paid in answer.model_dump_json() for answer in answers)

    async def test_a_payment_that_is_held_is_told_with_amount_and_date(self, bench: Bench) -> None:
        (answer,) = await bench.registers.answers(bench.query(bench.paid, bench.pays))
        assert answer.status == "answered"
        assert answer.payments
        assert all(payment.net is not None and payment.paid_on is not None for payment in answer.payments)

    async def test_of_a_stranger_nothing_is_held_and_no_source_is_silent(self, bench: Bench) -> None:
        answers = await bench.registers.answers(bench.query(bench.stranger))
        assert not any(answer.payments for answer in answers)
        assert not any(answer.status == "unavailable" for answer in answers)

    @pytest.mark.parametrize("source", SOURCES)
    async def test_a_source_that_fails_could_not_be_checked_and_the_others_stand(self, bench: Bench, source: str) -> None:
        before = {str(answer.source): answer for answer in await bench.registers.answers(bench.query(bench.paid))}
        await bench.break_source(source)
        after = {str(answer.source): answer for answer in await bench.registers.answers(bench.query(bench.paid))}
        assert after[source].status == "unavailable"
        assert after[source].error is not None
        # FK and PM share an element: FK failing as a whole takes PM with it.
        for other in set(SOURCES) - {source} - ({"PM"} if source == "FK" else set()):
            assert after[other].payments == before[other].payments
            assert after[other].status == before[other].status

    async def test_a_service_that_fails_as_a_whole_is_an_error_and_no_empty_answer(self, bench: Bench) -> None:
        await bench.break_service()
        with pytest.raises(RetriableError) as caught:
            await bench.registers.answers(bench.query(bench.paid))
        assert bench.paid not in str(caught.value)
        await bench.repair()
        assert await bench.registers.answers(bench.query(bench.paid))

    async def test_protection_is_told_by_at_least_one_source_and_only_of_who_has_it(self, bench: Bench) -> None:
        found = await bench.registers.answers(bench.query(bench.protected))
        assert any(answer.facts.protected for answer in found)
        assert not any(answer.facts.protected for answer in await bench.registers.answers(bench.query(bench.paid)))

    async def test_many_questions_at_once_get_each_their_own_answers(self, bench: Bench) -> None:
        people = [bench.paid, bench.stranger, bench.protected] * 10
        alone = {person: await bench.registers.answers(bench.query(person)) for person in set(people)}
        together = await asyncio.gather(*(bench.registers.answers(bench.query(person)) for person in people))
        for person, answers in zip(people, together, strict=True):
            assert [answer.payments for answer in answers] == [answer.payments for answer in alone[person]]

    async def test_a_question_that_cannot_be_put_is_refused_without_the_number(self, bench: Bench) -> None:
        with pytest.raises(PermanentError) as caught:
            await bench.registers.answers(bench.query(bench.paid + "9"))
        assert bench.paid not in str(caught.value)

    async def test_the_handshake_needs_nobody_and_tells_when_the_service_is_away(self, bench: Bench) -> None:
        assert (await bench.registers.check()).ok
        await bench.break_service()
        found = await bench.registers.check()
        assert (found.ok, found.neighbour) == (False, bench.registers.name)

    async def test_no_log_line_holds_a_person(self, bench: Bench) -> None:
        with capture_logs() as logged:
            await bench.registers.answers(bench.query(bench.paid))
            await bench.break_service()
            for _ in range(8):
                with pytest.raises(RetriableError):
                    await bench.registers.answers(bench.query(bench.paid))
        assert logged
        assert not any(secret in str(logged) for secret in (bench.paid, *bench.secrets))
