"""Each source failing in turn: what depends on it is blank with the reason, the rest is computed, and nothing becomes zero."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Town, town

from rules.assessment import Assessment, Outcome

pytestmark = pytest.mark.xdist_group("sources")

CASES = 18
HOLD_INCOMES = {"FK", "PM", "SO", "CSN"}


@pytest.fixture(scope="module")
def normal(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Assessment]:
    """The assessments when every source answers."""
    with town(tmp_path_factory.mktemp("normal"), cases=CASES) as running:
        running.run_once()
        return running.assessments()


@pytest.fixture(params=["FK", "PM", "SO", "CSN", "AF", "SKV", "TNS", "MIV"])
def failing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Town]]:
    """A municipality where one source answers nobody."""
    with town(tmp_path_factory.mktemp("failing"), cases=CASES) as running:
        running.registers("POST", "/admin/faults", json={"kind": "error", "source": request.param})
        running.run_once()
        yield request.param, running


def test_a_silent_source_leaves_a_blank_and_the_rest_is_computed(failing: tuple[str, Town], normal: dict[str, Assessment]) -> None:
    source, running = failing
    compared = 0
    for case_id, result in running.assessments().items():
        before = normal.get(case_id)
        if before is None:  # it rests for its incomes while every source answers
            continue
        if result.outcome in (Outcome.STOP, Outcome.URGENT) or before.outcome in (Outcome.STOP, Outcome.URGENT):
            continue
        compared += 1
        assert result.proposal is None
        assert any(flag.code == "register.unavailable" and flag.key.endswith(f".{source}") for flag in result.flags)
        blanks = {line.key: line for line in result.lines if line.blank}
        for person in {check.person for check in result.checks}:
            if source in HOLD_INCOMES:
                blank = blanks[f"income.{source}.{person}"].blank
                assert blank is not None
                assert blank.reason == "register.unavailable"
                assert blank.high is None
        assert (result.span is not None and result.span.lowest is None) or source not in HOLD_INCOMES
        same = {line.key: line.amount for line in before.lines if line.amount is not None}
        for line in result.lines:
            if line.amount is not None and line.key in same:
                assert line.amount == same[line.key], f"{line.key} changed because {source} was silent"
            assert not (line.section == "income" and line.amount == 0), f"{line.key} became zero"
    assert compared >= CASES / 2


def test_when_nobody_can_say_whether_a_person_is_protected_the_case_is_handed_over(tmp_path_factory: pytest.TempPathFactory) -> None:
    with town(tmp_path_factory.mktemp("nobody"), cases=6) as running:
        running.registers("POST", "/admin/faults", json={"kind": "http_500", "path_contains": "/ssbtek"})
        running.run_once()
        outcomes = {result.outcome for result in running.assessments().values()}
    assert outcomes <= {Outcome.STOP, Outcome.URGENT}
