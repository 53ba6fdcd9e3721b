"""Workers in their own processes, for tests that kill them. Run: python -m tests.queue.queue_worker FOLDER [ADDRESS]

One process loads the program and then, for each line on its standard input, forks a worker, prints its process id, waits for it and
prints how it ended. A line is `claim`, `work` or `together`, and for the last two the step at which the worker kills itself
with SIGKILL (0 = never).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from workqueue import AuditEvent, Claimed, EffectDone, MasterKey, NewEffect, PostgresAddress, StaleLease, State, WorkQueue
from workqueue.database import Place

CLAIM_LEASE_S = 60.0
WORK_LEASE_S = 0.5
BATCH = 3
TOGETHER = 4
KINDS = ("recommendation", "document", "warning")
_PAUSE_S = 0.02
_TOGETHER_S = 120.0


class RealClock:
    """Both times are the machine's."""

    def now(self) -> datetime:
        """Return the time now."""
        return datetime.now(UTC)

    def machine_s(self) -> float:
        """Return seconds since 1970."""
        return time.time()


def place(folder: Path) -> Place:
    """Return where the queue is: on the server whose address was given, else in the folder."""
    return PostgresAddress.parse(sys.argv[2]) if len(sys.argv) > 2 else folder / "queue.db"


class Worker:
    """Does what the robot does with a case."""

    def __init__(self, folder: Path, die_at: int) -> None:
        key = MasterKey.load(folder / "master.key")
        self.queue = WorkQueue.open(place(folder), key=key, clock=RealClock())
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

    def work_together(self) -> None:
        """Take all cases there is a lease for through the queue together, and note in a file what is done once it is said to be."""
        dialect = self.queue._db._writes.dialect  # type: ignore[attr-defined]  # both kinds have it
        commit = dialect.do_commit

        def counted(connection: object) -> None:
            self._step()
            commit(connection)
            self._step()

        dialect.do_commit = counted
        while self.queue.unfinished():
            self.queue.release_expired()
            cases = self.queue.claim(f"worker-{os.getpid()}", TOGETHER, WORK_LEASE_S)
            with self.queue.group():
                for case in cases:
                    if case.state is State.ASSESSING:
                        self._finish(case)
                        self._step()
            self._note("finished", cases)
            with self.queue.group():
                for case in cases:
                    written = [EffectDone(effect.key, "reference") for effect in self.queue.pending_effects(case)]
                    self.queue.end(case, State.DELIVERED, [AuditEvent("case.delivered")], done=written)
                    self._step()
            self._note("ended", cases)
            if not cases:
                time.sleep(_PAUSE_S)

    def _note(self, what: str, cases: list[Claimed]) -> None:
        with (self._outside.parent / "told").open("a", encoding="utf-8") as file:
            file.writelines(f"{what} {case.case_ref}\n" for case in cases)

    def _finish(self, case: Claimed) -> None:
        effects = [NewEffect(f"{case.case_id}:{case.version}:{kind}:{case.run}", kind) for kind in KINDS]
        self.queue.finish(case, "ok", {"case": case.case_id}, effects, [AuditEvent("case.assessed")])

    def _take(self, case: Claimed) -> None:
        if case.state is State.ASSESSING:
            self._finish(case)
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


def _claim_all(folder: Path) -> list[str]:
    """Claim until nothing is left, beginning together with one other worker; return what was claimed."""
    worker = Worker(folder, 0)
    (folder / f"here-{os.getpid()}").touch()
    limit = time.monotonic() + _TOGETHER_S
    while len(list(folder.glob("here-*"))) < 2:
        if time.monotonic() > limit:
            raise TimeoutError("the other worker did not come")
        time.sleep(_PAUSE_S / 10)
    claimed: list[str] = []
    while got := worker.queue.claim(f"worker-{os.getpid()}", BATCH, CLAIM_LEASE_S):
        claimed += [case.case_id for case in got]
    return claimed


def _begin(folder: Path, what: str, step: int) -> int:
    """Fork a worker and return its process id."""
    pid = os.fork()
    if pid:
        return pid
    if what == "claim":
        (folder / f"claimed-{os.getpid()}").write_text("\n".join(_claim_all(folder)), encoding="utf-8")
    elif what == "together":
        Worker(folder, step).work_together()
    else:
        Worker(folder, step).work()
    os._exit(0)


def main() -> None:
    """Fork a worker for each line."""
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        what, step = line.split()
        pid = _begin(folder, what, int(step))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
