"""The Dockerfile's steps on a root file system of their own, and the robot started from what they made as docs/operations.md says.

Takes minutes, root, `mmdebstrap` and Debian's mirror, so it is run when it is asked for: CONTAINER=1 pytest tests/deploy/test_container.py
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from container import Image, base, build, container, ran_once
from fault_checks import OF_A_DAEMON, events, nothing_lost_doubled_or_stuck
from harness import change, town, wait_for

CASES = 8
STATE = "/var/lib/bistandsrobot"
CONFIG = "/etc/bistandsrobot"
ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.xdist_group("install"),
    pytest.mark.skipif(not os.environ.get("CONTAINER"), reason="asked for by CONTAINER=1"),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None or os.geteuid() != 0, reason="takes mmdebstrap, and root"),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """What the Dockerfile makes. A base that was made before stands where CONTAINER says."""
    folder = tmp_path_factory.mktemp("container")
    there = Path(os.environ["CONTAINER"])
    yield build(folder, there if there.is_dir() else base(folder))
    shutil.rmtree(folder, ignore_errors=True)


def own(folder: Path, user: int) -> Path:
    """Give a folder to the container's user, as `install -d -o` does."""
    folder.mkdir(mode=0o750)
    os.chown(folder, user, user)
    return folder


def test_the_image_prepares_a_town_on_a_read_only_root_without_rights(image: Image, tmp_path: Path) -> None:
    user = int(image.user.partition(":")[0])
    etc, state = own(tmp_path / "etc", user), own(tmp_path / "state", user)
    binds = {etc: CONFIG, state: STATE}
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = int(asked.getsockname()[1])
    with town(tmp_path / "town", cases=CASES) as running:
        demo = running.demo
        answers = ["--name", "Exempelkommun", "--code", "2281", "--namespace", "DRAKEL", "--organisation-number", "162120000001"]
        answers += ["--case-system-url", demo.case_system_url, "--party-url", f"{demo.case_system_url}/party"]
        answers += ["--ssbtek-url", f"{demo.registers_url}/ssbtek", "--actor-id", "exempelkommun"]
        ran_once(image, "init", *answers, "--yes", binds=binds)
        (etc / "guidelines.yaml").write_bytes((ROOT / "rules/guidelines/exempelkommun.yaml").read_bytes())
        theirs = yaml.safe_load(demo.config.read_text(encoding="utf-8"))
        change(etc / "config.yaml", {name: theirs[name] for name in ("world", "schedule", "work")} | {"health": {"port": port}})
        assert "NOT OK" not in ran_once(image, "check", binds=binds)

        with container(image, demo.log, binds) as robot:
            wait_for(lambda: robot.ran(*image.health).returncode == 0, what="health")
            wait_for(lambda: _at_rest(json.loads(robot.ran(*image.program, "status", "--json").stdout)), what="every case at rest")
            _is_held(robot.process, user)
            assert robot.stopped(within_s=60) == 0
        assert events(running)["daemon.stopped"] == 1
        for kept in state.iterdir():
            shutil.copyfile(kept, demo.folder / kept.name)
        shutil.copyfile(etc / "master.key", demo.folder / "master.key")
        nothing_lost_doubled_or_stuck(running, at_rest=OF_A_DAEMON)


def _at_rest(status: dict[str, dict[str, int]]) -> bool:
    counts = status["counts"]
    return sum(counts.values()) == CASES == sum(counts.get(state.value, 0) for state in OF_A_DAEMON)


def _is_held(process: int, user: int) -> None:
    """Fail unless it is an ordinary user without rights, and can write in its own folder and in /tmp alone."""
    about = Path(f"/proc/{process}")
    status = dict(line.split(":", 1) for line in (about / "status").read_text(encoding="utf-8").splitlines())
    assert status["Uid"].split() == [str(user)] * 4
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    mounts = [line.split() for line in (about / "mountinfo").read_text(encoding="utf-8").splitlines()]
    (root,) = [one for one in mounts if one[4] == "/"]
    assert "ro" in root[5].split(",") + root[-1].split(",")
