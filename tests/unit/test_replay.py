"""`bistandsrobot replay`: a stored case is computed again, and what differs is told; nothing is told of a case that was handed over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from golden_cases import GUIDELINES, ROOT, Golden, cases, golden, result_of
from typer.testing import CliRunner, Result

from robot.cli import replay as command
from robot.daemon import open_queue
from robot.effects import CaseIdentity, replan_after_difference, texts_of
from robot.replay import HANDED_OVER, NOTHING, CannotReplay, Difference, comparable, differences, recompute
from robot.settings import load
from robot.worker import draft_record
from rules import Rulebook, load_rulebook
from rules.assessment import Assessment
from workqueue import PulledCase

JsonObject = dict[str, Any]
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(command.replay)


@pytest.fixture(scope="module")
def book() -> Rulebook:
    """The rulebook with the made-up municipality's guidelines."""
    return load_rulebook(GUIDELINES)


def run(*words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def plain(result: Assessment) -> JsonObject:
    found: JsonObject = json.loads(result.model_dump_json())
    return found


def a_case() -> Golden:
    return cases()["housing benefit as last month"]


# The comparison


@pytest.mark.parametrize("name", [name for name in cases() if name != "protected identity"])
def test_a_case_computed_again_under_the_same_rulebook_is_identical(name: str, book: Rulebook) -> None:
    case = cases()[name]

    assert recompute(case.case_file, plain(result_of(case, book)), book).identical


def test_a_case_at_its_deadline_is_not_mistaken_for_one_that_rests(book: Rulebook) -> None:
    for name in ("incomes still to come", "incomes still to come at the deadline"):
        case = cases()[name]
        assert recompute(case.case_file, plain(result_of(case, book)), book).identical


def test_a_changed_line_is_found_by_its_name_before_the_sum_that_follows_from_it(book: Rulebook) -> None:
    case = a_case()
    then = plain(result_of(case, book))
    rent = next(line for line in then["lines"] if line["key"] == "cost.rent")
    rent["amount"], then["sums"]["costs"], then["amount"] = "5900.00", "6280.00", "9650.00"
    found = recompute(case.case_file, then, book)

    assert found.first == Difference("lines[cost.rent].amount", "5900.00", "6000.00")
    assert found.count == 3


def test_other_facts_than_those_assessed_are_told_first(book: Rulebook) -> None:
    then = plain(result_of(a_case(), book))
    other = golden("2026-09", costs={"rent": "6100.00"}, need="9750.00")
    found = recompute(other.case_file, then, book)

    assert found.first is not None
    assert found.first.path == "receipt.facts"


def test_a_flag_that_has_gone_is_told_by_its_code_and_key(book: Rulebook) -> None:
    case = cases()["CSN silent"]
    then = plain(result_of(case, book))
    then["flags"].append({"code": "case.surplus", "severity": "review", "key": "", "text": "Överskott", "person": None})
    found = recompute(case.case_file, then, book)

    assert found.first is not None
    assert (found.first.path, found.first.now) == ("flags[case.surplus]", NOTHING)


def test_the_same_lines_in_another_order_are_different(book: Rulebook) -> None:
    case = a_case()
    then = plain(result_of(case, book))
    then["lines"].reverse()
    found = recompute(case.case_file, then, book)

    assert found.first is not None
    assert found.first.path == "lines (order)"


def test_nothing_and_null_and_zero_and_false_are_told_apart() -> None:
    assert [one.then for one in differences({}, {"a": None})] == [NOTHING]
    assert len(list(differences({"a": 0}, {"a": False}))) == 1
    assert len(list(differences({"a": 0}, {"a": None}))) == 1
    assert list(differences({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]})) == []


def test_a_stored_assessment_from_before_a_field_came_is_identical_when_the_field_is_at_its_default(book: Rulebook) -> None:
    case = a_case()
    then = plain(result_of(case, book))
    for flag in then["flags"]:
        del flag["person"]
    for line in then["lines"]:
        del line["previous" if line["previous"] is None else "person" if line["person"] is None else "blank"]

    assert recompute(case.case_file, then, book).identical


def test_a_stored_assessment_of_another_shape_is_compared_as_it_is(book: Rulebook) -> None:
    case = a_case()
    then = plain(result_of(case, book))
    then["a_field_of_another_year"] = 1
    found = recompute(case.case_file, then, book)

    assert found.first == Difference("a_field_of_another_year", 1, NOTHING)


@pytest.mark.parametrize(
    ("part", "told"),
    [("program", "program (bistandsrobot 0.0.1, now "), ("parameters", "law parameters"), ("guidelines", "guidelines")],
)
def test_a_receipt_of_another_rulebook_says_which_part_changed(part: str, told: str, book: Rulebook) -> None:
    case = a_case()
    then = plain(result_of(case, book))
    then["receipt"] |= {"rulebook": "0" * 64, part: "bistandsrobot 0.0.1"}
    found = recompute(case.case_file, then, book)

    assert len(found.changed) == 1
    assert found.changed[0].startswith(told)
    assert found.identical


def test_what_has_no_hash_of_its_own_in_the_receipt_is_named_when_nothing_else_changed(book: Rulebook) -> None:
    case = a_case()
    then = plain(result_of(case, replace(book, hash="0" * 64)))

    assert recompute(case.case_file, then, book).changed == ("flags, word lists or dates of the rules",)


def test_a_raised_cap_in_the_guidelines_is_seen_in_the_line_that_used_it(book: Rulebook, tmp_path: Path) -> None:
    case = a_case()
    later = tmp_path / "later.yaml"
    later.write_text(GUIDELINES.read_text(encoding="utf-8").replace("1: 6500", "1: 5500"), encoding="utf-8")
    found = recompute(case.case_file, plain(result_of(case, book)), load_rulebook(later))

    assert found.changed == ("guidelines",)
    assert found.first is not None
    assert found.first.path.startswith("lines[cost.rent]")


def test_a_proposal_taken_back_by_the_case_system_is_no_difference(book: Rulebook) -> None:
    case = a_case()
    amended, _, _ = replan_after_difference(
        result_of(case, book), ("income_amount",), identity=CaseIdentity("cm", "1", "v", 1), number="EB-1"
    )

    assert recompute(case.case_file, plain(amended), book).identical


@pytest.mark.parametrize("flags", ["none", [7], [{"code": "case_system.draft_differs"}], None])
def test_flags_that_are_none_are_a_difference_and_no_error(flags: object, book: Rulebook) -> None:
    then = plain(result_of(a_case(), book)) | {"flags": flags}

    assert not recompute(a_case().case_file, then, book).identical


def test_stops_and_control_samples_and_what_would_be_a_stop_today_get_one_answer(book: Rulebook) -> None:
    ordinary, stop = a_case(), cases()["protected identity"]
    answers = []
    for case_file, then, sample in (
        (stop.case_file, plain(result_of(stop, book)), False),
        (ordinary.case_file, plain(result_of(ordinary, book)), True),
        (stop.case_file, plain(result_of(ordinary, book)), False),
    ):
        with pytest.raises(CannotReplay) as told:
            recompute(case_file, then, book, control_sample=sample)
        answers.append(str(told.value))

    assert answers == [HANDED_OVER] * 3


@pytest.mark.parametrize("then", [{}, {"outcome": "splendid"}, {"outcome": "ok"}, {"outcome": None, "receipt": {}}])
def test_what_is_no_assessment_cannot_be_computed_again(then: JsonObject, book: Rulebook) -> None:
    with pytest.raises(CannotReplay):
        recompute(a_case().case_file, then, book)


def test_what_is_compared_leaves_out_only_the_names_of_the_rulebook(book: Rulebook) -> None:
    then = plain(result_of(a_case(), book))
    compared = comparable(then)

    assert set(compared) == set(then)
    assert set(then["receipt"]) - set(compared["receipt"]) == {"program", "rulebook", "parameters", "guidelines"}


# The command, from a file


def a_file(folder: Path, case: Golden, result: Assessment, change: Callable[[JsonObject], object] | None = None) -> str:
    document = {"case_file": json.loads(case.case_file.model_dump_json(by_alias=True)), "assessment": plain(result)}
    if change:
        change(document)
    path = folder / "stored.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_a_file_with_case_and_assessment_is_identical(book: Rulebook, tmp_path: Path) -> None:
    for name in ("housing benefit as last month", "jobbstimulans runs", "eviction"):
        answer = run(a_file(tmp_path, cases()[name], result_of(cases()[name], book)))
        assert (answer.exit_code, answer.output) == (0, "identical\n"), name


def test_the_case_file_and_what_assess_printed_for_it_are_a_file_to_replay() -> None:
    from robot.cli import app as whole

    example = ROOT / "docs" / "examples" / "case-blanks.json"
    printed = CliRunner().invoke(whole, ["assess", str(example), "--json"])
    together = json.dumps({"case_file": json.loads(example.read_bytes()), "assessment": json.loads(printed.output)})
    answer = run("-", stdin=together)

    assert (answer.exit_code, answer.output) == (0, "identical\n")


def test_a_difference_is_shown_with_its_place_and_both_values(book: Rulebook, tmp_path: Path) -> None:
    def alter(document: JsonObject) -> None:
        document["assessment"]["sums"]["need"] = "1.00"

    answer = run(a_file(tmp_path, a_case(), result_of(a_case(), book), alter))

    assert answer.exit_code == 1
    assert "The rulebook is the one of the receipt" in answer.output
    assert [line.split() for line in answer.output.splitlines()[-3:]] == [
        ["where", "sums.need"],
        ["then", '"1.00"'],
        ["now", '"9750.00"'],
    ]


def test_a_program_gets_the_difference_as_json(book: Rulebook, tmp_path: Path) -> None:
    def alter(document: JsonObject) -> None:
        document["assessment"]["amount"] = None
        document["assessment"]["receipt"] |= {"rulebook": "0" * 64, "guidelines": "0" * 64}

    answer = run(a_file(tmp_path, a_case(), result_of(a_case(), book), alter), "--json")

    assert answer.exit_code == 1
    assert json.loads(answer.output) == {
        "identical": False,
        "changed": ["guidelines"],
        "differences": 1,
        "first": {"path": "amount", "then": None, "now": "9750.00"},
    }


def test_what_changed_in_the_rulebook_stands_before_the_verdict(book: Rulebook, tmp_path: Path) -> None:
    def alter(document: JsonObject) -> None:
        document["assessment"]["receipt"] |= {"rulebook": "0" * 64, "parameters": "0" * 64}

    answer = run(a_file(tmp_path, a_case(), result_of(a_case(), book), alter))

    assert answer.exit_code == 0
    assert answer.output.splitlines() == ["The receipt is of another rulebook. Changed since: law parameters.", "identical"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not JSON"),
        ('{"case_file": {}}', "the keys"),
        ('{"case_file": {}, "case_file": {}, "assessment": {}}', "a key twice"),
        ('{"case_file": {}, "assessment": {}, "name": "Svea"}', "the keys"),
        ('{"case_file": {}, "assessment": []}', "assessment: "),
        ('{"case_file": {"today": "i dag, Svea"}, "assessment": {}}', "case_file: today: "),
        ('{"case_file": {"today": NaN}, "assessment": {}}', "case_file: "),
    ],
)
def test_a_broken_file_is_told_in_a_sentence_without_a_value_from_it(content: str, told: str) -> None:
    answer = run("-", stdin=content)

    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert told in answer.stderr
    assert "Svea" not in answer.output
    assert "Traceback" not in answer.output


def test_a_file_that_is_not_there_and_guidelines_that_are_not_there_are_told(book: Rulebook, tmp_path: Path) -> None:
    stored = a_file(tmp_path, a_case(), result_of(a_case(), book))

    assert run(str(tmp_path / "no.json")).exit_code == 2
    assert run(stored, "--guidelines", str(tmp_path / "no.yaml")).exit_code == 2


def test_a_stop_printed_by_assess_cannot_be_computed_again(book: Rulebook, tmp_path: Path) -> None:
    stop = cases()["protected identity"]
    answer = run(a_file(tmp_path, stop, result_of(stop, book)))

    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "protect" not in answer.output


# The command, from the queue


@dataclass
class Kept:
    """A robot's configuration with a queue of its own."""

    config: Path

    def keep(self, case: Golden, result: Assessment, *, control_sample: bool = False) -> str:
        """Put a finished case in the queue; return its reference."""
        settings = load(self.config)
        clock = settings.clock()
        opened = open_queue(settings, clock, upgrade=True)
        try:
            case_id = case.case_file.application.case_id
            added = opened.add(PulledCase("caremanagement", case_id, "EB-1", f"v{control_sample}", clock.now() + timedelta(days=1)))
            [claimed] = opened.claim("tester", 1, 60.0)
            outcome = "handed_over" if control_sample or result.outcome.value == "stop" else result.outcome.value
            texts = texts_of(result, number="EB-1", control_sample=control_sample)
            draft = draft_record(result, case.case_file, texts, number="EB-1", control_sample=control_sample)
            opened.finish(claimed, outcome, draft, [])
            return added.case_ref
        finally:
            opened.close()

    def replay(self, case: str) -> Result:
        """Run the command."""
        return run(case, "--config", str(self.config))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A configuration like the documented one, with its files in the test's folder."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8").replace("rules/guidelines/exempelkommun.yaml", str(GUIDELINES))
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "var").mkdir(mode=0o700)
    return Kept(tmp_path / "config.yaml")


def test_a_case_of_the_queue_is_found_by_its_reference_and_its_id(kept: Kept, book: Rulebook) -> None:
    reference = kept.keep(a_case(), result_of(a_case(), book))

    for case in (reference, a_case().case_file.application.case_id):
        answer = kept.replay(case)
        assert (answer.exit_code, answer.output) == (0, "identical\n")


def test_a_case_of_the_queue_that_comes_out_different_exits_with_one(kept: Kept, book: Rulebook) -> None:
    altered = result_of(a_case(), book).model_copy(update={"previous_need": None})
    answer = kept.replay(kept.keep(a_case(), altered))

    assert answer.exit_code == 1
    assert "previous_need" in answer.output


def test_a_sealed_stop_and_a_control_sample_look_alike(kept: Kept, book: Rulebook) -> None:
    stop = cases()["protected identity"]
    answers = [
        kept.replay(kept.keep(stop, result_of(stop, book))),
        kept.replay(kept.keep(a_case(), result_of(a_case(), book), control_sample=True)),
    ]

    assert {(answer.exit_code, answer.stdout, answer.stderr) for answer in answers} == {(2, "", f"bistandsrobot: {HANDED_OVER}\n")}


def test_a_case_that_is_not_there_or_a_queue_that_is_not_there_exits_with_two(kept: Kept, book: Rulebook) -> None:
    without_a_queue = kept.replay("3f9c2a11")
    kept.keep(a_case(), result_of(a_case(), book))
    unknown = kept.replay("3f9c2a11")

    assert (without_a_queue.exit_code, unknown.exit_code, kept.replay("x" * 5000).exit_code) == (2, 2, 2)
    assert "CLI-001" in without_a_queue.stderr
    assert "CLI-002" in unknown.stderr
