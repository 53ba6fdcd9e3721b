"""Promises that hold for every case file that is one, not only for those we thought of."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rules import Rulebook, assess, canonical_json, load_rulebook, triage
from rules.assessment import Assessment, Outcome, Proposal, Recommendation, Severity
from rules.facts import CaseFile, RegisterAnswer
from rules.money import Ore

BOOK: Rulebook = load_rulebook(Path(__file__).parents[3] / "rules" / "guidelines" / "exempelkommun.yaml")
MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

BENEFITS = {
    "FK": ["Bostadsbidrag", "Barnbidrag", "Underhållsstöd", "Omvårdnadsbidrag", "Merkostnadsersättning", "Gåva", "unknown:", "CSN"],
    "PM": ["Ålderspension", "Bostadstillägg"],
    "SO": ["Arbetslöshetsersättning"],
    "CSN": ["Studiemedel", "Studiehjälp"],
}
DAYS = [None, *(date(2026, 9, 20) + timedelta(days=number) for number in range(100))]
KINDS = ["salary", "swish", "maintenance", "occupational_pension", "rent_share_from_child", "other", "unknown:X", "Bostadsbidrag"]
COSTS = ["rent", "electricity", "medicine", "other", "travel_medical", "internet", "dental_acute", "unknown:Y"]
RECIPIENTS = ["applicant", "co_applicant", "child-1", "unknown:Z", ""]
TEXTS = ["", "", "Hej", "Jag har en hyresskuld", "Vi har ingen mat", "\x00|\u0301 .. /"]
MAYBE = [None, True, False]
ASKED = ("FK", "PM", "SO", "CSN", "AF", "SKV", "TNS", "MIV")


class Making:
    """Makes case files, any and all, from a seed: much faster than drawing every value by itself."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # Half of the cases are close to an ordinary one, so that proposals are reached too.
        self.strange = self.random.random() < 0.5

    def pick(self, *usual: Any, rare: tuple[Any, ...] = ()) -> Any:
        """Return one of the usual values, now and then a rare one."""
        return self.random.choice(rare if rare and self.strange and self.random.random() < 0.3 else usual)

    def amount(self) -> str | None:
        """Return kronor as text, whole or with öre; rarely below nothing or unknown."""
        ore = self.pick(self.random.randint(0, 30_000) * 100, self.random.randint(0, 3_000_000), rare=(None, -500, -1, 0, 1))
        return None if ore is None else f"{'-' if ore < 0 else ''}{abs(ore) // 100}.{abs(ore) % 100:02d}"

    def several(self, make: Callable[[], dict[str, Any]], most: int) -> list[dict[str, Any]]:
        """Return up to that many of something."""
        return [make() for _ in range(self.random.randint(0, most))]

    def payment(self, source: str) -> dict[str, Any]:
        return {
            "benefit": self.pick(*BENEFITS.get(source, ["Annat"])),
            "net": self.amount(),
            "currency": self.pick("SEK", rare=("EUR", None)),
            "paid_on": self.random.choice(DAYS),
            "preliminary": self.pick(False, rare=(True,)),
            "other_deductions": self.pick("0.00", rare=("12.50", None)),
            "mixed_rows": self.pick(False, rare=(True,)),
        }

    def answer(self, person: str, source: str) -> dict[str, Any]:
        status = self.pick("answered", "nothing_held", rare=("unavailable",))
        most = 3 if source in BENEFITS and (status != "nothing_held" or self.strange) else 0
        return {
            "person": person,
            "source": source,
            "status": status,
            "fetched_at": self.pick("2026-11-30T06:00:00+01:00", rare=("2026-11-27T12:00:00Z", "2026-12-02T08:00:00+01:00")),
            "facts": {
                "protected": self.pick(False, rare=(None,)),
                "job_seeker": self.pick(*MAYBE),
                "student": self.pick(None, rare=(True,)),
            },
            "payments": self.several(lambda: self.payment(source), most),
            "deviations": self.pick([], rare=(["a-kassa.X"], ["FK:GEPI"])),
        }

    def child(self, number: int) -> dict[str, Any]:
        return {
            "ref": f"child-{number}",
            "role": "child",
            "birth_date": self.pick(date(2003, 1, 1) + timedelta(days=self.random.randint(0, 8_800)), rare=(None,)),
            "days_in_home": self.pick(31, self.random.randint(0, 31), rare=(None,)),
            "residence": self.pick(None, "full_time", "half_time"),
            "lunch_elsewhere": self.pick(*MAYBE),
            "school_youth": self.pick(*MAYBE),
        }

    def history(self, refs: list[str], month: str) -> dict[str, Any]:
        last = {"2026-12": "2026-11", "2027-01": "2026-12", "2025-06": "2025-05"}.get(month, "2026-10")
        kinds = [*KINDS, "Barnbidrag", "Underhållsstöd", "Arbetslöshetsersättning"]
        calculation = {
            "month": last,
            "norm": "12710.00",
            "need": self.pick("4485.00", rare=("-20.00", "100000.00")),
            "members": self.pick(refs, rare=([], [*refs, "former-1"])),
            "costs": self.several(lambda: {"type": self.pick(*COSTS), "approved": f"{self.random.randint(0, 9_000)}.50"}, 4),
            "incomes": self.several(
                lambda: {"type": self.pick(*kinds), "recipient": self.pick(*RECIPIENTS), "amount": f"{self.random.randint(0, 9_000)}.00"}, 4
            ),
            "norms": [{"ref": ref, "amount": self.pick("2720.00", "3060.00", "3820.00")} for ref in refs],
        }
        window = {"person": "applicant", "from": "2026-03", "to": self.pick("2026-11", "2028-02")}
        return {
            "known": self.pick(True, rare=(False,)),
            "previous_calculation": self.pick(calculation, rare=(None,)),
            "months_in_a_row": self.pick(None, 2, 15),
            "jobbstimulans": self.pick([window], rare=(None, [])),
        }

    def case(self) -> CaseFile:
        """Return a case file."""
        adults = ["applicant", "co_applicant"][: self.random.randint(1, 2)]
        status = self.pick("cohabiting" if len(adults) == 2 else "single", rare=("single", "cohabiting", "married", None, "unknown:X"))
        members: list[dict[str, Any]] = [
            {"ref": ref, "role": ref, "personnummer": self.pick("199001012385", rare=("200612022380", None))} for ref in adults
        ]
        members += [self.child(number) for number in range(1, self.pick(0, 1, 2, rare=(3, 8)) + 1)]
        month = self.pick("2026-12", rare=("2027-01", "2025-06", "2026-02", "1990-01", "2099-12"))
        received = self.pick("2026-11-20T09:30:00+01:00", rare=("2027-01-01T00:00:00+01:00", "2025-05-20T09:00:00+02:00"))
        history = self.history([member["ref"] for member in members], month)
        data: dict[str, Any] = {
            "today": self.pick(*["2026-11-30"] * 4, "2026-11-15", rare=("2027-01-02",)),
            "application": {
                "case_id": "EB-1",
                "type": self.pick("renewal", rare=("first", "unknown:X")),
                "channel": self.pick(None, "e-service", rare=("paper",)),
                "received_at": received,
                "month": month,
                "signed": {"applicant": self.pick(True, None, rare=(False,)), "co_applicant": self.pick(True, None, rare=(False,))},
                "household": {"civil_status": status, "others_in_home": self.pick(0, rare=(1, 50, None)), "members": members},
                "housing": {"form": self.pick("rental", rare=("lodger", None)), "changed": self.pick(False, rare=(True, None))},
                "costs": self._costs(history),
                "incomes": self.several(
                    lambda: {
                        "type": self.pick(*KINDS),
                        "recipient": self.pick(*adults, rare=tuple(RECIPIENTS)),
                        "net": self.amount(),
                        "paid_on": self.random.choice(DAYS),
                    },
                    2,
                ),
                "plans": [{"person": ref, "type": self.pick("work", rare=("other", "x"))} for ref in adults],
                "free_text": [{"field": "livelihood", "text": self.pick("", rare=tuple(TEXTS))}],
            },
            "registers": [self.answer(person, source) for person in adults for source in ASKED],
            "history": history,
        }
        if not self.strange:
            self._settle(data)
        return CaseFile.model_validate(data)

    def _costs(self, history: dict[str, Any]) -> list[dict[str, Any]]:
        as_before = [{"type": "rent", "applied": "5000.00"}] if history["previous_calculation"] else []
        return as_before + self.several(lambda: {"type": self.pick(*COSTS), "applied": self.amount(), "proof": self.pick(*MAYBE)}, 3)

    def _settle(self, data: dict[str, Any]) -> None:
        """Take away the last doubts: everybody grown up, what is paid is on the list, last month was the same."""
        data["application"]["incomes"] = []
        data["application"]["costs"] = [{"type": "rent", "applied": "5000.00"}]
        data["application"]["household"]["members"] = data["application"]["household"]["members"][: 1 + self._two(data)]
        refs = [member["ref"] for member in data["application"]["household"]["members"]]
        paid_now = self.random.randint(1, 16_000)
        need = max((13_510 if self._two(data) else 10_220) - paid_now, 0)
        net = f"{paid_now}.00"
        for answer in data["registers"]:
            paid = {"benefit": "Bostadsbidrag", "net": net, "currency": "SEK", "other_deductions": "0.00", "paid_on": "2026-11-27"}
            answer["payments"] = [paid] if (answer["person"], answer["source"]) == ("applicant", "FK") else []
            answer["facts"] = {"protected": False}
            answer["status"] = "answered"
        data["history"]["previous_calculation"] |= {
            "members": refs,
            "costs": [{"type": "rent", "approved": "5000.00"}],
            "incomes": [{"type": "Bostadsbidrag", "recipient": "applicant", "amount": net}],
            "norms": [],
            "need": f"{need}.00",
        }

    @staticmethod
    def _two(data: dict[str, Any]) -> bool:
        return bool(data["application"]["household"]["civil_status"] == "cohabiting")


def case_files() -> st.SearchStrategy[CaseFile]:
    """Any application of a household, with any answers and any history."""
    return st.integers(0, 2**32).map(lambda seed: Making(seed).case())


def computed(case: CaseFile) -> Assessment:
    """Assess a case that is neither stop nor urgent."""
    result = assess(case, BOOK, hand_over=True)
    assume(result.outcome not in (Outcome.STOP, Outcome.URGENT))
    return result


def test_the_cases_made_here_reach_every_outcome() -> None:
    reached = {assess(Making(seed).case(), BOOK).outcome for seed in range(300)}

    assert reached == set(Outcome)
    assert {assess(Making(seed).case(), BOOK).proposal for seed in range(300)} >= {Proposal.BIFALL, Proposal.AVSLAG, None}


@MANY
@given(case_files(), st.booleans())
def test_every_case_file_has_an_assessment_and_always_the_same(case: CaseFile, hand_over: bool) -> None:
    first, again = assess(case, BOOK, hand_over=hand_over), assess(case.model_copy(deep=True), BOOK, hand_over=hand_over)

    assert canonical_json(first) == canonical_json(again)
    assert Assessment.model_validate_json(first.model_dump_json()) == first


@MANY
@given(case_files())
def test_need_and_incomes_are_exactly_norm_and_costs(case: CaseFile) -> None:
    result = computed(case)

    assert result.sums is not None
    assert result.sums.need + result.sums.incomes == result.sums.norm + result.sums.costs
    for section, total in (("norm", result.sums.norm), ("cost", result.sums.costs), ("income", result.sums.incomes)):
        assert total == sum(line.low for line in result.lines if line.section == section)


@MANY
@given(case_files())
def test_the_span_contains_what_is_known_and_every_blank_contains_itself(case: CaseFile) -> None:
    result = computed(case)

    assert result.sums is not None
    assert result.span is not None
    assert result.span.lowest is None or result.span.lowest <= result.sums.need
    assert result.span.highest is None or result.span.highest >= result.sums.need
    for line in result.lines:
        assert (line.amount is None) is (line.blank is not None)
        assert line.low >= 0
        assert line.high is None or line.high >= line.low
    if not any(line.blank for line in result.lines) and "sum.month_open" not in {flag.code for flag in result.flags}:
        assert result.span.lowest == result.span.highest == result.sums.need


@MANY
@given(case_files())
def test_every_assessment_proposes_or_says_why_not(case: CaseFile) -> None:
    result = assess(case, BOOK)
    reasons = result.flagged(Severity.STOP, Severity.URGENT, Severity.REVIEW)

    assert (result.proposal is None) is bool(reasons or result.outcome is Outcome.WAITING_FOR_INCOME)
    assert (result.amount is not None) is (result.proposal in (Proposal.BIFALL, Proposal.DELAVSLAG))


@MANY
@given(case_files())
def test_every_blank_has_its_reason_among_the_flags_and_every_line_its_own_key(case: CaseFile) -> None:
    result = computed(case)
    raised = {flag.code for flag in result.flags}

    assert len({line.key for line in result.lines}) == len(result.lines)
    assert len({(flag.code, flag.key) for flag in result.flags}) == len(result.flags)
    assert {line.blank.reason for line in result.lines if line.blank} <= raised
    assert ("sum.blank" in raised) is any(line.blank for line in result.lines)


@MANY
@given(case_files())
def test_ok_is_only_what_nothing_speaks_against(case: CaseFile) -> None:
    result = assess(case, BOOK)
    ok = result.recommendation is Recommendation.OK

    assert ok is (result.outcome is Outcome.OK)
    if ok:
        assert result.proposal is Proposal.BIFALL
        assert all(flag.severity is Severity.INFO for flag in result.flags)
        assert not any(line.blank for line in result.lines)
        assert all(check.done for check in result.checks)


@MANY
@given(case_files(), st.integers(0, 2**32))
def test_the_order_of_answers_and_payments_makes_no_difference(case: CaseFile, seed: int) -> None:
    shuffle = random.Random(seed)
    mixed: list[RegisterAnswer] = [
        answer.model_copy(update={"payments": tuple(shuffle.sample(answer.payments, len(answer.payments)))}) for answer in case.registers
    ]
    shuffle.shuffle(mixed)

    assert canonical_json(assess(case, BOOK)) == canonical_json(assess(case.model_copy(update={"registers": tuple(mixed)}), BOOK))


@MANY
@given(case_files(), st.integers(0, 100))
def test_a_register_that_falls_silent_turns_no_number_into_another(case: CaseFile, pick: int) -> None:
    before = computed(case)
    silent = list(case.registers)
    chosen = pick % len(silent)
    silent[chosen] = silent[chosen].model_copy(update={"status": "unavailable", "payments": ()})
    after = computed(case.model_copy(update={"registers": tuple(silent)}))

    known = {line.key: line.amount for line in before.lines if line.amount is not None}
    for line in after.lines:
        assert line.amount is None or known.get(line.key, line.amount) == line.amount
    assert after.proposal is None


@MANY
@given(case_files(), st.integers(0, 100), st.integers(1, 500_000))
def test_more_counted_income_never_raises_the_need(case: CaseFile, pick: int, more: int) -> None:
    counted = [
        (place, number)
        for place, answer in enumerate(case.registers)
        for number, payment in enumerate(answer.payments)
        if answer.status == "answered" and payment.net is not None and payment.net >= 0
    ]
    assume(counted)
    place, number = counted[pick % len(counted)]
    answer = case.registers[place]
    paid = list(answer.payments)
    paid[number] = paid[number].model_copy(update={"net": Ore((paid[number].net or 0) + more)})
    registers = list(case.registers)
    registers[place] = answer.model_copy(update={"payments": tuple(paid)})
    before, after = computed(case), computed(case.model_copy(update={"registers": tuple(registers)}))

    assert before.sums is not None
    assert after.sums is not None
    assert after.sums.need <= before.sums.need


@MANY
@given(
    st.dates(date(2005, 1, 1), date(2027, 1, 1)),
    st.integers(2025, 2026),
    st.integers(1, 12),
    st.sampled_from(MAYBE),
    st.sampled_from(MAYBE),
)
def test_a_child_of_any_age_has_an_amount_or_a_blank(born: date, year: int, number: int, lunch: bool | None, school: bool | None) -> None:
    received = datetime(year, number, 1, 12, tzinfo=UTC) - timedelta(days=10)
    child = {"ref": "child-1", "role": "child", "birth_date": born, "days_in_home": 31, "lunch_elsewhere": lunch, "school_youth": school}
    case = CaseFile.model_validate(
        {
            "today": received.date(),
            "application": {
                "case_id": "EB-1",
                "type": "renewal",
                "received_at": received,
                "month": f"{year}-{number:02d}",
                "household": {
                    "civil_status": "single",
                    "others_in_home": 0,
                    "members": [{"ref": "applicant", "role": "applicant", "personnummer": "199001012385"}, child],
                },
            },
            "registers": [
                {"person": "applicant", "source": "FK", "status": "answered", "fetched_at": received, "facts": {"protected": False}}
            ],
            "history": {"known": False},
        }
    )
    line = next(line for line in assess(case, BOOK).lines if line.key == "norm.child-1")
    age = year - born.year - ((number, 1) < (born.month, born.day))

    if 0 <= age <= 17 and lunch is not None:
        assert line.amount is not None
        assert 248_000 <= line.amount <= 496_000
    else:
        assert line.blank is not None or (line.amount is not None and (age <= 5 or age >= 7))


@MANY
@given(case_files())
def test_triage_says_the_same_as_the_whole_assessment_when_it_says_anything(case: CaseFile) -> None:
    early = triage(case, BOOK)

    if early is not None:
        assert canonical_json(early) == canonical_json(assess(case, BOOK))
