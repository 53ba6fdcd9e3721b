"""The master key is exchanged while the robot works: no case notices, and the old key is not needed any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import town, wait_for
from typer.testing import CliRunner

from robot.cli import app
from robot.database import key_place
from workqueue import MasterKeys

CASES = 16

pytestmark = pytest.mark.xdist_group("keys")


def test_the_daemon_goes_on_while_the_master_key_is_exchanged(tmp_path: Path) -> None:
    with town(tmp_path, cases=CASES) as running:
        (old,) = MasterKeys.load(key_place(running.demo.settings())).ids

        def keys(*arguments: str) -> str:
            result = CliRunner().invoke(app, ["keys", *arguments, "-c", str(running.demo.config)])
            assert result.exit_code == 0, result.output
            return result.output

        with running.running() as process:
            wait_for(lambda: len(running.items()) >= CASES // 2, what="the applications are pulled")
            keys("rotate", "--remove-old")
            assert old not in MasterKeys.load(key_place(running.demo.settings())).ids
            assert process.poll() is None, running.tail()
        running.run_once()

        assert len(running.drafts()) >= CASES // 2
        assert not [line for line in running.log() if line["level"] in {"error", "critical"}]
        assert old not in keys("show")
        with running.queue() as opened:
            assert opened.verify_audit().problems == ()
            assert {one.what for one in opened.events("store")} == {"keys.rotation_begun", "keys.rotation_done", "keys.removed"}
        told = CliRunner().invoke(app, ["audit", "export", "store", "-c", str(running.demo.config)])
        assert "keys.removed" in told.output
