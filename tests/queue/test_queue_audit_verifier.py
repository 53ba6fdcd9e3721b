"""The verifier in docs knows nothing of the program, and finds what it should in a real database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.queue.queue_bench import FakeClock, pulled
from tests.queue.queue_stores import SqliteStore

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_audit.py"
LONGEST = 38


def _verify(*arguments: Path) -> tuple[int, list[str]]:
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert answer.stderr == ""
    return answer.returncode, answer.stdout.splitlines()


def test_the_verifier_finds_a_whole_audit_whole_and_names_what_was_done_to_another(sqlite: SqliteStore, tmp_path: Path) -> None:
    queue = sqlite.open(FakeClock())
    queue.add_many([pulled(f"case-{number}") for number in range(6)])
    head = queue.audit_head()
    queue.close()
    assert head is not None
    heads = tmp_path / "heads"
    heads.write_text(f"{head.seq} {head.hash} {head.at.isoformat()}\n", encoding="ascii")
    assert _verify(sqlite.path, heads) == (0, ["The audit is whole."])

    with sqlite.raw() as raw:
        raw.exec_driver_sql("DROP TRIGGER events_no_update")
        raw.exec_driver_sql("DROP TRIGGER events_no_delete")
        raw.exec_driver_sql("UPDATE events SET what = 'nothing' WHERE seq = 2")
        raw.exec_driver_sql("DELETE FROM events WHERE seq IN (4, 6)")
    assert _verify(sqlite.path, heads) == (
        1,
        [
            "event 2 is changed, exchanged or put in",
            "event 4 is missing before event 5",
            "event 5 is changed, exchanged or put in",
            "event 6 was kept as a head and is not there",
        ],
    )


def test_the_verifier_is_short_enough_to_be_read_and_uses_nothing_of_the_program() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert {line for line in text.splitlines() if line.startswith(("import", "from"))} == {
        "import hashlib",
        "import sqlite3",
        "import sys",
        "from datetime import datetime",
    }
