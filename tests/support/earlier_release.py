"""The program as it was before the newest change of its tables, from this repository's own history."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import Town, change

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = "queue/workqueue/migrations/versions"
PARTS = ("robot", "connectors", "rules", "queue", "config.yaml")
_LIMIT_S = 240
_WRITE_CONFIG = """
import sys
from datetime import date
from pathlib import Path
from robot.demo import _write_config
folder, registers, case_system, today = sys.argv[1:]
_write_config(Path(folder), registers=registers, case_system=case_system, today=date.fromisoformat(today), day_length_s=None)
"""


def earlier_release(folder: Path) -> Path:
    """Put the program as it was before the newest migration in a folder; skip when there is no history here that has it."""
    commit = _before_the_newest_migration()
    if commit is None:
        pytest.skip("an earlier program comes from git's history, which is not here")
    packed = _git("archive", "--format=tar", commit, *PARTS)
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(folder, filter="data")
    return folder


def environment(release: Path) -> Mapping[str, str]:
    """Return what makes Python take the program from there."""
    return {"PYTHONPATH": f"{release}:{release / 'queue'}"}


def config_of(release: Path, running: Town, today: str) -> Path:
    """Write a configuration that the earlier program understands, for the same town and the same database."""
    folder = running.demo.folder / "earlier"
    folder.mkdir()
    addresses = (running.demo.registers_url, running.demo.case_system_url)
    command = [sys.executable, "-c", _WRITE_CONFIG, str(folder), *addresses, today]
    subprocess.run(command, check=True, timeout=_LIMIT_S, env=dict(environment(release)), cwd=release)
    now: dict[str, Any] = yaml.safe_load(running.demo.config.read_text(encoding="utf-8"))
    database = str(now["storage"]["database"])
    place = database if "://" in database else str(running.demo.folder / database)
    config = folder / "config.yaml"
    change(config, {"storage": {"database": place, "key_file": str(running.demo.folder / "master.key")}})
    return config


def _before_the_newest_migration() -> str | None:
    try:
        now = {path.name for path in (ROOT / MIGRATIONS).glob("r*.py")}
        changes = _git("log", "--format=%H", "-n", "20", "--", MIGRATIONS).decode().split()
        for commit in ("HEAD", *(f"{one}^" for one in changes)):
            then = {Path(name).name for name in _git("ls-tree", "--name-only", commit, f"{MIGRATIONS}/").decode().split()}
            then = {name for name in then if name.startswith("r")}
            if then and then < now:
                return commit
    except (OSError, subprocess.CalledProcessError):
        return None
    return None


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, timeout=_LIMIT_S).stdout
