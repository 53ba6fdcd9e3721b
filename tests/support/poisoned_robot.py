"""The real program, but for one case that kills the process: `python poisoned_robot.py CASE_ID STEPS run -c config.yaml`.

STEPS = where it kills, with commas between: `prepare` (reading and assessing) and `store` (also when it is only handed over).
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from robot.cli import main
from robot.worker import Worker


def poison(step: str, case_id: str) -> None:
    """Let one step of the worker kill the process for one case."""
    real = getattr(Worker, step)

    async def fatal(self: Worker, claimed: Any, *arguments: Any, **named: Any) -> Any:
        if claimed.case_id == case_id:
            os.kill(os.getpid(), signal.SIGKILL)
        return await real(self, claimed, *arguments, **named)

    setattr(Worker, step, fatal)


if __name__ == "__main__":
    _, the_case, steps, *sys.argv[1:] = sys.argv
    for one in steps.split(","):
        poison(f"_{one}", the_case)
    main()
