"""Gallring and a person's own data, as officials meet them: in two steps, refused while the law says keep, and nothing of others shown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text
from structlog.testing import capture_logs
from typer.testing import CliRunner

from robot.cli import app
from robot.clock import Clock
from robot.database import Database, open_queue
from robot.demo import default_config
from robot.retention_job import RetentionJob
from robot.settings import Settings, load
from workqueue import AuditEvent, NewEffect, PulledCase, State, WorkQueue

ANNA, BO, CAJSA = "198907142387", "198505142383", "201201022389"
"""Made up."""
DAY = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
DECISION = {"since": date(2026, 1, 1), "keep_months": 24, "reference": "Socialnämnden 2026-01-15 § 12 (påhittad)", "research": "forget"}


class At(Clock):
    """A clock that stands still."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Return the time."""
        return self.at

    def today(self) -> date:
        """Return the day."""
        return self.at.date()

    def machine_s(self) -> float:
        """Return seconds."""
        return self.at.timestamp()


@dataclass
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass
class Office:
    """A robot's database and its configuration, on a day."""

    config: Path

    def set(self, **changes: dict[str, Any]) -> None:
        """Change settings."""
        data = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        for section, values in changes.items():
            data[section] = data.get(section, {}) | values
        self.config.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")

    def on(self, day: datetime) -> None:
        """Let it be that day."""
        self.set(world={"start": day, "epoch": datetime.now(UTC).timestamp()})

    def settings(self) -> Settings:
        """Return the settings."""
        return load(self.config)

    def queue(self, at: datetime = DAY) -> WorkQueue:
        """Open the queue."""
        return open_queue(self.settings(), At(at))

    def say(self, *arguments: str, typed: str | None = None) -> Said:
        """Run a command."""
        result = CliRunner().invoke(app, [*arguments, "-c", str(self.config)], input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Said(result.exit_code, result.stdout, result.stderr)


def content(*people: tuple[str, str, str | None], protected: bool = False, texts: str = "") -> dict[str, Any]:
    """Return a draft with these people (ref, role, number) in the case."""
    members = [{"ref": ref, "role": role, "personnummer": number} for ref, role, number in people]
    registers = [
        {"person": ref, "source": "FK", "status": "answered", "fetched_at": DAY.isoformat(), "facts": {}, "payments": []}
        for ref, role, _ in people
        if role != "child"
    ]
    application = {
        "case_id": "case",
        "type": "renewal",
        "received_at": DAY.isoformat(),
        "month": "2026-12",
        "household": {"members": members},
        "protected": protected,
        "free_text": [{"field": "livelihood", "text": f"Vi bor ihop. {texts}"}],
    }
    return {
        "number": "EB-26110001",
        "control_sample": False,
        "assessment": {"lines": [{"key": "norm.child-1", "amount": "3000.00"}, {"key": "cost.rent"}], "flags": []},
        "case_file": {"today": "2026-11-30", "application": application, "registers": registers, "history": {"known": False}},
        "document": f"Underlag {texts}",
        "recommendation": None,
    }


def end(queue: WorkQueue, case_id: str, draft: dict[str, Any], *, indexed: bool = True) -> str:
    """Bring a case to its end, and return its reference."""
    queue.add(PulledCase("caremanagement", case_id, f"EB-{case_id}", "v1", queue._clock.now() + timedelta(hours=24), "2026-12"))
    (claimed,) = queue.claim("worker", 1, 60)
    people = [one["personnummer"] for one in draft["case_file"]["application"]["household"]["members"] if one["personnummer"]]
    told = [AuditEvent("case.assessed", details={"read": {"applicant": {"FK": "answered"}, "co_applicant": {"FK": "answered"}}})]
    effect = NewEffect(f"{case_id}:document", "document", {"text": draft["document"]})
    queue.finish(claimed, "ok", draft, [effect], told, people=people if indexed else None)
    queue.receipt(claimed, effect.key, "reference")
    queue.end(claimed, State.DELIVERED)
    return claimed.case_ref


ADULTS = (("applicant", "applicant", ANNA), ("co_applicant", "co_applicant", BO), ("child-1", "child", CAJSA))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office with three cases of 30 November 2026: two of Anna's, one with Bo and a child in it, and one of somebody else's."""
    data = yaml.safe_load(default_config().read_text(encoding="utf-8"))
    data["storage"] |= {"database": str(tmp_path / "queue.db"), "key_file": str(tmp_path / "master.key")}
    data["municipality"]["guidelines"] = str(default_config().parent / data["municipality"]["guidelines"])
    data["retention"] = {"decisions": [DECISION]}
    made = Office(tmp_path / "config.yaml")
    made.config.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    queue = made.queue()
    end(queue, "both", content(*ADULTS, texts=f"Ring Bo, {BO[2:8]}-{BO[8:]}, {BO}."))
    end(queue, "alone", content(ADULTS[0]), indexed=False)
    end(queue, "other", content(("applicant", "applicant", "199001012384")))
    queue.close()
    made.on(DAY + timedelta(days=1))
    return made


def refs(office: Office, *cases: str) -> list[str]:
    """Return the references of cases."""
    queue = office.queue()
    found = [item.case_ref for case in cases if (item := queue.item(case)) is not None]
    queue.close()
    return found


def lines(said: Said) -> list[dict[str, Any]]:
    """Return what was printed, a line of JSON each."""
    assert said.code == 0, said
    return [json.loads(line) for line in said.out.splitlines()]


def test_a_list_is_proposed_shown_approved_and_carried_out_and_then_nothing_is_left(office: Office) -> None:
    office.on(datetime(2028, 11, 30, 12, tzinfo=UTC))
    said = office.say("retention", "propose")
    assert (said.code, "Inget ärende ska gallras nu." in said.out) == (0, True), "the last day of 24 months is kept"
    office.on(datetime(2028, 12, 1, 12, tzinfo=UTC))
    made = json.loads(office.say("retention", "propose", "--json").out)
    assert (made["cases"], made["left_alone"]) == (3, {})
    ref = made["list"]
    shown = office.say("retention", "show", ref).out
    assert "föreslagen, väntar på godkännande" in shown
    assert "24 månader efter det senaste som hände i ärendet (Socialnämnden 2026-01-15 § 12 (påhittad)" in shown
    assert shown.count("2028-11-30") == 3
    assert office.say("retention", "carry-out", ref).code == 2, "nobody has approved it"
    assert office.say("retention", "approve", ref, "--reason", "granskad").code == 0
    assert office.say("retention", "approve", ref, "--reason", "granskad").code == 2
    assert json.loads(office.say("retention", "propose", "--json").out)["left_alone"] == {"listed": 3}
    gone = refs(office, "both")[0]
    assert office.say("retention", "carry-out", ref).out == "3 cases forgotten, 0 left out.\n"
    said = office.say("queue", "show", gone)
    assert (said.code, f"CLI-024 the case was forgotten on 2028-12-01, by list {ref}" in said.err) == (2, True)
    assert office.say("retention", "carry-out", ref).out == "3 cases forgotten, 0 left out.\n", "again changes nothing"
    assert "verkställd" in office.say("retention", "list").out
    verifier = Path(__file__).resolve().parents[2] / "docs" / "verify_audit.py"
    command = [sys.executable, "-I", str(verifier), str(office.settings().storage.database)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert (answer.returncode, "The audit is whole.\n") == (0, answer.stdout)
    (listed,) = json.loads(office.say("retention", "list", "--json").out)
    assert (listed["state"], listed["forgotten"], listed["approved_as"]) == ("carried_out", 3, "person")
    assert office.say("audit", "verify").code == 0
    assert json.loads(office.say("status", "--json").out)["counts"]["delivered"] == 0
    assert "Roboten har inte sparat något" in office.say("person", "forget", "--reason", "dnr 1", typed=ANNA + "\n").out


def test_without_a_decision_the_laws_five_years_hold_and_what_it_keeps_for_research_is_kept(office: Office) -> None:
    office.set(retention={"decisions": []}, case_system={"municipality_id": "0180"})
    office.on(datetime(2031, 12, 1, 12, tzinfo=UTC))
    queue = office.queue()
    end(queue, "fifth", content(("applicant", "applicant", "198907052388")))
    end(queue, "unknown", content(("applicant", "applicant", None)))
    end(queue, "partly", content(("applicant", "applicant", ANNA), ("child-1", "child", None)))
    queue.close()
    made = office.say("retention", "propose")
    assert "Lagens tid för en personakt (kommunen har inte beslutat någon egen): 60 månader" in made.out
    assert "Inte med, 1 ärenden: bevaras för forskning: någon i ärendet är född den 5, 15 eller 25." in made.out
    assert "Inte med, 2 ärenden: bevaras tills vidare: roboten vet inte vilka ärendet gäller." in made.out
    assert "3 ärenden." in made.out
    (listed,) = json.loads(office.say("retention", "list", "--json").out)
    assert "gallras senast" in (shown := office.say("retention", "show", listed["list"]).out)
    assert "2032-12-31" in shown
    assert office.say("retention", "withdraw", listed["list"], "--reason", "fel").code == 0
    office.set(case_system={"municipality_id": "2281"})
    assert json.loads(office.say("retention", "propose", "--json").out) == {
        "list": None,
        "cases": 0,
        "left_alone": {"research_area": 6},
        "more": False,
    }


def test_a_list_is_not_carried_out_by_a_rule_that_holds_no_more(office: Office) -> None:
    office.on(datetime(2028, 12, 1, 12, tzinfo=UTC))
    ref = json.loads(office.say("retention", "propose", "--json").out)["list"]
    office.say("retention", "approve", ref, "--reason", "granskad")
    longer = DECISION | {"since": date(2028, 6, 1), "keep_months": 36, "reference": "Socialnämnden 2028-05-02 § 3 (påhittad)"}
    office.set(retention={"decisions": [DECISION, longer]})
    said = office.say("retention", "carry-out", ref)
    assert (said.code, "CLI-021" in said.err) == (2, True)
    assert refs(office, "both", "alone", "other"), "nothing is gone"


def test_forgetting_a_person_is_refused_with_the_rule_and_the_date_while_it_must_be_kept(office: Office) -> None:
    said = office.say("person", "forget", "--reason", "dnr 2026-115", typed=f"{ANNA[:8]}-{ANNA[8:]}\n")
    assert said.code == 2
    for ref in refs(office, "both", "alone"):
        assert f"Ärende {ref}: får inte raderas. Det sparas till och med 2028-11-30: 24 månader" in said.out
    assert "Socialnämnden 2026-01-15 § 12" in said.out
    assert "Förslag" not in said.out
    assert office.say("retention", "list", "--json").out == "[]\n"


def test_forgetting_a_person_whose_time_is_out_makes_a_list_for_the_same_two_steps(office: Office) -> None:
    office.on(datetime(2028, 12, 1, 12, tzinfo=UTC))
    said = office.say("person", "forget", "--reason", "dnr 2028-7", typed=BO + "\n")
    assert said.code == 0, said
    (listed,) = json.loads(office.say("retention", "list", "--json").out)
    assert (listed["kind"], listed["cases"], listed["state"]) == ("person", 1, "proposed")
    assert refs(office, "both"), "nothing is deleted yet"
    office.say("retention", "approve", listed["list"], "--reason", "granskad")
    assert office.say("retention", "carry-out", listed["list"]).code == 0
    assert refs(office, "both") == []
    assert len(refs(office, "alone", "other")) == 2
    assert office.say("audit", "verify").code == 0


def test_all_that_is_stored_about_a_person_is_exported_and_nothing_that_tells_who_others_are(office: Office) -> None:
    said = office.say("person", "export", "--reason", "dnr 2026-114", typed=ANNA + "\n")
    about, both, alone = lines(said)
    assert about["versions"] == 2
    assert any("En människa ska pröva" in one for one in about["texts"])
    assert (both["case_id"], both["role"], alone["case_id"]) == ("both", ["applicant"], "alone")
    assert BO not in said.out
    assert f"{BO[2:8]}-{BO[8:]}" not in said.out
    assert CAJSA not in said.out
    file = both["drafts"][0]["content"]["case_file"]
    assert [one["ref"] for one in file["application"]["household"]["members"]] == ["applicant", "co_applicant", "child-1"]
    assert [one["person"] for one in file["registers"]] == ["applicant"]
    assert file["application"]["free_text"][0]["text"].startswith("Vi bor ihop. Ring Bo, [annan persons personnummer], [annan")
    assert both["writes"][0]["content"] is None, "it names what registers said of the other adult"
    assert alone["writes"][0]["content"]["payload"]["text"].startswith("Underlag")
    assert "document" not in both["drafts"][0]["content"]
    assert "registeruppgifter om annan person" in both["left_out"]
    assert "registeruppgifter om annan person" not in alone["left_out"]
    assessed = next(one for one in both["events"] if one["what"] == "case.assessed")
    assert assessed["details"]["read"] == {"applicant": {"FK": "answered"}}
    queue = office.queue()
    told = queue.events("both")[-1]
    search = queue.events(about["search"])[-1]
    queue.close()
    assert (told.what, told.details["ground"], told.details["reason"]) == ("person.exported", "GDPR art. 15", "dnr 2026-114")
    assert (search.what, search.details["found"]) == ("person.searched", 2)


def test_a_child_gets_what_is_about_the_child_alone(office: Office) -> None:
    said = office.say("person", "export", "--reason", "dnr 1", typed=CAJSA + "\n")
    _, case = lines(said)
    assert case["role"] == ["child"]
    shown = case["drafts"][0]["content"]
    assert shown["assessment"] == {"lines": [{"key": "norm.child-1", "amount": "3000.00"}]}
    assert [one["ref"] for one in shown["case_file"]["application"]["household"]["members"]] == ["child-1"]
    assert case["writes"][0]["content"] is None
    for hidden in (ANNA, BO, "Vi bor ihop", "Underlag"):
        assert hidden not in said.out


def test_where_somebody_has_a_protected_identity_all_that_may_tell_of_others_is_left_out(office: Office) -> None:
    queue = office.queue()
    end(queue, "secret", content(*ADULTS[:2], protected=True, texts="Hemliga vägen 7"))
    queue.close()
    said = office.say("person", "export", "--reason", "dnr 1", typed=BO + "\n")
    case = lines(said)[-1]
    assert (case["case_id"], case["protected"]) == ("secret", True)
    assert any("skyddade uppgifter" in one for one in case["left_out"])
    assert "Hemliga vägen" not in json.dumps(case, ensure_ascii=False)
    assert case["drafts"][0]["content"]["case_file"]["application"]["household"]["members"][1]["personnummer"] == BO


@pytest.mark.parametrize("typed", ["", "8907142389\n", "198907142380\n", "Anna\n", "1" * 100])
def test_what_is_no_identity_number_is_refused_and_not_quoted(office: Office, typed: str) -> None:
    for command in ("export", "forget"):
        said = office.say("person", command, "--reason", "dnr 1", typed=typed)
        assert (said.code, said.out) == (2, "")
        assert "CLI-023" in said.err
        assert not typed.strip() or typed.strip() not in said.err


def test_nobody_is_found_and_that_somebody_looked_is_recorded(office: Office) -> None:
    (about,) = lines(office.say("person", "export", "--reason", "dnr 1", typed="194910052382\n"))
    assert about["versions"] == 0
    queue = office.queue()
    assert queue.events(about["search"])[-1].details["reason"] == "dnr 1"
    queue.close()


@pytest.fixture
def job(office: Office) -> Iterator[Callable[[datetime], RetentionJob]]:
    """Return a maker of the nightly job, at a time."""
    opened: list[Database] = []

    def make(at: datetime) -> RetentionJob:
        clock = At(at)
        opened.append(Database(open_queue(office.settings(), clock)))
        return RetentionJob(office.settings(), opened[-1], clock, "robot-1")

    yield make
    for one in opened:
        one.close()


NIGHT = datetime(2028, 12, 1, 2, tzinfo=UTC)


async def test_by_a_decision_that_is_enough_the_robot_does_it_at_night_by_itself(office: Office, job: Callable[[datetime], Any]) -> None:
    await job(NIGHT).run()
    assert len(refs(office, "both", "alone", "other")) == 3, "a person is to approve"
    office.set(retention={"policy": "decided", "pause_ms": 0, "batch": 1})
    await job(NIGHT + timedelta(hours=8)).run()
    assert len(refs(office, "both", "alone", "other")) == 3, "not by day"
    await job(NIGHT).run()
    assert refs(office, "both", "alone", "other") == []
    (listed,) = json.loads(office.say("retention", "list", "--json").out)
    assert (listed["approved_as"], listed["approved_by"], listed["forgotten"]) == ("decision", "bistandsrobot", 3)
    assert office.say("audit", "verify").code == 0


async def test_what_somebody_still_reads_is_told_and_erased_when_it_can_be(office: Office, job: Callable[[datetime], Any]) -> None:
    office.set(retention={"policy": "decided", "pause_ms": 0})
    nightly = job(NIGHT)
    with contextlib.closing(sqlite3.connect(str(office.settings().storage.database))) as reader, capture_logs() as said:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM items").fetchone()
        await nightly.run()
        await nightly.run()
        reader.rollback()
        await nightly.run()
        await nightly.run()

    told = [(one["event"], one["log_level"], one.get("code")) for one in said if "traces" in one["event"]]
    assert told == [("retention.traces_left", "warning", "BOT-024"), ("retention.traces_erased", "info", None)]
    assert refs(office, "both", "alone", "other") == []


async def test_a_robot_that_stops_lets_another_go_on_with_the_deleting_at_once(office: Office, job: Callable[[datetime], Any]) -> None:
    office.set(retention={"policy": "decided", "pause_ms": 60_000, "batch": 1})
    first = job(NIGHT)
    running = asyncio.create_task(first.run())
    for _ in range(1000):
        if len(refs(office, "both", "alone", "other")) < 3:
            break
        await asyncio.sleep(0.02)
    queue = job(NIGHT)._queue
    assert not queue.hold_duty("retention", "robot-2", 600)
    running.cancel()
    await first.leave()
    assert queue.hold_duty("retention", "robot-2", 600)
    queue.leave_duty("retention", "robot-2")
    await first.run()
    assert refs(office, "both", "alone", "other"), "one that has stopped begins nothing more"


async def test_the_laws_time_alone_never_lets_the_robot_delete_by_itself(office: Office, job: Callable[[datetime], Any]) -> None:
    office.set(
        retention={"policy": "decided", "decisions": [DECISION | {"since": date(2040, 1, 1)}]}, case_system={"municipality_id": "0180"}
    )
    await job(NIGHT.replace(year=2035)).run()
    assert len(refs(office, "both", "alone", "other")) == 3


def test_a_decision_without_reference_or_a_policy_without_decision_is_refused(office: Office) -> None:
    for wrong, what in (
        ({"policy": "decided", "decisions": []}, "needs a decision"),
        ({"decisions": [DECISION, DECISION]}, "the same day"),
        ({"decisions": [{"since": date(2026, 1, 1), "keep_months": 12}]}, "reference"),
        ({"decisions": [DECISION | {"keep_months": 0}]}, "keep_months"),
        ({"from_hour": 5, "until_hour": 1}, "from_hour"),
    ):
        before = office.config.read_text(encoding="utf-8")
        office.set(retention=wrong)
        said = office.say("retention", "list")
        assert (said.code, "CFG-001" in said.err, what in said.err) == (2, True, True), said.err
        office.config.write_text(before, encoding="utf-8")


def test_what_was_written_before_there_were_hashes_is_found_and_gets_them(office: Office) -> None:
    queue = office.queue()
    with queue._db.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM case_people")).scalar_one() == 2
    office.say("person", "export", "--reason", "dnr 1", typed=ANNA + "\n")
    assert queue.without_people() == []
    queue.close()
