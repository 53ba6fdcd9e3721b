"""A disk that fails on order, for tests: the robot's process is started with a library that stands between it and the system."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

_SOURCE = Path(__file__).with_name("faulty_disk.c")
_COMPILE_LIMIT_S = 240


class FaultyDisk:
    """The order for one robot's database, and the environment to start that robot with."""

    def __init__(self, folder: Path, *, files: str) -> None:
        self._order = folder / "disk-order"
        self._files = files
        self._library = folder / "faulty_disk.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if platform.system() != "Linux" or compiler is None:
            pytest.skip("a disk that fails takes Linux and a C compiler")
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(_SOURCE), "-ldl"]
        subprocess.run(command, check=True, timeout=_COMPILE_LIMIT_S)

    def environment(self) -> Mapping[str, str]:
        """Return what the robot's process is to be started with."""
        return {"LD_PRELOAD": str(self._library), "FAULTY_FILES": self._files, "FAULTY_ORDER": str(self._order)}

    def fail(self, order: str) -> None:
        """Let the disk do as ordered from now on; the words are in faulty_disk.c."""
        new = self._order.with_suffix(".new")
        new.write_text(order, encoding="ascii")
        new.replace(self._order)

    def mend(self) -> None:
        """Let the disk be sound."""
        self._order.unlink(missing_ok=True)
