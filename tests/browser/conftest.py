"""One browser for all tests of published pages, and the pages themselves. Without Chromium the tests are skipped, and say so."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from compare_cases import GUIDELINES, SKEWED, town
from playwright.async_api import Browser, Page, async_playwright

import rules
from connectors.transport.breaker import Position
from robot.compare import Change, compare, compare_case
from robot.compare_page import page as compare_page
from robot.condition import Condition
from robot.figures import Figures
from robot.health import OtherWorker, status_page
from robot.neighbours import Lately
from robot.rulebook_page import as_html, page_of
from rules.facts import CaseFile
from rules.month import Month

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WAIT_MS = 10_000
_MONTHS = {"rules": Month(2026, 12), "rules-partly": Month(2023, 5), "rules-no-amounts": Month(2027, 1)}
Theme = Literal["light", "dark"]
Tab = Callable[..., AbstractAsyncContextManager[Page]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium as the machine has it; nothing is downloaded."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: `make browser` installs Debian's, where apt-get and root are there")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        await started.close()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every page that is published, as a file's address: rule books with all amounts, with some and with none, and a comparison."""
    folder = tmp_path_factory.mktemp("published")
    book = rules.load_rulebook(GUIDELINES)
    pages = {name: as_html(page_of(month, book)) for name, month in _MONTHS.items()}
    change = Change(book, rules.load_rulebook(SKEWED))
    cases = [compare_case(CaseFile.model_validate_json(json.dumps(data)), change) for data in town()]
    pages["compare"] = compare_page(compare(cases, change))
    pages |= _status_pages()
    return {name: _written(folder / f"{name}.html", text) for name, text in pages.items()}


def _status_pages() -> dict[str, str]:
    """Return the robot's own page when all is well, when much is ill, beside other workers, and before it has begun."""
    now = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    pages = {"status-starting": status_page(Condition(started_at=now), now)}
    condition = Condition(started_at=now - timedelta(days=3), now=lambda: now - timedelta(hours=2))
    condition.seen(None, "info", {"event": "daemon.started"})
    condition.take(
        Figures(
            at=now,
            database_up=True,
            counts={"ready": 12, "assessing": 3},
            oldest_s={"ready": 4000.0},
            deadline_margin_s=9e4,
            neighbours=(
                Lately("caremanagement", Position.CLOSED, asked=2140, errors=3, within_s=0.25),
                Lately("party", Position.CLOSED, asked=0, errors=0, within_s=None),
                Lately("ssbtek", Position.CLOSED, asked=412, errors=0, within_s=2.5),
            ),
        )
    )
    pages["status-well"] = status_page(condition, now)
    gone = Lately("ssbtek", Position.OPEN, asked=12, errors=11, within_s=float("inf"))
    neighbours = (*condition.figures.neighbours[:2], gone)
    condition.take(replace(condition.figures, counts={"ready": 1200, "parked": 2}, deadline_margin_s=-700.0, neighbours=neighbours))
    condition.seen(None, "warning", {"event": "neighbour.lost", "neighbour": "ssbtek", "code": "NET-001"})
    condition.seen(None, "warning", {"event": "audit.head_not_kept", "code": "BOT-003"})
    pages["status-ill"] = status_page(condition, now)
    others = [OtherWorker(1, "running", well=True), OtherWorker(3, "does not answer: it is being started, or stands still", well=False)]
    return pages | {"status-workers": status_page(condition, now, number=2, others=others)}


def _written(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="session")
def tab(browser: Browser, published: dict[str, str]) -> Tab:
    """Open a published page, by its name, in a tab of its own that keeps nothing from the others."""

    @asynccontextmanager
    async def opened(name: str, *, width: int = 1280, theme: Theme = "light") -> AsyncIterator[Page]:
        context = await browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
        try:
            page = await context.new_page()
            page.set_default_timeout(_WAIT_MS)
            await page.goto(published[name])
            yield page
        finally:
            await context.close()

    return opened
