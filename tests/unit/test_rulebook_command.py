"""`bistandsrobot rules`: the rule book on a terminal, as a page to publish, and its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from robot.cli import rules as command
from robot.rulebook_texts import read_coverage

ROOT = Path(__file__).resolve().parents[2]
GUIDELINES = ROOT / "rules" / "guidelines" / "exempelkommun.yaml"
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(command.rules)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def spaced(text: str) -> str:
    """Return text with ordinary spaces only, and none doubled."""
    return " ".join(text.split())


def test_the_rule_book_of_a_month_on_the_terminal() -> None:
    answer = run("--month", "2026-12")

    assert answer.exit_code == 0
    assert answer.output.startswith("REGELBOK FÖR EKONOMISKT BISTÅND, DECEMBER 2026\n")


def test_the_rule_book_of_this_month_when_none_is_given() -> None:
    assert run().exit_code == 0


def test_the_rule_book_as_a_file_to_publish(tmp_path: Path) -> None:
    file = tmp_path / "regelbok.html"
    answer = run("--month", "2026-12", "--html", str(file))

    assert answer.exit_code == 0
    assert str(file) in answer.output
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>\n")


def test_coverage_alone_says_what_is_modelled_from_when_what_is_not_and_who_looks() -> None:
    answer = run("--coverage")

    assert answer.exit_code == 0
    for area in read_coverage():
        assert spaced(area.subject) in spaced(answer.output)
        assert spaced(area.not_held) in spaced(answer.output)
    assert "REGELBOK" not in answer.output


@pytest.mark.parametrize("month", ["2026-13", "december", "9999-12", "0001-01", "2026"])
def test_a_month_that_is_none_is_told(month: str) -> None:
    answer = run("--month", month)

    assert answer.exit_code == 2
    assert "--month" in answer.stderr
    assert "Traceback" not in answer.output


def test_guidelines_that_cannot_be_used_and_a_file_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    assert run("--month", "2026-12", "--guidelines", str(tmp_path / "no.yaml")).exit_code == 2
    assert run("--month", "2026-12", "--html", str(tmp_path / "no" / "page.html")).exit_code == 1


@pytest.mark.parametrize("month", ["1990-01", "2012-12", "2024-05", "2027-01", "2100-12"])
def test_a_month_for_which_little_is_known_still_has_a_page_that_says_what_is_missing(month: str) -> None:
    answer = run("--month", month)

    assert answer.exit_code == 0
    assert "OBS: Riksnormens belopp för " in answer.output
    assert "Inget värde är känt för " in answer.output


def test_a_municipality_s_own_guidelines_are_those_shown(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(GUIDELINES.read_text(encoding="utf-8").replace("1: 6500", "1: 6654"), encoding="utf-8")

    assert "6 654 kr" in spaced(run("--month", "2026-12", "--guidelines", str(own)).output)
