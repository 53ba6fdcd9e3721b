"""A worker in its own process, for tests that kill it. Run: python -m tests.queue.queue_worker FOLDER claim|work [STEP]

`claim` claims until nothing is left, prints what it got, and waits for a line (or the end of the input) after each claim. `work` takes
cases all the way, with a file for the outside world; with STEP it kills itself with SIGKILL at that step.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from workqueue import AuditEvent, Claimed, MasterKey, NewEffect, StaleLease, State, WorkQueue

CLAIM_LEASE_S = 60.0
WORK_LEASE_S = 0.5
BATCH = 3
KINDS = ("recommendation", "document", "warning")
_PAUSE_S = 0.02


class RealClock:
    """Both times are the machine's."""

    def now(self) -> datetime:
        """Return the time now."""
        return datetime.now(UTC)

    def machine_s(self) -> float:
        """Return seconds since 1970."""
        return time.time()


class Worker:
    """Does what the robot does with a case."""

    def __init__(self, folder: Path, die_at: int | None) -> None:
        key = MasterKey.load(folder / "master.key")
        self.queue = WorkQueue.open(folder / "queue.db", key=key, clock=RealClock())
        self._outside = folder / "outside"
        self._die_at = die_at
        self._steps = 0

    def work(self) -> None:
        """Work until nothing is left, also of what a killed worker had."""
        while self.queue.unfinished():
            self.queue.release_expired()
            claimed = self.queue.claim(f"worker-{os.getpid()}", BATCH, WORK_LEASE_S)
            self._step()
            for case in claimed:
                try:
                    self._take(case)
                except StaleLease:
                    continue
            if not claimed:
                time.sleep(_PAUSE_S)

    def _take(self, case: Claimed) -> None:
        if case.state is State.ASSESSING:
            effects = [NewEffect(f"{case.case_id}:{case.version}:{kind}:{case.run}", kind) for kind in KINDS]
            self.queue.finish(case, "ok", {"case": case.case_id}, effects, [AuditEvent("case.assessed")])
            self._step()
        for effect in self.queue.pending_effects(case):
            found = self._write_outside(effect.key)
            self._step()
            self.queue.receipt(case, effect.key, "reference", found)
            self._step()
        self.queue.end(case, State.DELIVERED, [AuditEvent("case.delivered")])
        self._step()

    def _write_outside(self, key: str) -> bool:
        """Look for the key, and write it only when it is not there; return whether it was."""
        if self._outside.exists() and key in self._outside.read_text(encoding="utf-8").splitlines():
            return True
        with self._outside.open("a", encoding="utf-8") as file:
            file.write(f"{key}\n")
        return False

    def _step(self) -> None:
        self._steps += 1
        if self._steps == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Wait for a line on standard input, then begin."""
    folder, what = Path(sys.argv[1]), sys.argv[2]
    worker = Worker(folder, int(sys.argv[3]) if len(sys.argv) > 3 else None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    if what == "claim":
        while claimed := worker.queue.claim(f"worker-{os.getpid()}", BATCH, CLAIM_LEASE_S):
            sys.stdout.writelines(f"{case.case_id}\n" for case in claimed)
            sys.stdout.flush()
            sys.stdin.readline()
    else:
        worker.work()
    worker.queue.close()


if __name__ == "__main__":
    main()
