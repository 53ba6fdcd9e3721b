"""The pages that a municipality publishes, in a real browser: on a phone, by keyboard, by a screen reader, in the dark, on paper."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import pairwise

import pytest
from axe_playwright_python.base import AXE_FILE_PATH  # type: ignore[import-untyped] # it has no types
from playwright.async_api import Page, Request

ALL = ("rules", "rules-partly", "rules-no-amounts", "compare")
PHONE, DESKTOP = 390, 1280
WIDTHS = (320, PHONE, 700, 900, DESKTOP)
PAPER = 718
"""A4 less its margins, in CSS pixels."""
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]
Tab = Callable[..., AbstractAsyncContextManager[Page]]

AXE = """options => axe.run({resultTypes: ["violations"], ...options}).then(found => ({
  wrong: found.violations.map(one => [one.id, one.nodes[0].html.slice(0, 200)]), passed: found.passes.length}))"""
ONLY_CONTRAST = {"runOnly": ["color-contrast"]}
"""All that a theme changes; it takes longer than every other rule together."""
WITHOUT_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}}
BEYOND = """() => [...document.querySelectorAll("body *")]
  .filter(one => !one.closest(".unseen, .skip, thead, svg") && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => one.tagName + " " + one.textContent.trim().slice(0, 40))"""
SCROLLED = """() => [...document.querySelectorAll(".scroll")]
  .filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText.slice(0, 60))"""
HEADINGS = "() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(one => [+one.tagName[1], one.innerText.trim()])"
LINKS = "() => [...document.querySelectorAll('nav a')].map(one => one.hash)"
FOCUS = "() => [document.activeElement.hash, document.activeElement.matches(':focus-visible')]"
BRIGHTNESS = """() => ["backgroundColor", "color"].map(
  name => getComputedStyle(document.body)[name].match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0))"""


@pytest.mark.parametrize("name", ["rules", "compare"])
async def test_axe_finds_nothing_wrong_on_phone_and_desk_in_light_and_dark(tab: Tab, name: str) -> None:
    found = []
    async with tab(name, width=PHONE) as page:
        await page.evaluate(AXE_FILE_PATH.read_text("utf-8"))
        found.append(await page.evaluate(AXE, {}))
        await page.emulate_media(color_scheme="dark")
        found.append(await page.evaluate(AXE, ONLY_CONTRAST))
        await page.set_viewport_size({"width": DESKTOP, "height": 800})
        found.append(await page.evaluate(AXE, WITHOUT_CONTRAST))

    assert [one["wrong"] for one in found] == [[], [], []]
    assert found[0]["passed"] > 20
    assert found[1]["passed"] == 1
    assert found[2]["passed"] > 20


async def test_axe_finds_nothing_wrong_where_amounts_are_missing(tab: Tab) -> None:
    async with tab("rules-no-amounts", width=PHONE) as page:
        await page.evaluate(AXE_FILE_PATH.read_text("utf-8"))
        found = await page.evaluate(AXE, WITHOUT_CONTRAST)

    assert found["wrong"] == []
    assert found["passed"] > 20


@pytest.mark.parametrize("name", ALL)
async def test_nothing_is_wider_than_the_screen_and_no_table_must_be_scrolled_sideways(tab: Tab, name: str) -> None:
    async with tab(name) as page:
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            assert await page.evaluate(BEYOND) == []
            assert await page.evaluate(SCROLLED) == []


@pytest.mark.parametrize("name", ALL)
async def test_headings_are_in_order(tab: Tab, name: str) -> None:
    async with tab(name) as page:
        headings = await page.evaluate(HEADINGS)
    levels = [level for level, _ in headings]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(text for _, text in headings)


@pytest.mark.parametrize("name", ALL)
async def test_nothing_is_asked_of_the_network_and_the_console_is_silent(tab: Tab, name: str) -> None:
    requests: list[str] = []
    told: list[str] = []

    def note(request: Request) -> None:
        requests.append(request.url)

    async with tab(name) as page:
        page.on("request", note)
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        await page.reload()
        address = page.url
        await page.locator("nav a").last.click()

    assert requests == [address]
    assert told == []


@pytest.mark.parametrize("name", ["rules", "compare"])
async def test_the_contents_are_reached_by_keyboard_and_lead_to_their_headings(tab: Tab, name: str) -> None:
    async with tab(name) as page:
        links = await page.evaluate(LINKS)
        await page.keyboard.press("Tab")
        assert await page.evaluate(FOCUS) == ["#sidan", True]
        for link in links:
            await page.keyboard.press("Tab")
            assert await page.evaluate(FOCUS) == [link, True]
        await page.keyboard.press("Enter")
        heading = page.locator(links[-1])

        assert len(links) >= 8
        assert await heading.evaluate("one => Math.abs(one.getBoundingClientRect().top) < innerHeight")


async def test_the_way_past_the_contents_leads_into_the_page(tab: Tab) -> None:
    async with tab("rules") as page:
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

        assert await page.evaluate("document.activeElement.tagName") == "MAIN"


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_a_screen_reader_meets_landmarks_and_tables_however_wide_the_screen(tab: Tab, width: int) -> None:
    async with tab("rules", width=width) as page:
        assert await page.get_by_role("banner").count() == 1
        assert await page.get_by_role("main").count() == 1
        assert await page.get_by_role("contentinfo").count() == 1
        assert await page.get_by_role("navigation", name="Innehåll").count() == 1
        adults = page.get_by_role("table", name="Belopp och gränser: Vuxnas belopp")
        assert await adults.get_by_role("columnheader", name="Källa").count() == 1
        row = adults.get_by_role("row", name="Ensamstående")
        assert await row.get_by_role("rowheader", name="Ensamstående").count() == 1
        assert (await row.get_by_role("cell").all_inner_texts())[-1] == "läst i originalet"


async def test_every_chart_is_read_out_with_its_figures(tab: Tab) -> None:
    async with tab("compare", width=PHONE) as page:
        charts = page.get_by_role("img", name="Hushåll: genomsnittlig skillnad per ärende")
        snapshot = await charts.evaluate("one => document.getElementById(one.getAttribute('aria-labelledby').split(' ')[1]).textContent")

        assert await page.get_by_role("img").count() == 11
        assert "Ensamstående med barn: −250" in snapshot


async def test_words_in_a_chart_are_as_large_on_a_phone_as_on_a_desk(tab: Tab) -> None:
    heights = []
    async with tab("compare") as page:
        for width in (320, DESKTOP):
            await page.set_viewport_size({"width": width, "height": 800})
            heights.append(await page.locator("svg text").first.evaluate("one => one.getBoundingClientRect().height"))
            outside = "one => one.getBoundingClientRect().right > one.ownerSVGElement.getBoundingClientRect().right + 1"
            assert not await page.locator("svg text, svg rect").evaluate_all(f"all => all.filter({outside}).length")

    assert heights[0] == heights[1] > 12


@pytest.mark.parametrize("name", ["rules", "compare"])
async def test_who_wants_it_dark_gets_it_dark(tab: Tab, name: str) -> None:
    async with tab(name, theme="light") as page:
        paper, ink = await page.evaluate(BRIGHTNESS)
        assert paper > ink
    async with tab(name, theme="dark") as page:
        paper, ink = await page.evaluate(BRIGHTNESS)
        assert paper < ink


@pytest.mark.parametrize("name", ["rules", "compare"])
async def test_on_paper_everything_is_there_in_black_on_white_and_fits(tab: Tab, name: str) -> None:
    async with tab(name, width=PAPER, theme="dark") as page:
        await page.emulate_media(media="print")
        paper, ink = await page.evaluate(BRIGHTNESS)

        assert paper > ink
        assert await page.evaluate(BEYOND) == []
        assert not await page.locator("nav").is_visible()
        assert await page.locator("thead").first.evaluate("one => getComputedStyle(one).display") == "table-header-group"
        folded = page.locator("details p")
        assert all([await folded.nth(place).is_visible() for place in range(await folded.count())])
