"""What everything else stands on: money, months, numbers of persons, texts and dated values, at their edges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from rules import RulebookError, assess, legal, load_rulebook
from rules.assessment import Assessment, Result, Severity
from rules.context import age_on, is_right_number, local_day
from rules.facts import CaseFile, Fact, Member
from rules.legal import InForce, Rule, RuleConflictError, all_versions, before, rule, since
from rules.money import ZERO, Ore, kronor, ore, part, swedish
from rules.month import Month
from rules.words import FILE as WORDS
from rules.words import read_words

WRITTEN = "an amount is written as a decimal string in kronor"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", 0),
        ("-0.00", 0),
        ("0.01", 1),
        ("-0.01", -1),
        ("1850", 185_000),
        ("1850.5", 185_050),
        ("999999999.99", 99_999_999_999),
        ("-999999999.99", -99_999_999_999),
        (3, 300),
        (Decimal("0.10"), 10),
        (Decimal("1E+3"), 100_000),
        (Decimal("0E-400"), 0),
        (Decimal("0.0100"), 1),
    ],
)
def test_kronor_become_ore_without_a_float_between(written: str | int | Decimal, expected: int) -> None:
    assert ore(written) == expected


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (1.0, WRITTEN),
        (True, WRITTEN),
        (None, WRITTEN),
        (["1"], WRITTEN),
        ("", WRITTEN),
        ("kr", WRITTEN),
        ("NaN", "a finite number of kronor below one billion"),
        ("sNaN", "a finite number of kronor below one billion"),
        (Decimal("-Infinity"), "a finite number of kronor below one billion"),
        ("1000000000", "a finite number of kronor below one billion"),
        ("-1000000000", "a finite number of kronor below one billion"),
        ("0.001", "at most two decimals"),
        ("0.005", "at most two decimals"),
        ("1.001", "at most two decimals"),
        ("1e-400", "at most two decimals"),
    ],
)
def test_what_is_no_amount_in_whole_ore_is_refused_in_words(written: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        ore(written)

    assert str(refused.value).startswith("an amount ")


@given(st.integers(-99_999_999_999, 99_999_999_999))
def test_an_amount_written_and_read_again_is_the_same(amount: int) -> None:
    assert ore(kronor(Ore(amount))) == amount
    assert kronor(Ore(amount)) == str(Decimal(amount) / 100 + Decimal("0.00"))


@pytest.mark.parametrize(
    ("amount", "written"),
    [(0, "0"), (1, "0,01"), (-1, "−0,01"), (634_500, "6\u00a0345"), (634_550, "6\u00a0345,50"), (-123_456_705, "−1\u00a0234\u00a0567,05")],
)
def test_kronor_are_written_as_people_do(amount: int, written: str) -> None:
    assert swedish(Ore(amount)) == written


@pytest.mark.parametrize(
    ("amount", "percent", "expected"), [(100, 75, 75), (2, 75, 2), (1, 50, 1), (1, 49, 0), (0, 75, 0), (850_000, 75, 637_500)]
)
def test_half_an_ore_is_rounded_up(amount: int, percent: int, expected: int) -> None:
    assert part(Ore(amount), percent) == expected


def test_a_month_is_one_of_the_calendars() -> None:
    for year, number in ((0, 1), (10_000, 1), (2026, 0), (2026, 13)):
        with pytest.raises(ValueError, match="a month is a year 1-9999 and a number 1-12"):
            Month(year, number)
    for written in ("2026-1", "2026-13", "2026-00", "26-12", "2026-12-01", "2026/12", "", "٢٠٢٦-12"):
        with pytest.raises(ValueError, match="a month is written YYYY-MM, for example '2026-12'"):
            Month.parse(written)


def test_a_month_knows_its_neighbours_its_days_and_its_place() -> None:
    february, december = Month.parse("2028-02"), Month(2027, 12)

    assert (february.first, february.last, february.days) == (date(2028, 2, 1), date(2028, 2, 29), 29)
    assert (december.plus(1), december.plus(-12), december.plus(2)) == (Month(2028, 1), Month(2026, 12), february)
    assert december < february
    assert february.day(31) == date(2028, 2, 29)
    assert february.day(28) == date(2028, 2, 28)
    assert date(2028, 2, 29) in february
    assert date(2027, 2, 28) not in february
    assert date(2028, 3, 1) not in february
    assert str(Month(7, 3)) == "0007-03"
    assert Month.of(date(2027, 12, 31)) == december


def test_a_month_in_a_model_is_text_or_a_month_and_nothing_else() -> None:
    at = {"month": "2026-11", "norm": "1.00", "need": "0.00"}
    history = CaseFile.model_fields["history"].annotation
    assert history is not None

    assert history.model_validate({"known": True, "previous_calculation": at}).previous_calculation.month == Month(2026, 11)
    assert history.model_validate({"known": True, "previous_calculation": at | {"month": Month(2026, 11)}}).previous_calculation.month
    with pytest.raises(ValueError, match="a month is written YYYY-MM, for example '2026-12'"):
        history.model_validate({"known": True, "previous_calculation": at | {"month": 202611}})


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2008, 12, 1), date(2026, 12, 1), 18),
        (date(2008, 12, 2), date(2026, 12, 1), 17),
        (date(2008, 11, 30), date(2026, 12, 1), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2026, 12, 2), date(2026, 12, 1), -1),
    ],
)
def test_age_is_whole_years(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("199001012385", True),
        ("199102022390", True),
        ("199001612382", True),
        ("199001012384", False),
        (None, True),
    ],
)
def test_the_check_digit_tells_a_slip_of_the_hand(number: str | None, right: bool) -> None:
    assert is_right_number(Member(ref="applicant", role="applicant", personnummer=number)) is right


def test_a_day_is_swedens_and_the_ends_of_the_calendar_are_no_crash(assess_with: Callable[..., Assessment]) -> None:
    assert local_day(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == date(2027, 1, 1)
    assert local_day(datetime(2026, 6, 30, 22, 30, tzinfo=UTC)) == date(2026, 7, 1)
    assert local_day(datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=23)))) == date(9999, 12, 31)

    result = assess_with({"registers/applicant.FK/fetched_at": "9999-12-31T23:59:59-23:59"})
    assert result.sums is not None


def test_two_versions_of_a_rule_that_would_judge_the_same_case_are_refused_with_their_laws() -> None:
    made: Rule[[], int] = Rule("made_up")
    made.add("SoL A", before(2025, 7, 1), lambda: 1)

    @made.version("SoL B", in_force=since(2025, 7, 1))
    def later() -> int:
        return 2

    assert later() == 2
    assert [(one.name, one.law, one.apply()) for one in made.versions] == [("made_up", "SoL A", 1), ("made_up", "SoL B", 2)]
    with pytest.raises(RuleConflictError, match="made_up: SoL C and SoL B would judge the same case"):
        made.add("SoL C", since(2026, 1, 1), lambda: 3)
    assert len(made.versions) == 2


def test_a_period_without_ends_covers_all_time() -> None:
    assert (InForce().first, InForce().last, InForce().by_month) == (date.min, date.max, False)
    assert before(2025, 7, 1).last == date(2025, 6, 30)
    assert since(2025, 7, 1).until(2026, 12, 31) == InForce(date(2025, 7, 1), date(2026, 12, 31))


def test_a_program_that_is_not_installed_says_so_in_the_receipt(
    monkeypatch: pytest.MonkeyPatch, case_with: Callable[..., CaseFile]
) -> None:
    def not_there(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", not_there)
    from_source = load_rulebook(Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml")

    assert from_source.program == "bistandsrobot unknown"
    assert assess(case_with(), from_source).receipt.program == "bistandsrobot unknown"


def test_what_the_rules_give_and_are_given_cannot_be_changed(
    assess_with: Callable[..., Assessment], case_with: Callable[..., CaseFile]
) -> None:
    result, case = assess_with(), case_with()
    for model, name in ((result, "amount"), (result.lines[0], "amount"), (case, "today"), (case.application, "month")):
        assert isinstance(model, Result | Fact)
        with pytest.raises(ValueError, match="frozen"):
            setattr(model, name, None)
    with pytest.raises(ValueError, match="Extra inputs"):
        Member.model_validate({"ref": "applicant", "role": "applicant", "name": "Påhittad"})


def test_flags_are_found_by_severity_in_the_order_they_stand(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(base="blanks")
    reviews = result.flagged(Severity.REVIEW)

    assert reviews == tuple(flag for flag in result.flags if flag.severity is Severity.REVIEW)
    assert set(result.flagged(Severity.REVIEW, Severity.INFO)) > set(reviews)
    assert result.flagged() == ()
    assert all(line.low <= (line.high if line.high is not None else line.low) for line in result.lines)
    assert ZERO == 0


def test_a_phrase_of_gaps_alone_is_refused_with_its_line(tmp_path: Path) -> None:
    lines = WORDS.read_text("utf-8").splitlines()
    number = lines.index("  phrases:") + 1
    lines[number] = '    - ".."'
    path = tmp_path / "words.yaml"
    path.write_text("\n".join(lines), "utf-8")

    with pytest.raises(RulebookError, match=rf"words.yaml:{number + 1}: .*: a phrase needs a word"):
        read_words(path)


def test_a_function_becomes_a_rule_by_its_name_and_an_older_law_may_have_said_the_same() -> None:
    @rule("SoL 2025:400 made up", in_force=since(2025, 7, 1))
    @rule("SoL 2001:453 made up", in_force=before(2025, 7, 1))
    def made_up_rule(number: int) -> int:
        return number + 1

    try:
        laws = {one.in_force: (one.name, one.law, one.apply(1)) for one in made_up_rule.versions}
        assert laws == {
            before(2025, 7, 1): ("made_up_rule", "SoL 2001:453 made up", 2),
            since(2025, 7, 1): ("made_up_rule", "SoL 2025:400 made up", 2),
        }
        assert [row for row in all_versions() if row[0] == "made_up_rule"] == [
            ("made_up_rule", "SoL 2001:453 made up", "0001-01-01", "2025-06-30"),
            ("made_up_rule", "SoL 2025:400 made up", "2025-07-01", "9999-12-31"),
        ]

        def made_up_again() -> None: ...

        made_up_again.__name__ = "made_up_rule"
        with pytest.raises(RuleConflictError, match="there are two rules named made_up_rule"):
            rule("SoL", in_force=InForce())(made_up_again)
    finally:
        legal._ALL.pop("made_up_rule")


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (before(2025, 7, 1), since(2025, 7, 1), False),
        (before(2025, 7, 2), since(2025, 7, 1), True),
        (since(2025, 7, 1), before(2025, 7, 2), True),
        (since(2025, 7, 1), before(2025, 7, 1), False),
        (InForce(by_month=True), since(9999, 1, 1), True),
    ],
)
def test_two_periods_overlap_when_one_day_is_in_both(one: InForce, other: InForce, overlap: bool) -> None:
    assert one.overlaps(other) is overlap


def test_facts_that_are_the_same_are_equal_and_found_in_a_set() -> None:
    one, same = Member(ref="child-1", role="child"), Member(ref="child-1", role="child")
    other = Member(ref="child-1", role="child", days_in_home=0)

    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert {one, same, other} == {one, other}
    assert len({hash(Member(ref="child-1", role="child", days_in_home=days)) for days in range(31)}) > 1


def test_a_part_of_a_result_made_unchecked_has_its_defaults_in_their_places() -> None:
    class Made(Result):
        first: int
        second: str | None = "usual"
        third: tuple[int, ...] = ()

    made = Made.model_construct(third=(1,), first=2)

    assert made.model_dump_json() == '{"first":2,"second":"usual","third":[1]}'
    assert made == Made(first=2, third=(1,))
    assert made.model_fields_set == {"first", "second", "third"}
