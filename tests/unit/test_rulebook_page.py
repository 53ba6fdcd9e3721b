"""`bistandsrobot rules`: the rule book is whole, says what the rules do, and can be read by everybody."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import pytest
from lxml import html

from robot.rulebook_page import Page, as_html, as_text, page_of, registered, series_of
from robot.rulebook_texts import read_coverage, read_texts
from rules import Rulebook, RulebookError, load_rulebook
from rules.assessment import Severity
from rules.legal import all_versions
from rules.money import Ore
from rules.month import Month

ROOT = Path(__file__).resolve().parents[2]
GUIDELINES = ROOT / "rules" / "guidelines" / "exempelkommun.yaml"
DECEMBER, JANUARY_2027, JUNE_2025, MAY_2023 = Month(2026, 12), Month(2027, 1), Month(2025, 6), Month(2023, 5)
NOTHING_SHOWN = "Exemplet ger inget"


def spaced(text: str) -> str:
    """Return text with ordinary spaces only, and none doubled."""
    return " ".join(text.split())


def words_of(page: str) -> str:
    """Return what a page says, without its markup."""
    return spaced("".join(str(part) for part in html.document_fromstring(page).itertext()))


def rows_of_values(page: Page) -> list[tuple[str, ...]]:
    """Return the rows of every table of amounts and limits on a page."""
    tables = [rule.parameters for group in page.groups for rule in group.rules] + [page.other_parameters, *page.guidelines]
    return [row for table in tables if table is not None and table.style == "values" for row in table.rows]


@pytest.fixture(scope="module")
def book() -> Rulebook:
    """The rulebook with the made-up municipality's guidelines."""
    return load_rulebook(GUIDELINES)


@pytest.fixture(scope="module")
def december(book: Rulebook) -> html.HtmlElement:
    """The page of December 2026, parsed."""
    return html.document_fromstring(as_html(page_of(DECEMBER, book)))


# The texts are whole


def test_every_registered_rule_has_a_text_and_every_text_a_rule() -> None:
    assert set(read_texts().rules) == set(registered())
    assert set(registered()) >= {name for name, *_ in all_versions()}


def test_every_rule_stands_under_some_part_of_the_law() -> None:
    under = [name for area in read_coverage() for name in area.rules]

    assert set(under) == set(registered())


def test_a_part_of_the_law_says_what_is_held_what_is_not_and_who_looks() -> None:
    areas = read_coverage()

    assert {area.status for area in areas} == {"computed", "partly", "shown", "person", "absent"}
    assert all(area.rules for area in areas if area.status in ("computed", "partly"))
    assert not any(area.rules for area in areas if area.status in ("person", "absent"))


def test_every_amount_and_setting_has_a_swedish_name_and_every_name_something_to_name(book: Rulebook) -> None:
    settings = [one.name for one in series_of(book.guidelines) if one.name.startswith(("guidelines.settings.", "guidelines.statements."))]

    assert set(read_texts().parameter_names) == {one.name for one in series_of(book.law)} | set(settings)


def test_every_parameter_that_a_rule_is_said_to_use_exists(book: Rulebook) -> None:
    names = [one.name for one in (*series_of(book.law), *series_of(book.guidelines))]
    for text in read_texts().rules.values():
        for wanted in text.parameters:
            assert any(name.startswith(wanted.removesuffix("*")) for name in names), f"{text.name}: {wanted}"


def test_every_severity_of_flags_is_explained() -> None:
    assert set(read_texts().severities) == {severity.value for severity in Severity}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    group: norm\n", "    group: nom\n", "`nom` is not allowed"),
        ('title: "Vuxnas belopp"', 'titel: "Vuxnas belopp"', "unknown key"),
        ('shows: "line:norm.adults"', 'shows: "norm.adults"', "must be line:KEY"),
        ("case: {adults: 2}", "case: {adults: 2.5}", "not a whole number"),
        ("case: {adults: 2}", "case: {grownups: 2}", "unknown key"),
    ],
)
def test_a_mistake_in_the_texts_is_told_by_file_line_and_key(old: str, new: str, told: str, tmp_path: Path) -> None:
    text = (ROOT / "rules" / "rule_texts.yaml").read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "texts.yaml"
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(RulebookError, match=rf"rules/rule_texts\.yaml:\d+: rules\.riksnorm_adults.*{told}"):
        read_texts(changed)


# The page says what the rules do


def test_every_rule_in_force_stands_on_the_page_with_its_law_and_its_text(december: html.HtmlElement) -> None:
    texts, articles = read_texts(), list(december.iter("article"))
    assert len(articles) >= 13
    for article in articles:
        name = article.findtext(".//dl//code")
        assert name is not None
        shown = spaced("".join(str(part) for part in article.itertext()))
        assert all(spaced(sentence) in shown for sentence in (*texts.rules[name].text, texts.rules[name].caseworker))
        assert any(spaced(version.law) in shown for version in registered()[name].versions)


@pytest.mark.parametrize("month", [JUNE_2025, Month(2025, 7), DECEMBER, JANUARY_2027])
def test_each_rule_is_either_described_or_said_to_belong_to_other_times(month: Month, book: Rulebook) -> None:
    page = page_of(month, book)
    described = [rule.title for group in page.groups for rule in group.rules]
    other_times = {row[0] for row in page.not_in_force.rows}

    assert sorted([*described, *other_times]) == sorted(text.title for text in read_texts().rules.values())


def test_the_law_of_the_page_is_that_of_its_month(book: Rulebook) -> None:
    assert all("2001:" in rule.law for group in page_of(JUNE_2025, book).groups for rule in group.rules)
    assert all("2025:" in rule.law for group in page_of(DECEMBER, book).groups for rule in group.rules)


def test_every_number_of_the_law_stands_on_the_page_with_its_source_and_how_surely_it_is_known(book: Rulebook) -> None:
    rows = {row[0]: row for row in rows_of_values(page_of(DECEMBER, book))}
    names = read_texts().parameter_names
    for series in series_of(book.law):
        found = series.at(DECEMBER)
        if found is None:
            assert names[series.name] not in rows
        else:
            row = rows[names[series.name]]
            assert row[3] == found.source
            assert row[4] == {"verified": "läst i originalet", "verified_2nd": "läst i andra hand"}[found.status]


def test_how_surely_an_amount_is_known_is_told_for_each_amount_and_explained(book: Rulebook) -> None:
    page = page_of(MAY_2023, book)
    controls = {row[0]: row[4] for row in rows_of_values(page)}

    assert controls["Ensamstående"] == "läst i andra hand"
    assert controls["Del av lönen som räknas med jobbstimulans"] == "läst i originalet"
    assert [name for name, _ in page.statuses] == ["läst i originalet", "läst i andra hand"]
    assert "Inte läst i originalet." in dict(page.statuses)["läst i andra hand"]


def test_an_amount_that_nobody_has_read_is_named_as_unknown_and_never_shown(book: Rulebook) -> None:
    page = page_of(MAY_2023, book)
    child = next(rule for group in page.groups for rule in group.rules if rule.name == "riksnorm_child")

    assert child.unknown.startswith("Inget värde är känt för maj 2023: Barn under 1 år, äter lunch på annat håll;")
    assert child.unknown.endswith("Handläggaren avgör.")
    assert "Barn under 1 år" in [row[0] for row in rows_of_values(page)]
    assert "Barn under 1 år, äter lunch på annat håll" not in [row[0] for row in rows_of_values(page)]
    assert page.missing[0].startswith("Några av riksnormens belopp för maj 2023 är inte kända")


def test_a_month_without_amounts_says_so_first_and_shows_no_other_month_s(book: Rulebook) -> None:
    page = page_of(JANUARY_2027, book)
    norm = next(group for group in page.groups if group.name == "norm")

    assert page.missing[0].startswith("Riksnormens belopp för januari 2027 är inte kända")
    assert "åren 2025–2026" in page.missing[0]
    assert "Inget värde är känt för januari 2027: Ensamstående; Sambor eller makar" in norm.rules[0].unknown
    assert not [row for row in rows_of_values(page) if "per\u00a0månad" in row[1] or "per månad" in row[1]]
    assert all("lämnas tom" in result for rule in norm.rules for _, result in rule.examples)


def test_months_with_amounts_and_guidelines_have_nothing_missing(book: Rulebook) -> None:
    assert page_of(DECEMBER, book).missing == ()
    assert page_of(JUNE_2025, book).missing == ()


def test_a_month_before_the_guidelines_began_says_so_once_and_not_for_each_of_them(book: Rulebook) -> None:
    page = page_of(Month(2015, 1), book)
    sentence = "Kommunens riktlinjer har inga värden för januari 2015. Det som riktlinjerna avgör lämnas till handläggaren."

    assert page.missing == (sentence,)
    assert page.guidelines_unknown == sentence
    assert not any(table.rows for table in page.guidelines)


def test_the_other_versions_of_a_rule_are_told_as_earlier_or_later(book: Rulebook) -> None:
    for month, told in ((JUNE_2025, ["Senare", "Senare"]), (DECEMBER, ["Tidigare", "Senare"]), (JANUARY_2027, ["Tidigare", "Tidigare"])):
        adults = next(rule for group in page_of(month, book).groups for rule in group.rules if rule.name == "riksnorm_adults")
        assert [when for when, _ in adults.others] == told


def test_no_unit_and_no_code_is_left_in_english(book: Rulebook) -> None:
    for month in (JUNE_2025, DECEMBER, JANUARY_2027):
        values = " ".join(row[1] for row in rows_of_values(page_of(month, book)))
        assert not re.search(r"\b(a week|years|months|children|of_|percent|days|whole_)", values), values


def test_every_stop_says_in_the_rule_book_what_it_is_for(book: Rulebook) -> None:
    stops = next(table for _, table in page_of(DECEMBER, book).flags if table.caption == "Stopp")

    assert len({row[0] for row in stops.rows}) == len(stops.rows) >= 4
    assert all(row[0].startswith("Ärendet handläggs manuellt (gäller ") for row in stops.rows)


def test_an_example_is_computed_by_the_rules_and_follows_a_changed_amount(book: Rulebook) -> None:
    series = book.law.riksnorm["riksnorm.adult.sambo"]
    raised = replace(series, values=tuple(replace(value, value=Ore(value.value + 12_300)) for value in series.values))
    law = replace(book.law, riksnorm=MappingProxyType({**book.law.riksnorm, series.name: raised}), _by_month={})
    before, after = (spaced(as_text(page_of(DECEMBER, one))) for one in (book, replace(book, law=law)))

    assert "Riksnorm, sambor: 7 100 kr." in before
    assert "Riksnorm, sambor: 7 223 kr." in after


def test_every_example_gives_something_in_a_month_where_its_rule_is_in_force(book: Rulebook) -> None:
    for month in (DECEMBER, JANUARY_2027):
        for group in page_of(month, book).groups:
            for rule in group.rules:
                for situation, result in rule.examples:
                    assert not result.startswith(NOTHING_SHOWN), f"{month} {rule.name}: {situation}"


def test_every_flag_stands_on_the_page_in_words_without_gaps(book: Rulebook) -> None:
    page = page_of(DECEMBER, book)
    codes = [row[1] for _, table in page.flags for row in table.rows]

    assert sorted(codes) == sorted(book.flags.specs)
    assert not any("{" in row[0] for _, table in page.flags for row in table.rows)


def test_every_cost_and_income_of_the_guidelines_stands_on_the_page_with_its_reference(book: Rulebook) -> None:
    text = spaced(as_text(page_of(DECEMBER, book)))
    costs = [series.at(DECEMBER) for series in book.guidelines.costs.values()]
    incomes = [rule.whole.at(DECEMBER) for rule in book.guidelines.incomes.values()]
    sources = [found.source for found in (*costs, *incomes) if found is not None]
    assert len(sources) == len(costs) + len(incomes)
    assert all(spaced(source) in text for source in sources)
    assert "6 500 kr" in text
    assert "beviljas inte: Sjukresor ersätts av regionen" in text


def test_made_up_guidelines_are_called_made_up_and_adopted_ones_are_not(book: Rulebook) -> None:
    adopted = replace(book, guidelines=replace(book.guidelines, municipality="Prövkommun", status="adopted"))

    assert 'class="notice"' in as_html(page_of(DECEMBER, book))
    assert 'class="notice"' not in as_html(page_of(DECEMBER, adopted))


def test_the_same_month_and_rulebook_give_the_same_bytes(book: Rulebook) -> None:
    assert as_html(page_of(DECEMBER, book)) == as_html(page_of(DECEMBER, book))


def test_the_page_says_which_rulebook_it_is_made_from(book: Rulebook) -> None:
    assert book.hash in as_html(page_of(DECEMBER, book))
    assert book.hash in as_text(page_of(DECEMBER, book))


# The page can be read by everybody


def test_the_page_is_swedish_has_a_title_and_fits_a_phone(december: html.HtmlElement) -> None:
    assert december.get("lang") == "sv"
    assert "december 2026" in (december.findtext(".//title") or "")
    viewport = december.find(".//meta[@name='viewport']")
    assert viewport is not None
    assert "width=device-width" in (viewport.get("content") or "")
    assert [element.get("lang") for element in december.findall(".//details/p")] == ["en"] * len(december.findall(".//details"))


def test_headings_go_down_one_step_at_a_time_and_are_never_empty(december: html.HtmlElement) -> None:
    headings = list(december.iter("h1", "h2", "h3", "h4", "h5", "h6"))
    levels = [int(str(element.tag)[1]) for element in headings]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(element.text_content().strip() for element in headings)


def test_every_table_has_a_caption_and_every_header_a_scope(december: html.HtmlElement) -> None:
    tables = list(december.iter("table"))

    assert len(tables) > 10
    for table in tables:
        assert (table.findtext("caption") or "").strip()
        assert {cell.get("scope") for cell in table.findall("thead//th")} == {"col"}
        width = len(table.findall("thead//th"))
        for row in table.findall("tbody/tr"):
            assert [cell.get("scope") for cell in row.findall("th")] == ["row"]
            assert len(list(row)) == width


def test_every_cell_says_its_columns_name_for_screens_too_narrow_for_a_table(december: html.HtmlElement) -> None:
    for table in december.iter("table"):
        columns = [cell.text_content() for cell in table.findall("thead//th")]
        for row in table.findall("tbody/tr"):
            assert [cell.get("data-label") for cell in row.findall("td")] == columns[1:]


def test_a_table_that_is_shown_as_cards_is_still_a_table_to_a_screen_reader(december: html.HtmlElement) -> None:
    roles = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
    for name, role in roles.items():
        assert {element.get("role") for element in december.iter(name)} == {role}
    assert {(element.get("scope"), element.get("role")) for element in december.iter("th")} == {
        ("col", "columnheader"),
        ("row", "rowheader"),
    }


def test_every_rule_can_be_reached_from_the_contents(december: html.HtmlElement) -> None:
    links = {link.get("href") for link in december.findall(".//nav//a")}

    assert {f"#{heading.get('id')}" for heading in december.iter("h2") if heading.get("id") != "innehall"} <= links
    assert {f"#{heading.get('id')}" for heading in december.findall(".//article/h3")} <= links


def test_ids_are_unique_and_every_link_and_label_leads_somewhere_on_the_page(december: html.HtmlElement) -> None:
    ids = [element.get("id") for element in december.iter() if isinstance(element.tag, str) and element.get("id")]
    links = [element.get("href") or "" for element in december.iter("a")]
    labels = [
        element.get("aria-labelledby") for element in december.iter() if isinstance(element.tag, str) and element.get("aria-labelledby")
    ]

    assert len(set(ids)) == len(ids)
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert set(labels) <= set(ids)


def test_the_page_fetches_nothing_and_runs_nothing(december: html.HtmlElement, book: Rulebook) -> None:
    fetching = [
        element.tag
        for element in december.iter()
        if isinstance(element.tag, str)
        and (
            element.tag in ("script", "link", "img", "iframe", "object", "embed", "form", "base")
            or element.get("src")
            or element.get("style")
        )
    ]
    handlers = [
        name for element in december.iter() if isinstance(element.tag, str) for name in element.attrib if str(name).startswith("on")
    ]
    style = december.findtext(".//style") or ""

    assert fetching == []
    assert handlers == []
    assert not re.search(r"@import|url\(|https?:", style)
    assert "http://" not in as_html(page_of(DECEMBER, book))
    policy = december.find(".//meta[@http-equiv='Content-Security-Policy']")
    assert policy is not None
    assert "default-src 'none'" in (policy.get("content") or "")


def test_what_a_guidelines_file_says_is_text_and_never_markup(book: Rulebook) -> None:
    hostile = replace(book, guidelines=replace(book.guidelines, municipality="<script>alert(1)</script> & Söner"))
    page = as_html(page_of(DECEMBER, hostile))

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Söner" in page
    assert "<script>alert(1)</script> & Söner" in as_text(page_of(DECEMBER, hostile))


def test_the_text_for_a_terminal_keeps_to_its_width(book: Rulebook) -> None:
    assert max(len(line) for line in as_text(page_of(DECEMBER, book)).splitlines()) <= 100
