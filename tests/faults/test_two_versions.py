"""The program of the last change of tables and today's on one database for a while: nothing is lost or doubled, whoever gives way."""

from __future__ import annotations

import contextlib
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from earlier_release import MIGRATIONS, config_of, earlier_release, environment
from fault_checks import OF_A_DAEMON, codes, events, has_ended, not_pulled, nothing_lost_doubled_or_stuck
from harness import TODAY, Town, change, wait_for
from killing import robot

from workqueue import versions

pytestmark = pytest.mark.xdist_group("two-versions")

CASES = 40
MAY_REFUSE = {"QUE-020", "QUE-021"}
"""A program that does not know the tables says so, and does nothing."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The earlier program."""
    return earlier_release(tmp_path_factory.mktemp("earlier"))


def test_an_upgrade_under_a_running_robot_of_the_earlier_version_harms_nothing(towns: Any, release: Path) -> None:
    """The earlier robot works; the tables are brought up; today's robot works beside it; then the earlier one is told to stop."""
    running: Town = towns(CASES, {"work": {"cases_in_flight": 3}})
    config = config_of(release, running, TODAY.isoformat())
    change(config, {"work": {"lease_s": 2, "cases_in_flight": 2, "try_again_first_s": 0.2}, "schedule": {"pull_lease_s": 1}})
    running.registers("POST", "/admin/faults", json={"kind": "slow", "delay_s": 1.0})
    with robot(running.demo, "run", config=config, environment=environment(release), folder=release) as earlier:
        wait_for(lambda: _finished(running) > 2 or earlier.poll() is not None, what="the earlier robot's first cases")
        assert earlier.poll() is None, running.tail()
        with robot(running.demo, "db", "upgrade") as upgrade:
            assert upgrade.wait(60) == 0, running.tail()
        before = _finished(running)
        assert before < CASES - 8, "the earlier robot was done before the upgrade"
        running.demo.arrive(5)
        with contextlib.suppress(AssertionError):
            wait_for(lambda: _finished(running) > before + 4 or earlier.poll() is not None, within_s=10)
        running.registers("DELETE", "/admin/faults")
        with running.running() as today:
            wait_for(lambda: has_ended(running) and not not_pulled(running), what="every case at rest")
            assert today.poll() is None
            if earlier.poll() is None:
                earlier.send_signal(signal.SIGTERM)
                assert earlier.wait(30) == 0, running.tail()
            else:
                assert earlier.poll() == 1, running.tail()
    # What the earlier program had of bugs, since mended, may show in its log.
    nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON, bugs=True)
    assert not {code for code in codes(running) if code.startswith("QUE")} - MAY_REFUSE - {"QUE-001", "QUE-010", "QUE-011"}


def test_the_earlier_program_started_on_todays_tables_works_if_they_let_it_in_and_else_refuses_and_changes_nothing(
    towns: Any, release: Path, tmp_path: Path
) -> None:
    running: Town = towns(4)
    config = config_of(release, running, TODAY.isoformat())
    running.run_once()
    shutil.move(running.demo.log, tmp_path / "before")
    with robot(running.demo, "run", "--once", config=config, environment=environment(release), folder=release) as earlier:
        code = earlier.wait(60)
    if _let_in(running, release):
        assert code == 0, running.tail()
        assert events(running)["daemon.started"] == 1
    else:
        assert code == 1
        assert codes(running) & MAY_REFUSE, running.tail()
        assert events(running)["daemon.started"] == 0
        running.run_once()
    nothing_lost_doubled_or_stuck(running, bugs=True)


def _let_in(running: Town, release: Path) -> bool:
    """Say whether today's tables are said to bear the earlier program."""
    newest = max(path.name.partition("_")[0][1:] for path in (release / MIGRATIONS).glob("r*_*.py"))
    oldest = versions(running.demo.settings().storage.database).oldest
    return oldest is not None and oldest <= newest


def _finished(running: Town) -> int:
    return events(running)["case.finished"] if running.demo.log.exists() else 0
