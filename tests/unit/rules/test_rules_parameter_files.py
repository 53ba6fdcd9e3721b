"""The parameters of the law: every mistake in a file is refused with file, line, key and what is allowed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rules import RulebookError
from rules.law_parameters import FOLDER, LawParameters, read_law_parameters
from rules.month import Month

Load = Callable[[str, str, str], LawParameters]
Y2026, Y2023, Y2020, SOL = "riksnorm/2026-01.yaml", "riksnorm/2023-01.yaml", "riksnorm/2020-01.yaml", "sol.yaml"
LUNCH = "child_without_lunch: {0: 2560, 1-2: 2800, 3: 2500, 4-6: 2720}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the parameters."""
    shutil.copytree(FOLDER, tmp_path / "parameters")
    return tmp_path / "parameters"


@pytest.fixture
def load(folder: Path) -> Load:
    """Load the parameters with one piece of text in one file replaced by another."""

    def changed(file: str, old: str, new: str) -> LawParameters:
        text = (folder / file).read_text("utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), "utf-8")
        return read_law_parameters(folder)

    return changed


MISTAKES = [
    # what, file, old, new, the line the mistake is on, key, problem
    (
        "an unknown key",
        Y2026,
        "until:",
        "untill:",
        "untill:",
        "untill",
        "unknown key; allowed here: from, until, unit, source, status, adult",
    ),
    ("a key twice", Y2026, "status:", "from: 2026-01\nstatus:", "from: 2026-01\ns", "from", "the key stands twice"),
    ("a row twice", Y2026, "sambo: 7100", "single: 7100", "adult:", "adult.single", "the key stands twice"),
    ("a table missing", Y2026, LUNCH, "", "from:", "", "`child_without_lunch` is missing"),
    ("a row missing", Y2026, ", 19-20: 5000", "", "child:", "child", "`19-20` is missing; allowed here: 0, 1-2, 3"),
    ("an eighth size", Y2026, "7: 2830", "7: 2830, 8: 3020", "common:", "common.8", "unknown key"),
    ("a band of its own", Y2026, "7-10: 3820", "7-11: 3820", "child:", "child.7-11", "unknown key"),
    ("no source", Y2026, 'source: "SFS 2025:468 12 kap. 2 § (2025:1046)"', "", "from:", "", "`source` is missing"),
    ("an empty source", Y2026, '"SFS 2025:468 12 kap. 2 § (2025:1046)"', '""', "source:", "source", "must not be empty"),
    ("no status", Y2026, "status: verified", "", "from:", "", "`status` is missing"),
    (
        "a derived year",
        Y2026,
        "status: verified",
        "status: derived",
        "status:",
        "status",
        "`derived` is not allowed; one of: verified, verified_2nd",
    ),
    ("another unit", Y2026, "unit: kr/month", "unit: kr/year", "unit:", "unit", "`kr/year` is not allowed; one of: kr/month"),
    (
        "a float",
        Y2026,
        "single: 3940",
        "single: 3940.5",
        "adult:",
        "adult.single",
        "`3940.5` is not a whole number; floats are not allowed",
    ),
    ("an amount in quotes", Y2026, "single: 3940", 'single: "3940"', "adult:", "adult.single", "`3940` is not a whole number"),
    ("an amount below nothing", Y2026, "single: 3940", "single: -1", "adult:", "adult.single", "must be from 1 to 100000"),
    ("nothing as an amount", Y2026, "single: 3940", "single: 0", "adult:", "adult.single", "must be from 1 to 100000"),
    ("no amount", Y2026, "single: 3940", "single: ", "adult:", "adult.single", "`` is not a whole number"),
    ("an absurd amount", Y2026, "single: 3940", "single: 394000", "adult:", "adult.single", "must be from 1 to 100000"),
    ("a list for a table", Y2026, "{single: 3940, sambo: 7100}", "[3940, 7100]", "adult:", "adult", "must be a mapping"),
    ("a list for an amount", Y2026, "single: 3940", "single: [3940]", "adult:", "adult.single", "must be a whole number"),
    ("a month that is none", Y2026, "until: 2026-12", "until: 2026-13", "until:", "until", "a month is written YYYY-MM"),
    ("until before from", Y2026, "until: 2026-12", "until: 2025-12", "until:", "until", "must be a month of 2026, not before 2026-01"),
    ("a norm that runs on", Y2026, "until: 2026-12", "until: 2027-06", "until:", "until", "a norm is set for one calendar year"),
    (
        "another month than the file's",
        Y2026,
        "from: 2026-01",
        "from: 2026-02",
        "from:",
        "from",
        "must be the month in the file's name, 2026-01",
    ),
    (
        "more without lunch",
        Y2026,
        "0: 2560",
        "0: 2750",
        "child_without",
        "child_without_lunch.0",
        "must not be more than the amount with lunch",
    ),
    ("less for more persons", Y2026, "3: 1790", "3: 1400", "common:", "common.3", "must not be less than a smaller household's"),
    ("unknown without why", Y2026, "single: 3940", "single: {unknown: }", "adult:", "adult.single.unknown", "is not text"),
    (
        "unknown and yet known",
        Y2026,
        "single: 3940",
        'single: {unknown: "x", value: 1}',
        "adult:",
        "adult.single.value",
        "unknown key; allowed here: unknown",
    ),
    (
        "unknown, as a table, without why",
        Y2023,
        '"Tabellen finns inte i källan"',
        '""',
        "child_without",
        "child_without_lunch.unknown",
        "must not be empty",
    ),
    (
        "a row with half a source",
        Y2026,
        "single: 3940",
        'single: {value: 3940, source: "x"}',
        "adult:",
        "adult.single",
        "`status` is missing",
    ),
    (
        "a row with a derived amount",
        Y2026,
        "single: 3940",
        'single: {value: 3940, source: "x", status: derived}',
        "adult:",
        "adult.single.status",
        "is not allowed",
    ),
    ("an alias", Y2026, "single: 3940, sambo: 7100", "single: &one 3940, sambo: *one", "adult:", "", "an alias is not allowed"),
    (
        "no value of a number",
        SOL,
        '{value: 3, source: "SoL 2025:400 12 kap. 7 a § (2026:897)", status: verified}',
        "{}",
        "    2027-01:",
        "many_children.more_than.values.2027-01",
        "`value` is missing",
    ),
    (
        "a number without status",
        SOL,
        '"SFS 2025:872", status: verified',
        '"SFS 2025:872"',
        "    2026-01: {value: 59200",
        "prisbasbelopp.values.2026-01",
        "`status` is missing",
    ),
    (
        "a number of the law missing",
        SOL,
        "prisbasbelopp:",
        "prisbasbelop:",
        "prisbasbelop:",
        "prisbasbelop",
        "unknown key; allowed here: prisbasbelopp",
    ),
    (
        "a share above the whole",
        SOL,
        "2025-07: {value: 75",
        "2025-07: {value: 175",
        "    2025-07",
        "jobbstimulans.counted_percent.values.2025-07.value",
        "must be from 0 to 100",
    ),
    (
        "two numbers for a month",
        SOL,
        "value: 58800, until: 2025-12",
        "value: 58800, until: 2026-01",
        "    2026-01",
        "prisbasbelopp.values.2026-01",
        "overlaps the value from 2025-01, which holds until 2026-01",
    ),
]


@pytest.mark.parametrize(("what", "file", "old", "new", "on", "key", "problem"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_gives_file_line_key_and_what_is_allowed(
    *, what: str, file: str, old: str, new: str, on: str, key: str, problem: str, folder: Path, load: Load
) -> None:
    with pytest.raises(RulebookError) as caught:
        load(file, old, new)

    text = (folder / file).read_text("utf-8")
    line = text[: text.index(on)].count("\n") + 1
    if on == "from: 2026-01\ns":
        line = text[: text.rindex("from:")].count("\n") + 1
    assert str(caught.value).startswith(f"rules/parameters/{file}:{line}: ")
    assert caught.value.key == key
    assert problem in caught.value.problem


def test_two_files_for_one_month_are_an_overlap(load: Load) -> None:
    with pytest.raises(RulebookError) as caught:
        load("riksnorm/2025-01.yaml", "until: 2025-06", "until: 2025-07")

    assert (
        str(caught.value) == "rules/parameters/riksnorm/2025-07.yaml:2: from: overlaps the amounts from 2025-01, which hold until 2025-07"
    )


@pytest.mark.parametrize("name", ["2026.yaml", "2026-01.yml", "2026-01.yaml~", "notes.txt"])
def test_a_file_that_is_not_named_after_its_month_is_refused(name: str, folder: Path) -> None:
    (folder / "riksnorm" / name).write_text("", "utf-8")

    with pytest.raises(RulebookError) as caught:
        read_law_parameters(folder)

    assert str(caught.value) == f"rules/parameters/riksnorm/{name}: must be named after the first month it holds for, YYYY-MM.yaml"


def test_a_norm_file_named_after_no_month_is_refused(folder: Path) -> None:
    (folder / Y2026).rename(folder / "riksnorm" / "2026-00.yaml")

    with pytest.raises(RulebookError, match="must be the month in the file's name, 2026-00"):
        read_law_parameters(folder)


def test_a_folder_without_norm_files_is_refused(folder: Path) -> None:
    for file in (folder / "riksnorm").iterdir():
        file.unlink()
    with pytest.raises(RulebookError, match=r"^rules/parameters/riksnorm: has no file with amounts$"):
        read_law_parameters(folder)

    (folder / "riksnorm").rmdir()
    with pytest.raises(RulebookError, match=r"^rules/parameters/riksnorm: cannot be read \(No such file or directory\)$"):
        read_law_parameters(folder)


def test_a_row_may_have_a_source_and_status_of_its_own(load: Load) -> None:
    norm = load(Y2023, '{unknown: "Sidan', '{value: 1250, source: "En annan källa", status: verified}  # {unknown: "Sidan').riksnorm_in(
        Month(2023, 5)
    )
    assert norm is not None

    assert (norm["riksnorm.common.2"].source, norm["riksnorm.common.2"].status) == ("En annan källa", "verified")
    assert norm["riksnorm.common.3"].status == "verified_2nd"


def test_a_change_in_any_file_changes_the_hash_of_the_parameters(load: Load) -> None:
    before = read_law_parameters().hash

    hashes = {before, load(Y2020, "single: 3150", "single: 3151").hash, load(SOL, "value: 59200", "value: 59201").hash}

    assert len(hashes) == 3


def test_line_ends_of_another_system_give_the_same_hash(folder: Path) -> None:
    text = (folder / Y2026).read_bytes()
    (folder / Y2026).write_bytes(text.replace(b"\n", b"\r\n"))

    assert read_law_parameters(folder).hash == read_law_parameters().hash
