"""The page with charts stands by itself, can be read without seeing the charts, and hides what must be hidden."""

from __future__ import annotations

import json
import re

import pytest
from compare_cases import GUIDELINES, SKEWED, case, town
from lxml import html

import rules
from robot.compare import Change, compare, compare_case
from robot.compare_charts import PLOT_WIDTH
from robot.compare_page import page
from rules.facts import CaseFile
from rules.month import Month


@pytest.fixture(scope="module")
def skewed() -> Change:
    return Change(rules.load_rulebook(GUIDELINES), rules.load_rulebook(SKEWED))


@pytest.fixture(scope="module")
def text(skewed: Change) -> str:
    rows = [compare_case(CaseFile.model_validate_json(json.dumps(data)), skewed) for data in town()]
    return page(compare(rows, skewed))


@pytest.fixture(scope="module")
def tree(text: str) -> html.HtmlElement:
    return parsed(text)


def parsed(text: str) -> html.HtmlElement:
    """Return the page as a tree of elements."""
    found = html.document_fromstring(text)
    assert isinstance(found, html.HtmlElement)
    return found


def rows_of(tree: html.HtmlElement, caption: str) -> dict[str, list[str]]:
    table = next(one for one in tree.iter("table") if (one.findtext("caption") or "") == caption)
    cells = [[cell.text_content().strip() for cell in row] for row in table.iter("tr")]
    return {row[0]: row[1:] for row in cells[1:]}


def test_the_page_fetches_and_runs_nothing(text: str, tree: html.HtmlElement) -> None:
    assert not list(tree.iter("script", "link", "img", "iframe", "object", "form"))
    assert not re.findall(r"https?:|url\(|@import|javascript:| on\w+=", text)
    assert "default-src 'none'" in text


def test_the_page_is_in_swedish_with_one_main_heading(tree: html.HtmlElement) -> None:
    assert tree.get("lang") == "sv"
    assert len(list(tree.iter("h1"))) == 1
    assert tree.findtext(".//title") == "Jämförelse av två regelverk – ekonomiskt bistånd"


def test_every_chart_has_a_name_and_its_figures_in_words(tree: html.HtmlElement) -> None:
    charts = list(tree.iter("svg"))
    assert len(charts) == 11
    for chart in charts:
        assert chart.get("role") == "img"
        named = [tree.get_element_by_id(name) for name in (chart.get("aria-labelledby") or "").split()]
        assert [one.tag for one in named] == ["title", "desc"]
        assert all((one.text or "").strip() for one in named)


def test_every_chart_is_followed_by_a_table_with_the_same_groups(tree: html.HtmlElement) -> None:
    for figure in tree.iter("figure"):
        following = figure.getnext()
        assert following is not None
        table = following.find(".//table")
        assert table is not None
        named = {cell.text_content() for cell in table.iterfind(".//tbody//th")}
        chart = figure.find(".//svg")
        assert chart is not None
        assert {one.text for one in chart.iterfind("text") if one.get("class") is None} == named


def test_every_table_has_headings_for_rows_and_columns_and_whole_rows(tree: html.HtmlElement) -> None:
    for table in tree.iter("table"):
        columns = len(list(table.iterfind("thead//th[@scope='col']")))
        for row in table.iterfind("tbody//tr"):
            assert len(list(row.iterfind("th[@scope='row']"))) == 1
            assert sum(int(cell.get("colspan", "1")) for cell in row) == columns


def test_ids_are_unique_and_inner_links_lead_somewhere(tree: html.HtmlElement) -> None:
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(set(ids)) == len(ids)
    assert {(link.get("href") or "").removeprefix("#") for link in tree.iter("a")} <= set(ids)


def test_the_skew_can_be_read_in_the_tables(tree: html.HtmlElement) -> None:
    proposals = rows_of(tree, "Hushåll: förslag före → efter")
    assert proposals["Par med barn"][1:5] == ["6 → 0", "0 → 0", "0 → 0", "0 → 6"]
    assert proposals["Par utan barn"][1:5] == ["6 → 6", "0 → 0", "0 → 0", "0 → 0"]
    kronor = rows_of(tree, "Hushåll: skillnad i kronor per månad")
    assert kronor["Ensamstående med barn"][5:] == ["−250", "−250", "−250", "−250", "−1\u00a0500"]


def test_bars_stay_inside_the_chart_beside_their_figures(tree: html.HtmlElement) -> None:
    for bar in tree.iter("rect"):
        left, width = (float((bar.get(name) or "").removesuffix("%")) for name in ("x", "width"))
        assert 0 <= left <= left + width <= PLOT_WIDTH / 10


def test_nothing_is_drawn_where_there_is_nothing_to_compare(tree: html.HtmlElement) -> None:
    chart = next(one for one in tree.iter("svg") if one.get("aria-labelledby") == "household-difference-t household-difference-d")
    groups = [text.text for text in chart.findall("text") if text.get("class") is None]

    assert len(groups) == 4
    assert len(chart.findall("line")) == len(chart.findall("rect")) == 3


def test_a_small_group_is_named_without_figures_in_chart_and_table(skewed: Change) -> None:
    cases = [case(number) for number in range(6)] + [case(10 + number, couple=True) for number in range(6)]
    cases += [case(20, couple=True, children=2)]

    tree = parsed(page(compare([compare_case(one, skewed) for one in cases], skewed)))

    assert rows_of(tree, "Hushåll: skillnad i kronor per månad")["Par med barn"] == ["färre än 5"]
    assert rows_of(tree, "Hushåll: förslag före → efter")["Par med barn"] == ["färre än 5"]
    assert "Par med barn: färre än 5" in tree.get_element_by_id("household-difference-d").text_content()


def test_too_few_cases_in_all_give_a_page_that_says_so(skewed: Change) -> None:
    tree = parsed(page(compare([compare_case(case(1), skewed)], skewed)))

    assert "färre än 5 ärenden, för få för att visas" in tree.get_element_by_id("all").text_content()


def test_a_moved_month_is_explained(skewed: Change) -> None:
    change = Change(skewed.before, skewed.before, Month(2025, 12))

    text = page(compare([compare_case(case(number), change) for number in range(5)], change))

    assert "december 2026" in text
    assert "december 2025" in text
    assert "flyttade till den andra månaden" in text


def test_a_municipalitys_name_is_text_and_never_markup(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("riktlinjer") / "other.yaml"
    path.write_text(SKEWED.read_text("utf-8").replace("Snålby (påhittad)", "<b>Påhittad</b> & co"), "utf-8")
    change = Change(rules.load_rulebook(GUIDELINES), rules.load_rulebook(path))

    text = page(compare([compare_case(case(1), change)], change))

    assert "&lt;b&gt;Påhittad&lt;/b&gt; &amp; co" in text
