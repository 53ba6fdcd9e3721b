"""Whoever is woken by an alert finds what it means and what to do: every link leads to an entry, every entry has all that it needs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from connectors.transport.breaker import Position
from robot.condition import _SIGNS, Condition
from robot.figures import Figures, ListDays
from robot.neighbours import Lately
from workqueue import Pause

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations.md"
ALERTS = ROOT / "deploy" / "prometheus-alerts.yaml"
NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
WELL = Figures(at=NOW, database_up=True)
ILL = {
    "parked": replace(WELL, counts={"parked": 1}),
    "past its deadline": replace(WELL, deadline_margin_s=-1e5),
    "nobody takes": replace(WELL, oldest_s={"ready": 1e5}),
    "disk": replace(WELL, disk_free_bytes=0),
    "audit": replace(WELL, head_age_s=1e5),
    "paused": replace(WELL, pauses=(Pause("all", NOW, "ops"),)),
    "certificate": replace(WELL, certificate_days={("registers", "robot.pem"): 1.0}),
    "revocation list": replace(WELL, list_days={("registers", "week.crl"): ListDays(1.0, 7.0)}),
    "is slow": replace(WELL, neighbours=(Lately("ssbtek", Position.CLOSED, asked=100, errors=0, within_s=30.0),)),
    "fails often": replace(WELL, neighbours=(Lately("ssbtek", Position.CLOSED, asked=100, errors=50, within_s=0.1),)),
}


def anchor(heading: str) -> str:
    """Return what a heading is linked to by."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def headings(text: str) -> set[str]:
    return {anchor(line.lstrip("#")) for line in text.splitlines() if line.startswith("#")}


def entries() -> dict[str, str]:
    """Return each entry of the runbook by its anchor."""
    runbook = PAGE.read_text(encoding="utf-8").split("\n## Runbook\n")[1].split("\n## ")[0]
    return {anchor(one.split("\n")[0]): one for one in runbook.split("\n### ")[1:]}


def told_by(entry: str) -> str:
    """Return the line of an entry that says which alert and which illness it is for."""
    return " ".join(entry.split("\n\n")[1].split())


def alerts() -> list[tuple[str, str]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [(rule["alert"], rule["annotations"]["runbook"]) for group in groups for rule in group["rules"]]


@pytest.mark.parametrize(("alert", "link"), alerts())
def test_every_alert_leads_to_the_entry_that_names_it(alert: str, link: str) -> None:
    page, _, target = link.partition("#")

    assert ROOT / page == PAGE
    assert f"`{alert}`" in entries()[target]


def test_every_entry_says_symptom_cause_cure_and_what_was_seen() -> None:
    assert len(entries()) > 10
    for name, text in entries().items():
        for part in ("Symptom", "Cause", "Cure", "Seen"):
            found = re.search(rf"^- \*\*{part}:\*\* (.+)", text, re.M)
            assert found is not None, f"{name}: {part}"
            assert len(found[1]) > 30 or part == "Cause", f"{name}: {part}"


def test_every_entry_is_one_of_an_alert_or_an_illness() -> None:
    for name, text in entries().items():
        assert "Alert" in told_by(text) or "On the page: " in told_by(text), name


def shown(what: str) -> str:
    """Return the part of an illness's words that stays the same whoever has it."""
    return re.sub(r"\s+", " ", re.split(r"\d|\{", re.sub(r"^(\{neighbour\}|\d+) ", "", what), maxsplit=1)[0]).strip()


@pytest.mark.parametrize("event", _SIGNS)
def test_every_illness_that_an_event_tells_of_has_an_entry(event: str) -> None:
    assert any(shown(_SIGNS[event].what) in told_by(text) for text in entries().values()), _SIGNS[event].what


@pytest.mark.parametrize("name", ILL)
def test_every_illness_that_figures_show_has_an_entry(name: str) -> None:
    condition = Condition(started_at=NOW)
    condition.take(ILL[name])
    (found,) = condition.illnesses()
    told = " ".join(told_by(text) for text in entries().values())

    assert name in found.what
    assert any(words in told for words in (found.what, " ".join(found.what.split()[:2]), found.what[-40:]))


def test_the_list_of_what_figures_show_is_whole() -> None:
    """A new sign in robot/condition.py needs a line in ILL, and an entry."""
    from robot.condition import _REMEDIES

    assert len(ILL) == len(_REMEDIES)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_links_to_headings_lead_to_one(page: Path) -> None:
    broken = []
    for target, name in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        other = page.parent / target if target else page
        if target.startswith("http") or other.suffix != ".md":
            continue
        if name not in headings(other.read_text(encoding="utf-8")):
            broken.append(f"{target}#{name}")
    assert not broken
