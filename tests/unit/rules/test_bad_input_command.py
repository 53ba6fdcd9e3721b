"""`bistandsrobot assess` on facts that cannot be: a draft, or a sentence with the place; never a traceback, never a value of the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import typer
from bad_input import BLANK, REFUSED, STOPPED
from typer.testing import CliRunner, Result

from robot.cli.assess import assess

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(assess)


def told(document: dict[str, Any], *words: str) -> Result:
    """Give the command a case file on standard input."""
    return CliRunner().invoke(APP, ["-", *words], input=json.dumps(document).encode())


@pytest.mark.parametrize("name", REFUSED)
def test_a_case_file_with_what_no_fact_can_be_is_refused_by_its_place(name: str, document_with: Callable[..., dict[str, Any]]) -> None:
    changes, path = REFUSED[name]
    result = told(document_with(changes))
    place = re.sub(r"[.]([0-9]+)", r"[\1]", path)
    values = [value for value in changes.values() if isinstance(value, str) and len(value) > 3]

    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"  {place}: " in result.stderr
    assert not any(value in result.stderr for value in values)
    assert not re.search(r"Traceback|\d{8}", result.stderr)


@pytest.mark.parametrize("name", [*BLANK, *STOPPED])
def test_a_case_file_with_strange_facts_has_a_draft_without_a_proposal(name: str, document_with: Callable[..., dict[str, Any]]) -> None:
    document = document_with(BLANK[name][0] if name in BLANK else STOPPED[name])
    for_people, for_programs = told(document), told(document, "--json")

    assert for_people.exit_code == for_programs.exit_code == 0, for_people.stderr
    assert json.loads(for_programs.stdout)["proposal"] is None
    assert not any(secret in for_people.output + for_programs.output for secret in ("Traceback", "199001012385", "199102022390"))
