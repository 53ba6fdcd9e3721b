"""The robot's own page in a real browser: who runs it sees at once whether it works, what is ill and what to do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from axe_playwright_python.base import AXE_FILE_PATH  # type: ignore[import-untyped] # it has no types
from playwright.async_api import Page

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]
Tab = Callable[..., AbstractAsyncContextManager[Page]]
PAGES = ("status-starting", "status-well", "status-ill", "status-workers")
AXE = "() => axe.run({resultTypes: ['violations']}).then(found => found.violations.map(one => [one.id, one.nodes[0].html.slice(0, 200)]))"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_wrong(tab: Tab, name: str, theme: str) -> None:
    async with tab(name, theme=theme) as page:
        await page.evaluate(AXE_FILE_PATH.read_text("utf-8"))
        assert await page.evaluate(AXE) == []


@pytest.mark.parametrize("name", PAGES)
async def test_it_fits_one_screen_at_a_desk_and_the_width_of_a_phone(tab: Tab, name: str) -> None:
    async with tab(name) as page:
        assert await page.evaluate("document.documentElement.scrollHeight") <= 800
        await page.set_viewport_size({"width": 320, "height": 800})
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_what_is_ill_stands_with_since_when_and_what_to_do(tab: Tab) -> None:
    async with tab("status-ill") as page:
        text = await page.inner_text("main")

    assert holds(
        text, "Yes", "ssbtek does not answer", "NET-001", "for 2 h", "What to do:", "2 cases are parked", "queue list --state parked"
    )
    assert "The nearest deadline was 11 min 40 s ago" in text


async def test_how_each_neighbour_is_stands_with_its_pace_and_whether_it_is_left_alone(tab: Tab) -> None:
    async with tab("status-well") as page:
        well = " ".join((await page.inner_text("main")).split())
    async with tab("status-ill") as page:
        ill = " ".join((await page.inner_text("main")).split())

    assert holds(well, "caremanagement 2140 3 0.25 s", "party 0 0 -", "ssbtek 412 0 2.5 s")
    assert "ssbtek, left alone 12 11 over 30 s" in ill


async def test_the_title_alone_tells_how_it_is(tab: Tab) -> None:
    titles = []
    for name in PAGES:
        async with tab(name) as page:
            titles.append((await page.title()).partition(" - ")[0])

    assert titles == ["Not working", "Running", "Ill", "Ill"]


async def test_of_several_workers_the_others_stand_with_how_they_are(tab: Tab) -> None:
    async with tab("status-workers") as page:
        text = " ".join((await page.inner_text("main")).split())

    assert "This is worker 2 of 3. The others: 1 running, 3 does not answer" in text


async def test_every_link_is_reached_by_the_tab_key_alone(tab: Tab) -> None:
    reached = []
    async with tab("status-well") as page:
        for _ in range(4):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.getAttribute('href')"))

    assert reached == ["/", "/metrics", "/health/live", "/health/ready"]


def holds(text: str, *words: str) -> bool:
    return all(word in text for word in words)
