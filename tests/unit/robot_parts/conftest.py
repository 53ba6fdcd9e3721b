"""A robot on fakes, for the tests of its parts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from robot.database import Database
from robot.demo import DEMO_GUIDELINES, default_config
from robot.settings import Settings, load
from rules import Rulebook, load_rulebook
from rules.facts import CaseFile
from tests.unit.robot_parts.fakes import CASE, FakeCase, FakeCaseSystem, FakeClock, FakeRegisters, Robot
from workqueue import MasterKey, WorkQueue, upgrade

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "case-complete.json"


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    """Return the demo municipality's rule book."""
    return load_rulebook(DEMO_GUIDELINES)


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Return the documented default."""
    return load(default_config())


@pytest.fixture(scope="session")
def standard() -> CaseFile:
    """Return the example that is a standard renewal, with no personal data of anybody real in it."""
    return CaseFile.model_validate_json(EXAMPLE.read_bytes())


@pytest.fixture(scope="session")
def empty_queue(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MasterKey]:
    """Make an empty database and its key once."""
    folder = tmp_path_factory.mktemp("empty")
    key = MasterKey.load_or_create(folder / "master.key")
    upgrade(folder / "queue.db", key=key)
    return folder / "queue.db", key


@pytest.fixture
def make_robot(
    tmp_path: Path, settings: Settings, rulebook: Rulebook, standard: CaseFile, empty_queue: tuple[Path, MasterKey]
) -> Iterator[Callable[[], Robot]]:
    """Return a maker of robots with one standard renewal in the case system."""
    made: list[Robot] = []

    def make() -> Robot:
        clock = FakeClock()
        path = tmp_path / f"queue-{len(made)}.db"
        shutil.copyfile(empty_queue[0], path)
        case_system = FakeCaseSystem()
        case_system.cases[CASE] = FakeCase(standard)
        registers = FakeRegisters(standard.registers, clock)
        database = Database(WorkQueue.open(path, key=empty_queue[1], clock=clock))
        made.append(Robot(settings, rulebook, clock, case_system, registers, database, standard))
        return made[-1]

    yield make
    for one in made:
        one.database.close()


@pytest.fixture
def robot(make_robot: Callable[[], Robot]) -> Robot:
    """Return a robot with one standard renewal in the case system."""
    return make_robot()
