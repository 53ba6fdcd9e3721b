"""The law that a draft cites is the law of the case's time, never today's or last year's."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from compare_cases import GUIDELINES, case

from robot.compare_move import moved
from robot.draft import document, words
from rules import Rulebook, assess, load_rulebook
from rules.assessment import Assessment
from rules.month import Month

OLD = ("SoL 2001:453 4 kap. 1 §", "SoL 2001:453 16 kap. 3 §")
NEW = ("SoL 2025:400 12 kap. 1 §", "SoL 2025:400 35 kap. 1 §")


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(GUIDELINES)


def written(assessment: Assessment) -> str:
    return " ".join(document(assessment, case_number="EB-1").split())


def assessed(month: Month, book: Rulebook, *, received: date | None = None) -> Assessment:
    """Assess a standard renewal in a month, in which medical travel is refused, so that the draft has reasons and grounds."""
    file = moved(case(1, children=1), month, book)
    costs = (*file.application.costs, file.application.costs[0].model_copy(update={"type": "travel_medical", "applied": 24_000}))
    changed = {"costs": costs} | ({"received_at": datetime.fromisoformat(f"{received}T09:00:00+02:00")} if received else {})
    day = {"today": received} if received else {}
    return assess(file.model_copy(update={"application": file.application.model_copy(update=changed), **day}), book, hand_over=True)


@pytest.mark.parametrize(
    ("month", "its", "others"),
    [(Month(2025, 1), OLD, NEW), (Month(2025, 6), OLD, NEW), (Month(2025, 7), NEW, OLD), (Month(2026, 12), NEW, OLD)],
)
def test_assistance_and_appeal_are_cited_from_the_act_in_force(
    month: Month, its: tuple[str, ...], others: tuple[str, ...], book: Rulebook
) -> None:
    text = written(assessed(month, book))

    assert its[1] in text
    assert not any(law in text for law in others)
    assert ("SoL 2001:453" in text) == (its is OLD)


def test_an_application_for_june_that_came_in_july_is_appealed_by_the_new_act(book: Rulebook) -> None:
    text = written(assessed(Month(2025, 6), book, received=date(2025, 7, 2)))

    assert NEW[1] in text
    assert "SoL 2001:453" not in text


def test_a_case_with_norm_lines_only_is_appealed_by_the_law_of_its_norm(book: Rulebook) -> None:
    for month, its in ((Month(2025, 6), OLD), (Month(2025, 7), NEW)):
        whole = assessed(month, book)
        norm = whole.model_copy(update={"lines": tuple(line for line in whole.lines if line.section == "norm")})
        assert norm.lines
        assert its[1] in written(norm)


def test_a_case_without_lines_is_appealed_by_the_law_of_its_month() -> None:
    assert words.laws((), Month(2025, 6)).appeal == OLD[1]
    assert words.laws((), Month(2025, 7)).appeal == NEW[1]


def test_a_case_recomputed_later_cites_what_it_cited_on_its_day(book: Rulebook) -> None:
    then = assessed(Month(2025, 6), book)
    later = then.model_copy(update={"receipt": then.receipt.model_copy(update={"calculated_on": date(2026, 11, 30)})})

    assert OLD[1] in written(later)


@pytest.mark.parametrize(
    ("day", "cited"),
    [
        (date(2018, 6, 30), ("förvaltningslagen (1986:223) 17 §", "förvaltningslagen (1986:223) 23 §")),
        (date(2018, 7, 1), ("förvaltningslagen (2017:900) 25 §", "förvaltningslagen (2017:900) 43 och 44 §§")),
    ],
)
def test_procedure_is_cited_by_the_day_of_the_decision(day: date, cited: tuple[str, str]) -> None:
    assert (words.procedure(day).register_data, words.procedure(day).appeal_time) == cited


def test_the_best_of_the_child_is_cited_from_the_convention_since_it_is_swedish_law() -> None:
    assert words.best_of_the_child(date(2019, 12, 31)) == "SoL 2001:453 1 kap. 2 §"
    assert words.best_of_the_child(date(2020, 1, 1)) == "barnkonventionen artikel 3 (lag 2018:1197)"


def test_the_reminder_to_communicate_register_data_names_the_new_act_where_it_is_in_force(book: Rulebook) -> None:
    new, old = (assessed(month, book) for month in (Month(2025, 7), Month(2025, 6)))
    cited = "tillfälle att yttra sig (förvaltningslagen (2017:900) 25 §"

    assert f"{cited} och SoL 2025:400 14 kap. 10 §)" in written(new)
    assert f"{cited})" in written(old)
