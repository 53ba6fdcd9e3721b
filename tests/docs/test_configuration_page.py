"""docs/configuration.md lists exactly the settings that there are, with their limits and defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.testing import CliRunner

from robot.cli import app
from robot.settings import Settings
from robot.settings_page import COMMAND, configuration_page

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "configuration.md"
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ((?:[^|]|\\\|)+) \| ((?:[^|]|\\\|)+) \| (.+) \|$")


def rows(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield each row of the page with the heading that it stands under."""
    heading = ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| `"):
            found = ROW.match(line)
            assert found is not None, line
            yield heading, found


def keys(model: type[BaseModel], place: str) -> Iterator[tuple[str, str]]:
    """Yield section and key of every setting, found by the models and not as the page finds them."""
    for name, field in model.model_fields.items():
        yield place, field.alias or name
        for inner in inner_models(field.annotation):
            yield from keys(inner, f"{place}.{name}")


def inner_models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from inner_models(part)


def listed(text: str) -> Mapping[tuple[str, str], re.Match[str]]:
    places = ((place, found) for heading, found in rows(text) for place in re.split(", | and ", heading.removesuffix(" (each entry)")))
    return {(place, found[1]): found for place, found in places}


def test_the_page_is_what_the_settings_make_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == configuration_page(), f"make it anew: {COMMAND}"


def test_the_command_that_the_page_names_prints_the_page() -> None:
    arguments = COMMAND.partition(" > ")[0].split()[1:]
    answer = CliRunner().invoke(app, arguments)

    assert answer.exit_code == 0
    assert answer.stdout == PAGE.read_text(encoding="utf-8")
    assert COMMAND in answer.stdout


def test_no_other_shape_has_a_page() -> None:
    answer = CliRunner().invoke(app, ["schema", "draft", "--markdown"])

    assert answer.exit_code == 2
    assert "CLI-080" in answer.output


def test_every_setting_is_on_the_page_and_nothing_else() -> None:
    sections = Settings.model_fields.items()
    there = {key for name, field in sections for model in inner_models(field.annotation) for key in keys(model, name)}

    assert there == set(listed(PAGE.read_text(encoding="utf-8")))
    assert len(there) > 80


def test_every_row_says_kind_limits_default_and_meaning() -> None:
    for place, found in listed(PAGE.read_text(encoding="utf-8")).items():
        assert all(cell.strip() for cell in found.groups()), place
        assert len(found[5]) > 5, place


def test_times_have_a_unit_and_limits() -> None:
    page = listed(PAGE.read_text(encoding="utf-8"))
    seconds = {key: found for key, found in page.items() if key[1].endswith("_s")}

    assert all(found[2] == "seconds" for found in seconds.values())
    assert page["work", "lease_s"].groups()[1:4] == ("seconds", "above 0, at most 3 600", "`45`")
    assert page["registers", "sources"][4] == "**required**"


def test_links_between_sections_lead_to_a_heading() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = {re.sub(r"[^\w\- ]", "", line[3:].lower()).replace(" ", "-") for line in text.splitlines() if line.startswith("## ")}

    links = re.findall(r"\]\(#([^)]+)\)", text)
    assert links
    assert set(links) <= headings
