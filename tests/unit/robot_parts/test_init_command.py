"""`bistandsrobot init`: a municipality's first files, which decide nothing, overwrite nothing, and tell what is missing."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from robot.cli.check import check
from robot.cli.init import init
from robot.demo import DEMO_GUIDELINES
from robot.settings import NotAnswered, SettingsError, load
from robot.skeleton import answers
from robot.skeleton.files import CONFIG, GUIDELINES, KEY, LOOK, LOOK_TIMER, UNIT
from rules import RulebookError, load_rulebook
from rules.strict_yaml import UNDECIDED
from workqueue import MasterKey

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(init)
app.command()(check)
ALL_ANSWERS = {
    "--name": 'Västra "Å": #1 kommun',
    "--code": "2281",
    "--namespace": "DRAKEL",
    "--organisation-number": "162120000001",
    "--case-system-url": "https://care.example.se/api/",
    "--party-url": "https://party.example.se",
    "--ssbtek-url": "https://ssbtek.example.se/v10",
    "--actor-id": "2281-ek",
}


def called(*words: str | Path, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=typed, env={"COLUMNS": "200"})


def with_all_answers(folder: Path) -> Result:
    return called("init", folder, "--yes", *(word for pair in ALL_ANSWERS.items() for word in pair))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def decide(file: Path, *, status: str = "adopted") -> None:
    """Decide all that stands in a guidelines file, as the demo's municipality has."""
    made: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    demo: dict[str, Any] = yaml.safe_load(DEMO_GUIDELINES.read_text(encoding="utf-8"))
    made["municipality"]["status"] = status
    pairs = [(made[part][key], demo[part][key]) for part in ("settings", "costs", "incomes", "lifecare_names") for key in made[part]]
    for series, of_demo in [*pairs, (made["same_income"], demo["same_income"])]:
        (newest,) = list(of_demo["values"].values())[-1:]
        (since,) = series["values"]
        series["values"][since] = {"value": newest["value"], "source": "Riktlinjer 1"}
    file.write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8")


def test_every_answer_stands_where_the_settings_are_read_from(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert with_all_answers(folder).exit_code == 0

    settings = load(folder / CONFIG)
    assert settings.municipality.name == settings.registers.ssbtek.organisation_name == ALL_ANSWERS["--name"]
    assert settings.municipality.guidelines == folder / GUIDELINES
    assert settings.case_system.municipality_id == settings.registers.ssbtek.municipality == "2281"
    assert settings.case_system.namespace == "DRAKEL"
    assert settings.registers.ssbtek.organisation_number == "162120000001"
    assert settings.case_system.base_url == "https://care.example.se/api"
    assert settings.case_system.party_url == "https://party.example.se"
    assert settings.registers.ssbtek.url == "https://ssbtek.example.se/v10"
    assert settings.registers.ssbtek.actor_id == "2281-ek"
    assert (settings.storage.database, settings.storage.key_file) == (Path("/var/lib/bistandsrobot/bistandsrobot.db"), folder / KEY)
    assert settings.world.start is None


def test_nobody_but_owner_and_group_may_read_the_files_and_the_key_only_its_owner(tmp_path: Path) -> None:
    with_all_answers(tmp_path)
    assert {name: mode(tmp_path / name) for name in (CONFIG, GUIDELINES, KEY)} == {CONFIG: 0o640, GUIDELINES: 0o640, KEY: 0o600}
    assert MasterKey.load(tmp_path / KEY)


def test_the_services_group_may_read_what_the_service_reads_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, int] = {}

    def chown(place: int | Path, user: int, group: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{place}")) if isinstance(place, int) else place
        given[name.name] = group if user == -1 else user

    service = grp.struct_group(("bistandsrobot", "x", 4711, []))
    monkeypatch.setattr("robot.skeleton.files._group", lambda: service)
    monkeypatch.setattr("robot.skeleton.files.os.chown", chown)
    answer = with_all_answers(tmp_path / "etc")
    assert given == {"etc": 4711, CONFIG: 4711, GUIDELINES: 4711}
    assert mode(tmp_path / "etc") == 0o750
    assert "chgrp" not in answer.stdout


@pytest.mark.parametrize("there", [CONFIG, GUIDELINES, KEY, UNIT, LOOK, LOOK_TIMER])
def test_nothing_that_is_there_is_overwritten_and_then_nothing_is_made(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine", encoding="utf-8")
    answer = with_all_answers(tmp_path)
    assert answer.exit_code == 2
    assert "CLI-060" in answer.stderr
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [(there, "mine")]


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / CONFIG).symlink_to(tmp_path / "elsewhere")
    assert with_all_answers(tmp_path).exit_code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MasterKey, "load_or_create", fail)
    answer = with_all_answers(tmp_path)
    assert (answer.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "CLI-061" in answer.stderr
    assert "No space left" in answer.stderr


def test_a_question_without_an_answer_stays_open_and_the_robot_does_not_start(tmp_path: Path) -> None:
    assert called("init", tmp_path, "--yes").exit_code == 0
    with pytest.raises(NotAnswered) as caught:
        load(tmp_path / CONFIG)
    told = "\n".join(caught.value.problems)
    places = [".".join(place) for question in answers.QUESTIONS for place in question.places]
    assert [place for place in places if place not in told] == []


def test_an_open_question_may_be_answered_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_all_answers(tmp_path)
    config = tmp_path / CONFIG
    config.write_text(config.read_text(encoding="utf-8").replace('"DRAKEL"', UNDECIDED), encoding="utf-8")
    with pytest.raises(NotAnswered, match=r"case_system\.namespace"):
        load(config)
    monkeypatch.setenv("BISTANDSROBOT_CASE_SYSTEM__NAMESPACE", "SMALL")
    assert load(config).case_system.namespace == "SMALL"


def test_check_lists_every_open_question_and_everything_that_is_not_decided(tmp_path: Path) -> None:
    called("init", tmp_path, "--yes", "--code", "2281")
    answer = called("check", "-c", tmp_path / CONFIG)
    assert answer.exit_code == 2
    words = " ".join(answer.stdout.replace("│", " ").split())
    demo = yaml.safe_load(DEMO_GUIDELINES.read_text(encoding="utf-8"))
    names = [name for part in ("costs", "incomes") for name in demo[part]]
    names += [name for name in demo["settings"] if name != "student_vacation_months"]
    assert [name for name in (*names, "case_system.base_url", "status (line") if name not in words] == []
    assert "case_system.municipality_id" not in words


def test_guidelines_that_are_not_decided_are_never_taken_for_adopted_ones(tmp_path: Path) -> None:
    """Not even when somebody has written `adopted` and every value, and only a source is left."""
    with_all_answers(tmp_path)
    guidelines = tmp_path / GUIDELINES
    with pytest.raises(RulebookError):
        load_rulebook(guidelines)
    decide(guidelines)
    text = guidelines.read_text(encoding="utf-8")
    guidelines.write_text(text.replace("source: Riktlinjer 1", f"source: {UNDECIDED}", 1), encoding="utf-8")
    with pytest.raises(RulebookError, match="not decided yet"):
        load_rulebook(guidelines)


def test_guidelines_that_are_decided_are_used(tmp_path: Path) -> None:
    with_all_answers(tmp_path)
    decide(tmp_path / GUIDELINES)
    found = load_rulebook(tmp_path / GUIDELINES).guidelines
    assert (found.status, found.municipality) == ("adopted", ALL_ANSWERS["--name"])


def test_the_skeleton_asks_for_all_that_the_pattern_has(tmp_path: Path) -> None:
    with_all_answers(tmp_path)
    made, demo = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (tmp_path / GUIDELINES, DEMO_GUIDELINES))
    of_its_own = {"student_vacation_months"}
    for part in ("settings", "costs", "incomes", "lifecare_names"):
        assert set(made[part]) == set(demo[part]) - of_its_own
    text = (tmp_path / GUIDELINES).read_text(encoding="utf-8")
    assert [name for name in (*of_its_own, *demo["statements"]) if name not in text] == []
    assert {name: row["origin"] for name, row in made["incomes"].items()} == {name: row["origin"] for name, row in demo["incomes"].items()}


def test_the_unit_starts_this_program_with_these_files(tmp_path: Path) -> None:
    with_all_answers(tmp_path)
    unit = (tmp_path / UNIT).read_text(encoding="utf-8")
    assert f"/bistandsrobot run --config {tmp_path / CONFIG}\n" in unit
    assert f"LoadCredential=master-key:{tmp_path / KEY}\n" in unit
    assert "/etc/bistandsrobot" not in unit


def test_the_unit_that_looks_from_outside_asks_about_these_files(tmp_path: Path) -> None:
    with_all_answers(tmp_path)
    unit = (tmp_path / LOOK).read_text(encoding="utf-8")
    assert f"/bistandsrobot alarm look --config {tmp_path / CONFIG} --kept /run/" in unit
    assert "/etc/bistandsrobot" not in unit
    assert mode(tmp_path / LOOK) == mode(tmp_path / LOOK_TIMER) == 0o644


def test_the_service_reads_the_credential_and_a_command_by_hand_the_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robot.database import key_place

    with_all_answers(tmp_path)
    settings = load(tmp_path / CONFIG)
    assert key_place(settings) == tmp_path / KEY
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "master-key").write_bytes((tmp_path / KEY).read_bytes())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert key_place(settings) == credentials / "master-key"


def test_questions_are_asked_anew_and_left_open_when_no_answer_can_be(tmp_path: Path) -> None:
    typed = "Lilleby\n22\n2281\n\n162120000000\n162120000002\n162120000003\nhttps://care.example.se\n\n\n\n"
    answer = called("init", tmp_path, typed=typed)
    assert answer.exit_code == 0, answer.output
    assert answer.output.count("That cannot be") == 4
    with pytest.raises(NotAnswered) as caught:
        load(tmp_path / CONFIG)
    told = "\n".join(caught.value.problems)
    assert ("organisation_number" in told, "municipality_id" in told, "base_url" in told) == (True, False, False)


READERS: dict[str, tuple[Callable[[str], str], list[tuple[str, str]], list[str]]] = {
    "name": (answers.name, [(" Å  kommun ", "Å kommun")], ["", " ", "a\x1b[0m", "x" * 201]),
    "code": (answers.municipality_code, [("0114", "0114")], ["114", "22811", "２２８１", "abcd"]),
    "namespace": (answers.namespace, [("MY_SPACE-1", "MY_SPACE-1")], ["", "a b", "a/b", "x" * 65]),
    "organisation number": (
        answers.organisation_number,
        [("162120000001", "162120000001"), ("212000-0001", "162120000001"), ("2120000001", "162120000001")],
        ["", "162120000000", "202120000001", "16212000000", "194001019999", "164001019999", "161912121212", "１６2120000001"],
    ),
    "address": (
        answers.address,
        [("https://a.example.se:8443/x/", "https://a.example.se:8443/x")],
        [
            "",
            "a.example.se",
            "ftp://a",
            "https://",
            "https://me:word@a",
            "https://a/?q=1",
            "https://a/#x",
            "https://a:99999",
            "https://a b",
        ],
    ),
    "database": (
        answers.database,
        [("var/x.db", "var/x.db"), ("postgresql://robot@localhost/b", "postgresql://robot@localhost/b")],
        ["", "mysql://a/b", "postgresql://robot:secret@localhost/b", "postgresql://robot@db.example.se/b"],
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_an_answer_is_read_or_refused_with_what_is_allowed(reader: str) -> None:
    read, good, bad = READERS[reader]
    assert [read(text) for text, _ in good] == [wanted for _, wanted in good]
    for text in bad:
        with pytest.raises(answers.Refused, match=r"\w"):
            read(text)


def test_an_option_that_cannot_be_ends_it_before_anything_is_made(tmp_path: Path) -> None:
    answer = called("init", tmp_path / "x", "--yes", "--organisation-number", "162120000000")
    assert (answer.exit_code, (tmp_path / "x").exists()) == (2, False)
    assert "check digit" in answer.stderr


def test_a_configuration_that_everybody_may_read_is_refused_where_neighbours_are_real(tmp_path: Path) -> None:
    with_all_answers(tmp_path)
    (tmp_path / CONFIG).chmod(0o644)
    with pytest.raises(SettingsError, match=r"may be read by everybody.*chmod 640"):
        load(tmp_path / CONFIG)


def test_a_configuration_that_everybody_may_write_is_refused_wherever_it_is(tmp_path: Path) -> None:
    called("init", tmp_path, "--yes", *(word for pair in ALL_ANSWERS.items() for word in pair if "url" not in pair[0]))
    config = tmp_path / CONFIG
    config.write_text(config.read_text(encoding="utf-8").replace(UNDECIDED, "http://127.0.0.1:8081"), encoding="utf-8")
    config.chmod(0o644)
    assert load(config).only_loopback()
    config.chmod(0o642)
    with pytest.raises(SettingsError, match="may be written by everybody"):
        load(config)
