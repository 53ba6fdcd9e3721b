"""Run the robot in a town with something done to it: killed at a point, on a disk that fails, on limits of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from robot.demo import DemoWorld

_WITH_A_HOLE = Path(__file__).with_name("killing_robot.py")
_STOP_LIMIT_S = 120.0


@contextlib.contextmanager
def robot(
    demo: DemoWorld,
    *command: str,
    program: Sequence[str] = (sys.executable, "-m", "robot"),
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    at_start: Callable[[], None] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of the robot on a town's configuration, its log in the town's; end it when the block ends."""
    with demo.log.open("ab") as log, (demo.folder / "robot.err").open("ab") as errors:
        process = subprocess.Popen(
            [*program, *command, "-c", str(config or demo.config)],
            stdin=subprocess.DEVNULL,
            stdout=log if command[0] == "run" else errors,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            preexec_fn=at_start,  # noqa: PLW1509  limits are to bind the robot alone; nothing else runs in between
        )
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process with SIGTERM, and with SIGKILL when it does not listen."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def killed_at(demo: DemoWorld, point: str, nth: int = 1, *command: str, within_s: float = 240) -> bool:
    """Run `run --once`, or another command, until it passes a point for the n-th time; return whether it was killed there."""
    with robot(demo, *(command or ("run", "--once")), program=(sys.executable, str(_WITH_A_HOLE), f"{point}:{nth}")) as process:
        return process.wait(within_s) == -signal.SIGKILL
