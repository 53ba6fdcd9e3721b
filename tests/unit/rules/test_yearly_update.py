"""docs/yearly-update.md, tried: a made-up January 2028 is computed after the page's last step, and not before.

The rules are a copy in a folder of their own, changed by the page's own text and run as a program of its own: rules already loaded are
frozen.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules import Rulebook
from rules.missing import missing, no_longer_listed
from rules.month import Month

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "yearly-update.md").read_text("utf-8")
STEPS = [re.findall(r"```diff\n(.*?)```", part, re.DOTALL) for part in re.split(r"\n## Step \d\. ", PAGE)[1:]]
MONTH = "2028-01"
TO_2028 = {"2026-10-31": "2027-11-30", "2026-12": "2028-01", "2026-11": "2027-12", "2026-10": "2027-11", "2026-09": "2027-10"}
NO_NORM = f"no riksnorm: a file rules/parameters/riksnorm/YYYY-MM.yaml that holds for {MONTH}"
NO_RULE = (
    "no rule that counts with riksnorm amounts: SoL 2025:400 12 kap. 7 § (2026:897), "
    f"a version of the rules in rules/norm.py that holds for {MONTH}"
)
NO_PRISBASBELOPP = f"no prisbasbelopp: a value in rules/parameters/sol.yaml that holds for {MONTH}"
NO_THRESHOLD = f"no guidelines.settings.change_threshold: a value in the guidelines that holds for {MONTH}"
NO_RENT = "from this month left to the caseworker: guidelines.costs.rent"


class Copy:
    """A copy of the rules and of a configuration whose world's day is 1 December 2027, and the program that runs with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "rules", folder / "rules", ignore=shutil.ignore_patterns("__pycache__"))
        settings = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
        settings["case_system"] |= {"base_url": "http://127.0.0.1:9", "party_url": "http://127.0.0.1:9/party"}
        settings["case_system"]["transport"] |= {"attempts": 1}
        settings["registers"]["ssbtek"] |= {"url": "http://127.0.0.1:9/ssbtek"}
        settings["world"] = {"start": "2027-12-01T08:00:00+01:00"}
        (folder / "config.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
        text = (ROOT / "docs" / "examples" / "case-complete.json").read_text("utf-8")
        for month, later in TO_2028.items():
            text = text.replace(f'"{month}', f'"{later}')
        (folder / "case.json").write_text(text, "utf-8")

    def change(self, diff: str) -> None:
        """Make one change as the page writes it: what is there, exactly once, becomes what shall be there."""
        lines = diff.splitlines()
        assert lines[0].startswith("--- ")
        assert lines[1].startswith("+++ ")
        path = self.folder / lines[1].removeprefix("+++ ")
        before = "".join(f"{line[1:]}\n" for line in lines[2:] if not line.startswith("+"))
        after = "".join(f"{line[1:]}\n" for line in lines[2:] if not line.startswith("-"))
        if lines[0] == "--- /dev/null":
            assert not path.exists()
            path.write_text(after, "utf-8")
            return
        text = path.read_text("utf-8")
        assert text.count(before) == 1, f"{path.name} has this {text.count(before)} times:\n{before}"
        path.write_text(text.replace(before, after), "utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT), str(ROOT / "queue")])}
        line = [sys.executable, "-m", "robot", *arguments]
        done = subprocess.run(line, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=240, check=False)
        assert "Traceback" not in done.stderr
        return done

    def lacking(self) -> list[str]:
        """Return what `check` says of January 2028."""
        done = self.run("check", "--json", "--month", MONTH)
        found: dict[str, Any] = next(one for one in json.loads(done.stdout) if one["part"] == f"month {MONTH}")
        says = str(found["message"]).split("; ")
        assert found["ok"] == (says == ["amounts, rules and guidelines are there"])
        return says

    def assessed(self) -> dict[str, Any]:
        done = self.run("assess", "case.json", "--json")
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """The copy, where the municipality decides its threshold and its rents for a year at a time."""
    made = Copy(tmp_path)
    guidelines = "--- rules/guidelines/exempelkommun.yaml\n+++ rules/guidelines/exempelkommun.yaml\n"
    old = '    values: {2025-01: {value: 12, source: "Påhittade riktlinjer 2.1"}}'
    made.change(f"{guidelines}-{old}\n+{old.replace('12, ', '12, until: 2027-12, ')}\n")
    made.change(f'{guidelines}         source: "Påhittade riktlinjer 5.1"\n+        until: 2027-12\n')
    return made


def norm(result: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    """Return amount and reason of the norm lines."""
    lines = [line for line in result["lines"] if line["section"] == "norm"]
    return [(line["amount"], line["blank"] and line["blank"]["reason"]) for line in lines]


def test_the_page_has_four_steps_and_says_which_is_code() -> None:
    assert [len(step) for step in STEPS] == [1, 1, 2, 2]
    changed = [re.findall(r"(?m)^\+\+\+ (\S+)", "".join(step)) for step in STEPS]
    assert {Path(path).suffix for step in changed[:3] for path in step} == {".yaml"}
    assert set(changed[3]) == {"rules/norm.py"}


def test_a_made_up_2028_is_computed_after_the_last_step_and_not_before(copy: Copy) -> None:
    expected = [
        [NO_NORM, NO_RULE, NO_PRISBASBELOPP, NO_THRESHOLD, NO_RENT],
        [NO_RULE, NO_PRISBASBELOPP, NO_THRESHOLD, NO_RENT],
        [NO_RULE, NO_THRESHOLD, NO_RENT],
        [NO_RULE],
    ]
    for step, lacking in zip(STEPS, expected, strict=True):
        assert copy.lacking() == lacking
        before = copy.assessed()
        assert norm(before) == [(None, "norm.no_amounts")] * 3
        assert before["proposal"] is None
        for diff in step:
            copy.change(diff)

    assert copy.lacking() == ["amounts, rules and guidelines are there"]
    after = copy.assessed()
    assert norm(after) == [("7300.00", None), ("3930.00", None), ("1840.00", None)]
    assert after["sums"]["norm"] == "13070.00"
    sources = {used["source"] for line in after["lines"] if line["section"] == "norm" for used in line["trace"]["parameters"]}
    assert "PÅHITTAD förordning 2028" in sources
    assert "4 050" in copy.run("rules", "--month", MONTH).stdout.replace("\N{NO-BREAK SPACE}", " ")


def test_the_page_shows_what_check_says() -> None:
    shown = " ".join(PAGE.split())

    for sentence in (NO_NORM, NO_RULE, NO_PRISBASBELOPP, NO_THRESHOLD, NO_RENT):
        assert sentence in shown


def test_this_year_misses_nothing_and_the_next_misses_what_is_not_decided(rulebook: Rulebook) -> None:
    assert [missing(rulebook, Month(2026, number)) for number in range(1, 13)] == [()] * 12
    assert [sentence.partition(":")[0] for sentence in missing(rulebook, Month(2027, 1))] == [
        "no riksnorm",
        "no rule that counts with riksnorm amounts",
        "no prisbasbelopp",
    ]


def test_a_year_that_was_read_in_part_names_what_was_not(rulebook: Rulebook) -> None:
    lunch = [f"riksnorm.child_without_lunch.{band}" for band in ("0", "1-2", "3", "4-6")]

    assert missing(rulebook, Month(2023, 5)) == (f"riksnorm unknown for: {', '.join([*lunch, 'riksnorm.common.2'])}",)


def test_a_row_that_the_guidelines_end_is_told_in_the_first_month_without_it(rulebook: Rulebook) -> None:
    assert [no_longer_listed(rulebook, month) for month in (Month(2026, 12), Month(2027, 1), Month(2027, 2))] == [
        (),
        ("guidelines.costs.internet",),
        (),
    ]


def test_a_statement_or_setting_that_has_ended_is_missing_and_one_that_never_was_is_not(load: Callable[[str, str], Rulebook]) -> None:
    ended = load('{value: 2000, source: "Påhittade riktlinjer 2.2"', '{value: 2000, until: 2026-06, source: "x"')

    assert missing(ended, Month(2026, 6)) == ()
    assert missing(ended, Month(2026, 7)) == ("no guidelines.settings.need_may_differ: a value in the guidelines that holds for 2026-07",)
