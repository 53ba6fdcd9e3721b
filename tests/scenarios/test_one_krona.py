"""A parameter or guideline changed by one krona makes its scenarios fail and changes the receipt: no amount is there for nothing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from scenario_books import GUIDELINES, assessed, changed, outcome
from scenario_files import scenarios

from rules import Rulebook, load_rulebook, rulebook
from rules.law_parameters import FOLDER, read_law_parameters
from rules.riksnorm_files import NORM_NAMES

pytestmark = pytest.mark.usefixtures("the_rest_read_already")

BY_ID = {one.id: one for one in scenarios()}
FAMILY_2025, SMALL_CHILDREN_2025 = "barnfamilj-alla-aldrar-2025", "barnfamilj-lunch-borta-2025"
RIKSNORM = {
    ("adult.single", "2026-01"): ("norm-ensam-2026", "norm-ensam-januari-2026", "resultat-bifall"),
    ("adult.sambo", "2026-01"): ("norm-sambor-2026", "norm-gifta-2026"),
    ("child.0", "2026-01"): ("barn-fodd-i-ar-lunch-hemma", "lunch-okand-spadbarn"),
    ("child.1-2", "2026-01"): ("barn-ett-ar-lunch-hemma", "barn-sista-dagen-som-tva"),
    ("child.3", "2026-01"): ("barn-tre-ar-lunch-hemma",),
    ("child.4-6", "2026-01"): ("barn-fyra-ar-lunch-hemma", "lunch-okand-sex-ar"),
    ("child.7-10", "2026-01"): ("barn-sju-ar", "barn-tio-ar", "barn-inkomst-precis-normen"),
    ("child.11-14", "2026-01"): ("barn-elva-ar", "barn-fjorton-ar"),
    ("child.15-18", "2026-01"): ("barn-femton-ar", "barn-arton-ar-okand-skola"),
    ("child.19-20", "2026-01"): ("barn-nitton-ar-i-skolan", "barn-okand-alder"),
    ("child_without_lunch.0", "2026-01"): ("barn-fodd-i-ar-lunch-borta",),
    ("child_without_lunch.1-2", "2026-01"): ("barn-ett-ar-lunch-borta",),
    ("child_without_lunch.3", "2026-01"): ("barn-tre-ar-lunch-borta",),
    ("child_without_lunch.4-6", "2026-01"): ("barn-sex-ar-lunch-borta",),
    ("common.1", "2026-01"): ("norm-ensam-2026",),
    ("common.2", "2026-01"): ("norm-sambor-2026",),
    ("common.3", "2026-01"): ("hushall-som-forra-manaden",),
    ("common.4", "2026-01"): ("norm-fyra-personer",),
    ("common.5", "2026-01"): ("norm-fem-personer",),
    ("common.6", "2026-01"): ("norm-sex-personer", "norm-atta-personer"),
    ("common.7", "2026-01"): ("norm-sju-personer", "norm-nio-personer"),
    ("adult.single", "2025-07"): ("norm-ensam-december-2025",),
    ("adult.sambo", "2025-07"): ("norm-sambor-juli-2025",),
    ("common.1", "2025-07"): ("norm-ensam-december-2025",),
    ("common.2", "2025-07"): ("norm-sambor-juli-2025",),
    **{(f"child.{band}", "2025-07"): (FAMILY_2025,) for band in ("0", "1-2", "3", "4-6", "7-10", "11-14", "15-18", "19-20")},
    ("common.7", "2025-07"): (FAMILY_2025,),
    ("adult.single", "2025-01"): ("norm-forsta-manaden-med-belopp",),
    ("adult.sambo", "2025-01"): ("norm-sambor-juni-2025",),
    ("common.1", "2025-01"): ("norm-forsta-manaden-med-belopp",),
    ("common.2", "2025-01"): ("norm-sambor-juni-2025",),
    ("common.3", "2025-01"): ("jobb-enligt-den-gamla-lagen",),
    ("child.7-10", "2025-01"): ("jobb-enligt-den-gamla-lagen",),
    **{(f"child_without_lunch.{band}", "2025-01"): (SMALL_CHILDREN_2025,) for band in ("0", "1-2", "3", "4-6")},
    ("common.6", "2025-01"): (SMALL_CHILDREN_2025,),
}
STEPS: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("rent, one person, less", "1: 6500", "1: 6499", ("kostnad-hyra-vid-beloppet",)),
    ("rent, one person, more", "1: 6500", "1: 6501", ("kostnad-hyra-over-beloppet",)),
    ("rent, two persons", "2: 7500", "2: 7499", ("kostnad-hyra-tva-personer",)),
    ("rent, three persons, less", "3: 8200", "3: 8199", ("kostnad-hyra-tre-personer",)),
    ("rent, three persons, more", "3: 8200", "3: 8201", ("kostnad-hyra-tre-personer-over",)),
    ("electricity, one person", "1: 400", "1: 399", ("kostnad-el-vid-beloppet",)),
    ("electricity, two persons", "2: 550", "2: 549", ("kostnad-el-tva-personer",)),
    ("home insurance, less", "cap: 250", "cap: 249", ("kostnad-hemforsakring-som-forut",)),
    ("home insurance, more", "cap: 250", "cap: 251", ("kostnad-hemforsakring-over",)),
    ("a-kassa, less", "cap: 200", "cap: 199", ("kostnad-avgifter-vid-beloppen",)),
    ("a-kassa, more", "cap: 200", "cap: 201", ("kostnad-avgifter-over-beloppen",)),
    ("union, less", "cap: 400", "cap: 399", ("kostnad-avgifter-vid-beloppen",)),
    ("union, more", "cap: 400", "cap: 401", ("kostnad-avgifter-over-beloppen",)),
    ("travel, less", "cap: 1000", "cap: 999", ("kostnad-avgifter-vid-beloppen",)),
    ("travel, more", "cap: 1000", "cap: 1001", ("kostnad-avgifter-over-beloppen",)),
    ("internet", "cap: 300, proof: not_needed", "cap: 301, proof: not_needed", ("livsforing-bredband-over",)),
    ("childcare, less", "cap: 1800", "cap: 1799", ("livsforing-barnomsorg",)),
    ("childcare, more", "cap: 1800", "cap: 1801", ("livsforing-barnomsorg-over",)),
    ("medicine", "cap: 300, proof: needed", "cap: 301, proof: needed", ("livsforing-medicin-over-beloppet",)),
    ("doctor, less", "cap: 450", "cap: 449", ("livsforing-lakarvard-med-underlag",)),
    ("doctor, more", "cap: 450", "cap: 451", ("livsforing-lakarvard-over-beloppet",)),
    ("need may differ, less", "{value: 2000,", "{value: 1999,", ("resultat-behov-tva-tusen-mer",)),
    ("need may differ, more", "{value: 2000,", "{value: 2001,", ("resultat-behov-ett-ore-till", "resultat-behov-tva-tusen-mindre")),
    ("need limit, less", "{value: 20000,", "{value: 19999,", ("resultat-behov-vid-gransen",)),
    ("need limit, more", "{value: 20000,", "{value: 20001,", ("resultat-behov-over-gransen",)),
    ("same income, less", '{value: 1, source: "Påhittade riktlinjer 2.7"', '{value: 0, source: "2.7"', ("dubbel-underhall-en-krona-mer",)),
    (
        "same income, more",
        '{value: 1, source: "Påhittade riktlinjer 2.7"',
        '{value: 2, source: "2.7"',
        ("dubbel-underhall-mer-an-en-krona",),
    ),
    ("threshold, less", "{value: 12,", "{value: 11,", ("kostnad-el-hojd-precis-tolv-procent", "inkomst-sankt-precis-tolv-procent")),
    ("threshold, more", "{value: 12,", "{value: 13,", ("kostnad-el-hojd-ett-ore-mer", "inkomst-hojd-ett-ore-mer")),
    ("month complete, earlier", "{value: 28,", "{value: 27,", ("manad-oppen-den-tjugosjunde",)),
    ("month complete, later", "{value: 28,", "{value: 29,", ("manad-komplett-den-tjugoattonde",)),
    ("recently closed, less", "{value: 30,", "{value: 29,", ("historik-avslutat-trettio-dagar",)),
    ("recently closed, more", "{value: 30,", "{value: 31,", ("historik-avslutat-trettioen-dagar",)),
]


@pytest.fixture(scope="module")
def book() -> Rulebook:
    """The rulebook as it is."""
    return load_rulebook(GUIDELINES)


@pytest.fixture
def the_rest_read_already(book: Rulebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read again only the file that has changed: the others would give the same."""
    monkeypatch.setattr(rulebook, "read_words", lambda: book.words)
    monkeypatch.setattr(rulebook, "read_catalogue", lambda: book.flags)


def with_parameters(folder: Path, book: Rulebook, monkeypatch: pytest.MonkeyPatch) -> Rulebook:
    """Load the rulebook with the parameters of another folder."""
    monkeypatch.setattr(rulebook, "read_guidelines", lambda _: book.guidelines)
    monkeypatch.setattr(rulebook, "read_law_parameters", lambda: read_law_parameters(folder))
    return load_rulebook(GUIDELINES)


def with_guidelines(path: Path, book: Rulebook, monkeypatch: pytest.MonkeyPatch) -> Rulebook:
    """Load the rulebook with other guidelines."""
    monkeypatch.setattr(rulebook, "read_law_parameters", lambda: book.law)
    return load_rulebook(path)


def one_krona_more(folder: Path, file: str, row: str) -> Path:
    """Copy the parameters with one value of one file a krona higher; `row` is a pattern of what stands before the value."""
    shutil.copytree(FOLDER, folder)
    text = (FOLDER / file).read_text("utf-8")
    found = re.compile(rf"(?m){row}(\d+)").search(text)
    assert found is not None, f"{file} has no {row}"
    (folder / file).write_text(f"{text[: found.start(1)]}{int(found[1]) + 1}{text[found.end(1) :]}", "utf-8")
    return folder


def norm_row(name: str) -> str:
    """Return the pattern of one row of a norm file, by the row's name."""
    table, row = name.split(".")
    return rf"^{table}: .*[{{ ]{row}: "


@pytest.mark.parametrize(("name", "since", "ids"), [(*key, ids) for key, ids in RIKSNORM.items()], ids=[" ".join(key) for key in RIKSNORM])
def test_one_krona_more_in_the_norm_is_noticed(
    *, name: str, since: str, ids: tuple[str, ...], book: Rulebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = one_krona_more(tmp_path / "parameters", f"riksnorm/{since}.yaml", norm_row(name))
    other = with_parameters(folder, book, monkeypatch)

    for id_ in ids:
        assert not outcome(BY_ID[id_], book), id_
        assert outcome(BY_ID[id_], other), f"{id_} does not notice a krona more"
        before, after = assessed(BY_ID[id_], book).receipt, assessed(BY_ID[id_], other).receipt
        assert (before.facts, before.guidelines) == (after.facts, after.guidelines)
        assert before.parameters != after.parameters
        assert before.rulebook != after.rulebook


def test_every_amount_of_2026_has_a_scenario_that_notices_a_krona() -> None:
    assert {f"riksnorm.{name}" for name, since in RIKSNORM if since == "2026-01"} == set(NORM_NAMES)


@pytest.mark.parametrize(("name", "old", "new", "ids"), STEPS, ids=[row[0] for row in STEPS])
def test_one_step_in_a_guideline_is_noticed(
    *, name: str, old: str, new: str, ids: tuple[str, ...], book: Rulebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = with_guidelines(changed(GUIDELINES, tmp_path / "riktlinjer.yaml", old, new), book, monkeypatch)

    for id_ in ids:
        assert not outcome(BY_ID[id_], book), id_
        assert outcome(BY_ID[id_], other), f"{id_} does not notice: {name}"
        before, after = assessed(BY_ID[id_], book).receipt, assessed(BY_ID[id_], other).receipt
        assert (before.facts, before.parameters) == (after.facts, after.parameters)
        assert before.guidelines != after.guidelines
        assert before.rulebook != after.rulebook


def test_a_krona_more_in_prisbasbelopp_changes_the_receipt_though_a_childs_pay_is_left_blank(
    book: Rulebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = BY_ID["barn-arbete-ungdom"]
    folder = one_krona_more(tmp_path / "parameters", "sol.yaml", r"^    2026-01: \{value: ")
    other = with_parameters(folder, book, monkeypatch)

    assert not outcome(scenario, other)
    assert assessed(scenario, book).receipt.rulebook != assessed(scenario, other).receipt.rulebook
