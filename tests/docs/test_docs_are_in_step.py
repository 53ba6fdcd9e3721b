"""The pages that ops and engineers rely on list exactly what the code does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from robot.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
CODE = [path for folder in ("robot", "connectors", "rules", "queue/workqueue") for path in sorted((ROOT / folder).rglob("*.py"))]
LEVELS = {"debug", "info", "warning", "error", "exception"}
OF_THE_LOG = frozenset({"at", "event", "level", "worker", "repeated"})
ERROR_CODE = re.compile(r"\b(?:NET|REG|SSB|CASE|CM|QUE|CFG|BUG|BOT|DEMO|RUL|SIM|CLI)-\d{3}\b")


def table(page: str) -> list[list[str]]:
    """Return the cells of every table row of a page, header and rule lines left out."""
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    rows = [line.strip().strip("|") for line in lines if line.startswith("|") and not set(line) <= set("|-: ")]
    return [[cell.strip() for cell in row.split("|")] for row in rows]


def logged() -> Iterator[tuple[str, str, frozenset[str], str]]:
    """Yield event, level, keys and place of every call that logs."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
                continue
            target = node.func.value
            name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
            if name.lstrip("_") not in {"log", "logger"} or not node.args:
                continue
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            event = node.args[0]
            assert isinstance(event, ast.Constant), f"{place}: an event is named by a constant"
            keys = frozenset(keyword.arg or "**" for keyword in node.keywords)
            yield str(event.value), node.func.attr, keys, place


def test_every_log_event_is_listed_with_its_level_and_keys() -> None:
    listed = {row[0].strip("`"): (row[1], {key.strip(" `") for key in row[2].split(",") if key.strip()}) for row in table("events.md")[1:]}
    wrong = []
    seen = {"library.message"}
    for event, level, keys, place in logged():
        seen.add(event)
        if event not in listed:
            wrong.append(f"{place}: {event} is not in docs/events.md")
            continue
        expected = "error" if level == "exception" else level
        if listed[event][0] != expected:
            wrong.append(f"{place}: {event} is logged as {expected}, docs/events.md says {listed[event][0]}")
        if keys & OF_THE_LOG:
            wrong.append(f"{place}: {event} has keys {sorted(keys & OF_THE_LOG)} that the log itself writes over")
        if not keys <= listed[event][1]:
            wrong.append(f"{place}: {event} has keys {sorted(keys - listed[event][1])} that docs/events.md does not list")
    wrong += [f"docs/events.md lists {event}, which nothing logs" for event in sorted(set(listed) - seen)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("row", table("events.md")[1:], ids=lambda row: row[0].strip("`"))
def test_every_event_says_its_level_its_meaning_and_what_to_do(row: list[str]) -> None:
    assert len(row) == 5, row
    event, level, keys, meaning, cure = row

    assert re.fullmatch(r"`[a-z_]+\.[a-z_]+`", event)
    assert level in {"debug", "info", "warning", "error"}
    assert len(meaning) > 10
    assert cure
    assert level != "error" or not cure.startswith("nothing"), "an error needs somebody"
    assert "code" not in cure or "code" in keys.split(", "), "who is sent to the code must find one on the line"
    for command in re.findall(r"`bistandsrobot ([a-z]+)", meaning + cure):
        assert command in COMMANDS


def test_every_error_code_is_listed_and_every_listed_one_is_used() -> None:
    listed = {row[0].strip("`") for row in table("errors.md")[1:]}
    used = {code for path in CODE for code in ERROR_CODE.findall(path.read_text(encoding="utf-8"))}
    assert used - listed == set(), "codes that docs/errors.md does not list"
    assert listed - used == set(), "codes in docs/errors.md that nothing uses"


def test_every_error_says_what_it_means_and_what_to_do() -> None:
    for row in table("errors.md")[1:]:
        assert len(row) == 3, row
        assert all(row), row


@pytest.mark.parametrize("module", ["robot", "pytest"])
def test_the_program_and_pytest_start_from_the_root_with_python_m(module: str) -> None:
    """A package named `queue` at the root would shadow the standard library's and break both."""
    answer = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert not (ROOT / "queue" / "__init__.py").exists()


def test_the_documented_commands_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    from robot.cli import app

    known = {command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups if group.name}
    for command in re.findall(r"bistandsrobot ([a-z-]+)", readme):
        assert command in known, f"README.md names `bistandsrobot {command}`, which does not exist"


def test_internal_links_in_the_docs_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    links = [(page, target) for page in pages for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page, target in links
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)
