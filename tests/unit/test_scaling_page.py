"""docs/scaling.md and its drawings come from kept figures, and say what they know and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import scaling, scaling_page
from benchmarks.scaling_chart import HEIGHT, WIDTH, Series, apart, axis, chart, told

SVG = "{http://www.w3.org/2000/svg}"
QUIET = {"on": "2026-11-22", "cores": 2, "memory_gb": 8, "python": "3.11.7", "busy_percent_before": 1}


def section(*lines: dict[str, Any], busy: int = 1, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"machine": QUIET | {"busy_percent_before": busy}, "lines": list(lines), "left_out": list(left_out)}


def town(workers: int, cases: int, rate: float, store: str = "sqlite") -> dict[str, Any]:
    return {
        "store": store,
        "workers": workers,
        "cases": cases,
        "cases_per_s": rate,
        "robot_cpu_ms_per_case": 10.0,
        "neighbours_cpu_ms_per_case": 8.0,
        "requests_per_case": 25.0,
        "ratio_to_bare_http": 2.5,
        "rss_mb_at_tenths": [100.0, 104.0],
        "peak_mb": 110.0,
        "database_mb": 1.0 + cases * 0.02,
    }


LATENCY = {
    "latency_s": 1.0,
    "cases_per_s_without": 60.0,
    "cases_per_s_by_in_flight": {"16": 8.0, "64": 30.0},
    "share_by_in_flight": {"16": 0.13, "64": 0.5},
}


def cells(page: str, begins: str) -> list[str]:
    """Return the cells of the table row that begins so."""
    row = next(line for line in page.splitlines() if line.startswith(f"| {begins}"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_page_and_its_drawings_are_what_the_kept_figures_say() -> None:
    figures = scaling.load()
    assert figures, "docs/scaling/figures.json: run python -m benchmarks.scaling --quick"
    folder = scaling.FIGURES.parent
    assert folder.with_suffix(".md").read_text(encoding="utf-8") == scaling_page.page(figures)
    drawn = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.svg")}
    assert drawn == scaling_page.drawings(figures)


def test_without_figures_the_page_says_so_and_has_no_numbers_of_its_own() -> None:
    page = scaling_page.page({})

    assert "Nothing has been measured yet." in page
    assert scaling_page.drawings({}) == {}
    assert cells(page, "a town")[3:] == ["–"] * 6


def test_what_to_expect_is_reckoned_from_the_run_with_the_most_cases_and_one_worker() -> None:
    figures = {"town": section(town(1, 100, 5.0), town(1, 1000, 50.0), town(2, 1000, 80.0)), "latency": section(LATENCY)}

    _, within, rate, in_flight, pool, requests, cpu, took, disk = cells(scaling_page.page(figures), "the whole country")

    assert (within, rate) == ("8 h", "2.8")
    assert (in_flight, pool) == ("6", "12"), "2.8 cases a second, 2 seconds each, rounded up"
    assert (requests, cpu) == ("69", "2.8\u00a0%")
    assert took == "27 min"
    assert disk == "19\u00a0GB", "20 MB for 1 000 cases, a year of 80 000 a month"


def test_the_default_is_called_enough_only_when_it_is() -> None:
    slow = LATENCY | {"cases_per_s_by_in_flight": {"16": 1.0}, "share_by_in_flight": {"16": 0.02}}

    assert "is enough for all places" in scaling_page.page({"latency": section(LATENCY)})
    assert "is enough for all places" not in scaling_page.page({"latency": section(slow)})
    assert "is enough for all places" not in scaling_page.page({})


def test_figures_from_a_busy_machine_are_marked() -> None:
    assert "busy with other work" in scaling_page.page({"town": section(town(1, 100, 5.0), busy=90)})
    assert "busy with other work" not in scaling_page.page({"town": section(town(1, 100, 5.0), busy=5)})


def test_what_was_left_out_is_named() -> None:
    page = scaling_page.page({"town": section(town(1, 100, 5.0), left_out=("sqlite, 1 workers, 10000 cases",))})

    assert "town (sqlite, 1 workers, 10000 cases)" in page


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    page = scaling_page.page(scaling.load())
    lines = page.splitlines()
    for before, line in pairwise(lines):
        if before.startswith("|") and line.startswith("|"):
            assert before.count("|") == line.count("|"), line


def test_a_drawing_has_a_name_and_a_description_that_tells_its_ends() -> None:
    drawing = ElementTree.fromstring(chart("Pace", "cases", "cases a second", [Series("1 × SQLite", [(100, 7), (10_000, 62)], 0)]))

    assert drawing.findtext(f"{SVG}title") == "Pace"
    assert drawing.findtext(f"{SVG}desc") == ("cases a second by cases, both logarithmic. 1 × SQLite: 7 at 100, 62 at 10\u00a0000.")
    assert drawing.get("role") == "img"
    assert "prefers-color-scheme:dark" in (drawing.findtext(f"{SVG}style") or "")


def points(drawing: str) -> Iterator[tuple[float, float]]:
    for circle in ElementTree.fromstring(drawing).iter(f"{SVG}circle"):
        yield float(circle.get("cx", "")), float(circle.get("cy", ""))


def test_each_tenfold_is_as_far_along_the_axis() -> None:
    (first, _), (second, _), (third, _) = points(chart("t", "x", "y", [Series("a", [(100, 1), (1000, 10), (10_000, 100)], 0)]))

    assert second - first == pytest.approx(third - second, abs=0.2)


def test_every_point_and_name_is_within_the_drawing() -> None:
    curves = [Series(f"curve {number}", [(10, 0.02), (1_000_000, 0.011 + number / 10_000)], number) for number in range(8)]
    drawing = chart("t", "x", "y", curves)

    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points(drawing))
    assert all(0 <= float(text.get("y", "")) <= HEIGHT for text in ElementTree.fromstring(drawing).iter(f"{SVG}text"))


def test_names_that_would_meet_are_moved_apart_and_none_falls_off_the_end() -> None:
    moved = apart([100, 101, 360, 361, 362], 364)

    assert all(after - before >= 16 for before, after in pairwise(moved))
    assert moved[0] == 100
    assert moved[-1] <= 364


@pytest.mark.parametrize("values", [[5], [0.004, 0.3], [100, 1_000_000], [7, 7.1], [1, 1]])
def test_an_axis_holds_all_values_and_is_no_point(values: list[float]) -> None:
    found = axis(values)

    assert found.low < found.high
    assert all(0 <= found.share(value) <= 1 for value in values)
    assert {found.low, found.high} <= set(found.marks)


def test_text_in_a_drawing_is_escaped() -> None:
    drawing = chart("a < b & c", "x", "y", [Series("<one>", [(1, 1), (2, 2)], 0)])

    assert ElementTree.fromstring(drawing).findtext(f"{SVG}title") == "a < b & c"


def test_a_drawing_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        chart("t", "x", "y", [Series("a", [], 0)])


def test_figures_at_an_axis_are_short() -> None:
    assert [told(value) for value in (0.001, 0.5, 20, 1_000_000)] == ["0.001", "0.5", "20", "1\u00a0000\u00a0000"]


def step(what: str, about_s: float, ran: list[str]) -> scaling.Step:
    def lines() -> list[dict[str, Any]]:
        ran.append(what)
        if what == "broken":
            raise SystemExit("the robot ended with 1")
        return [{"what": what}]

    return scaling.Step("town", what, about_s, lines)


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "machine", lambda: QUIET)


@pytest.mark.usefixtures("_at_once")
def test_what_the_time_is_not_enough_for_is_left_out_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []
    figures: dict[str, Any] = {"queue": {"kept": True}}

    failed = scaling.run([step("short", 1, ran), step("long", 1e9, ran)], 60, figures, lambda _: None)

    assert ran == ["short"]
    assert failed == []
    assert figures["town"]["left_out"] == ["long"]
    assert figures["queue"] == {"kept": True}, "what is not measured anew stays"
    assert json.loads(capsys.readouterr().out) == {"section": "town", "what": "short"}


@pytest.mark.usefixtures("_at_once")
def test_one_figure_that_cannot_be_measured_does_not_stop_the_others() -> None:
    ran: list[str] = []
    figures: dict[str, Any] = {}

    failed = scaling.run([step("broken", 1, ran), step("after", 1, ran)], None, figures, lambda _: None)

    assert ran == ["broken", "after"]
    assert failed == ["town, broken: SystemExit: the robot ended with 1"]
    assert [line["what"] for line in figures["town"]["lines"]] == ["after"]


def test_keeping_figures_makes_page_and_drawings_that_are_in_step(tmp_path: Path) -> None:
    by_number = {"per_s": 100.0}
    figures = {
        "town": section(town(1, 100, 5.0), town(1, 1000, 50.0)),
        "rate": section({"sqlite": {"in_batches": {1: by_number, 2: by_number}, "all_the_way": {1: by_number}}}),
    }
    file = tmp_path / "scaling" / "figures.json"

    scaling.save(figures, file)

    page = (tmp_path / "scaling.md").read_text(encoding="utf-8")
    assert page == scaling_page.page(scaling.load(file))
    assert cells(page, "SQLite | in batches")[2:] == ["100.0", "100.0"]
    named = set(re.findall(r"\(scaling/(\w+)\.svg\)", page))
    assert named == {path.stem for path in file.parent.glob("*.svg")} == {"town"}


def test_the_quick_steps_fit_into_their_time_on_a_quiet_machine() -> None:
    quick = scaling.steps(1)

    assert sum(step.about_s for step in quick) < scaling.QUICK_LIMIT_S
    assert {step.section for step in quick} == set(scaling_page.SECTIONS) - {"country"}
    assert {step.section for step in scaling.steps(2)} == set(scaling_page.SECTIONS)
