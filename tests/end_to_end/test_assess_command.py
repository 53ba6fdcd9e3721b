"""`bistandsrobot assess` and `schema`: what a person at a terminal and a program get, for good input and for broken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

from robot.cli.assess import LARGEST_FILE_BYTES, assess
from robot.cli.schema import Shape, schema, schema_of
from rules.assessment import Assessment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(assess)
app.command()(schema)


def run(*words: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def case_file(name: str = "complete") -> dict[str, Any]:
    return dict(json.loads((EXAMPLES / f"case-{name}.json").read_bytes()))


def assessed(document: object) -> Result:
    return run("assess", "-", stdin=json.dumps(document).encode())


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_the_complete_example_is_a_grant_that_a_caseworker_can_read() -> None:
    result = run("assess", str(EXAMPLES / "case-complete.json"))
    text = plain(result.output)

    assert result.exit_code == 0, text
    assert "Förslag: bifall med 4 345 kr." in text
    for amount in (
        "7 100",
        "3 820",
        "1 790",
        "6 900",
        "450",
        "6 375",
        "1 850",
        "1 250",
        "6 240",
        "12 710",
        "7 350",
        "15 715",
        "4 345",
        "4 485",
    ):
        assert f" {amount}" in text, amount
    assert "Handläggaren bedömer: inget." in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_the_example_with_blanks_shows_what_is_known_and_what_is_open() -> None:
    result = run("assess", str(EXAMPLES / "case-blanks.json"))
    text = plain(result.output)

    assert result.exit_code == 0, text
    assert "Känt hittills: 10 135 kr. Spann: – … 10 785 kr." in text
    assert "Möjligt värde: 0 … 650 kr" in text
    assert "okänd storlek" in text


def test_a_program_gets_the_whole_assessment_by_its_schema() -> None:
    result = run("assess", str(EXAMPLES / "case-blanks.json"), "--json")
    answer = json.loads(result.output)

    Draft202012Validator(schema_of(Shape.DRAFT)).validate(answer)
    assert Assessment.model_validate(answer).model_dump(mode="json") == answer
    assert answer["span"] == {"lowest": None, "highest": "10785.00"}


def test_the_same_file_gives_the_same_bytes() -> None:
    words = ("assess", str(EXAMPLES / "case-complete.json"), "--json")

    assert run(*words).stdout_bytes == run(*words).stdout_bytes


def test_a_protected_person_is_a_stop_that_gives_no_reason() -> None:
    document = case_file()
    document["application"]["protected"] = True
    shown = assessed(document)
    for_programs = run("assess", "-", "--json", stdin=json.dumps(document).encode())

    assert shown.output == "Ärendet handläggs manuellt\n"
    answer = json.loads(for_programs.output)
    assert [flag["code"] for flag in answer["flags"]] == ["handed_over"]
    assert "protect" not in for_programs.output


def test_the_whole_program_reads_a_case_file_from_standard_input() -> None:
    content = (EXAMPLES / "case-complete.json").read_bytes()
    words = [sys.executable, "-m", "robot", "assess", "-"]
    answer = subprocess.run(words, cwd=ROOT, input=content, capture_output=True, timeout=120, check=False)

    assert answer.returncode == 0, answer.stderr
    assert "BESLUTSUNDERLAG" in answer.stdout.decode()


def with_change(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = case_file()
    change(document)
    return document


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "a float for money": (
        lambda case: case["application"]["costs"][1].update(applied=650.5),
        "application.costs[1].applied",
        "an amount is written as a decimal string in kronor",
    ),
    "a number for money": (
        lambda case: case["application"]["incomes"][0].update(net=8500),
        "application.incomes[0].net",
        "an amount is written as a decimal string in kronor",
    ),
    "parts of an öre": (
        lambda case: case["registers"][0]["payments"][0].update(net="1850.001"),
        "registers[0].payments[0].net",
        "at most two decimals",
    ),
    "an unknown key": (lambda case: case["application"].update(colour="blue"), "application.colour", "no such key in a case file"),
    "a missing key": (lambda case: case["application"].pop("month"), "application.month", "is missing"),
    "a wrong type": (lambda case: case["application"].update(costs="rent"), "application.costs", "valid array"),
    "a month that is none": (lambda case: case["application"].update(month="2026-13"), "application.month", "a month is written YYYY-MM"),
    "a number for a date": (lambda case: case.update(today=1764460800), "today", "valid date"),
    "a text for a truth": (lambda case: case["application"].update(interpreter="yes"), "application.interpreter", "valid boolean"),
    "an unknown source": (lambda case: case["registers"][0].update(source="NSA"), "registers[0].source", "'FK'"),
    "a time without zone": (
        lambda case: case["registers"][0].update(fetched_at="2026-11-30T06:00:00"),
        "registers[0].fetched_at",
        "timezone",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_input_is_told_by_file_place_and_reason(name: str) -> None:
    change, place, reason = BROKEN[name]
    result = assessed(with_change(change))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"  {place}: " in result.stderr
    assert reason in result.stderr
    assert "standard input" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is not JSON: line 1, column 1"),
        (b"{", "it is not JSON: line 1, column 2"),
        (b"[]", "the document: "),
        (b'"text"', "the document: "),
        (b'{"today": NaN}', "NaN is no value there"),
        (b'{"today": "2026-11-30", "today": "2026-11-30"}', "today: the key stands twice"),
        (b'{"today": "\xff"}', "it is not UTF-8: byte 11"),
        (b'{"today": "\\ud800"}', "Invalid JSON: unexpected end of hex escape"),
        (b"[" * 200_000, "too many levels"),
        (b'{"today": ' + b"1" * 5000 + b"}", "a number is too long"),
        (b" " * (LARGEST_FILE_BYTES + 1), "it is larger than 5000000 bytes"),
    ],
)
def test_input_that_is_no_document_is_refused_in_a_sentence(content: bytes, reason: str) -> None:
    result = run("assess", "-", stdin=content)

    assert result.exit_code == 2
    assert reason in result.stderr
    assert "Traceback" not in result.output


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.json", tmp_path):
        result = run("assess", str(file))
        assert result.exit_code == 2
        assert f"{file} is no case file" in result.stderr
        assert "it cannot be read" in result.stderr


def test_guidelines_that_cannot_be_used_are_told_of(tmp_path: Path) -> None:
    guidelines = tmp_path / "guidelines.yaml"
    guidelines.write_text("settings: {}\n", encoding="utf-8")
    for file in (tmp_path / "missing.yaml", guidelines):
        result = run("assess", str(EXAMPLES / "case-complete.json"), "--guidelines", str(file))
        assert result.exit_code == 2
        assert "the guidelines cannot be used" in result.stderr
        assert "Traceback" not in result.output


def test_no_value_of_a_case_file_is_quoted_in_an_error() -> None:
    """The numbers are Skatteverket's test numbers; the name is made up."""

    def misplace(case: dict[str, Any]) -> None:
        member = case["application"]["household"]["members"][0]
        member |= {"personnummer": "19900101-2385", "birth_date": "Påhittad Sökandsson", "199001012385": "Påhittad Sökandsson"}
        case["application"]["costs"][0]["applied"] = "Påhittad Sökandsson"
        case["registers"][0]["source"] = "Påhittad Sökandsson"

    result = assessed(with_change(misplace))

    assert result.exit_code == 2
    assert result.stderr.count("\n") >= 5
    assert not any(secret in result.output for secret in ("19900101", "2385", "Påhittad", "Sökandsson"))


def test_a_very_broken_file_gives_a_readable_number_of_mistakes() -> None:
    result = assessed(with_change(lambda case: case["application"].update(costs=[{}] * 90)))

    assert result.exit_code == 2
    assert "and 70 more" in result.stderr
    assert len(result.stderr.splitlines()) < 30


@pytest.mark.parametrize("shape", ["case-file", "draft", "config"])
def test_a_schema_is_one_that_programs_can_use(shape: str) -> None:
    result = run("schema", shape)

    assert result.exit_code == 0, result.output
    Draft202012Validator.check_schema(json.loads(result.output))


@pytest.mark.parametrize("name", ["complete", "blanks"])
def test_the_examples_are_case_files_by_the_schema(name: str) -> None:
    Draft202012Validator(schema_of(Shape.CASE_FILE)).validate(case_file(name))


def test_a_shape_that_is_none_lists_those_there_are() -> None:
    result = run("schema", "cases")

    assert result.exit_code == 2
    assert "case-file" in result.stderr


def test_an_error_in_the_program_quotes_nothing_and_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("Påhittad Sökandsson 199001012385")

    monkeypatch.setattr("rules.assess", fails)
    result = run("assess", str(EXAMPLES / "case-complete.json"))

    assert result.exit_code == 1
    assert "BUG-001" in result.stderr
    assert not any(secret in result.output for secret in ("Påhittad", "199001012385", "Traceback"))
