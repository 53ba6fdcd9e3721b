"""Promises about the law's times for gallring, and about how a time is counted."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from rules.law_parameters import FOLDER
from rules.month import Month
from rules.retention import RetentionLaw, kept_until, latest_by, read_retention_law
from rules.strict_yaml import RulebookError

TODAY = date(2026, 11, 30)


@pytest.fixture
def law() -> RetentionLaw:
    """The law as it is shipped."""
    return read_retention_law()


@pytest.mark.parametrize(
    ("began", "months", "until"),
    [
        (date(2026, 11, 30), 24, date(2028, 11, 30)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 12, 31), 60, date(2031, 12, 31)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_a_time_ends_on_the_same_day_of_the_month_or_on_its_last(began: date, months: int, until: date) -> None:
    assert kept_until(began, months) == until


def test_the_law_keeps_a_file_for_five_years_and_wants_it_done_by_the_end_of_the_next_year(law: RetentionLaw) -> None:
    for day in (date(2015, 1, 1), date(2025, 6, 30), date(2025, 7, 1), TODAY):
        months, years = law.keep_months.at(Month.of(day)), law.done_within_years.at(Month.of(day))
        assert months is not None
        assert years is not None
        assert (months.value, years.value) == (60, 1)
        assert months.source.startswith("SoL 2025:400" if day >= date(2025, 7, 1) else "SoL 2001:453")
    assert latest_by(date(2031, 11, 30), 1) == date(2032, 12, 31)
    assert law.keep_months.at(Month(1999, 1)) is None


@pytest.mark.parametrize(
    ("municipality", "kept"), [("2281", True), ("0580", True), ("0980", True), ("1480", True), ("1481", False), ("0180", False)]
)
def test_some_counties_and_goteborg_keep_all_for_research(law: RetentionLaw, municipality: str, kept: bool) -> None:
    assert law.keeps_area(municipality, TODAY) is kept


def test_who_is_born_on_the_fifth_fifteenth_or_twentyfifth_is_kept_for_research(law: RetentionLaw) -> None:
    kept = [day for day in range(1, 32) if law.keeps_born_on([date(1990, 1, day)], TODAY)]
    assert kept == [5, 15, 25]
    assert law.keeps_born_on([date(1990, 1, 1), date(2020, 3, 25)], TODAY), "one of a household is enough"
    assert not law.keeps_born_on([], TODAY)


def test_nothing_is_known_of_research_before_the_law_in_force(law: RetentionLaw) -> None:
    assert not law.keeps_area("2281", date(2020, 1, 1))
    assert not law.keeps_born_on([date(1990, 1, 5)], date(2020, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('["05", "09", "22", "1480"]', '["5"]', "a county's two figures or a municipality's four"),
        ('["05", "09", "22", "1480"]', '["05a"]', "a county's two figures or a municipality's four"),
        ("[5, 15, 25]", "[5, 32]", "from 1 to 31"),
        ("{value: 60, until: 2025-06", "{value: 0, until: 2025-06", "from 1 to 1200"),
        ("gallring.done_within:", "gallring.done:", "unknown key"),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    shutil.copyfile(FOLDER / "retention.yaml", tmp_path / "retention.yaml")
    text = (tmp_path / "retention.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "retention.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RulebookError, match=says) as caught:
        read_retention_law(tmp_path)
    assert caught.value.line is not None
