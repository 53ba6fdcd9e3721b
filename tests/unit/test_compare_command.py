"""`bistandsrobot compare`: what it takes, what it refuses, and what it prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from compare_cases import EXAMPLES, SKEWED, case_data, town
from typer.testing import CliRunner, Result

from robot.cli import compare_files
from robot.cli.compare import compare

TOWN = EXAMPLES / "compare-cases.jsonl"


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(compare)
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_other_guidelines_give_a_table_in_swedish() -> None:
    result = run("--with", SKEWED, TOWN)

    assert result.exit_code == 0, result.output
    told = result.stdout.replace("\u00a0", " ")
    assert re.search(r"Par med barn +6 +6 → 0 .* 54 000 *$", told, re.MULTILINE)
    assert re.search(r"Par utan barn +6 +6 → 6 .* 0 *$", told, re.MULTILINE)
    assert "Hyra: över riktlinjens belopp" in result.stdout


def test_files_and_lines_can_be_given_together(tmp_path: Path) -> None:
    one = tmp_path / "case.json"
    one.write_text(json.dumps(case_data(99)), "utf-8")

    result = run("--with", SKEWED, one, TOWN, "--json")

    assert json.loads(result.stdout)["all"]["cases"] == 25


def test_many_cases_in_several_processes_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = run("--with", SKEWED, TOWN, "--json")
    monkeypatch.setattr(compare_files, "_BATCH_CASES", 9)
    monkeypatch.setattr("os.cpu_count", lambda: 2)

    assert run("--with", SKEWED, TOWN, "--json").stdout == alone.stdout


def test_the_page_is_written_and_small_groups_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    one, page = tmp_path / "case.json", tmp_path / "sida.html"
    one.write_text(json.dumps(case_data(1)), "utf-8")

    assert run("--month", "2025-12", one, "--html", page).exit_code == 0
    assert "färre än 5" in page.read_text("utf-8")
    assert run("--month", "2025-12", one, "--html", page, "--small-groups").exit_code == 0
    assert "färre än 5" not in page.read_text("utf-8")


def test_nothing_is_compared_when_one_case_is_broken_and_the_place_is_told_without_its_value(tmp_path: Path) -> None:
    broken = case_data(1)
    broken["application"]["costs"][0]["applied"] = "hemligt"
    file = tmp_path / "cases.jsonl"
    file.write_text(f"{json.dumps(case_data(2))}\n\n{json.dumps(broken)}\nnot json\n", "utf-8")

    result = run("--with", SKEWED, file, tmp_path / "none.json")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{file} line 3: application.costs[0].applied: an amount is written as a decimal string" in result.stderr
    assert f"{file} line 4: it is not JSON: line 1, column 1" in result.stderr
    assert f"{tmp_path / 'none.json'}: it cannot be read: No such file or directory" in result.stderr
    assert "hemligt" not in result.stderr


def test_the_same_case_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(json.dumps(case_data(1)) + "\n" + json.dumps(case_data(1)), "utf-8")

    result = run("--with", SKEWED, file)

    assert result.exit_code == 2
    assert f"{file} line 2: application.case_id: the same case and month stand in {file} line 1 too" in result.stderr


def test_a_line_too_long_to_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_files, "LARGEST_FILE_BYTES", 1_000)
    file = tmp_path / "cases.jsonl"
    file.write_text(json.dumps(town()[0]), "utf-8")

    result = run("--with", SKEWED, file)

    assert result.exit_code == 2
    assert f"{file} line 1: the line is larger than 1000 bytes" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give either --with GUIDELINES or --month"),
        (("--with", SKEWED, "--month", "2025-12"), "give either --with GUIDELINES or --month"),
        (("--month", "december"), "a month is written YYYY-MM"),
        (("--month", "1990-12"), "the year must be 1991 to 2099"),
        (("--with", TOWN), "the guidelines cannot be used"),
        (("--with", SKEWED, "--html", TOWN), "is one of the files that are read"),
        (("--with", SKEWED, "--html", SKEWED), "is one of the files that are read"),
    ],
)
def test_an_option_that_cannot_be_used_ends_with_2_and_says_why(arguments: tuple[str | Path, ...], told: str) -> None:
    result = run(TOWN, *arguments)

    assert result.exit_code == 2
    assert told in result.stderr


def test_a_file_without_cases_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text("\n\n", "utf-8")

    assert "there is no case in the files" in run("--with", SKEWED, file).stderr


def test_a_page_that_cannot_be_written_ends_with_1(tmp_path: Path) -> None:
    result = run("--with", SKEWED, TOWN, "--html", tmp_path / "missing" / "page.html")

    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.stderr


def test_an_error_in_the_program_is_told_as_one_and_never_as_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("with a value from the case")

    monkeypatch.setattr(compare_files, "compare_case", fails)

    result = run("--with", SKEWED, TOWN)

    assert result.exit_code == 1
    assert f"BUG-001 {TOWN} line 1 could not be assessed (RuntimeError)" in result.stderr
    assert "with a value" not in result.stderr
