"""What a supplier gets to see: what helps, and only what is known to be harmless."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from robot.cli.incident import _store
from robot.demo import default_config
from robot.incident import LEFT_OUT, problems_in
from robot.settings import load
from workqueue import MasterKey, WorkQueue


def shown(**line: Any) -> dict[str, Any]:
    """Return what is let in of a line of the log."""
    ((found,), _odd) = problems_in([json.dumps({"level": "error", "event": "something.happened"} | line)])
    return found


@pytest.mark.parametrize("figure", ["proposal.BIFALL", "flag.cost.rent_over_cap", "average.need", "blank", "handed_over"])
def test_why_the_robot_paused_itself_is_told(figure: str) -> None:
    line = {"figure": figure, "before": 12, "now": 61, "code": "BOT-022"}
    assert shown(**line).items() >= line.items()


@pytest.mark.parametrize("line", [{"number": 2, "times": 4, "exit_code": -9}, {"register": "ssbtek", "code": "NET-004"}])
def test_which_worker_died_how_and_which_register_is_silent_is_told(line: dict[str, Any]) -> None:
    assert shown(**line).items() >= line.items()


@pytest.mark.parametrize("line", [{"figure": "Anna Andersson"}, {"figure": "flag.199001012385"}, {"register": "https://registers.example"}])
def test_what_has_another_look_is_left_out(line: dict[str, str]) -> None:
    assert list(shown(**line).values()).count(LEFT_OUT) == 1


@pytest.mark.parametrize("line", [{"before": "12 kr"}, {"now": 199001012385}, {"times": True}, {"exit_code": [1]}])
def test_what_is_no_plain_figure_is_no_figure(line: dict[str, Any]) -> None:
    assert not shown(**line).keys() & line.keys()


def test_the_size_of_the_database_is_that_of_its_log_too(tmp_path: Path, empty_queue: tuple[Path, MasterKey]) -> None:
    settings = load(default_config())
    key = tmp_path / "master.key"
    key.write_bytes((empty_queue[0].parent / "master.key").read_bytes())
    key.chmod(0o600)
    place = tmp_path / "queue.db"
    place.write_bytes(empty_queue[0].read_bytes())
    settings = settings.model_copy(update={"storage": settings.storage.model_copy(update={"database": place, "key_file": key})})
    with_log = WorkQueue.open(place, key=MasterKey.load_or_create(key), clock=settings.clock())
    try:
        with_log.pause(None, "wrong amount", "kim")
        written = place.with_name("queue.db-wal").stat().st_size
        assert written > 0
        assert _store(settings)["bytes"] >= place.stat().st_size + written
    finally:
        with_log.close()
